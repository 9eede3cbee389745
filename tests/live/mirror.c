/*
 * mirror CONFIG SOURCE DIRECTION INPUT OUTPUT: a tap, from input to output. Says "ready", and runs
 * until the input or standard input ends. For each line on standard input, and at the end, it
 * prints the counters; before that, for the line "drop", it gives up all privileges:
 *
 *   count NAME PACKETS          of the source, both directions; those that are not 0
 *   target ID NAME PACKETS      of each target
 *   drops PACKETS               of the input
 *   output STATUS TEXT          why the output refused a copy last
 *   done
 *
 * Log lines are printed as "log TEXT".
 */
#include <grp.h>
#include <inttypes.h>
#include <libmirror/libmirror.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static mirror_context *context;
static mirror_tap_options options;
static mirror_tap *tap;
static const char *source;

static void print_log(void *user, uint32_t severity, const char *text) {
  (void)user, (void)severity;
  printf("log %s\n", text);
}

static void print_stats(const char *label, const mirror_stats *stats) {
  for (uint32_t i = 0; i < MIRROR_COUNTERS; i++) {
    if (stats->counters[i].packets)
      printf("%s%s %" PRIu64 "\n", label, mirror_counter_name(i), stats->counters[i].packets);
  }
}

static int32_t print_target(void *user, const mirror_target *target) {
  (void)user;
  char label[128];
  mirror_stats stats = {.size = sizeof stats};
  mirror_target_stats(context, target->id, &stats);
  snprintf(label, sizeof label, "target %s ", target->id);
  print_stats(label, &stats);
  return 0;
}

static void print_all(void) {
  mirror_stats stats = {.size = sizeof stats};
  mirror_report report = {.size = sizeof report};
  uint64_t drops;
  mirror_tap_stats(tap, &stats);
  printf("count received %" PRIu64 "\n", stats.received.packets);
  print_stats("count ", &stats);
  mirror_targets_visit(context, NULL, print_target, NULL);
  if (mirror_input_drops(options.input, &drops) == MIRROR_OK) printf("drops %" PRIu64 "\n", drops);
  int32_t status = mirror_tap_output_status(tap, &report);
  printf("output %s %s\n", mirror_status_name(status), report.text);
  puts("done");
}

/* As nobody, without a way back. */
static void drop_privileges(void) {
  if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY) || setuid(0) == 0)
    puts("log cannot give up privileges");
}

static int32_t serve(void) {
  char line[64];
  int32_t fd, status = mirror_input_descriptor(options.input, &fd);
  if (status == MIRROR_E_UNSUPPORTED) return mirror_tap_run(tap, NULL);
  while (status == MIRROR_OK || status == MIRROR_E_AGAIN) {
    struct pollfd polled[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = fd, .events = POLLIN}};
    if (poll(polled, 2, -1) < 0) continue;
    if (polled[1].revents) status = mirror_tap_step(tap, 0, NULL, NULL);
    if (!polled[0].revents) continue;
    if (read(STDIN_FILENO, line, sizeof line) <= 0) return MIRROR_OK;
    if (*line == 'd') drop_privileges();
    print_all();
  }
  return status;
}

static int32_t open_all(char **words, mirror_report *report) {
  mirror_context_options how;
  mirror_context_options_init(&how, sizeof how);
  how.log = print_log;
  mirror_tap_options_init(&options, sizeof options);
  options.source_id = source = words[2];
  options.direction = strcmp(words[3], "egress") == 0 ? MIRROR_EGRESS
                      : strcmp(words[3], "auto") == 0 ? MIRROR_AUTO
                                                      : MIRROR_INGRESS;
  int32_t status = mirror_context_create(&how, &context, report);
  if (!status) status = mirror_configuration_load(context, words[1], NULL, NULL, report);
  if (!status) status = mirror_output_open(context, words[5], NULL, &options.output, report);
  if (!status) status = mirror_input_open(context, words[4], NULL, &options.input, report);
  if (!status) status = mirror_tap_create(context, &options, &tap, report);
  return status;
}

int main(int count, char **words) {
  mirror_report report = {.size = sizeof report};
  setvbuf(stdout, NULL, _IOLBF, 0);
  int32_t status = count == 6 ? open_all(words, &report) : MIRROR_E_ARGUMENT;
  if (status) {
    printf("failed %s %d %s\n", mirror_status_name(status), report.os_error, report.text);
    return 1;
  }
  puts("ready");
  status = serve();
  print_all();
  printf("end %s\n", mirror_status_name(status));
  mirror_tap_destroy(tap);
  mirror_input_close(options.input);
  mirror_output_close(options.output);
  mirror_context_destroy(context);
  return 0;
}
