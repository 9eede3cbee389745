/* What objects look like in a configuration file: one table per kind, for reading and writing. */
#ifndef MRI_CONFIG_SCHEMA_H
#define MRI_CONFIG_SCHEMA_H

#include "core/alloc.h"

#include <jansson.h>
#include <libmirror/filter.h>
#include <libmirror/session.h>
#include <libmirror/source.h>
#include <libmirror/target.h>
#include <stdbool.h>

/* An object of any kind on its way between the file and the model. Begins with the API's struct;
 * behind it what stands in the file and is no field of the struct. */
union mri_object {
  mirror_filter filter;
  struct mri_rule_object {
    mirror_rule rule;
    const char *filter_id;
  } rule;
  mirror_source source;
  mirror_target target;
  struct mri_session_object {
    mirror_session session;
    uint32_t source_type; /* the provider's; MIRROR_TARGET_ENI is the only one */
    uint32_t target_type; /* MIRROR_TARGET_, 0 = absent */
  } session;
  mirror_quotas quotas;
};

enum mri_field_type {
  MRI_TEXT,             /* const char * */
  MRI_NUMBER,           /* uint32_t, MIRROR_ABSENT = absent */
  MRI_NUMBER_OR_DIGITS, /* the same, which providers also write as a string */
  MRI_BIG_NUMBER,       /* uint64_t, MIRROR_ABSENT_64 = absent */
  MRI_FLAG,             /* uint32_t 0 or 1; also "true" and "false" */
  MRI_NAMED,            /* uint32_t with names, 0 = absent */
  MRI_PORTS,            /* two uint32_t, first and last */
  MRI_PROTOCOL,         /* uint32_t */
  MRI_REFERENCE,        /* const char *: the one id that a session may name */
  MRI_SOURCES,          /* sources and source_count of a session */
  MRI_RULES,            /* lists of rules: objects of their own */
  MRI_QUOTA,            /* uint32_t, written where it is not the default */
  MRI_FIXED_QUOTA,      /* may not be set */
};

struct mri_named {
  const char *name;
  uint32_t value;
};

struct mri_field {
  const char *name;
  uint8_t type; /* enum mri_field_type */
  bool required;
  bool read_only; /* never written: the place in the file says it */
  uint16_t offset;
  int32_t code;         /* MIRROR_E_ of a value that cannot be read */
  const char *expected; /* what can be read */
  const struct mri_named *names;
};

struct mri_schema {
  uint32_t kind;        /* MIRROR_OBJECT_ */
  const char *list;     /* the top level's key of all objects of the kind; NULL for rules */
  const char *envelope; /* the key of a one-object envelope */
  const struct mri_field *fields;
  uint32_t field_count;
  /* Defaults, and for required fields something that the model takes but never gets to keep. */
  void (*fill)(union mri_object *object);
  int32_t (*add)(mirror_transaction *transaction, const union mri_object *object,
                 mirror_report *report);
  int32_t (*remove)(mirror_transaction *transaction, const union mri_object *object);
};

enum { MRI_FIELDS_MAX = 16 };

extern const struct mri_schema mri_filter_schema, mri_rule_schema, mri_source_schema,
    mri_target_schema, mri_session_schema, mri_quotas_schema;

/* field_count if there is none. */
uint32_t mri_schema_field(const struct mri_schema *schema, const char *name);
/* The place of a field in the object. */
void *mri_field_of(union mri_object *object, const struct mri_field *field);
const void *mri_field_in(const union mri_object *object, const struct mri_field *field);

#endif
