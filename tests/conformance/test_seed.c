/* The worked examples of the seed (spec section 8), by name, and what it promises (V4, V5). */
#include "conformance/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const eni_b_and_c[] = {"eni-B", "eni-C"};
static const char *const eni[] = {"eni"};

/* Table 1: ECS-B calls ECS-A, a public client calls ECS-C; all four packets reach the ELB. */
static void test_table_1_paths_of_mirrored_traffic(void **state) {
  static const char ecs_a[] = "192.168.0.10", ecs_b[] = "192.168.0.11", ecs_c[] = "192.168.0.12";
  static const char client[] = "203.0.113.7";
  static const struct {
    const char *source, *from, *to;
    uint32_t direction;
  } packets[] = {{"eni-B", ecs_b, ecs_a, MIRROR_EGRESS},   /* 01: request of B */
                 {"eni-B", ecs_a, ecs_b, MIRROR_INGRESS},  /* 02: reply to B */
                 {"eni-C", client, ecs_c, MIRROR_INGRESS}, /* 03: request to C */
                 {"eni-C", ecs_c, client, MIRROR_EGRESS}}; /* 04: reply of C */
  static const uint8_t elb[4] = {10, 0, 0, 100};
  struct stage stage;
  (void)state;
  stage_open(&stage);
  scene_filter(&stage.scene, "filter");
  scene_rule(&stage.scene, "filter", "ingress 1 accept IPv4 ALL any#any 192.168.0.0/24#any");
  scene_rule(&stage.scene, "filter", "egress 1 accept IPv4 ALL 192.168.0.0/24#any any#any");
  scene_source(&stage.scene, "eni-B", 1500);
  scene_source(&stage.scene, "eni-C", 1500);
  scene_target(&stage.scene, "elb", MIRROR_TARGET_ELB, "10.0.0.100");
  scene_session(&stage.scene, "session", 1, "filter", "elb", eni_b_and_c, 2);
  scene_commit(&stage.scene);

  for (size_t i = 0; i < sizeof packets / sizeof packets[0]; i++) {
    struct packet_parts parts = {.family = 4,
                                 .source = packets[i].from,
                                 .destination = packets[i].to,
                                 .protocol = 6,
                                 .source_port = 1000,
                                 .destination_port = 80};
    mirror_verdict verdict = stage_pass(&stage, packets[i].source, packets[i].direction, &parts);
    assert_int_equal(verdict.verdict, MIRROR_MIRRORED);
    assert_string_equal(verdict.session_id, "session");
    assert_string_equal(verdict.target_id, "elb");
    assert_memory_equal(stage_copy(&stage).destination, elb, sizeof elb);
  }

  /* Seen from the other side, the same packets match nothing: ingress is what a source receives. */
  struct packet_parts request = {
      .family = 4, .source = ecs_b, .destination = client, .protocol = 6};
  assert_int_equal(stage_pass(&stage, "eni-B", MIRROR_INGRESS, &request).verdict, MIRROR_UNMATCHED);
  stage_close(&stage);
}

static void table_2_stage(struct stage *stage) {
  stage_open(stage);
  scene_filter(&stage->scene, "table-2");
  scene_rule(&stage->scene, "table-2",
             "ingress 1 accept IPv4 TCP 172.16.0.0/24#10000-10001 10.0.0.3/32#80-80");
  scene_rule(&stage->scene, "table-2",
             "egress 1 reject IPv4 ALL 192.168.0.0/24#any 10.2.0.0/24#any");
  scene_source(&stage->scene, "eni", 1500);
  scene_target(&stage->scene, "target", MIRROR_TARGET_ENI, "10.0.0.100");
  scene_session(&stage->scene, "session", 1, "table-2", "target", eni, 1);
  scene_commit(&stage->scene);
}

