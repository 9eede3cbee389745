/*
 * V6: super-frames that are cut, damaged or lie about themselves. Nothing outside the captured
 * octets is read, nothing outside the header block is written, and work is bounded.
 */
#include "packet/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "packet/octets.h"
#include "packet/unfinished.h"
#include "support/guard_page.h"
#include "support/super.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { TCP = 6, UDP = 17, ROUNDS = 1000000, FRAME_MAX = 4096 };

static struct guard_page *octets_guard, *block_guard;
static uint8_t whole[SUPER_MAX];

/* Segment k with its header block in guarded memory; returns its length. */
static uint32_t write_guarded(const struct mri_super *super, const struct mri_view *view,
                              const mirror_packet *packet, uint32_t k, uint8_t *segment) {
  uint8_t *block = guard_page_at_end(block_guard, NULL, super->block);
  const uint32_t length = mri_super_inner(super, packet, k);
  mri_super_write(super, view, packet, k, block);
  assert_true(length >= super->block && length <= SUPER_MAX);
  memcpy(segment, block, super->block);
  memcpy(segment + super->block, mri_super_body(super, packet, k), length - super->block);
  return length;
}

/* ---- truncation ---- */

/* Of a cut super-frame: a whole segment is as it would be; in a cut one the checksum is as found.
 */
static void check_cut_segment(const mirror_packet *full, const struct mri_super *cut,
                              const struct mri_view *view, const mirror_packet *packet,
                              uint32_t k) {
  static uint8_t expected[SUPER_MAX], found[SUPER_MAX];
  struct mri_view full_view;
  struct mri_super super;
  mri_view_read(&full_view, full);
  assert_int_equal(mri_super_read(&super, &full_view, full), MRI_SUPER_YES);
  write_guarded(&super, &full_view, full, k, expected);
  const uint32_t length = write_guarded(cut, view, packet, k, found);
  if (cut->open && k + 1 == cut->count)
    memcpy(expected + full->checksum_start + full->checksum_offset,
           full->data + full->checksum_start + full->checksum_offset, 2);
  assert_memory_equal(found, expected, length);
}

static void check_cut(const mirror_packet *full, uint32_t caplen, const uint8_t *at,
                      uint32_t payload) {
  mirror_packet packet = *full;
  struct mri_view view;
  struct mri_super super;
  packet.data = at;
  packet.caplen = caplen;
  mri_view_read(&view, &packet);
  const enum mri_super_kind kind = mri_super_read(&super, &view, &packet);
  assert_int_equal(kind, caplen < payload ? MRI_SUPER_NONSENSE : MRI_SUPER_YES);
  if (kind == MRI_SUPER_NONSENSE) return;
  const uint32_t captured = caplen - payload;
  assert_int_equal(super.count, captured ? (captured + super.size - 1) / super.size : 1);
  assert_int_equal(super.open, caplen < full->caplen && (captured % super.size || !captured));
  for (uint32_t k = 0; k < super.count; k++)
    check_cut_segment(full, &super, &view, &packet, k);
}

static void cut_everywhere(const struct super_parts *parts) {
  const mirror_packet packet = super_build(parts, whole);
  const uint32_t payload = packet.caplen - parts->payload;
  for (uint32_t caplen = 0; caplen <= packet.caplen; caplen++) {
    check_cut(&packet, caplen, guard_page_at_end(octets_guard, whole, caplen), payload);
    check_cut(&packet, caplen, guard_page_at_start(octets_guard, whole, caplen), payload);
  }
}

static void test_v6_cut_at_every_length(void **state) {
  (void)state;
  static const uint8_t kinds[] = {0, 60, 43, 44, 51};
  static const uint16_t tags[][4] = {{0}, {0x8100}, {0x88a8, 0x8100}};
  uint8_t chain[96], options[20];
  memset(options, 1, sizeof options);
  for (uint32_t i = 0; i < 24; i++) {
    struct super_parts parts = {.packet = {.family = i & 1 ? 6 : 4, .protocol = i & 2 ? UDP : TCP},
                                .tcp_options = i & 2 ? 0 : 12,
                                .payload = 70 * 2 + 33,
                                .gso_size = 70};
    memcpy(parts.packet.tags, tags[i / 8], sizeof tags[0]);
    if (i & 4) {
      parts.packet.middle = i & 1 ? chain : options;
      parts.packet.middle_length =
          i & 1 ? packet_chain(kinds, COUNT(kinds), parts.packet.protocol, chain) : 20;
    }
    cut_everywhere(&parts);
  }
}

