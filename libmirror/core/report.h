/* Filling in the caller's error report. All take report == NULL. */
#ifndef MRI_CORE_REPORT_H
#define MRI_CORE_REPORT_H

#include <libmirror/base.h>

/* What was refused. Unset members are NULL or 0. */
struct mri_fault {
  int32_t code;
  uint32_t object;
  const char *id;
  const char *field;
  const char *value;
  const char *expected;
  const char *text; /* the sentence; NULL: made from the rest */
};

/* Fills in the report; returns fault->code. */
int32_t mri_refuse(mirror_report *report, const struct mri_fault *fault);

/* A report with just a code and a formatted sentence; returns code. */
int32_t mri_fail(mirror_report *report, int32_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As mri_fail, with errno of the failed call and its text behind the sentence. */
int32_t mri_fail_os(mirror_report *report, int32_t code, int os_error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Copies as much of `from` as the caller's report (to->size) has room for. */
void mri_report_copy(mirror_report *to, const mirror_report *from);

#endif
