/*
 * Changes under traffic (A1, O6) and the walk they change (O1, M1, M2, M3): at every packet one
 * configuration holds, the one committed last.
 */
#include "conformance/stage.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SIDES = 2, COMMITS = 3000, PACKETS = 3000 };

static const char *const one[] = {"eni-1"};
static const char *const two[] = {"eni-1", "eni-2"};

static const struct packet_parts any_tcp = {.family = 4, .protocol = 6};

/* Two filters, targets and sources; what a copy says tells which of them it came by. */
static void open_sides(struct stage *stage) {
  struct scene *scene = &stage->scene;
  stage_open(stage);
  scene_filter(scene, "filter-0");
  scene_rule(scene, "filter-0", "ingress 10 accept IPv4 ALL any#any any#any");
  scene_filter(scene, "filter-1");
  scene_rule(scene, "filter-1", "ingress 11 accept IPv4 ALL any#any any#any");
  scene_source(scene, "eni-1", 1500);
  scene_source(scene, "eni-2", 1500);
  scene_target(scene, "target-0", MIRROR_TARGET_ENI, "10.9.0.20");
  scene_target(scene, "target-1", MIRROR_TARGET_ENI, "10.9.0.21");
  scene_session(scene, "session", 1, "filter-0", "target-0", one, 1);
  scene_commit(scene);
}

static void swap(struct stage *stage, const char *filter, const char *target, uint32_t vni,
                 const char *const *sources, uint32_t source_count) {
  mirror_session session;
  mirror_session_init(&session, sizeof session);
  session.id = "session";
  session.priority = 1;
  session.filter_id = filter;
  session.target_id = target;
  session.vni = vni;
  session.sources = sources;
  session.source_count = source_count;
  scene_status(mirror_session_update(stage->scene.change, &session, NULL), MIRROR_OK, NULL);
}

static mirror_verdict pass(struct stage *stage, const char *source) {
  return stage_pass(stage, source, MIRROR_INGRESS, &any_tcp);
}

static void assert_by(struct stage *stage, uint32_t rule, const char *target, uint32_t vni) {
  mirror_verdict verdict = pass(stage, "eni-1");
  assert_int_equal(verdict.verdict, MIRROR_MIRRORED);
  assert_int_equal(verdict.rule_priority, rule);
  assert_string_equal(verdict.target_id, target);
  assert_int_equal(verdict.vni, vni);
  assert_int_equal(stage_copy(stage).vni, vni);
  assert_int_equal(stage_copy(stage).destination[3], target[7] - '0' + 20);
}

static void test_o6_filter_target_and_sources_are_swapped_in_place(void **state) {
  struct stage stage;
  (void)state;
  open_sides(&stage);
  assert_by(&stage, 10, "target-0", 1);
  swap(&stage, "filter-1", "target-0", 1, one, 1);
  assert_by(&stage, 10, "target-0", 1); /* staged is not committed */
  scene_commit(&stage.scene);
  assert_by(&stage, 11, "target-0", 1);
  swap(&stage, "filter-1", "target-1", 7, one, 1);
  scene_commit(&stage.scene);
  assert_by(&stage, 11, "target-1", 7);
  assert_int_equal(pass(&stage, "eni-2").verdict, MIRROR_UNMATCHED);
  swap(&stage, "filter-1", "target-1", 7, two, 2);
  scene_commit(&stage.scene);
  assert_int_equal(pass(&stage, "eni-2").verdict, MIRROR_MIRRORED);
  swap(&stage, "filter-1", "target-1", 7, two + 1, 1);
  scene_commit(&stage.scene);
  assert_int_equal(pass(&stage, "eni-1").verdict, MIRROR_UNMATCHED);
  stage_close(&stage);
}

/* The session's counters go on through all of that (F3). */
static void test_f3_a_swap_keeps_the_counters(void **state) {
  struct stage stage;
  mirror_stats stats;
  (void)state;
  open_sides(&stage);
  pass(&stage, "eni-1");
  swap(&stage, "filter-1", "target-1", 7, two, 2);
  scene_commit(&stage.scene);
  pass(&stage, "eni-1");
  mirror_stats_init(&stats, sizeof stats);
  assert_int_equal(mirror_session_stats(stage.scene.context, "session", &stats), MIRROR_OK);
  assert_int_equal(stats.counters[MIRROR_COUNTER_SENT].packets, 2);
  assert_int_equal(mirror_target_stats(stage.scene.context, "target-1", &stats), MIRROR_OK);
  assert_int_equal(stats.counters[MIRROR_COUNTER_SENT].packets, 1);
  stage_close(&stage);
}

static void test_a1_a_refused_commit_leaves_the_old_one_running(void **state) {
  struct stage stage;
  (void)state;
  open_sides(&stage);
  swap(&stage, "filter-1", "target-1", 7, two, 2);
  assert_int_equal(mirror_filter_remove(stage.scene.change, "filter-1", NULL), MIRROR_OK);
  assert_int_equal(mirror_transaction_commit(stage.scene.change, NULL), MIRROR_E_UNKNOWN_FILTER);
  assert_by(&stage, 10, "target-0", 1);
  assert_int_equal(pass(&stage, "eni-2").verdict, MIRROR_UNMATCHED);
  stage_close(&stage);
}

