/* The VXLAN encapsulator (V1, V3; RFC 7348, RFC 768, RFC 8200). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "encap/image.h"
#include "packet/octets.h"
#include "support/guard_page.h"
#include "support/tunnel.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const uint32_t families[] = {4, 6};
static uint8_t inner[65536];
static uint8_t datagram[TUNNEL_DATAGRAM_MAX];
static uint8_t expected[TUNNEL_DATAGRAM_MAX];

static int32_t encode(const mirror_outer *outer, uint32_t inner_length) {
  uint32_t header;
  return mirror_vxlan_encode(outer, inner, inner_length, TUNNEL_SOURCE_PORT, TUNNEL_IP_ID, datagram,
                             sizeof datagram, &header);
}

/* The headers of the two examples, by hand. Inner frame: 17 octets. */
static const uint8_t example_inner[17] = {0x02, 0, 0,    0,    0,    0xaa, 0x02, 0, 0,
                                          0,    0, 0xbb, 0x88, 0xb5, 1,    2,    3};
static const uint8_t example_ipv4[50] = {
    0x02, 0x00, 0x00, 0x00, 0x09, 0x09, 0x02, 0x00, 0x00, 0x00, 0x00, 0x03, 0x08, 0x00, /* MAC */
    0x45, 0x00, 0x00, 0x35, 0xab, 0xcd, 0x40, 0x00, /* 53 octets, id, DF */
    0x40, 0x11, 0x71, 0xdf,                         /* TTL 64, UDP, header checksum */
    0x0a, 0x00, 0x00, 0x03, 0x0a, 0x00, 0x09, 0x09, /* 10.0.0.3 to 10.0.9.9 */
    0xc0, 0x01, 0x12, 0xb5, 0x00, 0x21, 0x00, 0x00, /* 49153 to 4789, 33 octets, no checksum */
    0x08, 0x00, 0x00, 0x00, 0x12, 0x34, 0x56, 0x00, /* I bit, VNI */
};
static const uint8_t example_ipv6[70] = {
    0x02, 0x00, 0x00, 0x00, 0x09, 0x09, 0x02, 0x00, 0x00, 0x00, 0x00, 0x03, 0x86, 0xdd, /* MAC */
    0x60, 0x00, 0x00, 0x00, 0x00, 0x21, 0x11, 0x40, /* payload 33, UDP, hop limit 64 */
    0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00, /* 2001:db8::3 */
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, /* */
    0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00, /* 2001:db8::9:9 */
    0x00, 0x00, 0x00, 0x00, 0x00, 0x09, 0x00, 0x09, /* */
    0xc0, 0x01, 0x12, 0xb5, 0x00, 0x21, 0xcf, 0x1d, /* 49153 to 4789, 33 octets, checksum */
    0x08, 0x00, 0x00, 0x00, 0x12, 0x34, 0x56, 0x00, /* I bit, VNI */
};

static void assert_example(uint32_t family, const uint8_t *header, uint32_t length) {
  for (uint32_t layer = MIRROR_LAYER_LINK; layer <= MIRROR_LAYER_UDP; layer++) {
    const uint32_t start[] = {0, 14, length - 8};
    const uint32_t skip = start[layer - MIRROR_LAYER_LINK];
    mirror_outer outer;
    uint32_t written;
    tunnel_outer(&outer, layer, family);
    assert_int_equal(mirror_vxlan_header_length(&outer), length - skip);
    assert_int_equal(mirror_vxlan_encode(&outer, example_inner, sizeof example_inner, 49153, 0xabcd,
                                         datagram, MIRROR_HEADER_MAX, &written),
                     MIRROR_OK);
    assert_int_equal(written, length - skip);
    assert_memory_equal(datagram, header + skip, written);
  }
}

static void v1_the_ipv4_example_octet_by_octet_at_every_layer(void **state) {
  (void)state;
  assert_example(4, example_ipv4, sizeof example_ipv4);
}

static void v1_the_ipv6_example_octet_by_octet_at_every_layer(void **state) {
  (void)state;
  assert_example(6, example_ipv6, sizeof example_ipv6);
}

