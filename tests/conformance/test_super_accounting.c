/*
 * F3 with super-frames (V6): whatever the output refuses of their segments, the counters are what a
 * list of single copies says, and the equations hold at every instant at which somebody can look.
 */
#include "conformance/ledger.h"
#include "conformance/recorder.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TCP = 6, UDP = 17, PACKETS = 8, ROUNDS = 3000 };

static uint8_t frames[PACKETS][SUPER_MAX];

/* What is expected of a packet, by its own arithmetic. */
struct expected {
  uint32_t headers;
  uint32_t segments; /* 1: not segmented */
  uint32_t size;
  bool nonsense;
  bool open;
};

struct books {
  uint64_t random;
  struct recorder recorder;
  mirror_packet packets[PACKETS];
  struct expected expected[PACKETS];
  mirror_stats stats;
  uint32_t refuse_from; /* number of a copy */
  uint32_t refuse_one_in;
};

/* xorshift64*: 0 <= result < below. */
static uint32_t pick(struct books *books, uint32_t below) {
  books->random ^= books->random >> 12;
  books->random ^= books->random << 25;
  books->random ^= books->random >> 27;
  return (uint32_t)((books->random * 0x2545f4914f6cdd1du) >> 33) % below;
}

static void count(mirror_stats *stats, uint32_t counter, uint64_t packets, uint64_t octets) {
  stats->counters[counter].packets += packets;
  stats->counters[counter].octets += octets;
}

/* The two equations, between counters that are read while a call is running. */
static void check_equations(const mirror_stats *stats) {
  mirror_count left = stats->counters[MIRROR_COUNTER_MIRRORED], right = {0, 0};
  left.packets += stats->counters[MIRROR_COUNTER_SEGMENTS].packets;
  left.octets += stats->counters[MIRROR_COUNTER_SEGMENTS].octets;
  for (uint32_t i = MIRROR_COUNTER_SENT; i <= MIRROR_COUNTER_FAILED_OTHER; i++) {
    right.packets += stats->counters[i].packets;
    right.octets += stats->counters[i].octets;
  }
  assert_memory_equal(&left, &right, sizeof left);
  assert_int_equal(stats->received.packets, stats->counters[MIRROR_COUNTER_MIRRORED].packets);
}

static int32_t fate(void *user, uint32_t number) {
  static const int32_t faults[] = {MIRROR_E_AGAIN,    MIRROR_E_NO_BUFFER, MIRROR_E_LINK_DOWN,
                                   MIRROR_E_NO_ROUTE, MIRROR_E_TOO_LONG,  MIRROR_E_OS};
  struct books *books = user;
  if (books->recorder.tap) {
    const mirror_stats stats = recorder_stats(&books->recorder);
    check_equations(&stats);
  }
  if (number < books->refuse_from || pick(books, books->refuse_one_in)) return MIRROR_OK;
  return faults[pick(books, sizeof faults / sizeof faults[0])];
}

/* Without its Ethernet header. */
static void make_raw(mirror_packet *packet) {
  packet->data += PACKET_ETHERNET;
  packet->caplen -= PACKET_ETHERNET;
  packet->length -= PACKET_ETHERNET;
  packet->checksum_start = (uint16_t)(packet->checksum_start - PACKET_ETHERNET);
  packet->link_type = MIRROR_LINK_RAW;
}

static struct expected expect(const mirror_packet *packet, uint32_t payload) {
  struct expected expected = {.headers = packet->length - payload,
                              .segments = 1,
                              .size = packet->gso_size,
                              .nonsense = packet->gso_type && packet->gso_size == 1};
  const uint32_t captured = packet->caplen - expected.headers;
  const bool segmented = packet->gso_type && !expected.nonsense && payload > packet->gso_size;
  expected.open = captured < payload;
  if (!segmented || captured == 0) return expected;
  expected.segments = (captured + expected.size - 1) / expected.size;
  if (captured % expected.size == 0) expected.open = false;
  return expected;
}

static void build_packet(struct books *books, uint32_t i) {
  static const uint16_t sizes[] = {64, 100, 536, 1448};
  struct super_parts parts = {
      .packet = {.family = pick(books, 2) ? 6 : 4, .protocol = pick(books, 2) ? UDP : TCP},
      .payload = pick(books, pick(books, 8) ? 3000 : 20000),
      .gso_size = sizes[pick(books, 4)]};
  mirror_packet *packet = &books->packets[i];
  *packet = super_build(&parts, frames[i]);
  if (pick(books, 6) == 0) packet->gso_type = MIRROR_GSO_NONE;
  if (pick(books, 6) == 0) packet->gso_size = 1;
  if (pick(books, 6) == 0) make_raw(packet);
  if (pick(books, 6) == 0) packet->caplen -= pick(books, parts.payload + 1);
  books->expected[i] = expect(packet, parts.payload);
}

