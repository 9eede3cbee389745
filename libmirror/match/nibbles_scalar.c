/*
 * Bit vectors in portable C: a table of 256 entries for each octet, each the set of those of 64
 * rules that agree. What octets cannot say, port ranges and absent fields, is asked of the rules
 * left.
 */
#include "match/nibbles.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 20")

/* Half words of a key in front of its ports. */
enum { HALVES4 = 6, HALVES6 = 18 };

/* A set of 63 rules always has the bit NONE, too, so that it has a lowest bit. */
enum { BLOCK = 63, NONE = 63, VALUES = 256 };

typedef uint64_t table[VALUES];

/* By the high octet of a port, then by the low one. */
struct port_tables {
  table touched;   /* rules whose range has ports with this high octet */
  table not_first; /* rules whose range does not begin with this high octet */
  table not_last;
  table from; /* rules whose range begins at or below this low octet */
  table to;
};

struct block {
  const table *tables; /* of the live half words, ascending; two each, but one for the first */
  uint64_t absent[MRI_ABSENT_VALUES]; /* rules that ask for none of the absent fields */
  uint32_t live;                      /* bit h: half word h of the key discriminates */
  struct port_tables port[MRI_PORTS];
};

struct list {
  uint64_t blocks;
  struct block block[];
};

/* ---- build ---- */

static uint32_t smaller(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

/* Half words with tables. Half 0 is the protocol, which always has one; 1 is reserved. An IPv4
 * block has all: looking for those that it has would take longer than looking them up. */
static uint32_t live_halves(const struct mri_octets *rules, uint32_t count, uint32_t family) {
  if (family == 4) return (1u << HALVES4) - 1 - 2;
  return mri_live_halves(rules, count, HALVES6) | 1;
}

static uint32_t table_count(uint32_t live) {
  return (uint32_t)__builtin_popcount(live) * 2 - 1;
}

static uint64_t scalar_size(const struct mri_octets *rules, uint32_t count, uint32_t family) {
  const uint32_t blocks = (count + BLOCK - 1) / BLOCK;
  uint64_t size = sizeof(struct list) + blocks * sizeof(struct block);
  for (uint32_t at = 0; at < count; at += BLOCK)
    size +=
        table_count(live_halves(rules + at, smaller(BLOCK, count - at), family)) * sizeof(table);
  return size;
}

/* Octet masks are prefixes: what a rule agrees with is a run of values. */
static void fill_table(uint64_t *entries, const struct mri_octets *rules, uint32_t count,
                       uint32_t octet) {
  for (uint32_t value = 0; value < VALUES; value++)
    entries[value] = (uint64_t)1 << NONE;
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t first = rules[i].value[octet], open = 0xff & ~(uint32_t)rules[i].mask[octet];
    for (uint32_t value = first; value <= (first | open); value++)
      entries[value] |= (uint64_t)1 << i;
  }
}

static uint32_t fill_tables(table *tables, const struct mri_octets *rules, uint32_t count,
                            uint32_t live) {
  uint32_t filled = 0;
  for (uint32_t half = 0; live >> half; half++) {
    if (!(live >> half & 1)) continue;
    fill_table(tables[filled++], rules, count, 2 * half);
    if (half) fill_table(tables[filled++], rules, count, 2 * half + 1);
  }
  return filled;
}

static void fill_port(struct port_tables *tables, uint64_t rule, uint32_t first, uint32_t last) {
  for (uint32_t value = 0; value < VALUES; value++) {
    if (first >> 8 <= value && value <= last >> 8) tables->touched[value] |= rule;
    if (first >> 8 != value) tables->not_first[value] |= rule;
    if (last >> 8 != value) tables->not_last[value] |= rule;
    if ((first & 0xff) <= value) tables->from[value] |= rule;
    if (value <= (last & 0xff)) tables->to[value] |= rule;
  }
}

