#include "packet/checksum.h"

#include <string.h>

#include "packet/octets.h"

static uint16_t fold(uint64_t sum) {
  sum = (sum & 0xffffffffu) + (sum >> 32);
  sum = (sum & 0xffffffffu) + (sum >> 32);
  sum = (sum & 0xffffu) + (sum >> 16);
  return (uint16_t)((sum & 0xffffu) + (sum >> 16));
}

/*
 * One's complement addition does not care about byte order (RFC 1071 section 2 B) and 2^16 - 1
 * divides 2^32 - 1: words of 32 bits in the machine's order are summed and swapped once.
 */
uint64_t mri_sum(uint64_t sum, const uint8_t *octets, uint32_t length) {
  uint64_t native = 0;
  uint32_t word;
  uint32_t at = 0;
  for (; length - at >= sizeof word; at += (uint32_t)sizeof word) {
    memcpy(&word, octets + at, sizeof word);
    native += word;
  }
  if (at < length) {
    word = 0;
    memcpy(&word, octets + at, length - at);
    native += word;
  }
  const uint16_t folded = fold(native);
  uint8_t stored[sizeof folded];
  memcpy(stored, &folded, sizeof folded);
  return sum + mri_get16(stored);
}

uint16_t mri_sum_finish(uint64_t sum) {
  return (uint16_t)~fold(sum);
}
