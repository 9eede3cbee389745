/* Link types without Ethernet header (V7), and the direction that a link header tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "packet/octets.h"
#include "packet/view.h"
#include "support/guard_page.h"
#include "support/packets.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { HEADER_MAX = 20, ARPHRD_ETHER = 1, BROADCAST = 1, OUTGOING = 4 };

static const uint32_t link_types[] = {
    MIRROR_LINK_NULL,      MIRROR_LINK_ETHERNET, MIRROR_LINK_RAW,  MIRROR_LINK_LOOP,
    MIRROR_LINK_LINUX_SLL, MIRROR_LINK_IPV4,     MIRROR_LINK_IPV6, MIRROR_LINK_LINUX_SLL2,
};

static const uint8_t our_source[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t our_destination[6] = {2, 0, 0, 0, 0, 2};
static const uint8_t card[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};

static uint8_t ethernet[PACKET_MAX];
static uint8_t data[PACKET_MAX + HEADER_MAX];

static struct mri_view read_link(uint32_t link_type, uint32_t caplen) {
  const mirror_packet packet = packet_of(data, caplen, link_type);
  struct mri_view view;
  mri_view_read(&view, &packet);
  return view;
}

static void put_cooked(uint32_t link_type, uint32_t device, uint32_t packet_type,
                       uint32_t address_length, uint32_t protocol) {
  memset(data, 0, link_type == MIRROR_LINK_LINUX_SLL ? 16 : 20);
  if (link_type == MIRROR_LINK_LINUX_SLL) {
    mri_put16(data, packet_type);
    mri_put16(data + 2, device);
    mri_put16(data + 4, address_length);
    memcpy(data + 6, card, sizeof card);
    mri_put16(data + 14, protocol);
  } else {
    mri_put16(data, protocol);
    mri_put16(data + 8, device);
    data[10] = (uint8_t)packet_type;
    data[11] = (uint8_t)address_length;
    memcpy(data + 12, card, sizeof card);
  }
}

/* Writes a link header for an IP version; returns its length. */
static uint32_t put_header(uint32_t link_type, uint32_t family) {
  const uint32_t ethertype = family == 4 ? MIRROR_ETHERTYPE_IPV4 : MIRROR_ETHERTYPE_IPV6;
  switch (link_type) {
    case MIRROR_LINK_NULL:
    case MIRROR_LINK_LOOP:
      mri_put32(data, family == 4 ? 2 : 24);
      return 4;
    case MIRROR_LINK_ETHERNET:
      memcpy(data, ethernet, PACKET_ETHERNET);
      return PACKET_ETHERNET;
    case MIRROR_LINK_LINUX_SLL:
    case MIRROR_LINK_LINUX_SLL2:
      put_cooked(link_type, ARPHRD_ETHER, OUTGOING, 6, ethertype);
      return link_type == MIRROR_LINK_LINUX_SLL ? 16 : 20;
    default:
      return 0;
  }
}

/* Puts `ethernet`'s IP packet behind a header of this link type; returns the header's length. */
static uint32_t put_frame(uint32_t link_type, uint32_t family, uint32_t ethernet_length) {
  const uint32_t header = put_header(link_type, family);
  memcpy(data + header, ethernet + PACKET_ETHERNET, ethernet_length - PACKET_ETHERNET);
  return header;
}

static uint32_t build(uint32_t family) {
  uint8_t chain[64];
  static const uint8_t kinds[] = {0, 51, 60};
  const struct packet_parts parts = {
      .family = family,
      .protocol = 17,
      .source_port = 5353,
      .destination_port = 53,
      .middle = chain,
      .middle_length = family == 6 ? packet_chain(kinds, COUNT(kinds), 17, chain) : 0};
  return packet_build(&parts, ethernet);
}

static bool carries(uint32_t link_type, uint32_t family) {
  return (link_type != MIRROR_LINK_IPV4 || family == 4) &&
         (link_type != MIRROR_LINK_IPV6 || family == 6);
}

/* The packet at data + header reads as the Ethernet frame with the same octets behind its header.
 */
static void assert_like_ethernet(const struct mri_view *view, uint32_t ip_octets, uint32_t header) {
  const mirror_packet packet =
      packet_of(ethernet, PACKET_ETHERNET + ip_octets, MIRROR_LINK_ETHERNET);
  struct mri_view expected;
  mri_view_read(&expected, &packet);
  assert_int_equal(view->key.family, expected.key.family);
  if (expected.why) return;
  assert_memory_equal(&view->key, &expected.key, sizeof expected.key);
  assert_int_equal(view->network, header);
  assert_int_equal(view->end, header + expected.end - PACKET_ETHERNET);
  assert_int_equal(view->has_transport, expected.has_transport);
  assert_int_equal(mri_flow_hash(view), mri_flow_hash(&expected));
  assert_int_equal(view->synthesized, header != PACKET_ETHERNET);
}

