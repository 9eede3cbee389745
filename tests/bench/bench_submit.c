/*
 * bench_submit: what a target that takes nothing does to the caller of mirror_tap_submit (R10).
 *
 * Packets go in turn to two targets, one packet a call and 64 a call. Percentiles of a call's time
 * are printed with both targets healthy and with one of them stalled, of these outputs:
 *
 *   callback   copies for the stalled target are refused with MIRROR_E_AGAIN
 *   udp        the stalled target is behind an interface whose queueing discipline lets 8 kbit/s
 *              through, so that the send buffers of its sockets are full
 *
 * For udp it makes interfaces: run it as root in a network namespace of its own (unshare --net),
 * else that part is left out.
 */
#include <libmirror/libmirror.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"

enum { CALLS = 200000, BATCH = 64, FRAME = 256 };

static const char configuration[] =
    "{\"traffic_mirror_filters\": [{\"id\": \"f\", \"ingress_rules\": [{\"priority\": 1, "
    "\"action\":"
    " \"accept\", \"ethertype\": \"IPv4\", \"protocol\": \"ALL\"}]}],"
    "\"traffic_mirror_sources\": [{\"id\": \"one\", \"address\": \"10.77.1.1\"},"
    " {\"id\": \"two\", \"address\": \"10.77.2.1\"}],"
    "\"traffic_mirror_targets\": [{\"id\": \"healthy\", \"type\": \"eni\", \"address\": "
    "\"10.77.1.2\"},"
    " {\"id\": \"other\", \"type\": \"eni\", \"address\": \"10.77.2.2\"}],"
    "\"traffic_mirror_sessions\": ["
    "{\"id\": \"s1\", \"priority\": 1, \"traffic_mirror_filter_id\": \"f\", "
    "\"traffic_mirror_sources\":"
    " [\"one\"], \"traffic_mirror_target_id\": \"healthy\", \"traffic_mirror_target_type\": "
    "\"eni\"},"
    "{\"id\": \"s2\", \"priority\": 2, \"traffic_mirror_filter_id\": \"f\", "
    "\"traffic_mirror_sources\":"
    " [\"two\"], \"traffic_mirror_target_id\": \"other\", \"traffic_mirror_target_type\": "
    "\"eni\"}]}";

static mirror_context *context;
static mirror_report report;
static bool stalled; /* the callback's other target */
static uint8_t frames[BATCH][FRAME];
static mirror_packet packets[BATCH];
static double samples[CALLS];

static void expect(int32_t status) {
  if (status) bench_fail("bench_submit: %s: %s", mirror_status_name(status), report.text);
}

static void load(void) {
  mirror_report_init(&report, sizeof report);
  expect(mirror_context_create(NULL, &context, &report));
  expect(mirror_configuration_parse(context, configuration, strlen(configuration), "bench", NULL,
                                    NULL, &report));
}

/* UDP of different flows, to the sources in turn. */
static void make_packets(void) {
  static const uint8_t headers[] = {2, 0, 0,    0, 9, 2,          2,  0,  0,    0, 9,  1,
                                    8, 0, 0x45, 0, 0, FRAME - 14, 0,  0,  0x40, 0, 64, 17,
                                    0, 0, 10,   1, 1, 1,          10, 30, 1,    1};
  static const char *const ids[] = {"one", "two"};
  for (uint32_t i = 0; i < BATCH; i++) {
    memcpy(frames[i], headers, sizeof headers);
    frames[i][35] = (uint8_t)i; /* source port */
    frames[i][39] = FRAME - 34; /* UDP length */
    packets[i].data = frames[i];
    packets[i].caplen = packets[i].length = FRAME;
    packets[i].link_type = MIRROR_LINK_ETHERNET;
    packets[i].direction = MIRROR_INGRESS;
    expect(mirror_source_handle(context, ids[i % 2], &packets[i].source, &report));
  }
}

static int32_t take(void *user, const mirror_copy *copies, uint32_t count, uint32_t *accepted,
                    mirror_report *why) {
  (void)user, (void)why;
  for (*accepted = 0; *accepted < count; ++*accepted) {
    if (stalled && copies[*accepted].outer->destination[2] == 2) return MIRROR_E_AGAIN;
  }
  return MIRROR_OK;
}

