/*
 * F3 as a property: whatever the configuration, the packets and the faults of the output, the
 * counters of sources, sessions, rules, targets and taps are what a ledger of single verdicts says,
 * and the equations hold at every instant at which somebody can look.
 */
#include "conformance/ledger.h"
#include "conformance/scene.h"
#include "support/packets.h"

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

enum { WORLDS = 200, ROUNDS = 12, FRAMES = 48, BATCH = 40, SOURCES_EACH = 2 };

struct frame {
  uint8_t octets[PACKET_MAX];
  uint32_t length;
};

/* What the output did with the copies it was offered. */
struct output_log {
  uint64_t by_counter[MIRROR_COUNTERS];
  struct frame last; /* the last copy taken */
};

struct world {
  uint64_t random;
  struct scene scene;
  struct ledger ledger;
  struct output_log log;
  mirror_output *output;
  mirror_tap *tap;
  struct frame frames[FRAMES];
  struct frame own; /* a copy of ours, to be fed back (F1) */
  int64_t time_ns;
  uint64_t seen[MIRROR_DROPPED + 1]; /* verdicts, to show that each occurs */
};

/* xorshift64*: 0 <= result < below. */
static uint32_t pick(struct world *world, uint32_t below) {
  world->random ^= world->random >> 12;
  world->random ^= world->random << 25;
  world->random ^= world->random >> 27;
  return (uint32_t)((world->random * 0x2545f4914f6cdd1du) >> 33) % below;
}

static void check_tap(struct world *world) {
  mirror_stats stats;
  mirror_stats_init(&stats, sizeof stats);
  assert_int_equal(mirror_tap_stats(world->tap, &stats), MIRROR_OK);
  mirror_stats same = stats;
  ledger_equal("a tap while it runs", &stats, &same);
}

static void keep_copy(struct frame *frame, const mirror_copy *copy) {
  frame->length = copy->head_length + copy->body_length;
  assert_true(frame->length <= PACKET_MAX);
  memcpy(frame->octets, copy->head, copy->head_length);
  if (copy->body_length) memcpy(frame->octets + copy->head_length, copy->body, copy->body_length);
}

/* Takes all copies, or some and then fails for one of many reasons. */
static int32_t faulty_send(void *user, const mirror_copy *copies, uint32_t count,
                           uint32_t *accepted, mirror_report *report) {
  static const int32_t faults[] = {MIRROR_E_AGAIN,    MIRROR_E_NO_BUFFER, MIRROR_E_LINK_DOWN,
                                   MIRROR_E_NO_ROUTE, MIRROR_E_TOO_LONG,  MIRROR_E_PERMISSION,
                                   MIRROR_E_OS,       MIRROR_E_NO_DEVICE};
  struct world *world = user;
  struct output_log *log = &world->log;
  (void)report;
  assert_in_range(count, 1, BATCH);
  check_tap(world);
  *accepted = pick(world, 3) ? count : pick(world, count);
  log->by_counter[MIRROR_COUNTER_SENT] += *accepted;
  if (*accepted) keep_copy(&log->last, &copies[*accepted - 1]);
  if (*accepted == count) return MIRROR_OK;
  int32_t fault = faults[pick(world, sizeof faults / sizeof faults[0])];
  log->by_counter[ledger_output_counter(fault)]++;
  return fault;
}

static void on_packet(void *user, const mirror_packet *packet, const mirror_verdict *verdict) {
  struct world *world = user;
  ledger_add(&world->ledger, packet, verdict);
  world->seen[verdict->verdict]++;
  check_tap(world);
}

static void name(char id[8], char kind, uint32_t number) {
  snprintf(id, 8, "%c%u", kind, number % 10);
}

/* 10.0.0.1 to 10.0.3.1, so that rules and packets often meet. */
static const char *const addresses[] = {"10.0.0.1", "10.0.1.1", "10.0.2.1", "10.0.3.1"};
static const char *const addresses6[] = {"2001:db8::1", "2001:db8::2", "2001:db8:1::1", "::1"};
static const char *const cidrs[] = {"any", "10.0.0.0/16", "10.0.0.0/23", "10.0.2.1/32"};
static const char *const cidrs6[] = {"any", "2001:db8::/32", "2001:db8::/48", "::1/128"};

static void add_rule(struct world *world, const char *filter, const char *direction,
                     uint32_t priority) {
  static const char *const protocols[] = {"ALL", "TCP", "UDP"};
  bool v6 = pick(world, 4) == 0;
  const char *protocol = protocols[pick(world, 3)];
  bool ports = protocol[0] != 'A' && pick(world, 2);
  char words[160];
  snprintf(words, sizeof words, "%s %u %s %s %s %s#any %s#%s", direction, priority,
           pick(world, 4) ? "accept" : "reject", v6 ? "IPv6" : "IPv4", protocol,
           v6 ? cidrs6[pick(world, 4)] : cidrs[pick(world, 4)],
           v6 ? cidrs6[pick(world, 4)] : cidrs[pick(world, 4)], ports ? "0-2" : "any");
  scene_rule(&world->scene, filter, words);
}

