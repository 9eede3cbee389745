/*
 * A bounded memory of first fragments: later fragments of a datagram get the verdict of their first
 * one (M7, if asked for), and those of our own copies are recognised (F1, always).
 */
#ifndef MRI_TAP_FRAGMENTS_H
#define MRI_TAP_FRAGMENTS_H

#include "plan/judge.h"

struct mri_fragment;

struct mri_fragments {
  struct mri_fragment *entries;
  uint32_t sets;  /* a power of two */
  bool track_all; /* M7; else own copies only */
};

/* `entries` 0: own copies only. MIRROR_E_NOMEM. */
int32_t mri_fragments_create(const struct mri_alloc *alloc, struct mri_fragments *fragments,
                             uint32_t entries);
void mri_fragments_free(const struct mri_alloc *alloc, struct mri_fragments *fragments);

/*
 * Between mri_judge and mri_decision_copy: remembers the decision on a first fragment; gives a
 * later one the decision that is remembered, if there is one and it is fresh. Other verdicts than
 * "own" hold under their plan generation alone.
 */
void mri_fragments_apply(struct mri_fragments *fragments, uint64_t generation,
                         const mirror_packet *packet, const struct mri_view *view,
                         struct mri_decision *decision);

#endif
