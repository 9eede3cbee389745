#include "io/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_LENGTH = 31 };

static const struct mri_option *find(const struct mri_option *options, size_t count,
                                     const char *key, size_t length) {
  for (size_t i = 0; i < count; i++) {
    if (strlen(options[i].key) == length && memcmp(options[i].key, key, length) == 0)
      return &options[i];
  }
  return NULL;
}

static int32_t unknown(const mirror_open *open, const struct mri_option *options, size_t count,
                       const char *key, size_t length, mirror_report *report) {
  char known[256] = "";
  for (size_t i = 0; i < count; i++) {
    if (i) strncat(known, ", ", sizeof known - strlen(known) - 1);
    strncat(known, options[i].key, sizeof known - strlen(known) - 1);
  }
  return mri_fail(report, MIRROR_E_URI, "\"%s\": there is no option \"%.*s\", expected one of %s",
                  open->uri, (int)length, key, known);
}

/* strtoull alone would take blanks and signs. */
static bool read_number(const char *text, size_t length, uint64_t *number) {
  char digits[NUMBER_LENGTH + 1];
  if (length == 0 || length > NUMBER_LENGTH || text[0] < '0' || text[0] > '9') return false;
  memcpy(digits, text, length);
  digits[length] = '\0';
  char *end;
  errno = 0;
  *number = strtoull(digits, &end, digits[0] == '0' && digits[1] == 'x' ? 16 : 10);
  return *end == '\0' && errno == 0;
}

/* One "key=number". */
static int32_t read_option(const mirror_open *open, const struct mri_option *options, size_t count,
                           const char *text, size_t length, mirror_report *report) {
  const char *equals = memchr(text, '=', length);
  size_t key = equals ? (size_t)(equals - text) : length;
  const struct mri_option *option = find(options, count, text, key);
  if (!option) return unknown(open, options, count, text, key, report);
  const char *value = equals ? equals + 1 : text + length;
  size_t value_length = (size_t)(text + length - value);
  uint64_t number;
  if (!read_number(value, value_length, &number) || number < option->least || number > option->most)
    return mri_fail(report, MIRROR_E_URI, "\"%s\": %s is \"%.*s\", expected a number of %u-%u",
                    open->uri, option->key, (int)value_length, value, option->least, option->most);
  *option->value = (uint32_t)number;
  return MIRROR_OK;
}

int32_t mri_options_read(const mirror_open *open, const struct mri_option *options, size_t count,
                         char *name, size_t size, mirror_report *report) {
  size_t length = strcspn(open->body, "?");
  if (length >= size)
    return mri_fail(report, MIRROR_E_URI,
                    "\"%s\": \"%.*s\" is too long, expected at most %zu octets", open->uri,
                    (int)length, open->body, size - 1);
  memcpy(name, open->body, length);
  name[length] = '\0';
  const char *at = open->body + length;
  while (*at) {
    at++; /* the '?' or '&' */
    size_t option = strcspn(at, "&");
    int32_t status = read_option(open, options, count, at, option, report);
    if (status) return status;
    at += option;
  }
  return MIRROR_OK;
}
