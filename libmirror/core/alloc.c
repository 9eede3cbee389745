#include "core/alloc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void *allocate_default(void *user, uint64_t octets) {
  (void)user;
  return octets > SIZE_MAX ? NULL : malloc((size_t)octets);
}

static void *resize_default(void *user, void *block, uint64_t octets) {
  (void)user;
  return octets > SIZE_MAX ? NULL : realloc(block, (size_t)octets);
}

static void free_default(void *user, void *block) {
  (void)user;
  free(block);
}

void mri_alloc_default(struct mri_alloc *alloc) {
  *alloc = (struct mri_alloc){NULL, allocate_default, resize_default, free_default};
}

/* false on overflow; at least 1, so that no block is empty. */
static bool block_size(uint64_t count, uint64_t size, size_t *octets) {
  if (__builtin_mul_overflow(count, size, octets)) return false;
  if (*octets == 0) *octets = 1;
  return true;
}

void *mri_zalloc(const struct mri_alloc *alloc, uint64_t count, uint64_t size) {
  size_t octets;
  if (!block_size(count, size, &octets)) return NULL;
  void *block = alloc->allocate(alloc->user, octets);
  if (block) memset(block, 0, octets);
  return block;
}

void *mri_resize(const struct mri_alloc *alloc, void *block, uint64_t count, uint64_t size) {
  size_t octets;
  if (!block_size(count, size, &octets)) return NULL;
  if (!block) return alloc->allocate(alloc->user, octets);
  return alloc->resize(alloc->user, block, octets);
}

char *mri_text_copy(const struct mri_alloc *alloc, const char *text) {
  size_t octets = strlen(text) + 1;
  char *copy = alloc->allocate(alloc->user, octets);
  if (copy) memcpy(copy, text, octets);
  return copy;
}

void mri_free(const struct mri_alloc *alloc, void *block) {
  if (block) alloc->release(alloc->user, block);
}
