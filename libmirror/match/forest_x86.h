/* What the forest's AVX2 and AVX-512 kernels have in common. */
#ifndef MRI_MATCH_FOREST_X86_H
#define MRI_MATCH_FOREST_X86_H

#include "match/forest_match.h"

#include <immintrin.h>

FOREST_INLINE uint32_t forest_extract(uint64_t words, uint64_t mask) {
  return (uint32_t)_pext_u64(words, mask);
}

/* Octets of a key by place in its row; Z: none. Low lanes first. */
#define Z -1
FOREST_INLINE __m256i forest_places(void) {
  return _mm256_setr_epi8(Z, Z, Z, Z, 7, 6, 5, 4, 11, 10, 9, 8, 13, 12, 15, 14, 0, Z, 0, Z, 7, 6, 5,
                          4, 11, 10, 9, 8, 13, 12, 15, 14);
}
#undef Z

FOREST_INLINE __m256i forest_complements(void) {
  return _mm256_setr_epi32(-1, 0, 0, 0, (int)0xffff0000, -1, -1, -1);
}

FOREST_INLINE bool forest_prepare(const void *const *keys, uint32_t count,
                                  struct mri_forest_row *rows) {
  const __m256i places = forest_places(), complements = forest_complements();
  __m128i any = _mm_setzero_si128();
  for (uint32_t i = 0; i < count; i++) {
    const __m128i key = _mm_loadu_si128(keys[i]);
    const __m256i octets = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(key), places);
    _mm256_store_si256((void *)&rows[i], _mm256_xor_si256(octets, complements));
    any = _mm_or_si128(any, key);
  }
  return ((uint32_t)_mm_cvtsi128_si32(any) & 0xff00) != 0;
}

#endif
