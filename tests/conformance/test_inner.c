/* V6 on the layer of inner frames: what is left to a device, what is not, and how it is counted. */
#include "conformance/recorder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TCP = 6, UDP = 17, PAYLOAD = 30000, SIZE = 1380, SEGMENTS = 22, COPIES = 64 };

static uint8_t frame[SUPER_MAX];

/* A tap whose output keeps the copies as they were offered, and their octets. */
struct inner {
  struct recorder recorder;
  mirror_output *output;
  mirror_tap *tap;
  mirror_copy copies[COPIES];
  uint8_t octets[COPIES][SUPER_MAX];
  uint32_t count;
  int32_t answer;
};

static int32_t keep(void *user, const mirror_copy *copies, uint32_t count, uint32_t *accepted,
                    mirror_report *report) {
  struct inner *inner = user;
  (void)report;
  *accepted = 0;
  for (uint32_t i = 0; i < count; i++, ++*accepted) {
    assert_true(inner->count < COPIES);
    uint8_t *to = inner->octets[inner->count];
    memcpy(to, copies[i].head, copies[i].head_length);
    memcpy(to + copies[i].head_length, copies[i].body, copies[i].body_length);
    inner->copies[inner->count++] = copies[i];
    if (inner->answer) return inner->answer;
  }
  return MIRROR_OK;
}

static struct inner *inner_open(uint32_t mtu, uint32_t packet_length) {
  struct inner *inner = calloc(1, sizeof *inner);
  mirror_callback_output callback;
  mirror_tap_options options;
  assert_non_null(inner);
  recorder_init(&inner->recorder, 4);
  inner->recorder.source.mtu = mtu;
  inner->recorder.session.packet_length = packet_length;
  recorder_open(&inner->recorder);
  mirror_callback_output_init(&callback, sizeof callback);
  callback.layer = MIRROR_LAYER_INNER;
  callback.user = inner;
  callback.send = keep;
  assert_int_equal(mirror_output_open(inner->recorder.scene.context, "callback:", &callback,
                                      &inner->output, NULL),
                   MIRROR_OK);
  mirror_tap_options_init(&options, sizeof options);
  options.source_id = "eni";
  options.output = inner->output;
  assert_int_equal(mirror_tap_create(inner->recorder.scene.context, &options, &inner->tap, NULL),
                   MIRROR_OK);
  return inner;
}

static void inner_close(struct inner *inner) {
  mirror_tap_destroy(inner->tap);
  mirror_output_close(inner->output);
  recorder_close(&inner->recorder);
  free(inner);
}

static mirror_verdict pass(struct inner *inner, const mirror_packet *packet) {
  mirror_verdict verdict;
  const uint64_t allocations = inner->recorder.allocations;
  inner->count = 0;
  assert_int_equal(mirror_tap_submit(inner->tap, packet, 1, &verdict), MIRROR_OK);
  assert_int_equal(inner->recorder.allocations, allocations);
  return verdict;
}

static mirror_packet build(uint32_t family, uint8_t protocol, uint32_t payload) {
  const struct super_parts parts = {
      .packet = {.family = family, .protocol = protocol}, .payload = payload, .gso_size = SIZE};
  return super_build(&parts, frame);
}

static mirror_count counter(const struct inner *inner, uint32_t which) {
  mirror_stats stats;
  mirror_stats_init(&stats, sizeof stats);
  assert_int_equal(mirror_tap_stats(inner->tap, &stats), MIRROR_OK);
  return stats.counters[which];
}

static void is_left_whole(const struct inner *inner, const mirror_packet *packet, uint32_t first) {
  const mirror_copy *copy = &inner->copies[0];
  assert_int_equal(inner->count, 1);
  assert_int_equal(copy->head_length + copy->body_length, packet->caplen + first);
  assert_memory_equal(inner->octets[0] + first, packet->data, packet->caplen);
  assert_int_equal(copy->gso_type, packet->gso_type);
  assert_int_equal(copy->gso_size, packet->gso_type ? packet->gso_size : 0);
  assert_int_equal(copy->flags, MIRROR_PACKET_NEEDS_CHECKSUM);
  assert_int_equal(copy->checksum_start, packet->checksum_start + first);
  assert_int_equal(copy->checksum_offset, packet->checksum_offset);
}

