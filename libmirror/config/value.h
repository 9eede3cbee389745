/* Single values: from JSON into a field of an object, and back. */
#ifndef MRI_CONFIG_VALUE_H
#define MRI_CONFIG_VALUE_H

#include "config/schema.h"

/*
 * Reads a value into a field; texts are borrowed from it. Returns MIRROR_OK, MIRROR_E_JSON_TYPE or
 * the field's own code, with the object unchanged. Not for MRI_SOURCES and MRI_RULES.
 */
int32_t mri_value_read(const struct mri_field *field, const json_t *value,
                       union mri_object *object);

/* The value of a field; *value is NULL where the field is absent. False: out of memory. */
bool mri_value_write(const struct mri_field *field, const union mri_object *object, json_t **value);

/* What a message says of a value. Returns-borrowed: the value's own text, or `room`. */
const char *mri_value_describe(const json_t *value, char room[64]);

#endif
