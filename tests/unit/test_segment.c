/* V6: what the segments of a super-frame look like, checked without the library's own sums. */
#include "packet/segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "packet/octets.h"
#include "support/packets.h"
#include "support/super.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum {
  BEHIND = 64,
  TCP = 6,
  UDP = 17,
  FIN_PSH = 0x09,
  CWR = 0x80,
  UNCHANGED = 0xff & ~(FIN_PSH | CWR)
};

static uint8_t whole[SUPER_MAX], segment[SUPER_MAX], joined[SUPER_MAX];

static struct mri_super read_super(const mirror_packet *packet, struct mri_view *view) {
  struct mri_super super;
  mri_view_read(view, packet);
  assert_int_equal(mri_super_read(&super, view, packet), MRI_SUPER_YES);
  assert_in_range(super.count, 1, MRI_SEGMENTS_MAX);
  assert_in_range(super.block, 42, MIRROR_GSO_HEADERS_MAX);
  return super;
}

/* Header block and body as one frame, as they would be in a copy. Nothing is written behind the
 * block. */
static uint32_t make_segment(const struct mri_super *super, const struct mri_view *view,
                             const mirror_packet *packet, uint32_t k) {
  const uint32_t length = mri_super_inner(super, packet, k);
  assert_true(length <= sizeof segment && length >= super->block);
  memset(segment, 0xee, super->block + BEHIND);
  mri_super_write(super, view, packet, k, segment);
  for (uint32_t i = 0; i < BEHIND; i++)
    assert_int_equal(segment[super->block + i], 0xee);
  memcpy(segment + super->block, mri_super_body(super, packet, k), length - super->block);
  return length;
}

/* The octets in front of the TCP or UDP header, without those that differ by segment. */
static void check_network(const uint8_t *original, const struct super_frame *at, uint32_t k) {
  uint8_t expected[MIRROR_GSO_HEADERS_MAX];
  memcpy(expected, original, at->transport);
  uint8_t *ip = expected + at->network, *found = segment + at->network;
  if (at->family == 4) {
    assert_int_equal(mri_get16(found + 4), (SUPER_ID + k) & 0xffff);
    memcpy(ip + 2, found + 2, 4); /* length, identification */
    memcpy(ip + 10, found + 10, 2);
  } else {
    memcpy(ip + 4, found + 4, 2);
  }
  assert_memory_equal(segment, expected, at->transport);
}

static void check_tcp(const uint8_t *original, const struct super_frame *at, uint32_t offset,
                      bool last) {
  const uint8_t *tcp = segment + at->transport, *first = original + at->transport;
  assert_int_equal(mri_get32(tcp + 4), (uint32_t)(SUPER_SEQUENCE + offset));
  assert_memory_equal(tcp, first, 4);
  assert_memory_equal(tcp + 8, first + 8, 5);
  assert_int_equal(tcp[13] & FIN_PSH, last ? FIN_PSH : 0);
  assert_int_equal(tcp[13] & CWR, offset == 0 ? CWR : 0);
  assert_int_equal(tcp[13] & UNCHANGED, first[13] & UNCHANGED);
  assert_memory_equal(tcp + 14, first + 14, 2);
  assert_memory_equal(tcp + 18, first + 18, at->payload - at->transport - 18);
}

/* Every segment by itself; then all of them joined. */
static void check_all(const struct super_parts *parts) {
  struct mri_view view;
  const mirror_packet packet = super_build(parts, whole);
  const struct mri_super super = read_super(&packet, &view);
  const uint32_t size = parts->gso_size;
  uint32_t joined_length = 0;
  assert_int_equal(super.count, (parts->payload + size - 1) / size);
  assert_false(super.open);
  for (uint32_t k = 0; k < super.count; k++) {
    const uint32_t length = make_segment(&super, &view, &packet, k);
    const struct super_frame at = super_parse(segment, length, 0);
    assert_true(super_header_holds(segment, &at));
    assert_true(super_checksum_holds(segment, &at));
    check_network(whole, &at, k);
    if (parts->packet.protocol == TCP) check_tcp(whole, &at, k * size, k + 1 == super.count);
    memcpy(joined + joined_length, segment + at.payload, at.end - at.payload);
    joined_length += at.end - at.payload;
    if (k + 1 < super.count) assert_int_equal(at.end - at.payload, size);
  }
  assert_int_equal(joined_length, parts->payload);
  assert_memory_equal(joined, whole + super.payload, joined_length);
}

