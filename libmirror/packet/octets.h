/* Reading and writing numbers in network byte order at any alignment. */
#ifndef MRI_PACKET_OCTETS_H
#define MRI_PACKET_OCTETS_H

#include <stdint.h>

static inline uint16_t mri_get16(const uint8_t *at) {
  return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t mri_get32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline void mri_put16(uint8_t *at, uint32_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static inline void mri_put32(uint8_t *at, uint32_t value) {
  mri_put16(at, value >> 16);
  mri_put16(at + 2, value);
}

#endif