/* ---- one configuration a packet, while another thread commits ---- */

struct traffic {
  struct stage *stage;
  mirror_packet packets[STAGE_COPIES];
  atomic_uint seen[SIDES];
  uint64_t mixtures;
  atomic_bool stop;
};

/* Filter, target, VNI and the copy's own octets are all of one side. */
static void look(struct traffic *traffic, const mirror_verdict *verdict, const uint8_t *copy) {
  uint32_t side = verdict->rule_priority - 10;
  bool whole = verdict->verdict == MIRROR_MIRRORED && side < SIDES && verdict->vni == 100 + side &&
               verdict->target_id[7] - '0' == (int)side && copy[33] == 20 + side &&
               copy[48] == 100 + side;
  if (whole)
    traffic->seen[side]++;
  else
    traffic->mixtures++;
}

static void *run_traffic(void *argument) {
  struct traffic *traffic = argument;
  struct stage *stage = traffic->stage;
  while (!atomic_load(&traffic->stop)) {
    mirror_verdict verdicts[STAGE_COPIES];
    stage->memory.used = stage->memory.count = 0;
    mirror_tap_submit(stage->tap, traffic->packets, STAGE_COPIES, verdicts);
    for (uint32_t i = 0; i < STAGE_COPIES; i++)
      look(traffic, &verdicts[i], stage->octets + stage->copies[i].offset);
  }
  return NULL;
}

static void commit_side(struct stage *stage, uint32_t side) {
  swap(stage, side ? "filter-1" : "filter-0", side ? "target-1" : "target-0", 100 + side, one, 1);
  scene_commit(&stage->scene);
}

static void test_a1_each_packet_is_judged_by_one_configuration(void **state) {
  static struct stage stage;
  struct traffic traffic = {.stage = &stage};
  uint8_t frame[PACKET_MAX];
  pthread_t thread;
  (void)state;
  open_sides(&stage);
  commit_side(&stage, 0);
  mirror_packet packet = packet_of(frame, packet_build(&any_tcp, frame), MIRROR_LINK_ETHERNET);
  packet.source = scene_handle(&stage.scene, "eni-1");
  for (uint32_t i = 0; i < STAGE_COPIES; i++)
    traffic.packets[i] = packet;
  assert_int_equal(pthread_create(&thread, NULL, run_traffic, &traffic), 0);
  uint32_t commits = 0;
  while (commits < COMMITS || traffic.seen[0] < PACKETS || traffic.seen[1] < PACKETS)
    commit_side(&stage, ++commits % SIDES);
  atomic_store(&traffic.stop, true);
  assert_int_equal(pthread_join(thread, NULL), 0);
  print_message("%u commits: %u and %u packets by either side\n", commits, traffic.seen[0],
                traffic.seen[1]);
  assert_int_equal(traffic.mixtures, 0);
  stage_close(&stage);
}

/* ---- the walk ---- */

/* Rules for one packet in sessions "first" (priority 1) and "second" (2); NULL: no rule. */
static void open_walk(struct stage *stage, const char *first, const char *second) {
  struct scene *scene = &stage->scene;
  stage_open(stage);
  scene_filter(scene, "first");
  scene_filter(scene, "second");
  if (first) scene_rule(scene, "first", first);
  if (second) scene_rule(scene, "second", second);
  scene_source(scene, "eni-1", 1500);
  scene_target(scene, "target-1", MIRROR_TARGET_ENI, "10.9.0.21");
  scene_target(scene, "target-2", MIRROR_TARGET_ENI, "10.9.0.22");
  scene_session(scene, "second", 2, "second", "target-2", one, 1);
  scene_session(scene, "first", 1, "first", "target-1", one, 1);
  scene_commit(scene);
}

/* M1, M2: the first rule that matches anywhere decides, and a packet is copied at most once. */
static void test_m2_a_reject_hides_an_accept_behind_it(void **state) {
  static const char accept[] = "ingress 60000 accept IPv4 ALL any#any any#any";
  static const char reject[] = "ingress 1 reject IPv4 ALL any#any any#any";
  static const char other[] = "ingress 1 reject IPv4 UDP any#any any#any";
  static const struct {
    const char *first, *second, *session;
    uint32_t verdict;
  } cases[] = {{accept, reject, "first", MIRROR_MIRRORED},
               {reject, accept, "first", MIRROR_REJECTED},
               {accept, accept, "first", MIRROR_MIRRORED},
               {other, accept, "second", MIRROR_MIRRORED},
               {NULL, reject, "second", MIRROR_REJECTED}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct stage stage;
    open_walk(&stage, cases[i].first, cases[i].second);
    mirror_verdict verdict = pass(&stage, "eni-1");
    assert_int_equal(verdict.verdict, cases[i].verdict);
    assert_string_equal(verdict.session_id, cases[i].session);
    stage_close(&stage);
  }
}

