/*
 * F3 as a property, against a naive model that judges for itself (accounts.h): random sessions,
 * rules, packets, output faults and commits, among them commits that fail for want of memory. Each
 * verdict is the model's, and so is every counter of every object, whenever a configuration ends.
 *
 * `test_accounts PACKETS [SEED]` goes on for so many packets, such as 100000000.
 */
#include "conformance/accounts.h"
#include "conformance/ledger.h"
#include "support/draw.h"
#include "support/model.h"
#include "support/packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
  FRAMES = 48,
  OWN_FRAMES = 8,
  BATCH = 64,
  TAPS = 2,
  WAYS = (ACCOUNT_SOURCES + 1) * 3 * 2 * 2, /* source or none, direction, blocked, link type */
  WORLD_PACKETS = 200000,
  PACKETS = 2000000
};

static uint64_t packets_wanted = PACKETS, first_seed = 1, last_seed;

struct frame {
  uint8_t octets[PACKET_MAX];
  uint32_t length;
  struct account_tunnel tunnel;
};

struct way {
  bool known;
  struct account_outcome outcome;
};

struct world {
  struct draw draw;
  struct model model;
  struct account_config config, next; /* committed, and with what is staged */
  struct accounts accounts, cleared;  /* `cleared`: books that end with the next commit */
  uint32_t handles[ACCOUNT_SOURCES];
  mirror_output *output;
  mirror_tap *taps[TAPS];
  mirror_stats tap_books[TAPS];
  struct frame frames[FRAMES];
  struct way ways[FRAMES][WAYS];
  int32_t fates[BATCH]; /* of the copies of this batch, in order */
  uint32_t fate_count;
  int64_t time_ns;
  uint64_t packets, commits, failed_commits;
  uint64_t seen[MIRROR_DROPPED + 1];
};

static uint32_t pick(struct world *world, uint32_t below) {
  return draw_below(&world->draw, below);
}

static void name(char id[8], char kind, uint32_t number) {
  snprintf(id, 8, "%c%u", kind, number % 10);
}

static void done(struct world *world, int32_t status) {
  if (status != MIRROR_OK) fail_msg("%s: %s", mirror_status_name(status), world->model.report.text);
}

/* ---- rules ---- */

static const uint8_t pool4[4][4] = {{10, 0, 0, 1}, {10, 0, 1, 1}, {10, 0, 2, 1}, {10, 9, 0, 1}};
static const char *const addresses[] = {"10.0.0.1", "10.0.1.1", "10.0.2.1", "10.9.0.1"};
static const char *const addresses6[] = {"2001:db8::1", "2001:db8::2", "2001:db8:1::1", "::1"};

