/* Random rule lists that are built to overlap. */
#ifndef TESTS_DIFFERENTIAL_LISTS_H
#define TESTS_DIFFERENTIAL_LISTS_H

#include "core/rule.h"
#include "support/draw.h"

enum { LIST_RULES_MAX = 2002 };

/*
 * A list of 1 to LIST_RULES_MAX rules, IPv4, IPv6 or both: prefixes inside each other, ranges at
 * both ends of the ports, any protocol, rules that stand there twice, often a last rule that
 * accepts or rejects everything. Returns their number.
 */
uint32_t list_draw(struct draw *draw, struct mri_match_rule rules[LIST_RULES_MAX]);

/* A key near a rule of the list, or anywhere; its fields may be absent. `family`: 4 or 6. */
void list_draw_key(struct draw *draw, const struct mri_match_rule *rules, uint32_t count,
                   uint32_t family, mirror_key *key);

#endif
