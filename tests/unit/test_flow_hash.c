/* The outer UDP source port (V2): alike for a whole conversation, spread over conversations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "packet/octets.h"
#include "packet/view.h"
#include "support/packets.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { FLOWS = 10000, PORTS = 16384, IP = PACKET_ETHERNET };

static uint8_t frame[PACKET_MAX];

static uint16_t port_of(uint32_t caplen) {
  const mirror_packet packet = packet_of(frame, caplen, MIRROR_LINK_ETHERNET);
  uint16_t port = 0;
  assert_int_equal(mirror_packet_source_port(&packet, &port), MIRROR_OK);
  assert_in_range(port, 49152, 65535);
  return port;
}

static uint16_t port_of_parts(const struct packet_parts *parts) {
  return port_of(packet_build(parts, frame));
}

static struct packet_parts turned(struct packet_parts parts) {
  const struct packet_parts there = parts;
  parts.source = there.destination;
  parts.destination = there.source;
  parts.source_port = there.destination_port;
  parts.destination_port = there.source_port;
  return parts;
}

static struct packet_parts flow(uint32_t family, uint8_t protocol) {
  return (struct packet_parts){.family = family,
                               .protocol = protocol,
                               .source = family == 4 ? "10.1.2.3" : "2001:db8:7::1:1",
                               .destination = family == 4 ? "172.16.9.8" : "2001:db8:9::2:2",
                               .source_port = 40000,
                               .destination_port = 443};
}

static void test_v2_both_directions_are_equal(void **state) {
  (void)state;
  static const uint8_t protocols[] = {1, 6, 17, 47, 50, 58, 132};
  for (uint32_t i = 0; i < COUNT(protocols) * 2; i++) {
    const struct packet_parts there = flow(i % 2 ? 6 : 4, protocols[i / 2]);
    const struct packet_parts back = turned(there);
    assert_int_equal(port_of_parts(&there), port_of_parts(&back));
  }
}

/* On every machine: a flow keeps its path when a host is replaced by another one. */
static void test_v2_ports_are_the_same_everywhere(void **state) {
  (void)state;
  static const struct {
    uint32_t family;
    uint8_t protocol;
    uint16_t port;
  } flows[] = {{4, 6, 63250}, {4, 17, 56446}, {4, 1, 63314},
               {6, 6, 55421}, {6, 17, 59046}, {6, 58, 56896}};
  for (size_t i = 0; i < COUNT(flows); i++) {
    const struct packet_parts parts = flow(flows[i].family, flows[i].protocol);
    assert_int_equal(port_of_parts(&parts), flows[i].port);
  }
}

static void test_v2_tags_do_not_matter(void **state) {
  (void)state;
  const struct packet_parts plain = flow(4, 6);
  struct packet_parts tagged = turned(plain);
  tagged.tags[0] = 0x8100;
  assert_int_equal(port_of_parts(&plain), port_of_parts(&tagged));
}

static void test_v2_a_cut_packet_hashes_alike_in_both_directions(void **state) {
  (void)state;
  const struct packet_parts there = flow(4, 6), back = turned(there);
  for (uint32_t cut = IP + 20; cut < IP + 24; cut++) {
    packet_build(&there, frame);
    const uint16_t port = port_of(cut);
    packet_build(&back, frame);
    assert_int_equal(port_of(cut), port);
  }
}

static void test_v2_ipv4_fragments_hash_alike(void **state) {
  (void)state;
  static const uint16_t fields[] = {0x2000, 0x2001, 0x2002, 0x0003};
  struct packet_parts parts = flow(4, 17);
  const uint16_t whole = port_of_parts(&parts);
  parts.fragment = fields[0];
  const uint16_t first = port_of_parts(&parts);
  assert_int_not_equal(first, whole);
  for (uint32_t i = 0; i < COUNT(fields); i++) {
    parts.fragment = fields[i];
    parts.source_port = (uint16_t)i; /* payload, in all but the first */
    const struct packet_parts back = turned(parts);
    assert_int_equal(port_of_parts(&parts), first);
    assert_int_equal(port_of_parts(&back), first);
  }
}

