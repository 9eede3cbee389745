/* Bit vectors with AVX2: 32 packets at a time. */
#include "match/nibbles_bytes.h"

#include <immintrin.h>

enum { LANES = 32 };

typedef __m256i vec;

static inline vec load_key(const void *key, const void *key16) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(key)),
                                 _mm_loadu_si128(key16), 1);
}

static inline vec entries(const uint8_t table[16]) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)table));
}

static inline vec all(uint8_t value) {
  return _mm256_set1_epi8((char)value);
}

#define low_pairs _mm256_unpacklo_epi8
#define high_pairs _mm256_unpackhi_epi8
#define look_up _mm256_shuffle_epi8
#define both _mm256_and_si256
#define either _mm256_or_si256
#define least _mm256_min_epu8
#define add _mm256_adds_epu8
#define equal _mm256_cmpeq_epi8

static inline vec low_nibbles(vec octets) {
  return both(octets, all(15));
}

static inline vec high_nibbles(vec octets) {
  return both(_mm256_srli_epi16(octets, 4), all(15));
}

/* d = number - first, modulo 65536, is at most span: then it is the lesser of both. */
static inline vec in_range16(vec numbers, vec first, vec span) {
  const vec above = _mm256_sub_epi16(numbers, first);
  return _mm256_cmpeq_epi16(_mm256_min_epu16(above, span), above);
}

static inline vec in_range(vec low, vec high, uint16_t first, uint16_t span) {
  const vec from = _mm256_set1_epi16((short)first), size = _mm256_set1_epi16((short)span);
  return _mm256_packs_epi16(in_range16(low_pairs(low, high), from, size),
                            in_range16(high_pairs(low, high), from, size));
}

static inline bool any(vec octets) {
  return !_mm256_testz_si256(octets, octets);
}

static inline void store8(uint32_t *first, __m128i octets) {
  const __m256i numbers = _mm256_cvtepu8_epi32(octets);
  const __m256i none = _mm256_cmpeq_epi32(numbers, _mm256_set1_epi32(255));
  _mm256_storeu_si256((void *)first, _mm256_or_si256(numbers, none));
}

static inline void store(uint32_t *first, vec octets) {
  const __m128i low = _mm256_castsi256_si128(octets), high = _mm256_extracti128_si256(octets, 1);
  store8(first, low);
  store8(first + 8, _mm_srli_si128(low, 8));
  store8(first + 16, high);
  store8(first + 24, _mm_srli_si128(high, 8));
}

#include "match/nibbles_bytes_match.h"

const struct mri_nibbles_layout mri_nibbles_avx2 = {
    MRI_PLANE_RULES, LANES, MRI_BYTES_RULES, mri_bytes_size, mri_bytes_fill, match4, match6};