/* With its Ethernet header and with a synthesized one (V7). */
static void test_v6_super_frames_are_left_whole(void **state) {
  (void)state;
  struct inner *inner = inner_open(1500, MIRROR_ABSENT);
  uint64_t sent = 0;
  for (uint32_t i = 0; i < 8; i++) {
    mirror_packet packet = build(i & 1 ? 6 : 4, i & 2 ? UDP : TCP, PAYLOAD);
    const uint32_t first = i & 4 ? PACKET_ETHERNET : 0;
    packet.data += first;
    packet.caplen -= first;
    packet.length -= first;
    packet.checksum_start = (uint16_t)(packet.checksum_start - first);
    if (first) packet.link_type = MIRROR_LINK_RAW;
    const mirror_verdict verdict = pass(inner, &packet);
    is_left_whole(inner, &packet, first);
    assert_int_equal(inner->copies[0].header_length, packet.caplen + first - PAYLOAD);
    assert_int_equal(inner->copies[0].segments, SEGMENTS);
    assert_int_equal(verdict.segments, SEGMENTS);
    assert_int_equal(verdict.flags, MIRROR_SEGMENTED);
    sent += packet.caplen + (SEGMENTS - 1) * (packet.caplen - PAYLOAD);
    assert_int_equal(counter(inner, MIRROR_COUNTER_SENT).packets, (i + 1) * SEGMENTS);
    assert_int_equal(counter(inner, MIRROR_COUNTER_SENT).octets, sent);
    assert_int_equal(counter(inner, MIRROR_COUNTER_SEGMENTS).packets, (i + 1) * (SEGMENTS - 1));
  }
  inner_close(inner);
}

/* It fails for all of its segments. */
static void test_f3_a_refused_super_frame_is_that_many_copies(void **state) {
  (void)state;
  struct inner *inner = inner_open(1500, MIRROR_ABSENT);
  const mirror_packet packet = build(4, TCP, PAYLOAD);
  inner->answer = MIRROR_E_TOO_LONG;
  const mirror_verdict verdict = pass(inner, &packet);
  const uint64_t octets = packet.caplen + (SEGMENTS - 1) * (uint64_t)(packet.caplen - PAYLOAD);
  assert_int_equal(inner->count, 1);
  assert_int_equal(verdict.refused, SEGMENTS);
  assert_int_equal(verdict.output_status, MIRROR_E_TOO_LONG);
  assert_int_equal(counter(inner, MIRROR_COUNTER_SENT).packets, 0);
  assert_int_equal(counter(inner, MIRROR_COUNTER_SENT).octets, 0);
  assert_int_equal(counter(inner, MIRROR_COUNTER_FAILED_TOO_LONG).packets, SEGMENTS);
  assert_int_equal(counter(inner, MIRROR_COUNTER_FAILED_TOO_LONG).octets, octets);
  inner_close(inner);
}

static void is_segmented(const struct inner *inner, uint32_t count) {
  assert_int_equal(inner->count, count);
  for (uint32_t i = 0; i < count; i++) {
    const mirror_copy *copy = &inner->copies[i];
    assert_int_equal(copy->gso_type, MIRROR_GSO_NONE);
    assert_int_equal(copy->flags, 0);
    assert_int_equal(copy->segments, 1);
  }
}

static void test_v3_what_is_cut_is_segmented(void **state) {
  (void)state;
  static const struct {
    uint32_t mtu, packet_length, longest;
  } cuts[] = {{1000, MIRROR_ABSENT, 964}, {1500, 200, 200}, {1500, 1433, 1433}};
  for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
    struct inner *inner = inner_open(cuts[i].mtu, cuts[i].packet_length);
    const mirror_packet packet = build(4, TCP, PAYLOAD);
    pass(inner, &packet);
    is_segmented(inner, SEGMENTS);
    assert_int_equal(inner->copies[0].head_length + inner->copies[0].body_length, cuts[i].longest);
    inner_close(inner);
  }
}

