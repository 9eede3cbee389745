/*
 * Layout of a forest: what its builder makes and its kernels read.
 *
 * A tree is walked by taking some bits of two adjacent words of the key as an index into a node's
 * children, until a leaf: a few rules that are compared in whole. A rule is in one tree only, or in
 * the rest; the answer is the lowest number that any tree or the rest finds.
 *
 * Keys and rules are words of two 16-bit lanes each. A rule matches if none of its lanes is larger
 * than the key's: lower bounds face the key's values, complements of upper bounds face their
 * complements. Both lanes of an absent field are 0, which only rules that leave it open accept.
 *
 *   word   0       1       2            3      4            5        6             7
 *   key    ~0      source  destination  ports  protocol, ~  ~source  ~destination  ~ports
 *   rule   number  first   first        first  protocol, ~  ~last    ~last         ~last
 *
 * In word 0 of a rule its number stands above bits of the groups, trees and rest, in which an
 * earlier rule may overlap it: what was found says by itself where to look on. All ones: no rule.
 *
 * In words of ports the lower half is the source's; that of word 4 is the protocol. A prefix is a
 * range in each half by itself, so that comparing lanes and comparing words give the same.
 *
 * IPv6 addresses have no room for two bounds. Their words must be equal after a shift to the right,
 * by the octets at the end of the rule, one for each word: 32 where nothing is asked.
 *
 *   word   0       1 - 4   5 - 8        9      10           11      12 - 15
 *   key    ~0      source  destination  ports  protocol, ~  ~ports  0
 *   rule   number  source  destination  first  protocol, ~  ~last   shifts
 */
#ifndef MRI_MATCH_FOREST_H
#define MRI_MATCH_FOREST_H

#include "match/engine.h"

#include <stdbool.h>

enum {
  MRI_FOREST_WORDS4 = 8,
  MRI_FOREST_WORDS6 = 16,
  MRI_FOREST_SHIFTS = 12, /* word of an IPv6 rule */
  MRI_FOREST_TREES = 7,
  MRI_FOREST_REST = 7,         /* group of the rules that are in no tree */
  MRI_FOREST_LINE = 64,        /* octets, the unit of leaves: two rules, or one of IPv6 */
  MRI_FOREST_LINES_MAX = 16,   /* lines of a leaf */
  MRI_FOREST_BATCH = 256,      /* keys that are walked side by side */
  MRI_FOREST_ENTRY_SHIFT = 4,  /* an entry's octets, as a power of two */
  MRI_FOREST_NUMBER_SHIFT = 8, /* of a number in word 0, */
  MRI_FOREST_GROUPS = 0xff,    /* above a bit for each group */
  MRI_FOREST_NUMBERS = 1 << 23,
};

/* A prepared key, or a rule of a leaf. */
struct mri_forest_row4 {
  uint32_t word[MRI_FOREST_WORDS4];
};

struct mri_forest_row6 {
  uint32_t word[MRI_FOREST_WORDS6];
};

/*
 * A node's child. `mask` selects bits of the two words from word `base & 15` of a row; moved
 * together they are the index of the next entry, counted from octet `base & ~15`.
 *
 * A leaf leads to itself, so that a batch takes equal steps without asking who is done: its mask
 * selects among the bits of word 0 of the key, which are all 1, so that the index is known. Which
 * bits does not matter: mask says where the leaf is, mri_forest_where.
 */
struct mri_forest_entry {
  uint64_t mask;
  uint32_t base;
  uint32_t first; /* lowest word 0 of a rule in or below it; MRI_NO_RULE: none */
};

enum { MRI_FOREST_WORD = 15 /* of base */ };

static inline bool mri_forest_is_leaf(const struct mri_forest_entry *entry) {
  return (entry->base & MRI_FOREST_WORD) == 0;
}

/* Of where a leaf is: the first octet of its lines, and below, as a line's octets leave bits, */
enum {
  MRI_FOREST_COUNT = 31,  /* how many lines, */
  MRI_FOREST_SECOND = 32, /* and that there is a second one */
  MRI_FOREST_AT = ~(MRI_FOREST_LINE - 1),
};

static inline uint32_t mri_forest_where(uint32_t octet, uint32_t lines) {
  return octet | lines | (uint32_t)(lines > 1) * MRI_FOREST_SECOND;
}

struct mri_forest_tree {
  struct mri_forest_entry root;
  uint32_t steps;   /* that all keys take */
  uint32_t deepest; /* steps to the deepest leaf */
  uint32_t group;   /* bit in words 0 */
};

enum {
  MRI_FOREST_INDEXED = 5, /* octets of a key that lead to sets of rules */
  MRI_FOREST_VALUES = 256,
  MRI_FOREST_SET_WORD = 64, /* rules in a word of a set */
  MRI_FOREST_SET_WORDS = 8,
  MRI_FOREST_SET = MRI_FOREST_SET_WORD * MRI_FOREST_SET_WORDS,
  MRI_FOREST_SETS_MAX = 2, /* of a rest that bit vectors are not faster for */
};

/*
 * The rules in no tree, if they are few, for few keys. For each indexed octet of a key and each of
 * its values, the sets of rules that agree; those in all of them are compared in whole, in order.
 */
struct mri_forest_rest {
  const uint64_t *rows; /* by indexed octet, value and set: words of a set */
  const uint8_t *lines;
  uint32_t sets;                       /* 0: too many rules, or none */
  uint32_t keys_max;                   /* for which bit vectors are not faster */
  uint32_t octet[MRI_FOREST_INDEXED];  /* of a row: octets of words are counted from the low end */
  uint32_t first[MRI_FOREST_SETS_MAX]; /* lowest word 0 of a set */
};

struct mri_forest {
  const struct mri_forest_entry *entries;
  const uint8_t *lines;
  uint32_t trees;
  struct mri_forest_rest rest;
  struct mri_engine vectors; /* the same rules as bit vectors; structure NONE: none */
  struct mri_forest_tree tree[MRI_FOREST_TREES];
};

void mri_forest_match4_scalar(const void *state, const void *const *keys, uint32_t count,
                              uint32_t *first);
void mri_forest_match4_avx2(const void *state, const void *const *keys, uint32_t count,
                            uint32_t *first);
void mri_forest_match4_avx512(const void *state, const void *const *keys, uint32_t count,
                              uint32_t *first);
void mri_forest_match6_scalar(const void *state, const void *const *keys, uint32_t count,
                              uint32_t *first);
void mri_forest_match6_avx2(const void *state, const void *const *keys, uint32_t count,
                            uint32_t *first);
void mri_forest_match6_avx512(const void *state, const void *const *keys, uint32_t count,
                              uint32_t *first);

#endif
