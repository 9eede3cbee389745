/*
 * The walk through a forest, common to its kernels. Keys are walked side by side in batches, so
 * that what one waits for is hidden by the others, and in equal steps, so that few branches depend
 * on them. A kernel defines FOREST_FAMILY, 4 or 6, includes this, and defines:
 *
 *   forest_extract(words, mask)       the bits of two words under a mask, moved together
 *   forest_prepare(keys, count, rows) rows of the keys; true if any key lacks a field
 *   forest_look(line, second, row)    which rules of two lines match: bit 4n, n counts 32 octets
 *   forest_members(rows, members)     the AND of a set in all its rows; which words are not 0
 */
#ifndef MRI_MATCH_FOREST_MATCH_H
#define MRI_MATCH_FOREST_MATCH_H

#include "match/forest.h"
#include "match/key.h"

#include <stdbool.h>
#include <string.h>

/*
 * All loops of a batch in one function. Always: GCC 12 takes some of them for free of effects when
 * they are functions of their own, and drops the calls.
 */
#define FOREST_INLINE static inline __attribute__((always_inline))

/* The loops that all keys pass have few instructions: counting is much of them. */
#define FOREST_UNROLL _Pragma("GCC unroll 2")

#if FOREST_FAMILY == 4
typedef struct mri_forest_row4 forest_row;
enum { FOREST_PORTS = 3, FOREST_PROTOCOL = 4, FOREST_NOT_PORTS = 7 };
#else
typedef struct mri_forest_row6 forest_row;
enum { FOREST_PORTS = 9, FOREST_PROTOCOL = 10, FOREST_NOT_PORTS = 11 };
#endif

/* Keys that are walked side by side. */
struct forest_lanes {
  _Alignas(64) forest_row rows[MRI_FOREST_BATCH];
  _Alignas(64) uint32_t at[MRI_FOREST_BATCH];    /* octet of the entry reached */
  _Alignas(64) uint32_t where[MRI_FOREST_BATCH]; /* lines to compare, as in a leaf's mask */
  _Alignas(64) uint32_t first[MRI_FOREST_BATCH]; /* lowest number that matched */
  uint16_t late[MRI_FOREST_BATCH + 16];          /* lanes that need more than the others */
  uint16_t origin[MRI_FOREST_BATCH]; /* lane of the batch that this one was taken from */
  uint32_t count;
};

/* A batch, and those of it that the tree in work may have an answer for. */
struct forest_batch {
  struct forest_lanes all, some;
};

FOREST_INLINE uint32_t forest_extract(uint64_t words, uint64_t mask);
FOREST_INLINE bool forest_prepare(const void *const *keys, uint32_t count, forest_row *rows);
FOREST_INLINE uint32_t forest_look(const uint8_t *line, const uint8_t *second,
                                   const forest_row *row);
FOREST_INLINE uint32_t forest_members(const uint64_t *const rows[],
                                      uint64_t members[MRI_FOREST_SET_WORDS]);

/* Two words of a row, the first one below. */
FOREST_INLINE uint64_t forest_words(const forest_row *row, uint32_t word) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  uint64_t words;
  memcpy(&words, &row->word[word], sizeof words);
  return words;
#else
  return row->word[word] | (uint64_t)row->word[word + 1] << 32;
#endif
}

FOREST_INLINE const struct mri_forest_entry *forest_entry(const struct mri_forest *forest,
                                                          uint32_t at) {
  return (const void *)((const uint8_t *)forest->entries + at);
}

FOREST_INLINE const uint8_t *forest_line(const struct mri_forest *forest, uint32_t where) {
  return forest->lines + (where & (uint32_t)MRI_FOREST_AT);
}

/* From a line to the second one, or to itself if it is alone. */
FOREST_INLINE size_t forest_second(uint32_t where) {
  return (size_t)(where & MRI_FOREST_SECOND) * (MRI_FOREST_LINE / MRI_FOREST_SECOND);
}

