/* The forest's walk of IPv6 keys with AVX-512 and BMI2: a line is one register. */
#define FOREST_FAMILY 6
#include "match/forest_avx512.h"

enum { LANES_OF_BOUNDS = 0x3f << 18 /* words 9 to 11 */ };

/* Whether the rule of the line does not match. */
FOREST_INLINE uint32_t forest_miss(const uint8_t *line, __m512i key) {
  const __m512i rule = _mm512_load_si512(line);
  const __m512i shifts =
      _mm512_cvtepu8_epi32(_mm_load_si128((const void *)(line + 4 * MRI_FOREST_SHIFTS)));
  const __m512i differ = _mm512_srlv_epi32(_mm512_xor_si512(rule, key), shifts);
  const __m512i excess = _mm512_maskz_subs_epu16(LANES_OF_BOUNDS, rule, key);
  return _mm512_test_epi32_mask(_mm512_or_si512(differ, excess), _mm512_set1_epi32(-1)) != 0;
}

/* The second half of a line is no rule. */
FOREST_INLINE uint32_t forest_misses(const uint8_t *line, const uint8_t *second,
                                     const forest_row *row) {
  const __m512i key = _mm512_load_si512(row);
  return 0xf0f0 | forest_miss(line, key) | forest_miss(second, key) << 8;
}

void mri_forest_match6_avx512(const void *state, const void *const *keys, uint32_t count,
                              uint32_t *first) {
  forest_match(state, keys, count, first);
}
