/* What rule lists are compiled into: list information, the memory budget, how often it happens. */
#include "support/isa.h"
#include "support/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
  TCP = 6,
  SESSIONS = 20000, /* with a source each */
  FILTERS = 20,
  PER_TARGET = 200,
  SHORT_LIST = 32,
  LONG_LIST = 3000
};

struct id {
  char text[16];
};

static struct id id_of(char kind, uint32_t number) {
  struct id id;
  snprintf(id.text, sizeof id.text, "%c%u", kind, number);
  return id;
}

static int32_t commit(mirror_transaction *change, mirror_report *report) {
  mirror_report_init(report, sizeof *report);
  return mirror_transaction_commit(change, report);
}

/* A rule that no other number gives. */
static mirror_rule numbered_rule(uint32_t priority, uint32_t number) {
  mirror_rule rule = model_rule_of(MIRROR_INGRESS, priority);
  rule.protocol = TCP;
  rule.destination_port_first = number;
  rule.destination_port_last = 2 * number;
  return rule;
}

static mirror_list_info info_of(mirror_context *context, const char *source, uint32_t direction) {
  mirror_list_info info;
  mirror_plan *plan;
  uint32_t handle;
  mirror_list_info_init(&info, sizeof info);
  assert_int_equal(mirror_source_handle(context, source, &handle, NULL), MIRROR_OK);
  assert_int_equal(mirror_plan_acquire(context, &plan), MIRROR_OK);
  assert_int_equal(mirror_plan_list_info(plan, handle, direction, &info), MIRROR_OK);
  mirror_plan_release(plan);
  return info;
}

static mirror_plan_info plan_info(mirror_context *context) {
  mirror_plan_info info;
  mirror_plan *plan;
  mirror_plan_info_init(&info, sizeof info);
  assert_int_equal(mirror_plan_acquire(context, &plan), MIRROR_OK);
  assert_int_equal(mirror_plan_info_get(plan, &info), MIRROR_OK);
  mirror_plan_release(plan);
  return info;
}

/* ---- list information ---- */

