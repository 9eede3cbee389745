/*
 * Out of memory at every single allocation: the call says MIRROR_E_NOMEM, the model stays as it
 * was, the transaction stays usable, and nothing leaks (A1).
 */
#include "support/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Steps of a change, up to the first that fails. */
#define STEP(call) \
  if (status == MIRROR_OK) status = (call)

/* Changes of every kind on top of model_base, and a commit. */
static int32_t change(struct model *model) {
  const char *sources[] = {"x1", "x3"};
  int32_t status = MIRROR_OK;
  mirror_source source = model_source_of("x3");
  source.name = "name";
  source.interface_name = "eth3";
  source.address = "10.0.0.3";
  source.vpc_id = "vpc-a";
  source.security_group = "f2";
  mirror_target target = model_target_of("t2", "10.0.9.2");
  target.interface_name = "eth9";
  target.vpc_id = "vpc-b";
  mirror_session session = model_session_of("s2", 20, sources);
  session.source_count = 2;
  session.name = "name";
  session.description = "description";
  session.target_id = "t2";
  mirror_rule rule = model_rule_of(MIRROR_EGRESS, 3);
  rule.id = "id";
  rule.description = "description";
  STEP(model_filter(model, "f2"));
  STEP(mirror_rule_add(model->tx, "f2", &rule, &model->report));
  for (uint32_t i = 2; i < 8; i++) {
    STEP(model_rule(model, "f1", MIRROR_INGRESS, i));
  }
  STEP(mirror_rule_remove(model->tx, "f1", MIRROR_INGRESS, 1, NULL));
  STEP(mirror_source_add(model->tx, &source, &model->report));
  STEP(mirror_target_add(model->tx, &target, &model->report));
  STEP(mirror_vpc_connect(model->tx, "vpc-a", "vpc-b", NULL));
  STEP(mirror_session_add(model->tx, &session, &model->report));
  STEP(mirror_session_remove(model->tx, "s1", NULL));
  STEP(model_commit(model));
  return status;
}

static int32_t count_session(void *user, const mirror_session *session) {
  assert_string_equal(session->id, "s1");
  ++*(int *)user;
  return 0;
}

static int32_t count_rule(void *user, const mirror_rule *rule) {
  assert_int_equal(rule->priority, 1);
  ++*(int *)user;
  return 0;
}

static void assert_base(struct model *model) {
  int sessions = 0, rules = 0;
  assert_int_equal(mirror_sessions_visit(model->context, NULL, count_session, &sessions), 0);
  assert_int_equal(mirror_rules_visit(model->context, "f1", count_rule, &rules), 0);
  assert_int_equal(sessions, 1);
  assert_int_equal(rules, 1);
  assert_int_equal(mri_model_source_count(model->context->model), 2);
  assert_null(mri_model_find(model->context->model, MIRROR_OBJECT_FILTER, "f2"));
  assert_int_equal(model_entry(model, MIRROR_OBJECT_FILTER, "f1")->user_count, 1);
}

/* The change, dropped after the failure and made again with memory. */
static bool fails_at(long allocation) {
  struct model model = {.context = NULL};
  assert_int_equal(model_open(&model), MIRROR_OK);
  model_base(&model);
  model.memory.calls = 0;
  model.memory.failing = allocation;
  int32_t status = change(&model);
  model.memory.failing = 0;
  if (status) {
    assert_int_equal(status, MIRROR_E_NOMEM);
    assert_base(&model);
    mirror_transaction_destroy(model.tx);
    assert_base(&model);
    assert_int_equal(mirror_transaction_begin(model.context, &model.tx, NULL), MIRROR_OK);
    assert_int_equal(change(&model), MIRROR_OK);
  }
  model_close(&model);
  return status != MIRROR_OK;
}

static void test_a1_failure_of_every_allocation(void **state) {
  (void)state;
  long allocation = 1;
  while (fails_at(allocation))
    allocation++;
  assert_in_range(allocation, 40, 10000);
}

/* A commit that fails for want of memory can simply be made again. */
static void test_a1_commit_is_repeated_until_there_is_memory(void **state) {
  struct model *model = *state;
  model_base(model);
  assert_int_equal(mirror_transaction_clear(model->tx, NULL), MIRROR_OK);
  assert_int_equal(model_filter(model, "f1"), MIRROR_OK);
  for (uint32_t i = 1; i < 10; i++)
    assert_int_equal(model_rule(model, "f1", MIRROR_INGRESS, i), MIRROR_OK);
  assert_int_equal(model_target(model, "t1", "10.0.9.1"), MIRROR_OK);
  for (uint32_t i = 0; i < 40; i++) {
    char id[2] = {(char)('A' + i), 0};
    mirror_source source = model_source_of(id);
    source.interface_name = id;
    assert_int_equal(mirror_source_add(model->tx, &source, NULL), MIRROR_OK);
  }
  assert_int_equal(model_session(model, "s1", 10, "A"), MIRROR_OK);
  int32_t status;
  do {
    model->memory.failing++;
    model->memory.calls = 0;
    status = model_commit(model);
    assert_true(status == MIRROR_OK || status == MIRROR_E_NOMEM);
    if (status) assert_base(model);
  } while (status);
  assert_true(model->memory.failing > 1);
  assert_int_equal(mri_model_source_count(model->context->model), 40);
}

static void test_context_without_memory(void **state) {
  (void)state;
  for (long allocation = 1;; allocation++) {
    struct model model = {.memory = {.failing = allocation}};
    int32_t status = model_open(&model);
    model_close(&model);
    if (status == MIRROR_OK) break;
    assert_int_equal(status, MIRROR_E_NOMEM);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a1_failure_of_every_allocation),
      cmocka_unit_test_setup_teardown(test_a1_commit_is_repeated_until_there_is_memory, model_setup,
                                      model_teardown),
      cmocka_unit_test(test_context_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
