/*
 * The walk through a forest, common to its kernels. Keys are walked side by side in batches, so
 * that what one waits for is hidden by the others, and in equal steps, so that few branches depend
 * on them. A kernel includes this and defines before it:
 *
 *   forest_extract(word, mask)        the bits of a word under a mask, moved together
 *   forest_prepare(keys, count, rows) rows of the keys; true if any key lacks a field
 *   forest_look(line, second, row)    which rules of two lines match: bits 0, 4, 8 and 12
 */
#ifndef MRI_MATCH_FOREST_MATCH_H
#define MRI_MATCH_FOREST_MATCH_H

#include "match/forest.h"
#include "match/key.h"

#include <stdbool.h>
#include <string.h>

struct forest_batch {
  _Alignas(64) struct mri_forest_row rows[MRI_FOREST_BATCH];
  _Alignas(64) uint32_t at[MRI_FOREST_BATCH];    /* octet of the entry reached */
  _Alignas(64) uint32_t where[MRI_FOREST_BATCH]; /* lines to compare, as in leaves */
  _Alignas(64) uint32_t first[MRI_FOREST_BATCH]; /* lowest number that matched */
  uint32_t some[MRI_FOREST_BATCH + 16];          /* keys that need more than the others */
  uint32_t count;
};

static inline uint32_t forest_extract(uint32_t word, uint32_t mask);
static inline bool forest_prepare(const void *const *keys, uint32_t count,
                                  struct mri_forest_row *rows);
static inline uint32_t forest_look(const uint8_t *line, const uint8_t *second,
                                   const struct mri_forest_row *row);

static inline uint32_t forest_word(const struct mri_forest_row *row, uint32_t octet) {
  uint32_t word;
  memcpy(&word, (const uint8_t *)row + octet, sizeof word);
  return word;
}

static inline const struct mri_forest_entry *forest_entry(const struct mri_forest *forest,
                                                          uint32_t at) {
  return (const void *)((const uint8_t *)forest->entries + at);
}

static inline const uint8_t *forest_line(const struct mri_forest *forest, uint32_t where) {
  const uint32_t line = where & ((1u << MRI_FOREST_LINE_BITS) - 1);
  return forest->lines + (size_t)line * MRI_FOREST_LINE;
}

static inline bool forest_has_second(uint32_t where) {
  return where >> MRI_FOREST_LINE_BITS > 1;
}

static inline bool forest_has_more(uint32_t where) {
  return where >> MRI_FOREST_LINE_BITS > 2;
}

/* Fields that a key lacks: both lanes are 0. */
static inline void forest_take_absent(const void *const *keys, uint32_t count,
                                      struct mri_forest_row *rows) {
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t absent = ((const uint8_t *)keys[i])[offsetof(mirror_key4, absent)];
    uint32_t ports = UINT32_MAX;
    if (absent & MIRROR_KEY_SOURCE_PORT) ports &= UINT32_MAX << 16;
    if (absent & MIRROR_KEY_DESTINATION_PORT) ports &= UINT16_MAX;
    if (absent & MIRROR_KEY_PROTOCOL) rows[i].word[1] = 0;
    rows[i].word[4] &= ports;
    rows[i].word[7] &= ports;
  }
}

static inline uint32_t forest_step(const struct mri_forest_row *row,
                                   const struct mri_forest_entry *entry) {
  const uint32_t word = forest_word(row, entry->where >> MRI_FOREST_LINE_BITS);
  return entry->base + (forest_extract(word, entry->mask) << MRI_FOREST_ENTRY_SHIFT);
}

/* The few keys that are not at a leaf after the common steps. */
static inline void forest_walk_on(const struct mri_forest *forest, struct forest_batch *batch) {
  uint32_t some = 0;
  for (uint32_t i = 0; i < batch->count; i++) {
    batch->some[some] = i;
    some += forest_entry(forest, batch->at[i])->mask != 0;
  }
  while (some) {
    uint32_t left = 0;
    for (uint32_t j = 0; j < some; j++) {
      const uint32_t i = batch->some[j];
      batch->at[i] = forest_step(&batch->rows[i], forest_entry(forest, batch->at[i]));
    }
    for (uint32_t j = 0; j < some; j++) {
      const uint32_t i = batch->some[j];
      batch->some[left] = i;
      left += forest_entry(forest, batch->at[i])->mask != 0;
    }
    some = left;
  }
}

