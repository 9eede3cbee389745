#include <libmirror/libmirror.h>
#include <stdio.h>

#include "bench/change.h"
#include "bench/measure.h"

enum { SESSIONS = 20000, FILTERS = 20, RULES = 10, PER_TARGET = 200, CHANGES = 200 };

struct shared {
  mirror_context *context;
  mirror_transaction *change;
  mirror_report report;
};

struct id {
  char text[16];
};

static struct id id_of(char kind, uint32_t number) {
  struct id id;
  snprintf(id.text, sizeof id.text, "%c%u", kind, number);
  return id;
}

static void expect(const struct shared *shared, int32_t status) {
  if (status) bench_fail("%s: %s", mirror_status_name(status), shared->report.text);
}

/* No two of these are equal: neither are the filters' lists. */
static mirror_rule rule_of(uint32_t filter, uint32_t place) {
  mirror_rule rule;
  mirror_rule_init(&rule, sizeof rule);
  rule.direction = MIRROR_INGRESS;
  rule.priority = place + 1;
  rule.action = MIRROR_ACCEPT;
  rule.ethertype = MIRROR_ETHERTYPE_IPV4;
  rule.protocol = 6;
  rule.destination_port_first = rule.destination_port_last = 1000 + filter * RULES + place;
  return rule;
}

static void add_filter(struct shared *shared, uint32_t number) {
  const struct id id = id_of('f', number);
  mirror_filter filter;
  mirror_filter_init(&filter, sizeof filter);
  filter.id = id.text;
  expect(shared, mirror_filter_add(shared->change, &filter, &shared->report));
  for (uint32_t i = 0; i < RULES; i++) {
    const mirror_rule rule = rule_of(number, i);
    expect(shared, mirror_rule_add(shared->change, id.text, &rule, &shared->report));
  }
}

static void add_target(struct shared *shared, uint32_t number) {
  const struct id id = id_of('t', number);
  char address[16];
  mirror_target target;
  mirror_target_init(&target, sizeof target);
  snprintf(address, sizeof address, "10.0.9.%u", number % 256);
  target.id = id.text;
  target.kind = MIRROR_TARGET_ELB;
  target.address = address;
  expect(shared, mirror_target_add(shared->change, &target, &shared->report));
}

static void add_session(struct shared *shared, uint32_t number) {
  const struct id id = id_of('s', number), source_id = id_of('x', number);
  const struct id filter = id_of('f', number % FILTERS), target = id_of('t', number / PER_TARGET);
  const char *const sources[] = {source_id.text};
  mirror_source source;
  mirror_session session;
  mirror_source_init(&source, sizeof source);
  mirror_session_init(&session, sizeof session);
  source.id = source_id.text;
  session.id = id.text;
  session.priority = number + 1;
  session.filter_id = filter.text;
  session.target_id = target.text;
  session.sources = sources;
  session.source_count = 1;
  expect(shared, mirror_source_add(shared->change, &source, &shared->report));
  expect(shared, mirror_session_add(shared->change, &session, &shared->report));
}

static void load(struct shared *shared, uint32_t isa) {
  mirror_context_options options;
  mirror_context_options_init(&options, sizeof options);
  options.isa = isa;
  mirror_report_init(&shared->report, sizeof shared->report);
  expect(shared, mirror_context_create(&options, &shared->context, &shared->report));
  expect(shared, mirror_transaction_begin(shared->context, &shared->change, &shared->report));
  for (uint32_t i = 0; i < FILTERS; i++)
    add_filter(shared, i);
  for (uint32_t i = 0; i < SESSIONS / PER_TARGET; i++)
    add_target(shared, i);
  for (uint32_t i = 0; i < SESSIONS; i++)
    add_session(shared, i);
  expect(shared, mirror_transaction_commit(shared->change, &shared->report));
}

static uint64_t compilations(const struct shared *shared) {
  mirror_plan_info info;
  mirror_plan *plan;
  mirror_plan_info_init(&info, sizeof info);
  if (mirror_plan_acquire(shared->context, &plan) || mirror_plan_info_get(plan, &info))
    bench_fail("no plan");
  mirror_plan_release(plan);
  return info.compilations;
}

static double change_one(struct shared *shared, uint32_t port) {
  mirror_rule rule = rule_of(0, 0);
  rule.destination_port_first = rule.destination_port_last = port;
  expect(shared, mirror_rule_update(shared->change, "f0", 1, &rule, &shared->report));
  const double start = bench_now();
  expect(shared, mirror_transaction_commit(shared->change, &shared->report));
  return bench_now() - start;
}

void change_shared_filter(uint32_t isa) {
  static struct bench_series series;
  struct shared shared = {.context = NULL};
  load(&shared, isa);
  const uint64_t before = compilations(&shared);
  for (uint32_t i = 0; i < CHANGES; i++)
    bench_add(&series, change_one(&shared, 10000 + i));
  printf(
      "%d sessions, %d filters: a rule of %d sessions, commit %.1f us (%.1f..%.1f), "
      "%.2f lists compiled\n",
      SESSIONS, FILTERS, SESSIONS / FILTERS, 1e6 * bench_quantile(&series, 0.5),
      1e6 * bench_quantile(&series, 0.1), 1e6 * bench_quantile(&series, 0.9),
      (double)(compilations(&shared) - before) / CHANGES);
  mirror_transaction_destroy(shared.change);
  mirror_context_destroy(shared.context);
}
