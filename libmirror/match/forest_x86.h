/* What the forest's AVX2 and AVX-512 kernels have in common. */
#ifndef MRI_MATCH_FOREST_X86_H
#define MRI_MATCH_FOREST_X86_H

#include "match/forest_match.h"

#include <immintrin.h>

FOREST_INLINE uint32_t forest_extract(uint64_t words, uint64_t mask) {
  return (uint32_t)_pext_u64(words, mask);
}

#if FOREST_FAMILY == 4
/*
 * Octets of a key by place in its row; Z: none. Low lanes first. Then the lanes that are
 * complements.
 */
#define Z -1
FOREST_INLINE __m256i forest_places(void) {
  return _mm256_setr_epi8(Z, Z, Z, Z, 7, 6, 5, 4, 11, 10, 9, 8, 13, 12, 15, 14, 0, Z, 0, Z, 7, 6, 5,
                          4, 11, 10, 9, 8, 13, 12, 15, 14);
}
#undef Z

FOREST_INLINE __m256i forest_complements(void) {
  return _mm256_setr_epi32(-1, 0, 0, 0, (int)0xffff0000, -1, -1, -1);
}
#else
#define Z -1
/* Words 0 to 7 of a row are those of a key in the other order of octets; but the first one. */
FOREST_INLINE __m256i forest_front(const uint8_t *key) {
  const __m256i swap = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
  const __m256i octets = _mm256_shuffle_epi8(_mm256_loadu_si256((const void *)key), swap);
  return _mm256_or_si256(octets, _mm256_setr_epi32(-1, 0, 0, 0, 0, 0, 0, 0));
}

/* Octets 24 to 39 of a key, the first four of it in place of the first four. */
FOREST_INLINE __m128i forest_end(const uint8_t *key) {
  const __m128i end = _mm_loadu_si128((const void *)(key + 24));
  return _mm_blend_epi32(end, _mm_loadu_si128((const void *)key), 1);
}

/* Words 8 to 11: of the destination, ports, protocol, ports again. */
FOREST_INLINE __m128i forest_back(__m128i end) {
  const __m128i places = _mm_setr_epi8(11, 10, 9, 8, 13, 12, 15, 14, 0, Z, 0, Z, 13, 12, 15, 14);
  const __m128i complements = _mm_setr_epi32(0, 0, (int)0xffff0000, -1);
  return _mm_xor_si128(_mm_shuffle_epi8(end, places), complements);
}
#undef Z

FOREST_INLINE bool forest_prepare(const void *const *keys, uint32_t count, forest_row *rows) {
  __m128i any = _mm_setzero_si128();
  for (uint32_t i = 0; i < count; i++) {
    const __m128i end = forest_end(keys[i]);
    _mm256_store_si256((void *)&rows[i].word[0], forest_front(keys[i]));
    _mm256_store_si256((void *)&rows[i].word[8], _mm256_zextsi128_si256(forest_back(end)));
    any = _mm_or_si128(any, end);
  }
  return ((uint32_t)_mm_cvtsi128_si32(any) & 0xff00) != 0;
}
#endif

#endif
