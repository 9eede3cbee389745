/* What a session, source and target ask of a copy is what the tap sends (V1, V2, V3, V7, F6, O9).
 */
#include "conformance/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { IP = PACKET_ETHERNET, LONG = 3000 };

static const char *const eni[] = {"eni"};

/* The objects of a scene, to be changed before they are committed. */
struct objects {
  mirror_source source;
  mirror_target target;
  mirror_session session;
};

static struct objects objects_of(uint32_t family) {
  struct objects objects;
  mirror_source_init(&objects.source, sizeof objects.source);
  objects.source.id = "eni";
  objects.source.address = family == 4 ? "10.9.0.1" : "2001:db8:9::1";
  mirror_target_init(&objects.target, sizeof objects.target);
  objects.target.id = "target";
  objects.target.address = family == 4 ? "10.9.0.2" : "2001:db8:9::2";
  mirror_session_init(&objects.session, sizeof objects.session);
  objects.session.id = "session";
  objects.session.priority = 1;
  objects.session.filter_id = "all";
  objects.session.target_id = "target";
  objects.session.sources = eni;
  objects.session.source_count = 1;
  return objects;
}

static void open_objects(struct stage *stage, const struct objects *objects) {
  stage_open(stage);
  scene_filter(&stage->scene, "all");
  scene_rule(&stage->scene, "all", "ingress 1 accept IPv4 ALL any#any any#any");
  scene_rule(&stage->scene, "all", "ingress 2 accept IPv6 ALL any#any any#any");
  mirror_transaction *change = stage->scene.change;
  assert_int_equal(mirror_source_add(change, &objects->source, NULL), MIRROR_OK);
  assert_int_equal(mirror_target_add(change, &objects->target, NULL), MIRROR_OK);
  assert_int_equal(mirror_session_add(change, &objects->session, NULL), MIRROR_OK);
  scene_commit(&stage->scene);
}

/* A TCP packet, followed by whatever makes the frame that long. */
static mirror_verdict pass_length(struct stage *stage, uint32_t length) {
  static uint8_t frame[PACKET_MAX];
  struct packet_parts parts = {.family = 4, .protocol = 6, .source_port = 1, .destination_port = 2};
  packet_build(&parts, frame);
  return stage_pass_frame(stage, "eni", MIRROR_INGRESS, frame, length, 0);
}

static uint32_t overhead_of(uint32_t family) {
  return family == 4 ? MIRROR_OVERHEAD_IPV4 : MIRROR_OVERHEAD_IPV6;
}

static mirror_count counted(const struct stage *stage, uint32_t counter) {
  mirror_stats stats;
  mirror_stats_init(&stats, sizeof stats);
  assert_int_equal(mirror_session_stats(stage->scene.context, "session", &stats), MIRROR_OK);
  return stats.counters[counter];
}

/* V1: what a target sets, over both families; all other octets by default. */
static void test_v1_every_setting_of_a_target(void **state) {
  struct stage stage;
  (void)state;
  for (uint32_t family = 4; family <= 6; family += 2) {
    const uint32_t udp = IP + (family == 4 ? 20 : 40);
    for (uint32_t set = 0; set <= 1; set++) {
      struct objects objects = objects_of(family);
      if (set) {
        objects.target.ttl = 3;
        objects.target.dont_fragment = 0;
        objects.target.udp_port = 8472;
        objects.target.udp_checksum =
            family == 4 ? MIRROR_UDP_CHECKSUM_COMPUTED : MIRROR_UDP_CHECKSUM_ZERO;
        objects.session.vni = 0;
      }
      open_objects(&stage, &objects);
      pass_length(&stage, 60);
      const uint8_t *copy = stage.octets;
      assert_int_equal(copy[family == 4 ? IP + 8 : IP + 7], set ? 3 : 64);
      if (family == 4) assert_int_equal(copy[IP + 6], set ? 0 : 0x40);
      assert_int_equal((copy[udp + 6] | copy[udp + 7]) != 0, set == (family == 4));
      mirror_decapsulated taken = stage_copy(&stage);
      assert_int_equal(taken.destination_port, set ? 8472 : 4789);
      assert_in_range(taken.source_port, 49152, 65535);
      assert_int_equal(taken.vni, set ? 0 : 1); /* O9 */
      assert_int_equal(taken.reserved_bits, 0);
      stage_close(&stage);
    }
  }
}