static void cut_everywhere(struct guard_page *guard, uint32_t link_type, uint32_t family) {
  const uint32_t length = build(family) - PACKET_ETHERNET;
  const uint32_t header = put_frame(link_type, family, length + PACKET_ETHERNET);
  for (uint32_t caplen = 0; caplen <= header + length; caplen++) {
    const mirror_packet places[] = {
        packet_of(guard_page_at_end(guard, data, caplen), caplen, link_type),
        packet_of(guard_page_at_start(guard, data, caplen), caplen, link_type)};
    for (uint32_t i = 0; i < COUNT(places); i++) {
      struct mri_view view;
      mri_view_read(&view, &places[i]);
      mri_view_direction(&places[i], card);
      assert_true(view.skip <= caplen);
      assert_in_range(mri_view_inner_length(&view, &places[i]), 0, caplen + MRI_ETHERNET);
      if (caplen < header) {
        assert_int_equal(view.why, MIRROR_UNPARSABLE_LINK_SHORT);
        assert_int_equal(view.synthesized, 0);
      } else {
        assert_like_ethernet(&view, caplen - header, header);
      }
    }
  }
}

static void test_v7_every_link_type_at_every_length(void **state) {
  (void)state;
  struct guard_page *guard = guard_page_new(PACKET_MAX);
  for (uint32_t i = 0; i < COUNT(link_types); i++) {
    for (uint32_t family = 4; family <= 6; family += 2)
      if (carries(link_types[i], family)) cut_everywhere(guard, link_types[i], family);
  }
  guard_page_free(guard);
}

static void assert_synthesized(const struct mri_view *view, const uint8_t *destination,
                               const uint8_t *source, uint32_t ethertype, uint32_t skip) {
  assert_int_equal(view->synthesized, 1);
  assert_int_equal(view->skip, skip);
  assert_memory_equal(view->ethernet, destination, 6);
  assert_memory_equal(view->ethernet + 6, source, 6);
  assert_int_equal(mri_get16(view->ethernet + 12), ethertype);
}

static void test_v7_raw_and_loopback_get_constant_addresses(void **state) {
  (void)state;
  static const uint32_t types[] = {MIRROR_LINK_NULL, MIRROR_LINK_LOOP, MIRROR_LINK_RAW,
                                   MIRROR_LINK_IPV4, MIRROR_LINK_IPV6};
  for (uint32_t i = 0; i < COUNT(types) * 2; i++) {
    const uint32_t family = i % 2 ? 6 : 4;
    if (!carries(types[i / 2], family)) continue;
    const uint32_t length = build(family), header = put_frame(types[i / 2], family, length);
    const uint32_t caplen = header + length - PACKET_ETHERNET;
    const struct mri_view view = read_link(types[i / 2], caplen);
    assert_synthesized(&view, our_destination, our_source, family == 4 ? 0x0800 : 0x86dd, header);
    const mirror_packet packet = packet_of(data, caplen, types[i / 2]);
    assert_int_equal(mri_view_inner_length(&view, &packet), length);
  }
}

static void test_v7_raw_tells_the_version_by_its_first_octet(void **state) {
  (void)state;
  const uint32_t length = build(4) - PACKET_ETHERNET;
  put_frame(MIRROR_LINK_RAW, 4, length + PACKET_ETHERNET);
  data[0] = 0x55;
  assert_int_equal(read_link(MIRROR_LINK_RAW, length).why, MIRROR_UNPARSABLE_NOT_IP);
  data[0] = 0x65;
  assert_int_equal(read_link(MIRROR_LINK_IPV4, length).why, MIRROR_UNPARSABLE_IP_VERSION);
  data[0] = 0x45;
  assert_int_equal(read_link(MIRROR_LINK_IPV6, length + 20).why, MIRROR_UNPARSABLE_IP_VERSION);
  assert_int_equal(read_link(MIRROR_LINK_RAW, 0).why, MIRROR_UNPARSABLE_IP_SHORT);
}

static uint32_t family_why(uint32_t link_type, uint32_t number, uint32_t family, bool swapped) {
  const uint32_t caplen = put_frame(link_type, family, build(family)) + 60;
  mri_put32(data, swapped ? number << 24 : number);
  return read_link(link_type, caplen).why;
}

