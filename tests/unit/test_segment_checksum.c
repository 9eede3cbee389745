/* V6: unfinished checksums of packets that are not segmented. */
#include "packet/unfinished.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "packet/octets.h"
#include "support/guard_page.h"
#include "support/super.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { TCP = 6, UDP = 17, IP = PACKET_ETHERNET };

enum { BEHIND = 64 }; /* octets that stay as they were */

static uint8_t frame[SUPER_MAX], finished[SUPER_MAX];

static uint32_t block_of(const mirror_packet *packet, struct mri_view *view) {
  mri_view_read(view, packet);
  return mri_unfinished_block(view, packet);
}

/* The inner frame of a copy: what is written, and the rest of the packet. */
static void finish(const mirror_packet *packet) {
  struct mri_view view;
  const uint32_t length = block_of(packet, &view);
  const uint32_t first = view.synthesized ? MRI_ETHERNET : 0;
  assert_in_range(length, 1, MIRROR_GSO_HEADERS_MAX);
  assert_int_equal(mri_view_inner_length(&view, packet), packet->caplen - view.skip + first);
  assert_true(length % 2 == 0 || length == mri_view_inner_length(&view, packet));
  memset(finished + length, 0xee, BEHIND);
  mri_unfinished_write(&view, packet, length, finished);
  for (uint32_t i = 0; i < BEHIND; i++)
    assert_int_equal(finished[length + i], 0xee);
  memcpy(finished + length, packet->data + view.skip + length - first,
         packet->caplen - view.skip + first - length);
}

static mirror_packet packet_with(const struct super_parts *parts) {
  mirror_packet packet = super_build(parts, frame);
  packet.gso_type = MIRROR_GSO_NONE;
  return packet;
}

static void test_v6_checksums_are_finished(void **state) {
  (void)state;
  static const uint16_t tags[][4] = {{0}, {0x8100}, {0x88a8, 0x8100}};
  static const uint32_t payloads[] = {0, 1, 2, 333, 1460, 9000};
  for (uint32_t i = 0; i < 4 * COUNT(tags) * COUNT(payloads); i++) {
    struct super_parts parts = {.packet = {.family = i & 1 ? 6 : 4, .protocol = i & 2 ? UDP : TCP},
                                .payload = payloads[i / 4 % COUNT(payloads)]};
    memcpy(parts.packet.tags, tags[i / 4 / COUNT(payloads)], sizeof tags[0]);
    const mirror_packet packet = packet_with(&parts);
    const uint32_t place = (uint32_t)packet.checksum_start + packet.checksum_offset;
    finish(&packet);
    const struct super_frame at = super_parse(finished, packet.caplen, 0);
    assert_true(super_checksum_holds(finished, &at));
    memcpy(finished + place, frame + place, 2); /* all else is as it was */
    assert_memory_equal(finished, frame, packet.caplen);
  }
}

/* Octets behind the IP packet are in the copy, and not in the sum. */
static void test_v6_padding_is_not_summed(void **state) {
  (void)state;
  const struct super_parts parts = {.packet = {.family = 4, .protocol = UDP}, .payload = 5};
  mirror_packet packet = packet_with(&parts);
  memset(frame + packet.caplen, 0x99, 13);
  packet.caplen = packet.length = packet.caplen + 13;
  finish(&packet);
  const struct super_frame at = super_parse(finished, packet.caplen, 13);
  assert_true(super_checksum_holds(finished, &at));
  assert_memory_equal(finished + at.end, frame + at.end, 13);
}

/* V7: behind link headers of every length. */
static void test_v7_synthesized_ethernet(void **state) {
  (void)state;
  static const struct {
    uint16_t link_type, header, ethertype_at;
  } links[] = {
      {MIRROR_LINK_RAW, 0, 0}, {MIRROR_LINK_LINUX_SLL, 16, 14}, {MIRROR_LINK_LINUX_SLL2, 20, 0}};
  for (size_t i = 0; i < COUNT(links); i++) {
    const struct super_parts parts = {.packet = {.family = 6, .protocol = TCP}, .payload = 99};
    const uint32_t header = links[i].header;
    mirror_packet packet = packet_with(&parts);
    memmove(frame + header, frame + IP, packet.caplen - IP);
    memset(frame, 0, header);
    if (header) mri_put16(frame + links[i].ethertype_at, 0x86dd);
    packet.caplen = packet.length = packet.caplen - IP + header;
    packet.link_type = links[i].link_type;
    packet.checksum_start = (uint16_t)(packet.checksum_start - IP + header);
    finish(&packet);
    const struct super_frame at = super_parse(finished, packet.caplen + IP - header, 0);
    assert_true(super_checksum_holds(finished, &at));
  }
}