static int compare(const void *a, const void *b) {
  const double one = *(const double *)a, other = *(const double *)b;
  return (one > other) - (one < other);
}

static double at(uint32_t count, double share) {
  return samples[(uint32_t)(share * (count - 1))] * 1e6;
}

/* Counts of a target, of the time since the last call. */
static void print_target(const char *id) {
  static mirror_stats last[2];
  mirror_stats stats = {.size = sizeof stats};
  expect(mirror_target_stats(context, id, &stats));
  mirror_stats *before = &last[*id == 'o'];
  uint64_t mirrored = stats.counters[MIRROR_COUNTER_MIRRORED].packets -
                      before->counters[MIRROR_COUNTER_MIRRORED].packets;
  uint64_t sent =
      stats.counters[MIRROR_COUNTER_SENT].packets - before->counters[MIRROR_COUNTER_SENT].packets;
  printf("  %s: %5.1f %% sent", id, mirrored ? 100.0 * (double)sent / (double)mirrored : 0);
  *before = stats;
}

static void measure(mirror_tap *tap, const char *title, uint32_t batch) {
  const uint32_t calls = CALLS / batch;
  for (uint32_t i = 0; i < calls; i++) {
    const double start = bench_now();
    expect(mirror_tap_submit(tap, &packets[batch == 1 ? i % BATCH : 0], batch, NULL));
    samples[i] = bench_now() - start;
  }
  qsort(samples, calls, sizeof *samples, compare);
  printf("  %-26s%3u a call:%9.2f%9.2f%9.2f%9.1f us", title, batch, at(calls, 0.5), at(calls, 0.99),
         at(calls, 0.999), at(calls, 1));
  print_target("healthy");
  print_target("other");
  puts("");
}

static mirror_tap *make_tap(mirror_output *output) {
  mirror_tap_options options;
  mirror_tap *tap;
  mirror_tap_options_init(&options, sizeof options);
  options.output = output;
  expect(mirror_tap_create(context, &options, &tap, &report));
  return tap;
}

static void measure_both(mirror_tap *tap, const char *title) {
  measure(tap, title, 1);
  measure(tap, title, BATCH);
}

static void measure_callback(void) {
  mirror_callback_output argument;
  mirror_callback_output_init(&argument, sizeof argument);
  argument.send = take;
  mirror_output *output;
  expect(mirror_output_open(context, "callback:", &argument, &output, &report));
  mirror_tap *tap = make_tap(output);
  measure_both(tap, "callback, both healthy");
  stalled = true;
  measure_both(tap, "callback, one stalled");
  mirror_tap_destroy(tap);
  mirror_output_close(output);
}

/* Two veth pairs whose other ends lose what comes. */
static bool make_interfaces(void) {
  return system(
             "test -z \"$(ip -o link show type veth)\" && ip link set lo up && "
             "for n in 1 2; do "
             "ip link add u$n type veth peer name p$n && ip link set p$n up && "
             "ip link set u$n mtu 9000 up && ip address add 10.77.$n.1/24 dev u$n && "
             "ip neigh replace 10.77.$n.2 lladdr 02:00:00:00:77:0$n dev u$n nud permanent || "
             "exit 1; done 2>/dev/null") == 0;
}

static bool stall(void) {
  return system("tc qdisc add dev u2 root tbf rate 8kbit burst 1600 limit 1000000") == 0;
}

static void measure_udp(void) {
  mirror_output *output;
  if (!make_interfaces()) {
    puts("  udp: left out: it needs root, and a network namespace of its own");
    return;
  }
  expect(mirror_output_open(context, "udp:", NULL, &output, &report));
  mirror_tap *tap = make_tap(output);
  measure_both(tap, "udp, both healthy");
  if (stall())
    measure_both(tap, "udp, one stalled");
  else
    puts("  udp: no stalled target: the kernel has no tbf");
  mirror_tap_destroy(tap);
  mirror_output_close(output);
}

int main(void) {
  load();
  make_packets();
  printf("  %-38s%9s%9s%9s%9s\n", "", "p50", "p99", "p99.9", "max");
  measure_callback();
  measure_udp();
  mirror_context_destroy(context);
  return 0;
}
