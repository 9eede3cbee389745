/* Loading a configuration: one transaction, all errors (include/libmirror/configuration.h). */
#include "config/reading.h"
#include "core/context.h"

#include <errno.h>
#include <fcntl.h>
#include <libmirror/configuration.h>
#include <string.h>
#include <unistd.h>

/* References have been checked (references.c), and what was refused must not be refused again. */
static bool is_consequence(const struct mri_reading *reading, const mirror_report *report) {
  const struct mri_known *known;
  switch (report->code) {
    case MIRROR_E_UNKNOWN_FILTER:
    case MIRROR_E_UNKNOWN_SOURCE:
    case MIRROR_E_UNKNOWN_TARGET:
    case MIRROR_E_IN_USE:
      return true;
    case MIRROR_E_VPC_UNREACHABLE:
      return reading->vpcs_incomplete;
    case MIRROR_E_QUOTA_SESSIONS_PER_ENI_TARGET: /* of a target whose type was refused */
      known = mri_reading_find(reading, MIRROR_OBJECT_TARGET, report->object_id);
      return known && !known->target_type;
    default:
      return false;
  }
}

static void on_check_error(void *user, const mirror_report *found) {
  struct mri_reading *reading = user;
  mirror_report report = *found;
  if (is_consequence(reading, found)) return;
  const struct mri_known *known = mri_reading_find(reading, found->object, found->object_id);
  uint32_t node = known ? known->node : 0;
  mri_reading_report(reading, mri_reading_place(reading, node, found->field, found->value),
                     &report);
}

/* Commits, or finds out everything that is wrong between the objects. */
static int32_t finish(struct mri_reading *reading, mirror_report *report) {
  if (reading->out_of_memory) return MIRROR_E_NOMEM;
  if (!reading->errors.count) {
    int32_t status = mirror_transaction_commit(reading->transaction, NULL);
    if (!status || status == MIRROR_E_NOMEM) return status;
  }
  return mirror_transaction_check(reading->transaction, on_check_error, reading, report);
}

static int32_t load(mirror_context *context, struct mri_reading *reading, mirror_report *report) {
  int32_t status = mirror_transaction_begin(context, &reading->transaction, report);
  if (status) return status;
  status = mirror_transaction_clear(reading->transaction, NULL);
  if (!status) {
    mri_sections_read(reading);
    status = finish(reading, report);
  }
  mirror_transaction_destroy(reading->transaction);
  return reading->out_of_memory ? MIRROR_E_NOMEM : status;
}

/* With no lock held and no transaction open: on_error may use the context. */
static int32_t hand_out_errors(struct mri_errors *errors, mirror_error_fn on_error, void *user,
                               mirror_report *report) {
  mirror_report first;
  mri_errors_hand_out(errors, on_error, user, &first);
  mri_report_copy(report, &first);
  return first.code;
}

static int32_t load_document(mirror_context *context, const struct mri_document *document,
                             mirror_error_fn on_error, void *user, mirror_report *report) {
  const struct mri_alloc *alloc = &context->alloc;
  struct mri_reading reading = {.alloc = alloc, .document = document, .errors = {.alloc = alloc}};
  mri_map_init(&reading.known, alloc);
  int32_t status = load(context, &reading, report);
  if (status == MIRROR_E_NOMEM)
    mri_fail(report, status, "%s: out of memory", document->name);
  else if (reading.errors.count)
    status = hand_out_errors(&reading.errors, on_error, user, report);
  mri_reading_close(&reading);
  return status;
}

int32_t mirror_configuration_parse(mirror_context *context, const char *text, uint64_t length,
                                   const char *name, mirror_error_fn on_error, void *user,
                                   mirror_report *report) {
  struct mri_document document;
  mirror_report full = {.size = sizeof full};
  if (!context || !text || !name)
    return mri_fail(report, MIRROR_E_ARGUMENT, "context, text or name is NULL");
  int32_t status = mri_document_open(&document, &context->alloc, name, text, length, &full);
  if (status) {
    mri_report_copy(report, &full);
    if (on_error && full.line) on_error(user, &full);
    return status;
  }
  status = load_document(context, &document, on_error, user, report);
  mri_document_close(&document);
  return status;
}

/* What is read of a file; one octet above the limit is enough for the message. */
struct content {
  const struct mri_alloc *alloc;
  char *text;
  size_t length;
  size_t capacity;
};

static bool make_room(struct content *content) {
  if (content->length < content->capacity) return true;
  size_t capacity = content->capacity ? content->capacity * 2 : 1 << 16;
  char *text = mri_resize(content->alloc, content->text, capacity, 1);
  if (!text) return false;
  content->text = text;
  content->capacity = capacity;
  return true;
}

static int32_t read_all(struct content *content, int file, const char *path,
                        mirror_report *report) {
  ssize_t got = 1;
  while (got && content->length <= MRI_DOCUMENT_MAX) {
    if (!make_room(content)) return mri_fail(report, MIRROR_E_NOMEM, "%s: out of memory", path);
    got = read(file, content->text + content->length, content->capacity - content->length);
    if (got > 0)
      content->length += (size_t)got;
    else if (got < 0 && errno != EINTR)
      return mri_fail_os(report, MIRROR_E_OS, errno, "%s: cannot read", path);
  }
  return MIRROR_OK;
}

static int32_t read_file(struct content *content, const char *path, mirror_report *report) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return mri_fail_os(report, MIRROR_E_OS, errno, "%s: cannot open", path);
  int32_t status = read_all(content, file, path, report);
  close(file);
  return status;
}

int32_t mirror_configuration_load(mirror_context *context, const char *path,
                                  mirror_error_fn on_error, void *user, mirror_report *report) {
  if (!context || !path) return mri_fail(report, MIRROR_E_ARGUMENT, "context or path is NULL");
  struct content content = {.alloc = &context->alloc};
  int32_t status = read_file(&content, path, report);
  if (!status)
    status = mirror_configuration_parse(context, content.text, content.length, path, on_error, user,
                                        report);
  mri_free(&context->alloc, content.text);
  return status;
}
