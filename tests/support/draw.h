/* Random numbers that a seed repeats, and keys drawn for a rule. */
#ifndef TESTS_SUPPORT_DRAW_H
#define TESTS_SUPPORT_DRAW_H

#include "core/rule.h"

#include <libmirror/packet.h>
#include <stdbool.h>

struct draw {
  uint64_t state;
};

void draw_seed(struct draw *draw, uint64_t seed);
uint64_t draw_bits(struct draw *draw);
/* 0 to bound - 1 */
uint32_t draw_below(struct draw *draw, uint32_t bound);
bool draw_one_in(struct draw *draw, uint32_t n);

/* A complete key that the rule matches; ports often at an end of their range. */
void draw_inside(struct draw *draw, const struct mri_match_rule *rule, mirror_key *key);

/* The same with one or two fields drawn anew, as traces have them for misses. */
void draw_beside(struct draw *draw, const struct mri_match_rule *rule, mirror_key *key);

/*
 * A key at the rule's corners: every field at one of its bounds, one of them perhaps one below or
 * one above.
 */
void draw_corner(struct draw *draw, const struct mri_match_rule *rule, mirror_key *key);

/* Takes fields away as packets lack them: destination port, both ports, or protocol and ports. */
void draw_absent(struct draw *draw, mirror_key *key);

#endif
