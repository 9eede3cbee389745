/* Steps that change the model. */
#include "fuzz/api.h"

#include <stdlib.h>
#include <string.h>

static uint32_t change(struct api *api) {
  return fuzz_below(&api->fuzz, 8);
}

static int32_t stage_filter(struct api *api) {
  mirror_filter filter;
  mirror_filter_init(&filter, sizeof filter);
  filter.id = api_id(api, 'f');
  filter.name = api_text(api);
  filter.description = api_text(api);
  filter.size = api_size(api, sizeof filter);
  switch (change(api)) {
    case 6:
      return mirror_filter_update(api->tx, &filter, api_report(api));
    case 7:
      return mirror_filter_remove(api->tx, filter.id, api_report(api));
    default:
      return mirror_filter_add(api->tx, &filter, api_report(api));
  }
}

static const char *draw_cidr(struct api *api) {
  static const char *const cidrs[] = {NULL,           "10.0.0.0/8", "10.0.0.1/32", "2001:db8::/32",
                                      "0.0.0.0/0",    "::/0",       "10.0.0.1/8",  "",
                                      " 10.0.0.0/8 ", "10.0.0.0/33"};
  return cidrs[fuzz_below(&api->fuzz, sizeof cidrs / sizeof *cidrs)];
}

static void draw_rule(struct api *api, mirror_rule *rule) {
  static const uint32_t protocols[] = {MIRROR_PROTOCOL_ALL, 6, 17, 1, 58, 132, 257, 0};
  mirror_rule_init(rule, sizeof *rule);
  rule->direction = api_number(api, 1);
  rule->priority = api_number(api, 1);
  rule->action = 1 + fuzz_below(&api->fuzz, 2);
  rule->ethertype = fuzz_one_in(&api->fuzz, 3) ? MIRROR_ETHERTYPE_IPV6 : MIRROR_ETHERTYPE_IPV4;
  rule->protocol = protocols[fuzz_below(&api->fuzz, 8)];
  rule->source_cidr = draw_cidr(api);
  rule->destination_cidr = draw_cidr(api);
  if (fuzz_one_in(&api->fuzz, 3)) {
    rule->destination_port_first = api_number(api, 80);
    rule->destination_port_last = api_number(api, 90);
  }
  rule->id = api_text(api);
  rule->description = api_text(api);
  rule->size = api_size(api, sizeof *rule);
}

static int32_t stage_rule(struct api *api) {
  mirror_rule rule;
  const char *filter = api_id(api, 'f');
  draw_rule(api, &rule);
  switch (change(api)) {
    case 6:
      return mirror_rule_update(api->tx, filter, api_number(api, 1), &rule, api_report(api));
    case 7:
      return mirror_rule_remove(api->tx, filter, rule.direction, rule.priority, api_report(api));
    default:
      return mirror_rule_add(api->tx, filter, &rule, api_report(api));
  }
}

static const char *choose(struct api *api, const char *const *texts, uint32_t count) {
  return texts[fuzz_below(&api->fuzz, count)];
}

static int32_t stage_source(struct api *api) {
  static const char *const macs[] = {NULL, "02:00:00:00:00:01", "01:00:00:00:00:01", "x"};
  static const char *const addresses[] = {NULL, "10.0.0.1", "2001:db8::1", "10.0.0"};
  static const char *const names[] = {NULL, "eth0", "eth1", "a/b"};
  mirror_source source;
  mirror_source_init(&source, sizeof source);
  source.id = api_id(api, 'e');
  source.name = api_text(api);
  source.mtu = api_number(api, 1500);
  source.mac = choose(api, macs, 4);
  source.address = choose(api, addresses, 4);
  source.interface_name = choose(api, names, 4);
  if (fuzz_one_in(&api->fuzz, 3)) source.vpc_id = api_id(api, 'v');
  if (fuzz_one_in(&api->fuzz, 3)) source.security_group = api_id(api, 'f');
  source.size = api_size(api, sizeof source);
  switch (change(api)) {
    case 6:
      return mirror_source_update(api->tx, &source, api_report(api));
    case 7:
      return mirror_source_remove(api->tx, source.id, api_report(api));
    default:
      return mirror_source_add(api->tx, &source, api_report(api));
  }
}

