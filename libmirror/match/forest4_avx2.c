/* The forest's walk of IPv4 keys with AVX2 and BMI2. */
#define FOREST_FAMILY 4
#include "match/forest_avx2.h"

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
