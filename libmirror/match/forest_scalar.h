/* What the forest's kernels in portable C have in common. */
#ifndef MRI_MATCH_FOREST_SCALAR_H
#define MRI_MATCH_FOREST_SCALAR_H

#include "match/forest_match.h"
#include "packet/octets.h"

/* As many ones as the mask has. */
FOREST_INLINE uint32_t forest_ones(uint32_t mask) {
  mask -= mask >> 1 & 0x55555555;
  mask = (mask & 0x33333333) + (mask >> 2 & 0x33333333);
  mask = (mask + (mask >> 4)) & 0x0f0f0f0f;
  return (UINT32_C(1) << (mask * 0x01010101 >> 24)) - 1;
}

/* At a leaf all bits are 1, and the mask has many. */
FOREST_INLINE uint32_t forest_extract(uint64_t words, uint64_t mask) {
  uint32_t bits = 0;
  if (mask <= UINT32_MAX && (uint32_t)words == UINT32_MAX) return forest_ones((uint32_t)mask);
  for (uint32_t to = 1; mask; to += to, mask &= mask - 1)
    bits |= words & mask & -mask ? to : 0;
  return bits;
}

FOREST_INLINE uint32_t forest_members(const uint64_t *const rows[],
                                      uint64_t members[MRI_FOREST_SET_WORDS]) {
  uint32_t words = 0;
  for (uint32_t word = 0; word < MRI_FOREST_SET_WORDS; word++) {
    members[word] = rows[0][word];
    for (uint32_t i = 1; i < MRI_FOREST_INDEXED; i++)
      members[word] &= rows[i][word];
    words |= (uint32_t)(members[word] != 0) << word;
  }
  return words;
}

#endif
