#include "core/map.h"

#include <string.h>

void mri_map_init(struct mri_map *map, const struct mri_alloc *alloc) {
  *map = (struct mri_map){.alloc = alloc};
}

void mri_map_free(struct mri_map *map) {
  mri_free(map->alloc, map->cells);
  mri_map_init(map, map->alloc);
}

/* Linear probing: the first free cell at or behind the hash's own place. */
static void place(struct mri_map_cell *cells, uint64_t capacity, uint64_t hash, void *item) {
  uint64_t at = hash & (capacity - 1);
  while (cells[at].item)
    at = (at + 1) & (capacity - 1);
  cells[at] = (struct mri_map_cell){hash, item};
}

bool mri_map_reserve(struct mri_map *map, uint64_t more) {
  uint64_t capacity = map->capacity ? map->capacity : 16;
  while (map->count + more > capacity / 4 * 3)
    capacity *= 2;
  if (capacity == map->capacity) return true;
  struct mri_map_cell *cells = mri_zalloc(map->alloc, capacity, sizeof *cells);
  if (!cells) return false;
  for (uint64_t i = 0; i < map->capacity; i++) {
    if (map->cells[i].item) place(cells, capacity, map->cells[i].hash, map->cells[i].item);
  }
  mri_free(map->alloc, map->cells);
  map->cells = cells;
  map->capacity = capacity;
  return true;
}

void *mri_map_find(const struct mri_map *map, uint64_t hash, mri_map_equal_fn equal,
                   const void *key) {
  if (map->count == 0) return NULL;
  uint64_t mask = map->capacity - 1;
  for (uint64_t at = hash & mask; map->cells[at].item; at = (at + 1) & mask) {
    if (map->cells[at].hash == hash && equal(map->cells[at].item, key)) return map->cells[at].item;
  }
  return NULL;
}

void mri_map_insert(struct mri_map *map, uint64_t hash, void *item) {
  place(map->cells, map->capacity, hash, item);
  map->count++;
}

/* Moves back what was displaced by the item at `hole`, so that probing never meets a gap. */
static void close_gap(struct mri_map *map, uint64_t hole) {
  uint64_t mask = map->capacity - 1;
  for (uint64_t at = (hole + 1) & mask; map->cells[at].item; at = (at + 1) & mask) {
    uint64_t home = map->cells[at].hash & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    map->cells[hole] = map->cells[at];
    hole = at;
  }
  map->cells[hole].item = NULL;
}

void mri_map_remove(struct mri_map *map, uint64_t hash, const void *item) {
  if (map->count == 0) return;
  uint64_t mask = map->capacity - 1;
  for (uint64_t at = hash & mask; map->cells[at].item; at = (at + 1) & mask) {
    if (map->cells[at].item != item) continue;
    close_gap(map, at);
    map->count--;
    return;
  }
}

static uint64_t mix(uint64_t value) {
  value ^= value >> 32;
  value *= 0xd6e8feb86659fd93u;
  return value ^ value >> 32;
}

uint64_t mri_hash(const void *octets, size_t length, uint64_t seed) {
  const char *at = octets;
  uint64_t hash = mix(seed ^ length);
  while (length > 0) {
    uint64_t word = 0;
    size_t part = length < sizeof word ? length : sizeof word;
    memcpy(&word, at, part);
    hash = mix((hash ^ word) * 0x9e3779b97f4a7c15u);
    at += part;
    length -= part;
  }
  return hash;
}

uint64_t mri_hash_text(const char *text) {
  return mri_hash(text, strlen(text), 0);
}