/* libnet computes every checksum and length on its own. */
static void v1_equals_the_packet_that_libnet_builds(void **state) {
  (void)state;
  static const uint32_t lengths[] = {14, 15, 60, 61, 1444, 1464, 9001, 65478, 65479};
  tunnel_inner(inner, sizeof inner);
  for (size_t f = 0; f < COUNT(families); f++) {
    for (size_t i = 0; i < COUNT(lengths); i++) {
      mirror_outer outer;
      tunnel_outer(&outer, MIRROR_LAYER_IP, families[f]);
      outer.udp_checksum = MIRROR_UDP_CHECKSUM_COMPUTED;
      outer.ttl = 1 + (uint32_t)i * 30;
      outer.dont_fragment = i % 2;
      const uint32_t length = tunnel_datagram(&outer, inner, lengths[i], datagram);
      assert_int_equal(tunnel_libnet(&outer, inner, lengths[i], expected), length);
      assert_memory_equal(datagram, expected, length);
    }
  }
}

static void v1_defaults(void **state) {
  (void)state;
  mirror_outer outer;
  mirror_outer_init(&outer, sizeof outer);
  assert_int_equal(outer.size, sizeof outer);
  assert_int_equal(outer.udp_port, 4789);
  assert_int_equal(outer.ttl, 64);
  assert_int_equal(outer.dont_fragment, 1);
  assert_int_equal(outer.udp_checksum, MIRROR_UDP_CHECKSUM_AUTO);
}

static void v1_udp_checksum_by_family_and_mode(void **state) {
  (void)state;
  static const struct {
    uint32_t family, mode, computed;
  } cases[] = {
      {4, MIRROR_UDP_CHECKSUM_AUTO, 0},     {6, MIRROR_UDP_CHECKSUM_AUTO, 1},
      {4, MIRROR_UDP_CHECKSUM_ZERO, 0},     {6, MIRROR_UDP_CHECKSUM_ZERO, 0},
      {4, MIRROR_UDP_CHECKSUM_COMPUTED, 1}, {6, MIRROR_UDP_CHECKSUM_COMPUTED, 1},
  };
  tunnel_inner(inner, 60);
  for (size_t i = 0; i < COUNT(cases); i++) {
    mirror_outer outer;
    tunnel_outer(&outer, MIRROR_LAYER_IP, cases[i].family);
    outer.udp_checksum = cases[i].mode;
    tunnel_datagram(&outer, inner, 60, datagram);
    const uint8_t *udp = datagram + (cases[i].family == 4 ? 20 : 40);
    assert_int_equal(mri_get16(udp + 6) != 0, cases[i].computed);
  }
}

/* The last two octets make the sum 0xffff, whose complement is 0. RFC 768: send 0xffff. */
static void v1_a_computed_udp_checksum_of_0_is_sent_as_ffff(void **state) {
  (void)state;
  for (size_t f = 0; f < COUNT(families); f++) {
    mirror_outer outer;
    tunnel_outer(&outer, MIRROR_LAYER_IP, families[f]);
    outer.udp_checksum = MIRROR_UDP_CHECKSUM_COMPUTED;
    const uint8_t *checksum = datagram + (families[f] == 4 ? 26 : 46);
    tunnel_inner(inner, 60);
    mri_put16(inner + 58, 0);
    tunnel_datagram(&outer, inner, 60, datagram);
    mri_put16(inner + 58, mri_get16(checksum));
    tunnel_datagram(&outer, inner, 60, datagram);
    assert_int_equal(mri_get16(checksum), 0xffff);
    mri_put16(inner + 58, 1u + mri_get16(inner + 58));
    tunnel_datagram(&outer, inner, 60, datagram);
    assert_int_equal(mri_get16(checksum), 0xfffe);
  }
}

static void v1_reserved_bits_are_zero_for_every_vni(void **state) {
  (void)state;
  uint32_t vnis[1000] = {0, 1, 16777215, 0x800000, 0xff, 0xff00, 0xff0000};
  for (uint32_t i = 7; i < COUNT(vnis); i++)
    vnis[i] = (vnis[i - 1] + i * 2654435761u) & 0xffffff;
  tunnel_inner(inner, 14);
  for (size_t i = 0; i < COUNT(vnis); i++) {
    mirror_outer outer;
    tunnel_outer(&outer, MIRROR_LAYER_UDP, 4);
    outer.vni = vnis[i];
    tunnel_datagram(&outer, inner, 14, datagram);
    assert_int_equal(mri_get32(datagram), 0x08000000);
    assert_int_equal(mri_get32(datagram + 4) >> 8, vnis[i]);
    assert_int_equal(datagram[7], 0);
  }
}