/* M3: a disabled session is as if absent; enabling it is a change like any other. */
static void test_m3_a_disabled_session_is_skipped(void **state) {
  struct stage stage;
  mirror_session session;
  (void)state;
  open_walk(&stage, "ingress 1 reject IPv4 ALL any#any any#any",
            "ingress 1 accept IPv4 ALL any#any any#any");
  mirror_session_init(&session, sizeof session);
  session.id = session.filter_id = "first";
  session.priority = 1;
  session.target_id = "target-1";
  session.sources = one;
  session.source_count = 1;
  for (uint32_t enabled = 0; enabled <= 1; enabled++) {
    session.enabled = enabled;
    assert_int_equal(mirror_session_update(stage.scene.change, &session, NULL), MIRROR_OK);
    scene_commit(&stage.scene);
    assert_int_equal(pass(&stage, "eni-1").verdict, enabled ? MIRROR_REJECTED : MIRROR_MIRRORED);
  }
  stage_close(&stage);
}

static void assert_same(const mirror_verdict *a, const mirror_verdict *b) {
  assert_int_equal(a->verdict, b->verdict);
  assert_int_equal(a->reason, b->reason);
  assert_int_equal(a->rule_priority, b->rule_priority);
  assert_int_equal(a->vni, b->vni);
  assert_int_equal(a->inner_length, b->inner_length);
  assert_int_equal(a->flags, b->flags);
  assert_int_equal(a->direction, b->direction);
  assert_ptr_equal(a->session_id, b->session_id);
  assert_ptr_equal(a->target_id, b->target_id);
}

/* Packets of both directions, of two sources and of none, whole and cut: runs of all lengths. */
static mirror_packet nth_packet(const struct stage *stage, uint32_t n, uint8_t frame[PACKET_MAX]) {
  struct packet_parts parts = {
      .family = n % 7 ? 4 : 6, .protocol = n % 3 ? 6 : 17, .destination_port = (uint16_t)(n % 4)};
  mirror_packet packet = packet_of(frame, packet_build(&parts, frame), MIRROR_LINK_ETHERNET);
  if (n % 11 == 0) packet.caplen = n % 40;
  if (n % 13) packet.source = scene_handle(&stage->scene, "eni-1");
  packet.direction = n / 9 % 2 ? MIRROR_EGRESS : MIRROR_INGRESS;
  packet.flags = n % 17 == 0 ? MIRROR_PACKET_BLOCKED : 0;
  return packet;
}

/* M1: one call for many packets judges them as a call for each, and as a tap does. */
static void test_m1_single_and_batch_calls_agree(void **state) {
  enum { PACKETS_EACH = 200 };
  static uint8_t frames[PACKETS_EACH][PACKET_MAX];
  mirror_packet packets[PACKETS_EACH];
  mirror_verdict batch[PACKETS_EACH], by_tap[PACKETS_EACH], single;
  struct stage stage;
  mirror_plan *plan;
  (void)state;
  open_walk(&stage, "ingress 1 accept IPv4 TCP any#any any#1-2",
            "egress 1 reject IPv4 ALL any#any any#any");
  for (uint32_t n = 0; n < PACKETS_EACH; n++)
    packets[n] = nth_packet(&stage, n, frames[n]);
  assert_int_equal(mirror_plan_acquire(stage.scene.context, &plan), MIRROR_OK);
  assert_int_equal(mirror_plan_match(plan, packets, PACKETS_EACH, batch), MIRROR_OK);
  assert_int_equal(mirror_tap_submit(stage.tap, packets, PACKETS_EACH, by_tap), MIRROR_OK);
  for (uint32_t n = 0; n < PACKETS_EACH; n++) {
    assert_int_equal(mirror_plan_match(plan, &packets[n], 1, &single), MIRROR_OK);
    assert_same(&batch[n], &single);
    assert_same(&by_tap[n], &single);
  }
  mirror_plan_release(plan);
  stage_close(&stage);
}

/* O1: ingress rules see what the source receives, egress rules what it sends. */
static void test_o1_each_direction_has_its_rules(void **state) {
  struct stage stage;
  (void)state;
  open_walk(&stage, "ingress 1 accept IPv4 ALL any#any any#any",
            "egress 1 reject IPv4 ALL any#any any#any");
  assert_int_equal(stage_pass(&stage, "eni-1", MIRROR_INGRESS, &any_tcp).verdict, MIRROR_MIRRORED);
  assert_int_equal(stage_pass(&stage, "eni-1", MIRROR_EGRESS, &any_tcp).verdict, MIRROR_REJECTED);
  stage_close(&stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_o6_filter_target_and_sources_are_swapped_in_place),
      cmocka_unit_test(test_f3_a_swap_keeps_the_counters),
      cmocka_unit_test(test_a1_a_refused_commit_leaves_the_old_one_running),
      cmocka_unit_test(test_a1_each_packet_is_judged_by_one_configuration),
      cmocka_unit_test(test_m2_a_reject_hides_an_accept_behind_it),
      cmocka_unit_test(test_m3_a_disabled_session_is_skipped),
      cmocka_unit_test(test_m1_single_and_batch_calls_agree),
      cmocka_unit_test(test_o1_each_direction_has_its_rules),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