FOREST_INLINE bool forest_has_more(uint32_t where) {
  return (where & MRI_FOREST_COUNT) > 2;
}

/* Behind the first two lines. */
FOREST_INLINE uint32_t forest_more(uint32_t where) {
  return mri_forest_where((where & (uint32_t)MRI_FOREST_AT) + 2 * MRI_FOREST_LINE,
                          (where & MRI_FOREST_COUNT) - 2);
}

/* Fields that a key lacks: both lanes are 0. */
FOREST_INLINE void forest_take_absent(const void *const *keys, uint32_t count, forest_row *rows) {
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t absent = ((const uint8_t *)keys[i])[offsetof(mirror_key4, absent)];
    uint32_t ports = UINT32_MAX;
    if (absent & MIRROR_KEY_SOURCE_PORT) ports &= UINT32_MAX << 16;
    if (absent & MIRROR_KEY_DESTINATION_PORT) ports &= UINT16_MAX;
    if (absent & MIRROR_KEY_PROTOCOL) rows[i].word[FOREST_PROTOCOL] = 0;
    rows[i].word[FOREST_PORTS] &= ports;
    rows[i].word[FOREST_NOT_PORTS] &= ports;
  }
}

FOREST_INLINE uint32_t forest_step(const forest_row *row, const struct mri_forest_entry *entry) {
  const uint64_t words = forest_words(row, entry->base & MRI_FOREST_WORD);
  const uint32_t index = forest_extract(words, entry->mask);
  return (entry->base + (index << MRI_FOREST_ENTRY_SHIFT)) & ~(uint32_t)MRI_FOREST_WORD;
}

/* The few keys that are not at a leaf after the common steps. */
FOREST_INLINE void forest_walk_on(const struct mri_forest *forest, struct forest_lanes *lanes) {
  uint32_t late = 0;
  FOREST_UNROLL
  for (uint32_t i = 0; i < lanes->count; i++) {
    lanes->late[late] = (uint16_t)i;
    late += !mri_forest_is_leaf(forest_entry(forest, lanes->at[i]));
  }
  while (late) {
    uint32_t left = 0;
    for (uint32_t j = 0; j < late; j++) {
      const uint32_t i = lanes->late[j];
      const uint32_t at = forest_step(&lanes->rows[i], forest_entry(forest, lanes->at[i]));
      lanes->at[i] = at;
      lanes->late[left] = (uint16_t)i;
      left += !mri_forest_is_leaf(forest_entry(forest, at));
    }
    late = left;
  }
}

/* The first step. */
FOREST_INLINE void forest_enter(const struct mri_forest *forest, const struct mri_forest_tree *tree,
                                struct forest_lanes *lanes) {
  const struct mri_forest_entry root = tree->root;
  const uint32_t count = lanes->count;
  FOREST_UNROLL
  for (uint32_t i = 0; i < count; i++) {
    lanes->at[i] = forest_step(&lanes->rows[i], &root);
    __builtin_prefetch(forest_entry(forest, lanes->at[i]));
  }
}

#ifndef FOREST_HAS_LANES
/* Keys for which a group may have an earlier rule than what was found, in lanes->late; how many. */
FOREST_INLINE uint32_t forest_take_open(struct forest_lanes *lanes, uint32_t group) {
  uint32_t open = 0;
  for (uint32_t i = 0; i < lanes->count; i++) {
    lanes->late[open] = (uint16_t)i;
    open += lanes->first[i] >> group & 1;
  }
  return open;
}
#else
FOREST_INLINE uint32_t forest_take_open(struct forest_lanes *lanes, uint32_t group);
#endif

/* The same, taking only keys for which the tree may have a lower number than what was found. */
FOREST_INLINE void forest_enter_some(const struct mri_forest *forest,
                                     const struct mri_forest_tree *tree, struct forest_lanes *all,
                                     struct forest_lanes *some) {
  const struct mri_forest_entry root = tree->root;
  const uint32_t open = forest_take_open(all, tree->group);
  uint32_t taken = 0;
  for (uint32_t j = 0; j < open; j++) {
    const uint32_t i = all->late[j];
    const uint32_t at = forest_step(&all->rows[i], &root), first = all->first[i];
    some->rows[taken] = all->rows[i];
    some->at[taken] = at;
    some->first[taken] = first;
    some->origin[taken] = (uint16_t)i;
    taken += forest_entry(forest, at)->first < first;
  }
  some->count = taken;
}