static void check_sizes(struct super_parts parts) {
  static const uint16_t sizes[] = {64, 65, 536, 1448, 8951};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    const uint32_t payloads[] = {sizes[i] + 1u, 2u * sizes[i] - 1, 2u * sizes[i],
                                 3u * sizes[i] + 7};
    parts.gso_size = sizes[i];
    for (size_t k = 0; k < COUNT(payloads); k++) {
      parts.payload = payloads[k];
      check_all(&parts);
    }
  }
}

static void check_tags(struct super_parts parts) {
  static const uint16_t tags[][4] = {{0}, {0x8100}, {0x88a8, 0x8100}};
  for (size_t i = 0; i < COUNT(tags); i++) {
    memcpy(parts.packet.tags, tags[i], sizeof tags[i]);
    check_sizes(parts);
    if (parts.packet.protocol != TCP) continue;
    parts.tcp_options = 12;
    check_sizes(parts);
    parts.tcp_options = 40;
    check_sizes(parts);
    parts.tcp_options = 0;
  }
}

static void test_v6_ipv4_with_options(void **state) {
  (void)state;
  uint8_t options[40];
  memset(options, 1, sizeof options);
  for (uint32_t length = 0; length <= 40; length += 20) {
    struct super_parts parts = {
        .packet = {.family = 4, .protocol = TCP, .middle = options, .middle_length = length}};
    check_tags(parts);
    parts.packet.protocol = UDP;
    check_tags(parts);
  }
}

static void test_v6_ipv6_with_extension_headers(void **state) {
  (void)state;
  static const uint8_t kinds[] = {0, 60, 43, 44, 51};
  uint8_t chain[96];
  for (uint32_t count = 0; count <= COUNT(kinds); count++) {
    for (uint32_t i = 0; i < 2; i++) {
      const uint8_t protocol = i ? UDP : TCP;
      const struct super_parts parts = {
          .packet = {.family = 6,
                     .protocol = protocol,
                     .middle = chain,
                     .middle_length = packet_chain(kinds, count, protocol, chain),
                     .next = kinds[0]}};
      check_tags(parts);
    }
  }
}

/* As long as an IP packet can be. */
static void test_v6_64_kib(void **state) {
  (void)state;
  static const uint16_t sizes[] = {64, 1448, 9000, 32000};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    for (uint32_t k = 0; k < 4; k++) {
      const uint8_t protocol = k / 2 ? UDP : TCP;
      const uint32_t family = k % 2 ? 6 : 4, transport = protocol == TCP ? 20 : 8;
      const struct super_parts parts = {.packet = {.family = family, .protocol = protocol},
                                        .gso_size = sizes[i],
                                        .payload = 65535 - transport - (family == 4 ? 20 : 0)};
      check_all(&parts);
    }
  }
}