static void add_filters(struct world *world) {
  char id[8];
  for (uint32_t i = 0; i < LEDGER_FILTERS; i++) {
    name(id, 'f', i);
    scene_filter(&world->scene, id);
    for (uint32_t priority = 1; priority <= LEDGER_RULES; priority++) {
      add_rule(world, id, "ingress", priority);
      add_rule(world, id, "egress", priority);
    }
  }
}

static void add_sources(struct world *world) {
  char id[8], group[8];
  mirror_source source;
  for (uint32_t i = 0; i < LEDGER_SOURCES; i++) {
    name(id, 'e', i);
    mirror_source_init(&source, sizeof source);
    source.id = id;
    source.mtu = 400 + pick(world, 1200);
    source.address = "10.9.0.1";
    source.mac = "02:00:00:00:00:0a"; /* where packets of support/packets.h come from */
    world->ledger.group[i] = pick(world, 3) ? LEDGER_NO_GROUP : pick(world, LEDGER_FILTERS);
    name(group, 'f', world->ledger.group[i]);
    if (world->ledger.group[i] != LEDGER_NO_GROUP) source.security_group = group;
    scene_status(mirror_source_add(world->scene.change, &source, NULL), MIRROR_OK, NULL);
  }
}

static void add_targets(struct world *world) {
  static const char *const where[LEDGER_TARGETS] = {"10.9.0.2", "10.9.0.3", "2001:db8:9::2"};
  mirror_target target;
  char id[8];
  for (uint32_t i = 0; i < LEDGER_TARGETS; i++) {
    name(id, 't', i);
    mirror_target_init(&target, sizeof target);
    target.id = id;
    target.address = where[i];
    target.oversize = i == 1 ? MIRROR_OVERSIZE_DROP : MIRROR_OVERSIZE_TRUNCATE;
    scene_status(mirror_target_add(world->scene.change, &target, NULL), MIRROR_OK, NULL);
  }
}

/* Session i as the dice say; its sources are two in turn, so none is in more than four. */
static void put_session(struct world *world, uint32_t i, bool update) {
  char id[8], filter[8], target[8], names[SOURCES_EACH][8];
  const char *const sources[] = {names[0], names[1]};
  mirror_session session;
  name(id, 's', i);
  name(filter, 'f', world->ledger.filter[i]);
  name(target, 't', pick(world, LEDGER_TARGETS));
  name(names[0], 'e', 2 * i % LEDGER_SOURCES);
  name(names[1], 'e', (2 * i + 1) % LEDGER_SOURCES);
  mirror_session_init(&session, sizeof session);
  session.id = id;
  session.priority = i + 1;
  session.enabled = pick(world, 5) > 0;
  session.filter_id = filter;
  session.target_id = target;
  session.sources = sources;
  session.source_count = SOURCES_EACH;
  session.packet_length = world->ledger.packet_length[i];
  if (pick(world, 4) == 0) session.sample_one_in = 2;
  if (pick(world, 4) == 0) session.rate_limit_pps = 5;
  if (pick(world, 4) == 0) session.rate_limit_bps = 40000;
  scene_status(
      (update ? mirror_session_update : mirror_session_add)(world->scene.change, &session, NULL),
      MIRROR_OK, NULL);
}

static void add_sessions(struct world *world) {
  mirror_quotas quotas;
  mirror_quotas_init(&quotas, sizeof quotas);
  quotas.sessions_per_source = 4;
  scene_status(mirror_quotas_set(world->scene.change, &quotas, NULL), MIRROR_OK, NULL);
  for (uint32_t i = 0; i < LEDGER_SESSIONS; i++) {
    world->ledger.filter[i] = pick(world, LEDGER_FILTERS);
    world->ledger.packet_length[i] = pick(world, 3) ? MIRROR_ABSENT : 14 + pick(world, 800);
    put_session(world, i, false);
  }
}

/* A packet between the few addresses, perhaps padded, tagged or cut. */
static void build_frame(struct world *world, struct frame *frame) {
  static const uint8_t protocols[] = {6, 17, 1, 132};
  bool v6 = pick(world, 4) == 0;
  const char *const *pool = v6 ? addresses6 : addresses;
  struct packet_parts parts = {.family = v6 ? 6 : 4,
                               .source = pool[pick(world, 4)],
                               .destination = pool[pick(world, 4)],
                               .protocol = protocols[pick(world, 4)],
                               .source_port = (uint16_t)pick(world, 5),
                               .destination_port = (uint16_t)pick(world, 5)};
  uint32_t tags = pick(world, 8);
  for (uint32_t i = 0; i < tags && tags < 4; i++)
    parts.tags[i] = 0x8100;
  memset(frame->octets, 0x5a, sizeof frame->octets);
  frame->length = packet_build(&parts, frame->octets);
  if (pick(world, 2)) frame->length += pick(world, 1800);
  if (pick(world, 6) == 0) frame->length = pick(world, frame->length);
}

