/* The forest's walk of IPv4 keys with AVX-512 and BMI2: a line is one register. */
#define FOREST_FAMILY 4
#include "match/forest_avx512.h"

/* Quarters of the two lines' rules in which a rule is larger than the key. */
FOREST_INLINE uint32_t forest_misses(const uint8_t *line, const uint8_t *second,
                                     const forest_row *row) {
  const __m512i key = _mm512_broadcast_i64x4(_mm256_load_si256((const void *)row));
  const __m512i a = _mm512_subs_epu16(_mm512_load_si512(line), key);
  const __m512i b = _mm512_subs_epu16(_mm512_load_si512(second), key);
  return _mm512_kunpackb(_mm512_test_epi64_mask(b, b), _mm512_test_epi64_mask(a, a));
}

void mri_forest_match4_avx512(const void *state, const void *const *keys, uint32_t count,
                              uint32_t *first) {
  forest_match(state, keys, count, first);
}
