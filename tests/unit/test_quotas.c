/* Quotas (spec table): at the limit and one over, each one that can be set. */
#include "support/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static mirror_quotas quotas_now(struct model *model) {
  mirror_quotas quotas;
  mirror_quotas_init(&quotas, sizeof quotas);
  assert_int_equal(mirror_quotas_get(model->context, &quotas, NULL), MIRROR_OK);
  return quotas;
}

static void set_quotas(struct model *model, const mirror_quotas *quotas) {
  assert_int_equal(mirror_quotas_set(model->tx, quotas, &model->report), MIRROR_OK);
}

/* The failed commit names the quota, its value and the object. */
static void refuse(struct model *model, int32_t code, uint32_t object, const char *id,
                   const char *quota, const char *count, uint32_t limit) {
  char expected[32];
  snprintf(expected, sizeof expected, "at most %u", limit);
  assert_int_equal(model_commit(model), code);
  model_assert_report(model, code, object, id, quota, count);
  model_assert_text(model, expected);
  model_assert_text(model, quota);
  assert_int_equal(model->report.errors, 1);
}

static const char *numbered(const char *prefix, uint32_t number) {
  static char text[8][16];
  static unsigned next;
  char *one = text[next++ % 8];
  snprintf(one, sizeof text[0], "%s%u", prefix, number);
  return one;
}

/* Sessions first..last, each with a source of its own, all on filter f1 and `target`. */
static void stage_sessions(struct model *model, uint32_t first, uint32_t last, const char *target) {
  for (uint32_t i = first; i <= last; i++) {
    const char *source = numbered("y", i);
    mirror_session session = model_session_of(numbered("n", i), 100 + i, &source);
    session.target_id = target;
    assert_int_equal(model_source(model, source), MIRROR_OK);
    assert_int_equal(mirror_session_add(model->tx, &session, NULL), MIRROR_OK);
  }
}

static void remove_session(struct model *model, uint32_t number) {
  assert_int_equal(mirror_session_remove(model->tx, numbered("n", number), NULL), MIRROR_OK);
}

static void test_defaults(void **state) {
  mirror_quotas quotas = quotas_now(*state);
  assert_int_equal(quotas.sources_per_session, 10);
  assert_int_equal(quotas.sessions_per_source, 3);
  assert_int_equal(quotas.sessions_per_eni_target, 10);
  assert_int_equal(quotas.sessions_per_elb_target, 200);
  assert_int_equal(quotas.sessions_per_filter, 1000);
  assert_int_equal(quotas.ingress_rules_per_filter, 10);
  assert_int_equal(quotas.egress_rules_per_filter, 10);
  assert_int_equal(quotas.sessions_per_context, 20000);
}

