/* F1: what we sent ourselves is recognised before the filter, and nothing else is taken for it. */
#include "conformance/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { IP = PACKET_ETHERNET, FRAGMENT_HEADER = 8, LATER_MS = 61 * 1000 };

static const char *const both[] = {"eni-4", "eni-6"};

/* Everything that either source receives or sends is mirrored, to an IPv4 or an IPv6 target. */
static void open_own(struct stage *stage, uint32_t family) {
  mirror_source source;
  stage_open(stage);
  scene_filter(&stage->scene, "all");
  scene_rule(&stage->scene, "all", "ingress 1 accept IPv4 ALL any#any any#any");
  scene_rule(&stage->scene, "all", "ingress 2 accept IPv6 ALL any#any any#any");
  scene_rule(&stage->scene, "all", "egress 1 accept IPv4 ALL any#any any#any");
  scene_rule(&stage->scene, "all", "egress 2 accept IPv6 ALL any#any any#any");
  for (uint32_t i = 0; i < 2; i++) {
    mirror_source_init(&source, sizeof source);
    source.id = both[i];
    source.address = i == 0 ? "10.9.0.1" : "2001:db8:9::1";
    assert_int_equal(mirror_source_add(stage->scene.change, &source, NULL), MIRROR_OK);
  }
  scene_target(&stage->scene, "target", MIRROR_TARGET_ENI,
               family == 4 ? "10.9.0.2" : "2001:db8:9::2");
  scene_session(&stage->scene, "session", 1, "all", "target", both, 2);
  scene_commit(&stage->scene);
}

struct frame {
  uint8_t octets[PACKET_MAX];
  uint32_t length;
};

/* A copy as it leaves from the source with an address of that family. */
static struct frame make_copy(struct stage *stage, uint32_t family) {
  struct packet_parts parts = {.family = 4, .protocol = 6, .source_port = 1000};
  struct frame copy;
  stage_pass(stage, both[family == 6], MIRROR_EGRESS, &parts);
  copy.length = stage->copies[0].length;
  memcpy(copy.octets, stage->octets, copy.length);
  return copy;
}

static uint32_t pass(struct stage *stage, const char *source, const struct frame *frame) {
  return stage_pass_frame(stage, source, MIRROR_EGRESS, frame->octets, frame->length, 0).verdict;
}

static void insert_tag(struct frame *frame) {
  static const uint8_t tag[4] = {0x81, 0, 0, 7};
  memmove(frame->octets + 16, frame->octets + 12, frame->length - 12);
  memcpy(frame->octets + 12, tag, sizeof tag);
  frame->length += (uint32_t)sizeof tag;
}

static void test_f1_a_copy_is_own_on_every_source(void **state) {
  struct stage stage;
  (void)state;
  for (uint32_t family = 4; family <= 6; family += 2) {
    open_own(&stage, family);
    struct frame copy = make_copy(&stage, family);
    for (uint32_t tags = 0; tags <= 2; tags++, insert_tag(&copy)) {
      for (uint32_t i = 0; i < 2; i++) {
        for (uint32_t direction = MIRROR_INGRESS; direction <= MIRROR_EGRESS; direction++) {
          mirror_verdict verdict =
              stage_pass_frame(&stage, both[i], direction, copy.octets, copy.length, 0);
          assert_int_equal(verdict.verdict, MIRROR_OWN);
          assert_null(verdict.session_id);
        }
      }
    }
    stage_close(&stage);
  }
}

/* Without Ethernet header, as a capture of raw IP has it. */
static void test_f1_a_copy_is_own_on_other_link_types(void **state) {
  struct stage stage;
  (void)state;
  for (uint32_t family = 4; family <= 6; family += 2) {
    open_own(&stage, family);
    struct frame copy = make_copy(&stage, family);
    mirror_packet packet = packet_of(copy.octets + IP, copy.length - IP, MIRROR_LINK_RAW);
    packet.direction = MIRROR_INGRESS;
    assert_int_equal(stage_pass_packet(&stage, "eni-4", packet).verdict, MIRROR_OWN);
    stage_close(&stage);
  }
}

