/* Building a forest: what its files share. */
#ifndef MRI_MATCH_FOREST_BUILD_H
#define MRI_MATCH_FOREST_BUILD_H

#include "match/forest.h"

#include <stdbool.h>

/* Words of a key that nodes look at: source, destination, ports, protocol. */
enum {
  MRI_FOREST_VIEWS4 = 4,
  MRI_FOREST_VIEWS6 = 10,
  MRI_FOREST_VIEWS_MAX = MRI_FOREST_VIEWS6,
  MRI_FOREST_FIRST_VIEW = 1,
  MRI_FOREST_DEPTH = 14
};

/* Bits that a rule asks for, and as what. */
struct mri_forest_bits {
  uint32_t mask, value;
};

/*
 * What a rule says about single bits of the key, by view. A range that is no prefix says only what
 * its bounds have in common.
 */
struct mri_forest_pattern {
  uint16_t exact; /* no range is lost in the bits */
  uint16_t open;  /* fields left open that a key may lack: MIRROR_KEY_ bits */
  struct mri_forest_bits bits[];
};

/* Growing arrays; `count` of `size` octets each. */
struct mri_forest_vector {
  void *at;
  size_t count, room, size;
};

/* Of GCC and Clang: one register or several, as there are. */
typedef uint64_t mri_forest_set
    __attribute__((vector_size(MRI_FOREST_SET / 8), aligned(sizeof(uint64_t))));

/* Rules as sets, by the values of some of their octets. */
struct mri_forest_group {
  const struct mri_match_rule *rules;
  uint32_t *member; /* their indices, ascending */
  uint32_t count, sets;
  uint32_t position[MRI_FOREST_INDEXED]; /* octets of a rule: of addresses, ports, protocol */
  mri_forest_set *rows; /* by indexed octet, value, and members / MRI_FOREST_SET; NULL: too many */
};

/* Values of an octet that a rule may match. */
struct mri_forest_span {
  uint32_t first, last;
};

struct mri_forest_builder {
  const struct mri_build *build;
  uint32_t views;
  size_t pattern_size;
  uint8_t *patterns; /* mri_forest_pattern_at */
  uint8_t *hoisted;  /* by rule: not in this tree after all */
  uint8_t *group;    /* by rule: the tree that holds it, or MRI_FOREST_REST */
  uint8_t *ahead;    /* by rule: groups in which an earlier one may overlap it */
  struct mri_forest_group rest;
  struct mri_forest_vector entries, lines;
  struct mri_forest_vector lists;               /* stack of lists of rules of the nodes in work */
  struct mri_forest_vector places, kept, slots; /* forest_share.c */
  struct mri_forest_scratch *scratch;
  uint32_t leaf;        /* rules of a leaf that is not worth splitting */
  uint32_t spread;      /* copies of a rule in this tree, as a power of two */
  uint32_t stars;       /* rules in a hundred that a chosen bit may leave open */
  uint64_t copies_left; /* that this tree may make of rules */
  uint32_t hoists;
  uint64_t at_depth[MRI_FOREST_DEPTH + 1]; /* rules in leaves */
  int32_t status;
};

/*
 * Members of lists: the rule's index below, how many copies there are of it, as a power of two,
 * above.
 */
#define MRI_FOREST_INDEX(member) ((member)&0xffffffu)
enum { MRI_FOREST_SPREAD_SHIFT = 24 };

/* A list on the stack. */
struct mri_forest_list {
  size_t at;
  uint32_t count;
};

/* Bits of the key that lead to a node, by view. */
struct mri_forest_region {
  uint32_t known[MRI_FOREST_VIEWS_MAX];
};

/* Which bits to split by. */
struct mri_forest_cut {
  uint32_t view;  /* and the next one */
  uint64_t mask;  /* of both */
  uint32_t width; /* bits of mask; 0: not worth it */
};

/* False: no memory or more than fits; builder->status says which. */
bool mri_forest_grow(struct mri_forest_builder *builder, struct mri_forest_vector *vector,
                     size_t more);

static inline struct mri_forest_pattern *mri_forest_pattern_at(
    const struct mri_forest_builder *builder, uint32_t index) {
  return (void *)(builder->patterns + index * builder->pattern_size);
}

/* Word 0 of a rule, of its index. Leaves and entries hold indices until the forest is finished. */
static inline uint32_t mri_forest_word_of(const struct mri_forest_builder *builder,
                                          uint32_t index) {
  if (index == MRI_NO_RULE) return MRI_NO_RULE;
  return builder->build->number[index] << MRI_FOREST_NUMBER_SHIFT | builder->ahead[index];
}

/* forest_choose.c */
struct mri_forest_scratch *mri_forest_scratch_new(const struct mri_alloc *alloc, uint32_t views);
struct mri_forest_cut mri_forest_choose(const struct mri_forest_builder *builder,
                                        const uint32_t *members, uint32_t count, uint32_t depth);

/* forest_leaf.c */
void mri_forest_pattern_of(const struct mri_match_rule *rule, struct mri_forest_pattern *pattern);
size_t mri_forest_rule_size(uint32_t family); /* octets of a rule in a leaf */
void mri_forest_put_rule(uint8_t *at, const struct mri_match_rule *rule, uint32_t word);
uint32_t mri_forest_prune(const struct mri_forest_builder *builder, uint32_t *members,
                          uint32_t count, const struct mri_forest_region *region);
bool mri_forest_leaf(struct mri_forest_builder *builder, const uint32_t *members, uint32_t count,
                     uint32_t depth, struct mri_forest_entry *entry);

/* forest_share.c: places that were grown before, by list, region and depth. */
size_t mri_forest_place_size(void);
void mri_forest_forget(struct mri_forest_builder *builder);
bool mri_forest_known(const struct mri_forest_builder *builder, const uint32_t *members,
                      uint32_t count, const struct mri_forest_region *region, uint32_t depth,
                      struct mri_forest_entry *entry);
bool mri_forest_remember(struct mri_forest_builder *builder, const uint32_t *members,
                         uint32_t count, const struct mri_forest_region *region, uint32_t depth,
                         const struct mri_forest_entry *entry);

/*
 * forest_group.c: opening takes the rules of a tree, or those that are in none; false: no memory.
 * What is zero or was opened, in vain too, may be closed.
 */
bool mri_forest_group_open(struct mri_forest_group *group, const struct mri_forest_builder *builder,
                           uint8_t which);
void mri_forest_group_close(const struct mri_alloc *alloc, struct mri_forest_group *group);
struct mri_forest_span mri_forest_span_of(const struct mri_match_rule *rule, uint32_t position);
mri_forest_set *mri_forest_row_of(const struct mri_forest_group *group, uint32_t indexed,
                                  uint32_t value);
/* What the rest takes as sets, a multiple of lines; filling it in, into that much memory. */
uint64_t mri_forest_rest_size(const struct mri_forest_group *group, uint32_t family);
void mri_forest_fill_rest(const struct mri_forest_builder *builder, uint8_t *at,
                          struct mri_forest_rest *rest);

/* forest_ahead.c: fills in `ahead` and `rest`, from `group`. False: no memory. */
bool mri_forest_look_ahead(struct mri_forest_builder *builder, const struct mri_forest *forest);

/* forest_node.c: a tree of the rules on top of the stack. */
bool mri_forest_tree(struct mri_forest_builder *builder, struct mri_forest_list list,
                     struct mri_forest_tree *tree);

#endif
