#include "config/value.h"

#include "model/parse.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char character) {
  return character == ' ' || character == '\t';
}

/* Case and surrounding blanks do not count (O4). */
static bool same_name(const char *text, const char *name) {
  size_t length = strlen(name);
  while (is_blank(*text))
    text++;
  if (strncasecmp(text, name, length) != 0) return false;
  text += length;
  while (is_blank(*text))
    text++;
  return *text == '\0';
}

static int32_t read_text(const json_t *value, const char **to) {
  if (!json_is_string(value)) return MIRROR_E_JSON_TYPE;
  *to = json_string_value(value);
  return MIRROR_OK;
}

static int32_t read_reference(const struct mri_field *field, const json_t *value, const char **to) {
  return json_array_size(value) > 1 ? field->code : read_text(value, to);
}

/* Non-negative, below MIRROR_ABSENT. */
static int32_t store_number(const struct mri_field *field, json_int_t number, uint32_t *to) {
  if (number < 0 || number >= MIRROR_ABSENT) return field->code;
  *to = (uint32_t)number;
  return MIRROR_OK;
}

static int32_t read_number(const struct mri_field *field, const json_t *value, uint32_t *to) {
  if (!json_is_integer(value)) return MIRROR_E_JSON_TYPE;
  return store_number(field, json_integer_value(value), to);
}

static int32_t read_digits(const struct mri_field *field, const json_t *value, uint32_t *to) {
  if (!json_is_string(value)) return read_number(field, value, to);
  const char *text = json_string_value(value);
  size_t digits = strspn(text, "0123456789");
  if (digits == 0 || digits > 10 || text[digits]) return field->code;
  json_int_t number = 0;
  for (; *text; text++)
    number = number * 10 + (*text - '0');
  return store_number(field, number, to);
}

static int32_t read_big_number(const struct mri_field *field, const json_t *value, uint64_t *to) {
  if (!json_is_integer(value)) return MIRROR_E_JSON_TYPE;
  if (json_integer_value(value) < 0) return field->code;
  *to = (uint64_t)json_integer_value(value);
  return MIRROR_OK;
}

static int32_t read_flag(const json_t *value, uint32_t *to) {
  const char *text = json_string_value(value);
  if (json_is_true(value) || (text && same_name(text, "true")))
    *to = 1;
  else if (json_is_false(value) || (text && same_name(text, "false")))
    *to = 0;
  else
    return MIRROR_E_JSON_TYPE;
  return MIRROR_OK;
}

static int32_t read_named(const struct mri_field *field, const json_t *value, uint32_t *to) {
  const char *text = json_string_value(value);
  if (!text) return MIRROR_E_JSON_TYPE;
  for (const struct mri_named *named = field->names; named->name; named++) {
    if (!same_name(text, named->name)) continue;
    *to = named->value;
    return MIRROR_OK;
  }
  return field->code;
}

static int32_t read_ports(const struct mri_field *field, const json_t *value, uint32_t to[2]) {
  json_int_t port = json_integer_value(value);
  uint32_t first = (uint32_t)port, last = (uint32_t)port;
  if (json_is_string(value)) {
    if (mri_parse_ports(json_string_value(value), &first, &last)) return field->code;
  } else if (!json_is_integer(value)) {
    return MIRROR_E_JSON_TYPE;
  } else if (port < 0 || port > UINT16_MAX) {
    return field->code;
  }
  to[0] = first;
  to[1] = last;
  return MIRROR_OK;
}

static int32_t read_protocol(const struct mri_field *field, const json_t *value, uint32_t *to) {
  json_int_t number = json_integer_value(value);
  uint32_t protocol = (uint32_t)number;
  if (json_is_string(value)) {
    if (mri_parse_protocol(json_string_value(value), &protocol)) return field->code;
  } else if (!json_is_integer(value)) {
    return MIRROR_E_JSON_TYPE;
  } else if (number < 0 || number > UINT8_MAX) {
    return field->code;
  }
  *to = protocol;
  return MIRROR_OK;
}

static int32_t read_quota(const struct mri_field *field, const json_t *value, uint32_t *to) {
  json_int_t number = json_integer_value(value);
  if (!json_is_integer(value) || number < 0 || number > UINT32_MAX) return field->code;
  *to = (uint32_t)number;
  return MIRROR_OK;
}

