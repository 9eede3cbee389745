/*
 * A persistent vector: copies share all nodes that were not changed since. Publishing a new plan
 * copies the path to what changed, not the whole model (A2). Context lock held.
 */
#ifndef MRI_PLAN_VECTOR_H
#define MRI_PLAN_VECTOR_H

#include "core/context.h"

/* Items are reference-counted by these. */
struct mri_item_class {
  void (*ref)(void *item);
  void (*unref)(mirror_context *context, void *item);
};

struct mri_vector_node;

struct mri_vector {
  mirror_context *context;
  const struct mri_item_class *items;
  struct mri_vector_node *root; /* NULL = all items NULL */
  unsigned depth;               /* levels of nodes */
};

void mri_vector_init(struct mri_vector *vector, mirror_context *context,
                     const struct mri_item_class *items);
/* `copy` shares everything with `vector`. */
void mri_vector_copy(struct mri_vector *copy, const struct mri_vector *vector);
void mri_vector_free(struct mri_vector *vector);

/* Borrowed; NULL where nothing was set. Safe on any thread that holds the plan. */
void *mri_vector_get(const struct mri_vector *vector, uint32_t index);

/*
 * Sets an item; takes the caller's reference on it, unrefs the one replaced. Nodes made under the
 * same `edit` (one number per commit) are changed in place, others copied. MIRROR_E_NOMEM: nothing
 * changed, the reference stays the caller's.
 */
int32_t mri_vector_set(struct mri_vector *vector, uint64_t edit, uint32_t index, void *item);

#endif
