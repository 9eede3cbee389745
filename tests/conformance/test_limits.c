/* F4: sampling by flow, and rate limits by packets and bits. */
#include "conformance/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { SECOND_NS = 1000000000, FRAME = 1000, OCTET_BITS = 8 };

static const char *const eni[] = {"eni"};

static void open_limited(struct stage *stage, uint32_t one_in, uint64_t pps, uint64_t bps) {
  mirror_session session;
  stage_open(stage);
  scene_filter(&stage->scene, "all");
  scene_rule(&stage->scene, "all", "ingress 1 accept IPv4 ALL any#any any#any");
  scene_source(&stage->scene, "eni", 1500);
  scene_target(&stage->scene, "target", MIRROR_TARGET_ENI, "10.9.0.2");
  mirror_session_init(&session, sizeof session);
  session.id = "session";
  session.priority = 1;
  session.filter_id = "all";
  session.target_id = "target";
  session.sources = eni;
  session.source_count = 1;
  if (one_in) session.sample_one_in = one_in;
  if (pps) session.rate_limit_pps = pps;
  if (bps) session.rate_limit_bps = bps;
  assert_int_equal(mirror_session_add(stage->scene.change, &session, NULL), MIRROR_OK);
  scene_commit(&stage->scene);
}

static mirror_verdict pass_flow(struct stage *stage, uint32_t flow, int reply) {
  char client[16];
  snprintf(client, sizeof client, "10.1.%u.%u", flow / 256 % 256, flow % 256);
  const char *server = "10.0.0.3";
  struct packet_parts parts = {.family = 4,
                               .source = reply ? server : client,
                               .destination = reply ? client : server,
                               .protocol = 6,
                               .source_port = reply ? 80 : 1000,
                               .destination_port = reply ? 1000 : 80};
  return stage_pass(stage, "eni", MIRROR_INGRESS, &parts);
}

/* Whole conversations are kept or left out, and about one in N of them is kept. */
static void test_f4_one_flow_in_n_is_kept_whole(void **state) {
  enum { FLOWS = 4000 };
  static const uint32_t one_in[] = {1, 2, 10, 100};
  (void)state;
  for (size_t i = 0; i < sizeof one_in / sizeof one_in[0]; i++) {
    struct stage stage;
    uint32_t kept = 0;
    open_limited(&stage, one_in[i], 0, 0);
    for (uint32_t flow = 0; flow < FLOWS; flow++) {
      mirror_verdict request = pass_flow(&stage, flow, 0), reply = pass_flow(&stage, flow, 1);
      assert_int_equal(request.verdict, reply.verdict);
      kept += request.verdict == MIRROR_MIRRORED;
      if (request.verdict == MIRROR_MIRRORED) continue;
      assert_int_equal(request.verdict, MIRROR_DROPPED);
      assert_int_equal(request.reason, MIRROR_DROP_SAMPLED);
    }
    const uint32_t expected = FLOWS / one_in[i];
    assert_in_range(kept, expected - expected / 3, expected + expected / 3);
    stage_close(&stage);
  }
}

/* A frame of 1000 octets at a time. */
static mirror_verdict pass_at(struct stage *stage, int64_t time_ns) {
  static uint8_t frame[PACKET_MAX];
  struct packet_parts parts = {.family = 4, .protocol = 6};
  packet_build(&parts, frame);
  mirror_packet packet = packet_of(frame, FRAME, MIRROR_LINK_ETHERNET);
  packet.direction = MIRROR_INGRESS;
  packet.time_ns = time_ns;
  return stage_pass_packet(stage, "eni", packet);
}

/* Of `packets` evenly spread over 10 seconds. */
static uint32_t kept_of(struct stage *stage, uint32_t packets) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < packets; i++) {
    mirror_verdict verdict = pass_at(stage, (int64_t)i * 10 * SECOND_NS / packets);
    if (verdict.verdict != MIRROR_MIRRORED) assert_int_equal(verdict.reason, MIRROR_DROP_RATE);
    kept += verdict.verdict == MIRROR_MIRRORED;
  }
  return kept;
}

/* A bucket holds a second's worth: 10 seconds let 11 seconds' worth through. */
static void test_f4_packets_per_second(void **state) {
  struct stage stage;
  (void)state;
  open_limited(&stage, 0, 100, 0);
  assert_in_range(kept_of(&stage, 10000), 1090, 1110);
  stage_close(&stage);
  open_limited(&stage, 0, 100, 0);
  assert_int_equal(kept_of(&stage, 900), 900);
  stage_close(&stage);
}

static void test_f4_bits_per_second(void **state) {
  struct stage stage;
  (void)state;
  open_limited(&stage, 0, 0, 100 * FRAME * OCTET_BITS);
  assert_in_range(kept_of(&stage, 10000), 1090, 1110);
  stage_close(&stage);
}

/* The tighter of both limits holds; a copy that one of them refuses costs the other nothing. */
static void test_f4_both_limits(void **state) {
  struct stage stage;
  (void)state;
  open_limited(&stage, 0, 1000, 50 * FRAME * OCTET_BITS);
  assert_in_range(kept_of(&stage, 10000), 545, 555);
  stage_close(&stage);
}

/* A limit below one packet a second still lets one through now and then; a clock may go back. */
static void test_f4_small_limits_and_clocks(void **state) {
  struct stage stage;
  (void)state;
  open_limited(&stage, 0, 0, 1);
  assert_int_equal(pass_at(&stage, 0).verdict, MIRROR_MIRRORED);
  assert_int_equal(pass_at(&stage, SECOND_NS).verdict, MIRROR_DROPPED);
  assert_int_equal(pass_at(&stage, (int64_t)SECOND_NS * FRAME * OCTET_BITS).verdict,
                   MIRROR_MIRRORED);
  stage_close(&stage);
  open_limited(&stage, 0, 1, 0);
  assert_int_equal(pass_at(&stage, INT64_MAX).verdict, MIRROR_MIRRORED);
  assert_int_equal(pass_at(&stage, 0).verdict, MIRROR_MIRRORED);
  assert_int_equal(pass_at(&stage, INT64_MIN).verdict, MIRROR_DROPPED);
  stage_close(&stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_f4_one_flow_in_n_is_kept_whole),
      cmocka_unit_test(test_f4_packets_per_second),
      cmocka_unit_test(test_f4_bits_per_second),
      cmocka_unit_test(test_f4_both_limits),
      cmocka_unit_test(test_f4_small_limits_and_clocks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
