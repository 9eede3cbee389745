/* Prints the sessions of a configuration file: sessions FILE */
#include <libmirror/libmirror.h>
#include <stdio.h>

static int32_t print(void *user, const mirror_session *session) {
  (void)user;
  printf("%s: priority %u, filter %s, target %s, VNI %u\n", session->id, session->priority,
         session->filter_id, session->target_id, session->vni);
  return 0;
}

int main(int argc, char **argv) {
  mirror_report report;
  mirror_context *context;
  int32_t status;

  if (argc != 2) return fprintf(stderr, "usage: sessions FILE\n"), 2;
  mirror_report_init(&report, sizeof report);
  status = mirror_context_create(NULL, &context, &report);
  if (status == MIRROR_OK) {
    status = mirror_configuration_load(context, argv[1], NULL, NULL, &report);
    if (status == MIRROR_OK) status = mirror_sessions_visit(context, NULL, print, NULL);
    mirror_context_destroy(context);
  }
  if (status) fprintf(stderr, "%s\n", report.text);
  return status != MIRROR_OK;
}
