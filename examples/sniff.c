/*
 * sniff: prints the packets of an interface or a capture file that match a filter, one a line.
 *
 *   sniff -p tcp -d 10.0.0.3/32 -P 80 examples/samples/table2.pcap
 *   sniff -p udp eth0
 *
 * A sniffer needs no tap: it reads an input, and asks the plan about each packet.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <libmirror/libmirror.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 64 };

static const char usage[] =
    "usage: sniff [-p PROTOCOL] [-s SOURCE] [-d DESTINATION] [-P PORT] [-n COUNT] IN\n"
    "  IN           an interface, a capture file, or a URI such as pcap-live:eth0\n"
    "  PROTOCOL     tcp, udp, icmp, icmpv6 or a number\n"
    "  SOURCE, DESTINATION   networks such as 10.0.0.0/8\n"
    "  PORT         destination port, or a range such as 80-443\n"
    "  COUNT        end after so many lines\n";

static mirror_report report; /* of the call that failed last */
static mirror_input *input;

static void must(int32_t status) {
  if (status == MIRROR_OK) return;
  fprintf(stderr, "sniff: %s\n", report.text);
  exit(1);
}

static void on_signal(int number) {
  (void)number;
  mirror_input_interrupt(input);
}

/* ---- the filter ---- */

static uint32_t protocol_of(const char *text) {
  static const char *const names[] = {"tcp", "udp", "icmp", "icmpv6"};
  static const uint32_t numbers[] = {6, 17, 1, 58};
  for (size_t i = 0; i < 4; i++)
    if (strcmp(text, names[i]) == 0) return numbers[i];
  return (uint32_t)strtoul(text, NULL, 10);
}

static void read_ports(const char *text, mirror_rule *rule) {
  char *end;
  rule->destination_port_first = (uint32_t)strtoul(text, &end, 10);
  rule->destination_port_last =
      *end == '-' ? (uint32_t)strtoul(end + 1, NULL, 10) : rule->destination_port_first;
}

/* Whether the rule can be one of this ethertype. */
static int fits(const mirror_rule *rule, uint32_t ethertype) {
  const char *cidr = rule->source_cidr ? rule->source_cidr : rule->destination_cidr;
  const uint32_t other = ethertype == MIRROR_ETHERTYPE_IPV4 ? 58 : 1; /* the other one's ICMP */
  if (rule->protocol == other) return 0;
  return !cidr || (strchr(cidr, ':') != NULL) == (ethertype == MIRROR_ETHERTYPE_IPV6);
}

/* The rule in both lists, for IPv4 and for IPv6. */
static void add_rules(mirror_transaction *tx, mirror_rule rule) {
  static const uint32_t ethertypes[] = {MIRROR_ETHERTYPE_IPV4, MIRROR_ETHERTYPE_IPV6};
  for (rule.priority = 1; rule.priority <= 2; rule.priority++) {
    rule.ethertype = ethertypes[rule.priority - 1];
    for (rule.direction = MIRROR_INGRESS; rule.direction <= MIRROR_EGRESS; rule.direction++)
      if (fits(&rule, rule.ethertype)) must(mirror_rule_add(tx, "all", &rule, &report));
  }
}

/* One session of one source. Its target gets nothing: nobody asks for copies. */
static void commit(mirror_context *context, const mirror_rule *rule) {
  static const char *const sources[] = {"here"};
  mirror_transaction *tx;
  mirror_filter filter;
  mirror_source source;
  mirror_target target;
  mirror_session session;
  mirror_filter_init(&filter, sizeof filter);
  filter.id = "all";
  mirror_source_init(&source, sizeof source);
  source.id = "here";
  mirror_target_init(&target, sizeof target);
  target.id = "none";
  target.address = "192.0.2.1";
  mirror_session_init(&session, sizeof session);
  session.id = "sniff";
  session.priority = 1;
  session.filter_id = "all";
  session.target_id = "none";
  session.sources = sources;
  session.source_count = 1;
  must(mirror_transaction_begin(context, &tx, &report));
  must(mirror_filter_add(tx, &filter, &report));
  must(mirror_source_add(tx, &source, &report));
  must(mirror_target_add(tx, &target, &report));
  must(mirror_session_add(tx, &session, &report));
  add_rules(tx, *rule);
  must(mirror_transaction_commit(tx, &report));
  mirror_transaction_destroy(tx);
}

