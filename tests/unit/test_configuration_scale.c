/* A2: 20,000 sessions are loaded and saved in time linear in their number, also if each has an
 * error. Times are printed; how they grow is not asserted, as the machine may be busy. */
#include "support/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#ifdef MIRROR_WITH_JSON

enum { SESSIONS = 20000, PER_FILTER = 1000, PER_SOURCE = 2, PER_TARGET = 200 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static const char *comma(uint32_t index) {
  return index ? ",\n" : "";
}

static void write_filters(FILE *file, uint32_t count) {
  fprintf(file, "{\"traffic_mirror_filters\": [");
  for (uint32_t i = 0; i < count; i++)
    fprintf(
        file,
        "%s{\"id\": \"f%u\", \"ingress_rules\": [{\"priority\": 1, \"action\": \"accept\","
        " \"ethertype\": \"IPv4\", \"protocol\": \"TCP\", \"source_cidr_block\": \"10.%u.0.0/16\","
        " \"destination_port_range\": \"80-443\"}]}",
        comma(i), i, i);
}

static void write_ends(FILE *file, uint32_t sessions) {
  fprintf(file, "],\n\"traffic_mirror_sources\": [");
  for (uint32_t i = 0; i < sessions / PER_SOURCE; i++)
    fprintf(file, "%s{\"id\": \"x%u\"}", comma(i), i);
  fprintf(file, "],\n\"traffic_mirror_targets\": [");
  for (uint32_t i = 0; i < sessions / PER_TARGET; i++)
    fprintf(file, "%s{\"id\": \"t%u\", \"type\": \"elb\", \"address\": \"10.9.%u.1\"}", comma(i), i,
            i);
}

/* `vni` stands in each session. To be freed. */
static char *configuration(uint32_t sessions, const char *vni) {
  char *text = NULL;
  size_t length = 0;
  FILE *file = open_memstream(&text, &length);
  write_filters(file, sessions / PER_FILTER);
  write_ends(file, sessions);
  fprintf(file, "],\n\"traffic_mirror_sessions\": [");
  for (uint32_t i = 0; i < sessions; i++)
    fprintf(file,
            "%s{\"id\": \"s%u\", \"priority\": %u, \"traffic_mirror_filter_id\": \"f%u\","
            " \"traffic_mirror_sources\": [\"x%u\"], \"traffic_mirror_target_id\": \"t%u\","
            " \"virtual_network_id\": %s}",
            comma(i), i, i + 1, i / PER_FILTER, i / PER_SOURCE, i / PER_TARGET, vni);
  fprintf(file, "]}\n");
  fclose(file);
  return text;
}

/* Returns the seconds that loading took. */
static double load(mirror_context *context, uint32_t sessions, const char *vni, int32_t expected,
                   uint32_t errors) {
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  char *text = configuration(sessions, vni);
  double start = now();
  int32_t status =
      mirror_configuration_parse(context, text, strlen(text), "scale", NULL, NULL, &report);
  double seconds = now() - start;
  free(text);
  assert_int_equal(status, expected);
  assert_int_equal(report.errors, errors);
  return seconds;
}

static double save(mirror_context *context) {
  char *text;
  uint64_t length;
  double start = now();
  assert_int_equal(mirror_configuration_format(context, &text, &length, NULL), MIRROR_OK);
  double seconds = now() - start;
  mirror_configuration_free(context, text);
  return seconds;
}

static void twenty_thousand_sessions(void **state) {
  (void)state;
  print_message("  sessions     load     save     load where each has an error\n");
  for (uint32_t sessions = SESSIONS / 4; sessions <= SESSIONS; sessions *= 2) {
    mirror_context *context;
    assert_int_equal(mirror_context_create(NULL, &context, NULL), MIRROR_OK);
    double loaded = load(context, sessions, "7", MIRROR_OK, 0);
    double saved = save(context);
    double refused = load(context, sessions, "-7", MIRROR_E_VNI, sessions);
    print_message("  %8u %5.0f ms %5.0f ms %5.0f ms\n", sessions, 1e3 * loaded, 1e3 * saved,
                  1e3 * refused);
    mirror_context_destroy(context);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(twenty_thousand_sessions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) {
  return 77;
}
#endif
