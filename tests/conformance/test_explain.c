/* M9: why a packet got its verdict, as steps and as text. */
#include "conformance/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const eni[] = {"eni"};

static void add_session(struct scene *scene, const char *id, uint32_t priority, const char *filter,
                        uint32_t enabled) {
  mirror_session session;
  mirror_session_init(&session, sizeof session);
  session.id = id;
  session.priority = priority;
  session.enabled = enabled;
  session.filter_id = filter;
  session.target_id = "target";
  session.sources = eni;
  session.source_count = 1;
  assert_int_equal(mirror_session_add(scene->change, &session, NULL), MIRROR_OK);
}

/* Four sessions: one without rules for ingress, one disabled, one of which nothing matches. */
static void open_walk(struct stage *stage) {
  struct scene *scene = &stage->scene;
  mirror_quotas quotas;
  stage_open(stage);
  mirror_quotas_init(&quotas, sizeof quotas);
  quotas.sessions_per_source = 4;
  assert_int_equal(mirror_quotas_set(scene->change, &quotas, NULL), MIRROR_OK);
  scene_filter(scene, "empty");
  scene_rule(scene, "empty", "egress 1 reject IPv4 ALL any#any any#any");
  scene_filter(scene, "narrow");
  scene_rule(scene, "narrow", "ingress 10 accept IPv6 ALL any#any any#any");
  scene_rule(scene, "narrow", "ingress 20 accept IPv4 TCP 10.1.0.0/16#any any#any");
  scene_rule(scene, "narrow", "ingress 30 accept IPv4 TCP any#any 192.168.2.0/24#any");
  scene_rule(scene, "narrow", "ingress 40 accept IPv4 17 any#any any#any");
  scene_rule(scene, "narrow", "ingress 50 accept IPv4 TCP any#1-2 any#any");
  scene_rule(scene, "narrow", "ingress 60 reject IPv4 TCP any#any any#1-2");
  scene_filter(scene, "all");
  scene_rule(scene, "all", "ingress 1 accept IPv4 ALL any#any any#any");
  scene_source(scene, "eni", 1500);
  scene_target(scene, "target", MIRROR_TARGET_ENI, "10.9.0.2");
  add_session(scene, "s-empty", 1, "empty", 1);
  add_session(scene, "s-disabled", 2, "all", 0);
  add_session(scene, "s-narrow", 3, "narrow", 1);
  add_session(scene, "s-all", 4, "all", 1);
  scene_commit(scene);
}

static mirror_explanation *explain(const struct stage *stage, mirror_packet packet) {
  mirror_explanation *explanation = NULL;
  mirror_plan *plan;
  if (packet.source == 0) packet.source = scene_handle(&stage->scene, "eni");
  if (packet.direction == 0) packet.direction = MIRROR_INGRESS;
  assert_int_equal(mirror_plan_acquire(stage->scene.context, &plan), MIRROR_OK);
  assert_int_equal(mirror_plan_explain(plan, &packet, &explanation, NULL), MIRROR_OK);
  mirror_plan_release(plan);
  return explanation;
}

static mirror_packet build(const struct packet_parts *parts, uint8_t frame[PACKET_MAX]) {
  return packet_of(frame, packet_build(parts, frame), MIRROR_LINK_ETHERNET);
}

struct expected {
  const char *session; /* NULL: the security group */
  uint32_t rule;
  uint32_t outcome;
  uint32_t field;
};

static void assert_steps(const mirror_explanation *explanation, const struct expected *expected,
                         uint32_t count) {
  mirror_step step;
  assert_int_equal(mirror_explanation_steps(explanation), count);
  for (uint32_t i = 0; i < count; i++) {
    mirror_step_init(&step, sizeof step);
    assert_int_equal(mirror_explanation_step(explanation, i, &step), MIRROR_OK);
    if (expected[i].session) assert_string_equal(step.session_id, expected[i].session);
    if (!expected[i].session) assert_null(step.session_id);
    assert_int_equal(step.rule_priority, expected[i].rule);
    assert_int_equal(step.outcome, expected[i].outcome);
    assert_int_equal(step.field, expected[i].field);
  }
  assert_int_equal(mirror_explanation_step(explanation, count, &step), MIRROR_E_NOT_FOUND);
}

