/*
 * A1 under load: four packet threads, while commits follow each other as fast as they can. Each
 * configuration has a number of its own, which is the VNI of its copies, and takes every second
 * packet, the even ones or the odd ones by that number. So every copy says which configuration
 * judged it, and every packet without a copy as well: a batch is judged by one that was published
 * when it began or became so until it ended, and no packet is lost or copied twice. At the end the
 * memory in use is that of the beginning.
 *
 * `test_commits SECONDS` runs that long, and fails with less than 1000 commits a second.
 */
#include "conformance/scene.h"
#include "core/race.h"
#include "support/packets.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { THREADS = 4, BATCH = 64, WARM_UP = 20, COMMITS_MIN = 20, RATE = 1000, VNI_BITS = 24 };

static long seconds_wanted; /* 0: a short run, whatever the rate */

struct worker {
  struct traffic *traffic;
  pthread_t thread;
  mirror_output *output;
  mirror_tap *tap;
  uint8_t frames[BATCH][PACKET_MAX];
  mirror_packet packets[BATCH];
  uint32_t next;   /* packet of the batch of which a copy may come */
  uint32_t copies; /* of this batch */
  uint32_t vni;    /* of its first copy */
  uint64_t packets_sent;
  uint64_t batches_of_old; /* judged by a configuration that was not the last one any more */
  const char *wrong;       /* what does not hold: cmocka fails on the main thread only */
};

struct traffic {
  struct scene scene;
  _Atomic int64_t blocks, octets; /* in use by the library */
  _Atomic uint64_t begun, done;   /* numbers of commits; VNIs are these modulo 2^24 */
  atomic_bool stop;
  struct worker workers[THREADS];
};

/* ---- memory: blocks with their length in front ---- */

enum { FRONT = 16 };

static void *noted(struct traffic *traffic, uint8_t *front, uint64_t octets) {
  if (!front) return NULL;
  memcpy(front, &octets, sizeof octets);
  traffic->blocks++;
  traffic->octets += (int64_t)octets;
  return front + FRONT;
}

static uint8_t *forget(struct traffic *traffic, void *block) {
  uint8_t *front = (uint8_t *)block - FRONT;
  int64_t octets;
  memcpy(&octets, front, sizeof octets);
  traffic->blocks--;
  traffic->octets -= octets;
  return front;
}

static void *allocate(void *user, uint64_t octets) {
  return noted(user, malloc(FRONT + (size_t)octets), octets);
}

static void *resize(void *user, void *block, uint64_t octets) {
  return noted(user, realloc(forget(user, block), FRONT + (size_t)octets), octets);
}

static void release(void *user, void *block) {
  free(forget(user, block));
}

/* ---- packet threads ---- */

/* The number of a packet, its last octet, comes back in its copy. */
static uint32_t number_of(const mirror_copy *copy) {
  return copy->body[copy->body_length - 1];
}

static int32_t take(void *user, const mirror_copy *copies, uint32_t count, uint32_t *accepted,
                    mirror_report *report) {
  struct worker *worker = user;
  (void)report;
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t number = number_of(&copies[i]);
    if (worker->copies++ == 0) worker->vni = copies[i].outer->vni;
    if (copies[i].outer->vni != worker->vni) worker->wrong = "a batch under two configurations";
    if (number % 2 != worker->vni % 2) worker->wrong = "a copy of a packet that was rejected";
    if (number < worker->next) worker->wrong = "a second copy of a packet";
    worker->next = number + 1;
  }
  *accepted = count;
  return MIRROR_OK;
}

static void check_verdicts(struct worker *worker, const mirror_verdict *verdicts) {
  for (uint32_t i = 0; i < BATCH; i++) {
    const uint32_t expected = i % 2 == worker->vni % 2 ? MIRROR_MIRRORED : MIRROR_REJECTED;
    if (verdicts[i].verdict != expected) worker->wrong = "a verdict of another configuration";
  }
}

/* How far `vni` is behind the commit of that number, modulo 2^24. */
static uint32_t behind(uint64_t number, uint32_t vni) {
  return ((uint32_t)number - vni) & ((1u << VNI_BITS) - 1);
}