/* V7: a link header that is no Ethernet header gives way to a synthesized one. */
static void test_v7_synthesized_ethernet(void **state) {
  (void)state;
  static const struct {
    uint16_t link_type;
    uint32_t header;
  } links[] = {{MIRROR_LINK_RAW, 0}, {MIRROR_LINK_LINUX_SLL, 16}, {MIRROR_LINK_LINUX_SLL2, 20}};
  for (uint32_t i = 0; i < COUNT(links) * 2; i++) {
    const uint32_t header = links[i / 2].header;
    const struct super_parts parts = {
        .packet = {.family = i % 2 ? 6 : 4, .protocol = TCP}, .payload = 1000, .gso_size = 300};
    mirror_packet packet = super_build(&parts, whole);
    memmove(whole + header, whole + PACKET_ETHERNET, packet.caplen - PACKET_ETHERNET);
    memset(whole, 0, header);
    if (header) mri_put16(whole + (header == 16 ? 14 : 0), i % 2 ? 0x86dd : 0x0800);
    packet.caplen = packet.length = packet.caplen - PACKET_ETHERNET + header;
    packet.checksum_start = (uint16_t)(packet.checksum_start - PACKET_ETHERNET + header);
    packet.link_type = links[i / 2].link_type;
    struct mri_view view;
    const struct mri_super super = read_super(&packet, &view);
    uint32_t captured = 0;
    for (uint32_t k = 0; k < super.count; k++) {
      const uint32_t length = make_segment(&super, &view, &packet, k);
      const struct super_frame at = super_parse(segment, length, 0);
      assert_true(super_header_holds(segment, &at) && super_checksum_holds(segment, &at));
      assert_memory_equal(segment, view.ethernet, MRI_ETHERNET);
      captured += mri_super_captured(&super, &packet, k);
    }
    assert_int_equal(captured, packet.caplen + (super.count - 1) * super.payload);
  }
}

/* What is behind the IP packet stays behind the last segment. */
static void test_v6_octets_behind_the_packet(void **state) {
  (void)state;
  const struct super_parts parts = {
      .packet = {.family = 4, .protocol = TCP}, .payload = 200, .gso_size = 100};
  mirror_packet packet = super_build(&parts, whole);
  struct mri_view view;
  memset(whole + packet.caplen, 0x77, 500);
  packet.caplen += 500;
  const struct mri_super super = read_super(&packet, &view);
  assert_int_equal(super.count, 2);
  super_parse(segment, make_segment(&super, &view, &packet, 0), 0);
  const uint32_t length = make_segment(&super, &view, &packet, 1);
  const struct super_frame at = super_parse(segment, length, 500);
  assert_int_equal(length - at.end, 500);
  assert_true(super_checksum_holds(segment, &at));
  assert_memory_equal(segment + at.end, whole + packet.caplen - 500, 500);
}

/* UDP over IPv4 that has no checksum has none in its segments; with one to be finished, it has. */
static void test_v6_udp_without_checksum(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 4; i++) {
    const uint32_t family = i / 2 ? 6 : 4;
    const struct super_parts parts = {
        .packet = {.family = family, .protocol = UDP}, .payload = 200, .gso_size = 100};
    mirror_packet packet = super_build(&parts, whole);
    struct mri_view view;
    memset(whole + packet.checksum_start + 6, 0, 2);
    if (i % 2) packet.flags = 0;
    const struct mri_super super = read_super(&packet, &view);
    for (uint32_t k = 0; k < super.count; k++) {
      const struct super_frame at =
          super_parse(segment, make_segment(&super, &view, &packet, k), 0);
      const uint32_t found = mri_get16(segment + at.transport + 6);
      if (family == 4 && i % 2)
        assert_int_equal(found, 0);
      else
        assert_true(found != 0 && super_checksum_holds(segment, &at));
    }
  }
}

/* A sum that comes out as 0 is written as 0xffff (RFC 768). */
static void test_v6_udp_checksum_is_never_0(void **state) {
  (void)state;
  const struct super_parts parts = {
      .packet = {.family = 4, .protocol = UDP}, .payload = 200, .gso_size = 100};
  mirror_packet packet = super_build(&parts, whole);
  struct mri_view view;
  struct mri_super super = read_super(&packet, &view);
  make_segment(&super, &view, &packet, 0);
  uint8_t *first = whole + super.payload;
  const uint32_t checksum = mri_get16(segment + super.transport + 6);
  const uint32_t raised = mri_get16(first) + checksum; /* the sum is now all ones */
  mri_put16(first, raised > 0xffff ? raised - 0xffff : raised);
  make_segment(&super, &view, &packet, 0);
  assert_int_equal(mri_get16(segment + super.transport + 6), 0xffff);
}