FOREST_INLINE void forest_give_back(struct forest_lanes *all, const struct forest_lanes *some) {
  for (uint32_t i = 0; i < some->count; i++)
    all->first[some->origin[i]] = some->first[i];
}

FOREST_INLINE void forest_walk(const struct mri_forest *forest, const struct mri_forest_tree *tree,
                               struct forest_lanes *lanes) {
  const uint32_t count = lanes->count;
  for (uint32_t step = 1; step < tree->steps; step++) {
    FOREST_UNROLL
    for (uint32_t i = 0; i < count; i++) {
      lanes->at[i] = forest_step(&lanes->rows[i], forest_entry(forest, lanes->at[i]));
      __builtin_prefetch(forest_entry(forest, lanes->at[i]));
    }
  }
  if (tree->deepest > tree->steps) forest_walk_on(forest, lanes);
}

/* Leaves whose rules are all behind the rule found already are not looked at; fresh: none was. */
FOREST_INLINE uint32_t forest_where(const struct mri_forest *forest,
                                    const struct forest_lanes *lanes, uint32_t i, bool fresh) {
  const struct mri_forest_entry *entry = forest_entry(forest, lanes->at[i]);
  if (fresh) return (uint32_t)entry->mask;
  return (uint32_t)entry->mask & (uint32_t) - (entry->first < lanes->first[i]);
}

FOREST_INLINE uint32_t forest_look_at(const struct mri_forest *forest, uint32_t where,
                                      const forest_row *row) {
  const uint8_t *line = forest_line(forest, where);
  return forest_look(line, line + forest_second(where), row);
}

FOREST_INLINE uint32_t forest_lower(uint32_t one, uint32_t other) {
  return one < other ? one : other;
}

/* Word 0 of the first of the matching rules, MRI_NO_RULE if there is none. */
FOREST_INLINE uint32_t forest_first(const struct mri_forest *forest, uint32_t where,
                                    uint32_t matching) {
  const uint32_t bit = (uint32_t)__builtin_ctz(matching | 1u << 12);
  uint32_t number;
  memcpy(&number, forest_line(forest, where) + (bit << 3), sizeof number);
  return number | (uint32_t) - (matching == 0);
}

#ifndef FOREST_HAS_LANES
/* Two lines for each key; returns how many keys have more to compare, in lanes->late. */
FOREST_INLINE uint32_t forest_compare(const struct mri_forest *forest, struct forest_lanes *lanes,
                                      bool fresh) {
  uint32_t late = 0;
  FOREST_UNROLL
  for (uint32_t i = 0; i < lanes->count; i++) {
    const uint32_t where = forest_where(forest, lanes, i, fresh);
    const uint32_t matching = forest_look_at(forest, where, &lanes->rows[i]);
    lanes->where[i] = where;
    lanes->first[i] = forest_lower(lanes->first[i], forest_first(forest, where, matching));
    lanes->late[late] = (uint16_t)i;
    late += forest_has_more(where) & (matching == 0);
  }
  return late;
}
#else
FOREST_INLINE uint32_t forest_compare(const struct mri_forest *forest, struct forest_lanes *lanes,
                                      bool fresh);
#endif

FOREST_INLINE void forest_compare_on(const struct mri_forest *forest, struct forest_lanes *lanes,
                                     uint32_t late) {
  while (late) {
    uint32_t left = 0;
    for (uint32_t j = 0; j < late; j++) {
      const uint32_t i = lanes->late[j];
      const uint32_t where = forest_more(lanes->where[i]);
      const uint32_t matching = forest_look_at(forest, where, &lanes->rows[i]);
      lanes->first[i] = forest_lower(lanes->first[i], forest_first(forest, where, matching));
      lanes->where[i] = where;
      lanes->late[left] = (uint16_t)i;
      left += forest_has_more(where) & (matching == 0);
    }
    late = left;
  }
}

