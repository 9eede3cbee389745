/*
 * A sequence of calls of the whole interface, in any order, with arguments right and wrong, and
 * with allocations that fail when the input says so. At the end everything is given back, in an
 * order that the input chooses, and no block is left.
 */
#include "fuzz/api.h"
#include "fuzz/document.h"

#include <string.h>

enum { STEPS_MAX = 400 };

static uint8_t frames[API_PACKETS][96];

/* ---- arguments ---- */

const char *api_id(struct api *api, char kind) {
  static char ids[256][4][3];
  static const char *const odd[] = {NULL, "", "\x01", "\xff\xfe",
                                    "0123456789012345678901234567890123456789012345678901234567890"
                                    "123456789"};
  const uint8_t how = fuzz_octet(&api->fuzz);
  if (how >= 0xf8) return odd[how % 5];
  char *id = ids[(uint8_t)kind][how % 4];
  id[0] = kind;
  id[1] = (char)('0' + how % 4);
  id[2] = '\0';
  return id;
}

const char *api_text(struct api *api) {
  static const char *const texts[] = {"name", "", "<", "\xe4\xb8\xad", "\xff", "a b"};
  const uint8_t how = fuzz_octet(&api->fuzz);
  return how < 0xc0 ? NULL : texts[how % 6];
}

uint32_t api_number(struct api *api, uint32_t usual) {
  const uint8_t how = fuzz_octet(&api->fuzz);
  if (how >= 0xf8) return (uint32_t)fuzz_number(&api->fuzz, 4);
  return how < 0x40 ? usual : usual + how % 8;
}

uint32_t api_size(struct api *api, size_t size) {
  const uint8_t how = fuzz_octet(&api->fuzz);
  return how < 0xf0 ? (uint32_t)size : fuzz_octet(&api->fuzz) % ((uint32_t)size + 1);
}

mirror_report *api_report(struct api *api) {
  mirror_report_init(&api->report, sizeof api->report);
  return fuzz_one_in(&api->fuzz, 16) ? NULL : &api->report;
}

void api_expect(struct api *api, int32_t status) {
  FUZZ_CHECK(status <= 0 && strcmp(mirror_status_name(status), "unknown") != 0);
  FUZZ_CHECK(status != MIRROR_E_NOMEM || api->memory.failed > 0);
}

static uint32_t handle(struct api *api) {
  return fuzz_below(&api->fuzz, API_HANDLES);
}

/* ---- packets ---- */

static void put_frame(struct api *api, uint8_t frame[96], bool ipv6) {
  memset(frame, 0, 96);
  frame[12] = ipv6 ? 0x86 : 0x08;
  frame[13] = ipv6 ? 0xdd : 0x00;
  uint8_t *ip = frame + 14;
  ip[0] = ipv6 ? 0x60 : 0x45;
  ip[ipv6 ? 6 : 9] = fuzz_one_in(&api->fuzz, 2) ? 17 : 6;
  memcpy(ip + (ipv6 ? 8 : 12), ipv6 ? "\x20\x01\x0d\xb8" : "\x0a\0\0\x01", 4);
  frame[14 + (ipv6 ? 43 : 23)] = 80;
}

static void draw_packets(struct api *api) {
  for (uint32_t i = 0; i < API_PACKETS; i++) {
    const uint8_t how = fuzz_octet(&api->fuzz);
    uint32_t source = 0;
    put_frame(api, frames[i], how & 1);
    if (how & 2) frames[i][fuzz_below(&api->fuzz, 96)] = fuzz_octet(&api->fuzz);
    if (api->context) mirror_source_handle(api->context, api_id(api, 'e'), &source, NULL);
    api->packets[i] = (mirror_packet){.data = frames[i],
                                      .caplen = how & 4 ? fuzz_below(&api->fuzz, 97) : 96,
                                      .length = 96,
                                      .time_ns = (int64_t)fuzz_number(&api->fuzz, 2) << 20,
                                      .source = source,
                                      .link_type = MIRROR_LINK_ETHERNET,
                                      .direction = (uint8_t)(how >> 3 & 3),
                                      .flags = how & 0x40 ? fuzz_octet(&api->fuzz) : 0};
    if (how & 0x80) {
      api->packets[i].gso_type = fuzz_octet(&api->fuzz);
      api->packets[i].gso_size = 64;
      api->packets[i].checksum_start = fuzz_octet(&api->fuzz);
    }
  }
}

