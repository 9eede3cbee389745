/* The VXLAN decapsulator (V8; RFC 7348). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "packet/checksum.h"
#include "packet/octets.h"
#include "support/guard_page.h"
#include "support/tunnel.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define INNER 61u

/* Offsets in a link frame without tags. */
#define IP 14u
#define IPV4_UDP (IP + 20u)
#define IPV6_UDP (IP + 40u)
#define IPV4_VXLAN (IPV4_UDP + 8u)
#define IPV6_VXLAN (IPV6_UDP + 8u)

static uint8_t inner[65536];
static uint8_t datagram[TUNNEL_DATAGRAM_MAX + 64];

static uint32_t good_frame(uint32_t family) {
  mirror_outer outer;
  tunnel_outer(&outer, MIRROR_LAYER_LINK, family);
  outer.udp_checksum = MIRROR_UDP_CHECKSUM_COMPUTED;
  tunnel_inner(inner, INNER);
  return tunnel_datagram(&outer, inner, INNER, datagram);
}

static int32_t decode_link(uint32_t length, mirror_decapsulated *out) {
  mirror_decapsulated_init(out, sizeof *out);
  return mirror_vxlan_decode(MIRROR_LAYER_LINK, MIRROR_VXLAN_PORT, datagram, length, out);
}

static void assert_refused(uint32_t length, int32_t status) {
  mirror_decapsulated out;
  mirror_decapsulated untouched;
  mirror_decapsulated_init(&untouched, sizeof untouched);
  assert_string_equal(mirror_status_name(decode_link(length, &out)), mirror_status_name(status));
  assert_memory_equal(&out, &untouched, sizeof out);
}

/* Makes the IPv4 header checksum hold again after a change of the header. */
static void finish_ipv4(uint32_t header_length) {
  mri_put16(datagram + IP + 10, 0);
  mri_put16(datagram + IP + 10, mri_sum_finish(mri_sum(0, datagram + IP, header_length)));
}

static void insert(uint32_t at, const void *octets, uint32_t count, uint32_t *length) {
  memmove(datagram + at + count, datagram + at, *length - at);
  memcpy(datagram + at, octets, count);
  *length += count;
}

static void assert_round_trip(const mirror_outer *outer, uint32_t inner_length) {
  mirror_decapsulated out;
  const bool udp_layer = outer->layer == MIRROR_LAYER_UDP;
  const uint32_t length = tunnel_datagram(outer, inner, inner_length, datagram);
  mirror_decapsulated_init(&out, sizeof out);
  assert_int_equal(mirror_vxlan_decode(outer->layer, outer->udp_port, datagram, length, &out),
                   MIRROR_OK);
  assert_int_equal(out.size, sizeof out);
  assert_int_equal(out.vni, outer->vni);
  assert_int_equal(out.reserved_bits, 0);
  assert_int_equal(out.inner_length, inner_length);
  assert_ptr_equal(out.inner, datagram + length - inner_length);
  assert_int_equal(out.family, udp_layer ? 0 : outer->family);
  assert_int_equal(out.source_port, udp_layer ? 0 : TUNNEL_SOURCE_PORT);
  assert_int_equal(out.destination_port, udp_layer ? 0 : outer->udp_port);
  static const uint8_t none[16];
  assert_memory_equal(out.source, udp_layer ? none : outer->source, 16);
  assert_memory_equal(out.destination, udp_layer ? none : outer->destination, 16);
}

static void v8_round_trip_of_every_layer_family_checksum_and_length(void **state) {
  (void)state;
  static const uint32_t lengths[] = {14, 15, 60, 61, 1444, 1463, 1464, 9001, 65478, 65479, 65499};
  static const uint32_t vnis[] = {0, 1, 0x123456, 16777215};
  tunnel_inner(inner, sizeof inner);
  for (uint32_t layer = MIRROR_LAYER_LINK; layer <= MIRROR_LAYER_UDP; layer++) {
    for (uint32_t family = 4; family <= 6; family += 2) {
      for (uint32_t mode = 0; mode <= MIRROR_UDP_CHECKSUM_COMPUTED; mode++) {
        for (size_t i = 0; i < COUNT(lengths); i++) {
          if (lengths[i] > 65535 - 16 - (family == 4 ? 20u : 40u)) continue;
          mirror_outer outer;
          tunnel_outer(&outer, layer, family);
          outer.udp_checksum = mode;
          outer.vni = vnis[i % COUNT(vnis)];
          outer.udp_port = i % 2 ? 4789 : 65535;
          outer.dont_fragment = i % 3 == 0;
          assert_round_trip(&outer, lengths[i]);
        }
      }
    }
  }
}