/* Table 2, ingress rule: each column, at its edges and one beyond. */
static void test_table_2_ingress_rule_column_by_column(void **state) {
  static const struct {
    const char *source, *destination;
    uint16_t source_port, destination_port;
    uint8_t protocol;
    uint32_t verdict;
  } cases[] = {
      {"172.16.0.5", "10.0.0.3", 10000, 80, 6, MIRROR_MIRRORED},
      {"172.16.0.5", "10.0.0.3", 10001, 80, 6, MIRROR_MIRRORED},
      {"172.16.0.0", "10.0.0.3", 10000, 80, 6, MIRROR_MIRRORED},
      {"172.16.0.255", "10.0.0.3", 10000, 80, 6, MIRROR_MIRRORED},
      {"172.15.255.255", "10.0.0.3", 10000, 80, 6, MIRROR_UNMATCHED},
      {"172.16.1.0", "10.0.0.3", 10000, 80, 6, MIRROR_UNMATCHED},
      {"172.16.0.5", "10.0.0.2", 10000, 80, 6, MIRROR_UNMATCHED},
      {"172.16.0.5", "10.0.0.4", 10000, 80, 6, MIRROR_UNMATCHED},
      {"172.16.0.5", "10.0.0.3", 9999, 80, 6, MIRROR_UNMATCHED},
      {"172.16.0.5", "10.0.0.3", 10002, 80, 6, MIRROR_UNMATCHED},
      {"172.16.0.5", "10.0.0.3", 10000, 79, 6, MIRROR_UNMATCHED},
      {"172.16.0.5", "10.0.0.3", 10000, 81, 6, MIRROR_UNMATCHED},
      {"172.16.0.5", "10.0.0.3", 10000, 80, 17, MIRROR_UNMATCHED},
      {"172.16.0.5", "10.0.0.3", 10000, 80, 5, MIRROR_UNMATCHED},
      {"172.16.0.5", "10.0.0.3", 10000, 80, 7, MIRROR_UNMATCHED},
  };
  struct stage stage;
  (void)state;
  table_2_stage(&stage);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct packet_parts parts = {.family = 4,
                                 .source = cases[i].source,
                                 .destination = cases[i].destination,
                                 .protocol = cases[i].protocol,
                                 .source_port = cases[i].source_port,
                                 .destination_port = cases[i].destination_port};
    mirror_verdict verdict = stage_pass(&stage, "eni", MIRROR_INGRESS, &parts);
    if (verdict.verdict != cases[i].verdict)
      fail_msg("case %zu: %s", i, mirror_verdict_name(verdict.verdict));
    /* The rule is of the ingress list: what leaves never meets it. */
    assert_int_equal(stage_pass(&stage, "eni", MIRROR_EGRESS, &parts).verdict, MIRROR_UNMATCHED);
  }
  struct packet_parts v6 = {
      .family = 6, .protocol = 6, .source_port = 10000, .destination_port = 80};
  assert_int_equal(stage_pass(&stage, "eni", MIRROR_INGRESS, &v6).verdict, MIRROR_UNMATCHED);
  stage_close(&stage);
}

/* Table 2, egress rule: any protocol from 192.168.0.0/24 to 10.2.0.0/24 is not mirrored. */
static void test_table_2_egress_rule_rejects(void **state) {
  static const struct {
    const char *source, *destination;
    uint8_t protocol;
    uint32_t verdict;
  } cases[] = {
      {"192.168.0.0", "10.2.0.0", 6, MIRROR_REJECTED},
      {"192.168.0.255", "10.2.0.255", 17, MIRROR_REJECTED},
      {"192.168.0.1", "10.2.0.1", 1, MIRROR_REJECTED},
      {"192.168.0.1", "10.2.0.1", 255, MIRROR_REJECTED},
      {"192.167.255.255", "10.2.0.1", 6, MIRROR_UNMATCHED},
      {"192.168.1.0", "10.2.0.1", 6, MIRROR_UNMATCHED},
      {"192.168.0.1", "10.1.255.255", 6, MIRROR_UNMATCHED},
      {"192.168.0.1", "10.2.1.0", 6, MIRROR_UNMATCHED},
  };
  struct stage stage;
  (void)state;
  table_2_stage(&stage);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct packet_parts parts = {.family = 4,
                                 .source = cases[i].source,
                                 .destination = cases[i].destination,
                                 .protocol = cases[i].protocol};
    mirror_verdict verdict = stage_pass(&stage, "eni", MIRROR_EGRESS, &parts);
    if (verdict.verdict != cases[i].verdict)
      fail_msg("case %zu: %s", i, mirror_verdict_name(verdict.verdict));
    assert_int_equal(verdict.rule_priority, verdict.verdict == MIRROR_REJECTED);
  }
  stage_close(&stage);
}