/* A device would make other packets of these, or none. */
static void test_v6_what_is_not_plain_is_segmented(void **state) {
  (void)state;
  struct inner *inner = inner_open(1500, MIRROR_ABSENT);
  mirror_packet packet = build(4, TCP, PAYLOAD);
  packet.flags = 0; /* the checksum is none of a pseudo-header */
  pass(inner, &packet);
  is_segmented(inner, SEGMENTS);
  packet = build(4, TCP, PAYLOAD);
  packet.caplen += 6; /* octets behind the IP packet */
  packet.length += 6;
  pass(inner, &packet);
  is_segmented(inner, SEGMENTS);
  packet = build(4, TCP, PAYLOAD);
  packet.caplen -= 6; /* cut by the capture */
  pass(inner, &packet);
  is_segmented(inner, SEGMENTS);
  packet = build(4, TCP, PAYLOAD);
  frame[PACKET_ETHERNET + 2] = frame[PACKET_ETHERNET + 3] = 0; /* no length */
  pass(inner, &packet);
  is_segmented(inner, SEGMENTS);
  packet = build(6, TCP, PAYLOAD);
  frame[PACKET_ETHERNET + 4] = frame[PACKET_ETHERNET + 5] = 0;
  pass(inner, &packet);
  is_segmented(inner, SEGMENTS);
  packet = build(4, TCP, PAYLOAD);
  packet.checksum_offset = 6; /* UDP's */
  pass(inner, &packet);
  is_segmented(inner, SEGMENTS);
  inner_close(inner);
}

static bool holds(const struct inner *inner) {
  const mirror_copy *copy = &inner->copies[0];
  const struct super_frame at =
      super_parse(inner->octets[0], copy->head_length + copy->body_length, 6);
  return super_checksum_holds(inner->octets[0], &at);
}

static void test_v6_checksums_are_left_or_finished(void **state) {
  (void)state;
  struct inner *inner = inner_open(1500, MIRROR_ABSENT);
  mirror_packet packet = build(4, TCP, 1000);
  packet.gso_type = MIRROR_GSO_NONE;
  pass(inner, &packet);
  is_left_whole(inner, &packet, 0);
  packet.caplen += 6; /* which a device would add up, too */
  packet.length += 6;
  pass(inner, &packet);
  is_segmented(inner, 1);
  assert_true(holds(inner));
  inner_close(inner);

  inner = inner_open(1500, 500);
  packet = build(4, UDP, 1000);
  pass(inner, &packet);
  is_segmented(inner, 1);
  assert_int_equal(inner->copies[0].head_length + inner->copies[0].body_length, 500);
  inner_close(inner);
}

/* Whatever an input says: nothing of it reaches a device that its frame does not bear out. */
static void test_v6_hostile_packets(void **state) {
  (void)state;
  enum { ROUNDS = 20000 };
  static uint8_t octets[SUPER_MAX];
  uint64_t seed = 11;
  struct inner *inner = inner_open(9000, MIRROR_ABSENT);
  for (uint32_t i = 0; i < ROUNDS; i++) {
    const mirror_packet real = build(i & 1 ? 6 : 4, i & 2 ? UDP : TCP, 10 + i % 4000);
    const mirror_packet packet = super_hostile(&real, octets, &seed);
    const mirror_verdict verdict = pass(inner, &packet);
    uint32_t copies = 0;
    for (uint32_t k = 0; k < inner->count; k++) {
      const mirror_copy *copy = &inner->copies[k];
      const uint32_t length = copy->head_length + copy->body_length;
      copies += copy->segments;
      if (copy->flags)
        assert_true((uint32_t)copy->checksum_start + copy->checksum_offset + 2 <= length);
      if (!copy->gso_type) continue;
      assert_true(copy->flags && copy->gso_size >= MIRROR_GSO_SIZE_MIN);
      assert_true(copy->header_length + copy->gso_size < length && length <= 65535 + 22);
      const struct super_frame at = super_parse(inner->octets[k], length, 0);
      assert_int_equal(at.payload, copy->header_length);
      assert_int_equal(at.transport, copy->checksum_start);
      assert_int_equal(copy->segments,
                       (length - copy->header_length + copy->gso_size - 1) / copy->gso_size);
    }
    if (verdict.verdict == MIRROR_MIRRORED) assert_int_equal(copies, verdict.segments);
  }
  inner_close(inner);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_v6_super_frames_are_left_whole),
      cmocka_unit_test(test_f3_a_refused_super_frame_is_that_many_copies),
      cmocka_unit_test(test_v3_what_is_cut_is_segmented),
      cmocka_unit_test(test_v6_what_is_not_plain_is_segmented),
      cmocka_unit_test(test_v6_checksums_are_left_or_finished),
      cmocka_unit_test(test_v6_hostile_packets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
