/*
 * bench_worst: the dearest packets, through a tap with 100 rules (R2): 64 KiB of IPv6 extension
 * headers of 8 octets, copied whole and with a UDP checksum over IPv6; the same as fragment
 * headers, and as a chain that ends in front of its last octet; and a plain packet for comparison.
 * Prints the median and the 99th percentile of each; status 1 if a median is above 50 microseconds.
 */
#include <libmirror/libmirror.h>
#include <stdio.h>
#include <string.h>

#include "bench/measure.h"

enum { RULES = 100, OCTETS = 65535, ETHERNET = 14, IPV6 = 40, ROUNDS = 4000, LIMIT_US = 50 };
enum { HOP_BY_HOP = 0, FRAGMENT = 44, DESTINATION_OPTIONS = 60, UDP = 17 };

static uint8_t frame[ETHERNET + OCTETS];

static void fine(int32_t status, const mirror_report *report) {
  if (status) bench_fail("%s: %s", mirror_status_name(status), report ? report->text : "");
}

/* `kind` all the way, UDP behind it; `cut`: the last header says that it is longer than it is. */
static uint32_t build(uint8_t kind, uint32_t headers, int cut) {
  uint8_t *ip = frame + ETHERNET, *at = ip + IPV6;
  memset(frame, 0, sizeof frame);
  frame[12] = 0x86;
  frame[13] = 0xdd;
  ip[0] = 0x60;
  ip[6] = headers ? kind : UDP;
  for (uint32_t i = 0; i < headers; i++, at += 8)
    at[0] = i + 1 < headers ? kind : UDP;
  if (cut) at[-7] = 255;
  at += 8;
  const uint32_t payload = (uint32_t)(at - ip) - IPV6;
  ip[4] = (uint8_t)(payload >> 8);
  ip[5] = (uint8_t)payload;
  return (uint32_t)(at - frame);
}

/* Rules that look at every field and match at the very last. */
static void add_rules(mirror_transaction *tx) {
  mirror_report report = {.size = sizeof report};
  mirror_filter filter;
  mirror_filter_init(&filter, sizeof filter);
  filter.id = "filter";
  fine(mirror_filter_add(tx, &filter, &report), &report);
  for (uint32_t i = 1; i <= RULES; i++) {
    mirror_rule rule;
    mirror_rule_init(&rule, sizeof rule);
    rule.direction = MIRROR_INGRESS;
    rule.priority = i;
    rule.action = MIRROR_ACCEPT;
    rule.ethertype = MIRROR_ETHERTYPE_IPV6;
    if (i < RULES) {
      rule.protocol = UDP;
      rule.source_port_first = rule.source_port_last = 1000 + i;
    }
    fine(mirror_rule_add(tx, "filter", &rule, &report), &report);
  }
}

static void configure(mirror_context *context) {
  const char *const sources[] = {"source"};
  mirror_report report = {.size = sizeof report};
  mirror_transaction *tx;
  mirror_quotas quotas;
  mirror_source source;
  mirror_target target;
  mirror_session session;
  fine(mirror_transaction_begin(context, &tx, &report), &report);
  mirror_quotas_init(&quotas, sizeof quotas);
  quotas.ingress_rules_per_filter = RULES;
  fine(mirror_quotas_set(tx, &quotas, &report), &report);
  add_rules(tx);
  mirror_source_init(&source, sizeof source);
  source.id = "source";
  source.mtu = 65535;
  source.address = "2001:db8::1";
  fine(mirror_source_add(tx, &source, &report), &report);
  mirror_target_init(&target, sizeof target);
  target.id = "target";
  target.address = "2001:db8::2";
  fine(mirror_target_add(tx, &target, &report), &report);
  mirror_session_init(&session, sizeof session);
  session.id = "session";
  session.priority = 1;
  session.filter_id = "filter";
  session.target_id = "target";
  session.sources = sources;
  session.source_count = 1;
  fine(mirror_session_add(tx, &session, &report), &report);
  fine(mirror_transaction_commit(tx, &report), &report);
  mirror_transaction_destroy(tx);
}

static int32_t take(void *user, const mirror_copy *copies, uint32_t count, uint32_t *accepted,
                    mirror_report *report) {
  (void)copies, (void)report;
  *(uint64_t *)user += count;
  *accepted = count;
  return MIRROR_OK;
}

static mirror_tap *open_tap(mirror_context *context, uint64_t *taken) {
  mirror_callback_output callback;
  mirror_tap_options options;
  mirror_tap *tap;
  mirror_callback_output_init(&callback, sizeof callback);
  callback.user = taken;
  callback.send = take;
  mirror_tap_options_init(&options, sizeof options);
  options.source_id = "source";
  fine(mirror_output_open(context, "callback:", &callback, &options.output, NULL), NULL);
  fine(mirror_tap_create(context, &options, &tap, NULL), NULL);
  return tap;
}

/* Returns the median in microseconds. */
static double measure(mirror_tap *tap, const char *name, uint32_t length, const uint64_t *taken) {
  static struct bench_series series;
  const mirror_packet packet = {
      .data = frame, .caplen = length, .length = length, .link_type = MIRROR_LINK_ETHERNET};
  const uint64_t before = *taken;
  series.count = 0;
  for (uint32_t i = 0; i < ROUNDS; i++) {
    const double start = bench_now();
    fine(mirror_tap_submit(tap, &packet, 1, NULL), NULL);
    bench_add(&series, bench_now() - start);
  }
  if (*taken - before != ROUNDS) bench_fail("%s: not every packet was copied", name);
  const double median = bench_quantile(&series, 0.5) * 1e6;
  printf("%-28s %6u octets  median %7.2f us  99%% %7.2f us\n", name, length, median,
         bench_quantile(&series, 0.99) * 1e6);
  return median;
}

int main(void) {
  const uint32_t most = (OCTETS - IPV6 - 8) / 8;
  const struct {
    const char *name;
    uint8_t kind;
    uint32_t headers;
    int cut;
  } cases[] = {{"plain UDP", UDP, 0, 0},
               {"hop-by-hop options", HOP_BY_HOP, most, 0},
               {"destination options", DESTINATION_OPTIONS, most, 0},
               {"fragment headers", FRAGMENT, most, 0},
               {"options, the last one cut", DESTINATION_OPTIONS, most, 1}};
  mirror_context *context;
  uint64_t taken = 0;
  int status = 0;
  fine(mirror_context_create(NULL, &context, NULL), NULL);
  configure(context);
  mirror_tap *tap = open_tap(context, &taken);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const uint32_t length = build(cases[i].kind, cases[i].headers, cases[i].cut);
    if (measure(tap, cases[i].name, length, &taken) > LIMIT_US) status = 1;
  }
  mirror_tap_destroy(tap);
  return status;
}
