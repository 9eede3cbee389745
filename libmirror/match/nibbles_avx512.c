/*
 * Bit vectors with AVX-512: a permutation of 32-bit lanes looks up one nibble of 16 packets in a
 * table of 16 entries, each the set of those of 32 rules that agree.
 */
#include "match/nibbles.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 20")

enum {
  BLOCK = 32, /* rules */
  LANES = 16, /* packets in a vector */
  WORDS4 = 4, /* 32-bit words of a key */
  WORDS6 = 10,
  NIBBLES = 4, /* in half a word; the protocol stands alone in the first one and has 2 */
};

typedef uint32_t table[LANES];

/* A port range that is no prefix, and the rules of the block that ask for it. */
struct range {
  uint32_t first;
  uint32_t span;
  uint32_t rules;
};

struct block {
  uint32_t rules;             /* all of the block */
  uint32_t live;              /* bit h: half word h discriminates and has tables */
  uint32_t ranges[MRI_PORTS]; /* in the array below, source ports first */
  uint32_t free[MRI_PORTS];   /* rules without such a range */
  table absent;               /* by mirror_key4.absent */
  const table *tables;        /* of the live half words, ascending */
  const struct range *range;
};

struct list {
  uint32_t blocks;
  struct block block[];
};

/* ---- build ---- */

static uint32_t word_count(uint32_t family) {
  return family == 4 ? WORDS4 : WORDS6;
}

static uint32_t nibbles_of(uint32_t half) {
  return half ? NIBBLES : 2;
}

static uint32_t table_count(uint32_t live) {
  return (uint32_t)__builtin_popcount(live & ~1u) * NIBBLES + (live & 1) * 2;
}

static uint32_t smaller(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

static uint32_t block_count(uint32_t count) {
  return (count + BLOCK - 1) / BLOCK;
}

static uint64_t tables_offset(uint32_t count) {
  const uint64_t head = sizeof(struct list) + block_count(count) * sizeof(struct block);
  return (head + 63) / 64 * 64;
}

static uint64_t avx512_size(const struct mri_octets *rules, uint32_t count, uint32_t family) {
  uint64_t size = tables_offset(count);
  for (uint32_t at = 0; at < count; at += BLOCK) {
    const uint32_t here = smaller(BLOCK, count - at);
    size += table_count(mri_live_halves(rules + at, here, 2 * word_count(family))) * sizeof(table);
    for (unsigned port = 0; port < MRI_PORTS; port++)
      size += mri_port_ranges(rules + at, here, port, NULL) * sizeof(struct range);
  }
  return size;
}

static void fill_table(uint32_t *entries, const struct mri_octets *rules, uint32_t count,
                       uint32_t octet, unsigned shift) {
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t value = rules[i].value[octet] >> shift & 15;
    const uint32_t mask = rules[i].mask[octet] >> shift & 15;
    for (uint32_t entry = 0; entry < LANES; entry++)
      entries[entry] |= (uint32_t)(((entry ^ value) & mask) == 0) << i;
  }
}

/* Tables in the order of the nibbles of a word that was loaded little-endian. */
static uint32_t fill_tables(table *tables, const struct mri_octets *rules, uint32_t count,
                            uint32_t live) {
  uint32_t filled = 0;
  for (uint32_t half = 0; live >> half; half++) {
    if (!(live >> half & 1)) continue;
    for (uint32_t n = 0; n < nibbles_of(half); n++)
      fill_table(tables[filled++], rules, count, 2 * half + n / 2, n % 2 * 4);
  }
  return filled;
}

static void fill_block(struct block *block, const struct mri_octets *rules, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t rule = 1u << i;
    if (rules[i].is_hole) continue;
    block->rules |= rule;
    for (uint32_t absent = 0; absent < LANES; absent++) {
      if (mri_octets_allow(&rules[i], absent % MRI_ABSENT_VALUES)) block->absent[absent] |= rule;
    }
    for (unsigned port = 0; port < MRI_PORTS; port++) {
      if (!rules[i].is_range[port]) block->free[port] |= rule;
    }
  }
}

static struct range *fill_ranges(struct block *block, struct range *range,
                                 const struct mri_octets *rules, uint32_t count) {
  block->range = range;
  for (unsigned port = 0; port < MRI_PORTS; port++) {
    struct mri_port_range found[MRI_BLOCK_MAX];
    block->ranges[port] = mri_port_ranges(rules, count, port, found);
    for (uint32_t i = 0; i < block->ranges[port]; i++)
      *range++ = (struct range){found[i].first, (uint32_t)found[i].last - found[i].first,
                                (uint32_t)found[i].rules};
  }
  return range;
}