static void v8_takes_the_packet_that_libnet_builds(void **state) {
  (void)state;
  for (uint32_t family = 4; family <= 6; family += 2) {
    mirror_outer outer;
    mirror_decapsulated out;
    tunnel_outer(&outer, MIRROR_LAYER_IP, family);
    tunnel_inner(inner, INNER);
    const uint32_t length = tunnel_libnet(&outer, inner, INNER, datagram);
    mirror_decapsulated_init(&out, sizeof out);
    assert_int_equal(mirror_vxlan_decode(MIRROR_LAYER_IP, 4789, datagram, length, &out), MIRROR_OK);
    assert_int_equal(out.vni, outer.vni);
    assert_int_equal(out.inner_length, INNER);
    assert_memory_equal(out.inner, inner, INNER);
  }
}

/* One changed octet of a good frame, and the code of its refusal. `finish`: the IPv4 header
 * checksum is made to hold again. */
struct mutation {
  uint32_t family;
  uint32_t at;
  uint8_t value;
  bool finish;
  int32_t status;
};

static const struct mutation mutations[] = {
    {4, 12, 0x86, false, MIRROR_E_NOT_UDP},             /* no known ethertype */
    {4, 13, 0x06, false, MIRROR_E_NOT_UDP},             /* ARP */
    {4, IP, 0x65, true, MIRROR_E_OUTER_FORMAT},         /* version against the ethertype */
    {6, IP, 0x40, false, MIRROR_E_OUTER_FORMAT},        /* */
    {4, IP, 0x44, true, MIRROR_E_OUTER_FORMAT},         /* IHL 4 */
    {4, IP + 3, 19, true, MIRROR_E_OUTER_FORMAT},       /* total length below the header's */
    {4, IP + 3, 20, true, MIRROR_E_OUTER_SHORT},        /* total length is the header's */
    {4, IP + 2, 1, true, MIRROR_E_OUTER_FORMAT},        /* total length beyond the frame */
    {6, IP + 4, 1, false, MIRROR_E_OUTER_FORMAT},       /* payload length beyond the frame */
    {6, IP + 5, 0, false, MIRROR_E_OUTER_SHORT},        /* no payload, no UDP header */
    {4, IP + 3, 27, true, MIRROR_E_OUTER_SHORT},        /* UDP header cut by the total length */
    {6, IP + 5, 7, false, MIRROR_E_OUTER_SHORT},        /* and by the payload length */
    {4, IP + 10, 0, false, MIRROR_E_OUTER_CHECKSUM},    /* header checksum */
    {4, IP + 8, 63, false, MIRROR_E_OUTER_CHECKSUM},    /* TTL changed, checksum not */
    {4, IP + 6, 0x20, true, MIRROR_E_OUTER_FRAGMENT},   /* more fragments */
    {4, IP + 7, 1, true, MIRROR_E_OUTER_FRAGMENT},      /* offset 8 */
    {4, IP + 6, 0x10, true, MIRROR_E_OUTER_FRAGMENT},   /* offset 32768 */
    {6, IP + 6, 44, false, MIRROR_E_OUTER_FRAGMENT},    /* fragment header */
    {4, IP + 9, 6, true, MIRROR_E_NOT_UDP},             /* TCP */
    {6, IP + 6, 6, false, MIRROR_E_NOT_UDP},            /* */
    {6, IP + 6, 0, false, MIRROR_E_NOT_UDP},            /* hop-by-hop options are not walked */
    {6, IP + 6, 60, false, MIRROR_E_NOT_UDP},           /* nor are destination options */
    {4, IPV4_UDP + 5, 7, false, MIRROR_E_OUTER_FORMAT}, /* UDP length below 8 */
    {4, IPV4_UDP + 5, 16 + 60, false, MIRROR_E_OUTER_FORMAT},    /* octets behind the datagram */
    {4, IPV4_UDP + 5, 16 + 62, false, MIRROR_E_OUTER_FORMAT},    /* beyond the IP payload */
    {6, IPV6_UDP + 5, 0, false, MIRROR_E_OUTER_FORMAT},          /* no jumbograms */
    {6, IPV6_UDP + 5, 16 + 62, false, MIRROR_E_OUTER_FORMAT},    /* */
    {4, IPV4_UDP + 3, 0xb4, false, MIRROR_E_NOT_VXLAN_PORT},     /* 4788 */
    {6, IPV6_UDP + 2, 0x13, false, MIRROR_E_NOT_VXLAN_PORT},     /* 5045 */
    {4, IPV4_UDP + 1, 2, false, MIRROR_E_OUTER_CHECKSUM},        /* UDP header changed */
    {6, IP + 8, 0x30, false, MIRROR_E_OUTER_CHECKSUM},           /* pseudo-header changed */
    {4, IPV4_VXLAN + 8 + 60, 0, false, MIRROR_E_OUTER_CHECKSUM}, /* last octet changed */
    {6, IPV6_VXLAN + 8 + 60, 0, false, MIRROR_E_OUTER_CHECKSUM}, /* */
};