/* Prefixes of the addresses above, of few lengths. */
static uint8_t draw_prefix(struct world *world, uint32_t family, uint8_t prefix[16]) {
  static const uint8_t lengths4[] = {0, 8, 16, 23, 24, 32}, lengths6[] = {0, 32, 48, 64};
  memset(prefix, 0, 16);
  if (family == 6) {
    const uint8_t length = lengths6[pick(world, 4)];
    if (length) memcpy(prefix, "\x20\x01\x0d\xb8", 4);
    return length;
  }
  const uint8_t length = lengths4[pick(world, 6)];
  memcpy(prefix, pool4[pick(world, 4)], 4);
  for (uint32_t bit = length; bit < 32; bit++)
    prefix[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
  return length;
}

static struct account_rule draw_rule(struct world *world) {
  static const uint16_t protocols[] = {MIRROR_PROTOCOL_ALL, MIRROR_PROTOCOL_ALL, 6, 17, 132};
  struct account_rule rule = {.exists = true};
  struct mri_match_rule *match = &rule.match;
  match->family = pick(world, 4) ? 4 : 6;
  match->accept = pick(world, 3) > 0;
  match->protocol = protocols[pick(world, 5)];
  match->source_length = draw_prefix(world, match->family, match->source);
  match->destination_length = draw_prefix(world, match->family, match->destination);
  match->source_last = match->destination_last = 65535;
  if (match->protocol != MIRROR_PROTOCOL_ALL && pick(world, 2)) {
    match->destination_first = (uint16_t)(pick(world, 3) * 2);
    match->destination_last = (uint16_t)(match->destination_first + pick(world, 2));
  }
  return rule;
}

static const char *cidr_of(const struct mri_match_rule *match, const uint8_t *prefix,
                           uint32_t length, char text[64]) {
  if (length == 0) return NULL;
  if (match->family == 6)
    snprintf(text, 64, "%s/%u", prefix[0] ? "2001:db8::" : "::", length);
  else
    snprintf(text, 64, "%u.%u.%u.%u/%u", prefix[0], prefix[1], prefix[2], prefix[3], length);
  return text;
}

/* What is staged of a rule ends the counters of the one before. */
static void stage_rule(struct world *world, uint32_t filter, uint32_t d, uint32_t index,
                       struct account_rule fresh) {
  struct account_rule *slot = &world->next.rules[filter][d][index];
  const struct mri_match_rule *match = &fresh.match;
  char id[8], source[64], destination[64];
  mirror_report *report = &world->model.report;
  name(id, 'f', filter);
  mirror_rule rule = model_rule_of(d + 1, index + 1);
  rule.action = match->accept ? MIRROR_ACCEPT : MIRROR_REJECT;
  rule.ethertype = match->family == 6 ? MIRROR_ETHERTYPE_IPV6 : MIRROR_ETHERTYPE_IPV4;
  rule.protocol = match->protocol;
  rule.destination_port_first = match->destination_first;
  rule.destination_port_last = match->destination_last;
  rule.source_cidr = cidr_of(match, match->source, match->source_length, source);
  rule.destination_cidr =
      cidr_of(match, match->destination, match->destination_length, destination);
  if (!fresh.exists)
    done(world, mirror_rule_remove(world->model.tx, id, d + 1, index + 1, report));
  else if (slot->exists)
    done(world, mirror_rule_update(world->model.tx, id, index + 1, &rule, report));
  else
    done(world, mirror_rule_add(world->model.tx, id, &rule, report));
  *slot = fresh;
  world->cleared.rule[filter][d][index].size = 1;
}

static void change_rule(struct world *world) {
  const uint32_t filter = pick(world, ACCOUNT_FILTERS), d = pick(world, 2);
  const uint32_t index = pick(world, ACCOUNT_RULES);
  const struct account_rule *now = &world->next.rules[filter][d][index];
  struct account_rule fresh = draw_rule(world);
  if (now->exists && pick(world, 3) == 0) fresh = (struct account_rule){.exists = false};
  if (memcmp(now, &fresh, sizeof fresh) == 0) return; /* one that stays keeps its counters */
  if (world->cleared.rule[filter][d][index].size) return;
  stage_rule(world, filter, d, index, fresh);
}

/* ---- other objects ---- */

static void stage_source(struct world *world, uint32_t number, bool update) {
  struct account_source *source = &world->next.sources[number];
  char id[8], address[32], group[8];
  name(id, 'e', number);
  snprintf(address, sizeof address, "10.9.0.%u", 1 + number);
  source->mtu = 400 + pick(world, 1200);
  source->group = pick(world, 3) ? ACCOUNT_NONE : pick(world, ACCOUNT_FILTERS);
  name(group, 'f', source->group);
  mirror_source fresh = model_source_of(id);
  fresh.mtu = source->mtu;
  fresh.mac = "02:00:00:00:00:0a"; /* account_mac */
  fresh.address = address;
  if (source->group != ACCOUNT_NONE) fresh.security_group = group;
  done(world, (update ? mirror_source_update : mirror_source_add)(world->model.tx, &fresh,
                                                                  &world->model.report));
}

static void stage_target(struct world *world, uint32_t number, bool update) {
  struct account_target *target = &world->next.targets[number];
  char id[8], address[32];
  name(id, 't', number);
  snprintf(address, sizeof address, account_target_is_ipv6(number) ? "2001:db8:9::1" : "10.9.1.%u",
           1 + number);
  target->mtu = pick(world, 2) ? MIRROR_ABSENT : 300 + pick(world, 1200);
  target->oversize = pick(world, 3) ? MIRROR_OVERSIZE_TRUNCATE : MIRROR_OVERSIZE_DROP;
  target->port = 4789 + pick(world, 2);
  mirror_target fresh = model_target_of(id, address);
  fresh.mtu = target->mtu;
  fresh.oversize = target->oversize;
  fresh.udp_port = target->port;
  done(world, (update ? mirror_target_update : mirror_target_add)(world->model.tx, &fresh,
                                                                  &world->model.report));
}

static void draw_session(struct world *world, uint32_t number, struct account_session *session) {
  session->exists = true;
  session->enabled = pick(world, 5) > 0;
  session->priority = 1 + number + ACCOUNT_SESSIONS * pick(world, 100); /* unique */
  session->filter = pick(world, ACCOUNT_FILTERS);
  session->target = pick(world, ACCOUNT_TARGETS);
  session->sources = 1 + pick(world, (1u << ACCOUNT_SOURCES) - 1);
  session->length = pick(world, 3) ? MIRROR_ABSENT : 14 + pick(world, 800);
  session->vni = pick(world, 3) ? pick(world, 3) : 0xffffff;
  session->sample = pick(world, 6) ? MIRROR_ABSENT : 2;
  session->rate_pps = pick(world, 6) ? MIRROR_ABSENT_64 : 50;
}

static void stage_session(struct world *world, uint32_t number) {
  struct account_session *session = &world->next.sessions[number];
  char id[8], filter[8], target[8], names[ACCOUNT_SOURCES][8];
  const char *sources[ACCOUNT_SOURCES];
  uint32_t count = 0;
  const bool update = session->exists;
  draw_session(world, number, session);
  name(id, 's', number);
  name(filter, 'f', session->filter);
  name(target, 't', session->target);
  for (uint32_t i = 0; i < ACCOUNT_SOURCES; i++) {
    name(names[count], 'e', i);
    if (session->sources >> i & 1) sources[count] = names[count], count++;
  }
  mirror_session fresh = model_session_of(id, session->priority, sources);
  fresh.source_count = count;
  fresh.filter_id = filter;
  fresh.target_id = target;
  fresh.enabled = session->enabled;
  fresh.packet_length = session->length;
  fresh.vni = session->vni;
  fresh.sample_one_in = session->sample;
  fresh.rate_limit_pps = session->rate_pps;
  done(world, (update ? mirror_session_update : mirror_session_add)(world->model.tx, &fresh,
                                                                    &world->model.report));
}

static void remove_session(struct world *world, uint32_t number) {
  char id[8];
  name(id, 's', number);
  done(world, mirror_session_remove(world->model.tx, id, &world->model.report));
  world->next.sessions[number].exists = false;
  world->cleared.session[number].size = 1;
}

static void change_session(struct world *world) {
  const uint32_t number = pick(world, ACCOUNT_SESSIONS);
  if (world->cleared.session[number].size) return;
  if (world->next.sessions[number].exists && pick(world, 4) == 0)
    remove_session(world, number);
  else
    stage_session(world, number);
}

static void change_anything(struct world *world) {
  switch (pick(world, 6)) {
    case 0:
      stage_source(world, pick(world, ACCOUNT_SOURCES), true);
      break;
    case 1:
      stage_target(world, pick(world, ACCOUNT_TARGETS), true);
      break;
    case 2:
      change_session(world);
      break;
    default:
      change_rule(world);
  }
}

/* ---- commits ---- */

static void clear_books(struct world *world) {
  for (uint32_t i = 0; i < ACCOUNT_SESSIONS; i++) {
    if (world->cleared.session[i].size)
      memset(&world->accounts.session[i], 0, sizeof(mirror_stats));
  }
  mirror_stats *rules = &world->accounts.rule[0][0][0];
  const mirror_stats *cleared = &world->cleared.rule[0][0][0];
  for (uint32_t i = 0; i < ACCOUNT_FILTERS * 2 * ACCOUNT_RULES; i++) {
    if (cleared[i].size) memset(&rules[i], 0, sizeof rules[i]);
  }
  memset(&world->cleared, 0, sizeof world->cleared);
}

/* All or nothing: a commit without memory leaves the old configuration. */
static bool try_commit(struct world *world, long failing) {
  world->model.memory.calls = 0;
  world->model.memory.failing = failing;
  const int32_t status = model_commit(&world->model);
  world->model.memory.failing = 0;
  if (status == MIRROR_E_NOMEM && failing) {
    world->failed_commits++;
    return false;
  }
  done(world, status);
  world->commits++;
  world->config = world->next;
  clear_books(world);
  memset(world->ways, 0, sizeof world->ways);
  return true;
}

/* ---- packets ---- */

static void build_frame(struct world *world, struct frame *frame) {
  static const uint8_t protocols[] = {6, 17, 1, 132};
  const bool v6 = pick(world, 4) == 0;
  const char *const *pool = v6 ? addresses6 : addresses;
  struct packet_parts parts = {.family = v6 ? 6 : 4,
                               .source = pool[pick(world, 4)],
                               .destination = pool[pick(world, 4)],
                               .protocol = protocols[pick(world, 4)],
                               .source_port = (uint16_t)pick(world, 5),
                               .destination_port = (uint16_t)pick(world, 6)};
  const uint32_t tags = pick(world, 8);
  for (uint32_t i = 0; i < tags && tags < 4; i++)
    parts.tags[i] = 0x8100;
  memset(frame->octets, 0x5a, sizeof frame->octets);
  frame->tunnel.is_copy = false;
  frame->length = packet_build(&parts, frame->octets);
  if (pick(world, 2)) frame->length += pick(world, 1800);
  if (pick(world, 6) == 0) frame->length = pick(world, frame->length);
}

/* A copy that could be ours: of a source to a target, with a VNI and a port that may be in use. */
static void build_own(struct world *world, struct frame *frame) {
  struct account_tunnel *tunnel = &frame->tunnel;
  mirror_outer outer;
  uint32_t headers;
  *tunnel =
      (struct account_tunnel){true, pick(world, ACCOUNT_SOURCES), pick(world, ACCOUNT_TARGETS),
                              4789 + pick(world, 2), pick(world, 3)};
  mirror_outer_init(&outer, sizeof outer);
  outer.layer = MIRROR_LAYER_LINK;
  outer.family = account_target_is_ipv6(tunnel->target) ? 6 : 4;
  outer.vni = tunnel->vni;
  outer.udp_port = tunnel->port;
  if (outer.family == 4) {
    memcpy(outer.source, (const uint8_t[]){10, 9, 0, (uint8_t)(1 + tunnel->source)}, 4);
    memcpy(outer.destination, (const uint8_t[]){10, 9, 1, (uint8_t)(1 + tunnel->target)}, 4);
  } else {
    memcpy(outer.destination, "\x20\x01\x0d\xb8\0\x09\0\0\0\0\0\0\0\0\0\x01", 16);
  }
  memset(frame->octets, 0x5a, sizeof frame->octets);
  done(world, mirror_vxlan_encode(&outer, frame->octets + 100, 80, 50000, 1, frame->octets, 100,
                                  &headers));
  frame->length = headers + 80;
}

static mirror_packet packet_by(const struct world *world, const struct frame *frame, uint32_t way,
                               uint32_t *source) {
  const bool raw = way % 2 && frame->length > PACKET_ETHERNET && !frame->tunnel.is_copy;
  const uint32_t skip = raw ? PACKET_ETHERNET : 0;
  mirror_packet packet = packet_of(frame->octets + skip, frame->length - skip,
                                   raw ? MIRROR_LINK_RAW : MIRROR_LINK_ETHERNET);
  packet.flags = way / 2 % 2 ? MIRROR_PACKET_BLOCKED : 0;
  packet.direction = (uint8_t)(MIRROR_INGRESS + way / 4 % 3);
  *source = way / 12;
  packet.source = *source < ACCOUNT_SOURCES ? world->handles[*source] : 0x40000001;
  if (*source == ACCOUNT_SOURCES) *source = ACCOUNT_NONE;
  return packet;
}

/* Blocked packets, and those of no source, are rare. */
static uint32_t draw_way(struct world *world) {
  const uint32_t source = pick(world, 40) ? pick(world, ACCOUNT_SOURCES) : ACCOUNT_SOURCES;
  return source * 12 + pick(world, 3) * 4 + (pick(world, 20) ? 0 : 2) + (pick(world, 8) ? 0 : 1);
}

static const struct account_outcome *outcome_of(struct world *world, uint32_t frame, uint32_t way,
                                                mirror_packet *packet) {
  struct way *known = &world->ways[frame][way];
  uint32_t source;
  *packet = packet_by(world, &world->frames[frame], way, &source);
  if (!known->known) {
    known->known = true;
    known->outcome = account_judge(&world->config, &world->frames[frame].tunnel, packet, source);
  }
  return &known->outcome;
}

/* ---- the output, which takes all copies, or some and then fails for one of many reasons ---- */

static int32_t faulty_send(void *user, const mirror_copy *copies, uint32_t count,
                           uint32_t *accepted, mirror_report *report) {
  static const int32_t faults[] = {MIRROR_E_AGAIN,    MIRROR_E_NO_BUFFER, MIRROR_E_LINK_DOWN,
                                   MIRROR_E_NO_ROUTE, MIRROR_E_TOO_LONG,  MIRROR_E_PERMISSION,
                                   MIRROR_E_OS,       MIRROR_E_NO_DEVICE};
  struct world *world = user;
  (void)copies, (void)report;
  *accepted = pick(world, 3) ? count : pick(world, count);
  assert_true(world->fate_count + count <= BATCH);
  for (uint32_t i = 0; i < *accepted; i++)
    world->fates[world->fate_count++] = MIRROR_OK;
  if (*accepted == count) return MIRROR_OK;
  return world->fates[world->fate_count++] = faults[pick(world, 8)];
}

/* ---- one batch ---- */

/* The counter of the verdict; sampling and rates are the session's affair (F4). */
static uint32_t check_verdict(const struct world *world, const struct account_outcome *outcome,
                              const mirror_verdict *verdict) {
  static const uint32_t counters[] = {[MIRROR_MIRRORED] = MIRROR_COUNTER_MIRRORED,
                                      [MIRROR_REJECTED] = MIRROR_COUNTER_REJECTED,
                                      [MIRROR_UNMATCHED] = MIRROR_COUNTER_UNMATCHED,
                                      [MIRROR_UNPARSABLE] = MIRROR_COUNTER_UNPARSABLE,
                                      [MIRROR_OWN] = MIRROR_COUNTER_OWN,
                                      [MIRROR_BLOCKED] = MIRROR_COUNTER_BLOCKED,
                                      [MIRROR_DROPPED] = MIRROR_COUNTER_DROPPED_OVERSIZE};
  const bool accepted = outcome->verdict == MIRROR_MIRRORED || outcome->verdict == MIRROR_DROPPED;
  assert_int_equal(verdict->direction, outcome->direction);
  assert_int_equal(verdict->rule_priority, outcome->rule == ACCOUNT_NONE ? 0 : outcome->rule + 1);
  if (accepted && verdict->verdict == MIRROR_DROPPED && verdict->reason != MIRROR_DROP_OVERSIZE) {
    const struct account_session *session = &world->config.sessions[outcome->session];
    const bool sampled = verdict->reason == MIRROR_DROP_SAMPLED;
    assert_true(sampled ? session->sample != MIRROR_ABSENT : session->rate_pps != MIRROR_ABSENT_64);
    assert_true(sampled || outcome->verdict == MIRROR_MIRRORED);
    return sampled ? MIRROR_COUNTER_DROPPED_SAMPLED : MIRROR_COUNTER_DROPPED_RATE;
  }
  assert_string_equal(mirror_verdict_name(verdict->verdict), mirror_verdict_name(outcome->verdict));
  if (outcome->verdict == MIRROR_MIRRORED) assert_int_equal(verdict->inner_length, outcome->kept);
  return counters[outcome->verdict];
}

static void run_batch(struct world *world) {
  const struct account_outcome *outcomes[BATCH];
  mirror_packet packets[BATCH];
  mirror_verdict verdicts[BATCH];
  const uint32_t count = 1 + pick(world, BATCH), tap = pick(world, TAPS);
  for (uint32_t i = 0; i < count; i++) {
    outcomes[i] = outcome_of(world, pick(world, FRAMES), draw_way(world), &packets[i]);
    packets[i].time_ns = world->time_ns += pick(world, 2000000);
  }
  world->fate_count = 0;
  assert_int_equal(mirror_tap_submit(world->taps[tap], packets, count, verdicts), MIRROR_OK);
  uint32_t copy = 0;
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t counter = check_verdict(world, outcomes[i], &verdicts[i]);
    uint32_t output = 0;
    if (counter == MIRROR_COUNTER_MIRRORED) {
      assert_int_equal(verdicts[i].output_status, world->fates[copy]);
      output = ledger_output_counter(world->fates[copy++]);
    }
    world->seen[verdicts[i].verdict]++;
    accounts_enter(&world->accounts, &world->tap_books[tap], outcomes[i], counter, output);
  }
  assert_int_equal(copy, world->fate_count); /* none was copied twice, or for no verdict */
  world->packets += count;
}

