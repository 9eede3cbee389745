/* A mirror in one call (run.h): what it does, counts and refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if defined(MIRROR_WITH_PCAP) && defined(MIRROR_WITH_JSON)
#include <libmirror/libmirror.h>
#include <unistd.h>

#define SAMPLES SOURCE_DIR "/examples/samples/"
#define CONFIGURATION SAMPLES "table2.json"
#define PACKETS "pcap:" SAMPLES "table2.pcap"
#define COPIES "test_run.pcap"

enum { PACKETS_IN = 56, COPIES_OUT = 48 };

static mirror_report report;
static mirror_stats stats;
static char folder[] = "test_run.XXXXXX";

/* Files of this process alone: each instruction set has one that runs at the same time. */
static int enter_folder(void **state) {
  (void)state;
  return mkdtemp(folder) ? chdir(folder) : -1;
}

static int leave_folder(void **state) {
  (void)state;
  return chdir("..") ? -1 : rmdir(folder);
}

static int set_up(void **state) {
  (void)state;
  mirror_report_init(&report, sizeof report);
  mirror_stats_init(&stats, sizeof stats);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  unlink(COPIES);
  return 0;
}

static uint32_t packets_of(const char *uri) {
  mirror_context *context;
  mirror_input *input;
  mirror_packet packet;
  uint32_t found = 0, count;
  assert_int_equal(mirror_context_create(NULL, &context, NULL), MIRROR_OK);
  assert_int_equal(mirror_input_open(context, uri, NULL, &input, NULL), MIRROR_OK);
  while (mirror_input_receive(input, &packet, 1, -1, &count, NULL) == MIRROR_OK) {
    mirror_input_release(input);
    found++;
  }
  mirror_input_close(input);
  mirror_context_destroy(context);
  return found;
}

static void it_mirrors_and_counts(void **state) {
  (void)state;
  assert_int_equal(
      mirror_run(CONFIGURATION, "eni-03", MIRROR_AUTO, PACKETS, "pcap:" COPIES, &stats, &report),
      MIRROR_OK);
  assert_int_equal(report.code, MIRROR_OK);
  assert_int_equal(stats.received.packets, PACKETS_IN);
  assert_int_equal(stats.counters[MIRROR_COUNTER_SENT].packets, COPIES_OUT);
  assert_int_equal(packets_of("pcap:" COPIES), COPIES_OUT);
}

static void counters_and_report_are_optional(void **state) {
  (void)state;
  assert_int_equal(
      mirror_run(CONFIGURATION, "eni-03", MIRROR_AUTO, PACKETS, "pcap:" COPIES, NULL, NULL),
      MIRROR_OK);
  assert_int_equal(packets_of("pcap:" COPIES), COPIES_OUT);
}

/* What does not start counts nothing, and says why. */
static void each_part_is_refused_with_its_reason(void **state) {
  static const struct {
    const char *configuration, *source, *input, *output;
    uint32_t direction;
    int32_t status;
    const char *text;
  } cases[] = {
      {"none.json", "eni-03", PACKETS, "memory:", MIRROR_AUTO, MIRROR_E_OS, "none.json"},
      {NULL, "eni-03", PACKETS, "memory:", MIRROR_AUTO, MIRROR_E_ARGUMENT, "NULL"},
      {CONFIGURATION, "eni-03", "pcap:none", "memory:", MIRROR_AUTO, MIRROR_E_OS, "none"},
      {CONFIGURATION, "eni-03", NULL, "memory:", MIRROR_AUTO, MIRROR_E_ARGUMENT, "NULL"},
      {CONFIGURATION, "eni-03", PACKETS, "nowhere:", MIRROR_AUTO, MIRROR_E_URI, "nowhere"},
      {CONFIGURATION, "eni-03", PACKETS, NULL, MIRROR_AUTO, MIRROR_E_ARGUMENT, "NULL"},
      {CONFIGURATION, "eni-99", PACKETS, "pcap:" COPIES, MIRROR_AUTO, MIRROR_E_UNKNOWN_SOURCE,
       "eni-99"},
      {CONFIGURATION, "eni-03", PACKETS, "pcap:" COPIES, 0, MIRROR_E_ARGUMENT, "direction"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    stats.received.packets = 7;
    assert_int_equal(mirror_run(cases[i].configuration, cases[i].source, cases[i].direction,
                                cases[i].input, cases[i].output, &stats, &report),
                     cases[i].status);
    assert_int_equal(report.code, cases[i].status);
    if (!strstr(report.text, cases[i].text)) fail_msg("%s: %s", cases[i].text, report.text);
    assert_int_equal(stats.received.packets, 0);
  }
}

/* A full disk: what was read until then is counted. */
static void a_run_that_fails_has_counted(void **state) {
  (void)state;
  if (access("/dev/full", W_OK)) skip();
  assert_int_equal(
      mirror_run(CONFIGURATION, "eni-03", MIRROR_AUTO, PACKETS, "pcap:/dev/full", &stats, &report),
      MIRROR_E_OS);
  assert_int_equal(stats.received.packets, PACKETS_IN);
}

/* In a block of exactly this size: nothing behind it is written, nor is anything mirrored. */
static void stats_that_are_too_short_are_refused_first(void **state) {
  uint32_t *octets = malloc(sizeof *octets);
  (void)state;
  assert_non_null(octets);
  *octets = sizeof *octets;
  assert_int_equal(mirror_run(CONFIGURATION, "eni-03", MIRROR_AUTO, PACKETS, "pcap:" COPIES,
                              (mirror_stats *)(void *)octets, &report),
                   MIRROR_E_STRUCT_SIZE);
  assert_non_null(strstr(report.text, "mirror_stats_init"));
  assert_int_not_equal(access(COPIES, F_OK), 0);
  free(octets);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(it_mirrors_and_counts),
      TEST(counters_and_report_are_optional),
      TEST(each_part_is_refused_with_its_reason),
      TEST(a_run_that_fails_has_counted),
      TEST(stats_that_are_too_short_are_refused_first),
  };
  return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}

#else

int main(void) {
  return 77; /* left out of this build */
}
#endif