/* Offsets in a copy over IPv4 and IPv6; each of these octets tells it from other traffic. */
static void test_f1_every_part_of_the_tunnel_counts(void **state) {
  static const struct {
    const char *what;
    uint32_t at[2];
  } parts[] = {{"source", {IP + 15, IP + 23}},   {"destination", {IP + 19, IP + 39}},
               {"UDP port", {IP + 23, IP + 43}}, {"flags", {IP + 28, IP + 48}},
               {"reserved", {IP + 30, IP + 50}}, {"VNI", {IP + 34, IP + 54}},
               {"reserved", {IP + 35, IP + 55}}, {"protocol", {IP + 9, IP + 6}}};
  struct stage stage;
  (void)state;
  for (uint32_t family = 4; family <= 6; family += 2) {
    open_own(&stage, family);
    struct frame copy = make_copy(&stage, family);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
      struct frame other = copy;
      other.octets[parts[i].at[family == 6]] ^= 1;
      if (pass(&stage, "eni-4", &other) != MIRROR_MIRRORED) fail_msg("%s", parts[i].what);
    }
    assert_int_equal(pass(&stage, "eni-4", &copy), MIRROR_OWN);
    stage_close(&stage);
  }
}

/* A copy that another mirror makes of this frame, over IPv4 or IPv6, somewhere else;
 * at most `kept` octets of it. */
static struct frame wrap(const struct frame *inner, uint32_t family, uint32_t vni, uint32_t kept) {
  mirror_outer outer;
  struct frame copy;
  uint32_t length = inner->length < kept ? inner->length : kept, head = 0;
  mirror_outer_init(&outer, sizeof outer);
  outer.layer = MIRROR_LAYER_LINK;
  outer.family = family;
  outer.vni = vni;
  outer.source[0] = 10;
  outer.destination[0] = 11;
  assert_int_equal(mirror_vxlan_encode(&outer, inner->octets, length, 50000, 1, copy.octets,
                                       sizeof copy.octets, &head),
                   MIRROR_OK);
  memcpy(copy.octets + head, inner->octets, length);
  copy.length = head + length;
  return copy;
}

/* Whatever mirror made it, and however many: to mirror it again would go round for ever. */
static void test_f1_a_copy_of_a_copy_is_own(void **state) {
  struct stage stage;
  (void)state;
  for (uint32_t family = 4; family <= 6; family += 2) {
    open_own(&stage, family);
    struct frame copy = make_copy(&stage, family), other = copy;
    other.octets[IP + (family == 4 ? 34 : 54)] ^= 1; /* VNI */
    for (uint32_t level = 1; level <= 20; level++) {
      copy = wrap(&copy, level % 2 ? 4 : 6, level, 1400);
      other = wrap(&other, level % 2 ? 4 : 6, level, 1400);
      assert_int_equal(pass(&stage, "eni-4", &copy), MIRROR_OWN);
      assert_int_equal(pass(&stage, "eni-4", &other), MIRROR_MIRRORED);
    }
    stage_close(&stage);
  }
}

/* Headers of ours that are not cut suffice. */
static void test_f1_a_cut_copy_of_a_copy_is_own(void **state) {
  struct stage stage;
  (void)state;
  for (uint32_t family = 4; family <= 6; family += 2) {
    open_own(&stage, family);
    const struct frame copy = make_copy(&stage, family);
    const uint32_t headers = family == 4 ? 50 : 70;
    for (uint32_t kept = 14; kept < copy.length; kept++) {
      const struct frame outside = wrap(&copy, 4, 7, kept);
      assert_int_equal(pass(&stage, "eni-4", &outside),
                       kept >= headers ? MIRROR_OWN : MIRROR_MIRRORED);
    }
    stage_close(&stage);
  }
}