static void test_sources_per_session(void **state) {
  struct model *model = *state;
  const char *sources[11];
  model_base(model);
  for (uint32_t i = 0; i < 11; i++) {
    static char ids[11][8];
    snprintf(ids[i], sizeof ids[i], "y%u", i);
    sources[i] = ids[i];
    assert_int_equal(model_source(model, sources[i]), MIRROR_OK);
  }
  mirror_session session = model_session_of("s2", 20, sources);
  session.source_count = 11;
  assert_int_equal(mirror_session_add(model->tx, &session, NULL), MIRROR_OK);
  refuse(model, MIRROR_E_QUOTA_SOURCES_PER_SESSION, MIRROR_OBJECT_SESSION, "s2",
         "sources_per_session", "11", 10);
  session.source_count = 10;
  assert_int_equal(mirror_session_update(model->tx, &session, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
}

static void test_sessions_per_source(void **state) {
  struct model *model = *state;
  model_base(model);
  assert_int_equal(model_session(model, "s2", 20, "x1"), MIRROR_OK);
  assert_int_equal(model_session(model, "s3", 30, "x1"), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(model_session(model, "s4", 40, "x1"), MIRROR_OK);
  refuse(model, MIRROR_E_QUOTA_SESSIONS_PER_SOURCE, MIRROR_OBJECT_SOURCE, "x1",
         "sessions_per_source", "4", 3);
  model_assert_text(model, "\"s4\"");
  assert_int_equal(mirror_session_remove(model->tx, "s1", NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
}

static void test_sessions_per_eni_target(void **state) {
  struct model *model = *state;
  model_base(model);
  stage_sessions(model, 2, 10, "t1");
  assert_int_equal(model_commit(model), MIRROR_OK);
  stage_sessions(model, 11, 11, "t1");
  refuse(model, MIRROR_E_QUOTA_SESSIONS_PER_ENI_TARGET, MIRROR_OBJECT_TARGET, "t1",
         "sessions_per_eni_target", "11", 10);
  remove_session(model, 5);
  assert_int_equal(model_commit(model), MIRROR_OK);
}

static void test_sessions_per_elb_target(void **state) {
  struct model *model = *state;
  model_base(model);
  mirror_target target = model_target_of("t2", "10.0.9.2");
  target.kind = MIRROR_TARGET_ELB;
  assert_int_equal(mirror_target_add(model->tx, &target, NULL), MIRROR_OK);
  stage_sessions(model, 1, 200, "t2");
  assert_int_equal(model_commit(model), MIRROR_OK);
  stage_sessions(model, 201, 201, "t2");
  refuse(model, MIRROR_E_QUOTA_SESSIONS_PER_ELB_TARGET, MIRROR_OBJECT_TARGET, "t2",
         "sessions_per_elb_target", "201", 200);
  remove_session(model, 201);
  target.kind = MIRROR_TARGET_ENI; /* the quota of the new kind holds at once */
  assert_int_equal(mirror_target_update(model->tx, &target, NULL), MIRROR_OK);
  refuse(model, MIRROR_E_QUOTA_SESSIONS_PER_ENI_TARGET, MIRROR_OBJECT_TARGET, "t2",
         "sessions_per_eni_target", "200", 10);
}

static void test_sessions_per_filter(void **state) {
  struct model *model = *state;
  model_base(model);
  mirror_quotas quotas = quotas_now(model);
  quotas.sessions_per_eni_target = 2000;
  set_quotas(model, &quotas);
  stage_sessions(model, 2, 1000, "t1");
  assert_int_equal(model_commit(model), MIRROR_OK);
  stage_sessions(model, 1001, 1001, "t1");
  refuse(model, MIRROR_E_QUOTA_SESSIONS_PER_FILTER, MIRROR_OBJECT_FILTER, "f1",
         "sessions_per_filter", "1001", 1000);
}

/* M3: as if absent. Enabling the session that is one too many is refused. */
static void test_disabled_sessions_do_not_count(void **state) {
  struct model *model = *state;
  const char *source = "x1";
  model_base(model);
  mirror_session session = model_session_of("d", 100, &source);
  for (uint32_t i = 0; i < 4; i++) {
    session.id = numbered("d", i);
    session.priority = 100 + i;
    session.enabled = i < 2; /* with that of the base, three are enabled */
    assert_int_equal(mirror_session_add(model->tx, &session, NULL), MIRROR_OK);
  }
  assert_int_equal(model_commit(model), MIRROR_OK);
  session.enabled = 1;
  assert_int_equal(mirror_session_update(model->tx, &session, NULL), MIRROR_OK);
  refuse(model, MIRROR_E_QUOTA_SESSIONS_PER_SOURCE, MIRROR_OBJECT_SOURCE, "x1",
         "sessions_per_source", "4", 3);
  assert_int_equal(mirror_session_remove(model->tx, "d0", NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(model_entry(model, MIRROR_OBJECT_SOURCE, "x1")->enabled_count, 3);
  assert_int_equal(model_entry(model, MIRROR_OBJECT_SOURCE, "x1")->user_count, 4);
}

static void rules_up_to_the_limit(struct model *model, uint32_t direction, int32_t code,
                                  const char *quota) {
  assert_int_equal(model_filter(model, "f"), MIRROR_OK);
  for (uint32_t i = 1; i <= 10; i++)
    assert_int_equal(model_rule(model, "f", direction, i), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(model_rule(model, "f", direction, 11), MIRROR_OK);
  refuse(model, code, MIRROR_OBJECT_FILTER, "f", quota, "11", 10);
  assert_int_equal(mirror_rule_remove(model->tx, "f", direction, 4, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
}

static void test_ingress_rules_per_filter(void **state) {
  rules_up_to_the_limit(*state, MIRROR_INGRESS, MIRROR_E_QUOTA_INGRESS_RULES,
                        "ingress_rules_per_filter");
}

static void test_egress_rules_per_filter(void **state) {
  rules_up_to_the_limit(*state, MIRROR_EGRESS, MIRROR_E_QUOTA_EGRESS_RULES,
                        "egress_rules_per_filter");
}

static void test_sessions_per_context(void **state) {
  struct model *model = *state;
  model_base(model);
  mirror_quotas quotas = quotas_now(model);
  quotas.sessions_per_context = 4;
  set_quotas(model, &quotas);
  stage_sessions(model, 2, 4, "t1");
  assert_int_equal(model_commit(model), MIRROR_OK);
  stage_sessions(model, 5, 7, "t1"); /* the first session too many is named, not each */
  refuse(model, MIRROR_E_QUOTA_SESSIONS, MIRROR_OBJECT_SESSION, "n5", "sessions_per_context", "5",
         4);
  for (uint32_t i = 2; i <= 4; i++)
    remove_session(model, i);
  assert_int_equal(model_commit(model), MIRROR_OK);
}

/* Each quota can be lowered to what exists, and not below. */
static void test_quota_is_not_lowered_below_what_exists(void **state) {
  static const struct {
    size_t offset;
    uint32_t exists;
    int32_t code;
    uint32_t object;
    const char *id;
    const char *name;
  } rows[] = {
      {offsetof(mirror_quotas, sources_per_session), 1, MIRROR_E_QUOTA_SOURCES_PER_SESSION,
       MIRROR_OBJECT_SESSION, "s1", "sources_per_session"},
      {offsetof(mirror_quotas, sessions_per_source), 1, MIRROR_E_QUOTA_SESSIONS_PER_SOURCE,
       MIRROR_OBJECT_SOURCE, "x1", "sessions_per_source"},
      {offsetof(mirror_quotas, sessions_per_eni_target), 1, MIRROR_E_QUOTA_SESSIONS_PER_ENI_TARGET,
       MIRROR_OBJECT_TARGET, "t1", "sessions_per_eni_target"},
      {offsetof(mirror_quotas, sessions_per_elb_target), 0, 0, 0, NULL, NULL},
      {offsetof(mirror_quotas, sessions_per_filter), 1, MIRROR_E_QUOTA_SESSIONS_PER_FILTER,
       MIRROR_OBJECT_FILTER, "f1", "sessions_per_filter"},
      {offsetof(mirror_quotas, ingress_rules_per_filter), 1, MIRROR_E_QUOTA_INGRESS_RULES,
       MIRROR_OBJECT_FILTER, "f1", "ingress_rules_per_filter"},
      {offsetof(mirror_quotas, egress_rules_per_filter), 0, 0, 0, NULL, NULL},
      {offsetof(mirror_quotas, sessions_per_context), 1, MIRROR_E_QUOTA_SESSIONS,
       MIRROR_OBJECT_SESSION, "s1", "sessions_per_context"},
  };
  struct model *model = *state;
  model_base(model);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    mirror_quotas quotas = quotas_now(model), before = quotas;
    uint32_t *quota = (uint32_t *)(void *)((char *)&quotas + rows[i].offset);
    if (rows[i].exists > 0) {
      *quota = rows[i].exists - 1;
      set_quotas(model, &quotas);
      refuse(model, rows[i].code, rows[i].object, rows[i].id, rows[i].name, "1", *quota);
      mirror_quotas after = quotas_now(model);
      assert_memory_equal(&before, &after, sizeof before);
    }
    *quota = rows[i].exists;
    set_quotas(model, &quotas);
    assert_int_equal(model_commit(model), MIRROR_OK);
  }
}

/* A lowered quota and a session too many, in one transaction, are one error. */
static void test_lowered_quota_and_new_session(void **state) {
  struct model *model = *state;
  model_base(model);
  mirror_quotas quotas = quotas_now(model);
  quotas.sessions_per_source = 1;
  set_quotas(model, &quotas);
  assert_int_equal(model_session(model, "s2", 20, "x1"), MIRROR_OK);
  refuse(model, MIRROR_E_QUOTA_SESSIONS_PER_SOURCE, MIRROR_OBJECT_SOURCE, "x1",
         "sessions_per_source", "2", 1);
}

static void test_quotas_are_staged_and_dropped(void **state) {
  struct model *model = *state;
  mirror_quotas quotas = quotas_now(model);
  quotas.sessions_per_source = 7;
  set_quotas(model, &quotas);
  assert_int_equal(quotas_now(model).sessions_per_source, 3);
  mirror_transaction_destroy(model->tx);
  assert_int_equal(mirror_transaction_begin(model->context, &model->tx, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(quotas_now(model).sessions_per_source, 3);
  set_quotas(model, &quotas);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(quotas_now(model).sessions_per_source, 7);
  assert_int_equal(mirror_transaction_clear(model->tx, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(quotas_now(model).sessions_per_source, 3);
}

static void test_arguments(void **state) {
  struct model *model = *state;
  mirror_quotas quotas = {.size = 4};
  assert_int_equal(mirror_quotas_set(model->tx, &quotas, NULL), MIRROR_E_STRUCT_SIZE);
  assert_int_equal(mirror_quotas_set(model->tx, NULL, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_quotas_set(NULL, &quotas, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_quotas_get(model->context, &quotas, NULL), MIRROR_E_STRUCT_SIZE);
  assert_int_equal(mirror_quotas_get(model->context, NULL, NULL), MIRROR_E_ARGUMENT);
}

#define WITH_MODEL(test) cmocka_unit_test_setup_teardown(test, model_setup, model_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_MODEL(test_defaults),
      WITH_MODEL(test_sources_per_session),
      WITH_MODEL(test_sessions_per_source),
      WITH_MODEL(test_sessions_per_eni_target),
      WITH_MODEL(test_sessions_per_elb_target),
      WITH_MODEL(test_sessions_per_filter),
      WITH_MODEL(test_disabled_sessions_do_not_count),
      WITH_MODEL(test_ingress_rules_per_filter),
      WITH_MODEL(test_egress_rules_per_filter),
      WITH_MODEL(test_sessions_per_context),
      WITH_MODEL(test_quota_is_not_lowered_below_what_exists),
      WITH_MODEL(test_lowered_quota_and_new_session),
      WITH_MODEL(test_quotas_are_staged_and_dropped),
      WITH_MODEL(test_arguments),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