/* Figure 2: one source in sessions A (priority 1) and B (priority 2); both match. */
static void figure_2(const char *rule_of_a, const char *rule_of_b, uint32_t expected) {
  struct stage stage;
  stage_open(&stage);
  scene_filter(&stage.scene, "filter-A");
  scene_filter(&stage.scene, "filter-B");
  scene_rule(&stage.scene, "filter-A", rule_of_a);
  scene_rule(&stage.scene, "filter-B", rule_of_b);
  scene_source(&stage.scene, "eni", 1500);
  scene_target(&stage.scene, "target", MIRROR_TARGET_ENI, "10.0.0.100");
  scene_session(&stage.scene, "B", 2, "filter-B", "target", eni, 1);
  scene_session(&stage.scene, "A", 1, "filter-A", "target", eni, 1);
  scene_commit(&stage.scene);
  struct packet_parts parts = {.family = 4, .protocol = 6};
  mirror_verdict verdict = stage_pass(&stage, "eni", MIRROR_INGRESS, &parts);
  assert_int_equal(verdict.verdict, expected);
  assert_string_equal(verdict.session_id, "A");
  stage_close(&stage);
}

static void test_figure_2_session_a_decides(void **state) {
  (void)state;
  figure_2("ingress 9 accept IPv4 ALL any#any any#any", "ingress 1 reject IPv4 ALL any#any any#any",
           MIRROR_MIRRORED);
  figure_2("ingress 9 reject IPv4 ALL any#any any#any", "ingress 1 accept IPv4 ALL any#any any#any",
           MIRROR_REJECTED);
}

/* Figure 3: rules A (priority 1, reject) and B (priority 2, accept) match: not mirrored. */
static void test_figure_3_rule_a_decides(void **state) {
  struct stage stage;
  (void)state;
  stage_open(&stage);
  scene_filter(&stage.scene, "filter");
  scene_rule(&stage.scene, "filter", "ingress 2 accept IPv4 ALL any#any any#any");
  scene_rule(&stage.scene, "filter", "ingress 1 reject IPv4 TCP any#any any#any");
  scene_source(&stage.scene, "eni", 1500);
  scene_target(&stage.scene, "target", MIRROR_TARGET_ENI, "10.0.0.100");
  scene_session(&stage.scene, "session", 1, "filter", "target", eni, 1);
  scene_commit(&stage.scene);
  struct packet_parts tcp = {.family = 4, .protocol = 6}, udp = {.family = 4, .protocol = 17};
  mirror_verdict verdict = stage_pass(&stage, "eni", MIRROR_INGRESS, &tcp);
  assert_int_equal(verdict.verdict, MIRROR_REJECTED);
  assert_int_equal(verdict.rule_priority, 1);
  assert_int_equal(stage_pass(&stage, "eni", MIRROR_INGRESS, &udp).verdict, MIRROR_MIRRORED);
  stage_close(&stage);
}

/* A TCP packet of `ip_length` octets in a frame with `tags` VLAN tags; returns its length. */
static uint32_t full_frame(uint32_t ip_length, uint32_t tags, uint8_t frame[PACKET_MAX]) {
  struct packet_parts parts = {.family = 4, .protocol = 6};
  for (uint32_t i = 0; i < tags; i++)
    parts.tags[i] = 0x8100;
  uint32_t ip = PACKET_ETHERNET + 4 * tags, used = packet_build(&parts, frame);
  for (uint32_t i = used; i < ip + ip_length; i++)
    frame[i] = (uint8_t)i;
  frame[ip + 2] = (uint8_t)(ip_length >> 8);
  frame[ip + 3] = (uint8_t)ip_length;
  return ip + ip_length;
}

/*
 * V4: the link carries 1500 octets, which bounds the outer packet; the interface's MTU is 64 less.
 * Its longest frames, with up to two VLAN tags, are copied whole; one MTU more than that is cut.
 */