/* ---- the packets ---- */

static void print(const mirror_packet *packet) {
  char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
  mirror_key key;
  if (mirror_packet_key(packet, &key, NULL)) return;
  inet_ntop(key.family == 6 ? AF_INET6 : AF_INET, key.source, from, sizeof from);
  inet_ntop(key.family == 6 ? AF_INET6 : AF_INET, key.destination, to, sizeof to);
  printf("%" PRId64 ".%06" PRId64 " %s %s", packet->time_ns / 1000000000,
         packet->time_ns % 1000000000 / 1000, packet->direction == MIRROR_EGRESS ? "out" : "in",
         from);
  if (key.present & MIRROR_KEY_SOURCE_PORT) printf(" %u", key.source_port);
  printf(" > %s", to);
  if (key.present & MIRROR_KEY_DESTINATION_PORT) printf(" %u", key.destination_port);
  printf(" protocol %u length %u\n", key.protocol, packet->length);
}

/* Prints what matches; returns how many lines that were, `limit` at most. */
static unsigned long sniff(const mirror_plan *plan, uint32_t source, unsigned long limit) {
  mirror_packet packets[BATCH];
  mirror_verdict verdicts[BATCH];
  unsigned long lines = 0;
  int32_t status = MIRROR_OK;
  while (lines < limit && (status == MIRROR_OK || status == MIRROR_E_AGAIN)) {
    uint32_t count = 0;
    status = mirror_input_receive(input, packets, BATCH, -1, &count, &report);
    for (uint32_t i = 0; i < count; i++) {
      packets[i].source = source;
      if (!packets[i].direction) packets[i].direction = MIRROR_INGRESS; /* a file does not tell */
    }
    must(mirror_plan_match(plan, packets, count, verdicts));
    for (uint32_t i = 0; i < count && lines < limit; i++) {
      if (verdicts[i].verdict != MIRROR_MIRRORED) continue;
      print(&packets[i]);
      lines++;
    }
    fflush(stdout);
    mirror_input_release(input);
  }
  if (status != MIRROR_E_END && status != MIRROR_E_INTERRUPTED) must(status);
  return lines;
}

static void open_input(mirror_context *context, const char *in) {
  char uri[4096];
  const char *scheme = strchr(in, ':') ? "" : access(in, R_OK) == 0 ? "pcap:" : "afpacket:";
  snprintf(uri, sizeof uri, "%s%s", scheme, in);
  must(mirror_input_open(context, uri, NULL, &input, &report));
  signal(SIGINT, on_signal);
  signal(SIGTERM, on_signal);
}

int main(int argc, char **argv) {
  mirror_context *context;
  mirror_plan *plan;
  mirror_rule rule;
  uint32_t source;
  unsigned long limit = (unsigned long)-1;

  mirror_rule_init(&rule, sizeof rule);
  rule.action = MIRROR_ACCEPT;
  for (int letter; (letter = getopt(argc, argv, "p:s:d:P:n:")) != -1;) {
    if (letter == 'p') rule.protocol = protocol_of(optarg);
    if (letter == 's') rule.source_cidr = optarg;
    if (letter == 'd') rule.destination_cidr = optarg;
    if (letter == 'P') read_ports(optarg, &rule);
    if (letter == 'n') limit = strtoul(optarg, NULL, 10);
    if (letter == '?') return fputs(usage, stderr), 2;
  }
  if (optind != argc - 1) return fputs(usage, stderr), 2;

  mirror_report_init(&report, sizeof report);
  must(mirror_context_create(NULL, &context, &report));
  commit(context, &rule);
  must(mirror_source_handle(context, "here", &source, &report));
  must(mirror_plan_acquire(context, &plan));
  open_input(context, argv[optind]);
  sniff(plan, source, limit);
  mirror_input_close(input);
  mirror_plan_release(plan);
  mirror_context_destroy(context);
  return 0;
}
