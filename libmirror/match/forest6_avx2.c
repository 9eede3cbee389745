/* The forest's walk of IPv6 keys with AVX2 and BMI2. */
#define FOREST_FAMILY 6
#include "match/forest_avx2.h"

/* Bits of eight words that differ where the rule asks for them. */
FOREST_INLINE __m256i forest_differ(const uint8_t *line, const forest_row *row, uint32_t from) {
  const __m256i rule = _mm256_load_si256((const void *)(line + 4 * from));
  const __m256i key = _mm256_load_si256((const void *)&row->word[from]);
  const __m128i shifts = _mm_loadl_epi64((const void *)(line + 4 * MRI_FOREST_SHIFTS + from));
  return _mm256_srlv_epi32(_mm256_xor_si256(rule, key), _mm256_cvtepu8_epi32(shifts));
}

/* Of words 8 to 11, by which the rule is larger than the key: none if the prefix in word 8 agrees.
 */
FOREST_INLINE __m256i forest_excess(const uint8_t *line, const forest_row *row) {
  const __m128i rule = _mm_load_si128((const void *)(line + 4 * 8));
  const __m128i key = _mm_load_si128((const void *)&row->word[8]);
  return _mm256_zextsi128_si256(_mm_subs_epu16(rule, key));
}

FOREST_INLINE uint32_t forest_matches(const uint8_t *line, const forest_row *row) {
  const __m256i differ = _mm256_or_si256(forest_differ(line, row, 0), forest_differ(line, row, 8));
  const __m256i misses = _mm256_or_si256(differ, forest_excess(line, row));
  return (uint32_t)_mm256_testz_si256(misses, misses);
}

FOREST_INLINE uint32_t forest_look(const uint8_t *line, const uint8_t *second,
                                   const forest_row *row) {
  return forest_matches(line, row) | forest_matches(second, row) << 8;
}

void mri_forest_match6_avx2(const void *state, const void *const *keys, uint32_t count,
                            uint32_t *first) {
  forest_match(state, keys, count, first);
}