static void test_v4_mtu_64_below_the_links_truncates_nothing(void **state) {
  enum { LINK_MTU = 1500, INTERFACE_MTU = LINK_MTU - 64 };
  uint8_t frame[PACKET_MAX];
  struct stage stage;
  (void)state;
  stage_open(&stage);
  scene_filter(&stage.scene, "filter");
  scene_rule(&stage.scene, "filter", "egress 1 accept IPv4 ALL any#any any#any");
  scene_source(&stage.scene, "eni", LINK_MTU);
  scene_target(&stage.scene, "target", MIRROR_TARGET_ENI, "10.0.0.100");
  scene_session(&stage.scene, "session", 1, "filter", "target", eni, 1);
  scene_commit(&stage.scene);

  for (uint32_t tags = 0; tags <= 2; tags++) {
    uint32_t length = full_frame(INTERFACE_MTU, tags, frame);
    mirror_verdict verdict = stage_pass_frame(&stage, "eni", MIRROR_EGRESS, frame, length, 0);
    assert_int_equal(verdict.verdict, MIRROR_MIRRORED);
    assert_int_equal(verdict.flags, 0);
    mirror_decapsulated copy = stage_copy(&stage);
    assert_int_equal(copy.inner_length, length);
    assert_memory_equal(copy.inner, frame, length);
    assert_true(stage.copies[0].length - PACKET_ETHERNET <= LINK_MTU);
  }

  uint32_t length = full_frame(LINK_MTU, 0, frame);
  mirror_verdict verdict = stage_pass_frame(&stage, "eni", MIRROR_EGRESS, frame, length, 0);
  assert_int_equal(verdict.flags, MIRROR_CUT_BY_MTU);
  assert_int_equal(verdict.inner_length, LINK_MTU - MIRROR_OVERHEAD_IPV4);
  assert_int_equal(stage.copies[0].length - PACKET_ETHERNET, LINK_MTU);
  stage_close(&stage);
}

/*
 * V5: copies leave past the source's own security group. This one lets only TCP port 80 leave, so
 * no VXLAN, and still the copy of what it lets leave is sent; what it stops is not mirrored (F6).
 */
static void test_v5_security_group_does_not_stop_copies(void **state) {
  mirror_source source;
  struct stage stage;
  (void)state;
  stage_open(&stage);
  scene_filter(&stage.scene, "filter");
  scene_rule(&stage.scene, "filter", "egress 1 accept IPv4 ALL any#any any#any");
  scene_filter(&stage.scene, "group");
  scene_rule(&stage.scene, "group", "egress 1 accept IPv4 TCP any#any any#80-80");
  scene_rule(&stage.scene, "group", "egress 2 reject IPv4 ALL any#any any#any");
  mirror_source_init(&source, sizeof source);
  source.id = "eni";
  source.address = "10.0.0.3";
  source.security_group = "group";
  assert_int_equal(mirror_source_add(stage.scene.change, &source, NULL), MIRROR_OK);
  scene_target(&stage.scene, "target", MIRROR_TARGET_ENI, "10.0.0.100");
  scene_session(&stage.scene, "session", 1, "filter", "target", eni, 1);
  scene_commit(&stage.scene);

  struct packet_parts web = {.family = 4, .protocol = 6, .destination_port = 80};
  struct packet_parts vxlan = {.family = 4, .protocol = 17, .destination_port = MIRROR_VXLAN_PORT};
  assert_int_equal(stage_pass(&stage, "eni", MIRROR_EGRESS, &web).verdict, MIRROR_MIRRORED);
  assert_int_equal(stage_copy(&stage).destination_port, MIRROR_VXLAN_PORT);
  assert_int_equal(stage_pass(&stage, "eni", MIRROR_EGRESS, &vxlan).verdict, MIRROR_BLOCKED);
  stage_close(&stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_table_1_paths_of_mirrored_traffic),
      cmocka_unit_test(test_table_2_ingress_rule_column_by_column),
      cmocka_unit_test(test_table_2_egress_rule_rejects),
      cmocka_unit_test(test_figure_2_session_a_decides),
      cmocka_unit_test(test_figure_3_rule_a_decides),
      cmocka_unit_test(test_v4_mtu_64_below_the_links_truncates_nothing),
      cmocka_unit_test(test_v5_security_group_does_not_stop_copies),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