/* Joined datagrams (GRO) of another mirror: one of them carries a copy of ours. */
static void test_f1_joined_datagrams_are_own_if_one_of_them_is(void **state) {
  struct stage stage;
  enum { HEADERS = 42, SIZE = 120, DATAGRAMS = 5 };
  (void)state;
  open_own(&stage, 4);
  struct frame copy = make_copy(&stage, 4), other = copy;
  other.octets[IP + 34] ^= 1; /* VNI */
  for (uint32_t ours = 0; ours < DATAGRAMS; ours++) {
    struct frame joined = wrap(&other, 4, 7, SIZE - 8);
    for (uint32_t i = 0; i < DATAGRAMS; i++) {
      const struct frame piece = wrap(i == ours ? &copy : &other, 4, 7, SIZE - 8);
      memset(joined.octets + HEADERS + i * SIZE, 0, SIZE);
      memcpy(joined.octets + HEADERS + i * SIZE, piece.octets + HEADERS, piece.length - HEADERS);
    }
    joined.length = HEADERS + DATAGRAMS * SIZE;
    joined.octets[IP + 2] = (uint8_t)((joined.length - IP) >> 8);
    joined.octets[IP + 3] = (uint8_t)(joined.length - IP);
    mirror_packet packet = packet_of(joined.octets, joined.length, MIRROR_LINK_ETHERNET);
    packet.direction = MIRROR_INGRESS;
    packet.gso_type = MIRROR_GSO_UDP_L4;
    packet.gso_size = SIZE;
    assert_int_equal(stage_pass_packet(&stage, "eni-4", packet).verdict, MIRROR_OWN);
    packet.gso_type = MIRROR_GSO_NONE; /* one datagram */
    assert_int_equal(stage_pass_packet(&stage, "eni-4", packet).verdict,
                     ours ? MIRROR_MIRRORED : MIRROR_OWN);
  }
  stage_close(&stage);
}

/* The collector's answer to a copy that nobody takes. */
static struct frame icmp_error(const struct frame *about, uint32_t family, uint8_t type,
                               uint32_t kept) {
  struct packet_parts parts = {.family = (uint8_t)family, .protocol = family == 4 ? 1 : 58};
  const uint32_t header = IP + (family == 4 ? 20u : 40u), rest = about->length - IP;
  const uint32_t quoted = rest < kept ? rest : kept;
  struct frame error;
  packet_build(&parts, error.octets);
  memset(error.octets + header, 0, 8);
  error.octets[header] = type;
  memcpy(error.octets + header + 8, about->octets + IP, quoted);
  error.length = header + 8 + quoted;
  const uint32_t at = IP + (family == 4 ? 2 : 4),
                 length = error.length - (family == 4 ? IP : header);
  error.octets[at] = (uint8_t)(length >> 8);
  error.octets[at + 1] = (uint8_t)length;
  return error;
}

static void test_f1_icmp_errors_about_a_copy_are_own(void **state) {
  struct stage stage;
  (void)state;
  for (uint32_t family = 4; family <= 6; family += 2) {
    open_own(&stage, family);
    const struct frame copy = make_copy(&stage, family);
    const uint32_t headers = family == 4 ? 36 : 56;
    struct frame other = copy;
    other.octets[IP + (family == 4 ? 34 : 54)] ^= 1; /* VNI */
    const uint8_t unreachable = family == 4 ? 3 : 1, echo = family == 4 ? 8 : 128;
    struct frame error = icmp_error(&copy, family, unreachable, 500);
    struct frame wrapped = wrap(&error, 4, 9, 1400);
    assert_int_equal(pass(&stage, "eni-4", &error), MIRROR_OWN);
    assert_int_equal(pass(&stage, "eni-4", &wrapped), MIRROR_OWN);
    error = icmp_error(&copy, family, unreachable, headers);
    assert_int_equal(pass(&stage, "eni-4", &error), MIRROR_OWN);
    error = icmp_error(&copy, family, unreachable, headers - 1);
    assert_int_equal(pass(&stage, "eni-4", &error), MIRROR_MIRRORED);
    error = icmp_error(&copy, family, echo, 500);
    assert_int_equal(pass(&stage, "eni-4", &error), MIRROR_MIRRORED);
    error = icmp_error(&other, family, unreachable, 500);
    assert_int_equal(pass(&stage, "eni-4", &error), MIRROR_MIRRORED);
    stage_close(&stage);
  }
}

