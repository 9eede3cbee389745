/*
 * The whole packet path at every truncation length, with the frame against both ends of a page:
 * reading, the loop guard, fragments, matching, both cuts and the copy touch nothing outside it.
 */
#include "conformance/stage.h"
#include "support/guard_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { IP = PACKET_ETHERNET, SLL = 16, SLL2 = 20, FAMILY = 4, FRAME_MAX = 256 };

static const char *const eni[] = {"eni"};

/* Every IP packet is mirrored over IPv6, whose UDP checksum reads all of the inner frame. */
static void open_bounds(struct stage *stage) {
  mirror_source source;
  stage_open_tracking(stage, 64);
  scene_filter(&stage->scene, "all");
  scene_rule(&stage->scene, "all", "ingress 1 accept IPv4 TCP any#1-2 any#80-80");
  scene_rule(&stage->scene, "all", "ingress 2 accept IPv4 ALL any#any any#any");
  scene_rule(&stage->scene, "all", "ingress 3 accept IPv6 UDP any#1-2 any#80-80");
  scene_rule(&stage->scene, "all", "ingress 4 accept IPv6 ALL any#any any#any");
  mirror_source_init(&source, sizeof source);
  source.id = "eni";
  source.mtu = 120;
  source.mac = "02:00:00:00:00:0b"; /* where packets of support/packets.h go to */
  source.address = "2001:db8:9::1";
  assert_int_equal(mirror_source_add(stage->scene.change, &source, NULL), MIRROR_OK);
  scene_target(&stage->scene, "target", MIRROR_TARGET_ENI, "2001:db8:9::2");
  scene_session(&stage->scene, "session", 1, "all", "target", eni, 1);
  scene_commit(&stage->scene);
}

/* A copy is the beginning of the frame; of link types without Ethernet header, of their payload. */
static void check_copy(const struct stage *stage, const mirror_verdict *verdict,
                       const uint8_t *octets, uint32_t synthesized) {
  if (verdict->verdict != MIRROR_MIRRORED) return;
  mirror_decapsulated copy = stage_copy(stage);
  assert_int_equal(copy.inner_length, verdict->inner_length);
  assert_memory_equal(copy.inner + synthesized, octets, copy.inner_length - synthesized);
}

static mirror_verdict pass(struct stage *stage, const uint8_t *octets, uint32_t length,
                           uint32_t link_type) {
  mirror_packet packet = packet_of(octets, length, link_type);
  packet.direction = link_type == MIRROR_LINK_ETHERNET ? MIRROR_AUTO : MIRROR_INGRESS;
  return stage_pass_packet(stage, "eni", packet);
}

/* `skip`: octets of link header that a synthesized one takes the place of. Returns the verdict on
 * the whole frame. */
static uint32_t cut_everywhere(struct stage *stage, struct guard_page *guard, const uint8_t *octets,
                               uint32_t length, uint32_t link_type, uint32_t skip) {
  const uint32_t synthesized = link_type == MIRROR_LINK_ETHERNET ? 0 : PACKET_ETHERNET;
  uint32_t verdict = 0;
  for (uint32_t caplen = 0; caplen <= length; caplen++) {
    const uint8_t *at = guard_page_at_end(guard, octets, caplen);
    mirror_verdict at_end = pass(stage, at, caplen, link_type);
    check_copy(stage, &at_end, octets + skip, synthesized);
    at = guard_page_at_start(guard, octets, caplen);
    mirror_verdict at_start = pass(stage, at, caplen, link_type);
    check_copy(stage, &at_start, octets + skip, synthesized);
    assert_int_equal(at_end.verdict, at_start.verdict);
    assert_int_equal(at_end.inner_length, at_start.inner_length);
    assert_int_equal(at_end.rule_priority, at_start.rule_priority);
    verdict = at_end.verdict;
  }
  return verdict;
}

/* The same IP packet behind each link header that can stand in front of it (V7). */
static void cut_with_every_link(struct stage *stage, struct guard_page *guard, const uint8_t *frame,
                                uint32_t length, uint32_t family, uint32_t verdict) {
  static const uint8_t no_header[SLL2];
  const struct {
    uint32_t link_type, header;
  } links[] = {{MIRROR_LINK_RAW, 0},
               {MIRROR_LINK_NULL, FAMILY},
               {MIRROR_LINK_LOOP, FAMILY},
               {MIRROR_LINK_LINUX_SLL, SLL},
               {MIRROR_LINK_LINUX_SLL2, SLL2}};
  uint8_t octets[FRAME_MAX];
  assert_int_equal(cut_everywhere(stage, guard, frame, length, MIRROR_LINK_ETHERNET, 0), verdict);
  for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
    uint32_t header = links[i].header;
    memcpy(octets, no_header, header);
    if (header == FAMILY) octets[3] = family == 4 ? 2 : 24;
    if (header == SLL) memcpy(octets + 14, frame + 12, 2);
    if (header == SLL2) memcpy(octets, frame + 12, 2);
    memcpy(octets + header, frame + IP, length - IP);
    assert_int_equal(
        cut_everywhere(stage, guard, octets, length - IP + header, links[i].link_type, header),
        verdict);
  }
}