static void assert_text(const mirror_explanation *explanation, const char *expected) {
  assert_string_equal(mirror_explanation_text(explanation), expected);
}

static void test_m9_each_session_and_rule_of_the_walk(void **state) {
  static const struct expected expected[] = {
      {"s-empty", 0, MIRROR_STEP_EMPTY, 0},
      {"s-disabled", 0, MIRROR_STEP_DISABLED, 0},
      {"s-narrow", 10, MIRROR_STEP_MISMATCH, MIRROR_FIELD_ETHERTYPE},
      {"s-narrow", 20, MIRROR_STEP_MISMATCH, MIRROR_FIELD_SOURCE_CIDR},
      {"s-narrow", 30, MIRROR_STEP_MISMATCH, MIRROR_FIELD_DESTINATION_CIDR},
      {"s-narrow", 40, MIRROR_STEP_MISMATCH, MIRROR_FIELD_PROTOCOL},
      {"s-narrow", 50, MIRROR_STEP_MISMATCH, MIRROR_FIELD_SOURCE_PORT},
      {"s-narrow", 60, MIRROR_STEP_MISMATCH, MIRROR_FIELD_DESTINATION_PORT},
      {"s-narrow", 0, MIRROR_STEP_NO_MATCH, 0},
      {"s-all", 1, MIRROR_STEP_MATCHED, 0}};
  struct packet_parts parts = {
      .family = 4, .protocol = 6, .source_port = 1000, .destination_port = 80};
  uint8_t frame[PACKET_MAX];
  struct stage stage;
  (void)state;
  open_walk(&stage);
  mirror_explanation *explanation = explain(&stage, build(&parts, frame));
  assert_steps(explanation, expected, sizeof expected / sizeof expected[0]);
  assert_text(explanation,
              "packet: ingress of source eni, IPv4 TCP 10.0.0.1:1000 -> 192.168.1.2:80\n"
              "session s-empty (priority 1, filter empty):\n"
              "  no rules for this direction\n"
              "session s-disabled (priority 2, filter all):\n"
              "  skipped: the session is disabled\n"
              "session s-narrow (priority 3, filter narrow):\n"
              "  rule 10 accept: no, another ethertype\n"
              "  rule 20 accept: no, another source address\n"
              "  rule 30 accept: no, another destination address\n"
              "  rule 40 accept: no, another protocol\n"
              "  rule 50 accept: no, another source port\n"
              "  rule 60 reject: no, another destination port\n"
              "  no rule matches\n"
              "session s-all (priority 4, filter all):\n"
              "  rule 1 accept: matches\n"
              "verdict: mirrored by session s-all rule 1: to target target (10.9.0.2 port 4789), "
              "VNI 1, 54 of 54 octets\n");
  mirror_explanation_destroy(explanation);
  stage_close(&stage);
}

/* What is not in the packet is told apart from what differs, and nothing follows the decision. */
static void test_m9_absent_fields_and_the_end_of_the_walk(void **state) {
  static const struct expected expected[] = {
      {"s-empty", 0, MIRROR_STEP_EMPTY, 0},
      {"s-disabled", 0, MIRROR_STEP_DISABLED, 0},
      {"s-narrow", 10, MIRROR_STEP_MISMATCH, MIRROR_FIELD_ETHERTYPE},
      {"s-narrow", 20, MIRROR_STEP_MISMATCH, MIRROR_FIELD_SOURCE_CIDR},
      {"s-narrow", 30, MIRROR_STEP_MISMATCH, MIRROR_FIELD_DESTINATION_CIDR},
      {"s-narrow", 40, MIRROR_STEP_MISMATCH, MIRROR_FIELD_PROTOCOL},
      {"s-narrow", 50, MIRROR_STEP_NOT_PRESENT, MIRROR_FIELD_SOURCE_PORT},
      {"s-narrow", 60, MIRROR_STEP_NOT_PRESENT, MIRROR_FIELD_DESTINATION_PORT},
      {"s-narrow", 0, MIRROR_STEP_NO_MATCH, 0},
      {"s-all", 1, MIRROR_STEP_MATCHED, 0}};
  struct packet_parts later = {.family = 4, .protocol = 6, .fragment = 7};
  struct packet_parts rejected = {.family = 4, .protocol = 6, .destination_port = 2};
  uint8_t frame[PACKET_MAX];
  struct stage stage;
  (void)state;
  open_walk(&stage);
  mirror_explanation *explanation = explain(&stage, build(&later, frame));
  assert_steps(explanation, expected, sizeof expected / sizeof expected[0]);
  assert_non_null(strstr(mirror_explanation_text(explanation),
                         "rule 60 reject: no, the packet has no readable destination port\n"));
  assert_non_null(strstr(mirror_explanation_text(explanation), ", later fragment\n"));
  mirror_explanation_destroy(explanation);

  explanation = explain(&stage, build(&rejected, frame));
  assert_int_equal(mirror_explanation_steps(explanation), 8);
  assert_non_null(strstr(mirror_explanation_text(explanation),
                         "  rule 60 reject: matches\nverdict: rejected by session s-narrow"));
  mirror_explanation_destroy(explanation);
  stage_close(&stage);
}

