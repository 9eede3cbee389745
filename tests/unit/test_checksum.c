/* The Internet checksum (RFC 1071), as V1 needs it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "packet/checksum.h"
#include "support/tunnel.h"

static uint8_t octets[65536 + 8];
static uint8_t datagram[TUNNEL_DATAGRAM_MAX];

/* The definition, word by word. */
static uint16_t naive(uint32_t sum, const uint8_t *at, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    sum += i % 2 ? at[i] : (uint32_t)at[i] << 8;
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return (uint16_t)~sum;
}

static void fill_random(uint32_t seed) {
  for (size_t i = 0; i < sizeof octets; i++) {
    seed = seed * 1664525u + 1013904223u;
    octets[i] = (uint8_t)(seed >> 24);
  }
}

static void rfc_1071_example(void **state) {
  (void)state;
  static const uint8_t words[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  assert_int_equal(mri_sum_finish(mri_sum(0, words, sizeof words)), 0x220d);
}

static void no_octets_and_zero_sums(void **state) {
  (void)state;
  assert_int_equal(mri_sum(7, NULL, 0), 7);
  assert_int_equal(mri_sum_finish(0), 0xffff);
  assert_int_equal(mri_sum_finish(0xffff), 0);
  assert_int_equal(mri_sum_finish(UINT64_MAX), 0);
  assert_int_equal(mri_sum_finish(0x10000), 0xfffe);
}

static void equals_the_naive_loop_at_every_length_and_alignment(void **state) {
  (void)state;
  fill_random(1);
  for (uint32_t length = 0; length <= 300; length++) {
    for (uint32_t shift = 0; shift < 8; shift++) {
      assert_int_equal(mri_sum_finish(mri_sum(0, octets + shift, length)),
                       naive(0, octets + shift, length));
    }
  }
}

static void equals_the_naive_loop_on_long_input(void **state) {
  (void)state;
  static const uint32_t lengths[] = {1499, 1500, 9000, 65534, 65535, 65536};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    fill_random((uint32_t)i);
    assert_int_equal(mri_sum_finish(mri_sum(0, octets, lengths[i])), naive(0, octets, lengths[i]));
    memset(octets, 0xff, sizeof octets);
    assert_int_equal(mri_sum_finish(mri_sum(0, octets, lengths[i])), naive(0, octets, lengths[i]));
    memset(octets, 0, sizeof octets);
    assert_int_equal(mri_sum_finish(mri_sum(0, octets, lengths[i])), 0xffff);
  }
}

static void even_pieces_add_up(void **state) {
  (void)state;
  fill_random(3);
  for (uint32_t length = 0; length <= 101; length++) {
    const uint16_t whole = naive(0, octets, length);
    for (uint32_t cut = 0; cut <= length; cut += 2) {
      const uint64_t sum = mri_sum(mri_sum(0, octets, cut), octets + cut, length - cut);
      assert_int_equal(mri_sum_finish(sum), whole);
    }
  }
}

/* A checksummed whole sums up to 0xffff: packets built by libnet, IPv4 header and UDP datagram. */
static void holds_on_packets_of_libnet(void **state) {
  (void)state;
  for (uint32_t length = 14; length < 200; length++) {
    mirror_outer outer;
    tunnel_outer(&outer, MIRROR_LAYER_IP, 4);
    tunnel_inner(octets, length);
    const uint32_t udp_length = tunnel_libnet(&outer, octets, length, datagram) - 20;
    assert_int_equal(mri_sum_finish(mri_sum(0, datagram, 20)), 0);
    uint64_t sum = mri_sum(17 + udp_length, datagram + 12, 8);
    sum = mri_sum(sum, datagram + 20, udp_length);
    assert_int_equal(mri_sum_finish(sum), 0);
    datagram[20 + 8 + length % 8] ^= 1;
    sum = mri_sum(mri_sum(17 + udp_length, datagram + 12, 8), datagram + 20, udp_length);
    assert_int_not_equal(mri_sum_finish(sum), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rfc_1071_example),
      cmocka_unit_test(no_octets_and_zero_sums),
      cmocka_unit_test(equals_the_naive_loop_at_every_length_and_alignment),
      cmocka_unit_test(equals_the_naive_loop_on_long_input),
      cmocka_unit_test(even_pieces_add_up),
      cmocka_unit_test(holds_on_packets_of_libnet),
  };
  return cmocka_run_group_tests_name("checksum", tests, NULL, NULL);
}
