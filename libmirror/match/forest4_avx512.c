/* The forest's walk of IPv4 keys with AVX-512 and BMI2: a line is one register. */
#define FOREST_FAMILY 4
#include "match/forest_avx512.h"

FOREST_INLINE __m512i forest_two_keys(const void *one, const void *other) {
  const __m512i both = _mm512_broadcast_i32x4(_mm_loadu_si128(one));
  return _mm512_mask_broadcast_i32x4(both, 0xff00, _mm_loadu_si128(other));
}

/* Two at a time; of an odd number the last one twice, for there is room for its row. */
FOREST_INLINE bool forest_prepare(const void *const *keys, uint32_t count, forest_row *rows) {
  const __m512i places = _mm512_broadcast_i64x4(forest_places());
  const __m512i complements = _mm512_broadcast_i64x4(forest_complements());
  __m512i any = _mm512_setzero_si512();
  FOREST_UNROLL
  for (uint32_t i = 0; i < count; i += 2) {
    const __m512i key = forest_two_keys(keys[i], keys[i + 1 < count ? i + 1 : i]);
    const __m512i octets = _mm512_shuffle_epi8(key, places);
    _mm512_store_si512((void *)&rows[i], _mm512_xor_si512(octets, complements));
    any = _mm512_or_si512(any, key);
  }
  return _mm512_test_epi32_mask(any, _mm512_set4_epi32(0, 0, 0, 0xff00)) != 0;
}

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