/* A TCP packet in a VXLAN tunnel, whose checksum is the one that is unfinished. */
static void test_v6_inside_a_tunnel(void **state) {
  (void)state;
  enum { OUTER = IP + 20 + 8 + 8 };
  static uint8_t outer[PACKET_MAX + 4096];
  struct packet_parts tunnel = {.family = 4, .protocol = UDP, .destination_port = 4789};
  const struct super_parts parts = {.packet = {.family = 4, .protocol = TCP}, .payload = 1000};
  const mirror_packet inner = packet_with(&parts);
  packet_build(&tunnel, outer);
  memset(outer + OUTER - 8, 0, 8);
  memcpy(outer + OUTER, inner.data, inner.caplen);
  mri_put16(outer + IP + 2, OUTER - IP + inner.caplen);
  mirror_packet packet = packet_of(outer, OUTER + inner.caplen, MIRROR_LINK_ETHERNET);
  packet.checksum_start = (uint16_t)(OUTER + inner.checksum_start);
  packet.checksum_offset = inner.checksum_offset;
  finish(&packet);
  const struct super_frame at = super_parse(finished + OUTER, inner.caplen, 0);
  assert_true(super_checksum_holds(finished + OUTER, &at));
}

/* RFC 768: a UDP checksum that comes out as 0 is 0xffff. */
static void test_v6_never_0(void **state) {
  (void)state;
  const struct super_parts parts = {.packet = {.family = 4, .protocol = UDP}, .payload = 4};
  const mirror_packet packet = packet_with(&parts);
  uint8_t *payload = frame + packet.caplen - 4;
  finish(&packet);
  const uint32_t raised = mri_get16(payload) + mri_get16(finished + packet.checksum_start + 6);
  mri_put16(payload, raised > 0xffff ? raised - 0xffff : raised);
  finish(&packet);
  assert_int_equal(mri_get16(finished + packet.checksum_start + 6), 0xffff);
}

/* Not in front of the end of the IP header, not behind the end of the packet, not too far behind.
 */
static void test_v6_places_that_make_no_sense(void **state) {
  (void)state;
  const struct super_parts parts = {.packet = {.family = 4, .protocol = TCP}, .payload = 1000};
  mirror_packet packet = packet_with(&parts);
  struct mri_view view;
  for (uint32_t start = 0; start < 1100; start++) {
    for (uint32_t offset = 0; offset < 1100; offset += start < 260 ? 1 : 50) {
      packet.checksum_start = (uint16_t)start;
      packet.checksum_offset = (uint16_t)offset;
      const bool sense = start >= IP + 20 && start + offset + 2 <= MIRROR_GSO_HEADERS_MAX;
      assert_int_equal(block_of(&packet, &view) != 0, sense);
    }
  }
  packet.checksum_start = packet.checksum_offset = 65535;
  assert_int_equal(block_of(&packet, &view), 0);
}

/* Whatever is cut away was part of the sum. */
static void test_v6_cut_at_every_length(void **state) {
  (void)state;
  struct guard_page *octets = guard_page_new(512), *block = guard_page_new(512);
  for (uint32_t i = 0; i < 4; i++) {
    const struct super_parts parts = {
        .packet = {.family = i & 1 ? 6 : 4, .protocol = i & 2 ? UDP : TCP}, .payload = 77};
    const mirror_packet whole = packet_with(&parts);
    for (uint32_t caplen = 0; caplen <= whole.caplen; caplen++) {
      mirror_packet packet = whole;
      struct mri_view view;
      packet.caplen = caplen;
      packet.data = guard_page_at_end(octets, frame, caplen);
      mri_view_read(&view, &packet);
      if (view.key.family == 0) continue;
      const uint32_t length = mri_unfinished_block(&view, &packet);
      assert_int_equal(length != 0, caplen == whole.caplen);
      if (length)
        mri_unfinished_write(&view, &packet, length, guard_page_at_end(block, NULL, length));
    }
  }
  guard_page_free(octets);
  guard_page_free(block);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_v6_checksums_are_finished),
      cmocka_unit_test(test_v6_padding_is_not_summed),
      cmocka_unit_test(test_v7_synthesized_ethernet),
      cmocka_unit_test(test_v6_inside_a_tunnel),
      cmocka_unit_test(test_v6_never_0),
      cmocka_unit_test(test_v6_places_that_make_no_sense),
      cmocka_unit_test(test_v6_cut_at_every_length),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
