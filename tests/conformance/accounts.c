#include "conformance/accounts.h"

#include "conformance/ledger.h"
#include "support/naive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

const uint8_t account_mac[6] = {2, 0, 0, 0, 0, 0x0a};

bool account_target_is_ipv6(uint32_t target) {
  return target == ACCOUNT_TARGETS - 1;
}

/* ---- what becomes of a packet ---- */

static uint32_t direction_of(const mirror_packet *packet, uint32_t source) {
  if (packet->direction != MIRROR_AUTO) return packet->direction;
  const bool known = source != ACCOUNT_NONE && packet->link_type == MIRROR_LINK_ETHERNET;
  const bool out = known && packet->caplen >= 12 && memcmp(packet->data + 6, account_mac, 6) == 0;
  return out ? MIRROR_EGRESS : MIRROR_INGRESS;
}

/* F1: a tunnel of any enabled session. An IPv6 header has no room for a source's IPv4 address. */
static bool is_own(const struct account_config *config, const struct account_tunnel *tunnel) {
  for (uint32_t i = 0; tunnel->is_copy && i < ACCOUNT_SESSIONS; i++) {
    const struct account_session *session = &config->sessions[i];
    const uint32_t from = account_target_is_ipv6(tunnel->target) ? ~0u : 1u << tunnel->source;
    if (session->exists && session->enabled && session->target == tunnel->target &&
        session->vni == tunnel->vni && config->targets[session->target].port == tunnel->port &&
        (session->sources & from))
      return true;
  }
  return false;
}

/* The first rule of a list that fits, or ACCOUNT_NONE. */
static uint32_t first_rule(const struct account_rule *rules, const mirror_key *key) {
  for (uint32_t i = 0; i < ACCOUNT_RULES; i++) {
    if (rules[i].exists && naive_match(&rules[i].match, 1, key) == 0) return i;
  }
  return ACCOUNT_NONE;
}

/* The session with the lowest priority above `above` that the source has, or ACCOUNT_NONE. */
static uint32_t next_session(const struct account_config *config, uint32_t source, uint32_t above) {
  uint32_t next = ACCOUNT_NONE;
  for (uint32_t i = 0; i < ACCOUNT_SESSIONS; i++) {
    const struct account_session *session = &config->sessions[i];
    if (!session->exists || !session->enabled || !(session->sources >> source & 1)) continue;
    if (session->priority <= above) continue;
    if (next == ACCOUNT_NONE || session->priority < config->sessions[next].priority) next = i;
  }
  return next;
}

/* V3: both cuts, or none at all. */
static void cut(const struct account_config *config, const mirror_packet *packet,
                struct account_outcome *outcome) {
  const struct account_session *session = &config->sessions[outcome->session];
  const struct account_target *target = &config->targets[session->target];
  const uint32_t own = config->sources[outcome->source].mtu;
  const uint32_t mtu = target->mtu < own ? target->mtu : own;
  const uint32_t room = mtu - (account_target_is_ipv6(session->target) ? 56 : 36);
  const uint32_t whole = packet->caplen + (packet->link_type == MIRROR_LINK_ETHERNET ? 0 : 14);
  const uint32_t allowed = session->length < whole ? session->length : whole;
  outcome->target = session->target;
  outcome->kept = allowed < room ? allowed : room;
  outcome->by_length = whole - allowed;
  outcome->by_mtu = allowed - outcome->kept;
  if (outcome->by_mtu && target->oversize == MIRROR_OVERSIZE_DROP)
    outcome->verdict = MIRROR_DROPPED;
}

/* M1 */
static void walk(const struct account_config *config, const mirror_packet *packet,
                 const mirror_key *key, struct account_outcome *outcome) {
  uint32_t session = next_session(config, outcome->source, 0);
  outcome->verdict = MIRROR_UNMATCHED;
  while (session != ACCOUNT_NONE) {
    const uint32_t filter = config->sessions[session].filter;
    const struct account_rule *rules = config->rules[filter][outcome->direction - 1];
    const uint32_t rule = first_rule(rules, key);
    if (rule != ACCOUNT_NONE) {
      outcome->session = session;
      outcome->filter = filter;
      outcome->rule = rule;
      outcome->verdict = rules[rule].match.accept ? MIRROR_MIRRORED : MIRROR_REJECTED;
      if (rules[rule].match.accept) cut(config, packet, outcome);
      return;
    }
    session = next_session(config, outcome->source, config->sessions[session].priority);
  }
}

/* F6: true if the source's security group lets the packet through. */
static bool passes(const struct account_config *config, const mirror_key *key,
                   struct account_outcome *outcome) {
  const uint32_t group = config->sources[outcome->source].group;
  if (group == ACCOUNT_NONE) return true;
  const struct account_rule *rules = config->rules[group][outcome->direction - 1];
  const uint32_t rule = first_rule(rules, key);
  if (rule == ACCOUNT_NONE) return false;
  if (rules[rule].match.accept) return true;
  outcome->filter = group;
  outcome->rule = rule;
  return false;
}

struct account_outcome account_judge(const struct account_config *config,
                                     const struct account_tunnel *tunnel,
                                     const mirror_packet *packet, uint32_t source) {
  struct account_outcome outcome = {.source = source,
                                    .session = ACCOUNT_NONE,
                                    .target = ACCOUNT_NONE,
                                    .filter = ACCOUNT_NONE,
                                    .rule = ACCOUNT_NONE,
                                    .octets = packet->caplen};
  mirror_key key;
  const uint32_t why = naive_key(packet, &key);
  outcome.direction = direction_of(packet, source);
  if (is_own(config, tunnel))
    outcome.verdict = MIRROR_OWN;
  else if (packet->flags & MIRROR_PACKET_BLOCKED)
    outcome.verdict = MIRROR_BLOCKED;
  else if (why)
    outcome.verdict = MIRROR_UNPARSABLE;
  else if (source == ACCOUNT_NONE)
    outcome.verdict = MIRROR_UNMATCHED;
  else if (!passes(config, &key, &outcome))
    outcome.verdict = MIRROR_BLOCKED;
  else
    walk(config, packet, &key, &outcome);
  return outcome;
}