FOREST_INLINE void forest_match_tree(const struct mri_forest *forest,
                                     const struct mri_forest_tree *tree, struct forest_lanes *lanes,
                                     bool fresh) {
  forest_walk(forest, tree, lanes);
  forest_compare_on(forest, lanes, forest_compare(forest, lanes, fresh));
}

FOREST_INLINE uint32_t forest_octet(const forest_row *row, uint32_t octet) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return ((const uint8_t *)row)[octet];
#else
  return row->word[octet / 4] >> octet % 4 * 8 & 0xff;
#endif
}

/* Candidates of the keys that a set has any for. */
struct forest_candidates {
  _Alignas(64) uint64_t members[MRI_FOREST_BATCH][MRI_FOREST_SET_WORDS];
  uint8_t words[MRI_FOREST_BATCH]; /* those with members left */
  uint16_t lane[MRI_FOREST_BATCH];
  uint16_t open[MRI_FOREST_BATCH]; /* which of them have members left, and no match */
  uint32_t count;
};

FOREST_INLINE void forest_find_candidates(const struct mri_forest_rest *rest, uint32_t set,
                                          const struct forest_lanes *lanes, uint32_t some,
                                          struct forest_candidates *candidates) {
  const size_t size = (size_t)rest->sets * MRI_FOREST_SET_WORDS;
  uint32_t count = 0;
  for (uint32_t j = 0; j < some; j++) {
    const uint64_t *rows[MRI_FOREST_INDEXED];
    const uint32_t i = lanes->late[j];
    for (uint32_t k = 0; k < MRI_FOREST_INDEXED; k++) {
      const uint32_t octet = forest_octet(&lanes->rows[i], rest->octet[k]);
      rows[k] = rest->rows + (k * MRI_FOREST_VALUES + octet) * size + set * MRI_FOREST_SET_WORDS;
    }
    const uint32_t words = forest_members(rows, candidates->members[count]);
    candidates->words[count] = (uint8_t)words;
    candidates->lane[count] = (uint16_t)i;
    candidates->open[count] = (uint16_t)count;
    count += (uint32_t)((words != 0) & (rest->first[set] < lanes->first[i]));
  }
  candidates->count = count;
}

/* Takes the lowest member. */
FOREST_INLINE uint32_t forest_take_member(struct forest_candidates *candidates, uint32_t which) {
  const uint32_t word = (uint32_t)__builtin_ctz(candidates->words[which]);
  uint64_t *members = &candidates->members[which][word];
  const uint32_t member = word * MRI_FOREST_SET_WORD + (uint32_t)__builtin_ctzll(*members);
  *members &= *members - 1;
  candidates->words[which] ^= (uint8_t)((*members == 0) << word);
  return member;
}

/* Compares one candidate of each key. */
FOREST_INLINE void forest_compare_candidates(const struct mri_forest_rest *rest, uint32_t set,
                                             struct forest_lanes *lanes,
                                             struct forest_candidates *candidates) {
  enum { LINE_RULES = MRI_FOREST_LINE / sizeof(forest_row) };
  uint32_t left = 0;
  for (uint32_t j = 0; j < candidates->count; j++) {
    const uint32_t which = candidates->open[j], i = candidates->lane[which];
    const uint32_t member = set * MRI_FOREST_SET + forest_take_member(candidates, which);
    const uint8_t *line = rest->lines + (size_t)(member / LINE_RULES) * MRI_FOREST_LINE;
    const uint32_t matching = forest_look(line, line, &lanes->rows[i]) & 0xff;
    uint32_t number;
    memcpy(&number, line + (__builtin_ctz(matching | 1u << 4) << 3), sizeof number);
    number |= (uint32_t) - (matching == 0);
    lanes->first[i] = forest_lower(lanes->first[i], number);
    candidates->open[left] = (uint16_t)which;
    left += (uint32_t)((matching == 0) & (candidates->words[which] != 0));
  }
  candidates->count = left;
}