static void test_list_info(void **state) {
  struct model *model = *state;
  model_base(model);
  mirror_rule rule = numbered_rule(2, 80); /* rule 1 matches every IPv4 packet and hides it */
  assert_int_equal(mirror_rule_add(model->tx, "f1", &rule, NULL), MIRROR_OK);
  rule = model_rule_of(MIRROR_INGRESS, 3);
  rule.ethertype = MIRROR_ETHERTYPE_IPV6;
  assert_int_equal(mirror_rule_add(model->tx, "f1", &rule, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  const mirror_list_info info = info_of(model->context, "x1", MIRROR_INGRESS);
  assert_int_equal(info.isa, test_isa());
  assert_int_equal(info.rules_ipv4, 2);
  assert_int_equal(info.rules_ipv6, 1);
  assert_in_range(info.structure_ipv4, MIRROR_STRUCTURE_SCAN, MIRROR_STRUCTURE_FOREST);
  assert_in_range(info.structure_ipv6, MIRROR_STRUCTURE_SCAN, MIRROR_STRUCTURE_FOREST);
  assert_int_equal(info.slower, 0);
  assert_in_range(info.memory, 1, plan_info(model->context).memory);
}

static void test_list_info_without_rules(void **state) {
  struct model *model = *state;
  model_base(model);
  const mirror_list_info egress = info_of(model->context, "x1", MIRROR_EGRESS);
  const mirror_list_info idle = info_of(model->context, "x2", MIRROR_INGRESS);
  assert_int_equal(egress.structure_ipv4, MIRROR_STRUCTURE_NONE);
  assert_int_equal(egress.structure_ipv6, MIRROR_STRUCTURE_NONE);
  assert_int_equal(egress.rules_ipv4 + egress.rules_ipv6 + egress.shadowed, 0);
  assert_int_equal(idle.structure_ipv4, MIRROR_STRUCTURE_NONE);
}

static void test_list_info_of_other_sizes(void **state) {
  struct model *model = *state;
  struct {
    mirror_list_info info;
    uint64_t later_field;
  } longer;
  mirror_list_info info;
  mirror_plan *plan;
  uint32_t handle;
  model_base(model);
  assert_int_equal(mirror_source_handle(model->context, "x1", &handle, NULL), MIRROR_OK);
  assert_int_equal(mirror_plan_acquire(model->context, &plan), MIRROR_OK);
  mirror_list_info_init(&info, sizeof info);
  info.size = 3;
  assert_int_equal(mirror_plan_list_info(plan, handle, MIRROR_INGRESS, &info),
                   MIRROR_E_STRUCT_SIZE);
  assert_int_equal(mirror_plan_list_info(plan, handle, MIRROR_INGRESS, NULL), MIRROR_E_ARGUMENT);
  memset(&longer, 0xee, sizeof longer);
  mirror_list_info_init(&longer.info, sizeof longer);
  assert_int_equal(mirror_plan_list_info(plan, handle, MIRROR_INGRESS, &longer.info), MIRROR_OK);
  assert_int_equal(longer.info.rules_ipv4, 1);
  assert_int_equal(longer.later_field, 0);
  mirror_plan_release(plan);
}

/* ---- the budget ---- */

static mirror_context *context_with(uint64_t list_memory) {
  mirror_context_options options;
  mirror_context *context;
  mirror_context_options_init(&options, sizeof options);
  assert_int_equal(options.list_memory, UINT64_C(256) << 20);
  options.list_memory = list_memory;
  assert_int_equal(mirror_context_create(&options, &context, NULL), MIRROR_OK);
  return context;
}

static void stage_source(mirror_transaction *change) {
  static const char *const sources[] = {"x1"};
  const mirror_source source = model_source_of("x1");
  const mirror_target target = model_target_of("t1", "10.0.9.1");
  const mirror_session session = model_session_of("s1", 1, sources);
  mirror_filter filter;
  mirror_quotas quotas;
  mirror_filter_init(&filter, sizeof filter);
  mirror_quotas_init(&quotas, sizeof quotas);
  filter.id = "f1";
  quotas.ingress_rules_per_filter = LONG_LIST + 1;
  assert_int_equal(mirror_quotas_set(change, &quotas, NULL), MIRROR_OK);
  assert_int_equal(mirror_source_add(change, &source, NULL), MIRROR_OK);
  assert_int_equal(mirror_target_add(change, &target, NULL), MIRROR_OK);
  assert_int_equal(mirror_filter_add(change, &filter, NULL), MIRROR_OK);
  assert_int_equal(mirror_session_add(change, &session, NULL), MIRROR_OK);
}

static void stage_rules(mirror_transaction *change, uint32_t first, uint32_t last) {
  for (uint32_t i = first; i <= last; i++) {
    char cidr[32];
    mirror_rule rule = numbered_rule(i, i);
    snprintf(cidr, sizeof cidr, "10.%u.%u.0/24", i >> 8, i & 255);
    rule.source_cidr = cidr;
    assert_int_equal(mirror_rule_add(change, "f1", &rule, NULL), MIRROR_OK);
  }
}

/* Commits a list of `count` rules within a budget; MIRROR_OK: *info tells what it became. */
static int32_t compile_within(uint64_t budget, uint32_t count, mirror_list_info *info) {
  mirror_transaction *change;
  mirror_report report;
  mirror_context *context = context_with(budget);
  assert_int_equal(mirror_transaction_begin(context, &change, NULL), MIRROR_OK);
  stage_source(change);
  stage_rules(change, 1, count);
  const int32_t status = commit(change, &report);
  if (status == MIRROR_OK) *info = info_of(context, "x1", MIRROR_INGRESS);
  mirror_transaction_destroy(change);
  mirror_context_destroy(context);
  return status;
}

/* From what is best to what is smallest, then refused: the last one that was not. */
static mirror_list_info shrink(mirror_list_info info, uint32_t count) {
  mirror_list_info smaller;
  int32_t status;
  for (uint64_t budget; budget = info.memory - 1 - info.memory / 64,
                        (status = compile_within(budget, count, &smaller)) == MIRROR_OK;) {
    assert_in_range(smaller.memory, 1, budget);
    assert_in_range(smaller.structure_ipv4, MIRROR_STRUCTURE_SCAN, info.structure_ipv4);
    info = smaller;
  }
  assert_int_equal(status, MIRROR_E_LIST_MEMORY);
  return info;
}

static void test_a_budget_makes_the_structure_slower(void **state) {
  mirror_list_info best;
  (void)state;
  assert_int_equal(compile_within(UINT64_C(256) << 20, SHORT_LIST, &best), MIRROR_OK);
  assert_int_equal(best.structure_ipv4, MIRROR_STRUCTURE_NIBBLES);
  assert_int_equal(best.slower, 0);
  const mirror_list_info least = shrink(best, SHORT_LIST);
  assert_int_equal(least.structure_ipv4, MIRROR_STRUCTURE_SCAN);
  assert_int_equal(least.slower, 1);
  assert_int_equal(compile_within(UINT64_C(256) << 20, LONG_LIST, &best), MIRROR_OK);
  const mirror_list_info last = shrink(best, LONG_LIST); /* a forest may be the smallest of all */
  assert_int_equal(last.slower, last.structure_ipv4 != best.structure_ipv4);
}

static int32_t count_rule(void *user, const mirror_rule *rule) {
  (void)rule;
  ++*(uint32_t *)user;
  return 0;
}

static uint32_t rules_of(mirror_context *context) {
  uint32_t count = 0;
  assert_int_equal(mirror_rules_visit(context, "f1", count_rule, &count), MIRROR_OK);
  return count;
}

/* The report names source, direction, what is needed and what is allowed. */
static void assert_refused(const mirror_report *report, uint64_t budget) {
  char wanted[64];
  assert_int_equal(report->code, MIRROR_E_LIST_MEMORY);
  assert_non_null(strstr(report->text, "\"x1\""));
  assert_non_null(strstr(report->text, "ingress"));
  snprintf(wanted, sizeof wanted, "at most %llu", (unsigned long long)budget);
  assert_non_null(strstr(report->text, wanted));
  const char *needed = strstr(report->text, "compile to ");
  assert_non_null(needed);
  assert_true(strtoull(needed + strlen("compile to "), NULL, 10) > budget);
}

static void test_a_list_over_the_budget_is_refused_and_nothing_changes(void **state) {
  enum { BUDGET = 8192, FEW = 10, MANY = 2000 };
  mirror_context *context = context_with(BUDGET);
  mirror_transaction *change;
  mirror_report report;
  (void)state;
  assert_int_equal(mirror_transaction_begin(context, &change, NULL), MIRROR_OK);
  stage_source(change);
  stage_rules(change, 1, FEW);
  assert_int_equal(commit(change, &report), MIRROR_OK);
  const mirror_list_info before = info_of(context, "x1", MIRROR_INGRESS);
  const mirror_plan_info plan_before = plan_info(context);

  stage_rules(change, FEW + 1, MANY);
  assert_int_equal(commit(change, &report), MIRROR_E_LIST_MEMORY);
  assert_refused(&report, BUDGET);
  assert_int_equal(rules_of(context), FEW);
  const mirror_list_info after = info_of(context, "x1", MIRROR_INGRESS);
  const mirror_plan_info plan_after = plan_info(context);
  assert_memory_equal(&after, &before, sizeof before);
  assert_memory_equal(&plan_after, &plan_before, sizeof plan_before);

  /* The transaction is as before the call: less is still possible. */
  for (uint32_t i = FEW + 2; i <= MANY; i++)
    assert_int_equal(mirror_rule_remove(change, "f1", MIRROR_INGRESS, i, NULL), MIRROR_OK);
  assert_int_equal(commit(change, &report), MIRROR_OK);
  assert_int_equal(rules_of(context), FEW + 1);
  mirror_transaction_destroy(change);
  mirror_context_destroy(context);
}

/* ---- how often lists are compiled ---- */

static void stage_filter(struct model *model, uint32_t number) {
  const struct id id = id_of('f', number);
  const mirror_rule first = numbered_rule(1, 100 + number), second = numbered_rule(2, 1);
  assert_int_equal(model_filter(model, id.text), MIRROR_OK);
  assert_int_equal(mirror_rule_add(model->tx, id.text, &first, NULL), MIRROR_OK);
  assert_int_equal(mirror_rule_add(model->tx, id.text, &second, NULL), MIRROR_OK);
}

static void stage_target(struct model *model, uint32_t number) {
  char address[16];
  const struct id id = id_of('t', number);
  snprintf(address, sizeof address, "10.0.9.%u", number);
  mirror_target target = model_target_of(id.text, address);
  target.kind = MIRROR_TARGET_ELB;
  assert_int_equal(mirror_target_add(model->tx, &target, NULL), MIRROR_OK);
}

static void stage_session(struct model *model, uint32_t number) {
  const struct id id = id_of('s', number), source = id_of('x', number);
  const struct id filter = id_of('f', number % FILTERS), target = id_of('t', number / PER_TARGET);
  const char *const sources[] = {source.text};
  mirror_session session = model_session_of(id.text, number + 1, sources);
  session.filter_id = filter.text;
  session.target_id = target.text;
  assert_int_equal(model_source(model, source.text), MIRROR_OK);
  assert_int_equal(mirror_session_add(model->tx, &session, NULL), MIRROR_OK);
}

static void load(struct model *model) {
  for (uint32_t i = 0; i < FILTERS; i++)
    stage_filter(model, i);
  for (uint32_t i = 0; i < SESSIONS / PER_TARGET; i++)
    stage_target(model, i);
  for (uint32_t i = 0; i < SESSIONS; i++)
    stage_session(model, i);
  assert_int_equal(model_commit(model), MIRROR_OK);
}

static void change_rule(struct model *model, const char *filter, uint32_t number) {
  const mirror_rule rule = numbered_rule(1, number);
  assert_int_equal(mirror_rule_update(model->tx, filter, 1, &rule, &model->report), MIRROR_OK);
}

/* Commits; returns how many lists that compiled. */
static uint64_t compilations(struct model *model) {
  const uint64_t before = plan_info(model->context).compilations;
  assert_int_equal(model_commit(model), MIRROR_OK);
  return plan_info(model->context).compilations - before;
}

static uint32_t first_rule(struct model *model, uint32_t source, uint16_t port) {
  const mirror_key4 key = {.protocol = TCP,
                           .destination_port = {(uint8_t)(port >> 8), (uint8_t)port}};
  const mirror_key4 *keys[] = {&key};
  mirror_plan *plan;
  uint32_t handle, first;
  assert_int_equal(mirror_source_handle(model->context, id_of('x', source).text, &handle, NULL),
                   MIRROR_OK);
  assert_int_equal(mirror_plan_acquire(model->context, &plan), MIRROR_OK);
  assert_int_equal(mirror_plan_match_keys4(plan, handle, MIRROR_INGRESS, keys, 1, &first),
                   MIRROR_OK);
  mirror_plan_release(plan);
  return first;
}

/* 1000 sources share each of the lists. */
static void test_a2_one_changed_rule_is_one_compilation(void **state) {
  struct model *model = *state;
  load(model);
  const mirror_plan_info loaded = plan_info(model->context);
  assert_int_equal(loaded.sources, SESSIONS);
  assert_int_equal(loaded.compiled_lists, FILTERS + 1); /* and the one without rules, for egress */
  assert_int_equal(loaded.compilations, FILTERS + 1);

  change_rule(model, "f0", 5000);
  assert_int_equal(compilations(model), 1);
  assert_int_equal(plan_info(model->context).compiled_lists, FILTERS + 1);
  for (uint32_t source = 0; source < SESSIONS; source += 997)
    assert_int_equal(first_rule(model, source, 5000), source % FILTERS ? MIRROR_NO_RULE : 0);

  change_rule(model, "f1", 6000);
  change_rule(model, "f2", 7000);
  assert_int_equal(compilations(model), 2);
  change_rule(model, "f3", 6000); /* f3 becomes equal to f1 */
  assert_int_equal(compilations(model), 0);
  assert_int_equal(plan_info(model->context).compiled_lists, FILTERS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_list_info, model_setup, model_teardown),
      cmocka_unit_test_setup_teardown(test_list_info_without_rules, model_setup, model_teardown),
      cmocka_unit_test_setup_teardown(test_list_info_of_other_sizes, model_setup, model_teardown),
      cmocka_unit_test(test_a_budget_makes_the_structure_slower),
      cmocka_unit_test(test_a_list_over_the_budget_is_refused_and_nothing_changes),
      cmocka_unit_test_setup_teardown(test_a2_one_changed_rule_is_one_compilation, model_setup,
                                      model_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