static void avx512_fill(void *memory, const struct mri_octets *rules, uint32_t count,
                        uint32_t family) {
  struct list *list = memory;
  table *tables = (table *)((uint8_t *)memory + tables_offset(count));
  uint32_t all_tables = 0;
  list->blocks = block_count(count);
  for (uint32_t b = 0; b < list->blocks; b++) {
    const uint32_t at = b * BLOCK, here = smaller(BLOCK, count - at);
    struct block *block = &list->block[b];
    fill_block(block, rules + at, here);
    block->live = mri_live_halves(rules + at, here, 2 * word_count(family));
    block->tables = tables + all_tables;
    all_tables += fill_tables(tables + all_tables, rules + at, here, block->live);
  }
  struct range *range = (struct range *)(tables + all_tables);
  for (uint32_t b = 0; b < list->blocks; b++) {
    const uint32_t at = b * BLOCK;
    range = fill_ranges(&list->block[b], range, rules + at, smaller(BLOCK, count - at));
  }
}

/* ---- match ---- */

/* One or two vectors of 16 packets go through a block together: tables are loaded once for both. */
#define AND3(a, b, c) _mm512_ternarylogic_epi32(a, b, c, 0x80)

/* Four keys' 16 octets at `offset` become 4 words of 4 packets in each 128-bit lane. */
INLINE __m512i load4(const void *const *keys, uint32_t offset) {
#define PART(i) _mm_loadu_si128((const void *)((const uint8_t *)keys[i] + offset))
  __m512i all = _mm512_castsi128_si512(PART(0));
  all = _mm512_inserti32x4(all, PART(4), 1);
  all = _mm512_inserti32x4(all, PART(8), 2);
  return _mm512_inserti32x4(all, PART(12), 3);
#undef PART
}

/* The words at `offset` of 16 keys, transposed. */
INLINE void load_words(const void *const *keys, uint32_t offset, __m512i word[4]) {
  const __m512i k0 = load4(keys, offset), k1 = load4(keys + 1, offset);
  const __m512i k2 = load4(keys + 2, offset), k3 = load4(keys + 3, offset);
  const __m512i a = _mm512_unpacklo_epi32(k0, k1), b = _mm512_unpackhi_epi32(k0, k1);
  const __m512i c = _mm512_unpacklo_epi32(k2, k3), d = _mm512_unpackhi_epi32(k2, k3);
  word[0] = _mm512_unpacklo_epi64(a, c);
  word[1] = _mm512_unpackhi_epi64(a, c);
  word[2] = _mm512_unpacklo_epi64(b, d);
  word[3] = _mm512_unpackhi_epi64(b, d);
}

INLINE void load_keys(const void *const *keys, const uint32_t words, __m512i *word) {
  load_words(keys, 0, word);
  if (words == WORDS4) return;
  load_words(keys, 24, word + 6); /* ends with the key: overlaps the next */
  load_words(keys, 16, word + 4);
}

INLINE __m512i look_up(__m512i word, const unsigned nibble, __m512i entries) {
  return _mm512_permutexvar_epi32(nibble ? _mm512_srli_epi32(word, nibble * 4) : word, entries);
}

/* Ands to each of the vectors' sets what `nibbles` tables say of one word from nibble `from` on. */
INLINE void look_up_word(const __m512i *word, const table *tables, const unsigned vectors,
                         const uint32_t stride, const unsigned from, const unsigned nibbles,
                         __m512i *set) {
  UNROLL
  for (unsigned n = 0; n < nibbles; n += 2) {
    const __m512i even = _mm512_load_si512(tables[n]), odd = _mm512_load_si512(tables[n + 1]);
    UNROLL
    for (unsigned v = 0; v < vectors; v++) {
      const __m512i w = word[v * stride];
      set[v] = AND3(set[v], look_up(w, from + n, even), look_up(w, from + n + 1, odd));
    }
  }
}

/* The ports of 16 packets in host byte order. */
INLINE __m512i port_of(__m512i word, unsigned port) {
  const __m512i swap = _mm512_set4_epi32(0x0e0f0c0d, 0x0a0b0809, 0x06070405, 0x02030001);
  const __m512i both = _mm512_shuffle_epi8(word, swap);
  return port == MRI_PORT_SOURCE ? _mm512_and_si512(both, _mm512_set1_epi32(0xffff))
                                 : _mm512_srli_epi32(both, 16);
}

INLINE __m512i in_ranges(__m512i port, const struct range *range, uint32_t ranges, uint32_t free) {
  __m512i set = _mm512_set1_epi32((int)free);
  for (uint32_t i = 0; i < ranges; i++) {
    const __m512i above = _mm512_sub_epi32(port, _mm512_set1_epi32((int)range[i].first));
    const __mmask16 inside = _mm512_cmple_epu32_mask(above, _mm512_set1_epi32((int)range[i].span));
    set = _mm512_mask_or_epi32(set, inside, set, _mm512_set1_epi32((int)range[i].rules));
  }
  return set;
}