/* V1: the outer Ethernet addresses, of single receivers and of groups. */
static void test_v1_outer_ethernet_addresses(void **state) {
  static const struct {
    uint32_t family;
    const char *address;
    uint8_t mac[6];
  } cases[] = {{4, "10.9.0.2", {2, 0, 10, 9, 0, 2}},
               {6, "2001:db8::1:2", {2, 0, 0, 1, 0, 2}},
               {4, "239.129.2.3", {1, 0, 0x5e, 1, 2, 3}},
               {6, "ff02::1:2", {0x33, 0x33, 0, 1, 0, 2}}};
  static const uint8_t source[6] = {2, 1, 2, 3, 4, 5};
  struct stage stage;
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct objects objects = objects_of(cases[i].family);
    objects.target.address = cases[i].address;
    objects.source.mac = "02:01:02:03:04:05";
    open_objects(&stage, &objects);
    pass_length(&stage, 60);
    assert_memory_equal(stage.octets, cases[i].mac, 6);
    assert_memory_equal(stage.octets + 6, source, 6);
    stage_close(&stage);
  }
}

/* V3: at the limit of the smaller MTU and one octet over, over IPv4 and IPv6. */
static void test_v3_the_smaller_mtu_bounds_the_outer_packet(void **state) {
  static const struct {
    uint32_t source, target, smaller;
  } mtus[] = {{1500, MIRROR_ABSENT, 1500}, {1500, 1400, 1400}, {1300, 1400, 1300}, {70, 9000, 70}};
  struct stage stage;
  (void)state;
  for (uint32_t family = 4; family <= 6; family += 2) {
    for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++) {
      struct objects objects = objects_of(family);
      objects.source.mtu = mtus[i].source;
      objects.target.mtu = mtus[i].target;
      open_objects(&stage, &objects);
      uint32_t limit = mtus[i].smaller - overhead_of(family);
      if (limit >= 34) assert_int_equal(pass_length(&stage, limit).flags, 0);
      mirror_verdict cut = pass_length(&stage, limit < 34 ? 34 : limit + 1);
      assert_int_equal(cut.flags, MIRROR_CUT_BY_MTU);
      assert_int_equal(cut.inner_length, limit);
      assert_int_equal(stage_copy(&stage).inner_length, limit);
      assert_int_equal(stage.copies[0].length - IP, mtus[i].smaller);
      assert_int_equal(counted(&stage, MIRROR_COUNTER_CUT_BY_MTU).packets, 1);
      stage_close(&stage);
    }
  }
}

/* V3: packet_length and MTU together; each cut is counted with the octets that it took away. */
static void test_v3_packet_length_and_mtu_together(void **state) {
  static const uint32_t lengths[] = {14, 100, 1000, 1463, 1464, 1465, 2000, 65535};
  struct stage stage;
  (void)state;
  for (uint32_t family = 4; family <= 6; family += 2) {
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
      const uint32_t limit = 1500 - overhead_of(family);
      const uint32_t by_length = lengths[i] < LONG ? lengths[i] : LONG;
      const uint32_t kept = by_length < limit ? by_length : limit;
      struct objects objects = objects_of(family);
      objects.session.packet_length = lengths[i];
      open_objects(&stage, &objects);
      mirror_verdict verdict = pass_length(&stage, LONG);
      assert_int_equal(verdict.inner_length, kept);
      assert_int_equal(stage_copy(&stage).inner_length, kept);
      assert_int_equal(!!(verdict.flags & MIRROR_CUT_BY_LENGTH), by_length < LONG);
      assert_int_equal(!!(verdict.flags & MIRROR_CUT_BY_MTU), by_length > limit);
      assert_int_equal(counted(&stage, MIRROR_COUNTER_CUT_BY_LENGTH).octets, LONG - by_length);
      assert_int_equal(counted(&stage, MIRROR_COUNTER_CUT_BY_MTU).octets, by_length - kept);
      stage_close(&stage);
    }
  }
}

/* V3: a target that asks for "drop" gets whole copies or none. */
static void test_v3_drop_instead_of_truncate(void **state) {
  struct stage stage;
  (void)state;
  for (uint32_t family = 4; family <= 6; family += 2) {
    const uint32_t limit = 1500 - overhead_of(family);
    struct objects objects = objects_of(family);
    objects.target.oversize = MIRROR_OVERSIZE_DROP;
    open_objects(&stage, &objects);
    assert_int_equal(pass_length(&stage, limit).verdict, MIRROR_MIRRORED);
    mirror_verdict dropped = pass_length(&stage, limit + 1);
    assert_int_equal(dropped.verdict, MIRROR_DROPPED);
    assert_int_equal(dropped.reason, MIRROR_DROP_OVERSIZE);
    assert_string_equal(dropped.target_id, "target");
    assert_int_equal(counted(&stage, MIRROR_COUNTER_DROPPED_OVERSIZE).packets, 1);
    assert_int_equal(counted(&stage, MIRROR_COUNTER_DROPPED_OVERSIZE).octets, limit + 1);
    stage_close(&stage);

    objects.session.packet_length = limit; /* what the session cuts fits again */
    open_objects(&stage, &objects);
    assert_int_equal(pass_length(&stage, LONG).verdict, MIRROR_MIRRORED);
    stage_close(&stage);
  }
}

