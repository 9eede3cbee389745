/* Prints name and value of each constant of the headers. */
#include <inttypes.h>
#include <libmirror/libmirror.h>
#include <stdio.h>

static int32_t print(void *user, const char *name, int64_t value) {
  (void)user;
  return printf("%s %" PRId64 "\n", name, value) < 0;
}

int main(void) {
  return mirror_constants_visit(print, NULL) || fflush(stdout);
}