static void v3_overhead_of_the_outer_ip_packet(void **state) {
  (void)state;
  mirror_outer outer;
  tunnel_inner(inner, 1464);
  tunnel_outer(&outer, MIRROR_LAYER_IP, 4);
  assert_int_equal(mirror_vxlan_header_length(&outer), MIRROR_OVERHEAD_IPV4);
  tunnel_datagram(&outer, inner, 1464, datagram);
  assert_int_equal(mri_get16(datagram + 2), 1500);
  tunnel_outer(&outer, MIRROR_LAYER_IP, 6);
  assert_int_equal(mirror_vxlan_header_length(&outer), MIRROR_OVERHEAD_IPV6);
  tunnel_datagram(&outer, inner, 1444, datagram);
  assert_int_equal(40 + mri_get16(datagram + 4), 1500);
}

static void header_length_is_0_for_what_is_unknown(void **state) {
  (void)state;
  mirror_outer outer;
  assert_int_equal(mirror_vxlan_header_length(NULL), 0);
  for (uint32_t layer = 0; layer <= 4; layer += 4) {
    tunnel_outer(&outer, layer, 4);
    assert_int_equal(mirror_vxlan_header_length(&outer), 0);
  }
  tunnel_outer(&outer, MIRROR_LAYER_LINK, 5);
  assert_int_equal(mirror_vxlan_header_length(&outer), 0);
  outer.size = 4;
  assert_int_equal(mirror_vxlan_header_length(&outer), 0);
}

/* V7: a synthesized Ethernet header and the packet behind it are two pieces. */
static void v7_an_inner_frame_in_two_pieces_gives_the_same_header(void **state) {
  (void)state;
  tunnel_inner(inner, 101);
  for (size_t f = 0; f < COUNT(families); f++) {
    mirror_outer outer;
    struct mri_image image;
    tunnel_outer(&outer, MIRROR_LAYER_LINK, families[f]);
    outer.udp_checksum = MIRROR_UDP_CHECKSUM_COMPUTED;
    tunnel_datagram(&outer, inner, 101, expected);
    assert_int_equal(mri_image_build(&image, &outer), MIRROR_OK);
    for (uint32_t cut = 0; cut <= 100; cut += 2) {
      const struct mri_inner pieces = {inner, inner + cut, cut, 101 - cut};
      mri_image_write(&image, MIRROR_LAYER_LINK, &pieces, TUNNEL_SOURCE_PORT, TUNNEL_IP_ID,
                      datagram);
      assert_memory_equal(datagram, expected, mri_image_length(&image, MIRROR_LAYER_LINK));
    }
  }
}

static void the_inner_frame_is_not_read_without_checksum(void **state) {
  (void)state;
  mirror_outer outer;
  uint32_t header;
  tunnel_outer(&outer, MIRROR_LAYER_LINK, 4);
  assert_int_equal(mirror_vxlan_encode(&outer, NULL, 1464, 49152, 0, datagram, 50, &header),
                   MIRROR_OK);
  tunnel_outer(&outer, MIRROR_LAYER_UDP, 6);
  assert_int_equal(mirror_vxlan_encode(&outer, NULL, 1444, 49152, 0, datagram, 8, &header),
                   MIRROR_OK);
  tunnel_outer(&outer, MIRROR_LAYER_IP, 6);
  assert_int_equal(mirror_vxlan_encode(&outer, NULL, 1444, 49152, 0, datagram, 56, &header),
                   MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_vxlan_encode(&outer, NULL, 1, 49152, 0, datagram, 56, &header),
                   MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_vxlan_encode(&outer, NULL, 0, 49152, 0, datagram, 56, &header),
                   MIRROR_OK);
}

/* Header and inner frame of `count` octets with inaccessible memory behind, then in front of both.
 */