/* V2: the outer source port of a request is that of the reply. */
static void test_v2_both_directions_of_a_flow_leave_alike(void **state) {
  struct packet_parts request = {
      .family = 6, .protocol = 17, .source_port = 9, .destination_port = 53};
  struct packet_parts reply = {.family = 6,
                               .source = "2001:db8:1::2",
                               .destination = "2001:db8::1",
                               .protocol = 17,
                               .source_port = 53,
                               .destination_port = 9};
  struct objects objects = objects_of(4);
  struct stage stage;
  (void)state;
  open_objects(&stage, &objects);
  stage_pass(&stage, "eni", MIRROR_INGRESS, &request);
  uint16_t port = stage_copy(&stage).source_port;
  stage_pass(&stage, "eni", MIRROR_INGRESS, &reply);
  assert_int_equal(stage_copy(&stage).source_port, port);
  assert_int_equal(stage.copies[0].source_port, port);
  stage_close(&stage);
}

/* V7: the synthesized header is in the copy, counts for both cuts, and alone may be all of it. */
static void test_v7_synthesized_headers_are_cut_like_others(void **state) {
  static const uint8_t header[14] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
  static const uint32_t lengths[] = {14, 15, 53, 54, 55};
  struct packet_parts parts = {.family = 4, .protocol = 6};
  uint8_t frame[PACKET_MAX];
  struct stage stage;
  (void)state;
  uint32_t whole = packet_build(&parts, frame);
  mirror_packet raw = packet_of(frame + IP, whole - IP, MIRROR_LINK_RAW);
  raw.direction = MIRROR_INGRESS;
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    const uint32_t kept = lengths[i] < whole ? lengths[i] : whole;
    struct objects objects = objects_of(6);
    objects.session.packet_length = lengths[i];
    open_objects(&stage, &objects);
    assert_int_equal(stage_pass_packet(&stage, "eni", raw).inner_length, kept);
    mirror_decapsulated copy = stage_copy(&stage);
    assert_int_equal(copy.inner_length, kept);
    assert_memory_equal(copy.inner, header, sizeof header);
    assert_memory_equal(copy.inner + sizeof header, frame + IP, kept - sizeof header);
    assert_int_equal(counted(&stage, MIRROR_COUNTER_CUT_BY_LENGTH).octets, whole - kept);
    stage_close(&stage);
  }
}

/* F6: what the caller marks as dropped by the security group is not mirrored, whatever it holds. */
static void test_f6_a_packet_marked_as_blocked_is_not_mirrored(void **state) {
  struct packet_parts parts = {.family = 4, .protocol = 6};
  uint8_t frame[PACKET_MAX];
  struct objects objects = objects_of(4);
  mirror_stats stats;
  struct stage stage;
  (void)state;
  uint32_t length = packet_build(&parts, frame);
  open_objects(&stage, &objects);
  for (uint32_t cut = 0; cut <= length; cut += length / 2) {
    mirror_verdict verdict =
        stage_pass_frame(&stage, "eni", MIRROR_INGRESS, frame, cut, MIRROR_PACKET_BLOCKED);
    assert_int_equal(verdict.verdict, MIRROR_BLOCKED);
    assert_null(verdict.session_id);
  }
  mirror_stats_init(&stats, sizeof stats);
  assert_int_equal(mirror_source_stats(stage.scene.context, "eni", MIRROR_INGRESS, &stats),
                   MIRROR_OK);
  assert_int_equal(stats.counters[MIRROR_COUNTER_BLOCKED].packets, stats.received.packets);
  stage_close(&stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_v1_every_setting_of_a_target),
      cmocka_unit_test(test_v1_outer_ethernet_addresses),
      cmocka_unit_test(test_v3_the_smaller_mtu_bounds_the_outer_packet),
      cmocka_unit_test(test_v3_packet_length_and_mtu_together),
      cmocka_unit_test(test_v3_drop_instead_of_truncate),
      cmocka_unit_test(test_v2_both_directions_of_a_flow_leave_alike),
      cmocka_unit_test(test_v7_synthesized_headers_are_cut_like_others),
      cmocka_unit_test(test_f6_a_packet_marked_as_blocked_is_not_mirrored),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
