/* Transactions: all or nothing, and what objects keep through them (O2, O6, A1, A2). */
#include "support/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int32_t update_session(struct model *model, const char *id, uint32_t priority,
                              const char *source) {
  mirror_session session = model_session_of(id, priority, &source);
  return mirror_session_update(model->tx, &session, &model->report);
}

static void test_one_transaction_at_a_time(void **state) {
  struct model *model = *state;
  mirror_transaction *other = NULL;
  assert_int_equal(mirror_transaction_begin(model->context, &other, &model->report), MIRROR_E_BUSY);
  assert_null(other);
  mirror_transaction_destroy(model->tx);
  assert_int_equal(mirror_transaction_begin(model->context, &model->tx, NULL), MIRROR_OK);
  assert_int_equal(mirror_transaction_begin(NULL, &other, NULL), MIRROR_E_ARGUMENT);
}

static void test_ids_exist_once(void **state) {
  struct model *model = *state;
  model_base(model);
  assert_int_equal(model_filter(model, "f1"), MIRROR_E_EXISTS);
  model_assert_report(model, MIRROR_E_EXISTS, MIRROR_OBJECT_FILTER, "f1", "id", "f1");
  assert_int_equal(model_source(model, "x1"), MIRROR_E_EXISTS);
  assert_int_equal(model_target(model, "t1", "10.0.0.1"), MIRROR_E_EXISTS);
  assert_int_equal(model_session(model, "s1", 11, "x1"), MIRROR_E_EXISTS);
  assert_int_equal(update_session(model, "s2", 11, "x1"), MIRROR_E_NOT_FOUND);
  model_assert_report(model, MIRROR_E_NOT_FOUND, MIRROR_OBJECT_SESSION, "s2", "id", "s2");
  assert_int_equal(mirror_target_remove(model->tx, "t2", NULL), MIRROR_E_NOT_FOUND);
  assert_int_equal(mirror_source_remove(model->tx, "s1", NULL), MIRROR_E_NOT_FOUND);
  assert_int_equal(mirror_filter_remove(model->tx, NULL, NULL), MIRROR_E_ARGUMENT);
  uint32_t handle;
  assert_int_equal(mirror_source_handle(model->context, "x9", &handle, &model->report),
                   MIRROR_E_NOT_FOUND);
  model_assert_report(model, MIRROR_E_NOT_FOUND, MIRROR_OBJECT_SOURCE, "x9", "id", "x9");
}

static int32_t count_objects(void *user, const mirror_session *session) {
  (void)session;
  ++*(int *)user;
  return 0;
}

static int sessions(struct model *model) {
  int count = 0;
  assert_int_equal(mirror_sessions_visit(model->context, NULL, count_objects, &count), 0);
  return count;
}

