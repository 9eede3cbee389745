#include "bench/list.h"

#include "bench/measure.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* A filter holds one rule for each priority; longer lists are several filters, one session each. */
enum { FILTER_RULES = 65535 };

struct id {
  char text[16];
};

static struct id id_of(char kind, uint32_t number) {
  struct id id;
  snprintf(id.text, sizeof id.text, "%c%u", kind, number);
  return id;
}

static const char *cidr(const uint8_t *address, uint32_t length, uint32_t family, char text[64]) {
  if (!length) return NULL;
  inet_ntop(family == 4 ? AF_INET : AF_INET6, address, text, 48);
  snprintf(text + strlen(text), 8, "/%u", length);
  return text;
}

static void describe_rule(const struct mri_match_rule *rule, mirror_rule *to) {
  mirror_rule_init(to, sizeof *to);
  to->direction = MIRROR_INGRESS;
  to->action = rule->accept ? MIRROR_ACCEPT : MIRROR_REJECT;
  to->ethertype = rule->family == 4 ? MIRROR_ETHERTYPE_IPV4 : MIRROR_ETHERTYPE_IPV6;
  to->protocol = rule->protocol;
  to->source_port_first = rule->source_first;
  to->source_port_last = rule->source_last;
  to->destination_port_first = rule->destination_first;
  to->destination_port_last = rule->destination_last;
}

int32_t bench_list_stage(mirror_transaction *change, uint32_t place,
                         const struct mri_match_rule *rule, bool add, mirror_report *report) {
  char source[64], destination[64];
  const struct id filter = id_of('f', place / FILTER_RULES);
  mirror_rule staged;
  describe_rule(rule, &staged);
  staged.priority = place % FILTER_RULES + 1;
  staged.source_cidr = cidr(rule->source, rule->source_length, rule->family, source);
  staged.destination_cidr =
      cidr(rule->destination, rule->destination_length, rule->family, destination);
  if (add) return mirror_rule_add(change, filter.text, &staged, report);
  return mirror_rule_update(change, filter.text, staged.priority, &staged, report);
}

static int32_t stage_quotas(mirror_transaction *change, uint32_t filters, mirror_report *report) {
  mirror_quotas quotas;
  mirror_quotas_init(&quotas, sizeof quotas);
  quotas.ingress_rules_per_filter = FILTER_RULES;
  quotas.sessions_per_source = filters;
  quotas.sessions_per_elb_target = filters;
  return mirror_quotas_set(change, &quotas, report);
}

static int32_t stage_ends(mirror_transaction *change, mirror_report *report) {
  mirror_source source;
  mirror_target target;
  mirror_source_init(&source, sizeof source);
  mirror_target_init(&target, sizeof target);
  source.id = "source";
  target.id = "target";
  target.kind = MIRROR_TARGET_ELB;
  target.address = "192.0.2.1";
  const int32_t status = mirror_source_add(change, &source, report);
  return status ? status : mirror_target_add(change, &target, report);
}

static int32_t stage_session(mirror_transaction *change, uint32_t number, mirror_report *report) {
  static const char *const sources[] = {"source"};
  const struct id filter_id = id_of('f', number), session_id = id_of('s', number);
  mirror_filter filter;
  mirror_session session;
  mirror_filter_init(&filter, sizeof filter);
  mirror_session_init(&session, sizeof session);
  filter.id = filter_id.text;
  session.id = session_id.text;
  session.priority = number + 1;
  session.filter_id = filter_id.text;
  session.target_id = "target";
  session.sources = sources;
  session.source_count = 1;
  const int32_t status = mirror_filter_add(change, &filter, report);
  return status ? status : mirror_session_add(change, &session, report);
}

static int32_t stage_all(mirror_transaction *change, const struct mri_match_rule *rules,
                         uint32_t count, mirror_report *report) {
  const uint32_t filters = (count + FILTER_RULES - 1) / FILTER_RULES;
  int32_t status = stage_quotas(change, filters, report);
  if (!status) status = stage_ends(change, report);
  for (uint32_t i = 0; i < filters && !status; i++)
    status = stage_session(change, i, report);
  for (uint32_t i = 0; i < count && !status; i++)
    status = bench_list_stage(change, i, &rules[i], true, report);
  return status;
}

static int32_t open_context(struct bench_list *list, const struct bench_options *options,
                            mirror_report *report) {
  mirror_context_options own;
  mirror_context_options_init(&own, sizeof own);
  own.isa = options->isa;
  if (options->list_memory) own.list_memory = options->list_memory;
  const int32_t status = mirror_context_create(&own, &list->context, report);
  return status ? status : mirror_transaction_begin(list->context, &list->change, report);
}

static int32_t publish(struct bench_list *list, mirror_report *report) {
  int32_t status = mirror_transaction_commit(list->change, report);
  if (!status) status = mirror_source_handle(list->context, "source", &list->source, report);
  if (!status) status = mirror_plan_acquire(list->context, &list->plan);
  mirror_list_info_init(&list->info, sizeof list->info);
  if (status) return status;
  return mirror_plan_list_info(list->plan, list->source, MIRROR_INGRESS, &list->info);
}

static int32_t compile_directly(struct bench_list *list, const struct mri_match_rule *rules,
                                uint32_t count) {
  const struct mri_list_options options = {.isa = list->info.isa, .budget = UINT64_C(256) << 20};
  struct mri_alloc alloc;
  struct mri_list_facts facts;
  mri_alloc_default(&alloc);
  const double start = bench_now();
  const int32_t status = mri_list_compile(&alloc, rules, count, &options, &list->direct, &facts);
  list->seconds = bench_now() - start;
  if (status) return status;
  list->info.build_ns = (int64_t)(1e9 * list->seconds);
  list->info.structure_ipv4 = facts.structure[0];
  list->info.structure_ipv6 = facts.structure[1];
  list->info.rules_ipv4 = facts.rules[0];
  list->info.rules_ipv6 = facts.rules[1];
  list->info.shadowed = facts.shadowed;
  list->info.memory = facts.memory;
  return MIRROR_OK;
}

static int32_t fill(struct bench_list *list, const struct mri_match_rule *rules, uint32_t count,
                    const struct bench_options *options, mirror_report *report) {
  const double start = bench_now();
  int32_t status = open_context(list, options, report);
  if (!status) status = stage_all(list->change, rules, count, report);
  list->refused = status == MIRROR_E_PORTS_OF_PROTOCOL;
  if (list->refused) {
    mirror_context_isa(list->context, &list->info.isa);
    return compile_directly(list, rules, count);
  }
  if (!status) status = publish(list, report);
  list->seconds = bench_now() - start;
  return status;
}

int32_t bench_list_open(struct bench_list *list, const struct mri_match_rule *rules, uint32_t count,
                        const struct bench_options *options) {
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  memset(list, 0, sizeof *list);
  list->family = rules[0].family;
  const int32_t status = fill(list, rules, count, options, &report);
  if (!status) return MIRROR_OK;
  fprintf(stderr, "%s: %s\n", mirror_status_name(status), report.text);
  bench_list_close(list);
  return status;
}

void bench_list_close(struct bench_list *list) {
  struct mri_alloc alloc;
  mri_alloc_default(&alloc);
  mri_list_destroy(&alloc, list->direct);
  if (list->plan) mirror_plan_release(list->plan);
  mirror_transaction_destroy(list->change);
  mirror_context_destroy(list->context);
  memset(list, 0, sizeof *list);
}