/* A chain hop-by-hop, fragment (with this field), then what the kinds behind it say. */
static uint16_t fragment_port(const uint8_t *behind, uint32_t count, uint16_t field,
                              struct packet_parts parts) {
  uint8_t kinds[8] = {0, 44}, chain[128];
  memcpy(kinds + 2, behind, count);
  parts.middle_length = packet_chain(kinds, count + 2, parts.protocol, chain);
  parts.middle = chain;
  parts.next = kinds[0];
  mri_put16(chain + 10, field);
  return port_of_parts(&parts);
}

/* Same next header in all fragments; behind it, later ones have nothing but payload. */
static void test_v2_ipv6_fragments_hash_alike(void **state) {
  (void)state;
  static const uint8_t behind[][2] = {{60, 43}, {51, 60}, {43, 0}};
  static const uint16_t fields[] = {1, 9, 17, 24};
  struct packet_parts parts = flow(6, 17);
  for (uint32_t i = 0; i < COUNT(behind); i++) {
    for (uint32_t count = 0; count <= 2; count++) {
      parts.source_port = 40000;
      const uint16_t first = fragment_port(behind[i], count, 1, parts);
      for (uint32_t j = 0; j < COUNT(fields); j++) {
        assert_int_equal(fragment_port(behind[i], count, fields[j], parts), first);
        assert_int_equal(fragment_port(behind[i], count, fields[j], turned(parts)), first);
        parts.source_port++;
      }
    }
  }
}

/* The reserved octet of a fragment header is nobody's. */
static void test_v2_ipv6_fragments_hash_by_the_next_header_alone(void **state) {
  (void)state;
  uint8_t chain[128];
  const uint8_t kinds[] = {44};
  struct packet_parts parts = flow(6, 17);
  parts.middle_length = packet_chain(kinds, 1, 17, chain);
  parts.middle = chain;
  parts.next = 44;
  mri_put16(chain + 2, 9);
  const uint16_t port = port_of_parts(&parts);
  chain[1] = 6;
  assert_int_equal(port_of_parts(&parts), port);
  chain[0] = 6;
  chain[1] = 0;
  assert_int_not_equal(port_of_parts(&parts), port);
}

/* A first fragment that shows a second fragment header, and the later ones that do not. */
static void test_v2_a_fragment_in_a_fragment_hashes_by_the_outer_one(void **state) {
  (void)state;
  const uint8_t behind[] = {60, 44};
  const struct packet_parts parts = flow(6, 17);
  const uint16_t later = fragment_port(behind, 1, 9, parts);
  uint8_t chain[128];
  const uint8_t kinds[] = {0, 44, 60, 44};
  struct packet_parts nested = parts;
  nested.middle_length = packet_chain(kinds, 4, 17, chain);
  nested.middle = chain;
  for (uint16_t inner = 0; inner < 10; inner++) {
    mri_put16(chain + 10, 1);
    mri_put16(chain + 26, inner);
    assert_int_equal(port_of_parts(&nested), later);
  }
}

static void test_v2_an_ipv6_atomic_fragment_is_whole(void **state) {
  (void)state;
  const uint8_t none[1] = {0};
  const struct packet_parts parts = flow(6, 17);
  assert_int_equal(fragment_port(none, 0, 0, parts), port_of_parts(&parts));
}

static void test_v2_every_part_of_a_flow_counts(void **state) {
  (void)state;
  for (uint32_t family = 4; family <= 6; family += 2) {
    const struct packet_parts base = flow(family, 6);
    struct packet_parts others[5] = {base, base, base, base, base};
    others[0].source = family == 4 ? "10.1.2.4" : "2001:db8:7::1:2";
    others[1].destination = family == 4 ? "172.17.9.8" : "2001:db8:a::2:2";
    others[2].source_port++;
    others[3].destination_port++;
    others[4].protocol = 17;
    for (uint32_t i = 0; i < COUNT(others); i++)
      assert_int_not_equal(port_of_parts(&others[i]), port_of_parts(&base));
  }
}

/* Kinds of traffic in which flows differ by little. */
enum { CLIENT_PORTS, CLIENTS, PINGS, CLIENTS_IPV6, PREFIXES_IPV6, PAIRS, KINDS };