static void fill_rules(struct block *block, const struct mri_octets *rules, uint32_t count) {
  fill_port(&block->port[MRI_PORT_SOURCE], (uint64_t)1 << NONE, 0, UINT16_MAX);
  fill_port(&block->port[MRI_PORT_DESTINATION], (uint64_t)1 << NONE, 0, UINT16_MAX);
  for (uint32_t absent = 0; absent < MRI_ABSENT_VALUES; absent++)
    block->absent[absent] = (uint64_t)1 << NONE;
  for (uint32_t i = 0; i < count; i++) {
    if (rules[i].is_hole) continue;
    for (uint32_t absent = 0; absent < MRI_ABSENT_VALUES; absent++)
      block->absent[absent] |= (uint64_t)mri_octets_allow(&rules[i], absent) << i;
    for (unsigned port = 0; port < MRI_PORTS; port++)
      fill_port(&block->port[port], (uint64_t)1 << i, rules[i].first[port], rules[i].last[port]);
  }
}

static void scalar_fill(void *memory, const struct mri_octets *rules, uint32_t count,
                        uint32_t family) {
  struct list *list = memory;
  list->blocks = (count + BLOCK - 1) / BLOCK;
  table *tables = (table *)&list->block[list->blocks];
  for (uint32_t b = 0; b < list->blocks; b++) {
    const uint32_t at = b * BLOCK, here = smaller(BLOCK, count - at);
    struct block *block = &list->block[b];
    fill_rules(block, rules + at, here);
    block->live = live_halves(rules + at, here, family);
    block->tables = tables;
    tables += fill_tables(tables, rules + at, here, block->live);
  }
}

/* ---- match ---- */

INLINE uint64_t look_up_port(const struct port_tables *tables, const uint8_t port[2]) {
  return tables->touched[port[0]] & (tables->not_first[port[0]] | tables->from[port[1]]) &
         (tables->not_last[port[0]] | tables->to[port[1]]);
}

/* The rules of a block that match, and NONE. */
INLINE uint64_t look_up(const struct block *block, const uint8_t *key, const uint32_t halves) {
  const table *tables = block->tables;
  uint64_t set = tables[0][key[0]];
  tables++;
  UNROLL
  for (uint32_t half = 2; half < halves; half++) {
    if (halves == HALVES6 && !(block->live >> half & 1)) continue;
    set &= tables[0][key[2 * half]] & tables[1][key[2 * half + 1]];
    tables += 2;
  }
  UNROLL
  for (unsigned port = 0; port < MRI_PORTS; port++)
    set &= look_up_port(&block->port[port], key + 2 * (halves + port));
  const unsigned absent = key[1] % MRI_ABSENT_VALUES;
  if (absent) set &= block->absent[absent];
  return set;
}

INLINE uint32_t match_key(const struct block *block, const void *key, const uint32_t halves) {
  const uint32_t rule = (uint32_t)__builtin_ctzll(look_up(block, key, halves));
  return rule == NONE ? MRI_NO_RULE : rule;
}

INLINE void match_keys(const struct list *list, const void *const *keys, const uint32_t halves,
                       uint32_t count, uint32_t *first) {
  for (uint32_t i = 0; i < count; i++)
    first[i] = match_key(&list->block[0], keys[i], halves);
  for (uint32_t b = 1; b < list->blocks; b++) {
    for (uint32_t i = 0; i < count; i++) {
      if (first[i] != MRI_NO_RULE) continue;
      const uint32_t found = match_key(&list->block[b], keys[i], halves);
      if (found != MRI_NO_RULE) first[i] = b * BLOCK + found;
    }
  }
}

static void match4(const void *list, const void *const *keys, uint32_t count, uint32_t *first) {
  match_keys(list, keys, HALVES4, count, first);
}

static void match6(const void *list, const void *const *keys, uint32_t count, uint32_t *first) {
  match_keys(list, keys, HALVES6, count, first);
}

const struct mri_nibbles_layout mri_nibbles_scalar = {BLOCK,       1,      4 * BLOCK, scalar_size,
                                                      scalar_fill, match4, match6};