static void check_all(const struct world *world) {
  accounts_check(&world->accounts, &world->config, world->model.context);
  for (uint32_t i = 0; i < TAPS; i++)
    accounts_check_tap(&world->tap_books[i], world->taps[i]);
}

/* ---- a world ---- */

static void open_tap(struct world *world, uint32_t i) {
  mirror_tap_options options;
  mirror_tap_options_init(&options, sizeof options);
  options.output = world->output;
  options.batch = 1 + pick(world, BATCH);
  memset(&world->tap_books[i], 0, sizeof world->tap_books[i]);
  done(world,
       mirror_tap_create(world->model.context, &options, &world->taps[i], &world->model.report));
}

static void stage_all(struct world *world) {
  mirror_quotas quotas;
  char id[8];
  mirror_quotas_init(&quotas, sizeof quotas);
  quotas.sessions_per_source = ACCOUNT_SESSIONS;
  done(world, mirror_quotas_set(world->model.tx, &quotas, &world->model.report));
  for (uint32_t i = 0; i < ACCOUNT_FILTERS; i++) {
    name(id, 'f', i);
    done(world, model_filter(&world->model, id));
    for (uint32_t k = 0; k < 2 * ACCOUNT_RULES; k++)
      if (pick(world, 3)) stage_rule(world, i, k % 2, k / 2, draw_rule(world));
  }
  for (uint32_t i = 0; i < ACCOUNT_SOURCES; i++)
    stage_source(world, i, false);
  for (uint32_t i = 0; i < ACCOUNT_TARGETS; i++)
    stage_target(world, i, false);
  for (uint32_t i = 0; i < ACCOUNT_SESSIONS; i++)
    if (pick(world, 4)) stage_session(world, i);
}

