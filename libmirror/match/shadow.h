/*
 * Rules that can never decide, because an earlier one matches all that they match. Found are those
 * whose hiding rule is equal to them but for fields that it leaves open.
 */
#ifndef MRI_MATCH_SHADOW_H
#define MRI_MATCH_SHADOW_H

#include "core/map.h"
#include "core/rule.h"

enum { MRI_OPEN_PATTERNS = 16 };

struct mri_shadow {
  struct mri_map map;              /* rules seen */
  bool pattern[MRI_OPEN_PATTERNS]; /* by which fields are open: such a rule was seen */
};

/* False: out of memory. `count`: how many rules will be shown to it. */
bool mri_shadow_init(struct mri_shadow *shadow, const struct mri_alloc *alloc, uint32_t count);
void mri_shadow_free(struct mri_shadow *shadow);

/* True if an earlier rule hides this one; remembers it (borrows) if not. All of one family. */
bool mri_shadow_hides(struct mri_shadow *shadow, const struct mri_match_rule *rule);

#endif