static void open_tap(struct world *world) {
  mirror_tap_options options;
  mirror_tap_options_init(&options, sizeof options);
  options.output = world->output;
  options.on_packet = on_packet;
  options.on_packet_user = world;
  options.batch = 1 + pick(world, BATCH);
  options.fragment_entries = 64 * pick(world, 2);
  scene_status(mirror_tap_create(world->scene.context, &options, &world->tap, NULL), MIRROR_OK,
               NULL);
}

static void open_world(struct world *world, uint64_t seed) {
  mirror_callback_output callback;
  memset(world, 0, sizeof *world);
  world->random = seed * 0x9e3779b97f4a7c15u + 1;
  scene_open(&world->scene);
  add_filters(world);
  add_sources(world);
  add_targets(world);
  add_sessions(world);
  scene_commit(&world->scene);
  for (uint32_t i = 0; i < LEDGER_SOURCES; i++) {
    char id[8];
    name(id, 'e', i);
    world->ledger.handle[i] = scene_handle(&world->scene, id);
  }
  mirror_callback_output_init(&callback, sizeof callback);
  callback.user = world;
  callback.send = faulty_send;
  scene_status(
      mirror_output_open(world->scene.context, "callback:", &callback, &world->output, NULL),
      MIRROR_OK, NULL);
  for (uint32_t i = 0; i < FRAMES; i++)
    build_frame(world, &world->frames[i]);
}

/* A frame of the world, or a copy of ours; now and then blocked, or of no source there is. */
static mirror_packet any_packet(struct world *world) {
  const struct frame *frame = &world->frames[pick(world, FRAMES)];
  if (pick(world, 12) == 0) frame = &world->own;
  mirror_packet packet = packet_of(frame->octets, frame->length, MIRROR_LINK_ETHERNET);
  if (frame->length > PACKET_ETHERNET && pick(world, 8) == 0) {
    packet = packet_of(frame->octets + PACKET_ETHERNET, frame->length - PACKET_ETHERNET,
                       MIRROR_LINK_RAW);
  }
  packet.source = world->ledger.handle[pick(world, LEDGER_SOURCES)];
  if (pick(world, 30) == 0) packet.source ^= 0x40000000;
  packet.direction = (uint8_t)(MIRROR_INGRESS + pick(world, 3));
  packet.flags = (uint8_t)(pick(world, 20) ? 0 : MIRROR_PACKET_BLOCKED);
  packet.time_ns = world->time_ns += 1000000 * pick(world, 100);
  return packet;
}

static void submit_batch(struct world *world) {
  mirror_packet packets[BATCH];
  uint32_t count = 1 + pick(world, BATCH);
  world->own = world->log.last;
  for (uint32_t i = 0; i < count; i++)
    packets[i] = any_packet(world);
  assert_int_equal(mirror_tap_submit(world->tap, packets, count, NULL), MIRROR_OK);
}

/* The output's own log and the tap's counters agree. */
static void check_log(const struct world *world) {
  for (uint32_t i = MIRROR_COUNTER_SENT; i <= MIRROR_COUNTER_FAILED_OTHER; i++)
    assert_int_equal(world->ledger.total.counters[i].packets, world->log.by_counter[i]);
}

/* Some taps come and go; between two of them a session changes, which keeps its counters. */
static void run_world(struct world *world) {
  for (uint32_t round = 0; round < ROUNDS; round++) {
    mirror_stats before = world->ledger.total, stats;
    open_tap(world);
    for (uint32_t i = 0; i < 4; i++)
      submit_batch(world);
    mirror_stats_init(&stats, sizeof stats);
    assert_int_equal(mirror_tap_stats(world->tap, &stats), MIRROR_OK);
    assert_int_equal(stats.received.packets,
                     world->ledger.total.received.packets - before.received.packets);
    ledger_check(&world->ledger, world->scene.context);
    mirror_tap_destroy(world->tap);
    put_session(world, pick(world, LEDGER_SESSIONS), true);
    scene_commit(&world->scene);
    ledger_check(&world->ledger, world->scene.context);
    check_log(world);
  }
}

