/*
 * Match engines: the structures that a compiled list may consist of, one per address family. An
 * engine is immutable once built; any number of threads match on it.
 *
 *   scan      every rule in order; the reference
 *   nibbles   bit vectors of rules, looked up by half octets of the key: short lists
 *   forest    trees of rules that share specific bits, the rest in nibbles: long lists
 */
#ifndef MRI_MATCH_ENGINE_H
#define MRI_MATCH_ENGINE_H

#include "core/alloc.h"
#include "core/rule.h"

#include <libmirror/engine.h>

#define MRI_NO_RULE UINT32_MAX

/* What an engine is built from. */
struct mri_build {
  const struct mri_alloc *alloc;
  const struct mri_match_rule *rules; /* all of one family, in the order of the walk; borrowed */
  const uint32_t *number;             /* by which each is reported: ascending; borrowed */
  uint32_t count;                     /* at least 1 */
  uint32_t family;                    /* 4 or 6 */
  uint32_t isa;                       /* MIRROR_ISA_, not AUTO; available on this machine */
  uint64_t budget;                    /* octets that the engine may occupy */
};

/*
 * Writes to first[i] the number of the first rule that matches key i, or MRI_NO_RULE. keys[i]
 * points to a mirror_key4 or mirror_key6, of any alignment. Any count.
 */
typedef void (*mri_match_fn)(const void *state, const void *const *keys, uint32_t count,
                             uint32_t *first);

struct mri_engine {
  uint32_t structure; /* MIRROR_STRUCTURE_ */
  uint64_t memory;    /* octets */
  void *state;
  mri_match_fn match;
  void (*destroy)(const struct mri_alloc *alloc, void *state);
};

/*
 * Each fills in *engine, or returns MIRROR_E_NOMEM or MIRROR_E_LIST_MEMORY (more than the budget;
 * engine->memory then says how much) with nothing allocated.
 */
int32_t mri_scan_build(const struct mri_build *build, struct mri_engine *engine);
int32_t mri_nibbles_build(const struct mri_build *build, struct mri_engine *engine);
int32_t mri_forest_build(const struct mri_build *build, struct mri_engine *engine);

#endif
