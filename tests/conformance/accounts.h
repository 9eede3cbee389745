/*
 * A second set of books for F3, kept by a naive model of the whole configuration: it says what
 * becomes of a packet without asking the library, walks sessions and rules one by one, and counts.
 * Objects are numbers; their ids are a letter and the number (f0, e0, t0, s0), rule r of a list has
 * priority r + 1.
 */
#ifndef TESTS_CONFORMANCE_ACCOUNTS_H
#define TESTS_CONFORMANCE_ACCOUNTS_H

#include "core/rule.h"

#include <libmirror/libmirror.h>
#include <stdbool.h>

enum {
  ACCOUNT_FILTERS = 4,
  ACCOUNT_RULES = 6,
  ACCOUNT_SOURCES = 4,
  ACCOUNT_TARGETS = 3,
  ACCOUNT_SESSIONS = 6,
  ACCOUNT_NONE = 99
};

struct account_rule {
  bool exists;
  struct mri_match_rule match;
};

struct account_session {
  bool exists, enabled;
  uint32_t priority;
  uint32_t filter, target;
  uint32_t sources; /* a bit for each */
  uint32_t length;  /* or MIRROR_ABSENT */
  uint32_t vni;
  uint32_t sample;   /* or MIRROR_ABSENT */
  uint64_t rate_pps; /* or MIRROR_ABSENT_64 */
};

struct account_source {
  uint32_t mtu;
  uint32_t group; /* filter, or ACCOUNT_NONE */
};

struct account_target {
  uint32_t mtu; /* or MIRROR_ABSENT */
  uint32_t oversize;
  uint32_t port;
};

struct account_config {
  struct account_rule rules[ACCOUNT_FILTERS][2][ACCOUNT_RULES];
  struct account_source sources[ACCOUNT_SOURCES];
  struct account_target targets[ACCOUNT_TARGETS];
  struct account_session sessions[ACCOUNT_SESSIONS];
};

/* Source e of the model has 10.9.0.(1 + e) and this MAC, target t 10.9.1.(1 + t), but the last one
 * 2001:db8:9::1. */
extern const uint8_t account_mac[6];
bool account_target_is_ipv6(uint32_t target);

/* The tunnel that a frame is a copy of: what it says outside. */
struct account_tunnel {
  bool is_copy;
  uint32_t source, target, port, vni;
};

/* What becomes of a packet, as far as sampling and rates leave it alone. */
struct account_outcome {
  uint32_t verdict; /* MIRROR_ */
  uint32_t direction;
  uint32_t source;                        /* ACCOUNT_NONE: of no source there is */
  uint32_t session, target, filter, rule; /* that decided, or ACCOUNT_NONE */
  uint32_t octets;
  uint32_t kept, by_length, by_mtu; /* of the copy */
};

struct account_outcome account_judge(const struct account_config *config,
                                     const struct account_tunnel *tunnel,
                                     const mirror_packet *packet, uint32_t source);

/* The books. */
struct accounts {
  mirror_stats total;
  mirror_stats source[ACCOUNT_SOURCES][2];
  mirror_stats session[ACCOUNT_SESSIONS];
  mirror_stats target[ACCOUNT_TARGETS];
  mirror_stats rule[ACCOUNT_FILTERS][2][ACCOUNT_RULES];
};

/* Enters a packet whose verdict was `counter`, and of whose copy, if there is one, became
 * `output`. `tap`: books of its tap, total alone. */
void accounts_enter(struct accounts *accounts, mirror_stats *tap,
                    const struct account_outcome *outcome, uint32_t counter, uint32_t output);

/* Compares every counter of every object that exists. */
void accounts_check(const struct accounts *accounts, const struct account_config *config,
                    mirror_context *context);
void accounts_check_tap(const mirror_stats *expected, const mirror_tap *tap);

#endif
