/* V6 and V3 of whole taps: one super-frame in, one copy of each of its segments out. */
#include "conformance/recorder.h"
#include "support/guard_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TCP = 6, UDP = 17, PACKETS = 12 };

static uint8_t frames[PACKETS][SUPER_MAX];

static mirror_packet tcp_of(uint32_t number, uint32_t family, uint32_t payload, uint16_t size) {
  const struct super_parts parts = {.packet = {.family = family,
                                               .protocol = TCP,
                                               .source_port = (uint16_t)(1000 + number),
                                               .destination_port = 80},
                                    .tcp_options = 12,
                                    .payload = payload,
                                    .gso_size = size};
  return super_build(&parts, frames[number]);
}

static uint32_t headers_of(const mirror_packet *packet, uint32_t payload) {
  return packet->caplen - payload;
}

/* Copies [first, first + count) are the segments of this packet: checksums and payload. */
static void check_copies(const struct recorder *recorder, const mirror_packet *packet,
                         uint32_t payload, uint32_t first, uint32_t count) {
  const uint8_t *expected = packet->data + headers_of(packet, payload);
  uint32_t joined = 0;
  for (uint32_t k = 0; k < count; k++) {
    const mirror_decapsulated copy = recorder_copy(recorder, first + k);
    const struct super_frame at = super_parse(copy.inner, copy.inner_length, 0);
    assert_true(super_header_holds(copy.inner, &at));
    assert_true(super_checksum_holds(copy.inner, &at));
    assert_memory_equal(copy.inner + at.payload, expected + joined, at.end - at.payload);
    assert_int_equal(recorder->records[first + k].source_port,
                     recorder->records[first].source_port);
    joined += at.end - at.payload;
  }
  assert_int_equal(joined, payload);
}

/* On every layer, over both families, between ordinary packets. */
static void test_v6_every_layer(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 6; i++) {
    struct recorder recorder;
    recorder_init(&recorder, i % 2 ? 6 : 4);
    recorder.layer = MIRROR_LAYER_LINK + i / 2;
    recorder_open(&recorder);
    mirror_packet packets[5];
    for (uint32_t k = 0; k < 5; k++) {
      packets[k] = tcp_of(k, k % 2 ? 6 : 4, k % 2 ? 40000 : 100, 1448);
      if (k % 2 == 0) packets[k].gso_type = MIRROR_GSO_NONE;
    }
    mirror_verdict verdicts[5];
    recorder_pass(&recorder, packets, 5, verdicts);
    assert_int_equal(recorder.count, 3 + 2 * 28);
    check_copies(&recorder, &packets[0], 100, 0, 1);
    check_copies(&recorder, &packets[1], 40000, 1, 28);
    check_copies(&recorder, &packets[2], 100, 29, 1);
    check_copies(&recorder, &packets[3], 40000, 30, 28);
    check_copies(&recorder, &packets[4], 100, 58, 1);
    assert_int_equal(verdicts[0].segments, 1);
    assert_int_equal(verdicts[0].flags, 0);
    assert_int_equal(verdicts[1].segments, 28);
    assert_int_equal(verdicts[1].flags, MIRROR_SEGMENTED);
    assert_int_equal(verdicts[1].refused, 0);
    assert_int_equal(verdicts[1].inner_length, 40000 + 28 * headers_of(&packets[1], 40000));
    recorder_close(&recorder);
  }
}

