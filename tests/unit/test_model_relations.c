/* What concerns several objects: references, interfaces, VPCs, MTUs (O7, O10, V3). */
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

static void test_unknown_references(void **state) {
  struct model *model = *state;
  model_base(model);
  const char *source = "x2";
  mirror_session session = model_session_of("s2", 20, &source);
  session.target_id = "t9";
  assert_int_equal(mirror_session_add(model->tx, &session, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_E_UNKNOWN_TARGET);
  model_assert_report(model, MIRROR_E_UNKNOWN_TARGET, MIRROR_OBJECT_SESSION, "s2",
                      "traffic_mirror_target_id", "t9");
  assert_int_equal(update_session(model, "s2", 20, "x9"), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_E_UNKNOWN_SOURCE);
  model_assert_report(model, MIRROR_E_UNKNOWN_SOURCE, MIRROR_OBJECT_SESSION, "s2",
                      "traffic_mirror_sources", "x9");
}

/* O7, by interface name and by address, whichever of the three objects comes last. */
static void test_o7_source_is_already_target(void **state) {
  struct model *model = *state;
  model_base(model);
  mirror_target target = model_target_of("t1", "10.0.9.1");
  target.interface_name = "eth7";
  assert_int_equal(mirror_target_update(model->tx, &target, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  mirror_source source = model_source_of("x2");
  source.interface_name = "eth7";
  assert_int_equal(mirror_source_update(model->tx, &source, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_E_INTERFACE_CONFLICT);
  model_assert_report(model, MIRROR_E_INTERFACE_CONFLICT, MIRROR_OBJECT_SOURCE, "x2", "interface",
                      "eth7");
  model_assert_text(model, "\"t1\"");
  model_assert_text(model, "\"s1\"");
  source.interface_name = "eth8";
  source.address = "10.0.9.1";
  assert_int_equal(mirror_source_update(model->tx, &source, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_E_INTERFACE_CONFLICT);
  model_assert_report(model, MIRROR_E_INTERFACE_CONFLICT, MIRROR_OBJECT_SOURCE, "x2", "address",
                      "10.0.9.1");
  source.address = "10.0.9.2";
  assert_int_equal(mirror_source_update(model->tx, &source, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
}

static void test_o7_target_is_already_source(void **state) {
  struct model *model = *state;
  model_base(model);
  mirror_source source = model_source_of("x2");
  source.address = "2001:db8::7";
  assert_int_equal(mirror_source_update(model->tx, &source, NULL), MIRROR_OK);
  assert_int_equal(model_target(model, "t2", "2001:db8::7"), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK); /* no session uses t2 */
  const char *x1 = "x1";
  mirror_session session = model_session_of("s1", 10, &x1);
  session.target_id = "t2";
  assert_int_equal(mirror_session_update(model->tx, &session, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_E_INTERFACE_CONFLICT);
  model_assert_report(model, MIRROR_E_INTERFACE_CONFLICT, MIRROR_OBJECT_TARGET, "t2", "address",
                      "2001:db8::7");
  model_assert_text(model, "\"x2\"");
  assert_int_equal(model->report.errors, 1);
  assert_int_equal(mirror_source_remove(model->tx, "x2", NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
}

static void test_o7_conflict_within_one_transaction_is_reported_once(void **state) {
  struct model *model = *state;
  model_base(model);
  mirror_source source = model_source_of("x2");
  source.interface_name = "eth7";
  mirror_target target = model_target_of("t1", "10.0.9.1");
  target.interface_name = "eth7";
  assert_int_equal(mirror_source_update(model->tx, &source, NULL), MIRROR_OK);
  assert_int_equal(mirror_target_update(model->tx, &target, NULL), MIRROR_OK);
  assert_int_equal(model_session(model, "s2", 20, "x2"), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_E_INTERFACE_CONFLICT);
  assert_int_equal(model->report.errors, 1);
}

/* The first of several sources with one interface goes; the others still conflict. */
static void test_o7_each_of_several_sources_conflicts(void **state) {
  struct model *model = *state;
  model_base(model);
  const char *ids[] = {"y1", "y2", "y3"};
  for (int i = 0; i < 3; i++) {
    mirror_source source = model_source_of(ids[i]);
    source.interface_name = "eth7";
    assert_int_equal(mirror_source_add(model->tx, &source, NULL), MIRROR_OK);
  }
  assert_int_equal(model_commit(model), MIRROR_OK);
  mirror_target target = model_target_of("t1", "10.0.9.1");
  target.interface_name = "eth7";
  for (int i = 0; i < 3; i++) {
    assert_int_equal(mirror_target_update(model->tx, &target, NULL), MIRROR_OK);
    assert_int_equal(model_commit(model), MIRROR_E_INTERFACE_CONFLICT);
    model_assert_report(model, MIRROR_E_INTERFACE_CONFLICT, MIRROR_OBJECT_TARGET, "t1", "interface",
                        "eth7");
    mirror_transaction_destroy(model->tx);
    assert_int_equal(mirror_transaction_begin(model->context, &model->tx, NULL), MIRROR_OK);
    assert_int_equal(mirror_source_remove(model->tx, ids[i], NULL), MIRROR_OK);
    assert_int_equal(model_commit(model), MIRROR_OK);
  }
  assert_int_equal(mirror_target_update(model->tx, &target, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
}

static void put_in_vpcs(struct model *model, const char *source_vpc, const char *target_vpc) {
  mirror_source source = model_source_of("x1");
  source.vpc_id = source_vpc;
  mirror_target target = model_target_of("t1", "10.0.9.1");
  target.vpc_id = target_vpc;
  assert_int_equal(mirror_source_update(model->tx, &source, NULL), MIRROR_OK);
  assert_int_equal(mirror_target_update(model->tx, &target, NULL), MIRROR_OK);
}

static void test_o10_undeclared_connection_is_refused(void **state) {
  struct model *model = *state;
  model_base(model);
  put_in_vpcs(model, "vpc-a", "vpc-b");
  assert_int_equal(model_commit(model), MIRROR_E_VPC_UNREACHABLE);
  model_assert_report(model, MIRROR_E_VPC_UNREACHABLE, MIRROR_OBJECT_SESSION, "s1",
                      "vpc_connections", "vpc-a");
  model_assert_text(model, "[\"vpc-a\", \"vpc-b\"]");
  assert_int_equal(model->report.errors, 1);
  assert_int_equal(mirror_vpc_connect(model->tx, "vpc-b", "vpc-a", NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
}

/* O10: no VPC id, or the same one: no check. */
static void test_o10_no_check_without_two_vpcs(void **state) {
  struct model *model = *state;
  model_base(model);
  put_in_vpcs(model, "vpc-a", NULL);
  assert_int_equal(model_commit(model), MIRROR_OK);
  put_in_vpcs(model, NULL, "vpc-b");
  assert_int_equal(model_commit(model), MIRROR_OK);
  put_in_vpcs(model, "vpc-b", "vpc-b");
  assert_int_equal(model_commit(model), MIRROR_OK);
}

static void test_o10_needed_connection_cannot_be_taken_back(void **state) {
  struct model *model = *state;
  model_base(model);
  put_in_vpcs(model, "vpc-a", "vpc-b");
  assert_int_equal(mirror_vpc_connect(model->tx, "vpc-a", "vpc-b", NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(mirror_vpc_connect(model->tx, "vpc-b", "vpc-a", NULL), MIRROR_E_EXISTS);
  assert_int_equal(mirror_vpc_disconnect(model->tx, "vpc-a", "vpc-b", NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_E_VPC_UNREACHABLE);
  assert_int_equal(model->report.errors, 1);
  assert_int_equal(mirror_vpc_disconnect(model->tx, "vpc-a", "vpc-b", NULL), MIRROR_E_NOT_FOUND);
  put_in_vpcs(model, "vpc-b", "vpc-b");
  assert_int_equal(model_commit(model), MIRROR_OK);
}

/* The same with the source in the VPC that was declared second. */
static void test_o10_needed_connection_is_found_from_both_ends(void **state) {
  struct model *model = *state;
  model_base(model);
  put_in_vpcs(model, "vpc-a", "vpc-b");
  assert_int_equal(mirror_vpc_connect(model->tx, "vpc-b", "vpc-a", NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(mirror_vpc_disconnect(model->tx, "vpc-a", "vpc-b", NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_E_VPC_UNREACHABLE);
  model_assert_report(model, MIRROR_E_VPC_UNREACHABLE, MIRROR_OBJECT_SESSION, "s1",
                      "vpc_connections", "vpc-a");
}

static void put_target_in_vpc(struct model *model, const char *id, const char *address,
                              const char *vpc) {
  mirror_target target = model_target_of(id, address);
  target.vpc_id = vpc;
  assert_int_equal(mirror_target_add(model->tx, &target, NULL), MIRROR_OK);
}

/* Two connections of one VPC are taken away: each path that breaks is named once. */
static void test_o10_each_broken_path_is_reported_once(void **state) {
  struct model *model = *state;
  model_base(model);
  put_in_vpcs(model, "vpc-a", "vpc-b");
  put_target_in_vpc(model, "t2", "10.0.9.2", "vpc-c");
  const char *source = "x1";
  mirror_session session = model_session_of("s2", 20, &source);
  session.target_id = "t2";
  assert_int_equal(mirror_session_add(model->tx, &session, NULL), MIRROR_OK);
  assert_int_equal(mirror_vpc_connect(model->tx, "vpc-a", "vpc-b", NULL), MIRROR_OK);
  assert_int_equal(mirror_vpc_connect(model->tx, "vpc-a", "vpc-c", NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(mirror_vpc_disconnect(model->tx, "vpc-a", "vpc-b", NULL), MIRROR_OK);
  assert_int_equal(mirror_vpc_disconnect(model->tx, "vpc-c", "vpc-a", NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_E_VPC_UNREACHABLE);
  assert_int_equal(model->report.errors, 2);
}

static int32_t note_pair(void *user, const char *a, const char *b) {
  char *pairs = user;
  strcat(strcat(strcat(strcat(pairs, a), "-"), b), " ");
  return strcmp(b, "stop") == 0 ? 7 : 0;
}

static void test_vpc_connections_are_visited_in_order(void **state) {
  struct model *model = *state;
  char pairs[64] = "";
  assert_int_equal(mirror_vpc_connect(model->tx, "b", "a", NULL), MIRROR_OK);
  assert_int_equal(mirror_vpc_connect(model->tx, "a", "c", NULL), MIRROR_OK);
  assert_int_equal(mirror_vpc_connect(model->tx, "d", "stop", NULL), MIRROR_OK);
  assert_int_equal(mirror_vpc_connections_visit(model->context, note_pair, pairs), 0);
  assert_string_equal(pairs, "");
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(mirror_vpc_disconnect(model->tx, "c", "a", NULL), MIRROR_OK);
  assert_int_equal(mirror_vpc_connect(model->tx, "e", "f", NULL), MIRROR_OK);
  assert_int_equal(mirror_vpc_connections_visit(model->context, note_pair, pairs), 7);
  assert_string_equal(pairs, "b-a a-c d-stop ");
  assert_int_equal(model_commit(model), MIRROR_OK);
  pairs[0] = '\0';
  assert_int_equal(mirror_vpc_connections_visit(model->context, note_pair, pairs), 7);
  assert_string_equal(pairs, "b-a d-stop ");
}

static void test_vpc_ids_are_checked(void **state) {
  struct model *model = *state;
  assert_int_equal(mirror_vpc_connect(model->tx, "a", "a", &model->report), MIRROR_E_VPC_ID);
  model_assert_report(model, MIRROR_E_VPC_ID, MIRROR_OBJECT_VPC, "a", "vpc_connections", "a");
  assert_int_equal(mirror_vpc_connect(model->tx, "", "a", NULL), MIRROR_E_VPC_ID);
  assert_int_equal(mirror_vpc_connect(model->tx, "a", NULL, NULL), MIRROR_E_VPC_ID);
}

/* V3: over IPv6, 56 octets of headers and 14 of inner Ethernet. */
static void test_v3_mtu_must_hold_an_ethernet_header(void **state) {
  struct model *model = *state;
  model_base(model);
  mirror_target target = model_target_of("t1", "2001:db8::1");
  target.mtu = 69;
  assert_int_equal(mirror_target_update(model->tx, &target, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_E_MTU_TOO_SMALL);
  model_assert_report(model, MIRROR_E_MTU_TOO_SMALL, MIRROR_OBJECT_TARGET, "t1", "mtu", "69");
  target.mtu = 70;
  assert_int_equal(mirror_target_update(model->tx, &target, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  mirror_source source = model_source_of("x1");
  source.mtu = 68;
  assert_int_equal(mirror_source_update(model->tx, &source, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_E_MTU_TOO_SMALL);
  model_assert_report(model, MIRROR_E_MTU_TOO_SMALL, MIRROR_OBJECT_SOURCE, "x1", "mtu", "68");
  target = model_target_of("t1", "10.0.9.1");
  assert_int_equal(mirror_target_update(model->tx, &target, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
}

#define WITH_MODEL(test) cmocka_unit_test_setup_teardown(test, model_setup, model_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_MODEL(test_unknown_references),
      WITH_MODEL(test_o7_source_is_already_target),
      WITH_MODEL(test_o7_target_is_already_source),
      WITH_MODEL(test_o7_conflict_within_one_transaction_is_reported_once),
      WITH_MODEL(test_o7_each_of_several_sources_conflicts),
      WITH_MODEL(test_o10_undeclared_connection_is_refused),
      WITH_MODEL(test_o10_no_check_without_two_vpcs),
      WITH_MODEL(test_o10_needed_connection_cannot_be_taken_back),
      WITH_MODEL(test_o10_needed_connection_is_found_from_both_ends),
      WITH_MODEL(test_o10_each_broken_path_is_reported_once),
      WITH_MODEL(test_vpc_connections_are_visited_in_order),
      WITH_MODEL(test_vpc_ids_are_checked),
      WITH_MODEL(test_v3_mtu_must_hold_an_ethernet_header),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
