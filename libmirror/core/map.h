/* A hash map from keys to pointers. Grows only in mri_map_reserve, so inserts can be undone. */
#ifndef MRI_CORE_MAP_H
#define MRI_CORE_MAP_H

#include "core/alloc.h"

#include <stdbool.h>
#include <stdint.h>

struct mri_map_cell {
  uint64_t hash;
  void *item; /* NULL = free */
};

struct mri_map {
  const struct mri_alloc *alloc;
  struct mri_map_cell *cells;
  uint64_t capacity; /* a power of two, or 0 */
  uint64_t count;
};

typedef bool (*mri_map_equal_fn)(const void *item, const void *key);

void mri_map_init(struct mri_map *map, const struct mri_alloc *alloc);
void mri_map_free(struct mri_map *map);
/* Room for `more` further items: false when out of memory, with nothing changed. */
bool mri_map_reserve(struct mri_map *map, uint64_t more);
void *mri_map_find(const struct mri_map *map, uint64_t hash, mri_map_equal_fn equal,
                   const void *key);
/* Several items may have equal keys. Never fails after a reserve. */
void mri_map_insert(struct mri_map *map, uint64_t hash, void *item);
/* Removes this very item. */
void mri_map_remove(struct mri_map *map, uint64_t hash, const void *item);

uint64_t mri_hash(const void *octets, size_t length, uint64_t seed);
uint64_t mri_hash_text(const char *text);

#endif
