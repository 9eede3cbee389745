/*
 * A second set of books for F3: counts packets from their verdicts alone, and compares the sums
 * with the library's counters. Objects are known by number; their ids are a letter and the number:
 * filter f0, source e0, target t0, session s0. Rules have priorities from 1.
 */
#ifndef TESTS_CONFORMANCE_LEDGER_H
#define TESTS_CONFORMANCE_LEDGER_H

#include <libmirror/libmirror.h>

enum {
  LEDGER_FILTERS = 6,
  LEDGER_RULES = 5,
  LEDGER_SOURCES = 5,
  LEDGER_TARGETS = 3,
  LEDGER_SESSIONS = 8,
  LEDGER_NO_GROUP = LEDGER_FILTERS
};

struct ledger {
  /* The configuration, as far as the books need it. */
  uint32_t handle[LEDGER_SOURCES];
  uint32_t group[LEDGER_SOURCES]; /* filter of the security group, or LEDGER_NO_GROUP */
  uint32_t filter[LEDGER_SESSIONS];
  uint32_t packet_length[LEDGER_SESSIONS];
  /* The books. */
  mirror_stats total;
  mirror_stats source[LEDGER_SOURCES][2];
  mirror_stats session[LEDGER_SESSIONS];
  mirror_stats target[LEDGER_TARGETS];
  mirror_stats rule[LEDGER_FILTERS][2][LEDGER_RULES];
};

/* The counter for a copy of this output status. */
uint32_t ledger_output_counter(int32_t status);

void ledger_add(struct ledger *ledger, const mirror_packet *packet, const mirror_verdict *verdict);

/* Compares all but the total with the context's counters. */
void ledger_check(const struct ledger *ledger, mirror_context *context);

/* Fails the test if the two differ, or if `found` breaks the equations of F3. */
void ledger_equal(const char *what, const mirror_stats *found, const mirror_stats *expected);

#endif
