/* The inside of an explanation (M9). */
#ifndef MRI_PLAN_EXPLAIN_H
#define MRI_PLAN_EXPLAIN_H

#include "plan/judge.h"

struct mirror_explanation {
  mirror_plan *plan; /* a reference: steps and verdict borrow its strings */
  mirror_packet packet;
  mirror_verdict verdict;
  uint32_t inner_whole; /* octets of an uncut copy's inner frame */
  mirror_step *steps;
  uint32_t step_count;
  uint32_t capacity;
  char *text;
  size_t text_length;
  bool failed; /* out of memory on the way */
};

/* Writes e->text from the packet's key, the steps and the verdict. */
void mri_explain_text(mirror_explanation *e, const struct mri_decision *decision,
                      const mirror_key *key);

#endif