/* Enters packet i, whose copies are the records from `first` on. */
static void enter(struct books *books, uint32_t i, uint32_t first, const mirror_verdict *verdict) {
  const struct expected *expected = &books->expected[i];
  const mirror_packet *packet = &books->packets[i];
  uint32_t left = packet->caplen - expected->headers, refused = 0;
  int32_t status = MIRROR_OK;
  assert_int_equal(verdict->segments, expected->segments);
  count(&books->stats, MIRROR_COUNTER_MIRRORED, 1, packet->caplen);
  count(&books->stats, MIRROR_COUNTER_SEGMENTS, expected->segments - 1,
        (uint64_t)(expected->segments - 1) * expected->headers);
  for (uint32_t k = 0; k < expected->segments; k++) {
    const struct record *record = &books->recorder.records[first + k];
    const uint32_t share = k + 1 < expected->segments ? expected->size : left;
    count(&books->stats, ledger_output_counter(record->status), 1, expected->headers + share);
    left -= share;
    if (record->status && !refused++) status = record->status;
  }
  assert_int_equal(verdict->output_status, status);
  assert_int_equal(verdict->refused, refused);
  const uint32_t limit = books->recorder.source.mtu - MIRROR_OVERHEAD_IPV4;
  const uint32_t inner =
      packet->caplen + (packet->link_type == MIRROR_LINK_RAW ? PACKET_ETHERNET : 0);
  if (expected->segments == 1 && inner > limit)
    count(&books->stats, MIRROR_COUNTER_CUT_BY_MTU, 1, inner - limit);
  if (expected->nonsense) count(&books->stats, MIRROR_COUNTER_NOT_SEGMENTED, 1, packet->caplen);
  if (expected->open) count(&books->stats, MIRROR_COUNTER_CHECKSUM_OPEN, 1, packet->caplen);
}

static void check_books(struct books *books) {
  const mirror_stats stats = recorder_stats(&books->recorder);
  mirror_stats rules[2];
  check_equations(&stats);
  assert_memory_equal(stats.counters, books->stats.counters, sizeof stats.counters);
  for (uint32_t i = 0; i < 2; i++) {
    mirror_stats_init(&rules[i], sizeof rules[i]);
    assert_int_equal(
        mirror_rule_stats(books->recorder.scene.context, "all", MIRROR_INGRESS, i + 1, &rules[i]),
        MIRROR_OK);
  }
  assert_int_equal(rules[0].received.packets + rules[1].received.packets, stats.received.packets);
  assert_int_equal(rules[0].received.octets + rules[1].received.octets, stats.received.octets);
}

static void pass_round(struct books *books) {
  mirror_verdict verdicts[PACKETS];
  const uint32_t packets = 1 + pick(books, PACKETS);
  uint32_t first = 0;
  for (uint32_t i = 0; i < packets; i++)
    build_packet(books, i);
  books->refuse_one_in = 1 + pick(books, 4);
  books->refuse_from = pick(books, 300);
  recorder_pass(&books->recorder, books->packets, packets, verdicts);
  for (uint32_t i = 0; i < packets; i++) {
    enter(books, i, first, &verdicts[i]);
    first += books->expected[i].segments;
  }
  assert_int_equal(first, books->recorder.count);
  check_books(books);
}

static void open_books(struct books *books) {
  memset(books, 0, sizeof *books);
  books->random = 0x6163636f756e74;
  recorder_init(&books->recorder, 4);
  books->recorder.fate = fate;
  books->recorder.user = books;
  books->recorder.batch = 3;
  recorder_open(&books->recorder);
}

static void test_f3_counters_equal_a_list_of_copies(void **state) {
  (void)state;
  static struct books books;
  open_books(&books);
  for (uint32_t i = 0; i < ROUNDS; i++)
    pass_round(&books);
  for (uint32_t i = MIRROR_COUNTER_SENT; i < MIRROR_COUNTERS; i++)
    assert_true(books.stats.counters[i].packets > 0);
  recorder_close(&books.recorder);
}

/* One refusal, at every place. */
static int32_t refuse_one(void *user, uint32_t number) {
  return number == *(const uint32_t *)user ? MIRROR_E_NO_BUFFER : MIRROR_OK;
}