static void encode_guarded(struct guard_page *output, struct guard_page *input,
                           const mirror_outer *outer, uint32_t count) {
  const uint32_t length = mirror_vxlan_header_length(outer);
  uint8_t header[MIRROR_HEADER_MAX];
  uint32_t written = 0;
  const uint8_t *frame = guard_page_at_end(input, inner, count);
  uint8_t *to = guard_page_at_end(output, NULL, length);
  assert_int_equal(mirror_vxlan_encode(outer, frame, count, 49152, 0, to, length, &written),
                   MIRROR_OK);
  memcpy(header, to, length);
  frame = guard_page_at_start(input, inner, count);
  to = guard_page_at_start(output, NULL, length + 1);
  assert_int_equal(mirror_vxlan_encode(outer, frame, count, 49152, 0, to, length + 1, &written),
                   MIRROR_OK);
  assert_int_equal(written, length);
  assert_memory_equal(to, header, length);
  assert_int_equal(to[length], 0xa5);
}

static void writes_and_reads_nothing_outside_the_given_memory(void **state) {
  (void)state;
  struct guard_page *output = guard_page_new(MIRROR_HEADER_MAX + 1);
  struct guard_page *input = guard_page_new(64);
  tunnel_inner(inner, 64);
  for (uint32_t layer = MIRROR_LAYER_LINK; layer <= MIRROR_LAYER_UDP; layer++) {
    for (size_t f = 0; f < COUNT(families); f++) {
      mirror_outer outer;
      tunnel_outer(&outer, layer, families[f]);
      outer.udp_checksum = MIRROR_UDP_CHECKSUM_COMPUTED;
      for (uint32_t count = 0; count <= 64; count++)
        encode_guarded(output, input, &outer, count);
    }
  }
  guard_page_free(input);
  guard_page_free(output);
}

static void a_buffer_one_octet_short_is_refused_and_untouched(void **state) {
  (void)state;
  tunnel_inner(inner, 60);
  for (uint32_t layer = MIRROR_LAYER_LINK; layer <= MIRROR_LAYER_UDP; layer++) {
    for (size_t f = 0; f < COUNT(families); f++) {
      mirror_outer outer;
      uint8_t header[MIRROR_HEADER_MAX];
      uint8_t untouched[MIRROR_HEADER_MAX];
      uint32_t written = 12345;
      tunnel_outer(&outer, layer, families[f]);
      memset(header, 0xa5, sizeof header);
      memset(untouched, 0xa5, sizeof untouched);
      const uint32_t capacity = mirror_vxlan_header_length(&outer) - 1;
      assert_int_equal(mirror_vxlan_encode(&outer, inner, 60, 49152, 0, header, capacity, &written),
                       MIRROR_E_BUFFER);
      assert_memory_equal(header, untouched, sizeof header);
      assert_int_equal(written, 12345);
    }
  }
}

static void v3_an_outer_packet_over_65535_octets_is_refused(void **state) {
  (void)state;
  tunnel_inner(inner, sizeof inner);
  for (uint32_t layer = MIRROR_LAYER_LINK; layer <= MIRROR_LAYER_UDP; layer++) {
    mirror_outer outer;
    tunnel_outer(&outer, layer, 4);
    assert_int_equal(encode(&outer, 65535 - 36), MIRROR_OK);
    assert_int_equal(encode(&outer, 65535 - 35), MIRROR_E_TOO_LONG);
    assert_int_equal(encode(&outer, UINT32_MAX), MIRROR_E_TOO_LONG);
    tunnel_outer(&outer, layer, 6);
    assert_int_equal(encode(&outer, 65535 - 56), MIRROR_OK);
    assert_int_equal(encode(&outer, 65535 - 55), MIRROR_E_TOO_LONG);
  }
}