static struct mri_view view_of(uint32_t kind, uint32_t flow_number) {
  const bool ipv6 = kind == CLIENTS_IPV6 || kind == PREFIXES_IPV6;
  const bool ports = kind != PINGS;
  struct mri_view view = {.key = {.source = {10, 0, 0, 1},
                                  .destination = {10, 0, 0, 2},
                                  .source_port = 32768,
                                  .destination_port = 443,
                                  .present = ports ? 7 : MIRROR_KEY_PROTOCOL,
                                  .family = ipv6 ? 6 : 4},
                          .hash_protocol = ports ? 6 : 1};
  mirror_key *key = &view.key;
  if (kind == CLIENT_PORTS) key->source_port = (uint16_t)(32768 + flow_number);
  if (kind == CLIENTS || kind == PINGS) mri_put32(key->source, 0x0a000000 + flow_number);
  if (kind == CLIENTS_IPV6) mri_put32(key->source + 12, flow_number);
  if (kind == PREFIXES_IPV6) mri_put32(key->source + 4, flow_number);
  if (kind == PAIRS) {
    mri_put32(key->source, 0x0a000000 + flow_number);
    mri_put32(key->destination, 0x0a000000 + flow_number);
    key->source_port = key->destination_port = 7;
  }
  return view;
}

static double chi_square(const uint32_t *counts, uint32_t bins, double expected) {
  double sum = 0;
  for (uint32_t i = 0; i < bins; i++) {
    const double off = counts[i] - expected;
    sum += off * off / expected;
  }
  return sum;
}

/* A next hop is chosen by the port, as a router would: by remainder. */
static void test_v2_flows_spread_over_next_hops(void **state) {
  (void)state;
  for (uint32_t kind = 0; kind < KINDS; kind++) {
    for (uint32_t hops = 2; hops <= 16; hops++) {
      uint32_t counts[16] = {0};
      for (uint32_t i = 0; i < FLOWS; i++) {
        const struct mri_view view = view_of(kind, i);
        counts[mri_flow_port(mri_flow_hash(&view)) % hops]++;
      }
      /* hops - 1 degrees of freedom: 50 is far beyond one in a thousand for all of them */
      assert_true(chi_square(counts, hops, (double)FLOWS / hops) < 50);
    }
  }
}

/* 10000 balls in 16384 bins fill 7484 of them, give or take 45. */
static void test_v2_flows_spread_over_ports(void **state) {
  (void)state;
  static uint32_t counts[PORTS];
  for (uint32_t kind = 0; kind < KINDS; kind++) {
    memset(counts, 0, sizeof counts);
    uint32_t used = 0;
    for (uint32_t i = 0; i < FLOWS; i++) {
      const struct mri_view view = view_of(kind, i);
      const uint16_t port = mri_flow_port(mri_flow_hash(&view));
      assert_in_range(port, 49152, 65535);
      used += counts[port - 49152]++ == 0;
    }
    assert_in_range(used, 7300, 7700);
  }
}

/* Samplers take the whole hash: all of its bits are used, each set in about half of the flows. */
static void test_f4_every_bit_of_the_hash_is_used(void **state) {
  (void)state;
  for (uint32_t kind = 0; kind < KINDS; kind++) {
    uint32_t set[32] = {0};
    for (uint32_t i = 0; i < FLOWS; i++) {
      const struct mri_view view = view_of(kind, i);
      const uint32_t hash = mri_flow_hash(&view);
      for (uint32_t bit = 0; bit < 32; bit++)
        set[bit] += hash >> bit & 1;
    }
    for (uint32_t bit = 0; bit < 32; bit++)
      assert_in_range(set[bit], 4700, 5300);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_v2_both_directions_are_equal),
      cmocka_unit_test(test_v2_ports_are_the_same_everywhere),
      cmocka_unit_test(test_v2_tags_do_not_matter),
      cmocka_unit_test(test_v2_a_cut_packet_hashes_alike_in_both_directions),
      cmocka_unit_test(test_v2_ipv4_fragments_hash_alike),
      cmocka_unit_test(test_v2_ipv6_fragments_hash_alike),
      cmocka_unit_test(test_v2_ipv6_fragments_hash_by_the_next_header_alone),
      cmocka_unit_test(test_v2_a_fragment_in_a_fragment_hashes_by_the_outer_one),
      cmocka_unit_test(test_v2_an_ipv6_atomic_fragment_is_whole),
      cmocka_unit_test(test_v2_every_part_of_a_flow_counts),
      cmocka_unit_test(test_v2_flows_spread_over_next_hops),
      cmocka_unit_test(test_v2_flows_spread_over_ports),
      cmocka_unit_test(test_f4_every_bit_of_the_hash_is_used),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