/* Packets that no session sees have a verdict and its reason, and no steps. */
static void test_m9_verdicts_without_a_walk(void **state) {
  struct packet_parts parts = {.family = 6, .protocol = 58};
  uint8_t frame[PACKET_MAX];
  struct stage stage;
  (void)state;
  open_walk(&stage);
  mirror_packet blocked = build(&parts, frame), cut = blocked, lost = blocked;
  blocked.flags = MIRROR_PACKET_BLOCKED;
  cut.caplen = 20;
  lost.source = 0x7fffffff;
  const struct {
    mirror_packet packet;
    const char *text;
  } cases[] = {
      {blocked,
       "packet: ingress of source eni, IPv6 ICMPV6 2001:db8::1 -> 2001:db8:1::2\n"
       "verdict: blocked: marked as dropped by the security group\n"},
      {cut,
       "packet: ingress of source eni, 20 octets\n"
       "verdict: unparsable: cut inside the fixed IP header\n"},
      {lost,
       "packet: ingress of source (no such source), IPv6 ICMPV6 2001:db8::1 -> 2001:db8:1::2\n"
       "verdict: unmatched\n"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    mirror_explanation *explanation = explain(&stage, cases[i].packet);
    assert_int_equal(mirror_explanation_steps(explanation), 0);
    assert_text(explanation, cases[i].text);
    mirror_explanation_destroy(explanation);
  }
  stage_close(&stage);
}

/* Of a packet without Ethernet header, the synthesized one is in the copy as well (V7). */
static void test_m9_octets_are_those_of_the_inner_frame(void **state) {
  struct packet_parts parts = {.family = 4, .protocol = 1};
  uint8_t frame[PACKET_MAX];
  struct stage stage;
  (void)state;
  open_walk(&stage);
  uint32_t length = packet_build(&parts, frame) - PACKET_ETHERNET;
  mirror_packet packet = packet_of(frame + PACKET_ETHERNET, length, MIRROR_LINK_RAW);
  mirror_explanation *explanation = explain(&stage, packet);
  char expected[32];
  snprintf(expected, sizeof expected, "%u of %u octets", length + 14, length + 14);
  assert_non_null(strstr(mirror_explanation_text(explanation), expected));
  mirror_explanation_destroy(explanation);
  stage_close(&stage);
}

static void set_group(struct stage *stage) {
  mirror_source source;
  scene_filter(&stage->scene, "group");
  scene_rule(&stage->scene, "group", "ingress 1 reject IPv4 TCP any#any any#23-23");
  scene_rule(&stage->scene, "group", "ingress 2 accept IPv4 TCP any#any any#any");
  mirror_source_init(&source, sizeof source);
  source.id = "eni";
  source.security_group = "group";
  assert_int_equal(mirror_source_update(stage->scene.change, &source, NULL), MIRROR_OK);
  scene_commit(&stage->scene);
}

/* F6: the security group is walked first. */
static void test_m9_the_security_group_comes_first(void **state) {
  static const struct expected rejected[] = {{NULL, 1, MIRROR_STEP_MATCHED, 0}};
  static const struct expected missed[] = {{NULL, 1, MIRROR_STEP_MISMATCH, MIRROR_FIELD_PROTOCOL},
                                           {NULL, 2, MIRROR_STEP_MISMATCH, MIRROR_FIELD_PROTOCOL},
                                           {NULL, 0, MIRROR_STEP_NO_MATCH, 0}};
  struct packet_parts telnet = {.family = 4, .protocol = 6, .destination_port = 23};
  struct packet_parts web = {.family = 4, .protocol = 6, .destination_port = 80};
  struct packet_parts dns = {.family = 4, .protocol = 17, .destination_port = 53};
  uint8_t frame[PACKET_MAX];
  struct stage stage;
  (void)state;
  open_walk(&stage);
  set_group(&stage);
  mirror_explanation *explanation = explain(&stage, build(&telnet, frame));
  assert_steps(explanation, rejected, 1);
  assert_text(explanation,
              "packet: ingress of source eni, IPv4 TCP 10.0.0.1:0 -> 192.168.1.2:23\n"
              "security group group:\n"
              "  rule 1 reject: matches\n"
              "verdict: blocked: the security group rejects it\n");
  mirror_explanation_destroy(explanation);
  explanation = explain(&stage, build(&dns, frame));
  assert_steps(explanation, missed, 3);
  assert_non_null(strstr(mirror_explanation_text(explanation),
                         "verdict: blocked: no rule of the security group accepts it\n"));
  mirror_explanation_destroy(explanation);
  explanation = explain(&stage, build(&web, frame));
  assert_int_equal(mirror_explanation_steps(explanation), 2 + 10);
  mirror_explanation_destroy(explanation);
  stage_close(&stage);
}

/* 64 characters of 4 octets: the longest ids there are leave their lines whole. */
static void test_m9_the_longest_ids(void **state) {
  char id[4 * 64 + 1] = "", line[1024];
  uint8_t frame[PACKET_MAX];
  struct packet_parts parts = {.family = 4, .protocol = 6};
  struct stage stage;
  (void)state;
  for (uint32_t i = 0; i < 64; i++)
    memcpy(id + 4 * i, "\xf0\xa0\x80\x80", 5);
  stage_open(&stage);
  scene_filter(&stage.scene, id);
  scene_source(&stage.scene, "eni", 1500);
  scene_target(&stage.scene, id, MIRROR_TARGET_ENI, "10.9.0.2");
  scene_session(&stage.scene, id, 1, id, id, eni, 1);
  scene_commit(&stage.scene);
  mirror_explanation *explanation = explain(&stage, build(&parts, frame));
  snprintf(line, sizeof line, "session %s (priority 1, filter %s):\n", id, id);
  assert_non_null(strstr(mirror_explanation_text(explanation), line));
  mirror_explanation_destroy(explanation);
  stage_close(&stage);
}

/* An explanation keeps what it speaks about alive, and says what the tap does. */
static void test_m9_an_explanation_outlives_its_objects(void **state) {
  struct packet_parts parts = {.family = 4, .protocol = 6};
  mirror_verdict verdict;
  uint8_t frame[PACKET_MAX];
  struct stage stage;
  (void)state;
  open_walk(&stage);
  mirror_explanation *explanation = explain(&stage, build(&parts, frame));
  mirror_verdict by_tap = stage_pass(&stage, "eni", MIRROR_INGRESS, &parts);
  assert_int_equal(mirror_explanation_verdict(explanation, &verdict), MIRROR_OK);
  assert_int_equal(verdict.verdict, by_tap.verdict);
  assert_int_equal(verdict.rule_priority, by_tap.rule_priority);
  assert_int_equal(verdict.inner_length, by_tap.inner_length);
  assert_int_equal(mirror_transaction_clear(stage.scene.change, NULL), MIRROR_OK);
  scene_commit(&stage.scene);
  assert_string_equal(verdict.session_id, "s-all");
  assert_string_equal(verdict.target_id, "target");
  mirror_explanation_destroy(explanation);
  stage_close(&stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_m9_each_session_and_rule_of_the_walk),
      cmocka_unit_test(test_m9_absent_fields_and_the_end_of_the_walk),
      cmocka_unit_test(test_m9_verdicts_without_a_walk),
      cmocka_unit_test(test_m9_octets_are_those_of_the_inner_frame),
      cmocka_unit_test(test_m9_the_security_group_comes_first),
      cmocka_unit_test(test_m9_the_longest_ids),
      cmocka_unit_test(test_m9_an_explanation_outlives_its_objects),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
