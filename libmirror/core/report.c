#include "core/report.h"

#include "core/sized.h"
#include "core/utf8.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Longer than any field of a report, so that sentences are cut by the report alone. */
enum { SENTENCE = 2048 };

void mirror_report_init(mirror_report *report, uint32_t size) {
  mri_sized_init(report, size);
}

/* Copies what fits, in whole characters; what would garble a terminal becomes '?'. */
static void put_text(char *to, size_t room, const char *from) {
  size_t used = 0;
  while (from && *from) {
    uint32_t character = 0;
    size_t length = mri_utf8_read(from, &character);
    bool clean = length > 0 && !mri_utf8_control(character);
    size_t written = clean ? length : 1;
    if (used + written >= room) break;
    memcpy(to + used, clean ? from : "?", written);
    used += written;
    from += length ? length : 1;
  }
  to[used] = '\0';
}

void mri_report_copy(mirror_report *to, const mirror_report *from) {
  const uint32_t head = sizeof to->size;
  if (!to || to->size <= head) return;
  uint32_t known = to->size < sizeof *from ? to->size : (uint32_t)sizeof *from;
  memcpy((char *)to + head, (const char *)from + head, known - head);
  memset((char *)to + known, 0, to->size - known);
  if (known < sizeof *from && known > offsetof(mirror_report, object_id))
    ((char *)to)[known - 1] = '\0';
}

static const char *object_name(uint32_t object) {
  static const char *const names[] = {
      [MIRROR_OBJECT_NONE] = "",         [MIRROR_OBJECT_FILTER] = "filter",
      [MIRROR_OBJECT_RULE] = "rule",     [MIRROR_OBJECT_SOURCE] = "source",
      [MIRROR_OBJECT_TARGET] = "target", [MIRROR_OBJECT_SESSION] = "session",
      [MIRROR_OBJECT_VPC] = "VPC",       [MIRROR_OBJECT_QUOTA] = "quota"};
  return object < sizeof names / sizeof *names ? names[object] : "";
}

/* A text that is built up piece by piece and cut at its end. */
struct sentence {
  char text[SENTENCE];
  size_t used;
};

static void __attribute__((format(printf, 2, 3)))
say(struct sentence *to, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int wanted = vsnprintf(to->text + to->used, sizeof to->text - to->used, format, arguments);
  va_end(arguments);
  if (wanted > 0) to->used += (size_t)wanted;
  if (to->used >= sizeof to->text) to->used = sizeof to->text - 1;
}

static bool is_number(const char *text) {
  return *text && text[strspn(text, "0123456789")] == '\0';
}

static void say_finding(struct sentence *to, const struct mri_fault *fault) {
  if (fault->field) say(to, "field \"%s\" ", fault->field);
  if (!fault->value)
    say(to, "is missing");
  else if (is_number(fault->value))
    say(to, "is %s", fault->value);
  else
    say(to, "is \"%s\"", fault->value);
}

/* session "s1": field "priority" is 0, expected 1-32766 */
static void compose(struct sentence *to, const struct mri_fault *fault) {
  const char *object = object_name(fault->object);
  if (*object && fault->id)
    say(to, "%s \"%s\": ", object, fault->id);
  else if (*object)
    say(to, "%s: ", object);
  if (fault->field || fault->value) {
    say_finding(to, fault);
    say(to, fault->expected ? ", " : ": ");
  }
  if (fault->expected)
    say(to, "expected %s", fault->expected);
  else
    say(to, "%s", mirror_strerror(fault->code));
}

int32_t mri_refuse(mirror_report *report, const struct mri_fault *fault) {
  if (!report) return fault->code;
  mirror_report full = {
      .size = sizeof full, .code = fault->code, .object = fault->object, .errors = 1};
  put_text(full.object_id, sizeof full.object_id, fault->id);
  put_text(full.field, sizeof full.field, fault->field);
  put_text(full.value, sizeof full.value, fault->value);
  put_text(full.expected, sizeof full.expected, fault->expected);
  struct sentence composed = {.used = 0};
  if (!fault->text) compose(&composed, fault);
  put_text(full.text, sizeof full.text, fault->text ? fault->text : composed.text);
  mri_report_copy(report, &full);
  return fault->code;
}

static int32_t fail(mirror_report *report, int32_t code, int os_error, const char *text) {
  mirror_report full = {.size = sizeof full, .code = code, .os_error = os_error, .errors = 1};
  put_text(full.text, sizeof full.text, text);
  mri_report_copy(report, &full);
  return code;
}

int32_t mri_fail(mirror_report *report, int32_t code, const char *format, ...) {
  if (!report) return code;
  char text[SENTENCE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return fail(report, code, 0, text);
}

int32_t mri_fail_os(mirror_report *report, int32_t code, int os_error, const char *format, ...) {
  if (!report) return code;
  char text[SENTENCE], reason[128];
  va_list arguments;
  va_start(arguments, format);
  int used = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (used >= 0 && (size_t)used < sizeof text)
    snprintf(text + used, sizeof text - (size_t)used, ": %s",
             strerror_r(os_error, reason, sizeof reason));
  return fail(report, code, os_error, text);
}