/* RFC 8200 section 8.1: with segments left, the last stop is in the pseudo-header. */
static void test_v6_routing_headers(void **state) {
  (void)state;
  static const struct {
    uint8_t type, stop;
    bool known;
  } types[] = {{0, 1, true}, {2, 1, true}, {4, 0, true}, {3, 0, false}, {99, 0, false}};
  for (size_t i = 0; i < COUNT(types); i++) {
    uint8_t chain[40] = {TCP, 4, types[i].type, 1};
    for (uint32_t k = 8; k < sizeof chain; k++)
      chain[k] = (uint8_t)(k * 3);
    const struct super_parts parts = {
        .packet = {.family = 6, .protocol = TCP, .middle = chain, .middle_length = 40, .next = 43},
        .payload = 500,
        .gso_size = 200};
    const mirror_packet packet = super_build(&parts, whole);
    struct mri_view view;
    struct mri_super super;
    mri_view_read(&view, &packet);
    const enum mri_super_kind kind = mri_super_read(&super, &view, &packet);
    assert_int_equal(kind, types[i].known ? MRI_SUPER_YES : MRI_SUPER_NONSENSE);
    for (uint32_t k = 0; types[i].known && k < super.count; k++) {
      const uint32_t length = make_segment(&super, &view, &packet, k);
      const struct super_frame at = super_parse(segment, length, 0);
      memcpy(segment + at.network + 24, chain + 8 + 16 * types[i].stop, 16);
      assert_true(super_checksum_holds(segment, &at));
    }
  }
}

static enum mri_super_kind kind_of_chain(const uint8_t *chain, uint32_t length, uint8_t next,
                                         mirror_packet *packet, struct mri_view *view,
                                         struct mri_super *super) {
  const struct super_parts parts = {.packet = {.family = 6,
                                               .protocol = TCP,
                                               .middle = chain,
                                               .middle_length = length,
                                               .next = next},
                                    .payload = 500,
                                    .gso_size = 200};
  *packet = super_build(&parts, whole);
  mri_view_read(view, packet);
  return mri_super_read(super, view, packet);
}

/* A list of one stop is the shortest. */
static void test_v6_short_routing_headers(void **state) {
  (void)state;
  mirror_packet packet;
  struct mri_view view;
  struct mri_super super;
  uint8_t chain[24] = {TCP, 2, 4, 1};
  assert_int_equal(kind_of_chain(chain, 24, 43, &packet, &view, &super), MRI_SUPER_YES);
  assert_int_equal(super.destination, PACKET_ETHERNET + 40 + 8);
  chain[2] = 0;
  assert_int_equal(kind_of_chain(chain, 24, 43, &packet, &view, &super), MRI_SUPER_YES);
  assert_int_equal(super.destination, PACKET_ETHERNET + 40 + 8);
  chain[1] = 1;
  assert_int_equal(kind_of_chain(chain, 16, 43, &packet, &view, &super), MRI_SUPER_NONSENSE);
}

/* It is found behind every other kind, whose length each says in its own way. */
static void test_v6_routing_behind_other_headers(void **state) {
  (void)state;
  static const struct {
    uint8_t kind, length_field;
    uint32_t octets;
  } fronts[] = {{0, 0, 8},  {0, 2, 24},  {60, 0, 8},  {60, 3, 32}, {44, 0, 8},
                {44, 3, 8}, {51, 1, 12}, {51, 4, 24}, {51, 5, 28}};
  for (size_t i = 0; i < COUNT(fronts); i++) {
    const uint32_t octets = fronts[i].octets;
    uint8_t chain[64] = {43, fronts[i].length_field};
    const uint8_t routing[4] = {TCP, 2, 0, 1};
    mirror_packet packet;
    struct mri_view view;
    struct mri_super super;
    memcpy(chain + octets, routing, sizeof routing);
    assert_int_equal(kind_of_chain(chain, octets + 24, fronts[i].kind, &packet, &view, &super),
                     MRI_SUPER_YES);
    assert_int_equal(super.destination, PACKET_ETHERNET + 40 + octets + 8);
    assert_int_equal(super.jumbo, 0);
  }
}