/* What else goes to the collector is mirrored like everything. */
static void test_f1_other_traffic_to_the_collector_is_mirrored(void **state) {
  struct packet_parts tcp = {
      .family = 4, .source = "10.9.0.1", .destination = "10.9.0.2", .protocol = 6};
  struct packet_parts short_vxlan = tcp;
  struct stage stage;
  (void)state;
  open_own(&stage, 4);
  short_vxlan.protocol = 17;
  short_vxlan.destination_port = MIRROR_VXLAN_PORT;
  assert_int_equal(stage_pass(&stage, "eni-4", MIRROR_EGRESS, &tcp).verdict, MIRROR_MIRRORED);
  assert_int_equal(stage_pass(&stage, "eni-4", MIRROR_EGRESS, &short_vxlan).verdict,
                   MIRROR_MIRRORED);
  stage_close(&stage);
}

/* Before the filter, and before what the security group or the caller says. */
static void test_f1_own_comes_first_and_is_counted(void **state) {
  struct stage stage;
  mirror_source source;
  mirror_stats stats;
  (void)state;
  open_own(&stage, 4);
  struct frame copy = make_copy(&stage, 4);
  scene_filter(&stage.scene, "nothing");
  mirror_source_init(&source, sizeof source);
  source.id = "eni-6";
  source.security_group = "nothing";
  assert_int_equal(mirror_source_update(stage.scene.change, &source, NULL), MIRROR_OK);
  scene_commit(&stage.scene);
  assert_int_equal(pass(&stage, "eni-6", &copy), MIRROR_OWN);
  assert_int_equal(stage_pass_frame(&stage, "eni-6", MIRROR_EGRESS, copy.octets, copy.length,
                                    MIRROR_PACKET_BLOCKED)
                       .verdict,
                   MIRROR_OWN);
  mirror_stats_init(&stats, sizeof stats);
  assert_int_equal(mirror_source_stats(stage.scene.context, "eni-6", MIRROR_EGRESS, &stats),
                   MIRROR_OK);
  assert_int_equal(stats.counters[MIRROR_COUNTER_OWN].packets, 2);
  assert_int_equal(stats.counters[MIRROR_COUNTER_OWN].octets, 2 * copy.length);
  stage_close(&stage);
}

/* A tunnel that nobody uses any more sends nothing: what looks like its copies is not ours. */
static void test_f1_a_removed_session_has_no_copies(void **state) {
  struct stage stage;
  (void)state;
  open_own(&stage, 4);
  struct frame copy = make_copy(&stage, 4);
  scene_target(&stage.scene, "other", MIRROR_TARGET_ENI, "10.9.0.3");
  assert_int_equal(mirror_session_remove(stage.scene.change, "session", NULL), MIRROR_OK);
  scene_session(&stage.scene, "new", 1, "all", "other", both, 2);
  scene_commit(&stage.scene);
  assert_int_equal(pass(&stage, "eni-4", &copy), MIRROR_MIRRORED);
  stage_close(&stage);
}

/* ---- fragments ---- */