static void test_v7_loopback_families(void **state) {
  (void)state;
  static const uint32_t ipv6[] = {10, 24, 28, 30};
  assert_int_equal(family_why(MIRROR_LINK_NULL, 2, 4, false), 0);
  assert_int_equal(family_why(MIRROR_LINK_NULL, 2, 4, true), 0);
  assert_int_equal(family_why(MIRROR_LINK_LOOP, 2, 4, false), 0);
  assert_int_equal(family_why(MIRROR_LINK_LOOP, 2, 4, true), MIRROR_UNPARSABLE_NOT_IP);
  for (uint32_t i = 0; i < COUNT(ipv6); i++) {
    assert_int_equal(family_why(MIRROR_LINK_NULL, ipv6[i], 6, false), 0);
    assert_int_equal(family_why(MIRROR_LINK_NULL, ipv6[i], 6, true), 0);
    assert_int_equal(family_why(MIRROR_LINK_LOOP, ipv6[i], 6, false), 0);
    assert_int_equal(family_why(MIRROR_LINK_LOOP, ipv6[i], 6, true), MIRROR_UNPARSABLE_NOT_IP);
  }
  assert_int_equal(family_why(MIRROR_LINK_NULL, 7, 4, false), MIRROR_UNPARSABLE_NOT_IP);
  assert_int_equal(family_why(MIRROR_LINK_NULL, 30, 4, false), MIRROR_UNPARSABLE_IP_VERSION);
}

/* A number of four octets: those that are 0 in families count as well. */
static void test_v7_loopback_families_are_read_whole(void **state) {
  (void)state;
  for (uint32_t octet = 1; octet < 3; octet++) {
    const uint32_t more = UINT32_C(1) << 8 * octet;
    assert_int_equal(family_why(MIRROR_LINK_NULL, 2 | more, 4, false), MIRROR_UNPARSABLE_NOT_IP);
    assert_int_equal(family_why(MIRROR_LINK_NULL, UINT32_C(2) << 24 | more, 4, false),
                     MIRROR_UNPARSABLE_NOT_IP);
  }
}

static struct mri_view read_cooked(uint32_t link_type, uint32_t device, uint32_t packet_type,
                                   uint32_t address_length, uint32_t protocol) {
  const uint32_t length = build(4), header = put_frame(link_type, 4, length);
  put_cooked(link_type, device, packet_type, address_length, protocol);
  return read_link(link_type, header + length - PACKET_ETHERNET);
}

static const uint32_t cooked_types[] = {MIRROR_LINK_LINUX_SLL, MIRROR_LINK_LINUX_SLL2};