/* Options in front that are no jumbo payload option as Linux writes it stay. */
static void test_v6_other_options_stay(void **state) {
  (void)state;
  static const uint8_t others[][4] = {
      {TCP, 0, 0x05, 4}, {TCP, 0, 0xc2, 2}, {TCP, 0, 0, 4}, {TCP, 1, 0xc2, 4}};
  mirror_packet packet;
  struct mri_view view;
  struct mri_super super;
  for (size_t i = 0; i < COUNT(others); i++) {
    uint8_t chain[16] = {0};
    memcpy(chain, others[i], sizeof others[i]);
    const uint32_t octets = 8u + 8u * chain[1];
    assert_int_equal(kind_of_chain(chain, octets, 0, &packet, &view, &super), MRI_SUPER_YES);
    assert_int_equal(super.jumbo, 0);
  }
  uint8_t chain[16] = {0, 0, 1, 4, 0, 0, 0, 0, TCP, 0, 0xc2, 4}; /* it is not the first header */
  assert_int_equal(kind_of_chain(chain, 16, 0, &packet, &view, &super), MRI_SUPER_YES);
  assert_int_equal(super.jumbo, 0);
  chain[8 + 1] = 0;
  chain[0] = TCP;
  chain[2] = 0xc2;
  assert_int_equal(kind_of_chain(chain, 8, 60, &packet, &view, &super), MRI_SUPER_YES);
  assert_int_equal(super.jumbo, 0); /* nor a hop-by-hop header */
}

/* A jumbo payload option in front, as Linux writes it, is gone from the segments. */
static void test_v6_jumbo_payload_option(void **state) {
  (void)state;
  static const uint8_t jumbo[8] = {60, 0, 0xc2, 4, 0, 1, 0, 0};
  uint8_t chain[16] = {0};
  memcpy(chain, jumbo, sizeof jumbo);
  chain[8] = TCP;
  const struct super_parts parts = {
      .packet = {.family = 6, .protocol = TCP, .middle = chain, .middle_length = 16, .next = 0},
      .payload = 66000,
      .gso_size = 1428};
  const mirror_packet packet = super_build(&parts, whole);
  struct mri_view view;
  mri_put16(whole + PACKET_ETHERNET + 4, 0);
  const struct mri_super super = read_super(&packet, &view);
  assert_int_equal(super.count, (66000 + 1427) / 1428);
  assert_false(mri_super_is_plain(&super, &view, &packet));
  for (uint32_t k = 0; k < super.count; k++) {
    const struct super_frame at = super_parse(segment, make_segment(&super, &view, &packet, k), 0);
    assert_int_equal(segment[at.network + 6], 60);
    assert_int_equal(at.transport - at.network, 48);
    assert_true(super_checksum_holds(segment, &at));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_v6_ipv4_with_options),
      cmocka_unit_test(test_v6_ipv6_with_extension_headers),
      cmocka_unit_test(test_v6_64_kib),
      cmocka_unit_test(test_v7_synthesized_ethernet),
      cmocka_unit_test(test_v6_octets_behind_the_packet),
      cmocka_unit_test(test_v6_udp_without_checksum),
      cmocka_unit_test(test_v6_udp_checksum_is_never_0),
      cmocka_unit_test(test_v6_routing_headers),
      cmocka_unit_test(test_v6_short_routing_headers),
      cmocka_unit_test(test_v6_routing_behind_other_headers),
      cmocka_unit_test(test_v6_other_options_stay),
      cmocka_unit_test(test_v6_jumbo_payload_option),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