static void put16(uint8_t *at, uint32_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

/* Octets [from, to) of the UDP datagram in `whole`, as an IPv4 fragment. */
static struct frame cut_ipv4(const struct frame *whole, uint32_t from, uint32_t to, uint32_t id) {
  const uint32_t header = IP + 20;
  struct frame piece = *whole;
  const bool more = header + to < whole->length;
  put16(piece.octets + IP + 2, 20 + to - from);
  put16(piece.octets + IP + 4, id);
  put16(piece.octets + IP + 6, (more ? 0x2000u : 0) | from / 8);
  memcpy(piece.octets + header, whole->octets + header + from, to - from);
  piece.length = header + to - from;
  return piece;
}

static struct frame cut_ipv6(const struct frame *whole, uint32_t from, uint32_t to, uint32_t id) {
  const uint32_t header = IP + 40;
  const uint8_t next = whole->octets[IP + 6];
  struct frame piece = *whole;
  uint8_t *fragment = piece.octets + header;
  const bool more = header + to < whole->length;
  put16(piece.octets + IP + 4, FRAGMENT_HEADER + to - from);
  piece.octets[IP + 6] = 44;
  memset(fragment, 0, FRAGMENT_HEADER);
  fragment[0] = next;
  put16(fragment + 2, from | more);
  put16(fragment + 6, id);
  memcpy(fragment + FRAGMENT_HEADER, whole->octets + header + from, to - from);
  piece.length = header + FRAGMENT_HEADER + to - from;
  return piece;
}

static struct frame cut(uint32_t family, const struct frame *whole, uint32_t from, uint32_t id) {
  const uint32_t end = whole->length - IP - (family == 4 ? 20 : 40);
  const uint32_t to = from + 24 < end ? from + 24 : end;
  return (family == 4 ? cut_ipv4 : cut_ipv6)(whole, from, to, id);
}

static void test_f1_all_fragments_of_a_copy_are_own(void **state) {
  struct stage stage;
  (void)state;
  for (uint32_t family = 4; family <= 6; family += 2) {
    open_own(&stage, family);
    const struct frame copy = make_copy(&stage, family);
    for (uint32_t from = 0; from < 72; from += 24) {
      struct frame piece = cut(family, &copy, from, 77), other = cut(family, &copy, from, 78);
      assert_int_equal(pass(&stage, "eni-6", &piece), MIRROR_OWN);
      insert_tag(&piece);
      assert_int_equal(pass(&stage, "eni-6", &piece), MIRROR_OWN);
      if (from > 0) assert_int_equal(pass(&stage, "eni-6", &other), MIRROR_MIRRORED);
    }
    stage_close(&stage);
  }
}

/* Ids are used again, by other traffic to the collector as well. */
static void test_f1_a_later_datagram_with_the_same_id_is_not_own(void **state) {
  struct stage stage;
  (void)state;
  for (uint32_t family = 4; family <= 6; family += 2) {
    open_own(&stage, family);
    const struct frame copy = make_copy(&stage, family);
    struct frame other = copy;
    other.octets[IP + (family == 4 ? 23 : 43)] ^= 1; /* UDP port */
    struct frame own_first = cut(family, &copy, 0, 77), first = cut(family, &other, 0, 77);
    struct frame rest = cut(family, &other, 24, 77);
    assert_int_equal(pass(&stage, "eni-4", &own_first), MIRROR_OWN);
    assert_int_equal(pass(&stage, "eni-4", &first), MIRROR_MIRRORED);
    assert_int_equal(pass(&stage, "eni-4", &rest), MIRROR_MIRRORED);
    stage_close(&stage);
  }
}

static void test_f1_fragments_are_own_for_a_minute_whatever_is_committed(void **state) {
  struct stage stage;
  (void)state;
  open_own(&stage, 4);
  const struct frame copy = make_copy(&stage, 4);
  struct frame first = cut(4, &copy, 0, 77), rest = cut(4, &copy, 24, 77);
  assert_int_equal(pass(&stage, "eni-4", &first), MIRROR_OWN);
  scene_source(&stage.scene, "another", 1500);
  scene_commit(&stage.scene);
  assert_int_equal(pass(&stage, "eni-4", &rest), MIRROR_OWN);
  mirror_packet late = packet_of(rest.octets, rest.length, MIRROR_LINK_ETHERNET);
  late.direction = MIRROR_EGRESS;
  late.time_ns = INT64_C(1000000) * LATER_MS;
  assert_int_equal(stage_pass_packet(&stage, "eni-4", late).verdict, MIRROR_MIRRORED);
  stage_close(&stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_f1_a_copy_is_own_on_every_source),
      cmocka_unit_test(test_f1_a_copy_is_own_on_other_link_types),
      cmocka_unit_test(test_f1_every_part_of_the_tunnel_counts),
      cmocka_unit_test(test_f1_a_copy_of_a_copy_is_own),
      cmocka_unit_test(test_f1_a_cut_copy_of_a_copy_is_own),
      cmocka_unit_test(test_f1_joined_datagrams_are_own_if_one_of_them_is),
      cmocka_unit_test(test_f1_icmp_errors_about_a_copy_are_own),
      cmocka_unit_test(test_f1_other_traffic_to_the_collector_is_mirrored),
      cmocka_unit_test(test_f1_own_comes_first_and_is_counted),
      cmocka_unit_test(test_f1_a_removed_session_has_no_copies),
      cmocka_unit_test(test_f1_all_fragments_of_a_copy_are_own),
      cmocka_unit_test(test_f1_a_later_datagram_with_the_same_id_is_not_own),
      cmocka_unit_test(test_f1_fragments_are_own_for_a_minute_whatever_is_committed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
