/* M7: later fragments by themselves, and with the verdict of their first one where a tap tracks. */
#include "conformance/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { FIRST = 0x2000, LATER = 0x0005, ENTRIES = 16 };

static const char *const both[] = {"eni-1", "eni-2"};

/* TCP port 80 is mirrored, 81 rejected, all other TCP unmatched; UDP is mirrored by session two. */
static void open_ports(struct stage *stage, uint32_t fragment_entries) {
  struct scene *scene = &stage->scene;
  stage_open_tracking(stage, fragment_entries);
  scene_filter(scene, "ports");
  scene_rule(scene, "ports", "ingress 1 accept IPv4 TCP any#any any#80-80");
  scene_rule(scene, "ports", "ingress 2 reject IPv4 TCP any#any any#81-81");
  scene_rule(scene, "ports", "ingress 3 accept IPv6 TCP any#any any#80-80");
  scene_rule(scene, "ports", "ingress 4 reject IPv6 TCP any#any any#81-81");
  scene_filter(scene, "udp");
  scene_rule(scene, "udp", "ingress 1 accept IPv4 UDP any#any any#any");
  scene_source(scene, both[0], 1500);
  scene_source(scene, both[1], 1500);
  scene_target(scene, "target", MIRROR_TARGET_ENI, "10.9.0.2");
  scene_session(scene, "one", 1, "ports", "target", both, 2);
  scene_session(scene, "two", 2, "udp", "target", both, 2);
  scene_commit(scene);
}

static struct packet_parts piece(uint16_t fragment, uint16_t id, uint16_t port) {
  return (struct packet_parts){.family = 4,
                               .protocol = 6,
                               .source_port = 1000,
                               .destination_port = port,
                               .fragment = fragment,
                               .id = id};
}

static mirror_verdict pass(struct stage *stage, uint16_t fragment, uint16_t id, uint16_t port) {
  struct packet_parts parts = piece(fragment, id, port);
  return stage_pass(stage, "eni-1", MIRROR_INGRESS, &parts);
}

/* The same at a time. */
static mirror_verdict pass_at(struct stage *stage, uint16_t fragment, uint16_t id, uint16_t port,
                              int64_t seconds) {
  struct packet_parts parts = piece(fragment, id, port);
  uint8_t frame[PACKET_MAX];
  mirror_packet packet = packet_of(frame, packet_build(&parts, frame), MIRROR_LINK_ETHERNET);
  packet.direction = MIRROR_INGRESS;
  packet.time_ns = seconds * 1000000000;
  return stage_pass_packet(stage, "eni-1", packet);
}

static void test_m7_without_tracking_each_fragment_stands_alone(void **state) {
  struct packet_parts udp = {.family = 4, .protocol = 17, .fragment = LATER, .id = 7};
  struct stage stage;
  (void)state;
  open_ports(&stage, 0);
  assert_int_equal(pass(&stage, FIRST, 7, 80).verdict, MIRROR_MIRRORED);
  mirror_verdict later = pass(&stage, LATER, 7, 80);
  assert_int_equal(later.verdict, MIRROR_UNMATCHED);
  assert_int_equal(later.flags, 0);
  assert_int_equal(stage_pass(&stage, "eni-1", MIRROR_INGRESS, &udp).verdict, MIRROR_MIRRORED);
  stage_close(&stage);
}

static void test_m7_later_fragments_follow_their_first(void **state) {
  static const struct {
    uint16_t port;
    uint32_t verdict, rule;
  } cases[] = {{80, MIRROR_MIRRORED, 1}, {81, MIRROR_REJECTED, 2}, {82, MIRROR_UNMATCHED, 0}};
  struct stage stage;
  (void)state;
  open_ports(&stage, ENTRIES);
  for (uint16_t i = 0; i < 3; i++) {
    assert_int_equal(pass(&stage, FIRST, i, cases[i].port).verdict, cases[i].verdict);
    for (uint16_t n = 0; n < 3; n++) {
      mirror_verdict later = pass(&stage, (uint16_t)(n == 2 ? LATER : FIRST | LATER), i, 9);
      assert_int_equal(later.verdict, cases[i].verdict);
      assert_int_equal(later.rule_priority, cases[i].rule);
      assert_int_equal(later.flags, MIRROR_BY_FRAGMENT);
    }
  }
  stage_close(&stage);
}

/* A datagram is told by addresses, protocol, id, source and direction. */
static void test_m7_other_datagrams_are_told_apart(void **state) {
  struct stage stage;
  (void)state;
  open_ports(&stage, ENTRIES);
  struct packet_parts parts = piece(LATER, 7, 80);
  struct packet_parts others[] = {parts, parts, parts, parts};
  others[0].source = "10.0.0.2";
  others[1].destination = "10.0.0.2";
  others[2].id = 8;
  others[3].protocol = 132;
  assert_int_equal(pass(&stage, FIRST, 7, 80).verdict, MIRROR_MIRRORED);
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    assert_int_equal(stage_pass(&stage, "eni-1", MIRROR_INGRESS, &others[i]).verdict,
                     MIRROR_UNMATCHED);
  assert_int_equal(stage_pass(&stage, "eni-2", MIRROR_INGRESS, &parts).verdict, MIRROR_UNMATCHED);
  assert_int_equal(stage_pass(&stage, "eni-1", MIRROR_EGRESS, &parts).verdict, MIRROR_UNMATCHED);
  assert_int_equal(stage_pass(&stage, "eni-1", MIRROR_INGRESS, &parts).verdict, MIRROR_MIRRORED);
  stage_close(&stage);
}