/* A1: nothing of a transaction is seen before commit, or after it was dropped. */
static void test_a1_staged_changes_are_invisible(void **state) {
  struct model *model = *state;
  model_base(model);
  assert_int_equal(model_session(model, "s2", 20, "x2"), MIRROR_OK);
  assert_int_equal(mirror_session_remove(model->tx, "s1", NULL), MIRROR_OK);
  assert_int_equal(sessions(model), 1);
  assert_int_equal(mirror_sessions_visit(model->context, "s2", count_objects, &(int){0}),
                   MIRROR_E_NOT_FOUND);
  mirror_transaction_destroy(model->tx);
  assert_int_equal(sessions(model), 1);
  assert_int_equal(mirror_transaction_begin(model->context, &model->tx, NULL), MIRROR_OK);
  assert_int_equal(model_session(model, "s2", 20, "x2"), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(sessions(model), 2);
}

struct seen {
  uint32_t count;
  int32_t codes[8];
};

static void note_error(void *user, const mirror_report *report) {
  struct seen *seen = user;
  seen->codes[seen->count++ % 8] = report->code;
}

/* A1: all errors are found, in the order of the objects; the good half is not committed. */
static void test_a1_all_or_nothing_with_several_errors(void **state) {
  struct model *model = *state;
  model_base(model);
  const char *sources[] = {"x9", "x2"};
  mirror_session lost = model_session_of("s3", 10, sources);
  lost.source_count = 2;
  lost.filter_id = "f9";
  assert_int_equal(model_session(model, "s2", 20, "x2"), MIRROR_OK);
  assert_int_equal(mirror_filter_remove(model->tx, "f1", NULL), MIRROR_OK);
  assert_int_equal(mirror_session_add(model->tx, &lost, NULL), MIRROR_OK);
  struct seen seen = {0};
  int32_t status = mirror_transaction_check(model->tx, note_error, &seen, &model->report);
  const int32_t expected[] = {MIRROR_E_UNKNOWN_FILTER, MIRROR_E_IN_USE, MIRROR_E_UNKNOWN_FILTER,
                              MIRROR_E_UNKNOWN_SOURCE, MIRROR_E_DUPLICATE_SESSION};
  assert_int_equal(seen.count, 5);
  assert_memory_equal(seen.codes, expected, sizeof expected);
  assert_int_equal(status, MIRROR_E_UNKNOWN_FILTER);
  assert_int_equal(model->report.errors, 5);
  model_assert_report(model, status, MIRROR_OBJECT_SESSION, "s2", "traffic_mirror_filter_id", "f1");
  assert_int_equal(model_commit(model), MIRROR_E_UNKNOWN_FILTER);
  assert_int_equal(model->report.errors, 5);
  assert_int_equal(sessions(model), 1);
}

/* After a failed commit the user mends what is staged and commits again. */
static void test_a1_failed_commit_can_be_mended(void **state) {
  struct model *model = *state;
  model_base(model);
  assert_int_equal(model_session(model, "s2", 10, "x2"), MIRROR_OK);
  for (int i = 0; i < 3; i++)
    assert_int_equal(model_commit(model), MIRROR_E_DUPLICATE_SESSION);
  assert_int_equal(update_session(model, "s2", 11, "x2"), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(sessions(model), 2);
  assert_int_equal(model_entry(model, MIRROR_OBJECT_FILTER, "f1")->user_count, 2);
  assert_int_equal(model_entry(model, MIRROR_OBJECT_TARGET, "t1")->user_count, 2);
  assert_int_equal(model_entry(model, MIRROR_OBJECT_SOURCE, "x1")->user_count, 1);
}

/* A successful check leaves everything as it was. */
static void test_check_commits_nothing(void **state) {
  struct model *model = *state;
  model_base(model);
  assert_int_equal(model_session(model, "s2", 20, "x2"), MIRROR_OK);
  assert_int_equal(mirror_transaction_check(model->tx, NULL, NULL, &model->report), MIRROR_OK);
  assert_int_equal(sessions(model), 1);
  assert_int_equal(model_entry(model, MIRROR_OBJECT_FILTER, "f1")->user_count, 1);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(model_entry(model, MIRROR_OBJECT_FILTER, "f1")->user_count, 2);
}

static void test_o2_duplicate_session_priority_names_both(void **state) {
  struct model *model = *state;
  model_base(model);
  assert_int_equal(model_session(model, "s2", 10, "x2"), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_E_DUPLICATE_SESSION);
  model_assert_report(model, MIRROR_E_DUPLICATE_SESSION, MIRROR_OBJECT_SESSION, "s2", "priority",
                      "10");
  model_assert_text(model, "\"s1\"");
  assert_int_equal(model->report.errors, 1);
}

static void test_o2_two_sessions_swap_priorities(void **state) {
  struct model *model = *state;
  model_base(model);
  assert_int_equal(model_session(model, "s2", 20, "x2"), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(update_session(model, "s1", 20, "x1"), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_E_DUPLICATE_SESSION);
  assert_int_equal(update_session(model, "s2", 10, "x2"), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(model_session(model, "s3", 10, "x2"), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_E_DUPLICATE_SESSION);
  model_assert_text(model, "\"s2\"");
}

static void test_o6_object_in_use_cannot_be_removed(void **state) {
  struct model *model = *state;
  model_base(model);
  assert_int_equal(mirror_filter_remove(model->tx, "f1", NULL), MIRROR_OK);
  assert_int_equal(mirror_source_remove(model->tx, "x1", NULL), MIRROR_OK);
  assert_int_equal(mirror_target_remove(model->tx, "t1", NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_E_IN_USE);
  model_assert_report(model, MIRROR_E_IN_USE, MIRROR_OBJECT_FILTER, "f1", "id", "s1");
  assert_int_equal(model->report.errors, 3);
  assert_int_equal(mirror_session_remove(model->tx, "s1", NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_null(mri_model_find(model->context->model, MIRROR_OBJECT_TARGET, "t1"));
}

static void test_o6_security_group_in_use_cannot_be_removed(void **state) {
  struct model *model = *state;
  model_base(model);
  mirror_source source = model_source_of("x3");
  source.security_group = "g1";
  assert_int_equal(mirror_source_add(model->tx, &source, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_E_UNKNOWN_FILTER);
  model_assert_report(model, MIRROR_E_UNKNOWN_FILTER, MIRROR_OBJECT_SOURCE, "x3", "security_group",
                      "g1");
  assert_int_equal(model_filter(model, "g1"), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(mirror_filter_remove(model->tx, "g1", NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_E_IN_USE);
  model_assert_report(model, MIRROR_E_IN_USE, MIRROR_OBJECT_FILTER, "g1", "id", "x3");
}

/* O6: filter, target and sources of a session are swapped in place; what it left is free. */
static void test_o6_session_swaps_everything_in_place(void **state) {
  struct model *model = *state;
  model_base(model);
  struct mri_entry *session = model_entry(model, MIRROR_OBJECT_SESSION, "s1");
  uint32_t slot = session->slot;
  const char *sources[] = {"x2", "x3"};
  mirror_session swapped = model_session_of("s1", 10, sources);
  swapped.source_count = 2;
  swapped.filter_id = "f2";
  swapped.target_id = "t2";
  assert_int_equal(mirror_session_update(model->tx, &swapped, NULL), MIRROR_OK);
  assert_int_equal(model_filter(model, "f2"), MIRROR_OK);
  assert_int_equal(model_target(model, "t2", "10.0.9.2"), MIRROR_OK);
  assert_int_equal(model_source(model, "x3"), MIRROR_OK);
  assert_int_equal(mirror_filter_remove(model->tx, "f1", NULL), MIRROR_OK);
  assert_int_equal(mirror_target_remove(model->tx, "t1", NULL), MIRROR_OK);
  assert_int_equal(mirror_source_remove(model->tx, "x1", NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_ptr_equal(model_entry(model, MIRROR_OBJECT_SESSION, "s1"), session);
  assert_int_equal(session->slot, slot);
  assert_int_equal(model_entry(model, MIRROR_OBJECT_SOURCE, "x3")->user_count, 1);
}

/* What was never committed leaves nothing behind, however often. */
static void test_dropped_transactions_leave_no_memory(void **state) {
  struct model *model = *state;
  model_base(model);
  long blocks = 0;
  for (int i = 0; i < 3; i++) {
    assert_int_equal(mirror_vpc_connect(model->tx, "a", "b", NULL), MIRROR_OK);
    assert_int_equal(model_session(model, "s2", 20, "x2"), MIRROR_OK);
    assert_int_equal(model_rule(model, "f1", MIRROR_EGRESS, 3), MIRROR_OK);
    assert_int_equal(mirror_source_remove(model->tx, "x1", NULL), MIRROR_OK);
    mirror_transaction_destroy(model->tx);
    assert_int_equal(mirror_transaction_begin(model->context, &model->tx, NULL), MIRROR_OK);
    if (i > 0) assert_int_equal(model->memory.blocks, blocks);
    blocks = model->memory.blocks;
  }
}

static void stage_base_again(struct model *model) {
  assert_int_equal(mirror_transaction_clear(model->tx, NULL), MIRROR_OK);
  assert_int_equal(model_target(model, "t1", "10.0.9.1"), MIRROR_OK);
  assert_int_equal(model_session(model, "s1", 10, "x1"), MIRROR_OK);
  assert_int_equal(model_filter(model, "f1"), MIRROR_OK);
  assert_int_equal(model_rule(model, "f1", MIRROR_INGRESS, 1), MIRROR_OK);
  assert_int_equal(model_source(model, "x1"), MIRROR_OK);
}

/* F3: objects that a reload leaves alone stay the same, with their versions and counters. */
static void test_reload_keeps_identities(void **state) {
  struct model *model = *state;
  model_base(model);
  uint32_t before, after;
  assert_int_equal(mirror_source_handle(model->context, "x1", &before, NULL), MIRROR_OK);
  const struct mri_version *versions[] = {model_entry(model, MIRROR_OBJECT_FILTER, "f1")->current,
                                          model_entry(model, MIRROR_OBJECT_SOURCE, "x1")->current,
                                          model_entry(model, MIRROR_OBJECT_TARGET, "t1")->current,
                                          model_entry(model, MIRROR_OBJECT_SESSION, "s1")->current};
  stage_base_again(model);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(mirror_source_handle(model->context, "x1", &after, NULL), MIRROR_OK);
  assert_int_equal(before, after);
  assert_ptr_equal(model_entry(model, MIRROR_OBJECT_FILTER, "f1")->current, versions[0]);
  assert_ptr_equal(model_entry(model, MIRROR_OBJECT_SOURCE, "x1")->current, versions[1]);
  assert_ptr_equal(model_entry(model, MIRROR_OBJECT_TARGET, "t1")->current, versions[2]);
  assert_ptr_equal(model_entry(model, MIRROR_OBJECT_SESSION, "s1")->current, versions[3]);
  assert_null(mri_model_find(model->context->model, MIRROR_OBJECT_SOURCE, "x2"));
}

static const struct mri_rule *rule_at(struct model *model, uint32_t direction, uint32_t index) {
  const struct mri_entry *entry = model_entry(model, MIRROR_OBJECT_FILTER, "f1");
  const struct mri_filter *filter = (const struct mri_filter *)entry->current;
  return filter->rules[mri_direction_index(direction)]->rule[index];
}

static void test_reload_keeps_unchanged_rules(void **state) {
  struct model *model = *state;
  model_base(model);
  const struct mri_rule *rule = rule_at(model, MIRROR_INGRESS, 0);
  stage_base_again(model);
  assert_int_equal(model_rule(model, "f1", MIRROR_INGRESS, 2), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_ptr_equal(rule_at(model, MIRROR_INGRESS, 0), rule);
  mirror_rule changed = model_rule_of(MIRROR_INGRESS, 1);
  changed.id = "renamed";
  uint32_t slot = rule->slot;
  assert_int_equal(mirror_rule_update(model->tx, "f1", 1, &changed, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_string_equal(rule_at(model, MIRROR_INGRESS, 0)->id, "renamed");
  assert_int_not_equal(rule_at(model, MIRROR_INGRESS, 0)->slot, slot);
}

/* A change of one direction shares the list of the other with the old version. */
static void test_untouched_direction_is_shared(void **state) {
  struct model *model = *state;
  model_base(model);
  struct mri_filter *old =
      (struct mri_filter *)model_entry(model, MIRROR_OBJECT_FILTER, "f1")->current;
  struct mri_rules *ingress = old->rules[0];
  assert_int_equal(model_rule(model, "f1", MIRROR_EGRESS, 5), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  const struct mri_filter *fresh =
      (const struct mri_filter *)model_entry(model, MIRROR_OBJECT_FILTER, "f1")->current;
  assert_ptr_equal(fresh->rules[0], ingress);
  assert_int_equal(fresh->rules[1]->count, 1);
  assert_int_equal(fresh->rules[1]->rule[0]->priority, 5);
}

static void test_handles_of_removed_sources_do_not_come_back(void **state) {
  struct model *model = *state;
  uint32_t first, second;
  assert_int_equal(model_source(model, "x1"), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(mirror_source_handle(model->context, "x1", &first, NULL), MIRROR_OK);
  assert_int_not_equal(first, 0);
  assert_int_equal(mirror_source_remove(model->tx, "x1", NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(model_source(model, "x1"), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(mirror_source_handle(model->context, "x1", &second, NULL), MIRROR_OK);
  assert_int_not_equal(first, second);
}

static uint32_t affected_after_prepare(struct model *model) {
  struct mri_model *inside = model->context->model;
  assert_int_equal(mri_model_prepare(inside, NULL, NULL, NULL), MIRROR_OK);
  uint32_t count = 0;
  for (struct mri_entry *entry = mri_model_affected(inside); entry; entry = entry->affected_next)
    count++;
  mri_model_finish(inside, false);
  return count;
}

/* A2: only sources whose plan may change are compiled again. */
static void test_a2_affected_sources(void **state) {
  struct model *model = *state;
  model_base(model);
  assert_int_equal(affected_after_prepare(model), 0);
  stage_base_again(model);
  assert_int_equal(model_source(model, "x2"), MIRROR_OK);
  assert_int_equal(affected_after_prepare(model), 0); /* the same again is no change */
  assert_int_equal(model_rule(model, "f1", MIRROR_EGRESS, 7), MIRROR_OK);
  assert_int_equal(affected_after_prepare(model), 1); /* x1, through s1 */
  mirror_source guarded = model_source_of("x2");
  guarded.security_group = "f1";
  assert_int_equal(mirror_source_update(model->tx, &guarded, NULL), MIRROR_OK);
  assert_int_equal(affected_after_prepare(model), 2);
}

/* A2: a session that moves concerns the source it leaves and the one it comes to. */
static void test_a2_affected_sources_of_a_session(void **state) {
  struct model *model = *state;
  model_base(model);
  assert_int_equal(model_source(model, "x3"), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(update_session(model, "s1", 10, "x2"), MIRROR_OK);
  assert_int_equal(affected_after_prepare(model), 2);
  assert_int_equal(mirror_session_remove(model->tx, "s1", NULL), MIRROR_OK);
  assert_int_equal(affected_after_prepare(model), 1);
  mirror_target target = model_target_of("t1", "10.0.9.7");
  assert_int_equal(update_session(model, "s1", 10, "x1"), MIRROR_E_NOT_FOUND);
  assert_int_equal(model_session(model, "s1", 10, "x1"), MIRROR_OK);
  assert_int_equal(affected_after_prepare(model), 0);
  assert_int_equal(mirror_target_update(model->tx, &target, NULL), MIRROR_OK);
  assert_int_equal(affected_after_prepare(model), 1);
}

/* A2: 2,000 sessions, each in a transaction of its own, on 200 targets with one address. */
static void test_a2_many_small_transactions(void **state) {
  struct model *model = *state;
  model_base(model);
  char id[16], target[16], source[16];
  mirror_quotas quotas;
  mirror_quotas_init(&quotas, sizeof quotas);
  quotas.sessions_per_filter = 3000;
  assert_int_equal(mirror_quotas_set(model->tx, &quotas, NULL), MIRROR_OK);
  for (uint32_t i = 0; i < 2000; i++) {
    snprintf(id, sizeof id, "n%u", i);
    snprintf(target, sizeof target, "nt%u", i / 10);
    snprintf(source, sizeof source, "nx%u", i / 3);
    if (i % 10 == 0) assert_int_equal(model_target(model, target, "10.0.9.9"), MIRROR_OK);
    if (i % 3 == 0) assert_int_equal(model_source(model, source), MIRROR_OK);
    const char *name = source;
    mirror_session session = model_session_of(id, 100 + i, &name);
    session.target_id = target;
    assert_int_equal(mirror_session_add(model->tx, &session, NULL), MIRROR_OK);
    assert_int_equal(model_commit(model), MIRROR_OK);
  }
  assert_int_equal(sessions(model), 2001);
  assert_int_equal(mri_model_source_count(model->context->model), 2 + 667);
  assert_int_equal(mirror_transaction_clear(model->tx, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(sessions(model), 0);
}

#define WITH_MODEL(test) cmocka_unit_test_setup_teardown(test, model_setup, model_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_MODEL(test_one_transaction_at_a_time),
      WITH_MODEL(test_ids_exist_once),
      WITH_MODEL(test_a1_staged_changes_are_invisible),
      WITH_MODEL(test_a1_all_or_nothing_with_several_errors),
      WITH_MODEL(test_a1_failed_commit_can_be_mended),
      WITH_MODEL(test_check_commits_nothing),
      WITH_MODEL(test_o2_duplicate_session_priority_names_both),
      WITH_MODEL(test_o2_two_sessions_swap_priorities),
      WITH_MODEL(test_o6_object_in_use_cannot_be_removed),
      WITH_MODEL(test_o6_security_group_in_use_cannot_be_removed),
      WITH_MODEL(test_o6_session_swaps_everything_in_place),
      WITH_MODEL(test_reload_keeps_identities),
      WITH_MODEL(test_reload_keeps_unchanged_rules),
      WITH_MODEL(test_untouched_direction_is_shared),
      WITH_MODEL(test_handles_of_removed_sources_do_not_come_back),
      WITH_MODEL(test_a2_affected_sources),
      WITH_MODEL(test_a2_affected_sources_of_a_session),
      WITH_MODEL(test_a2_many_small_transactions),
      WITH_MODEL(test_dropped_transactions_leave_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
