/* Bit vectors with NEON: 16 packets at a time. */
#include "match/nibbles_bytes.h"

#include <arm_neon.h>

enum { LANES = 16 };

typedef uint8x16_t vec;

static inline vec load_key(const void *key, const void *key16) {
  (void)key16;
  return vld1q_u8(key);
}

#define entries vld1q_u8
#define all vdupq_n_u8
#define low_pairs vzip1q_u8
#define high_pairs vzip2q_u8
#define look_up vqtbl1q_u8
#define both vandq_u8
#define either vorrq_u8
#define least vminq_u8
#define add vqaddq_u8
#define equal vceqq_u8

static inline vec low_nibbles(vec octets) {
  return vandq_u8(octets, vdupq_n_u8(15));
}

static inline vec high_nibbles(vec octets) {
  return vshrq_n_u8(octets, 4);
}

static inline vec in_range16(vec numbers, uint16_t first, uint16_t span) {
  const uint16x8_t above = vsubq_u16(vreinterpretq_u16_u8(numbers), vdupq_n_u16(first));
  return vreinterpretq_u8_u16(vcleq_u16(above, vdupq_n_u16(span)));
}

static inline vec in_range(vec low, vec high, uint16_t first, uint16_t span) {
  return vuzp1q_u8(in_range16(low_pairs(low, high), first, span),
                   in_range16(high_pairs(low, high), first, span));
}

static inline bool any(vec octets) {
  return vmaxvq_u8(octets) != 0;
}

static inline void store(uint32_t *first, vec octets) {
  uint8_t number[16];
  vst1q_u8(number, octets);
  for (unsigned i = 0; i < 16; i++)
    first[i] = number[i] == 255 ? MRI_NO_RULE : number[i];
}

#include "match/nibbles_bytes_match.h"

const struct mri_nibbles_layout mri_nibbles_neon = {
    MRI_PLANE_RULES, LANES, MRI_BYTES_RULES, mri_bytes_size, mri_bytes_fill, match4, match6};