static void match_packets(struct api *api) {
  mirror_verdict verdicts[API_PACKETS];
  mirror_plan *plan = api->plans[handle(api)];
  draw_packets(api);
  if (mirror_plan_match(plan, api->packets, API_PACKETS, verdicts) != MIRROR_OK) return;
  for (uint32_t i = 0; i < API_PACKETS; i++) {
    FUZZ_CHECK(verdicts[i].verdict >= MIRROR_MIRRORED && verdicts[i].verdict <= MIRROR_DROPPED);
    FUZZ_CHECK((verdicts[i].verdict == MIRROR_MIRRORED) == (verdicts[i].segments > 0));
    FUZZ_CHECK(!verdicts[i].session_id || strlen(verdicts[i].session_id) <= 64);
  }
}

/* An explanation says what the verdict says (M9). */
static void explain(struct api *api) {
  mirror_plan *plan = api->plans[handle(api)];
  mirror_explanation *explanation = NULL;
  mirror_verdict verdict, explained;
  mirror_step step;
  draw_packets(api);
  const int32_t status = mirror_plan_explain(plan, &api->packets[0], &explanation, api_report(api));
  api_expect(api, status);
  if (status) return;
  FUZZ_CHECK(mirror_explanation_verdict(explanation, &explained) == MIRROR_OK);
  FUZZ_CHECK(mirror_plan_match(plan, &api->packets[0], 1, &verdict) == MIRROR_OK);
  FUZZ_CHECK(verdict.verdict == explained.verdict && verdict.vni == explained.vni &&
             verdict.rule_priority == explained.rule_priority);
  const uint32_t steps = mirror_explanation_steps(explanation);
  mirror_step_init(&step, sizeof step);
  for (uint32_t i = 0; i <= steps; i++)
    FUZZ_CHECK((mirror_explanation_step(explanation, i, &step) == MIRROR_OK) == (i < steps));
  FUZZ_CHECK(mirror_explanation_text(explanation)[0]);
  mirror_explanation_destroy(api->explanation);
  api->explanation = explanation;
}

/* An index of the engine stands for the rule of the verdict. */
static void ask_engine(struct api *api) {
  mirror_plan *plan = api->plans[handle(api)];
  mirror_list_info info;
  mirror_verdict verdict;
  uint32_t first[API_PACKETS];
  draw_packets(api);
  const uint32_t source = api->packets[0].source, direction = api_number(api, 1);
  mirror_list_info_init(&info, sizeof info);
  mirror_plan_list_info(plan, source, direction, &info);
  if (mirror_plan_match_packets(plan, source, direction, api->packets, API_PACKETS, first)) return;
  for (uint32_t i = 0; i < API_PACKETS; i++)
    FUZZ_CHECK(mirror_plan_rule_verdict(plan, source, direction, first[i], &verdict) == MIRROR_OK);
}

/* ---- taps ---- */

static void close_tap(struct api *api) {
  struct api_tap *tap = &api->taps[handle(api)];
  mirror_tap_destroy(tap->tap);
  mirror_input_close(tap->input);
  mirror_output_close(tap->output);
  tap->tap = NULL;
  tap->input = NULL;
  tap->output = NULL;
}

static int32_t open_ends(struct api *api, struct api_tap *tap) {
  mirror_memory_input in;
  mirror_memory_output_init(&tap->memory, sizeof tap->memory);
  tap->memory.layer = 1 + fuzz_below(&api->fuzz, 3);
  tap->memory.buffer = tap->room;
  tap->memory.capacity = sizeof tap->room;
  tap->memory.copies = tap->copies;
  tap->memory.capacity_copies = fuzz_below(&api->fuzz, API_COPIES + 1);
  mirror_memory_input_init(&in, sizeof in);
  draw_packets(api);
  in.packets = api->packets;
  in.count = API_PACKETS;
  int32_t status =
      mirror_output_open(api->context, "memory:", &tap->memory, &tap->output, api_report(api));
  if (!status)
    status = mirror_input_open(api->context, "memory:", &in, &tap->input, api_report(api));
  return status;
}