static struct packet_parts piece_ipv6(uint8_t header[8], uint16_t field, uint8_t id) {
  static const uint8_t kind = 44;
  const uint32_t length = packet_chain(&kind, 1, 6, header);
  header[2] = (uint8_t)(field >> 8);
  header[3] = (uint8_t)field;
  header[7] = id;
  return (struct packet_parts){.family = 6,
                               .protocol = 6,
                               .destination_port = 80,
                               .middle = header,
                               .middle_length = length,
                               .next = kind};
}

static void test_m7_over_ipv6(void **state) {
  uint8_t header[8];
  struct stage stage;
  (void)state;
  open_ports(&stage, ENTRIES);
  struct packet_parts first = piece_ipv6(header, 1, 7);
  assert_int_equal(stage_pass(&stage, "eni-1", MIRROR_INGRESS, &first).verdict, MIRROR_MIRRORED);
  struct packet_parts other = piece_ipv6(header, 0x28, 8);
  assert_int_equal(stage_pass(&stage, "eni-1", MIRROR_INGRESS, &other).verdict, MIRROR_UNMATCHED);
  struct packet_parts later = piece_ipv6(header, 0x28, 7);
  assert_int_equal(stage_pass(&stage, "eni-1", MIRROR_INGRESS, &later).verdict, MIRROR_MIRRORED);
  stage_close(&stage);
}

/* An id that comes again is of the newer datagram; after a minute, or a commit, of none. */
static void test_m7_what_is_remembered_ends(void **state) {
  struct stage stage;
  (void)state;
  open_ports(&stage, ENTRIES);
  assert_int_equal(pass(&stage, FIRST, 7, 80).verdict, MIRROR_MIRRORED);
  assert_int_equal(pass(&stage, FIRST, 7, 81).verdict, MIRROR_REJECTED);
  assert_int_equal(pass(&stage, LATER, 7, 80).verdict, MIRROR_REJECTED);
  assert_int_equal(pass_at(&stage, LATER, 7, 80, 60).verdict, MIRROR_REJECTED);
  assert_int_equal(pass_at(&stage, LATER, 7, 80, 61).verdict, MIRROR_UNMATCHED);
  assert_int_equal(pass_at(&stage, LATER, 7, 80, -1).verdict, MIRROR_UNMATCHED);
  scene_filter(&stage.scene, "unused");
  scene_commit(&stage.scene);
  assert_int_equal(pass(&stage, LATER, 7, 80).verdict, MIRROR_UNMATCHED);
  stage_close(&stage);
}

/* Memory is bounded: of very many datagrams the latest are remembered. */
static void test_m7_the_latest_datagrams_are_remembered(void **state) {
  enum { DATAGRAMS = 4096 };
  uint32_t remembered = 0;
  struct stage stage;
  (void)state;
  open_ports(&stage, ENTRIES);
  for (uint16_t id = 0; id < DATAGRAMS; id++)
    pass_at(&stage, FIRST, id, 80, id / 1024);
  assert_int_equal(pass_at(&stage, LATER, DATAGRAMS - 1, 80, 4).verdict, MIRROR_MIRRORED);
  for (uint16_t id = 0; id < DATAGRAMS; id++)
    remembered += pass_at(&stage, LATER, id, 80, 4).verdict == MIRROR_MIRRORED;
  assert_in_range(remembered, 4, ENTRIES);
  stage_close(&stage);
}

/* F6: a later fragment that the security group drops is not mirrored with its first one. */
static void test_m7_a_blocked_fragment_stays_blocked(void **state) {
  struct packet_parts parts = piece(LATER, 7, 80);
  uint8_t frame[PACKET_MAX];
  struct stage stage;
  (void)state;
  open_ports(&stage, ENTRIES);
  assert_int_equal(pass(&stage, FIRST, 7, 80).verdict, MIRROR_MIRRORED);
  uint32_t length = packet_build(&parts, frame);
  mirror_verdict later =
      stage_pass_frame(&stage, "eni-1", MIRROR_INGRESS, frame, length, MIRROR_PACKET_BLOCKED);
  assert_int_equal(later.verdict, MIRROR_BLOCKED);
  stage_close(&stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_m7_without_tracking_each_fragment_stands_alone),
      cmocka_unit_test(test_m7_later_fragments_follow_their_first),
      cmocka_unit_test(test_m7_other_datagrams_are_told_apart),
      cmocka_unit_test(test_m7_over_ipv6),
      cmocka_unit_test(test_m7_what_is_remembered_ends),
      cmocka_unit_test(test_m7_the_latest_datagrams_are_remembered),
      cmocka_unit_test(test_m7_a_blocked_fragment_stays_blocked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