/* ---- what is no super-frame ---- */

static enum mri_super_kind kind_of(const mirror_packet *packet) {
  struct mri_view view;
  struct mri_super super;
  mri_view_read(&view, packet);
  return mri_super_read(&super, &view, packet);
}

static void test_v6_types_fit_the_protocol(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 4; i++) {
    const struct super_parts parts = {
        .packet = {.family = i & 1 ? 6 : 4, .protocol = i & 2 ? UDP : TCP},
        .payload = 300,
        .gso_size = 100};
    mirror_packet packet = super_build(&parts, whole);
    const uint8_t type = packet.gso_type;
    for (uint32_t other = 0; other < 256; other++) {
      const bool ecn = type != MIRROR_GSO_UDP_L4 && other == (type | MIRROR_GSO_ECN);
      packet.gso_type = (uint8_t)other;
      assert_int_equal(kind_of(&packet), other == MIRROR_GSO_NONE ? MRI_SUPER_NOT
                                         : other == type || ecn   ? MRI_SUPER_YES
                                                                  : MRI_SUPER_NONSENSE);
    }
  }
}

/* A checksum that is unfinished elsewhere is that of a tunnel's inside. */
static void test_v6_tunnels(void **state) {
  (void)state;
  const struct super_parts parts = {
      .packet = {.family = 4, .protocol = UDP}, .payload = 300, .gso_size = 100};
  mirror_packet packet = super_build(&parts, whole);
  for (uint32_t start = 0; start < 200; start++) {
    packet.checksum_start = (uint16_t)start;
    assert_int_equal(kind_of(&packet),
                     start == PACKET_ETHERNET + 20 ? MRI_SUPER_YES : MRI_SUPER_NONSENSE);
  }
  packet.flags = 0;
  assert_int_equal(kind_of(&packet), MRI_SUPER_YES);
}

static void test_v6_limits(void **state) {
  (void)state;
  struct super_parts parts = {
      .packet = {.family = 4, .protocol = TCP}, .payload = 1000, .gso_size = 100};
  mirror_packet packet = super_build(&parts, whole);
  for (uint32_t size = 0; size < MIRROR_GSO_SIZE_MIN; size++) {
    packet.gso_size = (uint16_t)size;
    assert_int_equal(kind_of(&packet), MRI_SUPER_NONSENSE);
  }
  for (uint32_t size = MIRROR_GSO_SIZE_MIN; size < 0xffff; size++) {
    packet.gso_size = (uint16_t)size;
    assert_int_equal(kind_of(&packet), size < 1000               ? MRI_SUPER_YES
                                       : size <= 65535 - 20 - 20 ? MRI_SUPER_NOT
                                                                 : MRI_SUPER_NONSENSE);
  }
  packet.gso_size = 100;
  mri_put16(whole + PACKET_ETHERNET + 2, 0); /* up to the end of the frame, however long */
  packet.length = 54 + MIRROR_GSO_PAYLOAD_MAX;
  assert_int_equal(kind_of(&packet), MRI_SUPER_YES);
  packet.length = UINT32_MAX;
  assert_int_equal(kind_of(&packet), MRI_SUPER_NONSENSE);
}

static void test_v6_headers_that_make_no_sense(void **state) {
  (void)state;
  static const struct {
    uint32_t at;
    uint8_t value;
  } damages[] = {
      {PACKET_ETHERNET + 6, 0x20},    /* a first fragment */
      {PACKET_ETHERNET + 7, 1},       /* a later one */
      {PACKET_ETHERNET + 2, 0},       /* total length below the header's */
      {PACKET_ETHERNET + 9, 132},     /* neither TCP nor UDP */
      {PACKET_ETHERNET, 0x4f},        /* TCP begins elsewhere, where its length is 0 */
      {PACKET_ETHERNET + 20 + 12, 0}, /* data offset below 5 */
      {PACKET_ETHERNET, 0x65},        /* not IPv4 */
      {12, 0x86},                     /* not IP */
  };
  for (size_t i = 0; i < COUNT(damages); i++) {
    const struct super_parts parts = {
        .packet = {.family = 4, .protocol = TCP}, .payload = 212, .gso_size = 100};
    const mirror_packet packet = super_build(&parts, whole);
    memset(whole + 54, 0, 100);
    whole[damages[i].at] = damages[i].value;
    if (i == 2) whole[PACKET_ETHERNET + 3] = 19;
    assert_int_equal(kind_of(&packet), MRI_SUPER_NONSENSE);
  }
}

