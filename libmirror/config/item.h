/* One object of the file on its way into the transaction. */
#ifndef MRI_CONFIG_ITEM_H
#define MRI_CONFIG_ITEM_H

#include "config/reading.h"

/*
 * A field that is refused is reported, replaced by something harmless, and the object is staged
 * again: so that one run finds all errors of an object, and of what refers to it. Nothing of it is
 * ever committed, as there was an error.
 */
struct mri_item {
  struct mri_reading *reading;
  const struct mri_schema *schema;
  uint32_t node;
  const char *name;    /* in messages; NULL = none */
  const char **source; /* ids of a session's sources; NULL = not read */
  uint32_t replaced;   /* fields, one bit each */
  union mri_object object;
  char path[128];
  char rule_name[320];
};

static inline const json_t *mri_item_value(const struct mri_item *item, uint32_t node) {
  return item->reading->document->nodes[node].value;
}

/* Reports a fault of this object; a value that was found; a required field that was not. */
void mri_item_refuse(struct mri_item *item, struct mri_place place, struct mri_fault fault);
void mri_item_refuse_value(struct mri_item *item, uint32_t node, int32_t code, const char *field,
                           const char *expected);
void mri_item_refuse_missing(struct mri_item *item, uint32_t index);

/* True if the field is not there, or null. */
bool mri_item_lacks(const struct mri_item *item, const char *field);

void mri_item_replace(struct mri_item *item, uint32_t index);

/* fields.c: reads all fields, and reports what cannot be read, is unknown or missing. */
void mri_fields_read(struct mri_item *item);

/* rule_place.c */
void mri_rule_check_place(struct mri_item *item, const struct mri_rule_place *place);

#endif
