/*
 * Bit vectors of 8 rules: a shuffle of octets looks up one nibble of as many packets as a vector
 * has octets in a table of 16 entries, each the set of those of the 8 rules that agree. The number
 * of a packet's first rule is an octet, too, so a list is at most 31 such planes.
 */
#ifndef MRI_MATCH_NIBBLES_BYTES_H
#define MRI_MATCH_NIBBLES_BYTES_H

#include "match/nibbles.h"

enum {
  MRI_NIBBLE_VALUES = 16,
  MRI_PLANE_RULES = 8,
  MRI_BYTES_RULES = 240, /* in a list; 255 stands for none */
};

typedef uint8_t mri_byte_table[MRI_NIBBLE_VALUES];

/* A port range that is no prefix, and the rules of the plane that ask for it. */
struct mri_byte_range {
  uint16_t first;
  uint16_t span;
  uint8_t rules;
};

struct mri_plane {
  const mri_byte_table *tables; /* of the live half words, ascending; 4 each, 2 for the first */
  const struct mri_byte_range *range;
  uint32_t ranges[MRI_PORTS]; /* in the array above, source ports first */
  uint32_t live;              /* bit h: half word h of the key discriminates */
  mri_byte_table absent;      /* by mirror_key4.absent */
  uint8_t free[MRI_PORTS];    /* rules without a range */
  uint8_t rules;
};

struct mri_planes {
  uint64_t count;
  struct mri_plane plane[];
};

uint64_t mri_bytes_size(const struct mri_octets *rules, uint32_t count, uint32_t family);
void mri_bytes_fill(void *memory, const struct mri_octets *rules, uint32_t count, uint32_t family);

#endif
