/* What is read of an Ethernet frame: the 5-tuple, or why there is none (M4-M8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "packet/octets.h"
#include "packet/view.h"
#include "support/packets.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { IP = 14, IPV4_END = IP + 20, IPV6_END = IP + 40, NONE = -1, FROM = 1234, TO = 80 };

static uint8_t frame[PACKET_MAX];

static mirror_key key_of(uint32_t caplen, uint32_t *why) {
  const mirror_packet packet = packet_of(frame, caplen, MIRROR_LINK_ETHERNET);
  mirror_key key;
  memset(&key, 0xee, sizeof key);
  assert_int_equal(mirror_packet_key(&packet, &key, why), MIRROR_OK);
  return key;
}

/* NONE stands for a field that must not be present. */
static void assert_field(const mirror_key *key, uint32_t flag, uint32_t value, int expected) {
  assert_int_equal((key->present & flag) != 0, expected != NONE);
  assert_int_equal(value, expected == NONE ? 0 : expected);
}

static void assert_seen(uint32_t caplen, int family, int protocol, int from, int to) {
  uint32_t why = 99;
  const mirror_key key = key_of(caplen, &why);
  assert_int_equal(why, 0);
  assert_int_equal(key.family, family);
  assert_field(&key, MIRROR_KEY_PROTOCOL, key.protocol, protocol);
  assert_field(&key, MIRROR_KEY_SOURCE_PORT, key.source_port, from);
  assert_field(&key, MIRROR_KEY_DESTINATION_PORT, key.destination_port, to);
}

static void assert_unparsable(uint32_t caplen, uint32_t expected) {
  static const mirror_key none;
  uint32_t why = 99;
  const mirror_key key = key_of(caplen, &why);
  assert_string_equal(mirror_unparsable_text(why), mirror_unparsable_text(expected));
  assert_int_equal(why, expected);
  assert_memory_equal(&key, &none, sizeof key);
}

static struct packet_parts parts_of(uint32_t family, uint8_t protocol) {
  return (struct packet_parts){
      .family = family, .protocol = protocol, .source_port = FROM, .destination_port = TO};
}

static uint32_t build(uint32_t family, uint8_t protocol) {
  const struct packet_parts parts = parts_of(family, protocol);
  return packet_build(&parts, frame);
}

static uint32_t build_chain(const uint8_t *chain, uint32_t length, uint8_t first,
                            uint8_t protocol) {
  struct packet_parts parts = parts_of(6, protocol);
  parts.middle = chain;
  parts.middle_length = length;
  parts.next = first;
  return packet_build(&parts, frame);
}

static void test_m4_addresses_and_ports(void **state) {
  (void)state;
  uint32_t why;
  const uint8_t source4[16] = {10, 0, 0, 1}, destination4[16] = {192, 168, 1, 2};
  mirror_key key = key_of(build(4, 6), &why);
  assert_memory_equal(key.source, source4, 16);
  assert_memory_equal(key.destination, destination4, 16);
  const uint8_t source6[16] = {0x20, 1, 0x0d, 0xb8, [15] = 1};
  const uint8_t destination6[16] = {0x20, 1, 0x0d, 0xb8, 0, 1, [15] = 2};
  key = key_of(build(6, 17), &why);
  assert_memory_equal(key.source, source6, 16);
  assert_memory_equal(key.destination, destination6, 16);
  assert_int_equal(key.notes, 0);
}

static void test_m8_only_protocols_with_ports_have_ports(void **state) {
  (void)state;
  static const uint8_t with[] = {6, 17, 33, 132, 136};
  for (uint32_t protocol = 0; protocol < 256; protocol++) {
    const bool ports = memchr(with, (int)protocol, sizeof with) != NULL;
    assert_seen(build(4, (uint8_t)protocol), 4, (int)protocol, ports ? FROM : NONE,
                ports ? TO : NONE);
  }
}

static void test_m6_ipv6_protocols(void **state) {
  (void)state;
  static const uint8_t walked[] = {0, 43, 44, 51, 60};
  static const uint8_t with[] = {6, 17, 33, 132, 136};
  for (uint32_t protocol = 0; protocol < 256; protocol++) {
    if (memchr(walked, (int)protocol, sizeof walked)) continue;
    const bool ports = memchr(with, (int)protocol, sizeof with) != NULL;
    assert_seen(build(6, (uint8_t)protocol), 6, (int)protocol, ports ? FROM : NONE,
                ports ? TO : NONE);
  }
}