static void submit(struct worker *worker) {
  mirror_verdict verdicts[BATCH];
  const uint64_t done = atomic_load(&worker->traffic->done);
  worker->next = worker->copies = 0;
  mirror_tap_submit(worker->tap, worker->packets, BATCH, verdicts);
  const uint64_t begun = atomic_load(&worker->traffic->begun);
  if (worker->copies != BATCH / 2) worker->wrong = "packets were lost";
  if (behind(begun, worker->vni) > begun - done)
    worker->wrong = "a configuration older than the batch, or not yet committed";
  worker->batches_of_old += behind(begun, worker->vni) > 0;
  worker->packets_sent += BATCH;
  check_verdicts(worker, verdicts);
}

static void *run_worker(void *argument) {
  struct worker *worker = argument;
  while (!atomic_load(&worker->traffic->stop) && !worker->wrong)
    submit(worker);
  return NULL;
}

static void open_worker(struct traffic *traffic, struct worker *worker) {
  mirror_callback_output callback;
  mirror_tap_options options;
  mirror_callback_output_init(&callback, sizeof callback);
  callback.user = worker;
  callback.send = take;
  mirror_tap_options_init(&options, sizeof options);
  options.source_id = "eni";
  scene_status(
      mirror_output_open(traffic->scene.context, "callback:", &callback, &options.output, NULL),
      MIRROR_OK, NULL);
  scene_status(mirror_tap_create(traffic->scene.context, &options, &worker->tap, NULL), MIRROR_OK,
               NULL);
  worker->traffic = traffic;
  worker->output = options.output;
  for (uint32_t i = 0; i < BATCH; i++) {
    struct packet_parts parts = {
        .family = 4, .protocol = 17, .destination_port = (uint16_t)(i % 2)};
    const uint32_t length = packet_build(&parts, worker->frames[i]);
    worker->frames[i][length] = (uint8_t)i;
    worker->packets[i] = packet_of(worker->frames[i], length + 1, MIRROR_LINK_ETHERNET);
  }
}

static void close_worker(struct worker *worker) {
  mirror_tap_destroy(worker->tap);
  mirror_output_close(worker->output);
}

/* ---- commits ---- */

static void open_scene(struct traffic *traffic) {
  struct scene *scene = &traffic->scene;
  mirror_context_options options;
  mirror_context_options_init(&options, sizeof options);
  options.allocator_user = traffic;
  options.allocate = allocate;
  options.resize = resize;
  options.release = release;
  scene_status(mirror_context_create(&options, &scene->context, NULL), MIRROR_OK, NULL);
  scene_status(mirror_transaction_begin(scene->context, &scene->change, NULL), MIRROR_OK, NULL);
  scene_filter(scene, "even");
  scene_rule(scene, "even", "ingress 1 accept IPv4 UDP any#any any#0-0");
  scene_rule(scene, "even", "ingress 2 reject IPv4 ALL any#any any#any");
  scene_filter(scene, "odd");
  scene_rule(scene, "odd", "ingress 1 reject IPv4 UDP any#any any#0-0");
  scene_rule(scene, "odd", "ingress 2 accept IPv4 ALL any#any any#any");
  scene_source(scene, "eni", 1500);
  scene_target(scene, "even", MIRROR_TARGET_ENI, "10.9.0.20");
  scene_target(scene, "odd", MIRROR_TARGET_ENI, "10.9.0.21");
  scene_session(scene, "session", 1, "even", "even", (const char *const[]){"eni"}, 1);
}

/* The next configuration: another filter, target and VNI. */
static void commit(struct traffic *traffic) {
  const char *const sources[] = {"eni"};
  const uint64_t number = traffic->begun + 1;
  mirror_session session;
  mirror_session_init(&session, sizeof session);
  session.id = "session";
  session.priority = 1;
  session.filter_id = session.target_id = number % 2 ? "odd" : "even";
  session.vni = (uint32_t)number & ((1u << VNI_BITS) - 1);
  session.sources = sources;
  session.source_count = 1;
  scene_status(mirror_session_update(traffic->scene.change, &session, NULL), MIRROR_OK, NULL);
  atomic_store(&traffic->begun, number);
  scene_commit(&traffic->scene);
  atomic_store(&traffic->done, number);
}