/* More segments than are sent at a time: in order, with the ordinary packets between them. */
static void test_v6_more_segments_than_room(void **state) {
  (void)state;
  static const uint32_t batches[] = {1, 2, 3, 64, 256};
  for (uint32_t i = 0; i < 5; i++) {
    struct recorder recorder;
    recorder_init(&recorder, 4);
    recorder.batch = batches[i];
    recorder_open(&recorder);
    mirror_packet packets[PACKETS];
    uint32_t first = 0;
    for (uint32_t k = 0; k < PACKETS; k++) {
      packets[k] = tcp_of(k, 4, k % 3 ? 60000 : 10, 64);
      if (k % 3 == 0) packets[k].gso_type = MIRROR_GSO_NONE;
    }
    recorder_pass(&recorder, packets, PACKETS, NULL);
    for (uint32_t k = 0; k < PACKETS; k++) {
      const uint32_t payload = k % 3 ? 60000 : 10, count = (payload + 63) / 64;
      check_copies(&recorder, &packets[k], payload, first, count);
      first += count;
    }
    assert_int_equal(recorder.count, first);
    assert_true(recorder.calls > first / 400);
    const mirror_stats stats = recorder_stats(&recorder);
    assert_int_equal(stats.counters[MIRROR_COUNTER_SENT].packets, first);
    assert_int_equal(stats.counters[MIRROR_COUNTER_SEGMENTS].packets, first - PACKETS);
    recorder_close(&recorder);
  }
}

/* V4: at the MTU that the seed advises nothing of a super-frame is cut, with two tags as well. */
static void test_v4_nothing_is_cut_at_the_advised_mtu(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 4; i++) {
    const struct super_parts parts = {
        .packet = {.family = i % 2 ? 6 : 4,
                   .protocol = i / 2 ? UDP : TCP,
                   .tags = {0x88a8, 0x8100}},
        .payload = 50000,
        .gso_size = (uint16_t)(1436 - (i % 2 ? 40 : 20) - (i / 2 ? 8 : 20))};
    struct recorder recorder;
    recorder_init(&recorder, 4);
    recorder.source.mtu = 1500;
    recorder.target.oversize = MIRROR_OVERSIZE_DROP;
    recorder_open(&recorder);
    const mirror_packet packet = super_build(&parts, frames[0]);
    mirror_verdict verdict;
    recorder_pass(&recorder, &packet, 1, &verdict);
    assert_int_equal(verdict.verdict, MIRROR_MIRRORED);
    assert_int_equal(verdict.flags, MIRROR_SEGMENTED);
    check_copies(&recorder, &packet, 50000, 0, recorder.count);
    assert_int_equal(recorder.records[0].length - PACKET_ETHERNET, 1494);
    recorder_close(&recorder);
  }
}

/* V3: each segment is cut like a packet of its length, whose checksum was whole. */
static void test_v3_segments_are_cut(void **state) {
  (void)state;
  enum { PAYLOAD = 1448 * 3 + 500, HEADERS = 66, WHOLE = HEADERS + 1448, LAST = HEADERS + 500 };
  static const uint32_t lengths[] = {14, 15, 53, 65, 66, 67, 200, 565, 566, 1463, 1514, 65535};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    struct recorder recorder, uncut;
    recorder_init(&uncut, 6);
    recorder_open(&uncut);
    recorder_init(&recorder, 6);
    recorder.source.mtu = 1500;
    recorder.session.packet_length = lengths[i];
    recorder_open(&recorder);
    const mirror_packet packet = tcp_of(0, 4, PAYLOAD, 1448);
    mirror_verdict verdict;
    recorder_pass(&uncut, &packet, 1, NULL);
    recorder_pass(&recorder, &packet, 1, &verdict);
    mirror_count by_length = {0, 0}, by_mtu = {0, 0};
    uint32_t sum = 0;
    for (uint32_t k = 0; k < 4; k++) {
      const uint32_t whole = k < 3 ? WHOLE : LAST, limit = 1500 - MIRROR_OVERHEAD_IPV6;
      const uint32_t allowed = whole < lengths[i] ? whole : lengths[i];
      const uint32_t kept = allowed < limit ? allowed : limit;
      const mirror_decapsulated copy = recorder_copy(&recorder, k);
      assert_int_equal(copy.inner_length, kept);
      assert_memory_equal(copy.inner, recorder_copy(&uncut, k).inner, kept);
      by_length.packets += allowed < whole, by_length.octets += whole - allowed;
      by_mtu.packets += kept < allowed, by_mtu.octets += allowed - kept;
      sum += kept;
    }
    const mirror_stats stats = recorder_stats(&recorder);
    assert_memory_equal(&stats.counters[MIRROR_COUNTER_CUT_BY_LENGTH], &by_length,
                        sizeof by_length);
    assert_memory_equal(&stats.counters[MIRROR_COUNTER_CUT_BY_MTU], &by_mtu, sizeof by_mtu);
    assert_int_equal(verdict.inner_length, sum);
    assert_int_equal(!!(verdict.flags & MIRROR_CUT_BY_LENGTH), by_length.packets > 0);
    assert_int_equal(!!(verdict.flags & MIRROR_CUT_BY_MTU), by_mtu.packets > 0);
    recorder_close(&recorder);
    recorder_close(&uncut);
  }
}

