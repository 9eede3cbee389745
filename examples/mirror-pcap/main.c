/* mirror-pcap: mirrors the packets of a capture file. See docs/mirror-pcap.1. */
#include "arguments.h"
#include "explain.h"
#include "progress.h"
#include "status.h"
#include "summary.h"
#include "verdicts.h"

#include <fcntl.h>
#include <inttypes.h>
#include <libmirror/libmirror.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct run {
  struct arguments arguments;
  mirror_context *context;
  mirror_input *input;
  mirror_output *output;
  mirror_tap *tap;
  struct verdicts *verdicts;
  struct explain explain;
  uint64_t packets; /* seen by on_packet */
};

static mirror_tap *volatile interrupted_tap;
static volatile sig_atomic_t signal_caught;

int complain(enum status status, const char *format, ...) {
  va_list arguments;

  fputs("mirror-pcap: ", stderr);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  return (int)status;
}

static void on_signal(int number) {
  signal_caught = number;
  mirror_tap_interrupt(interrupted_tap);
}

/* The first SIGINT or SIGTERM ends the run in good order, the next one at once. */
static void catch_signals(mirror_tap *tap) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

  interrupted_tap = tap;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

static void ignore_signals(void) {
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
}

static void print_configuration_error(void *user, const mirror_report *report) {
  (void)user;
  complain(STATUS_CONFIGURATION, "%s", report->text);
}

static int load_configuration(struct run *run) {
  const char *path = run->arguments.config;
  mirror_report report;

  mirror_report_init(&report, sizeof report);
  int32_t status =
      mirror_configuration_load(run->context, path, print_configuration_error, NULL, &report);
  if (status == MIRROR_OK) return STATUS_DONE;
  if (report.line == 0) return complain(STATUS_CONFIGURATION, "%s", report.text);
  return complain(STATUS_CONFIGURATION, "%s: %" PRIu32 " error%s; nothing was mirrored", path,
                  report.errors, report.errors == 1 ? "" : "s");
}

static int32_t print_source(void *user, const mirror_source *source) {
  (void)user;
  fprintf(stderr, "  %s\n", source->id);
  return 0;
}

static int find_source(struct run *run) {
  const char *id = run->arguments.source;
  uint32_t handle;

  if (mirror_source_handle(run->context, id, &handle, NULL) == MIRROR_OK) return STATUS_DONE;
  complain(STATUS_USAGE, "--source: '%s' is not in %s, whose sources are:", id,
           run->arguments.config);
  mirror_sources_visit(run->context, NULL, print_source, NULL);
  return STATUS_USAGE;
}

/* "pcap:" and a path; to be freed. */
static char *pcap_uri(const char *path) {
  char *uri = NULL;

  return asprintf(&uri, "pcap:%s", path) < 0 ? NULL : uri;
}

static enum status input_status(int32_t status) {
  return status == MIRROR_E_DAMAGED ? STATUS_DAMAGED : STATUS_IO;
}

static int open_files(struct run *run) {
  char *in = pcap_uri(run->arguments.input);
  char *out = pcap_uri(run->arguments.output);
  mirror_pcap_output writing;
  mirror_report report;
  int status = STATUS_DONE;
  int32_t failure;

  mirror_pcap_output_init(&writing, sizeof writing);
  writing.thread = 1; /* half of the work is the system's, which copies */
  mirror_report_init(&report, sizeof report);
  if (!in || !out)
    status = complain(STATUS_IO, "out of memory");
  else if ((failure = mirror_input_open(run->context, in, NULL, &run->input, &report)))
    status = complain(input_status(failure), "%s", report.text);
  else if (mirror_output_open(run->context, out, &writing, &run->output, &report))
    status = complain(STATUS_IO, "%s", report.text);
  else if (!arguments_are_distinct(&run->arguments)) /* now that OUT is there */
    status = STATUS_USAGE;
  else if (run->arguments.verdicts && !verdicts_open(&run->verdicts, run->arguments.verdicts))
    status = STATUS_IO;
  free(in);
  free(out);
  return status;
}

static void on_packet(void *user, const mirror_packet *packet, const mirror_verdict *verdict) {
  struct run *run = user;
  uint64_t n = ++run->packets;

  if (run->verdicts) verdicts_add(run->verdicts, n, packet, verdict);
  if (n == run->explain.wanted) explain_packet(&run->explain, packet, verdict);
}

