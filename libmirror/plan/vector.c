#include "plan/vector.h"

#include <string.h>

enum { FAN_BITS = 5, FAN = 1 << FAN_BITS, DEPTH_MAX = 7 /* of 32-bit indexes */ };

struct mri_vector_node {
  uint32_t refs;
  uint64_t edit;
  void *child[FAN]; /* nodes, or items on the lowest level */
};

void mri_vector_init(struct mri_vector *vector, mirror_context *context,
                     const struct mri_item_class *items) {
  *vector = (struct mri_vector){.context = context, .items = items};
}

void mri_vector_copy(struct mri_vector *copy, const struct mri_vector *vector) {
  *copy = *vector;
  if (copy->root) copy->root->refs++;
}

static void node_unref(struct mri_vector *vector, struct mri_vector_node *node, unsigned depth) {
  if (!node || --node->refs) return;
  for (unsigned i = 0; i < FAN; i++) {
    if (depth > 1)
      node_unref(vector, node->child[i], depth - 1);
    else if (node->child[i])
      vector->items->unref(vector->context, node->child[i]);
  }
  mri_free(&vector->context->alloc, node);
}

void mri_vector_free(struct mri_vector *vector) {
  node_unref(vector, vector->root, vector->depth);
  vector->root = NULL;
  vector->depth = 0;
}

/* Whether the index lies beyond what `depth` levels reach. */
static bool beyond(unsigned depth, uint32_t index) {
  return depth == 0 || (FAN_BITS * depth < 32 && index >> (FAN_BITS * depth));
}

static unsigned child_of(unsigned depth, uint32_t index) {
  return index >> (FAN_BITS * (depth - 1)) & (FAN - 1);
}

void *mri_vector_get(const struct mri_vector *vector, uint32_t index) {
  if (beyond(vector->depth, index)) return NULL;
  void *at = vector->root;
  for (unsigned depth = vector->depth; at && depth; depth--)
    at = ((struct mri_vector_node *)at)->child[child_of(depth, index)];
  return at;
}

static struct mri_vector_node *node_new(struct mri_vector *vector, uint64_t edit) {
  struct mri_vector_node *node = mri_zalloc(&vector->context->alloc, 1, sizeof *node);
  if (node) {
    node->refs = 1;
    node->edit = edit;
  }
  return node;
}

/* A node of this edit in the place of *node, with the same children. */
static bool own_node(struct mri_vector *vector, uint64_t edit, struct mri_vector_node **node,
                     unsigned depth) {
  struct mri_vector_node *old = *node;
  if (old && old->edit == edit) return true;
  struct mri_vector_node *fresh = node_new(vector, edit);
  if (!fresh) return false;
  if (old) {
    memcpy(fresh->child, old->child, sizeof fresh->child);
    for (unsigned i = 0; i < FAN; i++) {
      if (!fresh->child[i]) continue;
      if (depth > 1)
        ((struct mri_vector_node *)fresh->child[i])->refs++;
      else
        vector->items->ref(fresh->child[i]);
    }
    node_unref(vector, old, depth);
  }
  *node = fresh;
  return true;
}

/* Adds levels on top until the index can be reached. */
static bool deepen(struct mri_vector *vector, uint64_t edit, uint32_t index) {
  while (beyond(vector->depth, index)) {
    if (vector->root) {
      struct mri_vector_node *top = node_new(vector, edit);
      if (!top) return false;
      top->child[0] = vector->root;
      vector->root = top;
    }
    vector->depth++;
  }
  return true;
}

static bool is_empty(const struct mri_vector_node *node) {
  for (unsigned i = 0; i < FAN; i++) {
    if (node->child[i]) return false;
  }
  return true;
}

/* Gives back nodes of this edit that hold nothing any more; path[0] is the lowest. */
static void prune(struct mri_vector *vector, struct mri_vector_node **const *path) {
  for (unsigned level = 0; level < vector->depth && is_empty(*path[level]); level++) {
    node_unref(vector, *path[level], level + 1);
    *path[level] = NULL;
  }
}

int32_t mri_vector_set(struct mri_vector *vector, uint64_t edit, uint32_t index, void *item) {
  struct mri_vector_node **path[DEPTH_MAX];
  if (!deepen(vector, edit, index)) return MIRROR_E_NOMEM;
  struct mri_vector_node **node = &vector->root;
  for (unsigned depth = vector->depth;; depth--) {
    if (!own_node(vector, edit, node, depth)) return MIRROR_E_NOMEM;
    path[depth - 1] = node;
    void **child = &(*node)->child[child_of(depth, index)];
    if (depth == 1) {
      if (*child) vector->items->unref(vector->context, *child);
      *child = item;
      break;
    }
    node = (struct mri_vector_node **)child;
  }
  if (!item) prune(vector, path);
  return MIRROR_OK;
}