static void test_f3_counters_equal_a_ledger_of_verdicts(void **state) {
  static struct world world;
  uint64_t seen[MIRROR_DROPPED + 1] = {0}, failed = 0;
  (void)state;
  for (uint64_t seed = 1; seed <= WORLDS; seed++) {
    open_world(&world, seed);
    run_world(&world);
    mirror_output_close(world.output);
    scene_close(&world.scene);
    for (uint32_t i = MIRROR_MIRRORED; i <= MIRROR_DROPPED; i++)
      seen[i] += world.seen[i];
    failed += world.log.by_counter[MIRROR_COUNTER_FAILED_NO_ROUTE];
  }
  for (uint32_t i = MIRROR_MIRRORED; i <= MIRROR_DROPPED; i++) {
    print_message("%s %ju  ", mirror_verdict_name(i), (uintmax_t)seen[i]);
    assert_true(seen[i] > 0);
  }
  print_message("\n");
  assert_true(failed > 0);
}

/* A tap on a thread of its own, whose output takes every second copy. */
struct runner {
  mirror_tap *tap;
  mirror_packet packet;
  atomic_bool stop;
};

static int32_t take_every_second(void *user, const mirror_copy *copies, uint32_t count,
                                 uint32_t *accepted, mirror_report *report) {
  (void)user, (void)copies, (void)count, (void)report;
  *accepted = 1;
  return MIRROR_E_AGAIN;
}

static void *run_tap(void *argument) {
  struct runner *runner = argument;
  mirror_packet packets[BATCH];
  for (uint32_t i = 0; i < BATCH; i++)
    packets[i] = runner->packet;
  while (!atomic_load(&runner->stop))
    mirror_tap_submit(runner->tap, packets, BATCH, NULL);
  return NULL;
}

static void check_live(const mirror_stats *stats) {
  const mirror_count *counters = stats->counters;
  const mirror_count *sent = &counters[MIRROR_COUNTER_SENT];
  const mirror_count *failed = &counters[MIRROR_COUNTER_FAILED_AGAIN];
  const mirror_count *mirrored = &counters[MIRROR_COUNTER_MIRRORED];
  assert_int_equal(stats->received.packets, mirrored->packets);
  assert_true(sent->packets + failed->packets <= mirrored->packets);
  assert_true(sent->octets + failed->octets <= mirrored->octets);
  assert_true(counters[MIRROR_COUNTER_CUT_BY_MTU].packets <= mirrored->packets);
}

static void read_counters_while_it_runs(mirror_context *context, const mirror_tap *tap) {
  enum { READS = 200000 };
  mirror_stats stats;
  mirror_stats_init(&stats, sizeof stats);
  for (uint32_t i = 0; i < READS; i++) {
    mirror_tap_stats(tap, &stats);
    check_live(&stats);
    mirror_session_stats(context, "session", &stats);
    check_live(&stats);
  }
  assert_true(stats.received.packets > 0);
}

static void set_live_scene(struct scene *scene) {
  const char *const sources[] = {"eni"};
  scene_filter(scene, "filter");
  scene_rule(scene, "filter", "ingress 1 accept IPv4 ALL any#any any#any");
  scene_source(scene, "eni", 70);
  scene_target(scene, "target", MIRROR_TARGET_ENI, "10.9.0.2");
  scene_session(scene, "session", 1, "filter", "target", sources, 1);
  scene_commit(scene);
}

/* In the middle of a packet, too: what was sent or failed was counted as mirrored before. */
static void test_f3_equations_hold_while_the_tap_runs(void **state) {
  struct scene scene;
  struct runner runner = {.tap = NULL};
  struct packet_parts parts = {.family = 4, .protocol = 6};
  mirror_callback_output callback;
  mirror_tap_options options;
  uint8_t frame[PACKET_MAX];
  pthread_t thread;
  (void)state;
  scene_open(&scene);
  set_live_scene(&scene);
  mirror_callback_output_init(&callback, sizeof callback);
  callback.send = take_every_second;
  mirror_tap_options_init(&options, sizeof options);
  assert_int_equal(mirror_output_open(scene.context, "callback:", &callback, &options.output, NULL),
                   MIRROR_OK);
  assert_int_equal(mirror_tap_create(scene.context, &options, &runner.tap, NULL), MIRROR_OK);
  runner.packet = packet_of(frame, packet_build(&parts, frame), MIRROR_LINK_ETHERNET);
  runner.packet.source = scene_handle(&scene, "eni");
  assert_int_equal(pthread_create(&thread, NULL, run_tap, &runner), 0);
  read_counters_while_it_runs(scene.context, runner.tap);
  atomic_store(&runner.stop, true);
  assert_int_equal(pthread_join(thread, NULL), 0);
  mirror_tap_destroy(runner.tap);
  mirror_output_close(options.output);
  scene_close(&scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_f3_counters_equal_a_ledger_of_verdicts),
      cmocka_unit_test(test_f3_equations_hold_while_the_tap_runs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
