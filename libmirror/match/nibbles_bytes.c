/* The layout of the kernels that look up octets of vectors: AVX2 and NEON. */
#include "match/nibbles_bytes.h"

#include <string.h>

enum { BLOCK = 8 };

static uint32_t halves_of(uint32_t family) {
  return family == 4 ? 8 : 20;
}

static uint32_t smaller(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

static uint32_t plane_count(uint32_t count) {
  return (count + BLOCK - 1) / BLOCK;
}

static uint32_t table_count(uint32_t live) {
  return (uint32_t)__builtin_popcount(live) * 4 - (live & 1) * 2;
}

uint64_t mri_bytes_size(const struct mri_octets *rules, uint32_t count, uint32_t family) {
  uint64_t size = sizeof(struct mri_planes) + plane_count(count) * sizeof(struct mri_plane);
  for (uint32_t at = 0; at < count; at += BLOCK) {
    const uint32_t here = smaller(BLOCK, count - at);
    size +=
        table_count(mri_live_halves(rules + at, here, halves_of(family))) * sizeof(mri_byte_table);
    for (unsigned port = 0; port < MRI_PORTS; port++)
      size += mri_port_ranges(rules + at, here, port, NULL) * sizeof(struct mri_byte_range);
  }
  return size;
}

static void fill_table(uint8_t *entries, const struct mri_octets *rules, uint32_t count,
                       uint32_t octet, unsigned shift) {
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t value = rules[i].value[octet] >> shift & 15;
    const uint32_t mask = rules[i].mask[octet] >> shift & 15;
    for (uint32_t entry = 0; entry < MRI_NIBBLE_VALUES; entry++) {
      if (((entry ^ value) & mask) == 0) entries[entry] |= (uint8_t)(1u << i);
    }
  }
}

static uint32_t fill_tables(mri_byte_table *tables, const struct mri_octets *rules, uint32_t count,
                            uint32_t live) {
  uint32_t filled = 0;
  for (uint32_t half = 0; live >> half; half++) {
    if (!(live >> half & 1)) continue;
    for (uint32_t n = 0; n < (half ? 4u : 2u); n++)
      fill_table(tables[filled++], rules, count, 2 * half + n / 2, n % 2 * 4);
  }
  return filled;
}

static void fill_sets(struct mri_plane *plane, const struct mri_octets *rules, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t rule = (uint8_t)(1u << i);
    if (rules[i].is_hole) continue;
    plane->rules |= rule;
    for (uint32_t absent = 0; absent < MRI_NIBBLE_VALUES; absent++) {
      if (mri_octets_allow(&rules[i], absent % MRI_ABSENT_VALUES)) plane->absent[absent] |= rule;
    }
    for (unsigned port = 0; port < MRI_PORTS; port++) {
      if (!rules[i].is_range[port]) plane->free[port] |= rule;
    }
  }
}

static struct mri_byte_range *fill_ranges(struct mri_plane *plane, struct mri_byte_range *range,
                                          const struct mri_octets *rules, uint32_t count) {
  plane->range = range;
  for (unsigned port = 0; port < MRI_PORTS; port++) {
    struct mri_port_range found[MRI_BLOCK_MAX];
    plane->ranges[port] = mri_port_ranges(rules, count, port, found);
    for (uint32_t i = 0; i < plane->ranges[port]; i++)
      *range++ = (struct mri_byte_range){found[i].first, (uint16_t)(found[i].last - found[i].first),
                                         (uint8_t)found[i].rules};
  }
  return range;
}

void mri_bytes_fill(void *memory, const struct mri_octets *rules, uint32_t count, uint32_t family) {
  struct mri_planes *planes = memory;
  planes->count = plane_count(count);
  mri_byte_table *tables = (mri_byte_table *)&planes->plane[planes->count];
  for (uint32_t p = 0; p < planes->count; p++) {
    const uint32_t at = p * BLOCK, here = smaller(BLOCK, count - at);
    struct mri_plane *plane = &planes->plane[p];
    fill_sets(plane, rules + at, here);
    plane->live = mri_live_halves(rules + at, here, halves_of(family));
    plane->tables = tables;
    tables += fill_tables(tables, rules + at, here, plane->live);
  }
  struct mri_byte_range *range = (struct mri_byte_range *)tables;
  for (uint32_t p = 0; p < planes->count; p++) {
    const uint32_t at = p * BLOCK;
    range = fill_ranges(&planes->plane[p], range, rules + at, smaller(BLOCK, count - at));
  }
}