static void open_world(struct world *world, uint64_t seed) {
  mirror_callback_output callback;
  memset(world, 0, sizeof *world);
  draw_seed(&world->draw, seed);
  done(world, model_open(&world->model));
  stage_all(world);
  assert_true(try_commit(world, 0));
  for (uint32_t i = 0; i < ACCOUNT_SOURCES; i++) {
    char id[8];
    name(id, 'e', i);
    done(world, mirror_source_handle(world->model.context, id, &world->handles[i], NULL));
  }
  for (uint32_t i = 0; i < FRAMES; i++)
    i < OWN_FRAMES ? build_own(world, &world->frames[i]) : build_frame(world, &world->frames[i]);
  mirror_callback_output_init(&callback, sizeof callback);
  callback.user = world;
  callback.send = faulty_send;
  done(world,
       mirror_output_open(world->model.context, "callback:", &callback, &world->output, NULL));
  for (uint32_t i = 0; i < TAPS; i++)
    open_tap(world, i);
}

static void close_world(struct world *world) {
  for (uint32_t i = 0; i < TAPS; i++)
    mirror_tap_destroy(world->taps[i]);
  mirror_output_close(world->output);
  model_close(&world->model);
}

static void run_world(struct world *world, uint64_t packets) {
  while (world->packets < packets) {
    for (uint32_t batches = 1 + pick(world, 60); batches; batches--)
      run_batch(world);
    check_all(world);
    world->next = world->config;
    for (uint32_t changes = pick(world, 6); changes; changes--)
      change_anything(world);
    while (!try_commit(world, pick(world, 3) ? 0 : 1 + (long)pick(world, 40)))
      run_batch(world);
    check_all(world);
    if (pick(world, 4)) continue;
    const uint32_t tap = pick(world, TAPS);
    mirror_tap_destroy(world->taps[tap]);
    open_tap(world, tap);
  }
}