int32_t mri_value_read(const struct mri_field *field, const json_t *value,
                       union mri_object *object) {
  void *to = mri_field_of(object, field);
  switch (field->type) {
    case MRI_TEXT:
      return read_text(value, to);
    case MRI_REFERENCE:
      return read_reference(field, value, to);
    case MRI_NUMBER:
      return read_number(field, value, to);
    case MRI_NUMBER_OR_DIGITS:
      return read_digits(field, value, to);
    case MRI_BIG_NUMBER:
      return read_big_number(field, value, to);
    case MRI_FLAG:
      return read_flag(value, to);
    case MRI_NAMED:
      return read_named(field, value, to);
    case MRI_PORTS:
      return read_ports(field, value, to);
    case MRI_PROTOCOL:
      return read_protocol(field, value, to);
    case MRI_QUOTA:
      return read_quota(field, value, to);
    default: /* MRI_FIXED_QUOTA */
      return field->code;
  }
}

static json_t *write_named(const struct mri_named *named, uint32_t value) {
  while (named->name && named->value != value)
    named++;
  return named->name ? json_string(named->name) : NULL;
}

static json_t *write_ports(const uint32_t range[2]) {
  return json_sprintf(range[0] == range[1] ? "%u" : "%u-%u", range[0], range[1]);
}

static json_t *write_protocol(uint32_t protocol) {
  const char *name = mri_protocol_name(protocol);
  return name ? json_string(name) : json_integer(protocol);
}

static bool is_default_quota(const struct mri_field *field, uint32_t value) {
  union mri_object defaults;
  mri_quotas_schema.fill(&defaults);
  return value == *(const uint32_t *)mri_field_in(&defaults, field);
}

static bool is_absent(const struct mri_field *field, const void *at) {
  const uint32_t *number = at;
  switch (field->type) {
    case MRI_TEXT:
    case MRI_REFERENCE:
      return !*(const char *const *)at;
    case MRI_NUMBER:
    case MRI_NUMBER_OR_DIGITS:
      return *number == MIRROR_ABSENT;
    case MRI_BIG_NUMBER:
      return *(const uint64_t *)at == MIRROR_ABSENT_64;
    case MRI_PORTS:
      return number[0] == 0 && number[1] == UINT16_MAX;
    case MRI_QUOTA:
      return is_default_quota(field, *number);
    default:
      return field->read_only || field->type == MRI_RULES || field->type == MRI_FIXED_QUOTA;
  }
}

static json_t *write_sources(const mirror_session *session) {
  json_t *list = json_array();
  for (uint32_t i = 0; list && i < session->source_count; i++) {
    if (json_array_append_new(list, json_string(session->sources[i])) == 0) continue;
    json_decref(list);
    return NULL;
  }
  return list;
}

static json_t *write_value(const struct mri_field *field, const union mri_object *object) {
  const void *at = mri_field_in(object, field);
  switch (field->type) {
    case MRI_TEXT:
    case MRI_REFERENCE:
      return json_string(*(const char *const *)at);
    case MRI_BIG_NUMBER:
      return json_integer((json_int_t) * (const uint64_t *)at);
    case MRI_FLAG:
      return json_boolean(*(const uint32_t *)at);
    case MRI_NAMED:
      return write_named(field->names, *(const uint32_t *)at);
    case MRI_PORTS:
      return write_ports(at);
    case MRI_PROTOCOL:
      return write_protocol(*(const uint32_t *)at);
    case MRI_SOURCES:
      return write_sources(&object->session.session);
    default:
      return json_integer(*(const uint32_t *)at);
  }
}

bool mri_value_write(const struct mri_field *field, const union mri_object *object,
                     json_t **value) {
  *value = NULL;
  if (field->read_only || is_absent(field, mri_field_in(object, field))) return true;
  *value = write_value(field, object);
  return *value != NULL;
}

static bool is_digits(const char *text) {
  return text[strspn(text, "-0123456789")] == '\0';
}

const char *mri_value_describe(const json_t *value, char room[64]) {
  switch (json_typeof(value)) {
    case JSON_STRING:
      return json_string_value(value);
    case JSON_OBJECT:
      return "an object";
    case JSON_ARRAY:
      snprintf(room, 64, "a list of %zu", json_array_size(value));
      return room;
    case JSON_INTEGER:
      snprintf(room, 64, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
      return room;
    case JSON_REAL:
      snprintf(room, 64, "%g", json_real_value(value));
      /* "is 1000, expected 14-65535" would puzzle who wrote 1e3 */
      if (is_digits(room)) snprintf(room, 64, "%.1f", json_real_value(value));
      return room;
    case JSON_NULL:
      return "null";
    default:
      return json_is_true(value) ? "true" : "false";
  }
}