/* V3: a target that wants no cut copies gets a super-frame whole or not at all. */
static void test_v3_oversize_segments_are_dropped(void **state) {
  (void)state;
  struct recorder recorder;
  recorder_init(&recorder, 4);
  recorder.source.mtu = 1500;
  recorder.target.oversize = MIRROR_OVERSIZE_DROP;
  recorder_open(&recorder);
  mirror_verdict verdicts[2];
  const mirror_packet packets[2] = {tcp_of(0, 4, 5000, 1464 - 66), tcp_of(1, 4, 5000, 1464 - 65)};
  recorder_pass(&recorder, packets, 2, verdicts);
  assert_int_equal(verdicts[0].verdict, MIRROR_MIRRORED);
  assert_int_equal(verdicts[1].verdict, MIRROR_DROPPED);
  assert_int_equal(verdicts[1].reason, MIRROR_DROP_OVERSIZE);
  assert_int_equal(verdicts[1].segments, 0);
  assert_int_equal(verdicts[1].inner_length, 0);
  assert_int_equal(recorder.count, 4);
  const mirror_stats stats = recorder_stats(&recorder);
  assert_int_equal(stats.counters[MIRROR_COUNTER_DROPPED_OVERSIZE].packets, 1);
  assert_int_equal(stats.counters[MIRROR_COUNTER_DROPPED_OVERSIZE].octets, packets[1].caplen);
  recorder_close(&recorder);
}

/* What cannot be segmented is one packet, cut and counted. Its checksum is finished as always. */
static void test_v6_what_cannot_be_segmented(void **state) {
  (void)state;
  for (uint32_t open = 0; open < 2; open++) {
    struct recorder recorder;
    recorder_init(&recorder, 4);
    recorder.source.mtu = 1500;
    recorder_open(&recorder);
    mirror_packet packet = tcp_of(0, 4, 5000, 63);
    mirror_verdict verdict;
    if (open) packet.checksum_start = 0;
    recorder_pass(&recorder, &packet, 1, &verdict);
    assert_int_equal(recorder.count, 1);
    assert_int_equal(verdict.segments, 1);
    assert_int_equal(verdict.flags,
                     MIRROR_CUT_BY_MTU | MIRROR_NOT_SEGMENTED | (open ? MIRROR_CHECKSUM_OPEN : 0));
    const mirror_decapsulated copy = recorder_copy(&recorder, 0);
    assert_int_equal(copy.inner_length, 1464);
    memcpy(frames[1], packet.data, packet.caplen);
    memcpy(frames[1], copy.inner, copy.inner_length);
    const struct super_frame at = super_parse(frames[1], packet.caplen, 0);
    assert_int_equal(super_checksum_holds(frames[1], &at), !open);
    const mirror_stats stats = recorder_stats(&recorder);
    assert_int_equal(stats.counters[MIRROR_COUNTER_NOT_SEGMENTED].packets, 1);
    assert_int_equal(stats.counters[MIRROR_COUNTER_NOT_SEGMENTED].octets, packet.caplen);
    assert_int_equal(stats.counters[MIRROR_COUNTER_CHECKSUM_OPEN].packets, open);
    assert_int_equal(stats.counters[MIRROR_COUNTER_SEGMENTS].packets, 0);
    recorder_close(&recorder);
  }
}