static int32_t stage_target(struct api *api) {
  static const char *const addresses[] = {"10.0.9.1", "10.0.9.2", "2001:db8:9::1", NULL, "0.0.0.0"};
  static const char *const names[] = {NULL, "eth0", "eth9", ""};
  mirror_target target;
  mirror_target_init(&target, sizeof target);
  target.id = api_id(api, 't');
  target.name = api_text(api);
  target.address = choose(api, addresses, 5);
  target.interface_name = choose(api, names, 4);
  if (fuzz_one_in(&api->fuzz, 3)) target.vpc_id = api_id(api, 'v');
  target.kind = api_number(api, 1);
  target.mtu = fuzz_one_in(&api->fuzz, 3) ? api_number(api, 68) : MIRROR_ABSENT;
  target.oversize = api_number(api, 1);
  target.udp_checksum = fuzz_below(&api->fuzz, 4);
  target.size = api_size(api, sizeof target);
  switch (change(api)) {
    case 6:
      return mirror_target_update(api->tx, &target, api_report(api));
    case 7:
      return mirror_target_remove(api->tx, target.id, api_report(api));
    default:
      return mirror_target_add(api->tx, &target, api_report(api));
  }
}

static int32_t stage_session(struct api *api) {
  const char *sources[3];
  mirror_session session;
  mirror_session_init(&session, sizeof session);
  for (uint32_t i = 0; i < 3; i++)
    sources[i] = api_id(api, 'e');
  session.id = api_id(api, 's');
  session.priority = api_number(api, 1);
  session.filter_id = api_id(api, 'f');
  session.target_id = api_id(api, 't');
  session.sources = sources;
  session.source_count = fuzz_below(&api->fuzz, 3) + 1;
  session.vni = api_number(api, 1);
  session.enabled = !fuzz_one_in(&api->fuzz, 4);
  if (fuzz_one_in(&api->fuzz, 3)) session.packet_length = api_number(api, 60);
  if (fuzz_one_in(&api->fuzz, 4)) session.sample_one_in = api_number(api, 1);
  if (fuzz_one_in(&api->fuzz, 4)) session.rate_limit_pps = api_number(api, 1);
  if (fuzz_one_in(&api->fuzz, 4)) session.rate_limit_bps = api_number(api, 1000);
  session.name = api_text(api);
  session.size = api_size(api, sizeof session);
  switch (change(api)) {
    case 6:
      return mirror_session_update(api->tx, &session, api_report(api));
    case 7:
      return mirror_session_remove(api->tx, session.id, api_report(api));
    default:
      return mirror_session_add(api->tx, &session, api_report(api));
  }
}

static int32_t stage_other(struct api *api) {
  mirror_quotas quotas;
  const char *a, *b;
  switch (fuzz_below(&api->fuzz, 8)) {
    case 0:
      return mirror_transaction_clear(api->tx, api_report(api));
    case 1:
      mirror_quotas_init(&quotas, sizeof quotas);
      quotas.sessions_per_source = api_number(api, 3);
      quotas.ingress_rules_per_filter = api_number(api, 2);
      quotas.size = api_size(api, sizeof quotas);
      return mirror_quotas_set(api->tx, &quotas, api_report(api));
    case 2:
      a = api_id(api, 'v');
      b = api_id(api, 'v');
      return mirror_vpc_disconnect(api->tx, a, b, api_report(api));
    default:
      a = api_id(api, 'v');
      b = api_id(api, 'v');
      return mirror_vpc_connect(api->tx, a, b, api_report(api));
  }
}

void api_stage(struct api *api) {
  static int32_t (*const steps[])(struct api *) = {stage_filter, stage_rule,    stage_source,
                                                   stage_target, stage_session, stage_other};
  api_expect(api, steps[fuzz_below(&api->fuzz, 6)](api));
}

/* ---- commit ---- */

/* The committed model, made without failures; NULL in a build without configuration files. */
static char *saved(struct api *api) {
  char *text = NULL;
  uint64_t length;
  const struct fuzz_memory faults = api->memory;
  api->memory.failing = 0;
  mirror_configuration_format(api->context, &text, &length, NULL);
  const long blocks = api->memory.blocks;
  api->memory = faults;
  api->memory.blocks = blocks;
  return text;
}

static uint64_t generation(struct api *api) {
  mirror_plan *plan;
  FUZZ_CHECK(mirror_plan_acquire(api->context, &plan) == MIRROR_OK);
  const uint64_t number = mirror_plan_generation(plan);
  mirror_plan_release(plan);
  return number;
}

void api_commit(struct api *api) {
  char *before = saved(api);
  const int32_t checked = mirror_transaction_check(api->tx, NULL, NULL, NULL);
  const int32_t status = mirror_transaction_commit(api->tx, api_report(api));
  api_expect(api, status);
  if (checked != MIRROR_OK && checked != MIRROR_E_NOMEM && status != MIRROR_E_NOMEM)
    FUZZ_CHECK(status == checked);
  if (status == MIRROR_OK) {
    if (api->tx) api->committed++;
  } else {
    char *after = saved(api);
    FUZZ_CHECK(!before == !after && (!before || strcmp(before, after) == 0));
    mirror_configuration_free(api->context, after);
  }
  FUZZ_CHECK(generation(api) == api->committed);
  mirror_configuration_free(api->context, before);
}
