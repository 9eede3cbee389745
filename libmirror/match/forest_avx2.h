/* What the AVX2 kernels have in common. */
#ifndef MRI_MATCH_FOREST_AVX2_H
#define MRI_MATCH_FOREST_AVX2_H

#include "match/forest_x86.h"

/* Four words of a set; which of them are not 0. */
FOREST_INLINE uint32_t forest_four_members(const uint64_t *const rows[], uint32_t at,
                                           uint64_t *members) {
  __m256i all = _mm256_load_si256((const void *)(rows[0] + at));
  for (uint32_t i = 1; i < MRI_FOREST_INDEXED; i++)
    all = _mm256_and_si256(all, _mm256_load_si256((const void *)(rows[i] + at)));
  _mm256_storeu_si256((void *)members, all);
  const __m256i none = _mm256_cmpeq_epi64(all, _mm256_setzero_si256());
  return ~(uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(none)) & 15;
}

FOREST_INLINE uint32_t forest_members(const uint64_t *const rows[],
                                      uint64_t members[MRI_FOREST_SET_WORDS]) {
  return forest_four_members(rows, 0, members) | forest_four_members(rows, 4, members + 4) << 4;
}

#endif