/* Unfinished checksums alone, at every cut: what is kept is as in the whole copy. */
static void test_v6_finished_and_cut(void **state) {
  (void)state;
  for (uint32_t length = 14; length <= 80; length++) {
    struct recorder recorder;
    recorder_init(&recorder, 6);
    recorder.session.packet_length = length;
    recorder_open(&recorder);
    mirror_packet packet = tcp_of(0, 4, 9, 0), raw = packet;
    packet.gso_type = raw.gso_type = MIRROR_GSO_NONE;
    raw.data += PACKET_ETHERNET;
    raw.caplen -= PACKET_ETHERNET;
    raw.checksum_start = (uint16_t)(raw.checksum_start - PACKET_ETHERNET);
    raw.link_type = MIRROR_LINK_RAW;
    const mirror_packet packets[2] = {packet, raw};
    recorder_pass(&recorder, packets, 2, NULL);
    for (uint32_t k = 0; k < 2; k++) {
      const mirror_decapsulated copy = recorder_copy(&recorder, k);
      assert_int_equal(copy.inner_length, length < packet.caplen ? length : packet.caplen);
      memcpy(frames[1], packet.data, packet.caplen);
      memcpy(frames[1] + 12, copy.inner + 12, copy.inner_length - 12);
      const struct super_frame at = super_parse(frames[1], packet.caplen, 0);
      assert_int_equal(super_checksum_holds(frames[1], &at),
                       length >= packet.checksum_start + packet.checksum_offset + 2u);
    }
    recorder_close(&recorder);
  }
}

/* Whatever a packet says of itself: every copy decodes, its outer UDP checksum holds, and it fits.
 */
static void test_v6_hostile_packets(void **state) {
  (void)state;
  enum { ROUNDS = 100000, ROOM = 2048 };
  struct recorder recorder;
  struct guard_page *guard = guard_page_new(ROOM);
  mirror_packet real[4];
  uint8_t octets[ROOM];
  uint64_t seed = 0x7375706572, copies = 0;
  recorder_init(&recorder, 6);
  recorder.source.mtu = 300;
  recorder.session.packet_length = 201;
  recorder_open(&recorder);
  for (uint32_t i = 0; i < 4; i++)
    real[i] = tcp_of(i, i % 2 ? 6 : 4, 200 + 300 * i, 100);
  for (uint32_t i = 0; i < ROUNDS; i++) {
    mirror_packet packet = super_hostile(&real[i % 4], octets, &seed);
    mirror_verdict verdict;
    uint32_t sum = 0;
    packet.data = guard_page_at_end(guard, octets, packet.caplen);
    recorder_pass(&recorder, &packet, 1, &verdict);
    assert_int_equal(recorder.count, verdict.segments);
    for (uint32_t k = 0; k < recorder.count; k++)
      sum += recorder_copy(&recorder, k).inner_length;
    assert_int_equal(sum, verdict.inner_length);
    assert_in_range(sum, 0, 201 * verdict.segments);
    copies += recorder.count;
  }
  assert_true(copies > ROUNDS);
  recorder_close(&recorder);
  guard_page_free(guard);
}