/* ---- the books ---- */

static void add(mirror_count *count, uint64_t octets) {
  count->packets++;
  count->octets += octets;
}

static void enter(mirror_stats *stats, const struct account_outcome *outcome, uint32_t counter,
                  uint32_t output) {
  add(&stats->received, outcome->octets);
  add(&stats->counters[counter], outcome->octets);
  if (counter != MIRROR_COUNTER_MIRRORED) return;
  add(&stats->counters[output], outcome->octets);
  if (outcome->by_length) add(&stats->counters[MIRROR_COUNTER_CUT_BY_LENGTH], outcome->by_length);
  if (outcome->by_mtu) add(&stats->counters[MIRROR_COUNTER_CUT_BY_MTU], outcome->by_mtu);
}

void accounts_enter(struct accounts *accounts, mirror_stats *tap,
                    const struct account_outcome *outcome, uint32_t counter, uint32_t output) {
  const uint32_t d = outcome->direction - 1;
  enter(&accounts->total, outcome, counter, output);
  enter(tap, outcome, counter, output);
  if (outcome->source != ACCOUNT_NONE)
    enter(&accounts->source[outcome->source][d], outcome, counter, output);
  if (outcome->rule != ACCOUNT_NONE) {
    mirror_stats *rule = &accounts->rule[outcome->filter][d][outcome->rule];
    add(&rule->received, outcome->octets);
    add(&rule->counters[counter], outcome->octets);
  }
  if (outcome->session != ACCOUNT_NONE)
    enter(&accounts->session[outcome->session], outcome, counter, output);
  if (outcome->target != ACCOUNT_NONE)
    enter(&accounts->target[outcome->target], outcome, counter, output);
}

static void compare(const char *what, const mirror_stats *found, const mirror_stats *expected) {
  for (uint32_t i = 0; i < MIRROR_COUNTERS_MAX; i++) {
    const mirror_count *theirs = &found->counters[i], *ours = &expected->counters[i];
    if (memcmp(theirs, ours, sizeof *ours) != 0)
      fail_msg("%s: %s is %ju packets, %ju octets; the model has %ju, %ju", what,
               mirror_counter_name(i), (uintmax_t)theirs->packets, (uintmax_t)theirs->octets,
               (uintmax_t)ours->packets, (uintmax_t)ours->octets);
  }
  assert_int_equal(found->received.packets, expected->received.packets);
  assert_int_equal(found->received.octets, expected->received.octets);
}

static void check_rules(const struct accounts *accounts, const struct account_config *config,
                        mirror_context *context, uint32_t filter) {
  char id[8], what[64];
  mirror_stats stats;
  mirror_stats_init(&stats, sizeof stats);
  snprintf(id, sizeof id, "f%u", filter % 10);
  for (uint32_t i = 0; i < 2 * ACCOUNT_RULES; i++) {
    const uint32_t d = i / ACCOUNT_RULES, rule = i % ACCOUNT_RULES;
    const int32_t status = mirror_rule_stats(context, id, d + 1, rule + 1, &stats);
    assert_int_equal(status,
                     config->rules[filter][d][rule].exists ? MIRROR_OK : MIRROR_E_NOT_FOUND);
    if (status) continue;
    snprintf(what, sizeof what, "rule %s/%u/%u", id, d + 1, rule + 1);
    compare(what, &stats, &accounts->rule[filter][d][rule]);
  }
}

void accounts_check(const struct accounts *accounts, const struct account_config *config,
                    mirror_context *context) {
  mirror_stats stats;
  char id[8];
  mirror_stats_init(&stats, sizeof stats);
  for (uint32_t i = 0; i < 2 * ACCOUNT_SOURCES; i++) {
    snprintf(id, sizeof id, "e%u", i / 2 % 10);
    assert_int_equal(mirror_source_stats(context, id, i % 2 + 1, &stats), MIRROR_OK);
    compare(id, &stats, &accounts->source[i / 2][i % 2]);
  }
  for (uint32_t i = 0; i < ACCOUNT_TARGETS; i++) {
    snprintf(id, sizeof id, "t%u", i % 10);
    assert_int_equal(mirror_target_stats(context, id, &stats), MIRROR_OK);
    compare(id, &stats, &accounts->target[i]);
  }
  for (uint32_t i = 0; i < ACCOUNT_SESSIONS; i++) {
    snprintf(id, sizeof id, "s%u", i % 10);
    const int32_t status = mirror_session_stats(context, id, &stats);
    assert_int_equal(status, config->sessions[i].exists ? MIRROR_OK : MIRROR_E_NOT_FOUND);
    if (status == MIRROR_OK) compare(id, &stats, &accounts->session[i]);
  }
  for (uint32_t i = 0; i < ACCOUNT_FILTERS; i++)
    check_rules(accounts, config, context, i);
}

void accounts_check_tap(const mirror_stats *expected, const mirror_tap *tap) {
  mirror_stats stats;
  mirror_stats_init(&stats, sizeof stats);
  assert_int_equal(mirror_tap_stats(tap, &stats), MIRROR_OK);
  ledger_equal("a tap", &stats, expected);
}