static void every_impossible_field_has_its_code(void **state) {
  (void)state;
  static const struct {
    size_t field;
    uint32_t value;
    int32_t status;
  } cases[] = {
      {offsetof(mirror_outer, layer), 0, MIRROR_E_ARGUMENT},
      {offsetof(mirror_outer, layer), 4, MIRROR_E_ARGUMENT},
      {offsetof(mirror_outer, family), 5, MIRROR_E_ARGUMENT},
      {offsetof(mirror_outer, family), 0x104, MIRROR_E_ARGUMENT},
      {offsetof(mirror_outer, dont_fragment), 2, MIRROR_E_ARGUMENT},
      {offsetof(mirror_outer, dont_fragment), 1, MIRROR_OK},
      {offsetof(mirror_outer, vni), 16777215, MIRROR_OK},
      {offsetof(mirror_outer, vni), 16777216, MIRROR_E_VNI},
      {offsetof(mirror_outer, udp_port), 0, MIRROR_E_UDP_PORT},
      {offsetof(mirror_outer, udp_port), 1, MIRROR_OK},
      {offsetof(mirror_outer, udp_port), 65535, MIRROR_OK},
      {offsetof(mirror_outer, udp_port), 65536, MIRROR_E_UDP_PORT},
      {offsetof(mirror_outer, ttl), 0, MIRROR_E_TTL},
      {offsetof(mirror_outer, ttl), 255, MIRROR_OK},
      {offsetof(mirror_outer, ttl), 256, MIRROR_E_TTL},
      {offsetof(mirror_outer, udp_checksum), 2, MIRROR_OK},
      {offsetof(mirror_outer, udp_checksum), 3, MIRROR_E_UDP_CHECKSUM},
  };
  tunnel_inner(inner, 60);
  for (size_t i = 0; i < COUNT(cases); i++) {
    mirror_outer outer;
    tunnel_outer(&outer, MIRROR_LAYER_LINK, 4);
    memcpy((uint8_t *)&outer + cases[i].field, &cases[i].value, sizeof cases[i].value);
    assert_int_equal(encode(&outer, 60), cases[i].status);
  }
}

static void null_arguments_are_refused(void **state) {
  (void)state;
  mirror_outer outer;
  uint32_t written;
  tunnel_outer(&outer, MIRROR_LAYER_LINK, 4);
  assert_int_equal(mirror_vxlan_encode(NULL, inner, 60, 0, 0, datagram, 70, &written),
                   MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_vxlan_encode(&outer, inner, 60, 0, 0, NULL, 70, &written),
                   MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_vxlan_encode(&outer, inner, 60, 0, 0, datagram, 70, NULL),
                   MIRROR_E_ARGUMENT);
}

static void a_longer_struct_needs_a_zero_tail_and_a_shorter_one_is_refused(void **state) {
  (void)state;
  struct {
    mirror_outer outer;
    uint64_t tail;
  } newer;
  mirror_outer_init(&newer.outer, sizeof newer);
  assert_int_equal(newer.outer.size, sizeof newer);
  assert_int_equal(newer.tail, 0);
  tunnel_outer(&newer.outer, MIRROR_LAYER_LINK, 4);
  newer.outer.size = sizeof newer;
  assert_int_equal(encode(&newer.outer, 60), MIRROR_OK);
  newer.tail = 1;
  assert_int_equal(encode(&newer.outer, 60), MIRROR_E_STRUCT_SIZE);
  newer.outer.size = sizeof(mirror_outer);
  assert_int_equal(encode(&newer.outer, 60), MIRROR_OK);
  newer.outer.size = offsetof(mirror_outer, destination);
  assert_int_equal(encode(&newer.outer, 60), MIRROR_E_STRUCT_SIZE);
  newer.outer.size = 0;
  assert_int_equal(encode(&newer.outer, 60), MIRROR_E_STRUCT_SIZE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(v1_the_ipv4_example_octet_by_octet_at_every_layer),
      cmocka_unit_test(v1_the_ipv6_example_octet_by_octet_at_every_layer),
      cmocka_unit_test(v1_equals_the_packet_that_libnet_builds),
      cmocka_unit_test(v1_defaults),
      cmocka_unit_test(v1_udp_checksum_by_family_and_mode),
      cmocka_unit_test(v1_a_computed_udp_checksum_of_0_is_sent_as_ffff),
      cmocka_unit_test(v1_reserved_bits_are_zero_for_every_vni),
      cmocka_unit_test(v3_overhead_of_the_outer_ip_packet),
      cmocka_unit_test(header_length_is_0_for_what_is_unknown),
      cmocka_unit_test(v7_an_inner_frame_in_two_pieces_gives_the_same_header),
      cmocka_unit_test(the_inner_frame_is_not_read_without_checksum),
      cmocka_unit_test(writes_and_reads_nothing_outside_the_given_memory),
      cmocka_unit_test(a_buffer_one_octet_short_is_refused_and_untouched),
      cmocka_unit_test(v3_an_outer_packet_over_65535_octets_is_refused),
      cmocka_unit_test(every_impossible_field_has_its_code),
      cmocka_unit_test(null_arguments_are_refused),
      cmocka_unit_test(a_longer_struct_needs_a_zero_tail_and_a_shorter_one_is_refused),
  };
  return cmocka_run_group_tests_name("encap", tests, NULL, NULL);
}
