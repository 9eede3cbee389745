/* Registration of backends, URIs, and the memory and callback backends (F5, F2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io/io.h"
#include "support/backend_contract.h"

static mirror_context *context;
static mirror_report report;

static int set_up(void **state) {
  (void)state;
  mirror_report_init(&report, sizeof report);
  return mirror_context_create(NULL, &context, NULL);
}

static int tear_down(void **state) {
  (void)state;
  mirror_context_destroy(context);
  return 0;
}

static int32_t nothing(void *state, const mirror_open *how, mirror_report *out) {
  (void)state, (void)how, (void)out;
  return MIRROR_OK;
}
static int32_t ended(void *state, mirror_packet *packets, uint32_t capacity, int64_t timeout_ns,
                     uint32_t *count, mirror_report *out) {
  (void)state, (void)packets, (void)capacity, (void)timeout_ns, (void)out;
  *count = 0;
  return MIRROR_E_END;
}
static uint32_t bad_layer(void *state) {
  (void)state;
  return 9;
}
static int32_t take_all(void *state, const mirror_copy *copies, uint32_t count, uint32_t *accepted,
                        mirror_report *out) {
  (void)state, (void)copies, (void)out;
  *accepted = count;
  return MIRROR_OK;
}
static void ignore(void *state) {
  (void)state;
}

static mirror_backend minimal(void) {
  return (mirror_backend){.size = sizeof(mirror_backend),
                          .abi = MIRROR_BACKEND_ABI,
                          .name = "mine-1",
                          .capabilities = MIRROR_CAN_INPUT | MIRROR_CAN_OUTPUT,
                          .open_input = nothing,
                          .receive = ended,
                          .open_output = nothing,
                          .layer = bad_layer,
                          .send = take_all,
                          .interrupt = ignore,
                          .close = ignore};
}

/* Registers it, expecting a refusal whose text names the rule. */
static void refused(const mirror_backend *backend, int32_t status, const char *says) {
  mirror_report_init(&report, sizeof report);
  assert_int_equal(mirror_backend_register(context, backend, &report), status);
  assert_int_equal(report.code, status);
  assert_non_null(strstr(report.text, says));
}

#define REFUSED(change, status, says)  \
  do {                                 \
    mirror_backend broken = minimal(); \
    broken.change;                     \
    refused(&broken, status, says);    \
  } while (0)