static void test_f2_an_output_that_refuses_the_kth_copy(void **state) {
  (void)state;
  enum { SEGMENTS = 300, SIZE = 64, LAST = 10 };
  const struct super_parts parts = {.packet = {.family = 4, .protocol = TCP},
                                    .payload = (SEGMENTS - 1) * SIZE + LAST,
                                    .gso_size = SIZE};
  const mirror_packet packet = super_build(&parts, frames[0]);
  const uint64_t headers = packet.caplen - parts.payload;
  for (uint32_t k = 0; k <= SEGMENTS; k++) {
    struct recorder recorder;
    mirror_verdict verdict;
    recorder_init(&recorder, 4);
    recorder.fate = refuse_one;
    recorder.user = &k;
    recorder_open(&recorder);
    recorder_pass(&recorder, &packet, 1, &verdict);
    const mirror_stats stats = recorder_stats(&recorder);
    const mirror_count *failed = &stats.counters[MIRROR_COUNTER_FAILED_NO_BUFFER];
    assert_int_equal(recorder.count, SEGMENTS); /* the rest was offered all the same */
    assert_int_equal(verdict.refused, k < SEGMENTS);
    assert_int_equal(verdict.output_status, k < SEGMENTS ? MIRROR_E_NO_BUFFER : MIRROR_OK);
    assert_int_equal(failed->packets, k < SEGMENTS);
    if (k < SEGMENTS) assert_int_equal(failed->octets, headers + (k + 1 < SEGMENTS ? SIZE : LAST));
    check_equations(&stats);
    recorder_close(&recorder);
  }
}

/* Called for the super-frame once, behind its last copy. */
static void count_call(void *user, const mirror_packet *packet, const mirror_verdict *verdict) {
  struct recorder *recorder = user;
  assert_int_equal(recorder->count, verdict->segments);
  assert_int_equal(packet->gso_type, MIRROR_GSO_TCPV4);
  ++*(uint32_t *)recorder->user;
}

static void test_v6_on_packet_is_called_once(void **state) {
  (void)state;
  const struct super_parts parts = {
      .packet = {.family = 4, .protocol = TCP}, .payload = 20000, .gso_size = 64};
  const mirror_packet packet = super_build(&parts, frames[0]);
  struct recorder recorder;
  uint32_t calls = 0;
  recorder_init(&recorder, 4);
  recorder.on_packet = count_call;
  recorder.user = &calls;
  recorder_open(&recorder);
  recorder_pass(&recorder, &packet, 1, NULL);
  assert_int_equal(calls, 1);
  recorder_close(&recorder);
}

/* ---- another thread looks ---- */

struct runner {
  struct recorder recorder;
  mirror_packet packet;
  atomic_bool stop;
};

static int32_t every_third(void *user, uint32_t number) {
  (void)user;
  return number % 3 ? MIRROR_OK : MIRROR_E_AGAIN;
}

static void *run(void *argument) {
  struct runner *runner = argument;
  while (!atomic_load(&runner->stop))
    recorder_pass(&runner->recorder, &runner->packet, 1, NULL);
  return NULL;
}

static void test_f3_no_copy_before_its_packet(void **state) {
  enum { READS = 100000 };
  static struct runner runner;
  const struct super_parts parts = {
      .packet = {.family = 4, .protocol = TCP}, .payload = 500, .gso_size = 64};
  pthread_t thread;
  mirror_stats stats;
  (void)state;
  recorder_init(&runner.recorder, 4);
  runner.recorder.fate = every_third;
  recorder_open(&runner.recorder);
  runner.packet = super_build(&parts, frames[0]);
  assert_int_equal(pthread_create(&thread, NULL, run, &runner), 0);
  mirror_stats_init(&stats, sizeof stats);
  for (uint32_t i = 0; i < READS || stats.received.packets == 0; i++) {
    assert_int_equal(mirror_tap_stats(runner.recorder.tap, &stats), MIRROR_OK);
    const mirror_count *c = stats.counters;
    assert_true(c[MIRROR_COUNTER_SENT].packets + c[MIRROR_COUNTER_FAILED_AGAIN].packets <=
                c[MIRROR_COUNTER_MIRRORED].packets + c[MIRROR_COUNTER_SEGMENTS].packets);
    assert_true(c[MIRROR_COUNTER_SENT].octets + c[MIRROR_COUNTER_FAILED_AGAIN].octets <=
                c[MIRROR_COUNTER_MIRRORED].octets + c[MIRROR_COUNTER_SEGMENTS].octets);
    assert_true(c[MIRROR_COUNTER_SEGMENTS].packets <= 7 * c[MIRROR_COUNTER_MIRRORED].packets);
  }
  atomic_store(&runner.stop, true);
  assert_int_equal(pthread_join(thread, NULL), 0);
  recorder_close(&runner.recorder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_f3_counters_equal_a_list_of_copies),
      cmocka_unit_test(test_f2_an_output_that_refuses_the_kth_copy),
      cmocka_unit_test(test_v6_on_packet_is_called_once),
      cmocka_unit_test(test_f3_no_copy_before_its_packet),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
