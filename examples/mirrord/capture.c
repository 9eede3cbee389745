#include "capture.h"

#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum { BATCH = 256 };

struct capture *capture_new(struct loop *loop, const char *source, const char *uri) {
  struct capture *capture = calloc(1, sizeof *capture);

  if (!capture) return NULL;
  capture->loop = loop;
  capture->source = strdup(source);
  capture->uri = strdup(uri);
  if (capture->source && capture->uri) return capture;
  capture_free(capture);
  return NULL;
}

static bool fail(struct capture *capture, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static bool fail(struct capture *capture, const char *format, ...) {
  va_list arguments;

  capture->state = CAPTURE_FAILED;
  va_start(arguments, format);
  vsnprintf(capture->problem, sizeof capture->problem, format, arguments);
  va_end(arguments);
  return false;
}

static bool starts_with(const char *text, const char *start) {
  return strncmp(text, start, strlen(start)) == 0;
}

/* ---- open ---- */

/* What is refused for want of a capability says which; the message says how it is given. */
static bool refused(struct capture *capture, const struct capture_options *options,
                    const mirror_report *report) {
  char name[32] = "CAP_NET_RAW";
  const char *found = strstr(report->text, "CAP_");

  if (report->code != MIRROR_E_PERMISSION) return fail(capture, "%s", report->text);
  if (options->privileges_given)
    return fail(capture, "%s. Privileges were given up after the start: restart mirrord",
                report->text);
  if (found)
    snprintf(name, sizeof name, "%.*s", (int)strspn(found, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), found);
  return fail(capture,
              "%s. To give it: AmbientCapabilities=%s in the systemd unit, or `setcap %s+ep "
              "/path/of/mirrord`, or start as root",
              report->text, name, name);
}

/* The input's URI; several lanes share the packets of an interface. To be freed. */
static char *lane_uri(const struct capture *capture, const struct capture_options *options) {
  char *uri = NULL;

  if (options->workers == 1) return strdup(capture->uri);
  char separator = strchr(capture->uri, '?') ? '&' : '?';
  int length =
      asprintf(&uri, "%s%cfanout=%u", capture->uri, separator, options->next_group & 0xffffu);
  return length < 0 ? NULL : uri;
}

static int32_t make_tap(struct lane *lane, mirror_context *context, uint32_t fragments,
                        uint32_t direction, mirror_report *report) {
  mirror_tap_options options;

  mirror_tap_options_init(&options, sizeof options);
  options.source_id = lane->capture->source;
  options.input = lane->input;
  options.output = lane->output;
  options.direction = direction;
  options.fragment_entries = fragments;
  options.batch = BATCH;
  return mirror_tap_create(context, &options, &lane->tap, report);
}

/* Packets of afpacket have directions; of others they show by the source's MAC address. */
static int32_t create_tap(struct lane *lane, const struct capture_options *options, bool has_mac,
                          mirror_report *report) {
  bool directed = starts_with(lane->capture->uri, "afpacket:");
  int32_t status = MIRROR_E_MAC;

  if (has_mac && !directed)
    status = make_tap(lane, options->context, options->fragments, MIRROR_AUTO, report);
  if (status != MIRROR_E_MAC && status != MIRROR_E_LINK_TYPE) return status;
  if (!directed)
    say(MIRROR_LOG_WARNING,
        "source '%s': %s, so all packets count as ingress; expected a source with \"mac\", and "
        "frames with addresses, to tell directions",
        lane->capture->source, has_mac ? "its packets have no addresses" : "it has no \"mac\"");
  return make_tap(lane, options->context, options->fragments, MIRROR_INGRESS, report);
}

static bool open_output(struct lane *lane, struct capture_options *options, mirror_report *report) {
  if (starts_with(options->output, "pcap:") && options->outputs)
    return fail(lane->capture,
                "the output '%s' is one file and is written already: expected one source with one "
                "worker",
                options->output);
  if (mirror_output_open(options->context, options->output, NULL, &lane->output, report))
    return refused(lane->capture, options, report);
  options->outputs++;
  return true;
}

static bool open_lane(struct lane *lane, const char *uri, struct capture_options *options,
                      bool has_mac) {
  mirror_report report;

  mirror_report_init(&report, sizeof report);
  if (mirror_input_open(options->context, uri, NULL, &lane->input, &report))
    return refused(lane->capture, options, &report);
  if (!open_output(lane, options, &report)) return false;
  if (create_tap(lane, options, has_mac, &report) == MIRROR_OK) return true;
  return fail(lane->capture, "%s", report.text);
}

static bool open_lanes(struct capture *capture, struct capture_options *options, bool has_mac) {
  char *uri = lane_uri(capture, options);
  bool good = uri != NULL;

  if (!good) fail(capture, "out of memory");
  for (uint32_t i = 0; i < capture->lane_count && good; i++)
    good = open_lane(&capture->lanes[i], uri, options, has_mac);
  options->next_group++;
  free(uri);
  return good;
}

static void close_lane(struct lane *lane) {
  uint64_t drops;

  if (lane->input && mirror_input_drops(lane->input, &drops) == MIRROR_OK)
    lane->capture->drops += drops;
  mirror_tap_destroy(lane->tap);
  mirror_output_close(lane->output);
  mirror_input_close(lane->input);
  *lane = (struct lane){.capture = lane->capture};
}

static void close_lanes(struct capture *capture) {
  for (uint32_t i = 0; i < capture->lane_count; i++)
    close_lane(&capture->lanes[i]);
}

bool capture_open(struct capture *capture, struct capture_options *options, bool has_mac) {
  if (options->workers > 1 && !starts_with(capture->uri, "afpacket:"))
    return fail(capture, "several workers share the packets of afpacket inputs only, not of '%s'",
                capture->uri);
  capture->lanes = calloc(options->workers, sizeof *capture->lanes);
  if (!capture->lanes) return fail(capture, "out of memory");
  capture->lane_count = options->workers;
  for (uint32_t i = 0; i < capture->lane_count; i++)
    capture->lanes[i].capture = capture;
  if (open_lanes(capture, options, has_mac)) return true;
  close_lanes(capture);
  return false;
}

/* ---- start and stop ---- */

static void say_end(const struct lane *lane, int32_t status, const mirror_report *report) {
  const char *source = lane->capture->source;
  mirror_report refusal;

  mirror_report_init(&refusal, sizeof refusal);
  if (status == MIRROR_OK)
    say(MIRROR_LOG_INFO, "source '%s': its input '%s' has ended", source, lane->capture->uri);
  else if (status != MIRROR_E_INTERRUPTED)
    complain(STATUS_FAILED, "source '%s' has failed: %s", source, report->text);
  if (lane->tap && mirror_tap_output_status(lane->tap, &refusal))
    say(MIRROR_LOG_WARNING, "source '%s': not all copies were sent, at last: %s", source,
        refusal.text);
}

static void stop_lane(struct lane *lane) {
  mirror_report report;
  int32_t fd;

  if (!lane->worker) return;
  mirror_report_init(&report, sizeof report);
  if (mirror_worker_descriptor(lane->worker, &fd) == MIRROR_OK)
    loop_remove(lane->capture->loop, fd);
  int32_t status = mirror_worker_stop(&lane->worker, &report);
  say_end(lane, status, &report);
  if (status == MIRROR_OK)
    lane->capture->state = CAPTURE_ENDED;
  else if (status != MIRROR_E_INTERRUPTED)
    fail(lane->capture, "%s", report.text);
}

static void lane_ended(void *user, uint32_t events) {
  struct lane *lane = user;

  (void)events;
  stop_lane(lane);
  close_lane(lane);
}

static int32_t start_worker(struct lane *lane, struct capture_options *options,
                            mirror_report *report) {
  mirror_worker_options how;
  char name[16];

  mirror_worker_options_init(&how, sizeof how);
  snprintf(name, sizeof name, "%s", lane->capture->source);
  how.name = name;
  how.tap = lane->tap;
  if (options->cpu_count) how.cpu = options->cpus[options->next_cpu++ % options->cpu_count];
  return mirror_worker_start(&how, &lane->worker, report);
}

static bool start_lane(struct lane *lane, struct capture_options *options) {
  mirror_report report;
  int32_t fd;

  mirror_report_init(&report, sizeof report);
  if (start_worker(lane, options, &report)) return fail(lane->capture, "%s", report.text);
  lane->watch = (struct watch){.ready = lane_ended, .user = lane};
  if (mirror_worker_descriptor(lane->worker, &fd) == MIRROR_OK &&
      loop_add(lane->capture->loop, fd, EPOLLIN, &lane->watch))
    return true;
  return fail(lane->capture, "cannot wait for a worker");
}

void capture_stop(struct capture *capture) {
  for (uint32_t i = 0; i < capture->lane_count; i++)
    stop_lane(&capture->lanes[i]);
  close_lanes(capture);
  if (capture->state == CAPTURE_RUNNING) capture->state = CAPTURE_STOPPED;
}

bool capture_start(struct capture *capture, struct capture_options *options) {
  for (uint32_t i = 0; i < capture->lane_count; i++) {
    if (start_lane(&capture->lanes[i], options)) continue;
    capture_stop(capture);
    return false;
  }
  return true;
}

void capture_free(struct capture *capture) {
  if (!capture) return;
  capture_stop(capture);
  free(capture->lanes);
  free(capture->source);
  free(capture->uri);
  free(capture);
}

uint64_t capture_drops(const struct capture *capture) {
  uint64_t sum = capture->drops, drops;

  for (uint32_t i = 0; i < capture->lane_count; i++) {
    const mirror_worker *worker = capture->lanes[i].worker;
    if (worker && mirror_worker_drops(worker, &drops) == MIRROR_OK) sum += drops;
  }
  return sum;
}

bool capture_refusal(const struct capture *capture, mirror_report *report) {
  for (uint32_t i = 0; i < capture->lane_count; i++) {
    mirror_worker *worker = capture->lanes[i].worker;
    if (worker && mirror_worker_output_status(worker, report) != MIRROR_OK) return true;
  }
  return false;
}