/* Every thread's tap has seen the last configuration, and what was retired is collected. */
static void settle(struct traffic *traffic) {
  for (uint32_t i = 0; i < WARM_UP; i++) {
    commit(traffic);
    for (uint32_t k = 0; k < THREADS; k++)
      submit(&traffic->workers[k]);
  }
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Returns how many seconds it took. */
static double commit_under_load(struct traffic *traffic) {
  const double start = now(), wanted = seconds_wanted ? (double)seconds_wanted : 2;
  const uint64_t first = traffic->begun;
  for (uint32_t i = 0; i < THREADS; i++)
    assert_int_equal(
        pthread_create(&traffic->workers[i].thread, NULL, run_worker, &traffic->workers[i]), 0);
  while (now() - start < wanted || traffic->begun - first < COMMITS_MIN)
    commit(traffic);
  const double taken = now() - start;
  atomic_store(&traffic->stop, true);
  for (uint32_t i = 0; i < THREADS; i++)
    assert_int_equal(pthread_join(traffic->workers[i].thread, NULL), 0);
  return taken;
}

/* Half of what was received was sent, by the context's own counters. */
static void check_counters(struct traffic *traffic, uint64_t packets) {
  mirror_stats stats;
  mirror_stats_init(&stats, sizeof stats);
  assert_int_equal(mirror_session_stats(traffic->scene.context, "session", &stats), MIRROR_OK);
  assert_int_equal(stats.received.packets, packets);
  assert_int_equal(stats.counters[MIRROR_COUNTER_MIRRORED].packets, packets / 2);
  assert_int_equal(stats.counters[MIRROR_COUNTER_SENT].packets, packets / 2);
  assert_int_equal(stats.counters[MIRROR_COUNTER_REJECTED].packets, packets / 2);
}

static void check_workers(struct traffic *traffic, uint64_t commits, double seconds) {
  uint64_t packets = 0, of_old = 0;
  for (uint32_t i = 0; i < THREADS; i++) {
    if (traffic->workers[i].wrong) fail_msg("thread %u: %s", i, traffic->workers[i].wrong);
    packets += traffic->workers[i].packets_sent;
    of_old += traffic->workers[i].batches_of_old;
  }
  check_counters(traffic, packets);
  print_message(
      "%ju commits in %.1f s: %.0f a second; %ju packets, %ju batches ended under a "
      "configuration that was being replaced\n",
      (uintmax_t)commits, seconds, (double)commits / seconds, (uintmax_t)packets,
      (uintmax_t)of_old);
  if (seconds_wanted) assert_true((double)commits / seconds >= RATE);
}

static void test_a1_each_packet_is_judged_by_the_old_or_the_new(void **state) {
  static struct traffic traffic;
  (void)state;
  MRI_ATOMIC(&traffic, offsetof(struct traffic, workers));
  open_scene(&traffic);
  scene_commit(&traffic.scene);
  for (uint32_t i = 0; i < THREADS; i++)
    open_worker(&traffic, &traffic.workers[i]);
  settle(&traffic);
  const int64_t blocks = traffic.blocks, octets = traffic.octets;
  const uint64_t first = traffic.begun;
  const double seconds = commit_under_load(&traffic);
  const uint64_t commits = traffic.begun - first;
  if (commits % 2) commit(&traffic); /* as at the beginning */
  settle(&traffic);
  check_workers(&traffic, commits, seconds);
  assert_int_equal(traffic.blocks, blocks);
  assert_int_equal(traffic.octets, octets);
  for (uint32_t i = 0; i < THREADS; i++)
    close_worker(&traffic.workers[i]);
  scene_close(&traffic.scene);
  assert_int_equal(traffic.blocks, 0);
}

int main(int count, char **arguments) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a1_each_packet_is_judged_by_the_old_or_the_new),
  };
  if (count > 1) seconds_wanted = strtol(arguments[1], NULL, 10);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
