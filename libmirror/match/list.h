/*
 * A compiled rule list: all rules of one source and direction, in the order of the walk (M1), one
 * engine per address family. Immutable; any number of threads match on it.
 */
#ifndef MRI_MATCH_LIST_H
#define MRI_MATCH_LIST_H

#include "match/engine.h"

#include <libmirror/match.h>
#include <stdbool.h>

struct mri_list;

/* How to compile. */
struct mri_list_options {
  uint32_t isa;       /* MIRROR_ISA_, not AUTO; available on this machine */
  uint32_t structure; /* MIRROR_STRUCTURE_ that long enough lists must get (tests); NONE: by size */
  uint64_t budget;    /* octets that the list may occupy */
};

struct mri_list_facts {
  uint32_t isa;
  uint32_t structure[2]; /* IPv4, IPv6 */
  uint32_t rules[2];
  uint32_t shadowed; /* rules left out because an earlier one hides them wholly */
  bool slower;       /* a faster structure did not fit the budget */
  uint64_t memory;   /* octets; after MIRROR_E_LIST_MEMORY: what would have been needed */
};

/*
 * Compiles `count` rules (copies) into the fastest structure that fits the budget; *facts says
 * what became of them. MIRROR_E_NOMEM, MIRROR_E_LIST_MEMORY.
 */
int32_t mri_list_compile(const struct mri_alloc *alloc, const struct mri_match_rule *rules,
                         uint32_t count, const struct mri_list_options *options,
                         struct mri_list **list, struct mri_list_facts *facts);
void mri_list_destroy(const struct mri_alloc *alloc, struct mri_list *list);

/* Index of the first rule that matches the key, or MRI_NO_RULE. key->family 0 matches nothing. */
uint32_t mri_list_match(const struct mri_list *list, const mirror_key *key);

/* The same for `count` keys, `stride` octets apart. */
void mri_list_match_batch(const struct mri_list *list, const mirror_key *keys, uint64_t stride,
                          uint32_t count, uint32_t *first);

/* The same for prepared keys: mirror_key4 if family is 4, else mirror_key6. */
void mri_list_match_keys(const struct mri_list *list, uint32_t family, const void *const *keys,
                         uint32_t count, uint32_t *first);

/*
 * One rule against one key, field by field: MIRROR_FIELD_NONE if it matches, else the first field
 * that does not, in the order of the MIRROR_FIELD_ constants, with *outcome MIRROR_STEP_MISMATCH
 * or MIRROR_STEP_NOT_PRESENT. For explain (M9) and as the judge in tests.
 */
uint32_t mri_rule_compare(const struct mri_match_rule *rule, const mirror_key *key,
                          uint32_t *outcome);

#endif
