/* Reading a document into a transaction, collecting every error of it. */
#ifndef MRI_CONFIG_READING_H
#define MRI_CONFIG_READING_H

#include "config/document.h"
#include "config/errors.h"
#include "config/schema.h"
#include "core/map.h"
#include "core/report.h"

/* An object of the document, so that errors found later can be traced back to it. */
struct mri_known {
  uint32_t kind;        /* MIRROR_OBJECT_ */
  uint32_t node;        /* of the object */
  const char *id;       /* NULL if it has none */
  const char *name;     /* in messages: the id, or a path that it borrows from `path` */
  uint32_t target_type; /* of targets, and what a session says of its own */
  struct mri_known *next;
  char path[];
};

struct mri_reading {
  const struct mri_alloc *alloc;
  mirror_transaction *transaction;
  const struct mri_document *document;
  struct mri_errors errors;
  bool out_of_memory;            /* nothing more is read */
  bool vpcs_incomplete;          /* a declared connection could not be read */
  struct mri_map known;          /* by kind and id; the first object of each */
  struct mri_known *known_first; /* in the order of the file */
  struct mri_known *known_last;
};

/* Adds an error and its place. */
void mri_reading_report(struct mri_reading *reading, struct mri_place place, mirror_report *report);
/* The same from a fault. */
void mri_reading_refuse(struct mri_reading *reading, struct mri_place place,
                        const struct mri_fault *fault);

/* Where a field of an object stands; of a short list, the last element that is `value`. The
 * object's own place if it has no such field. */
struct mri_place mri_reading_place(const struct mri_reading *reading, uint32_t object,
                                   const char *field, const char *value);

/* Remembers an object; copies the path. NULL, and out_of_memory set, when out of memory. */
struct mri_known *mri_reading_know(struct mri_reading *reading, uint32_t kind, uint32_t node,
                                   const char *id, const char *path);
/* The first object with this id. */
const struct mri_known *mri_reading_find(const struct mri_reading *reading, uint32_t kind,
                                         const char *id);
void mri_reading_close(struct mri_reading *reading);

/* The place a rule stands in: a filter's list. Unset for a rule in an envelope of its own. */
struct mri_rule_place {
  const char *filter_id; /* NULL = unset */
  uint32_t direction;
};

/* item.c: reads one object (perhaps in its envelope) and stages it. `place` is for rules. */
void mri_item_read(struct mri_reading *reading, const struct mri_schema *schema, uint32_t node,
                   const struct mri_rule_place *place);

/* references.c: checks references between the objects of the file. */
void mri_references_check(struct mri_reading *reading);

/* sections.c: reads everything. */
void mri_sections_read(struct mri_reading *reading);

#endif