static void open_tap(struct api *api) {
  struct api_tap *tap = &api->taps[handle(api)];
  mirror_tap_options options;
  if (tap->tap || tap->output || tap->input || !api->context) return;
  int32_t status = open_ends(api, tap);
  mirror_tap_options_init(&options, sizeof options);
  options.direction = api_number(api, 1);
  options.source_id = fuzz_one_in(&api->fuzz, 2) ? api_id(api, 'e') : NULL;
  options.input = tap->input;
  options.output = tap->output;
  options.fragment_entries = fuzz_one_in(&api->fuzz, 4) ? api_number(api, 4) % 4096 : 0;
  options.batch = api_number(api, 2);
  options.size = api_size(api, sizeof options);
  if (!status) status = mirror_tap_create(api->context, &options, &tap->tap, api_report(api));
  api_expect(api, status);
}

/* Received is the sum of the verdicts; mirrored that of sent and failed but for segments. */
static void check_stats(const mirror_stats *stats) {
  uint64_t verdicts = 0, outputs = 0;
  for (uint32_t i = MIRROR_COUNTER_MIRRORED; i <= MIRROR_COUNTER_DROPPED_RATE; i++)
    verdicts += stats->counters[i].packets;
  for (uint32_t i = MIRROR_COUNTER_SENT; i <= MIRROR_COUNTER_FAILED_OTHER; i++)
    outputs += stats->counters[i].packets;
  FUZZ_CHECK(stats->received.packets == verdicts);
  FUZZ_CHECK(outputs == stats->counters[MIRROR_COUNTER_MIRRORED].packets +
                            stats->counters[MIRROR_COUNTER_SEGMENTS].packets);
}

static void run_tap(struct api *api) {
  struct api_tap *tap = &api->taps[handle(api)];
  mirror_verdict verdicts[API_PACKETS];
  mirror_stats stats;
  uint32_t packets;
  if (!tap->tap) return;
  const long calls = api->memory.calls;
  if (fuzz_one_in(&api->fuzz, 2)) tap->memory.used = tap->memory.count = 0;
  if (fuzz_one_in(&api->fuzz, 3)) {
    if (fuzz_one_in(&api->fuzz, 4)) mirror_tap_interrupt(tap->tap);
    mirror_tap_step(tap->tap, 0, &packets, NULL);
  } else {
    draw_packets(api);
    mirror_tap_submit(tap->tap, api->packets, API_PACKETS, verdicts);
  }
  FUZZ_CHECK(api->memory.calls == calls); /* the packet path allocates nothing */
  mirror_tap_output_status(tap->tap, &api->report);
  mirror_stats_init(&stats, sizeof stats);
  FUZZ_CHECK(mirror_tap_stats(tap->tap, &stats) == MIRROR_OK);
  check_stats(&stats);
}

/* ---- looking ---- */

static void read_stats(struct api *api) {
  mirror_stats stats;
  mirror_stats_init(&stats, sizeof stats);
  stats.size = api_size(api, sizeof stats);
  const uint32_t direction = api_number(api, 1);
  if (!mirror_source_stats(api->context, api_id(api, 'e'), direction, &stats) &&
      stats.size == sizeof stats)
    check_stats(&stats);
  mirror_session_stats(api->context, api_id(api, 's'), &stats);
  mirror_target_stats(api->context, api_id(api, 't'), &stats);
  mirror_rule_stats(api->context, api_id(api, 'f'), direction, api_number(api, 1), &stats);
}

static int32_t stop_at_two(void *user) {
  return ++*(int32_t *)user == 2 ? 77 : 0;
}
static int32_t see_filter(void *user, const mirror_filter *filter) {
  return filter->id ? stop_at_two(user) : 1;
}
static int32_t see_rule(void *user, const mirror_rule *rule) {
  return rule->priority ? stop_at_two(user) : 1;
}
static int32_t see_source(void *user, const mirror_source *source) {
  return source->id ? stop_at_two(user) : 1;
}
static int32_t see_target(void *user, const mirror_target *target) {
  return target->id ? stop_at_two(user) : 1;
}
static int32_t see_session(void *user, const mirror_session *session) {
  return session->source_count ? stop_at_two(user) : 1;
}
static int32_t see_vpcs(void *user, const char *a, const char *b) {
  return strcmp(a, b) ? stop_at_two(user) : 1;
}

static void check_visit(int32_t result, const int32_t *seen) {
  FUZZ_CHECK(result == 77 ? *seen == 2 : result <= 0);
}