static void test_m5_one_and_two_tags_are_skipped(void **state) {
  (void)state;
  static const uint16_t tpids[] = {0x8100, 0x88a8, 0x9100};
  struct packet_parts parts = parts_of(4, 6);
  for (uint32_t i = 0; i < 3 * 4; i++) {
    parts.tags[0] = tpids[i / 4];
    parts.tags[1] = i % 4 < 3 ? tpids[i % 4] : 0;
    assert_seen(packet_build(&parts, frame), 4, 6, FROM, TO);
  }
}

static void test_m5_three_tags_or_a_cut_tag_are_unparsable(void **state) {
  (void)state;
  struct packet_parts parts = parts_of(4, 6);
  parts.tags[0] = parts.tags[1] = 0x88a8;
  packet_build(&parts, frame);
  for (uint32_t cut = 14; cut < 22; cut++)
    assert_unparsable(cut, MIRROR_UNPARSABLE_TAG_SHORT);
  assert_unparsable(22, MIRROR_UNPARSABLE_IP_SHORT);
  parts.tags[2] = 0x8100;
  const uint32_t length = packet_build(&parts, frame);
  assert_unparsable(length, MIRROR_UNPARSABLE_TAGS);
  assert_unparsable(22, MIRROR_UNPARSABLE_TAGS);
}

static void test_m4_other_ethertypes_are_unparsable(void **state) {
  (void)state;
  static const uint16_t ethertypes[] = {0x0806, 0x88cc, 0x8847, 0x8864, 38, 0x05ff, 0, 0xffff};
  const uint32_t length = build(4, 6);
  for (uint32_t i = 0; i < COUNT(ethertypes); i++) {
    mri_put16(frame + 12, ethertypes[i]);
    assert_unparsable(length, MIRROR_UNPARSABLE_NOT_IP);
  }
}

static void test_m4_fixed_header_must_be_whole_and_true(void **state) {
  (void)state;
  const uint32_t length = build(4, 6);
  for (uint32_t cut = 0; cut < IP; cut++)
    assert_unparsable(cut, MIRROR_UNPARSABLE_LINK_SHORT);
  for (uint32_t cut = IP; cut < IPV4_END; cut++)
    assert_unparsable(cut, MIRROR_UNPARSABLE_IP_SHORT);
  frame[IP] = 0x44;
  assert_unparsable(length, MIRROR_UNPARSABLE_IP_LENGTH);
  frame[IP] = 0x65;
  assert_unparsable(length, MIRROR_UNPARSABLE_IP_VERSION);
  const uint32_t length6 = build(6, 6);
  for (uint32_t cut = IP; cut < IPV6_END; cut++)
    assert_unparsable(cut, MIRROR_UNPARSABLE_IP_SHORT);
  frame[IP] = 0x45;
  assert_unparsable(length6, MIRROR_UNPARSABLE_IP_VERSION);
}

static void test_m8_one_captured_port_is_enough(void **state) {
  (void)state;
  for (uint32_t family = 4; family <= 6; family += 2) {
    const uint32_t at = family == 4 ? IPV4_END : IPV6_END;
    build(family, 6);
    assert_seen(at, (int)family, 6, NONE, NONE);
    assert_seen(at + 1, (int)family, 6, NONE, NONE);
    assert_seen(at + 2, (int)family, 6, FROM, NONE);
    assert_seen(at + 3, (int)family, 6, FROM, NONE);
    assert_seen(at + 4, (int)family, 6, FROM, TO);
  }
}

static void test_m8_ipv4_options(void **state) {
  (void)state;
  uint8_t options[40];
  memset(options, 1, sizeof options);
  struct packet_parts parts = parts_of(4, 6);
  parts.middle = options;
  for (parts.middle_length = 4; parts.middle_length <= 40; parts.middle_length += 4) {
    const uint32_t length = packet_build(&parts, frame);
    assert_seen(length, 4, 6, FROM, TO);
    assert_seen(IPV4_END + parts.middle_length - 1, 4, 6, NONE, NONE);
    assert_seen(IPV4_END + parts.middle_length + 2, 4, 6, FROM, NONE);
  }
}

static void test_m8_ipv4_total_length_bounds_the_ports(void **state) {
  (void)state;
  static const struct {
    uint16_t total;
    int from;
    int to;
  } cases[] = {{0, FROM, TO},    {1, NONE, NONE},  {5, NONE, NONE},  {19, NONE, NONE},
               {20, NONE, NONE}, {21, NONE, NONE}, {22, FROM, NONE}, {23, FROM, NONE},
               {24, FROM, TO},   {65535, FROM, TO}};
  const uint32_t length = build(4, 6);
  for (uint32_t i = 0; i < COUNT(cases); i++) {
    mri_put16(frame + IP + 2, cases[i].total);
    assert_seen(length, 4, 6, cases[i].from, cases[i].to);
  }
}