/* Leaves whose rules are all behind the rule found already are not looked at. */
static inline void forest_walk(const struct mri_forest *forest, const struct mri_forest_tree *tree,
                               struct forest_batch *batch) {
  for (uint32_t i = 0; i < batch->count; i++) {
    batch->at[i] = forest_step(&batch->rows[i], &tree->root);
    __builtin_prefetch(forest_entry(forest, batch->at[i]));
  }
  for (uint32_t step = 1; step < tree->steps; step++) {
    for (uint32_t i = 0; i < batch->count; i++) {
      batch->at[i] = forest_step(&batch->rows[i], forest_entry(forest, batch->at[i]));
      __builtin_prefetch(forest_entry(forest, batch->at[i]));
    }
  }
  if (tree->deepest > tree->steps) forest_walk_on(forest, batch);
  for (uint32_t i = 0; i < batch->count; i++) {
    const struct mri_forest_entry *entry = forest_entry(forest, batch->at[i]);
    const uint32_t wanted = (uint32_t) - (entry->first < batch->first[i]);
    batch->where[i] = entry->where & wanted;
    __builtin_prefetch(forest_line(forest, batch->where[i]));
  }
}

static inline uint32_t forest_look_at(const struct mri_forest *forest, uint32_t where,
                                      const struct mri_forest_row *row) {
  const uint8_t *line = forest_line(forest, where);
  return forest_look(line, line + (forest_has_second(where) ? MRI_FOREST_LINE : 0), row);
}

/* Number of the first of the matching rules, MRI_NO_RULE if there is none. */
static inline uint32_t forest_first(const struct mri_forest *forest, uint32_t where,
                                    uint32_t matching) {
  const uint32_t bit = (uint32_t)__builtin_ctz(matching | 1u << 12);
  uint32_t number;
  memcpy(&number, forest_line(forest, where) + (bit << 3), sizeof number);
  return number | (uint32_t) - (matching == 0);
}

static inline uint32_t forest_lower(uint32_t one, uint32_t other) {
  return one < other ? one : other;
}

#ifndef FOREST_HAS_COMPARE
/* Two lines for each key; returns how many keys have more to compare, in batch->some. */
static inline uint32_t forest_compare(const struct mri_forest *forest, struct forest_batch *batch) {
  uint32_t some = 0;
  for (uint32_t i = 0; i < batch->count; i++) {
    const uint32_t where = batch->where[i];
    const uint32_t matching = forest_look_at(forest, where, &batch->rows[i]);
    batch->first[i] = forest_lower(batch->first[i], forest_first(forest, where, matching));
    batch->some[some] = i;
    some += forest_has_more(where) & (matching == 0);
  }
  return some;
}
#else
static inline uint32_t forest_compare(const struct mri_forest *forest, struct forest_batch *batch);
#endif

static inline void forest_compare_on(const struct mri_forest *forest, struct forest_batch *batch,
                                     uint32_t some) {
  while (some) {
    uint32_t left = 0;
    for (uint32_t j = 0; j < some; j++) {
      const uint32_t i = batch->some[j];
      const uint32_t where = batch->where[i] + 2 - (2u << MRI_FOREST_LINE_BITS);
      const uint32_t matching = forest_look_at(forest, where, &batch->rows[i]);
      batch->first[i] = forest_lower(batch->first[i], forest_first(forest, where, matching));
      batch->where[i] = where;
      batch->some[left] = i;
      left += forest_has_more(where) & (matching == 0);
    }
    some = left;
  }
}

/* The rest, for the keys that one of its rules may still decide. */
static inline void forest_match_rest(const struct mri_forest *forest, const void *const *keys,
                                     struct forest_batch *batch) {
  const void *some_keys[MRI_FOREST_BATCH];
  uint32_t found[MRI_FOREST_BATCH], some = 0;
  for (uint32_t i = 0; i < batch->count; i++) {
    batch->some[some] = i;
    some_keys[some] = keys[i];
    some += batch->first[i] > forest->rest_first;
  }
  if (!some) return;
  forest->rest.match(forest->rest.state, some_keys, some, found);
  for (uint32_t j = 0; j < some; j++) {
    const uint32_t i = batch->some[j];
    batch->first[i] = forest_lower(batch->first[i], found[j]);
  }
}

static inline void forest_match_batch(const struct mri_forest *forest, const void *const *keys,
                                      struct forest_batch *batch) {
  if (forest_prepare(keys, batch->count, batch->rows))
    forest_take_absent(keys, batch->count, batch->rows);
  memset(batch->first, 0xff, sizeof batch->first);
  for (uint32_t i = 0; i < forest->trees; i++) {
    forest_walk(forest, &forest->tree[i], batch);
    forest_compare_on(forest, batch, forest_compare(forest, batch));
  }
  if (forest->rest_first != MRI_NO_RULE) forest_match_rest(forest, keys, batch);
}

static inline void forest_match(const struct mri_forest *forest, const void *const *keys,
                                uint32_t count, uint32_t *first) {
  struct forest_batch batch;
  for (uint32_t done = 0; done < count; done += batch.count) {
    const uint32_t left = count - done;
    batch.count = left < MRI_FOREST_BATCH ? left : MRI_FOREST_BATCH;
    forest_match_batch(forest, keys + done, &batch);
    memcpy(first + done, batch.first, batch.count * sizeof *first);
  }
}

#endif
