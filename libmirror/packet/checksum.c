#include "packet/checksum.h"

#include <string.h>

#include "packet/octets.h"

/* One's complement addition: the carry comes back in. */
static uint64_t add(uint64_t sum, uint64_t word) {
  sum += word;
  return sum + (sum < word);
}

static uint64_t word_at(const uint8_t *octets) {
  uint64_t word;
  memcpy(&word, octets, sizeof word);
  return word;
}

/* Four sums at a time: each addition has to wait for the one before it. */
static uint64_t sum_blocks(const uint8_t *octets, uint32_t blocks) {
  uint64_t sum[4] = {0, 0, 0, 0};
  for (; blocks > 0; blocks--, octets += sizeof sum) {
    sum[0] = add(sum[0], word_at(octets));
    sum[1] = add(sum[1], word_at(octets + 8));
    sum[2] = add(sum[2], word_at(octets + 16));
    sum[3] = add(sum[3], word_at(octets + 24));
  }
  return add(add(sum[0], sum[1]), add(sum[2], sum[3]));
}

/* Less than a word, as sums of halves and quarters: what was just written is not waited for. */
static uint64_t tail(const uint8_t *octets, uint32_t length) {
  uint64_t sum = 0;
  uint32_t half;
  uint16_t quarter;
  if (length & 4) {
    memcpy(&half, octets, sizeof half);
    sum += half;
    octets += sizeof half;
  }
  if (length & 2) {
    memcpy(&quarter, octets, sizeof quarter);
    sum += quarter;
    octets += sizeof quarter;
  }
  if (length & 1) {
    quarter = 0;
    memcpy(&quarter, octets, 1);
    sum += quarter;
  }
  return sum;
}

/*
 * One's complement addition does not care about byte order (RFC 1071 section 2 B) and 2^16 - 1
 * divides 2^64 - 1: words of 64 bits in the machine's order are summed and swapped once.
 */
uint64_t mri_sum(uint64_t sum, const uint8_t *octets, uint32_t length) {
  enum { WORD = 8, BLOCK = 4 * WORD };
  uint32_t at = length / BLOCK * BLOCK;
  uint64_t native = sum_blocks(octets, length / BLOCK);
  for (; length - at >= WORD; at += WORD)
    native = add(native, word_at(octets + at));
  if (at < length) native = add(native, tail(octets + at, length - at));
  const uint16_t folded = mri_sum_fold(native);
  uint8_t stored[sizeof folded];
  memcpy(stored, &folded, sizeof folded);
  return sum + mri_get16(stored);
}