static void test_m8_ipv4_total_length_below_long_header(void **state) {
  (void)state;
  const uint32_t length = build(4, 6);
  frame[IP] = 0x46;
  mri_put16(frame + IP + 2, 23);
  assert_seen(length, 4, 6, NONE, NONE);
}

static void test_m8_ipv6_payload_length_bounds_the_ports(void **state) {
  (void)state;
  static const struct {
    uint16_t payload;
    int from;
    int to;
  } cases[] = {{0, FROM, TO},   {1, NONE, NONE}, {2, FROM, NONE},
               {3, FROM, NONE}, {4, FROM, TO},   {65535, FROM, TO}};
  const uint32_t length = build(6, 6);
  for (uint32_t i = 0; i < COUNT(cases); i++) {
    mri_put16(frame + IP + 4, cases[i].payload);
    assert_seen(length, 6, 6, cases[i].from, cases[i].to);
  }
}

static void test_m7_ipv4_fragments(void **state) {
  (void)state;
  static const struct {
    uint16_t field;
    int from;
    int to;
    uint8_t notes;
  } cases[] = {{0x2000, FROM, TO, MIRROR_KEY_FIRST_FRAGMENT},
               {0x2001, NONE, NONE, MIRROR_KEY_LATER_FRAGMENT},
               {0x0001, NONE, NONE, MIRROR_KEY_LATER_FRAGMENT},
               {0x1fff, NONE, NONE, MIRROR_KEY_LATER_FRAGMENT},
               {0xc000, FROM, TO, 0}}; /* reserved bit and DF */
  struct packet_parts parts = parts_of(4, 17);
  parts.id = 0x1234;
  for (uint32_t i = 0; i < COUNT(cases); i++) {
    parts.fragment = cases[i].field;
    const uint32_t length = packet_build(&parts, frame);
    assert_seen(length, 4, 17, cases[i].from, cases[i].to);
    const mirror_packet packet = packet_of(frame, length, MIRROR_LINK_ETHERNET);
    struct mri_view view;
    mri_view_read(&view, &packet);
    assert_int_equal(view.key.notes, cases[i].notes);
    assert_int_equal(view.fragment_id, cases[i].notes ? 0x1234 : 0);
    assert_int_equal(view.has_transport, cases[i].from != NONE);
  }
}

static void test_m6_extension_headers_in_any_order(void **state) {
  (void)state;
  static const uint8_t kinds[] = {0, 43, 44, 51, 60};
  uint8_t chain[128];
  for (uint32_t n = 0; n < 5 * 5 * 5; n++) {
    const uint8_t chosen[] = {kinds[n / 25], kinds[n / 5 % 5], kinds[n % 5]};
    const uint32_t length = packet_chain(chosen, 3, 17, chain);
    assert_seen(build_chain(chain, length, chosen[0], 17), 6, 17, FROM, TO);
  }
}

static void test_m6_esp_and_no_next_header_end_the_walk(void **state) {
  (void)state;
  static const uint8_t ends[] = {50, 59, 135};
  const uint8_t kinds[] = {0, 60};
  uint8_t chain[64];
  for (uint32_t i = 0; i < COUNT(ends); i++) {
    const uint32_t length = packet_chain(kinds, 2, ends[i], chain);
    assert_seen(build_chain(chain, length, 0, ends[i]), 6, ends[i], NONE, NONE);
  }
}

static void test_m6_ah_in_ipv4_is_a_protocol(void **state) {
  (void)state;
  assert_seen(build(4, 51), 4, 51, NONE, NONE);
}

static void test_m6_protocol_is_known_with_its_octet(void **state) {
  (void)state;
  const uint8_t kinds[] = {0, 43, 51};
  uint8_t chain[64];
  const uint32_t length = packet_chain(kinds, 3, 6, chain), last = IPV6_END + length - 24;
  build_chain(chain, length, 0, 6);
  for (uint32_t cut = IPV6_END; cut <= last; cut++)
    assert_seen(cut, 6, NONE, NONE, NONE);
  for (uint32_t cut = last + 1; cut < last + 26; cut++)
    assert_seen(cut, 6, 6, NONE, NONE);
  assert_seen(last + 26, 6, 6, FROM, NONE);
}

