#include "config/errors.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The report up to its texts. */
enum { HEAD = offsetof(mirror_report, object_id) };

/* A report without the unused room of its texts: a mistake in each of many objects must not cost
 * two kilobytes each. */
struct mri_error {
  uint32_t order;
  uint32_t line;
  uint32_t column;
  char head[HEAD];
  char texts[]; /* one behind the other, each with its NUL */
};

#define TEXT(member) offsetof(mirror_report, member)
static const size_t texts[] = {TEXT(object_id), TEXT(field), TEXT(value),
                               TEXT(expected),  TEXT(file),  TEXT(text)};
enum { TEXTS = sizeof texts / sizeof *texts };

static const char *text_of(const mirror_report *report, size_t index) {
  return (const char *)report + texts[index];
}

static struct mri_error *pack(const struct mri_alloc *alloc, const mirror_report *report) {
  size_t octets = sizeof(struct mri_error);
  for (size_t i = 0; i < TEXTS; i++)
    octets += strlen(text_of(report, i)) + 1;
  struct mri_error *error = mri_zalloc(alloc, octets, 1);
  if (!error) return NULL;
  error->line = report->line;
  error->column = report->column;
  memcpy(error->head, report, HEAD);
  char *to = error->texts;
  for (size_t i = 0; i < TEXTS; i++) {
    size_t length = strlen(text_of(report, i)) + 1;
    memcpy(to, text_of(report, i), length);
    to += length;
  }
  return error;
}

static void unpack(const struct mri_error *error, mirror_report *report) {
  const char *from = error->texts;
  memset(report, 0, sizeof *report);
  memcpy(report, error->head, HEAD);
  for (size_t i = 0; i < TEXTS; i++) {
    size_t length = strlen(from) + 1;
    memcpy((char *)report + texts[i], from, length);
    from += length;
  }
}

static bool grow(struct mri_errors *errors) {
  if (errors->count < errors->capacity) return true;
  uint32_t capacity = errors->capacity ? errors->capacity * 2 : 16;
  struct mri_error **error =
      mri_resize(errors->alloc, errors->error, capacity, sizeof *errors->error);
  if (!error) return false;
  errors->error = error;
  errors->capacity = capacity;
  return true;
}

bool mri_errors_add(struct mri_errors *errors, const mirror_report *report) {
  struct mri_error *error = grow(errors) ? pack(errors->alloc, report) : NULL;
  if (!error) return false;
  error->order = errors->count;
  errors->error[errors->count++] = error;
  return true;
}

static int compare(const void *left, const void *right) {
  const struct mri_error *a = *(struct mri_error *const *)left;
  const struct mri_error *b = *(struct mri_error *const *)right;
  if (a->line != b->line) return a->line < b->line ? -1 : 1;
  if (a->column != b->column) return a->column < b->column ? -1 : 1;
  return a->order < b->order ? -1 : a->order > b->order;
}

void mri_errors_hand_out(struct mri_errors *errors, mirror_error_fn on_error, void *user,
                         mirror_report *first) {
  qsort(errors->error, errors->count, sizeof *errors->error, compare);
  unpack(errors->error[0], first);
  first->errors = errors->count;
  for (uint32_t i = 0; i < errors->count && on_error; i++) {
    mirror_report report;
    unpack(errors->error[i], &report);
    on_error(user, &report);
  }
}

void mri_errors_free(struct mri_errors *errors) {
  for (uint32_t i = 0; i < errors->count; i++)
    mri_free(errors->alloc, errors->error[i]);
  mri_free(errors->alloc, errors->error);
}
