/*
 * What the AVX-512 kernels have in common: answers are found by sixteen. A kernel includes this and
 * defines:
 *
 *   forest_misses(line, second, row)  quarters of the two lines' rules that do not match; all
 *                                     quarters of what is no rule
 */
#ifndef MRI_MATCH_FOREST_AVX512_H
#define MRI_MATCH_FOREST_AVX512_H

#define FOREST_HAS_LANES
#include "match/forest_x86.h"

FOREST_INLINE uint32_t forest_misses(const uint8_t *line, const uint8_t *second,
                                     const forest_row *row);

FOREST_INLINE uint32_t forest_look(const uint8_t *line, const uint8_t *second,
                                   const forest_row *row) {
  uint32_t misses = forest_misses(line, second, row);
  misses |= misses >> 1;
  misses |= misses >> 2;
  return ~misses & 0x1111;
}

FOREST_INLINE __m512i forest_lowest_bit(__m512i bits) {
  const __m512i lowest = _mm512_and_si512(bits, _mm512_sub_epi32(_mm512_setzero_si512(), bits));
  return _mm512_sub_epi32(_mm512_set1_epi32(31), _mm512_lzcnt_epi32(lowest));
}

/* The words at these places, all ones where the mask is 0. */
FOREST_INLINE __m512i forest_gather(__mmask16 mask, __m512i place, const void *words) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion" /* in the macro that GCC has without -O */
  return _mm512_mask_i32gather_epi32(_mm512_set1_epi32(-1), mask, place, words, 4);
#pragma GCC diagnostic pop
}

/* Those of sixteen lanes from lane i on to lanes->late; returns how many are there then. */
FOREST_INLINE uint32_t forest_put_late(struct forest_lanes *lanes, uint32_t late, uint32_t i,
                                       __mmask16 those) {
  const __m512i sixteen = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i numbers = _mm512_add_epi32(sixteen, _mm512_set1_epi32((int)i));
  const __m512i packed = _mm512_maskz_compress_epi32(those, numbers);
  _mm256_storeu_si256((void *)&lanes->late[late], _mm512_cvtepi32_epi16(packed));
  return late + (uint32_t)__builtin_popcount(those);
}

FOREST_INLINE uint32_t forest_take_open(struct forest_lanes *lanes, uint32_t group) {
  const __m512i bit = _mm512_set1_epi32(1 << group);
  uint32_t open = 0;
  for (uint32_t i = 0; i < lanes->count; i += 16) {
    const uint32_t left = lanes->count - i;
    const __mmask16 there = (__mmask16)(left < 16 ? (1u << left) - 1 : UINT16_MAX);
    const __m512i first = _mm512_load_si512(&lanes->first[i]);
    open = forest_put_late(lanes, open, i, _mm512_mask_test_epi32_mask(there, first, bit));
  }
  return open;
}

/* Sixteen lanes' misses to their lowest numbers; returns those without a match that have more. */
FOREST_INLINE __mmask16 forest_answer(const struct mri_forest *forest, struct forest_lanes *lanes,
                                      const uint16_t *misses, uint32_t i) {
  const __m512i where = _mm512_load_si512(&lanes->where[i]);
  __m512i bits = _mm512_cvtepu16_epi32(_mm256_load_si256((const void *)(misses + i)));
  bits = _mm512_or_si512(bits, _mm512_srli_epi32(bits, 1));
  bits = _mm512_or_si512(bits, _mm512_srli_epi32(bits, 2));
  bits = _mm512_andnot_si512(bits, _mm512_set1_epi32(0x1111));
  const __mmask16 hits = _mm512_test_epi32_mask(bits, bits);
  /* In words of 4 octets: bit 4n is rule n, 8 a rule. */
  const __m512i line = _mm512_and_si512(where, _mm512_set1_epi32(MRI_FOREST_AT));
  const __m512i word =
      _mm512_add_epi32(_mm512_srli_epi32(line, 2), _mm512_slli_epi32(forest_lowest_bit(bits), 1));
  const __m512i found = forest_gather(hits, word, forest->lines);
  void *first = &lanes->first[i];
  _mm512_store_si512(first, _mm512_min_epu32(found, _mm512_load_si512(first)));
  const __m512i lines = _mm512_and_si512(where, _mm512_set1_epi32(MRI_FOREST_COUNT));
  return _mm512_mask_cmpgt_epu32_mask(_mm512_knot(hits), lines, _mm512_set1_epi32(2));
}

FOREST_INLINE uint32_t forest_compare(const struct mri_forest *forest, struct forest_lanes *lanes,
                                      bool fresh) {
  _Alignas(64) uint16_t misses[MRI_FOREST_BATCH];
  const uint32_t whole = (lanes->count + 15) & ~15u;
  uint32_t late = 0;
  FOREST_UNROLL
  for (uint32_t i = 0; i < lanes->count; i++) {
    const uint32_t where = lanes->where[i] = forest_where(forest, lanes, i, fresh);
    const uint8_t *line = forest_line(forest, where);
    misses[i] = (uint16_t)forest_misses(line, line + forest_second(where), &lanes->rows[i]);
  }
  for (uint32_t i = lanes->count; i < whole; i++) {
    misses[i] = UINT16_MAX;
    lanes->where[i] = lanes->first[i] = 0;
  }
  for (uint32_t i = 0; i < whole; i += 16)
    late = forest_put_late(lanes, late, i, forest_answer(forest, lanes, misses, i));
  return late;
}

FOREST_INLINE uint32_t forest_members(const uint64_t *const rows[],
                                      uint64_t members[MRI_FOREST_SET_WORDS]) {
  __m512i all = _mm512_load_si512(rows[0]);
  for (uint32_t i = 1; i < MRI_FOREST_INDEXED; i++)
    all = _mm512_and_si512(all, _mm512_load_si512(rows[i]));
  _mm512_storeu_si512(members, all);
  return _mm512_test_epi64_mask(all, all);
}

#endif