static void v8_every_refusal_by_one_octet(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(mutations); i++) {
    const struct mutation *mutation = &mutations[i];
    const uint32_t length = good_frame(mutation->family);
    assert_int_not_equal(datagram[mutation->at], mutation->value);
    datagram[mutation->at] = mutation->value;
    if (mutation->finish) finish_ipv4(20);
    assert_refused(length, mutation->status);
  }
}

/* What the headers that are there say is told first, though nothing follows them. */
static void v8_refusals_of_headers_at_the_end(void **state) {
  (void)state;
  static const uint8_t tag[4] = {0x81, 0x00, 0, 1};
  uint32_t length = good_frame(4);
  mri_put16(datagram + 12, 0x0806);
  assert_refused(IP, MIRROR_E_NOT_UDP);
  insert(12, tag, sizeof tag, &length);
  assert_refused(IP + sizeof tag, MIRROR_E_NOT_UDP);
  good_frame(4);
  mri_put16(datagram + IP + 2, 28);
  finish_ipv4(20);
  mri_put16(datagram + IPV4_UDP + 2, 5000);
  mri_put16(datagram + IPV4_UDP + 4, 8);
  assert_refused(IPV4_VXLAN, MIRROR_E_NOT_VXLAN_PORT);
}

static void v8_the_version_must_agree_with_the_ethertype(void **state) {
  (void)state;
  uint32_t length = good_frame(4);
  mri_put16(datagram + 12, 0x86dd);
  assert_refused(length, MIRROR_E_OUTER_FORMAT);
  length = good_frame(6);
  mri_put16(datagram + 12, 0x0800);
  assert_refused(length, MIRROR_E_OUTER_FORMAT);
}

