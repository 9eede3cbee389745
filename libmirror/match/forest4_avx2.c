/* The forest's walk of IPv4 keys with AVX2 and BMI2. */
#define FOREST_FAMILY 4
#include "match/forest_avx2.h"

FOREST_INLINE bool forest_prepare(const void *const *keys, uint32_t count, forest_row *rows) {
  const __m256i places = forest_places(), complements = forest_complements();
  __m128i any = _mm_setzero_si128();
  FOREST_UNROLL
  for (uint32_t i = 0; i < count; i++) {
    const __m128i key = _mm_loadu_si128(keys[i]);
    const __m256i octets = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(key), places);
    _mm256_store_si256((void *)&rows[i], _mm256_xor_si256(octets, complements));
    any = _mm_or_si128(any, key);
  }
  return ((uint32_t)_mm_cvtsi128_si32(any) & 0xff00) != 0;
}

/* Lanes by which the rule is larger than the key. */
FOREST_INLINE __m256i forest_excess(const uint8_t *rule, __m256i row) {
  return _mm256_subs_epu16(_mm256_load_si256((const void *)rule), row);
}

FOREST_INLINE uint32_t forest_none(__m256i excess) {
  return (uint32_t)_mm256_testz_si256(excess, excess);
}

FOREST_INLINE uint32_t forest_look(const uint8_t *line, const uint8_t *second,
                                   const forest_row *row) {
  const __m256i key = _mm256_load_si256((const void *)row);
  return forest_none(forest_excess(line, key)) | forest_none(forest_excess(line + 32, key)) << 4 |
         forest_none(forest_excess(second, key)) << 8 |
         forest_none(forest_excess(second + 32, key)) << 12;
}

void mri_forest_match4_avx2(const void *state, const void *const *keys, uint32_t count,
                            uint32_t *first) {
  forest_match(state, keys, count, first);
}