static void test_m6_extension_longer_than_the_packet(void **state) {
  (void)state;
  static const uint8_t kinds[] = {0, 43, 51, 60};
  uint8_t chain[32];
  for (uint32_t i = 0; i < COUNT(kinds); i++) {
    const uint32_t length = packet_chain(&kinds[i], 1, 6, chain);
    chain[1] = 0xff;
    assert_seen(build_chain(chain, length, kinds[i], 6), 6, 6, NONE, NONE);
  }
}

static void test_m6_ah_length_corners(void **state) {
  (void)state;
  const uint8_t ah = 51;
  uint8_t chain[2048] = {6};
  static const uint8_t lengths[] = {0, 1, 4, 5, 0xff};
  for (uint32_t i = 0; i < COUNT(lengths); i++) {
    chain[1] = lengths[i];
    assert_seen(build_chain(chain, (lengths[i] + 2u) * 4, ah, 6), 6, 6, FROM, TO);
  }
}

static void test_m7_ipv6_fragments(void **state) {
  (void)state;
  const uint8_t kinds[] = {60, 44};
  uint8_t chain[32];
  const uint32_t length = packet_chain(kinds, 2, 17, chain);
  static const struct {
    uint16_t field;
    int from;
    int to;
    uint8_t notes;
  } cases[] = {{1, FROM, TO, MIRROR_KEY_FIRST_FRAGMENT},
               {0, FROM, TO, 0},
               {6, FROM, TO, 0}, /* reserved bits */
               {8, NONE, NONE, MIRROR_KEY_LATER_FRAGMENT},
               {9, NONE, NONE, MIRROR_KEY_LATER_FRAGMENT},
               {0xfff8, NONE, NONE, MIRROR_KEY_LATER_FRAGMENT}};
  mri_put32(chain + 12, 0xfedcba98);
  for (uint32_t i = 0; i < COUNT(cases); i++) {
    mri_put16(chain + 10, cases[i].field);
    const uint32_t total = build_chain(chain, length, 60, 17);
    assert_seen(total, 6, 17, cases[i].from, cases[i].to);
    const mirror_packet packet = packet_of(frame, total, MIRROR_LINK_ETHERNET);
    struct mri_view view;
    mri_view_read(&view, &packet);
    assert_int_equal(view.key.notes, cases[i].notes);
    assert_int_equal(view.fragment_id, cases[i].notes ? 0xfedcba98 : 0);
    assert_int_equal(view.has_transport, cases[i].from != NONE);
  }
}

static void test_m7_later_fragment_of_an_extension_has_no_protocol(void **state) {
  (void)state;
  const uint8_t kinds[] = {44, 60};
  uint8_t chain[32];
  const uint32_t length = packet_chain(kinds, 2, 17, chain);
  mri_put16(chain + 2, 185 << 3);
  assert_seen(build_chain(chain, length, 44, 17), 6, NONE, NONE, NONE);
}

static void test_m6_fragment_header_cut_before_its_offset(void **state) {
  (void)state;
  const uint8_t kind = 44;
  uint8_t chain[8];
  packet_chain(&kind, 1, 17, chain);
  build_chain(chain, 8, 44, 17);
  for (uint32_t cut = IPV6_END + 1; cut < IPV6_END + 10; cut++)
    assert_seen(cut, 6, 17, NONE, NONE);
}

/* A fragment's identification counts once it is all there. */
static void test_m7_fragment_header_cut_before_its_end(void **state) {
  (void)state;
  const uint8_t kind = 44;
  uint8_t chain[8];
  struct mri_view view;
  packet_chain(&kind, 1, 17, chain);
  mri_put16(chain + 2, 9);
  mri_put32(chain + 4, 0xfedcba98);
  build_chain(chain, 8, 44, 17);
  for (uint32_t left = 4; left <= 9; left++) {
    const mirror_packet packet = packet_of(frame, IPV6_END + left, MIRROR_LINK_ETHERNET);
    mri_view_read(&view, &packet);
    assert_int_equal(view.key.notes, MIRROR_KEY_LATER_FRAGMENT);
    assert_int_equal(view.fragment_id, left < 8 ? 0 : 0xfedcba98);
  }
}

/* The offsets that later stages work with; a view of the frame itself, without copying. */
static void test_view_offsets(void **state) {
  (void)state;
  struct packet_parts parts = parts_of(4, 6);
  parts.tags[0] = 0x8100;
  const uint32_t length = packet_build(&parts, frame), padded = length + 6;
  const mirror_packet packet = packet_of(frame, padded, MIRROR_LINK_ETHERNET);
  struct mri_view view;
  mri_view_read(&view, &packet);
  assert_int_equal(view.network, 18);
  assert_int_equal(view.transport, 38);
  assert_int_equal(view.end, length);
  assert_int_equal(view.has_transport, 1);
  assert_int_equal(view.synthesized, 0);
  assert_int_equal(mri_view_inner_length(&view, &packet), padded);
}

