#include "conformance/recorder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const eni[] = {"eni"};

static int32_t keep(struct recorder *recorder, const mirror_copy *copy) {
  struct record *record = &recorder->records[recorder->count];
  const uint32_t length = copy->head_length + copy->body_length;
  assert_true(recorder->count < RECORDER_COPIES);
  assert_true(recorder->used + length <= RECORDER_OCTETS);
  *record = (struct record){.offset = (uint32_t)recorder->used,
                            .length = length,
                            .source_port = copy->source_port,
                            .status = MIRROR_OK};
  memcpy(recorder->octets + record->offset, copy->head, copy->head_length);
  if (copy->body_length)
    memcpy(recorder->octets + record->offset + copy->head_length, copy->body, copy->body_length);
  recorder->used += length;
  if (recorder->fate) record->status = recorder->fate(recorder->user, recorder->count);
  recorder->count++;
  return record->status;
}

static int32_t take(void *user, const mirror_copy *copies, uint32_t count, uint32_t *accepted,
                    mirror_report *report) {
  struct recorder *recorder = user;
  int32_t status = MIRROR_OK;
  (void)report;
  recorder->calls++;
  assert_true(count > 0);
  for (*accepted = 0; *accepted < count; ++*accepted) {
    status = keep(recorder, &copies[*accepted]);
    if (status) break;
  }
  return status;
}

static void *allocate(void *user, uint64_t octets) {
  ++*(uint64_t *)user;
  return malloc((size_t)octets);
}
static void *resize(void *user, void *block, uint64_t octets) {
  ++*(uint64_t *)user;
  return realloc(block, (size_t)octets);
}
static void release(void *user, void *block) {
  (void)user;
  free(block);
}

void recorder_init(struct recorder *recorder, uint32_t family) {
  memset(recorder, 0, sizeof *recorder);
  recorder->layer = MIRROR_LAYER_LINK;
  recorder->batch = 64;
  mirror_source_init(&recorder->source, sizeof recorder->source);
  recorder->source.id = "eni";
  recorder->source.mtu = 9100;
  recorder->source.address = family == 4 ? "10.9.0.1" : "2001:db8:9::1";
  mirror_target_init(&recorder->target, sizeof recorder->target);
  recorder->target.id = "target";
  recorder->target.address = family == 4 ? "10.9.0.2" : "2001:db8:9::2";
  mirror_session_init(&recorder->session, sizeof recorder->session);
  recorder->session.id = "session";
  recorder->session.priority = 1;
  recorder->session.filter_id = "all";
  recorder->session.target_id = "target";
  recorder->session.sources = eni;
  recorder->session.source_count = 1;
}

static void open_context(struct recorder *recorder) {
  mirror_context_options options;
  mirror_context_options_init(&options, sizeof options);
  options.allocator_user = &recorder->allocations;
  options.allocate = allocate;
  options.resize = resize;
  options.release = release;
  scene_status(mirror_context_create(&options, &recorder->scene.context, NULL), MIRROR_OK, NULL);
  scene_status(mirror_transaction_begin(recorder->scene.context, &recorder->scene.change, NULL),
               MIRROR_OK, NULL);
}

static void open_tap(struct recorder *recorder) {
  mirror_callback_output callback;
  mirror_tap_options options;
  mirror_callback_output_init(&callback, sizeof callback);
  callback.layer = recorder->layer;
  callback.user = recorder;
  callback.send = take;
  scene_status(
      mirror_output_open(recorder->scene.context, "callback:", &callback, &recorder->output, NULL),
      MIRROR_OK, NULL);
  mirror_tap_options_init(&options, sizeof options);
  options.source_id = "eni";
  options.output = recorder->output;
  options.batch = recorder->batch;
  options.on_packet = recorder->on_packet;
  options.on_packet_user = recorder;
  scene_status(mirror_tap_create(recorder->scene.context, &options, &recorder->tap, NULL),
               MIRROR_OK, NULL);
}

void recorder_open(struct recorder *recorder) {
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  recorder->records = malloc(RECORDER_COPIES * sizeof *recorder->records);
  recorder->octets = malloc(RECORDER_OCTETS);
  assert_true(recorder->records && recorder->octets);
  open_context(recorder);
  scene_filter(&recorder->scene, "all");
  scene_rule(&recorder->scene, "all", "ingress 1 accept IPv4 ALL any#any any#any");
  scene_rule(&recorder->scene, "all", "ingress 2 accept IPv6 ALL any#any any#any");
  mirror_transaction *change = recorder->scene.change;
  scene_status(mirror_source_add(change, &recorder->source, &report), MIRROR_OK, &report);
  scene_status(mirror_target_add(change, &recorder->target, &report), MIRROR_OK, &report);
  scene_status(mirror_session_add(change, &recorder->session, &report), MIRROR_OK, &report);
  scene_commit(&recorder->scene);
  open_tap(recorder);
}

void recorder_close(struct recorder *recorder) {
  mirror_tap_destroy(recorder->tap);
  mirror_output_close(recorder->output);
  scene_close(&recorder->scene);
  free(recorder->records);
  free(recorder->octets);
}

void recorder_pass(struct recorder *recorder, const mirror_packet *packets, uint32_t count,
                   mirror_verdict *verdicts) {
  const uint64_t allocations = recorder->allocations;
  recorder->used = recorder->count = recorder->calls = 0;
  assert_int_equal(mirror_tap_submit(recorder->tap, packets, count, verdicts), MIRROR_OK);
  assert_int_equal(recorder->allocations, allocations); /* the packet path allocates nothing */
}

mirror_decapsulated recorder_copy(const struct recorder *recorder, uint32_t number) {
  mirror_decapsulated copy;
  assert_true(number < recorder->count);
  const struct record *record = &recorder->records[number];
  mirror_decapsulated_init(&copy, sizeof copy);
  assert_int_equal(mirror_vxlan_decode(recorder->layer, 0, recorder->octets + record->offset,
                                       record->length, &copy),
                   MIRROR_OK);
  if (recorder->layer != MIRROR_LAYER_UDP) assert_int_equal(copy.source_port, record->source_port);
  return copy;
}

mirror_stats recorder_stats(const struct recorder *recorder) {
  mirror_stats tap, other;
  mirror_context *context = recorder->scene.context;
  mirror_stats_init(&tap, sizeof tap);
  mirror_stats_init(&other, sizeof other);
  assert_int_equal(mirror_tap_stats(recorder->tap, &tap), MIRROR_OK);
  assert_int_equal(mirror_source_stats(context, "eni", MIRROR_INGRESS, &other), MIRROR_OK);
  assert_memory_equal(&other, &tap, sizeof tap);
  assert_int_equal(mirror_session_stats(context, "session", &other), MIRROR_OK);
  assert_memory_equal(other.counters, tap.counters, sizeof tap.counters);
  assert_int_equal(mirror_target_stats(context, "target", &other), MIRROR_OK);
  assert_memory_equal(other.counters, tap.counters, sizeof tap.counters);
  return tap;
}
