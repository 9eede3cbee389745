/* The context's allocator. Control side only: the packet path allocates nothing. */
#ifndef MRI_CORE_ALLOC_H
#define MRI_CORE_ALLOC_H

#include <libmirror/context.h>
#include <stddef.h>

struct mri_alloc {
  void *user;
  mirror_allocate_fn allocate;
  mirror_resize_fn resize;
  mirror_free_fn release;
};

/* malloc, realloc and free. */
void mri_alloc_default(struct mri_alloc *alloc);

/* count * size zeroed octets; NULL on failure, or if size_t is too small. Zero octets give a unique
 * block. */
void *mri_zalloc(const struct mri_alloc *alloc, uint64_t count, uint64_t size);
/* Grows or shrinks to count * size octets; NULL on failure (the old block stays). */
void *mri_resize(const struct mri_alloc *alloc, void *block, uint64_t count, uint64_t size);
/* A copy of `text`; NULL on failure. */
char *mri_text_copy(const struct mri_alloc *alloc, const char *text);
void mri_free(const struct mri_alloc *alloc, void *block);

#endif