static void test_m8_packets_of_all_kinds(void **state) {
  static const uint8_t kinds[] = {0, 60, 44};
  uint8_t chain[64], options[20] = {0}, frame[PACKET_MAX];
  const struct packet_parts parts[] = {
      {.family = 4, .protocol = 6, .source_port = 1, .destination_port = 80},
      {.family = 4, .protocol = 17, .middle = options, .middle_length = sizeof options},
      {.family = 4, .protocol = 6, .fragment = 0x2000, .id = 7},
      {.family = 4, .protocol = 6, .fragment = 2, .id = 7},
      {.family = 6, .protocol = 17, .source_port = 1, .destination_port = 80},
      {.family = 6,
       .protocol = 17,
       .middle = chain,
       .middle_length = packet_chain(kinds, 3, 17, chain),
       .next = 0}};
  struct guard_page *guard = guard_page_new(FRAME_MAX);
  struct stage stage;
  (void)state;
  open_bounds(&stage);
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    uint32_t length = packet_build(&parts[i], frame);
    cut_with_every_link(&stage, guard, frame, length, parts[i].family, MIRROR_MIRRORED);
  }
  stage_close(&stage);
  guard_page_free(guard);
}

static void test_m5_vlan_tags(void **state) {
  struct packet_parts parts = {.family = 4, .protocol = 6, .destination_port = 80};
  uint8_t frame[PACKET_MAX];
  struct guard_page *guard = guard_page_new(FRAME_MAX);
  struct stage stage;
  (void)state;
  open_bounds(&stage);
  for (uint32_t tags = 0; tags < 4; tags++) {
    uint32_t length = packet_build(&parts, frame);
    uint32_t verdict = cut_everywhere(&stage, guard, frame, length, MIRROR_LINK_ETHERNET, 0);
    assert_int_equal(verdict, tags < 3 ? MIRROR_MIRRORED : MIRROR_UNPARSABLE);
    parts.tags[tags] = tags == 0 ? 0x88a8 : 0x8100;
  }
  stage_close(&stage);
  guard_page_free(guard);
}

/* F1: a copy is our own from the octet on that completes its VXLAN header. */
static void test_f1_copies_of_our_own(void **state) {
  enum { VXLAN_END = IP + 40 + 8 + 8 };
  struct packet_parts parts = {.family = 4, .protocol = 6};
  uint8_t copy[FRAME_MAX];
  struct guard_page *guard = guard_page_new(FRAME_MAX);
  struct stage stage;
  (void)state;
  open_bounds(&stage);
  stage_pass(&stage, "eni", MIRROR_INGRESS, &parts);
  uint32_t length = stage.copies[0].length;
  memcpy(copy, stage.octets, length);
  cut_with_every_link(&stage, guard, copy, length, 6, MIRROR_OWN);
  for (uint32_t caplen = 0; caplen <= length; caplen++) {
    const uint8_t *at = guard_page_at_end(guard, copy, caplen);
    bool own = pass(&stage, at, caplen, MIRROR_LINK_ETHERNET).verdict == MIRROR_OWN;
    assert_int_equal(own, caplen >= VXLAN_END);
  }
  stage_close(&stage);
  guard_page_free(guard);
}

/* A packet that says it has octets and has none is refused, and the whole call with it. */
static void test_packets_without_octets(void **state) {
  mirror_packet packets[2] = {packet_of(NULL, 0, MIRROR_LINK_ETHERNET),
                              packet_of(NULL, 1, MIRROR_LINK_ETHERNET)};
  mirror_explanation *explanation;
  mirror_verdict verdicts[2];
  mirror_report report;
  mirror_stats stats;
  mirror_plan *plan;
  struct stage stage;
  (void)state;
  open_bounds(&stage);
  assert_int_equal(mirror_plan_acquire(stage.scene.context, &plan), MIRROR_OK);
  assert_int_equal(mirror_plan_match(plan, packets, 2, verdicts), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_plan_match(plan, packets, 1, verdicts), MIRROR_OK);
  mirror_report_init(&report, sizeof report);
  assert_int_equal(mirror_plan_explain(plan, &packets[1], &explanation, &report),
                   MIRROR_E_ARGUMENT);
  mirror_plan_release(plan);
  assert_int_equal(mirror_tap_submit(stage.tap, packets, 2, NULL), MIRROR_E_ARGUMENT);
  mirror_stats_init(&stats, sizeof stats);
  assert_int_equal(mirror_tap_stats(stage.tap, &stats), MIRROR_OK);
  assert_int_equal(stats.received.packets, 0);
  stage_close(&stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_m8_packets_of_all_kinds),
      cmocka_unit_test(test_m5_vlan_tags),
      cmocka_unit_test(test_f1_copies_of_our_own),
      cmocka_unit_test(test_packets_without_octets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