static void visit(struct api *api) {
  int32_t seen[6] = {0};
  mirror_context *context = api->context;
  const char *id = fuzz_one_in(&api->fuzz, 2) ? api_id(api, 'f') : NULL;
  check_visit(mirror_filters_visit(context, id, see_filter, &seen[0]), &seen[0]);
  check_visit(mirror_rules_visit(context, id, see_rule, &seen[1]), &seen[1]);
  check_visit(mirror_sources_visit(context, NULL, see_source, &seen[2]), &seen[2]);
  check_visit(mirror_targets_visit(context, NULL, see_target, &seen[3]), &seen[3]);
  check_visit(mirror_sessions_visit(context, NULL, see_session, &seen[4]), &seen[4]);
  check_visit(mirror_vpc_connections_visit(context, see_vpcs, &seen[5]), &seen[5]);
}

/* ---- plans, transactions, context ---- */

static void take_plan(struct api *api) {
  mirror_plan **plan = &api->plans[handle(api)];
  mirror_plan_info info;
  mirror_plan_release(*plan);
  *plan = NULL;
  if (mirror_plan_acquire(api->context, plan) != MIRROR_OK) return;
  mirror_plan_info_init(&info, sizeof info);
  info.size = api_size(api, sizeof info);
  mirror_plan_info_get(*plan, &info);
}

static void transact(struct api *api) {
  mirror_transaction *other;
  if (api->tx && fuzz_one_in(&api->fuzz, 2)) {
    mirror_transaction_destroy(api->tx);
    api->tx = NULL;
  } else if (api->tx) {
    FUZZ_CHECK(mirror_transaction_begin(api->context, &other, NULL) == MIRROR_E_BUSY);
  } else {
    api_expect(api, mirror_transaction_begin(api->context, &api->tx, api_report(api)));
  }
}

static void open_context(struct api *api) {
  mirror_context_options options;
  mirror_context_options_init(&options, sizeof options);
  options.isa = MIRROR_ISA_SCALAR;
  fuzz_memory_use(&api->memory, &options);
  const int32_t status = mirror_context_create(&options, &api->context, api_report(api));
  api_expect(api, status);
  api->committed = 0;
  if (status) {
    api->memory.failing = 0;
    FUZZ_CHECK(mirror_context_create(&options, &api->context, NULL) == MIRROR_OK);
  }
}

static void configure(struct api *api) {
  static struct document document;
  if (api->tx) return; /* it opens one itself */
  document_draw(&document, &api->fuzz);
  const int32_t status = mirror_configuration_parse(api->context, document.text, document.length,
                                                    "fuzz", NULL, NULL, api_report(api));
  if (status == MIRROR_OK) api->committed++;
}

static void fail_allocations(struct api *api) {
  const long failed = api->memory.failed;
  fuzz_memory_draw(&api->memory, &api->fuzz);
  api->memory.failed = failed;
}

static void step(struct api *api) {
  static void (*const steps[])(struct api *) = {
      api_stage, api_stage,  api_stage, api_stage, api_stage, api_commit,      api_commit,
      take_plan, open_tap,   run_tap,   run_tap,   close_tap, read_stats,      match_packets,
      explain,   ask_engine, visit,     transact,  configure, fail_allocations};
  steps[fuzz_below(&api->fuzz, sizeof steps / sizeof *steps)](api);
}

/* The context lives as long as the last that uses it (context.h). */
static void close_all(struct api *api) {
  bool first = fuzz_one_in(&api->fuzz, 2);
  if (first) mirror_context_destroy(api->context);
  mirror_transaction_destroy(api->tx);
  for (uint32_t i = 0; i < API_HANDLES; i++) {
    mirror_plan_release(api->plans[i]);
    mirror_tap_destroy(api->taps[i].tap);
    mirror_input_close(api->taps[i].input);
    mirror_output_close(api->taps[i].output);
  }
  mirror_explanation_destroy(api->explanation);
  if (!first) mirror_context_destroy(api->context);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length) {
  static struct api api;
  memset(&api, 0, sizeof api);
  api.fuzz = (struct fuzz){octets, length};
  fail_allocations(&api);
  open_context(&api);
  mirror_transaction_begin(api.context, &api.tx, NULL);
  for (uint32_t i = 0; i < STEPS_MAX && api.fuzz.left; i++)
    step(&api);
  close_all(&api);
  FUZZ_CHECK(api.memory.blocks == 0);
  return 0;
}
