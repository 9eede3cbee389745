/* Configuration files in a build without JSON. */
#include "core/report.h"

#include <libmirror/configuration.h>

static int32_t refuse(mirror_report *report) {
  return mri_fail(report, MIRROR_E_UNSUPPORTED,
                  "this libmirror was built without configuration files (MIRROR_WITH_JSON)");
}

int32_t mirror_configuration_load(mirror_context *context, const char *path,
                                  mirror_error_fn on_error, void *user, mirror_report *report) {
  (void)context, (void)path, (void)on_error, (void)user;
  return refuse(report);
}

int32_t mirror_configuration_parse(mirror_context *context, const char *text, uint64_t length,
                                   const char *name, mirror_error_fn on_error, void *user,
                                   mirror_report *report) {
  (void)context, (void)text, (void)length, (void)name, (void)on_error, (void)user;
  return refuse(report);
}

int32_t mirror_configuration_format(mirror_context *context, char **text, uint64_t *length,
                                    mirror_report *report) {
  (void)context, (void)text, (void)length;
  return refuse(report);
}

void mirror_configuration_free(mirror_context *context, char *text) {
  (void)context, (void)text;
}

int32_t mirror_configuration_save(mirror_context *context, const char *path,
                                  mirror_report *report) {
  (void)context, (void)path;
  return refuse(report);
}
