/* A JSON text whose every value knows where it stands. */
#ifndef MRI_CONFIG_DOCUMENT_H
#define MRI_CONFIG_DOCUMENT_H

#include "core/alloc.h"

#include <jansson.h>

/* Octets of the longest text. */
#define MRI_DOCUMENT_MAX (UINT64_C(256) << 20)

/* Where something stands: lines and characters, from 1. */
struct mri_place {
  uint32_t line;
  uint32_t column;
};

/* One value. Nodes are in the order of the text, so what is inside a node follows it. */
struct mri_node {
  json_t *value;   /* borrowed from the document's root */
  const char *key; /* borrowed; NULL in lists and for the root */
  struct mri_place at;
  struct mri_place key_at; /* equal to `at` where there is no key */
  uint32_t parent;
  uint32_t end;   /* the first node behind this one and all that is inside it */
  uint32_t index; /* among its siblings, from 0 */
};

struct mri_document {
  const struct mri_alloc *alloc;
  const char *name; /* borrowed: stands for the file in messages */
  json_t *root;
  struct mri_node *nodes; /* nodes[0] is the root */
  uint32_t count;
  uint32_t capacity;
};

/*
 * Reads `length` octets of JSON (a byte order mark is skipped). Errors: MIRROR_E_JSON_SYNTAX with
 * line and column, MIRROR_E_LIMIT (longer than 256 MiB), MIRROR_E_NOMEM. On success, close it.
 */
int32_t mri_document_open(struct mri_document *document, const struct mri_alloc *alloc,
                          const char *name, const char *text, uint64_t length,
                          mirror_report *report);
void mri_document_close(struct mri_document *document);

/* For each child of a node (also of one that has none). */
#define MRI_EACH_CHILD(document, child, of)                          \
  for (uint32_t child = (of) + 1; child < (document)->nodes[of].end; \
       child = (document)->nodes[child].end)

/* The child with this key, 0 if there is none. */
uint32_t mri_document_child(const struct mri_document *document, uint32_t node, const char *key);

/* The text of a string node, NULL for any other. */
const char *mri_document_text(const struct mri_document *document, uint32_t node);

/* Gives a report of `document` its place: file, line, column, and all of them in its text. */
void mri_document_locate(const struct mri_document *document, struct mri_place place,
                         mirror_report *report);

/* The way to a node from the root: "traffic_mirror_filters[2].ingress_rules[0]". */
void mri_document_path(const struct mri_document *document, uint32_t node, char *path, size_t room);

#endif