/* Both checksums together cover all of the IP packet: no flipped bit gets through. */
static void v8_no_flipped_bit_of_a_checksummed_packet_is_taken(void **state) {
  (void)state;
  mirror_decapsulated out;
  const uint32_t length = good_frame(4);
  assert_int_equal(decode_link(length, &out), MIRROR_OK);
  for (uint32_t bit = IP * 8; bit < length * 8; bit++) {
    datagram[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_int_not_equal(decode_link(length, &out), MIRROR_OK);
    datagram[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
}

static void rfc_7348_the_i_bit_must_be_set(void **state) {
  (void)state;
  mirror_decapsulated out;
  for (uint32_t family = 4; family <= 6; family += 2) {
    const uint32_t length = good_frame(family);
    const uint32_t udp = family == 4 ? IPV4_UDP : IPV6_UDP;
    mri_put16(datagram + udp + 6, 0);
    assert_int_equal(decode_link(length, &out), MIRROR_OK);
    datagram[udp + 8] = 0xf7;
    assert_refused(length, MIRROR_E_VXLAN_FLAGS);
  }
}

static void rfc_7348_reserved_bits_are_ignored_and_reported(void **state) {
  (void)state;
  for (uint32_t bit = 0; bit < 64; bit++) {
    uint8_t payload[8 + INNER] = {8, 0, 0, 0, 0x12, 0x34, 0x56, 0};
    mirror_decapsulated out;
    const bool reserved = (bit < 32 && bit != 4) || bit >= 56;
    payload[bit / 8] ^= (uint8_t)(0x80u >> bit % 8);
    mirror_decapsulated_init(&out, sizeof out);
    const int32_t status = mirror_vxlan_decode(MIRROR_LAYER_UDP, 0, payload, sizeof payload, &out);
    assert_int_equal(status, bit == 4 ? MIRROR_E_VXLAN_FLAGS : MIRROR_OK);
    assert_int_equal(out.reserved_bits, reserved);
    if (reserved) assert_int_equal(out.vni, 0x123456);
  }
}

static void v8_an_inner_frame_has_at_least_14_octets(void **state) {
  (void)state;
  mirror_outer outer;
  tunnel_outer(&outer, MIRROR_LAYER_LINK, 4);
  for (uint32_t length = 0; length < 14; length++) {
    assert_refused(tunnel_datagram(&outer, inner, length, datagram), MIRROR_E_INNER_SHORT);
  }
}

static void v8_a_vxlan_header_cut_by_the_udp_length_is_refused(void **state) {
  (void)state;
  for (uint32_t payload = 0; payload < 8; payload++) {
    const uint32_t length = good_frame(4);
    mri_put16(datagram + IP + 2, 28 + payload);
    finish_ipv4(20);
    mri_put16(datagram + IPV4_UDP + 4, 8 + payload);
    mri_put16(datagram + IPV4_UDP + 6, 0);
    assert_refused(length, MIRROR_E_OUTER_SHORT);
  }
}

static void v8_the_port_is_checked_unless_0(void **state) {
  (void)state;
  mirror_decapsulated out;
  mirror_outer outer;
  tunnel_outer(&outer, MIRROR_LAYER_LINK, 4);
  outer.udp_port = 8472;
  tunnel_inner(inner, INNER);
  const uint32_t length = tunnel_datagram(&outer, inner, INNER, datagram);
  assert_refused(length, MIRROR_E_NOT_VXLAN_PORT);
  mirror_decapsulated_init(&out, sizeof out);
  assert_int_equal(mirror_vxlan_decode(MIRROR_LAYER_LINK, 8472, datagram, length, &out), MIRROR_OK);
  assert_int_equal(mirror_vxlan_decode(MIRROR_LAYER_LINK, 0, datagram, length, &out), MIRROR_OK);
  assert_int_equal(out.destination_port, 8472);
}

static void v8_ethernet_padding_is_ignored(void **state) {
  (void)state;
  for (uint32_t family = 4; family <= 6; family += 2) {
    mirror_decapsulated out;
    const uint32_t length = good_frame(family);
    memset(datagram + length, 0xff, 18);
    assert_int_equal(decode_link(length + 18, &out), MIRROR_OK);
    assert_int_equal(out.inner_length, INNER);
    assert_memory_equal(out.inner, inner, INNER);
  }
}

static void v8_up_to_two_outer_vlan_tags_are_taken(void **state) {
  (void)state;
  static const uint16_t types[] = {0x8100, 0x88a8, 0x9100};
  for (uint32_t family = 4; family <= 6; family += 2) {
    uint32_t length = good_frame(family);
    for (uint32_t tags = 1; tags <= 3; tags++) {
      uint8_t tag[4] = {0};
      mirror_decapsulated out;
      mri_put16(tag, types[(tags + family) % 3]);
      insert(12, tag, sizeof tag, &length);
      assert_int_equal(decode_link(length, &out), tags <= 2 ? MIRROR_OK : MIRROR_E_NOT_UDP);
      if (tags <= 2) assert_refused(12 + 4 * tags + 1, MIRROR_E_OUTER_SHORT);
    }
  }
}

static void v8_outer_ipv4_options_are_skipped(void **state) {
  (void)state;
  static const uint8_t no_operation[40] = {
      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
  };
  for (uint32_t options = 4; options <= 40; options += 4) {
    mirror_decapsulated out;
    uint32_t length = good_frame(4);
    insert(IPV4_UDP, no_operation, options, &length);
    datagram[IP] = (uint8_t)(0x45 + options / 4);
    mri_put16(datagram + IP + 2, length - IP);
    finish_ipv4(20 + options);
    assert_int_equal(decode_link(length, &out), MIRROR_OK);
    assert_memory_equal(out.inner, inner, INNER);
    assert_refused(IPV4_UDP + options - 1, MIRROR_E_OUTER_SHORT);
    datagram[IPV4_UDP] = 7; /* covered by the header checksum */
    assert_refused(length, MIRROR_E_OUTER_CHECKSUM);
  }
}

static void v8_an_ip_packet_tells_its_family(void **state) {
  (void)state;
  for (uint32_t version = 0; version < 16; version++) {
    mirror_decapsulated out;
    const uint32_t family = version == 6 ? 6 : 4;
    const uint32_t length = good_frame(family) - IP;
    datagram[IP] = (uint8_t)(version << 4 | (datagram[IP] & 15u));
    mirror_decapsulated_init(&out, sizeof out);
    const int32_t status = mirror_vxlan_decode(MIRROR_LAYER_IP, 4789, datagram + IP, length, &out);
    assert_int_equal(status, version == 4 || version == 6 ? MIRROR_OK : MIRROR_E_NOT_UDP);
  }
}

/* A copy of a copy: the outer level comes off, the inner one is a frame like any other. */
static void v8_one_level_of_vxlan_is_taken(void **state) {
  (void)state;
  static uint8_t nested[256];
  mirror_decapsulated out;
  mirror_outer outer;
  const uint32_t length = good_frame(4);
  tunnel_outer(&outer, MIRROR_LAYER_LINK, 6);
  outer.vni = 7;
  const uint32_t whole = tunnel_datagram(&outer, datagram, length, nested);
  mirror_decapsulated_init(&out, sizeof out);
  assert_int_equal(mirror_vxlan_decode(MIRROR_LAYER_LINK, 4789, nested, whole, &out), MIRROR_OK);
  assert_int_equal(out.vni, 7);
  assert_int_equal(out.inner_length, length);
  assert_memory_equal(out.inner, datagram, length);
}

/* The status of a frame of which `length` octets are there. */
static int32_t truncated_status(uint32_t length, uint32_t whole, uint32_t network) {
  if (length == whole) return MIRROR_OK;
  return length < network ? MIRROR_E_OUTER_SHORT : MIRROR_E_OUTER_FORMAT;
}

/* Of the first `length` octets, in front of and behind inaccessible memory alike. */
static int32_t guarded_status(struct guard_page *guard, uint32_t layer, const uint8_t *octets,
                              uint32_t length) {
  mirror_decapsulated at_end, at_start;
  mirror_decapsulated_init(&at_end, sizeof at_end);
  mirror_decapsulated_init(&at_start, sizeof at_start);
  const uint8_t *at = guard_page_at_end(guard, octets, length);
  const int32_t status = mirror_vxlan_decode(layer, 4789, at, length, &at_end);
  at = guard_page_at_start(guard, octets, length);
  assert_int_equal(mirror_vxlan_decode(layer, 4789, at, length, &at_start), status);
  assert_int_equal(at_end.inner_length, at_start.inner_length);
  return status;
}

static void v8_every_truncation_at_both_ends_of_a_page(void **state) {
  (void)state;
  struct guard_page *guard = guard_page_new(256);
  for (uint32_t family = 4; family <= 6; family += 2) {
    const uint32_t whole = good_frame(family);
    const uint32_t network = family == 4 ? IPV4_UDP : IPV6_UDP;
    for (uint32_t length = 0; length <= whole; length++) {
      const int32_t status = truncated_status(length, whole, network);
      assert_int_equal(guarded_status(guard, MIRROR_LAYER_LINK, datagram, length), status);
      if (length < IP) continue;
      assert_int_equal(guarded_status(guard, MIRROR_LAYER_IP, datagram + IP, length - IP), status);
    }
  }
  guard_page_free(guard);
}

static void v8_every_truncation_of_a_udp_payload(void **state) {
  (void)state;
  struct guard_page *guard = guard_page_new(256);
  good_frame(4);
  for (uint32_t length = 0; length <= 8 + INNER; length++) {
    const int32_t status = guarded_status(guard, MIRROR_LAYER_UDP, datagram + IPV4_VXLAN, length);
    const int32_t expected = length < 8        ? MIRROR_E_OUTER_SHORT
                             : length < 8 + 14 ? MIRROR_E_INNER_SHORT
                                               : MIRROR_OK;
    assert_int_equal(status, expected);
  }
  guard_page_free(guard);
}

/* Whatever the octets say, nothing outside them is read (the guard page would tell). */
static void v8_random_octets_are_read_within_their_bounds(void **state) {
  (void)state;
  struct guard_page *guard = guard_page_new(256);
  uint32_t random = 1;
  for (uint32_t round = 0; round < 20000; round++) {
    mirror_decapsulated out;
    const uint32_t whole = good_frame(round % 2 ? 4 : 6);
    for (uint32_t change = 0; change < 3; change++) {
      random = random * 1664525u + 1013904223u;
      datagram[(random >> 8) % 60] = (uint8_t)(random >> 24);
    }
    finish_ipv4((datagram[IP] & 15u) * 4);
    const uint32_t length = (random >> 4) % (whole + 1);
    mirror_decapsulated_init(&out, sizeof out);
    const uint8_t *at = guard_page_at_end(guard, datagram, length);
    const int32_t status = mirror_vxlan_decode(MIRROR_LAYER_LINK, 0, at, length, &out);
    if (status == MIRROR_OK) assert_true(out.inner + out.inner_length <= at + length);
  }
  guard_page_free(guard);
}

static void impossible_arguments_are_refused(void **state) {
  (void)state;
  mirror_decapsulated out;
  const uint32_t length = good_frame(4);
  mirror_decapsulated_init(&out, sizeof out);
  assert_int_equal(mirror_vxlan_decode(0, 4789, datagram, length, &out), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_vxlan_decode(4, 4789, datagram, length, &out), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_vxlan_decode(1, 65536, datagram, length, &out), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_vxlan_decode(1, 4789, NULL, length, &out), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_vxlan_decode(1, 4789, NULL, 1, &out), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_vxlan_decode(1, 4789, datagram, length, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_vxlan_decode(1, 4789, NULL, 0, &out), MIRROR_E_OUTER_SHORT);
}

static void a_longer_struct_gets_a_zero_tail_and_a_shorter_one_is_refused(void **state) {
  (void)state;
  struct {
    mirror_decapsulated out;
    uint64_t tail;
  } newer;
  const uint32_t length = good_frame(4);
  mirror_decapsulated_init(&newer.out, sizeof newer);
  newer.tail = 1;
  assert_int_equal(mirror_vxlan_decode(1, 4789, datagram, length, &newer.out), MIRROR_OK);
  assert_int_equal(newer.out.size, sizeof newer);
  assert_int_equal(newer.out.vni, 0x123456);
  assert_int_equal(newer.tail, 0);
  newer.out.size = offsetof(mirror_decapsulated, inner);
  assert_int_equal(mirror_vxlan_decode(1, 4789, datagram, length, &newer.out),
                   MIRROR_E_STRUCT_SIZE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(v8_round_trip_of_every_layer_family_checksum_and_length),
      cmocka_unit_test(v8_takes_the_packet_that_libnet_builds),
      cmocka_unit_test(v8_every_refusal_by_one_octet),
      cmocka_unit_test(v8_refusals_of_headers_at_the_end),
      cmocka_unit_test(v8_the_version_must_agree_with_the_ethertype),
      cmocka_unit_test(v8_no_flipped_bit_of_a_checksummed_packet_is_taken),
      cmocka_unit_test(rfc_7348_the_i_bit_must_be_set),
      cmocka_unit_test(rfc_7348_reserved_bits_are_ignored_and_reported),
      cmocka_unit_test(v8_an_inner_frame_has_at_least_14_octets),
      cmocka_unit_test(v8_a_vxlan_header_cut_by_the_udp_length_is_refused),
      cmocka_unit_test(v8_the_port_is_checked_unless_0),
      cmocka_unit_test(v8_ethernet_padding_is_ignored),
      cmocka_unit_test(v8_up_to_two_outer_vlan_tags_are_taken),
      cmocka_unit_test(v8_outer_ipv4_options_are_skipped),
      cmocka_unit_test(v8_an_ip_packet_tells_its_family),
      cmocka_unit_test(v8_one_level_of_vxlan_is_taken),
      cmocka_unit_test(v8_every_truncation_at_both_ends_of_a_page),
      cmocka_unit_test(v8_every_truncation_of_a_udp_payload),
      cmocka_unit_test(v8_random_octets_are_read_within_their_bounds),
      cmocka_unit_test(impossible_arguments_are_refused),
      cmocka_unit_test(a_longer_struct_gets_a_zero_tail_and_a_shorter_one_is_refused),
  };
  return cmocka_run_group_tests_name("decap", tests, NULL, NULL);
}