static int create_tap(struct run *run) {
  mirror_tap_options options;
  mirror_report report;

  mirror_report_init(&report, sizeof report);
  mirror_tap_options_init(&options, sizeof options);
  options.source_id = run->arguments.source;
  options.direction = run->arguments.direction;
  options.batch = 256;
  options.input = run->input;
  options.output = run->output;
  options.on_packet = run->verdicts || run->explain.wanted ? on_packet : NULL;
  options.on_packet_user = run;

  int32_t status = mirror_tap_create(run->context, &options, &run->tap, &report);
  if (status == MIRROR_OK) return STATUS_DONE;
  bool no_auto = status == MIRROR_E_MAC || status == MIRROR_E_LINK_TYPE;
  return complain(no_auto ? STATUS_USAGE : STATUS_IO, "%s", report.text);
}

static int prepare(struct run *run) {
  if (mirror_context_create(NULL, &run->context, NULL)) return complain(STATUS_IO, "out of memory");
  run->explain.context = run->context;
  run->explain.wanted = run->arguments.explain;

  int status = load_configuration(run);
  if (!status) status = find_source(run);
  if (!status) status = open_files(run);
  return status ? status : create_tap(run);
}

/* Copies or rows can no longer be written. */
static bool output_failed(const struct run *run) {
  return mirror_tap_output_status(run->tap, NULL) != MIRROR_OK || !verdicts_good(run->verdicts);
}

/* The table says so when it is closed. */
static int complain_of_output(const struct run *run) {
  mirror_report report;

  mirror_report_init(&report, sizeof report);
  if (mirror_tap_output_status(run->tap, &report)) complain(STATUS_IO, "%s", report.text);
  return STATUS_IO;
}

/* All packets, from the first to the end, a fault or a signal. */
static int pass_packets(struct run *run) {
  struct progress progress;
  mirror_report report;
  uint32_t packets = 0;
  int32_t status;
  bool failed;

  mirror_report_init(&report, sizeof report);
  progress_start(&progress, run->input);
  do {
    status = mirror_tap_step(run->tap, -1, &packets, &report);
    progress_advance(&progress, packets);
    failed = output_failed(run);
  } while (status == MIRROR_OK && !failed);
  progress_end(&progress);

  if (failed) return complain_of_output(run);
  if (status == MIRROR_E_END) return STATUS_DONE;
  if (status == MIRROR_E_INTERRUPTED) return STATUS_SIGNAL + signal_caught;
  return complain(input_status(status), "%s", report.text);
}

/* Writes out everything that was done, also after a fault. */
static int finish(struct run *run, int status) {
  FILE *out = arguments_use_stdout(&run->arguments) ? stderr : stdout;
  mirror_report report;

  ignore_signals();
  mirror_report_init(&report, sizeof report);
  if (!mirror_tap_output_status(run->tap, NULL) && mirror_output_flush(run->output, &report))
    status = complain(STATUS_IO, "%s", report.text);
  bool table_written = verdicts_close(run->verdicts);
  run->verdicts = NULL;
  if (!table_written) status = STATUS_IO;
  if (run->explain.wanted && !explain_print(&run->explain, out) && status == STATUS_DONE)
    status = STATUS_USAGE;
  summary_print(run->context, run->tap, run->arguments.source, out);
  if (fflush(out) && status == STATUS_DONE)
    status = complain(STATUS_IO, "cannot write the summary");
  return status;
}

static void release(struct run *run) {
  verdicts_close(run->verdicts);
  explain_release(&run->explain);
  mirror_tap_destroy(run->tap);
  mirror_output_close(run->output);
  mirror_input_close(run->input);
  mirror_context_destroy(run->context);
}

/* A file that is opened must not become standard output because that was closed. What is put in
 * the place of a closed one fails when it is used, as before. */
static void hold_standard_descriptors(void) {
  for (int fd = 0; fd <= STDERR_FILENO; fd++) {
    if (fcntl(fd, F_GETFD) < 0) (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

int main(int argc, char **argv) {
  struct run run = {0};
  int status;

  hold_standard_descriptors();
  if (!arguments_read(&run.arguments, argc, argv, &status)) return status;
  signal(SIGPIPE, SIG_IGN); /* a broken pipe is an error like any other */
  status = prepare(&run);
  if (!status) {
    catch_signals(run.tap);
    status = finish(&run, pass_packets(&run));
  }
  release(&run);
  return status;
}
