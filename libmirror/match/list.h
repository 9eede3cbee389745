/*
 * A compiled rule list: all rules of one source and direction, in the order of the walk (M1).
 * Immutable; any number of threads match on it. The scalar scan is the reference that every
 * faster structure must agree with.
 */
#ifndef MRI_MATCH_LIST_H
#define MRI_MATCH_LIST_H

#include "core/alloc.h"
#include "core/rule.h"

#include <libmirror/packet.h>

#define MRI_NO_RULE UINT32_MAX

struct mri_list;

/* Compiles `count` rules (copies). MIRROR_E_NOMEM. */
int32_t mri_list_compile(const struct mri_alloc *alloc, const struct mri_match_rule *rules,
                         uint32_t count, struct mri_list **list);
void mri_list_destroy(const struct mri_alloc *alloc, struct mri_list *list);

/* Index of the first rule that matches the key, or MRI_NO_RULE. key->family 0 matches nothing. */
uint32_t mri_list_match(const struct mri_list *list, const mirror_key *key);

/* The same for `count` keys, `stride` octets apart. */
void mri_list_match_batch(const struct mri_list *list, const mirror_key *keys, uint64_t stride,
                          uint32_t count, uint32_t *first);

/* Octets that the list occupies. */
uint64_t mri_list_memory(const struct mri_list *list);

/*
 * One rule against one key, field by field: MIRROR_FIELD_NONE if it matches, else the first field
 * that does not, in the order of the MIRROR_FIELD_ constants, with *outcome MIRROR_STEP_MISMATCH
 * or MIRROR_STEP_NOT_PRESENT. For explain (M9) and as the judge in tests.
 */
uint32_t mri_rule_compare(const struct mri_match_rule *rule, const mirror_key *key,
                          uint32_t *outcome);

#endif