static void f5_each_broken_rule_is_named(void **state) {
  (void)state;
  REFUSED(size = 8, MIRROR_E_STRUCT_SIZE, "size");
  REFUSED(abi = 2, MIRROR_E_BACKEND, "abi is 2");
  REFUSED(name = NULL, MIRROR_E_BACKEND, "name");
  REFUSED(name = "", MIRROR_E_BACKEND, "1-31");
  REFUSED(name = "Upper", MIRROR_E_BACKEND, "Upper");
  REFUSED(name = "a234567890123456789012345678901x", MIRROR_E_BACKEND, "1-31");
  REFUSED(capabilities = 0, MIRROR_E_BACKEND, "capabilities");
  REFUSED(capabilities = 5, MIRROR_E_BACKEND, "capabilities");
  REFUSED(open_input = NULL, MIRROR_E_BACKEND, "open_input");
  REFUSED(receive = NULL, MIRROR_E_BACKEND, "receive");
  REFUSED(open_output = NULL, MIRROR_E_BACKEND, "open_output");
  REFUSED(layer = NULL, MIRROR_E_BACKEND, "layer");
  REFUSED(send = NULL, MIRROR_E_BACKEND, "send");
  REFUSED(interrupt = NULL, MIRROR_E_BACKEND, "interrupt");
  REFUSED(close = NULL, MIRROR_E_BACKEND, "close");
  REFUSED(name = "memory", MIRROR_E_EXISTS, "memory");
  assert_int_equal(mirror_backend_register(NULL, NULL, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_backend_register(context, NULL, NULL), MIRROR_E_ARGUMENT);
}

static void f5_absent_slots_get_defaults(void **state) {
  (void)state;
  char name[] = "mine-1";
  mirror_backend backend = minimal();
  backend.name = name;
  assert_int_equal(mirror_backend_register(context, &backend, NULL), MIRROR_OK);
  memset(name, 'x', sizeof name - 1); /* the name was copied */
  memset(&backend, 0, sizeof backend);
  mirror_input *input;
  assert_int_equal(mirror_input_open(context, "mine-1:", NULL, &input, NULL), MIRROR_OK);
  int32_t fd;
  uint32_t link_type;
  uint64_t a, b;
  assert_int_equal(mirror_input_descriptor(input, &fd), MIRROR_E_UNSUPPORTED);
  assert_int_equal(mirror_input_link_type(input, &link_type), MIRROR_E_UNSUPPORTED);
  assert_int_equal(mirror_input_progress(input, &a, &b), MIRROR_E_UNSUPPORTED);
  assert_int_equal(mirror_input_drops(input, &a), MIRROR_E_UNSUPPORTED);
  input->backend.release(input->state);
  assert_int_equal(input->backend.flush(input->state, NULL), MIRROR_OK);
  mirror_input_close(input);
  mirror_output *output;
  assert_int_equal(mirror_output_open(context, "mine-1:", NULL, &output, &report),
                   MIRROR_E_BACKEND);
  assert_non_null(strstr(report.text, "layer is 9"));
}

static int32_t count_names(void *user, const char *name, uint32_t capabilities) {
  (void)name;
  assert_in_range(capabilities, MIRROR_CAN_INPUT, MIRROR_CAN_INPUT | MIRROR_CAN_OUTPUT);
  return ++*(int *)user == 3 ? 7 : 0;
}

static void f5_visit_stops_when_told(void **state) {
  (void)state;
  const mirror_backend first = minimal();
  mirror_backend second = minimal();
  second.name = "mine-2";
  assert_int_equal(mirror_backend_register(context, &first, NULL), MIRROR_OK);
  assert_int_equal(mirror_backend_register(context, &second, NULL), MIRROR_OK);
  int visited = 0;
  assert_int_equal(mirror_backends_visit(context, count_names, &visited), 7);
  assert_int_equal(visited, 3);
}

static void f5_uris(void **state) {
  (void)state;
  mirror_input *input = NULL;
  const char *const bad[] = {"", "file.pcap", ":body", "none:body",
                             "a-name-of-more-than-thirty-one-characters:"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(mirror_input_open(context, bad[i], NULL, &input, &report), MIRROR_E_URI);
    assert_true(strlen(report.text) > 10);
  }
  mirror_backend one_way = minimal();
  one_way.name = "in";
  one_way.capabilities = MIRROR_CAN_INPUT;
  mirror_output *output;
  assert_int_equal(mirror_backend_register(context, &one_way, NULL), MIRROR_OK);
  assert_int_equal(mirror_output_open(context, "in:", NULL, &output, &report),
                   MIRROR_E_UNSUPPORTED);
  assert_int_equal(mirror_input_open(context, NULL, NULL, &input, NULL), MIRROR_E_ARGUMENT);
  mirror_input_close(NULL);
  mirror_output_close(NULL);
}

static void f5_a_context_lives_until_its_input_is_closed(void **state) {
  (void)state;
  mirror_context *other;
  mirror_input *input;
  mirror_memory_input argument;
  mirror_memory_input_init(&argument, sizeof argument);
  assert_int_equal(mirror_context_create(NULL, &other, NULL), MIRROR_OK);
  assert_int_equal(mirror_input_open(other, "memory:", &argument, &input, NULL), MIRROR_OK);
  mirror_context_destroy(other);
  mirror_input_close(input); /* the address sanitizer is the judge */
}

static const uint8_t octets[64] = {9, 8, 7};

static void f5_memory_contract(void **state) {
  (void)state;
  mirror_packet packets[7];
  for (int i = 0; i < 7; i++)
    packets[i] = (mirror_packet){.data = octets, .caplen = 64, .link_type = MIRROR_LINK_ETHERNET};
  mirror_memory_input input;
  mirror_memory_input_init(&input, sizeof input);
  input.packets = packets;
  input.count = 7;
  backend_contract_input(context, "memory:", &input, 7);
  uint8_t buffer[2000];
  mirror_memory_copy copies[10];
  mirror_memory_output output;
  mirror_memory_output_init(&output, sizeof output);
  output.buffer = buffer;
  output.capacity = sizeof buffer;
  output.copies = copies;
  output.capacity_copies = 10;
  backend_contract_output(context, "memory:", &output);
  assert_int_equal(output.count, 6);
  assert_int_equal(copies[5].length, 110);
  input.packets = NULL;
  mirror_input *none;
  assert_int_equal(mirror_input_open(context, "memory:", &input, &none, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_input_open(context, "memory:", NULL, &none, NULL), MIRROR_E_ARGUMENT);
}

static void f2_a_full_memory_output_says_so_and_goes_on(void **state) {
  (void)state;
  uint8_t buffer[100];
  mirror_memory_copy places[4];
  mirror_memory_output argument;
  mirror_memory_output_init(&argument, sizeof argument);
  argument.buffer = buffer;
  argument.capacity = sizeof buffer;
  argument.copies = places;
  argument.capacity_copies = 2;
  mirror_output *output;
  assert_int_equal(mirror_output_open(context, "memory:", &argument, &output, NULL), MIRROR_OK);
  const mirror_copy copies[3] = {
      {.head = octets, .head_length = 10, .body = octets, .body_length = 40, .source_port = 50000},
      {.head = octets, .head_length = 51},
      {.head = octets, .head_length = 20, .time_ns = 5}};
  uint32_t accepted;
  assert_int_equal(output->backend.send(output->state, copies, 3, &accepted, &report),
                   MIRROR_E_NO_BUFFER);
  assert_int_equal(accepted, 1);
  assert_int_equal(argument.used, 50);
  assert_memory_equal(buffer + 10, octets, 40);
  assert_int_equal(places[0].source_port, 50000);
  assert_int_equal(output->backend.send(output->state, copies + 2, 1, &accepted, &report),
                   MIRROR_OK);
  assert_int_equal(places[1].offset, 50);
  assert_int_equal(places[1].time_ns, 5);
  assert_int_equal(output->backend.send(output->state, copies + 2, 1, &accepted, &report),
                   MIRROR_E_NO_BUFFER); /* no third place */
  assert_int_equal(accepted, 0);
  argument.used = argument.count = 0;
  assert_int_equal(output->backend.send(output->state, copies + 1, 1, &accepted, &report),
                   MIRROR_OK);
  assert_int_equal(argument.used, 51);
  mirror_output_close(output);
}

struct caller {
  uint32_t left, released, flushed;
  int interrupted;
};

static int32_t give(void *user, mirror_packet *packets, uint32_t capacity, int64_t timeout_ns,
                    uint32_t *count, mirror_report *out) {
  (void)capacity, (void)timeout_ns, (void)out;
  struct caller *caller = user;
  *count = 0;
  if (caller->interrupted) {
    caller->interrupted = 0;
    return MIRROR_E_INTERRUPTED;
  }
  if (caller->left == 0) return MIRROR_E_END;
  caller->left--;
  *count = 1;
  packets[0] = (mirror_packet){.data = octets, .caplen = 64};
  return MIRROR_OK;
}
static void give_back(void *user) {
  ((struct caller *)user)->released++;
}
static void wake(void *user) {
  ((struct caller *)user)->interrupted = 1;
}
static int32_t take_one(void *user, const mirror_copy *copies, uint32_t count, uint32_t *accepted,
                        mirror_report *out) {
  (void)user, (void)copies, (void)out;
  *accepted = count ? 1 : 0;
  return count > 1 ? MIRROR_E_NO_ROUTE : MIRROR_OK;
}
static int32_t refuse_flush(void *user, mirror_report *out) {
  (void)out;
  ((struct caller *)user)->flushed++;
  return MIRROR_E_LINK_DOWN;
}

static void f5_callbacks_are_forwarded(void **state) {
  (void)state;
  struct caller caller = {.left = 1};
  mirror_callback_input input;
  mirror_callback_input_init(&input, sizeof input);
  input.user = &caller;
  input.receive = give;
  input.release = give_back;
  input.interrupt = wake;
  mirror_input *in;
  assert_int_equal(mirror_input_open(context, "callback:", &input, &in, NULL), MIRROR_OK);
  memset(&input, 0, sizeof input); /* copied */
  mirror_packet packet;
  uint32_t count;
  mirror_input_interrupt(in);
  assert_int_equal(in->backend.receive(in->state, &packet, 1, 0, &count, NULL),
                   MIRROR_E_INTERRUPTED);
  assert_int_equal(in->backend.receive(in->state, &packet, 1, 0, &count, NULL), MIRROR_OK);
  in->backend.release(in->state);
  assert_int_equal(caller.released, 1);
  assert_int_equal(in->backend.receive(in->state, &packet, 1, 0, &count, NULL), MIRROR_E_END);
  mirror_input_close(in);
  mirror_callback_output output;
  mirror_callback_output_init(&output, sizeof output);
  mirror_output *out;
  assert_int_equal(mirror_output_open(context, "callback:", &output, &out, NULL),
                   MIRROR_E_ARGUMENT);
  output.user = &caller;
  output.send = take_one;
  output.flush = refuse_flush;
  assert_int_equal(mirror_output_open(context, "callback:", &output, &out, NULL), MIRROR_OK);
  const mirror_copy copies[2] = {{.head = octets}, {.head = octets}};
  assert_int_equal(out->backend.send(out->state, copies, 2, &count, NULL), MIRROR_E_NO_ROUTE);
  assert_int_equal(count, 1);
  assert_int_equal(mirror_output_flush(out, NULL), MIRROR_E_LINK_DOWN);
  mirror_output_close(out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(f5_each_broken_rule_is_named, set_up, tear_down),
      cmocka_unit_test_setup_teardown(f5_absent_slots_get_defaults, set_up, tear_down),
      cmocka_unit_test_setup_teardown(f5_visit_stops_when_told, set_up, tear_down),
      cmocka_unit_test_setup_teardown(f5_uris, set_up, tear_down),
      cmocka_unit_test(f5_a_context_lives_until_its_input_is_closed),
      cmocka_unit_test_setup_teardown(f5_memory_contract, set_up, tear_down),
      cmocka_unit_test_setup_teardown(f2_a_full_memory_output_says_so_and_goes_on, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(f5_callbacks_are_forwarded, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