static void test_f3_every_counter_is_the_models(void **state) {
  static struct world world;
  uint64_t seen[MIRROR_DROPPED + 1] = {0}, packets = 0, commits = 0, failed = 0, seed = first_seed;
  (void)state;
  for (; packets < packets_wanted; seed++) {
    open_world(&world, last_seed = seed);
    run_world(&world, WORLD_PACKETS);
    close_world(&world);
    for (uint32_t i = MIRROR_MIRRORED; i <= MIRROR_DROPPED; i++)
      seen[i] += world.seen[i];
    packets += world.packets;
    commits += world.commits;
    failed += world.failed_commits;
  }
  print_message("%ju packets, %ju commits and %ju that failed, worlds %ju to %ju\n",
                (uintmax_t)packets, (uintmax_t)commits, (uintmax_t)failed, (uintmax_t)first_seed,
                (uintmax_t)seed - 1);
  for (uint32_t i = MIRROR_MIRRORED; i <= MIRROR_DROPPED; i++) {
    print_message("%s %ju  ", mirror_verdict_name(i), (uintmax_t)seen[i]);
    assert_true(seen[i] > 0);
  }
  print_message("\n");
  assert_true(failed > 0);
}

static int say_world(void **state) {
  (void)state;
  print_message("the last world was %ju\n", (uintmax_t)last_seed);
  return 0;
}

int main(int count, char **arguments) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(test_f3_every_counter_is_the_models, say_world),
  };
  if (count > 1) packets_wanted = strtoull(arguments[1], NULL, 10);
  if (count > 2) first_seed = strtoull(arguments[2], NULL, 10);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