/* The tap, matching and an explanation say the same. */
static void test_m9_matching_and_explaining_agree(void **state) {
  (void)state;
  struct recorder recorder;
  recorder_init(&recorder, 4);
  recorder.source.mtu = 1500;
  recorder_open(&recorder);
  mirror_packet packet = tcp_of(0, 4, 5000, 1448);
  mirror_verdict by_tap, by_plan;
  mirror_explanation *explanation;
  mirror_plan *plan;
  recorder_pass(&recorder, &packet, 1, &by_tap);
  packet.source = scene_handle(&recorder.scene, "eni");
  packet.direction = MIRROR_INGRESS;
  assert_int_equal(mirror_plan_acquire(recorder.scene.context, &plan), MIRROR_OK);
  assert_int_equal(mirror_plan_match(plan, &packet, 1, &by_plan), MIRROR_OK);
  assert_memory_equal(&by_plan, &by_tap, sizeof by_tap);
  assert_int_equal(mirror_plan_explain(plan, &packet, &explanation, NULL), MIRROR_OK);
  assert_int_equal(mirror_explanation_verdict(explanation, &by_plan), MIRROR_OK);
  assert_int_equal(by_plan.inner_length, by_tap.inner_length);
  assert_non_null(strstr(mirror_explanation_text(explanation),
                         "5114 of 5264 octets in 4 segments, cut to fit the MTU"));
  mirror_explanation_destroy(explanation);
  mirror_plan_release(plan);
  recorder_close(&recorder);
}

/* F4: limits count what leaves; a super-frame is let through with all of its segments or none. */
static void test_f4_limits_count_copies(void **state) {
  (void)state;
  enum { SEGMENTS = 10, SECOND_NS = 1000000000 };
  for (uint32_t bits = 0; bits < 2; bits++) {
    struct recorder recorder;
    uint32_t kept = 0;
    recorder_init(&recorder, 4);
    mirror_packet packet = tcp_of(0, 4, SEGMENTS * 934, 934);
    if (bits)
      recorder.session.rate_limit_bps = 100 * 1000 * 8;
    else
      recorder.session.rate_limit_pps = 100;
    recorder_open(&recorder);
    for (uint32_t i = 0; i < 10000; i++) { /* for 10 seconds */
      mirror_verdict verdict;
      packet.time_ns = i * (SECOND_NS / 1000ll);
      recorder_pass(&recorder, &packet, 1, &verdict);
      assert_int_equal(recorder.count, verdict.verdict == MIRROR_MIRRORED ? SEGMENTS : 0);
      if (verdict.verdict == MIRROR_DROPPED) assert_int_equal(verdict.reason, MIRROR_DROP_RATE);
      kept += recorder.count;
    }
    assert_in_range(kept, 1080, 1110);
    recorder_close(&recorder);
  }
}

/* A debt that a super-frame leaves is paid before the next packet, be it small. */
static void test_f4_small_limits(void **state) {
  (void)state;
  static const int64_t second_ns = 1000000000;
  struct recorder recorder;
  recorder_init(&recorder, 4);
  recorder.session.rate_limit_pps = 1;
  recorder_open(&recorder);
  mirror_packet packets[3] = {tcp_of(0, 4, 6400, 64), tcp_of(1, 4, 10, 0), tcp_of(1, 4, 10, 0)};
  mirror_verdict verdicts[3];
  packets[1].gso_type = packets[2].gso_type = MIRROR_GSO_NONE;
  packets[1].time_ns = 50 * second_ns;
  packets[2].time_ns = 100 * second_ns;
  recorder_pass(&recorder, packets, 3, verdicts);
  assert_int_equal(verdicts[0].verdict, MIRROR_MIRRORED);
  assert_int_equal(verdicts[0].segments, 100);
  assert_int_equal(verdicts[1].reason, MIRROR_DROP_RATE);
  assert_int_equal(verdicts[2].verdict, MIRROR_MIRRORED);
  recorder_close(&recorder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_v6_every_layer),
      cmocka_unit_test(test_v6_more_segments_than_room),
      cmocka_unit_test(test_v4_nothing_is_cut_at_the_advised_mtu),
      cmocka_unit_test(test_v3_segments_are_cut),
      cmocka_unit_test(test_v3_oversize_segments_are_dropped),
      cmocka_unit_test(test_v6_what_cannot_be_segmented),
      cmocka_unit_test(test_v6_finished_and_cut),
      cmocka_unit_test(test_v6_hostile_packets),
      cmocka_unit_test(test_m9_matching_and_explaining_agree),
      cmocka_unit_test(test_f4_limits_count_copies),
      cmocka_unit_test(test_f4_small_limits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