static void test_v7_linux_cooked_addresses(void **state) {
  (void)state;
  static const uint8_t everyone[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  for (uint32_t i = 0; i < COUNT(cooked_types); i++) {
    const uint32_t skip = i ? 20 : 16;
    struct mri_view view = read_cooked(cooked_types[i], ARPHRD_ETHER, 0, 6, 0x0800);
    assert_synthesized(&view, our_destination, card, 0x0800, skip);
    view = read_cooked(cooked_types[i], ARPHRD_ETHER, BROADCAST, 6, 0x0800);
    assert_synthesized(&view, everyone, card, 0x0800, skip);
    view = read_cooked(cooked_types[i], ARPHRD_ETHER, BROADCAST, 0, 0x0800);
    assert_synthesized(&view, everyone, our_source, 0x0800, skip);
    view = read_cooked(cooked_types[i], 512, 0, 0, 0x0800); /* PPP has no addresses */
    assert_synthesized(&view, our_destination, our_source, 0x0800, skip);
    view = read_cooked(cooked_types[i], 32, 0, 8, 0x0800); /* InfiniBand's do not fit */
    assert_synthesized(&view, our_destination, our_source, 0x0800, skip);
    assert_int_equal(view.key.family, 4);
  }
}

static void test_v7_linux_cooked_without_ethertype_is_not_ip(void **state) {
  (void)state;
  static const uint32_t devices[] = {770, 778, 801, 802, 803, 824};
  static const uint32_t protocols[] = {0x0001, 0x0004, 0x000c, 0x0806, 0x8847};
  for (uint32_t i = 0; i < COUNT(cooked_types); i++) {
    for (uint32_t j = 0; j < COUNT(devices); j++) {
      const struct mri_view view = read_cooked(cooked_types[i], devices[j], 0, 6, 0x0800);
      assert_int_equal(view.why, MIRROR_UNPARSABLE_NOT_IP);
    }
    for (uint32_t j = 0; j < COUNT(protocols); j++) {
      const struct mri_view view = read_cooked(cooked_types[i], ARPHRD_ETHER, 0, 6, protocols[j]);
      assert_int_equal(view.why, MIRROR_UNPARSABLE_NOT_IP);
      assert_int_equal(view.key.family, 0);
    }
  }
}

/* M5 holds behind a cooked header as well: its protocol is the outer tag's. */
static void test_v7_linux_cooked_with_vlan_tags(void **state) {
  (void)state;
  struct packet_parts parts = {.family = 4, .protocol = 6, .destination_port = 443};
  for (uint32_t i = 0; i < COUNT(cooked_types) * 3; i++) {
    const uint32_t link_type = cooked_types[i / 3], tags = i % 3 + 1;
    memset(parts.tags, 0, sizeof parts.tags);
    for (uint32_t tag = 0; tag < tags; tag++)
      parts.tags[tag] = 0x8100;
    const uint32_t length = packet_build(&parts, ethernet);
    const uint32_t header = put_frame(link_type, 4, length);
    mri_put16(data + (link_type == MIRROR_LINK_LINUX_SLL ? 14 : 0), 0x8100);
    const struct mri_view view = read_link(link_type, header + length - PACKET_ETHERNET);
    assert_int_equal(view.why, tags < 3 ? 0 : MIRROR_UNPARSABLE_TAGS);
    assert_int_equal(view.key.destination_port, tags < 3 ? 443 : 0);
    assert_synthesized(&view, our_destination, card, 0x8100, header);
  }
}

static uint32_t direction(uint32_t link_type, uint32_t caplen) {
  const mirror_packet packet = packet_of(data, caplen, link_type);
  return mri_view_direction(&packet, card);
}

static void test_o1_direction_by_source_address(void **state) {
  (void)state;
  memset(data, 0, sizeof data);
  memcpy(data + 6, card, sizeof card);
  assert_int_equal(direction(MIRROR_LINK_ETHERNET, 60), MIRROR_EGRESS);
  assert_int_equal(direction(MIRROR_LINK_ETHERNET, 12), MIRROR_EGRESS);
  assert_int_equal(direction(MIRROR_LINK_ETHERNET, 11), MIRROR_INGRESS);
  memcpy(data, card, sizeof card);
  data[11] ^= 1;
  assert_int_equal(direction(MIRROR_LINK_ETHERNET, 60), MIRROR_INGRESS);
}

static void test_o1_direction_by_cooked_packet_type(void **state) {
  (void)state;
  for (uint32_t i = 0; i < COUNT(cooked_types); i++) {
    for (uint32_t type = 0; type < 8; type++) {
      put_cooked(cooked_types[i], ARPHRD_ETHER, type, 6, 0x0800);
      assert_int_equal(direction(cooked_types[i], 40),
                       type == OUTGOING ? MIRROR_EGRESS : MIRROR_INGRESS);
      assert_int_equal(direction(cooked_types[i], 15), MIRROR_INGRESS);
    }
  }
}

static void test_o1_other_link_types_have_no_direction(void **state) {
  (void)state;
  for (uint32_t i = 0; i < COUNT(link_types); i++) {
    const uint32_t type = link_types[i];
    const bool tells = type == MIRROR_LINK_ETHERNET || type == MIRROR_LINK_LINUX_SLL ||
                       type == MIRROR_LINK_LINUX_SLL2;
    assert_int_equal(mri_link_has_direction(type), tells);
    assert_int_equal(direction(type, 60) != 0, tells);
  }
}

static void test_v7_supported_link_types(void **state) {
  (void)state;
  uint32_t supported = 0;
  for (uint32_t type = 0; type < 300; type++) {
    assert_non_null(mirror_link_type_name(type));
    if (mri_link_supported(type)) {
      supported++;
    } else {
      assert_int_equal(read_link(type, 60).why, MIRROR_UNPARSABLE_LINK_TYPE);
      assert_string_equal(mirror_link_type_name(type), mirror_link_type_name(299));
    }
  }
  assert_int_equal(supported, COUNT(link_types));
  assert_string_equal(mirror_link_type_name(MIRROR_LINK_LINUX_SLL2), "Linux cooked v2");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_v7_every_link_type_at_every_length),
      cmocka_unit_test(test_v7_raw_and_loopback_get_constant_addresses),
      cmocka_unit_test(test_v7_raw_tells_the_version_by_its_first_octet),
      cmocka_unit_test(test_v7_loopback_families),
      cmocka_unit_test(test_v7_loopback_families_are_read_whole),
      cmocka_unit_test(test_v7_linux_cooked_addresses),
      cmocka_unit_test(test_v7_linux_cooked_without_ethertype_is_not_ip),
      cmocka_unit_test(test_v7_linux_cooked_with_vlan_tags),
      cmocka_unit_test(test_o1_direction_by_source_address),
      cmocka_unit_test(test_o1_direction_by_cooked_packet_type),
      cmocka_unit_test(test_o1_other_link_types_have_no_direction),
      cmocka_unit_test(test_v7_supported_link_types),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