INLINE void look_up_ranges(const struct block *block, const __m512i *ports, const unsigned vectors,
                           const uint32_t stride, __m512i *set) {
  const struct range *range = block->range;
  UNROLL
  for (unsigned port = 0; port < MRI_PORTS; port++) {
    if (!block->ranges[port]) continue;
    UNROLL
    for (unsigned v = 0; v < vectors; v++)
      set[v] = _mm512_and_si512(set[v], in_ranges(port_of(ports[v * stride], port), range,
                                                  block->ranges[port], block->free[port]));
    range += block->ranges[port];
  }
}

INLINE void look_up_absent(const struct block *block, const __m512i *word, const unsigned vectors,
                           const uint32_t stride, __m512i *set) {
  UNROLL
  for (unsigned v = 0; v < vectors; v++)
    set[v] =
        _mm512_and_si512(set[v], look_up(word[v * stride], 2, _mm512_loadu_si512(block->absent)));
}

/* The rules of a block that match, per packet. word[v * words + w]: word w of vector v. */
INLINE void look_up_block(const struct block *block, const __m512i *word, const uint32_t words,
                          const unsigned vectors, bool absent, __m512i *set) {
  const table *tables = block->tables;
  UNROLL
  for (unsigned v = 0; v < vectors; v++)
    set[v] = _mm512_set1_epi32((int)block->rules);
  UNROLL
  for (uint32_t half = 0; half < 2 * words; half++) {
    const unsigned nibbles = half ? NIBBLES : 2;
    if (!(block->live >> half & 1)) continue;
    look_up_word(word + half / 2, tables, vectors, words, half % 2 * NIBBLES, nibbles, set);
    tables += nibbles;
  }
  look_up_ranges(block, word + words - 1, vectors, words, set);
  if (absent) look_up_absent(block, word, vectors, words, set);
}

/* Number of the lowest bit, -1 if there is none: MRI_NO_RULE. */
INLINE __m512i lowest(__m512i set) {
  const __m512i bit = _mm512_and_si512(set, _mm512_sub_epi32(_mm512_setzero_si512(), set));
  return _mm512_sub_epi32(_mm512_set1_epi32(31), _mm512_lzcnt_epi32(bit));
}

INLINE bool any_absent(const __m512i *word, const unsigned vectors, const uint32_t stride) {
  __m512i all = word[0];
  UNROLL
  for (unsigned v = 1; v < vectors; v++)
    all = _mm512_or_si512(all, word[v * stride]);
  return _mm512_test_epi32_mask(all, _mm512_set1_epi32((MRI_ABSENT_VALUES - 1) << 8)) != 0;
}

/* Takes what a later block found where no earlier one did. True if packets are left undecided. */
INLINE bool merge(__m512i *first, const __m512i *set, const unsigned vectors, uint32_t start) {
  __mmask16 left = 0;
  UNROLL
  for (unsigned v = 0; v < vectors; v++) {
    const __mmask16 open = _mm512_movepi32_mask(first[v]);
    const __mmask16 found = _mm512_mask_test_epi32_mask(open, set[v], set[v]);
    first[v] =
        _mm512_mask_add_epi32(first[v], found, lowest(set[v]), _mm512_set1_epi32((int)start));
    left |= open & (__mmask16)~found;
  }
  return left != 0;
}

INLINE void match_vectors(const struct list *list, const void *const *keys, const uint32_t words,
                          const unsigned vectors, __m512i *first) {
  __m512i word[2 * WORDS6], set[2];
  word[0] = _mm512_setzero_si512();
  UNROLL
  for (unsigned v = 0; v < vectors; v++)
    load_keys(keys + v * LANES, words, word + v * words);
  const bool absent = any_absent(word, vectors, words);
  look_up_block(&list->block[0], word, words, vectors, absent, set);
  UNROLL
  for (unsigned v = 0; v < vectors; v++)
    first[v] = lowest(set[v]);
  for (uint32_t b = 1; b < list->blocks; b++) {
    look_up_block(&list->block[b], word, words, vectors, absent, set);
    if (!merge(first, set, vectors, b * BLOCK)) break;
  }
}

INLINE void match(const struct list *list, const void *const *keys, const uint32_t words,
                  uint32_t count, uint32_t *first) {
  __m512i found[2];
  uint32_t at = 0;
  for (; at + 2 * LANES <= count; at += 2 * LANES) {
    match_vectors(list, keys + at, words, 2, found);
    _mm512_storeu_si512(first + at, found[0]);
    _mm512_storeu_si512(first + at + LANES, found[1]);
  }
  for (; at + LANES <= count; at += LANES) {
    match_vectors(list, keys + at, words, 1, found);
    _mm512_storeu_si512(first + at, found[0]);
  }
}

static void match4(const void *list, const void *const *keys, uint32_t count, uint32_t *first) {
  match(list, keys, WORDS4, count, first);
}

static void match6(const void *list, const void *const *keys, uint32_t count, uint32_t *first) {
  match(list, keys, WORDS6, count, first);
}

const struct mri_nibbles_layout mri_nibbles_avx512 = {BLOCK,       LANES,  8 * BLOCK, avx512_size,
                                                      avx512_fill, match4, match6};
