/* The Internet checksum (RFC 1071). */
#ifndef MRI_PACKET_CHECKSUM_H
#define MRI_PACKET_CHECKSUM_H

#include <stdint.h>

/* Adds octets, as 16-bit words in network order, to an unfolded sum. Only the last piece of a sum
 * may have an odd length. */
uint64_t mri_sum(uint64_t sum, const uint8_t *octets, uint32_t length);

/* A sum of 16 bits. */
static inline uint16_t mri_sum_fold(uint64_t sum) {
  sum = (sum & 0xffffffffu) + (sum >> 32);
  sum = (sum & 0xffffffffu) + (sum >> 32);
  sum = (sum & 0xffffu) + (sum >> 16);
  return (uint16_t)((sum & 0xffffu) + (sum >> 16));
}

/* The finished checksum, host byte order. */
static inline uint16_t mri_sum_finish(uint64_t sum) {
  return (uint16_t)~mri_sum_fold(sum);
}

#endif
