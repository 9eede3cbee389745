#include <libmirror/libmirror.h>
#include <stdio.h>

int main(void) {
  mirror_context *context;
  if (mirror_context_create(NULL, &context, NULL) != MIRROR_OK) return 1;
  printf("libmirror %s\n", mirror_version_text());
  mirror_context_destroy(context);
  return 0;
}