/* A whole chain of headers with nothing behind it: an empty transport header starts at the end. */
static void test_view_of_an_empty_transport_header(void **state) {
  (void)state;
  const uint8_t kind = 60;
  uint8_t chain[8];
  packet_chain(&kind, 1, 6, chain);
  build_chain(chain, 8, kind, 6);
  struct mri_view view;
  for (uint32_t cut = 0; cut < 8; cut++) {
    const mirror_packet packet = packet_of(frame, IPV6_END + 8 - cut, MIRROR_LINK_ETHERNET);
    mri_view_read(&view, &packet);
    assert_int_equal(view.has_transport, cut == 0);
  }
  assert_int_equal(view.key.protocol, 6);
  build(4, 6);
  const mirror_packet packet = packet_of(frame, IPV4_END, MIRROR_LINK_ETHERNET);
  mri_view_read(&view, &packet);
  assert_int_equal(view.has_transport, 1);
  assert_int_equal(view.transport, view.end);
}

static void test_m8_padding_is_never_read_as_ports(void **state) {
  (void)state;
  build(4, 6);
  mri_put16(frame + IP + 2, 20);
  assert_seen(60, 4, 6, NONE, NONE);
}

static void test_arguments(void **state) {
  (void)state;
  mirror_packet packet = packet_of(NULL, 0, MIRROR_LINK_ETHERNET);
  mirror_key key;
  uint16_t port;
  assert_int_equal(mirror_packet_key(&packet, &key, NULL), MIRROR_OK);
  assert_int_equal(mirror_packet_key(&packet, NULL, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_packet_key(NULL, &key, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_packet_source_port(&packet, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_packet_source_port(NULL, &port), MIRROR_E_ARGUMENT);
  packet.caplen = 1;
  assert_int_equal(mirror_packet_key(&packet, &key, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_packet_source_port(&packet, &port), MIRROR_E_ARGUMENT);
}

static void test_every_reason_has_its_text(void **state) {
  (void)state;
  for (uint32_t i = 0; i <= MIRROR_UNPARSABLE_LINK_TYPE + 1; i++) {
    assert_non_null(mirror_unparsable_text(i));
    for (uint32_t j = 1; j < i && i <= MIRROR_UNPARSABLE_LINK_TYPE; j++)
      assert_string_not_equal(mirror_unparsable_text(i), mirror_unparsable_text(j));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_m4_addresses_and_ports),
      cmocka_unit_test(test_m8_only_protocols_with_ports_have_ports),
      cmocka_unit_test(test_m6_ipv6_protocols),
      cmocka_unit_test(test_m5_one_and_two_tags_are_skipped),
      cmocka_unit_test(test_m5_three_tags_or_a_cut_tag_are_unparsable),
      cmocka_unit_test(test_m4_other_ethertypes_are_unparsable),
      cmocka_unit_test(test_m4_fixed_header_must_be_whole_and_true),
      cmocka_unit_test(test_m8_one_captured_port_is_enough),
      cmocka_unit_test(test_m8_ipv4_options),
      cmocka_unit_test(test_m8_ipv4_total_length_bounds_the_ports),
      cmocka_unit_test(test_m8_ipv4_total_length_below_long_header),
      cmocka_unit_test(test_m8_ipv6_payload_length_bounds_the_ports),
      cmocka_unit_test(test_m7_ipv4_fragments),
      cmocka_unit_test(test_m6_extension_headers_in_any_order),
      cmocka_unit_test(test_m6_esp_and_no_next_header_end_the_walk),
      cmocka_unit_test(test_m6_ah_in_ipv4_is_a_protocol),
      cmocka_unit_test(test_m6_protocol_is_known_with_its_octet),
      cmocka_unit_test(test_m6_extension_longer_than_the_packet),
      cmocka_unit_test(test_m6_ah_length_corners),
      cmocka_unit_test(test_m7_ipv6_fragments),
      cmocka_unit_test(test_m7_later_fragment_of_an_extension_has_no_protocol),
      cmocka_unit_test(test_m6_fragment_header_cut_before_its_offset),
      cmocka_unit_test(test_m7_fragment_header_cut_before_its_end),
      cmocka_unit_test(test_view_offsets),
      cmocka_unit_test(test_view_of_an_empty_transport_header),
      cmocka_unit_test(test_m8_padding_is_never_read_as_ports),
      cmocka_unit_test(test_arguments),
      cmocka_unit_test(test_every_reason_has_its_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