/*
 * The rest as sets, for some keys, those in lanes->late. A field that a key lacks is 0: rules that
 * leave it open are in every set of the octet.
 */
FOREST_INLINE void forest_match_sets(const struct mri_forest *forest, struct forest_lanes *lanes,
                                     uint32_t some) {
  struct forest_candidates candidates;
  for (uint32_t set = 0; set < forest->rest.sets; set++) {
    forest_find_candidates(&forest->rest, set, lanes, some, &candidates);
    while (candidates.count)
      forest_compare_candidates(&forest->rest, set, lanes, &candidates);
  }
}

/* The same in bit vectors. */
FOREST_INLINE void forest_match_vectors(const struct mri_forest *forest, const void *const *keys,
                                        struct forest_lanes *lanes, uint32_t some) {
  const void *some_keys[MRI_FOREST_BATCH];
  uint32_t found[MRI_FOREST_BATCH];
  for (uint32_t j = 0; j < some; j++)
    some_keys[j] = keys[lanes->late[j]];
  forest->vectors.match(forest->vectors.state, some_keys, some, found);
  for (uint32_t j = 0; j < some; j++) {
    const uint32_t i = lanes->late[j];
    const uint32_t word = found[j] << MRI_FOREST_NUMBER_SHIFT | MRI_FOREST_GROUPS;
    lanes->first[i] = forest_lower(lanes->first[i], word);
  }
}

/* The rest, for the keys that one of its rules may still decide. */
FOREST_INLINE void forest_match_rest(const struct mri_forest *forest, const void *const *keys,
                                     struct forest_lanes *lanes) {
  const uint32_t some = forest_take_open(lanes, MRI_FOREST_REST);
  if (some <= forest->rest.keys_max)
    forest_match_sets(forest, lanes, some);
  else if (forest->vectors.structure)
    forest_match_vectors(forest, keys, lanes, some);
}

/* Words 0 of rules to their numbers; only that of no rule has its highest bit set. */
FOREST_INLINE void forest_numbers(struct forest_lanes *lanes) {
  typedef int32_t words __attribute__((vector_size(32), may_alias)); /* of GCC and Clang */
  words *at = (words *)lanes->first;
  for (uint32_t i = 0; i * sizeof *at < lanes->count * sizeof lanes->first[0]; i++)
    at[i] >>= MRI_FOREST_NUMBER_SHIFT;
}

FOREST_INLINE void forest_match_batch(const struct mri_forest *forest, const void *const *keys,
                                      struct forest_batch *batch) {
  struct forest_lanes *all = &batch->all, *some = &batch->some;
  if (forest_prepare(keys, all->count, all->rows)) forest_take_absent(keys, all->count, all->rows);
  memset(all->first, 0xff, sizeof all->first);
  for (uint32_t i = 0; i < forest->trees; i++) {
    const struct mri_forest_tree *tree = &forest->tree[i];
    if (i == 0) {
      forest_enter(forest, tree, all);
      forest_match_tree(forest, tree, all, true);
      continue;
    }
    forest_enter_some(forest, tree, all, some);
    forest_match_tree(forest, tree, some, false);
    forest_give_back(all, some);
  }
  forest_match_rest(forest, keys, all);
  forest_numbers(all);
}

FOREST_INLINE void forest_match(const struct mri_forest *forest, const void *const *keys,
                                uint32_t count, uint32_t *first) {
  struct forest_batch batch;
  for (uint32_t done = 0; done < count; done += batch.all.count) {
    const uint32_t left = count - done;
    batch.all.count = left < MRI_FOREST_BATCH ? left : MRI_FOREST_BATCH;
    forest_match_batch(forest, keys + done, &batch);
    memcpy(first + done, batch.all.first, batch.all.count * sizeof *first);
  }
}

#endif
