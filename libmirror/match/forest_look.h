/* What splitting a node by each bit of the key would lead to: the part of choosing that takes time.
 */
#ifndef MRI_MATCH_FOREST_LOOK_H
#define MRI_MATCH_FOREST_LOOK_H

#include "match/forest_build.h"

enum {
  VIEW = 32, /* bits of a view */
  BITS_MAX = VIEW * MRI_FOREST_VIEWS_MAX,
  SAMPLE_MAX = 2048, /* rules that are looked at, at most */
  ITEMS = 8192,      /* of these, in all children */
};

/* A sampled rule in one of the children so far. */
struct item {
  uint16_t rule, child;
};

struct mri_forest_scratch {
  struct item items[2][ITEMS];
  uint32_t views;
  uint8_t octets[]; /* by side of a bit, rule, view, bit: 1 if the rule asks for that side */
};

static inline size_t side_offset(const struct mri_forest_scratch *scratch, uint32_t side,
                                 uint32_t rule, uint32_t view) {
  return VIEW * (((size_t)side * SAMPLE_MAX + rule) * scratch->views + view);
}

/* The rules that ask for 0 and 1, by bit of a view, in one child. */
struct tally {
  uint16_t zero[VIEW], one[VIEW];
};

/* What splitting by each bit would lead to. */
struct outlook {
  uint32_t cost[BITS_MAX];
  uint32_t stars[BITS_MAX]; /* rules that would be copied */
};

/* Bits that may still be chosen, by view. */
struct candidates {
  uint32_t bits[MRI_FOREST_VIEWS_MAX];
};

static inline uint32_t child_end(const struct item *items, uint32_t count, uint32_t from) {
  uint32_t end = from + 1;
  while (end < count && items[end].child == items[from].child)
    end++;
  return end;
}

/* Fills in the outlook; `count` items, those of a child side by side. */
typedef void (*mri_forest_look_fn)(const struct mri_forest_scratch *scratch,
                                   const struct item *items, uint32_t count, uint32_t leaf,
                                   const struct candidates *candidates, struct outlook *outlook);

void mri_forest_look_scalar(const struct mri_forest_scratch *scratch, const struct item *items,
                            uint32_t count, uint32_t leaf, const struct candidates *candidates,
                            struct outlook *outlook);
void mri_forest_look_avx2(const struct mri_forest_scratch *scratch, const struct item *items,
                          uint32_t count, uint32_t leaf, const struct candidates *candidates,
                          struct outlook *outlook);

#endif
