/*
 * Equal lists of rules below equal bits of the key need one subtree only. This is what makes copies
 * cheap: rules that leave many bits open are copied as lists, not as nodes and leaves.
 */
#include "match/forest_build.h"

#include <string.h>

enum { SLOTS_MIN = 1 << 10 };

/* A place that was grown before. */
struct mri_forest_place {
  struct mri_forest_region region;
  struct mri_forest_entry entry;
  size_t list; /* in `kept` */
  uint32_t count, depth, hash;
};

size_t mri_forest_place_size(void) {
  return sizeof(struct mri_forest_place);
}

static uint32_t mix(uint32_t hash, uint32_t value) {
  const uint64_t product = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
  return (uint32_t)(product >> 32 ^ product);
}

static uint32_t hash_of(const uint32_t *members, uint32_t count,
                        const struct mri_forest_region *region, uint32_t depth) {
  uint32_t hash = mix(depth, count);
  for (unsigned view = 0; view < MRI_FOREST_VIEWS_MAX; view++)
    hash = mix(hash, region->known[view]);
  for (uint32_t i = 0; i < count; i++)
    hash = mix(hash, MRI_FOREST_INDEX(members[i]));
  return hash;
}

static const struct mri_forest_place *place_at(const struct mri_forest_builder *builder,
                                               uint32_t number) {
  return (const struct mri_forest_place *)builder->places.at + number;
}

static bool is_place(const struct mri_forest_builder *builder, const struct mri_forest_place *place,
                     const uint32_t *members, uint32_t count,
                     const struct mri_forest_region *region, uint32_t depth) {
  if (place->count != count || place->depth != depth ||
      memcmp(&place->region, region, sizeof *region) != 0)
    return false;
  const uint32_t *list = (const uint32_t *)builder->kept.at + place->list;
  for (uint32_t i = 0; i < count; i++) {
    if (list[i] != MRI_FOREST_INDEX(members[i])) return false;
  }
  return true;
}

static uint32_t *slots(const struct mri_forest_builder *builder) {
  return builder->slots.at;
}

/* Slots hold the number of a place and one more; 0 is free. */
static void put_slot(struct mri_forest_builder *builder, uint32_t number) {
  const uint32_t last = (uint32_t)builder->slots.count - 1;
  uint32_t at = place_at(builder, number)->hash & last;
  while (slots(builder)[at])
    at = (at + 1) & last;
  slots(builder)[at] = number + 1;
}

/* The newest place is put by the caller. */
static bool grow_slots(struct mri_forest_builder *builder) {
  const size_t now = builder->slots.count;
  if (now >= SLOTS_MIN && builder->places.count * 2 < now) return true;
  if (!mri_forest_grow(builder, &builder->slots, now ? now : SLOTS_MIN)) return false;
  memset(slots(builder), 0, builder->slots.count * builder->slots.size);
  for (uint32_t i = 0; i + 1 < builder->places.count; i++)
    put_slot(builder, i);
  return true;
}

void mri_forest_forget(struct mri_forest_builder *builder) {
  builder->places.count = builder->kept.count = 0;
  if (builder->slots.count) memset(slots(builder), 0, builder->slots.count * builder->slots.size);
}

bool mri_forest_known(const struct mri_forest_builder *builder, const uint32_t *members,
                      uint32_t count, const struct mri_forest_region *region, uint32_t depth,
                      struct mri_forest_entry *entry) {
  if (!builder->slots.count) return false;
  const uint32_t hash = hash_of(members, count, region, depth);
  const uint32_t last = (uint32_t)builder->slots.count - 1;
  for (uint32_t at = hash & last; slots(builder)[at]; at = (at + 1) & last) {
    const struct mri_forest_place *place = place_at(builder, slots(builder)[at] - 1);
    if (place->hash != hash || !is_place(builder, place, members, count, region, depth)) continue;
    *entry = place->entry;
    return true;
  }
  return false;
}

bool mri_forest_remember(struct mri_forest_builder *builder, const uint32_t *members,
                         uint32_t count, const struct mri_forest_region *region, uint32_t depth,
                         const struct mri_forest_entry *entry) {
  const size_t list = builder->kept.count, number = builder->places.count;
  if (!mri_forest_grow(builder, &builder->kept, count) ||
      !mri_forest_grow(builder, &builder->places, 1) || !grow_slots(builder))
    return false;
  for (uint32_t i = 0; i < count; i++)
    ((uint32_t *)builder->kept.at)[list + i] = MRI_FOREST_INDEX(members[i]);
  ((struct mri_forest_place *)builder->places.at)[number] = (struct mri_forest_place){
      *region, *entry, list, count, depth, hash_of(members, count, region, depth)};
  put_slot(builder, (uint32_t)number);
  return true;
}
