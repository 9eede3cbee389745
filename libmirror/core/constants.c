/* Constants by name. The list is made of the headers when the build is configured. */
#include <libmirror/libmirror.h>

#include <stddef.h>
#include <string.h>

static const struct constant {
  const char *name;
  int64_t value;
} constants[] = {
#define CONSTANT(name) {#name, (int64_t)(name)},
#include "constants.inc"
};
enum { CONSTANTS = sizeof constants / sizeof *constants };

int32_t mirror_constant(const char *name, int64_t *value) {
  if (!name || !value) return MIRROR_E_ARGUMENT;
  for (size_t i = 0; i < CONSTANTS; i++) {
    if (strcmp(constants[i].name, name) != 0) continue;
    *value = constants[i].value;
    return MIRROR_OK;
  }
  return MIRROR_E_NOT_FOUND;
}

int32_t mirror_constants_visit(mirror_constant_visit_fn visit, void *user) {
  if (!visit) return MIRROR_E_ARGUMENT;
  int32_t status = MIRROR_OK;
  for (size_t i = 0; i < CONSTANTS && !status; i++)
    status = visit(user, constants[i].name, constants[i].value);
  return status;
}
