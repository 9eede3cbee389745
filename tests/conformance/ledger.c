#include "conformance/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SYNTHESIZED_ETHERNET = 14, FIRST_OUTPUT = MIRROR_COUNTER_SENT };

uint32_t ledger_output_counter(int32_t status) {
  static const struct {
    int32_t status;
    uint32_t counter;
  } known[] = {{MIRROR_OK, MIRROR_COUNTER_SENT},
               {MIRROR_E_AGAIN, MIRROR_COUNTER_FAILED_AGAIN},
               {MIRROR_E_NO_BUFFER, MIRROR_COUNTER_FAILED_NO_BUFFER},
               {MIRROR_E_LINK_DOWN, MIRROR_COUNTER_FAILED_LINK_DOWN},
               {MIRROR_E_NO_ROUTE, MIRROR_COUNTER_FAILED_NO_ROUTE},
               {MIRROR_E_TOO_LONG, MIRROR_COUNTER_FAILED_TOO_LONG}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (known[i].status == status) return known[i].counter;
  return MIRROR_COUNTER_FAILED_OTHER;
}

static uint32_t verdict_counter(const mirror_verdict *verdict) {
  static const uint32_t dropped[] = {[MIRROR_DROP_OVERSIZE] = MIRROR_COUNTER_DROPPED_OVERSIZE,
                                     [MIRROR_DROP_SAMPLED] = MIRROR_COUNTER_DROPPED_SAMPLED,
                                     [MIRROR_DROP_RATE] = MIRROR_COUNTER_DROPPED_RATE};
  static const uint32_t others[] = {[MIRROR_MIRRORED] = MIRROR_COUNTER_MIRRORED,
                                    [MIRROR_REJECTED] = MIRROR_COUNTER_REJECTED,
                                    [MIRROR_UNMATCHED] = MIRROR_COUNTER_UNMATCHED,
                                    [MIRROR_UNPARSABLE] = MIRROR_COUNTER_UNPARSABLE,
                                    [MIRROR_OWN] = MIRROR_COUNTER_OWN,
                                    [MIRROR_BLOCKED] = MIRROR_COUNTER_BLOCKED};
  assert_in_range(verdict->verdict, MIRROR_MIRRORED, MIRROR_DROPPED);
  if (verdict->verdict != MIRROR_DROPPED) return others[verdict->verdict];
  assert_in_range(verdict->reason, MIRROR_DROP_OVERSIZE, MIRROR_DROP_RATE);
  return dropped[verdict->reason];
}

static void count(mirror_stats *stats, uint32_t counter, uint64_t octets) {
  stats->counters[counter].packets++;
  stats->counters[counter].octets += octets;
}

/* The number behind an id's letter, or -1 for no id. */
static int number_of(const char *id) {
  return id ? atoi(id + 1) : -1;
}

/* Adds one packet to one account. */
static void enter(mirror_stats *stats, const struct ledger *ledger, const mirror_packet *packet,
                  const mirror_verdict *verdict) {
  count(stats, verdict_counter(verdict), packet->caplen);
  stats->received.packets++;
  stats->received.octets += packet->caplen;
  if (verdict->verdict != MIRROR_MIRRORED) return;
  count(stats, ledger_output_counter(verdict->output_status), packet->caplen);

  uint32_t whole = packet->caplen, kept, length;
  if (packet->link_type != MIRROR_LINK_ETHERNET) whole += SYNTHESIZED_ETHERNET;
  length = ledger->packet_length[number_of(verdict->session_id)];
  kept = whole < length ? whole : length;
  if (kept < whole) count(stats, MIRROR_COUNTER_CUT_BY_LENGTH, whole - kept);
  if (verdict->inner_length < kept)
    count(stats, MIRROR_COUNTER_CUT_BY_MTU, kept - verdict->inner_length);
}

static int source_of(const struct ledger *ledger, uint32_t handle) {
  for (int i = 0; i < LEDGER_SOURCES; i++)
    if (ledger->handle[i] == handle) return i;
  return -1;
}

/* The filter whose rule decided: the session's, or the security group. */
static void enter_rule(struct ledger *ledger, const mirror_packet *packet,
                       const mirror_verdict *verdict, int source) {
  if (verdict->rule_priority == 0) return;
  uint32_t filter = verdict->verdict == MIRROR_BLOCKED
                        ? ledger->group[source]
                        : ledger->filter[number_of(verdict->session_id)];
  assert_in_range(verdict->rule_priority, 1, LEDGER_RULES);
  mirror_stats *stats = &ledger->rule[filter][verdict->direction - 1][verdict->rule_priority - 1];
  count(stats, verdict_counter(verdict), packet->caplen);
  stats->received.packets++;
  stats->received.octets += packet->caplen;
}

void ledger_add(struct ledger *ledger, const mirror_packet *packet, const mirror_verdict *verdict) {
  int source = source_of(ledger, packet->source);
  int session = number_of(verdict->session_id), target = number_of(verdict->target_id);
  assert_in_range(verdict->direction, MIRROR_INGRESS, MIRROR_EGRESS);
  enter(&ledger->total, ledger, packet, verdict);
  if (source >= 0) enter(&ledger->source[source][verdict->direction - 1], ledger, packet, verdict);
  if (session >= 0) enter(&ledger->session[session], ledger, packet, verdict);
  if (target >= 0) enter(&ledger->target[target], ledger, packet, verdict);
  enter_rule(ledger, packet, verdict, source);
}

/* received is the sum of the verdicts; with `copies`, mirrored that of sent and failed. (The books
 * know no super-frames: test_super_accounting does.) */
static void check_sums(const char *what, const mirror_stats *stats, bool copies) {
  mirror_count verdicts = {0}, outputs = {0};
  for (uint32_t i = 0; i <= MIRROR_COUNTER_DROPPED_RATE; i++) {
    verdicts.packets += stats->counters[i].packets;
    verdicts.octets += stats->counters[i].octets;
  }
  for (uint32_t i = FIRST_OUTPUT; i <= MIRROR_COUNTER_FAILED_OTHER; i++) {
    outputs.packets += stats->counters[i].packets;
    outputs.octets += stats->counters[i].octets;
  }
  if (memcmp(&verdicts, &stats->received, sizeof verdicts) != 0)
    fail_msg("%s: received is not the sum of the verdicts", what);
  if (copies && memcmp(&outputs, &stats->counters[MIRROR_COUNTER_MIRRORED], sizeof outputs) != 0)
    fail_msg("%s: mirrored is not sent + failed", what);
}

static void compare(const char *what, const mirror_stats *found, const mirror_stats *expected) {
  for (uint32_t i = 0; i < MIRROR_COUNTERS_MAX; i++) {
    const mirror_count *ours = &expected->counters[i], *theirs = &found->counters[i];
    if (memcmp(ours, theirs, sizeof *ours) != 0)
      fail_msg("%s: %s is %ju packets, %ju octets; the ledger has %ju, %ju", what,
               mirror_counter_name(i), (uintmax_t)theirs->packets, (uintmax_t)theirs->octets,
               (uintmax_t)ours->packets, (uintmax_t)ours->octets);
  }
  assert_int_equal(found->received.packets, expected->received.packets);
  assert_int_equal(found->received.octets, expected->received.octets);
}

void ledger_equal(const char *what, const mirror_stats *found, const mirror_stats *expected) {
  compare(what, found, expected);
  check_sums(what, found, true);
}

static void check_rules(const struct ledger *ledger, mirror_context *context) {
  for (uint32_t i = 0; i < LEDGER_FILTERS * 2 * LEDGER_RULES; i++) {
    uint32_t filter = i / (2 * LEDGER_RULES), direction = i / LEDGER_RULES % 2;
    uint32_t rule = i % LEDGER_RULES;
    char id[8], what[32];
    mirror_stats stats;
    mirror_stats_init(&stats, sizeof stats);
    snprintf(id, sizeof id, "f%u", filter % 10);
    snprintf(what, sizeof what, "rule f%u/%u/%u", filter, direction + 1, rule + 1);
    assert_int_equal(mirror_rule_stats(context, id, direction + 1, rule + 1, &stats), MIRROR_OK);
    compare(what, &stats, &ledger->rule[filter][direction][rule]);
    check_sums(what, &stats, false);
  }
}

void ledger_check(const struct ledger *ledger, mirror_context *context) {
  mirror_stats stats;
  char id[8];
  mirror_stats_init(&stats, sizeof stats);
  for (uint32_t i = 0; i < LEDGER_SOURCES * 2; i++) {
    snprintf(id, sizeof id, "e%u", i / 2 % 10);
    assert_int_equal(mirror_source_stats(context, id, i % 2 + 1, &stats), MIRROR_OK);
    ledger_equal(id, &stats, &ledger->source[i / 2][i % 2]);
  }
  for (uint32_t i = 0; i < LEDGER_SESSIONS; i++) {
    snprintf(id, sizeof id, "s%u", i % 10);
    assert_int_equal(mirror_session_stats(context, id, &stats), MIRROR_OK);
    ledger_equal(id, &stats, &ledger->session[i]);
  }
  for (uint32_t i = 0; i < LEDGER_TARGETS; i++) {
    snprintf(id, sizeof id, "t%u", i % 10);
    assert_int_equal(mirror_target_stats(context, id, &stats), MIRROR_OK);
    ledger_equal(id, &stats, &ledger->target[i]);
  }
  check_rules(ledger, context);
}
