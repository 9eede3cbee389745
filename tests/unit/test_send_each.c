/* Outputs that take copies in an order of their own (send_each in ext/backend.h): F2, F3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/model.h"
#include "support/packets.h"

enum { PACKETS = 5 };

static uint32_t calls;

static int32_t open_output(void *state, const mirror_open *open, mirror_report *report) {
  (void)state, (void)open, (void)report;
  return MIRROR_OK;
}

static uint32_t layer(void *state) {
  (void)state;
  return MIRROR_LAYER_UDP;
}

static int32_t send_never(void *state, const mirror_copy *copies, uint32_t count,
                          uint32_t *accepted, mirror_report *report) {
  (void)state, (void)copies, (void)count, (void)accepted, (void)report;
  fail_msg("send was called");
  return MIRROR_OK;
}

/* Refuses the second and the last. */
static int32_t send_each(void *state, const mirror_copy *copies, uint32_t count, int32_t *statuses,
                         mirror_report *report) {
  (void)state, (void)copies;
  calls++;
  for (uint32_t i = 0; i < count; i++)
    statuses[i] = i == 1 ? MIRROR_E_NO_ROUTE : i == count - 1 ? MIRROR_E_AGAIN : MIRROR_OK;
  strcpy(report->text, "refused");
  return count > 1 ? MIRROR_E_AGAIN : MIRROR_OK;
}

static void nothing(void *state) {
  (void)state;
}

static const mirror_backend each = {
    .size = sizeof each,
    .abi = MIRROR_BACKEND_ABI,
    .name = "each",
    .capabilities = MIRROR_CAN_OUTPUT,
    .open_output = open_output,
    .layer = layer,
    .send = send_never,
    .interrupt = nothing,
    .close = nothing,
    .send_each = send_each,
};

static void f3_each_copy_is_counted_by_its_own_status(void **state) {
  struct model *model = *state;
  mirror_tap_options options;
  mirror_tap *tap;
  uint8_t frame[PACKET_MAX];
  model_base(model);
  assert_int_equal(mirror_backend_register(model->context, &each, NULL), MIRROR_OK);
  mirror_tap_options_init(&options, sizeof options);
  options.source_id = "x1";
  assert_int_equal(mirror_output_open(model->context, "each:", NULL, &options.output, NULL),
                   MIRROR_OK);
  assert_int_equal(mirror_tap_create(model->context, &options, &tap, NULL), MIRROR_OK);
  const struct packet_parts parts = {.family = 4, .protocol = 6, .source_port = 1000};
  const struct packet_parts other = {.family = 6, .protocol = 6, .source_port = 1000};
  uint8_t unmatched[PACKET_MAX];
  mirror_packet packet = packet_of(frame, packet_build(&parts, frame), MIRROR_LINK_ETHERNET);
  mirror_packet hole = packet_of(unmatched, packet_build(&other, unmatched), MIRROR_LINK_ETHERNET);
  const mirror_packet packets[PACKETS] = {packet, hole, packet, packet, packet};
  mirror_verdict verdicts[PACKETS];
  assert_int_equal(mirror_tap_submit(tap, packets, PACKETS, verdicts), MIRROR_OK);
  assert_int_equal(verdicts[0].output_status, MIRROR_OK);
  assert_int_equal(verdicts[1].verdict, MIRROR_UNMATCHED);
  assert_int_equal(verdicts[1].output_status, MIRROR_OK);
  assert_int_equal(verdicts[2].output_status, MIRROR_E_NO_ROUTE);
  assert_int_equal(verdicts[3].output_status, MIRROR_OK);
  assert_int_equal(verdicts[4].output_status, MIRROR_E_AGAIN);
  mirror_stats stats = {.size = sizeof stats};
  assert_int_equal(mirror_target_stats(model->context, "t1", &stats), MIRROR_OK);
  assert_int_equal(stats.counters[MIRROR_COUNTER_MIRRORED].packets, 4);
  assert_int_equal(stats.counters[MIRROR_COUNTER_SENT].packets, 2);
  assert_int_equal(stats.counters[MIRROR_COUNTER_FAILED_NO_ROUTE].packets, 1);
  assert_int_equal(stats.counters[MIRROR_COUNTER_FAILED_AGAIN].packets, 1);
  assert_int_equal(mirror_tap_output_status(tap, &model->report), MIRROR_E_AGAIN);
  assert_string_equal(model->report.text, "refused");
  assert_int_equal(calls, 1);
  assert_int_equal(mirror_tap_submit(tap, &hole, 1, NULL), MIRROR_OK); /* no copy, no call */
  assert_int_equal(calls, 1);
  mirror_tap_destroy(tap);
  mirror_output_close(options.output);
}

static void f5_tables_without_the_slot_are_taken(void **state) {
  struct model *model = *state;
  mirror_backend backend = each;
  backend.name = "older";
  backend.size = offsetof(mirror_backend, send_each);
  assert_int_equal(mirror_backend_register(model->context, &backend, &model->report), MIRROR_OK);
  backend.size--;
  backend.name = "shorter";
  assert_int_equal(mirror_backend_register(model->context, &backend, NULL), MIRROR_E_STRUCT_SIZE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(f3_each_copy_is_counted_by_its_own_status, model_setup,
                                      model_teardown),
      cmocka_unit_test_setup_teardown(f5_tables_without_the_slot_are_taken, model_setup,
                                      model_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