/* Up to the longest header block there may be, and beyond. */
static void test_v6_long_headers(void **state) {
  (void)state;
  static const uint32_t headers = 14 + 40 + 20;
  uint8_t chain[264];
  for (uint32_t octets = 8; octets <= sizeof chain; octets += 8) {
    memset(chain, 0, sizeof chain);
    chain[0] = TCP;
    chain[1] = (uint8_t)(octets / 8 - 1);
    const struct super_parts parts = {.packet = {.family = 6,
                                                 .protocol = TCP,
                                                 .middle = chain,
                                                 .middle_length = octets,
                                                 .next = 60},
                                      .payload = 300,
                                      .gso_size = 100};
    const mirror_packet packet = super_build(&parts, whole);
    assert_int_equal(kind_of(&packet), headers + octets <= MIRROR_GSO_HEADERS_MAX
                                           ? MRI_SUPER_YES
                                           : MRI_SUPER_NONSENSE);
  }
}

/* ---- hostile ---- */

/* Everything that a tap does with them; returns how many segments there were. */
static uint32_t handle(const mirror_packet *packet) {
  static uint8_t segment[SUPER_MAX];
  struct mri_view view;
  struct mri_super super;
  mri_view_read(&view, packet);
  if (view.key.family == 0) return 0;
  const uint32_t length = mri_unfinished_block(&view, packet);
  assert_in_range(length, 0, MIRROR_GSO_HEADERS_MAX);
  assert_true(length <= mri_view_inner_length(&view, packet));
  if (length)
    mri_unfinished_write(&view, packet, length, guard_page_at_end(block_guard, NULL, length));
  if (mri_super_read(&super, &view, packet) != MRI_SUPER_YES) return 0;
  uint64_t captured = 0;
  assert_in_range(super.count, 1, packet->caplen / MIRROR_GSO_SIZE_MIN + 1);
  for (uint32_t k = 0; k < super.count; k++) {
    write_guarded(&super, &view, packet, k, segment);
    captured += mri_super_captured(&super, packet, k);
  }
  assert_int_equal(captured, packet->caplen + (uint64_t)(super.count - 1) * super.payload);
  return super.count;
}

static void test_v6_random_fields_and_packets(void **state) {
  (void)state;
  static const uint8_t kinds[] = {0, 43, 60};
  static uint8_t frames[8][FRAME_MAX], octets[FRAME_MAX];
  mirror_packet real[8];
  uint8_t chain[96];
  uint64_t seed = 0x7365676d656e74, segments = 0, supers = 0;
  for (uint32_t i = 0; i < 8; i++) {
    struct super_parts parts = {.packet = {.family = i & 1 ? 6 : 4, .protocol = i & 2 ? UDP : TCP},
                                .payload = 150 + 60 * i,
                                .gso_size = 100};
    if (i & 4) parts.packet.tags[0] = 0x8100;
    if (i == 5) {
      parts.packet.middle = chain;
      parts.packet.middle_length = packet_chain(kinds, COUNT(kinds), TCP, chain);
    }
    real[i] = super_build(&parts, whole);
    memcpy(frames[i], whole, real[i].caplen);
    real[i].data = frames[i];
  }
  for (uint32_t i = 0; i < ROUNDS; i++) {
    mirror_packet packet = super_hostile(&real[i % 8], octets, &seed);
    packet.data = i / 8 % 2 ? guard_page_at_end(octets_guard, octets, packet.caplen)
                            : guard_page_at_start(octets_guard, octets, packet.caplen);
    const uint32_t count = handle(&packet);
    segments += count;
    supers += count > 0;
  }
  print_message("%u packets, %u super-frames, %u segments\n", (unsigned)ROUNDS, (unsigned)supers,
                (unsigned)segments);
  assert_true(supers > ROUNDS / 20);
}

static int make_guards(void **state) {
  (void)state;
  octets_guard = guard_page_new(FRAME_MAX);
  block_guard = guard_page_new(MIRROR_GSO_HEADERS_MAX);
  return 0;
}

static int free_guards(void **state) {
  (void)state;
  guard_page_free(octets_guard);
  guard_page_free(block_guard);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_v6_cut_at_every_length),
      cmocka_unit_test(test_v6_types_fit_the_protocol),
      cmocka_unit_test(test_v6_tunnels),
      cmocka_unit_test(test_v6_limits),
      cmocka_unit_test(test_v6_headers_that_make_no_sense),
      cmocka_unit_test(test_v6_long_headers),
      cmocka_unit_test(test_v6_random_fields_and_packets),
  };
  return cmocka_run_group_tests(tests, make_guards, free_guards);
}
