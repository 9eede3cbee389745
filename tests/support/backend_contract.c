#include "support/backend_contract.h"

#include "io/io.h"

#include <string.h>

// clang-format off: cmocka wants these first
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// clang-format on
#include <cmocka.h>

enum { BATCH = 4 };

static int32_t receive(mirror_input *input, mirror_packet *packets, uint32_t capacity,
                       uint32_t *count) {
  mirror_report report = {.size = sizeof report};
  *count = 99;
  return input->backend.receive(input->state, packets, capacity, 0, count, &report);
}

static void read_all(mirror_input *input, uint32_t capacity, uint32_t expected) {
  mirror_packet packets[BATCH];
  uint32_t count, sum = 0;
  int32_t status;
  while ((status = receive(input, packets, capacity, &count)) == MIRROR_OK) {
    assert_in_range(count, 1, capacity);
    for (uint32_t i = 0; i < count; i++) {
      assert_non_null(packets[i].data);
      assert_int_equal(packets[i].source, 0);
      assert_int_equal(packets[i].direction, 0);
    }
    input->backend.release(input->state);
    sum += count;
  }
  assert_int_equal(status, MIRROR_E_END);
  assert_int_equal(count, 0);
  assert_int_equal(sum, expected);
  assert_int_equal(receive(input, packets, capacity, &count), MIRROR_E_END);
  assert_int_equal(count, 0);
}

void backend_contract_input(mirror_context *context, const char *uri, const void *argument,
                            uint32_t packets) {
  for (uint32_t capacity = 1; capacity <= BATCH; capacity++) {
    mirror_input *input;
    mirror_packet unused[BATCH];
    uint32_t count, link_type;
    assert_int_equal(mirror_input_open(context, uri, argument, &input, NULL), MIRROR_OK);
    assert_int_equal(mirror_input_link_type(input, &link_type), MIRROR_OK);
    assert_int_equal(link_type, MIRROR_LINK_ETHERNET);
    mirror_input_interrupt(input);
    assert_int_equal(receive(input, unused, capacity, &count), MIRROR_E_INTERRUPTED);
    assert_int_equal(count, 0);
    read_all(input, capacity, packets);
    mirror_input_close(input);
  }
}

void backend_contract_output(mirror_context *context, const char *uri, const void *argument) {
  static const uint8_t octets[64] = {1, 2, 3}, loopback[4] = {127, 0, 0, 1};
  mirror_outer outer; /* to a port of this host where nobody listens */
  mirror_outer_init(&outer, sizeof outer);
  outer.family = 4;
  outer.udp_port = 9;
  memcpy(outer.source, loopback, sizeof loopback);
  memcpy(outer.destination, loopback, sizeof loopback);
  const mirror_copy copies[3] = {
      {.head = octets, .head_length = 50, .body = octets, .body_length = 14, .outer = &outer},
      {.head = octets, .head_length = 64, .outer = &outer, .source_port = 50000},
      {.head = octets, .head_length = 50, .body = octets, .body_length = 60, .outer = &outer},
  };
  for (uint32_t count = 0; count <= 3; count++) {
    mirror_output *output;
    uint32_t accepted = 99;
    assert_int_equal(mirror_output_open(context, uri, argument, &output, NULL), MIRROR_OK);
    assert_in_range(output->layer, MIRROR_LAYER_LINK, MIRROR_LAYER_UDP);
    assert_int_equal(output->backend.send(output->state, copies, count, &accepted, NULL),
                     MIRROR_OK);
    assert_int_equal(accepted, count);
    int32_t statuses[3] = {1, 1, 1};
    if (output->backend.send_each) {
      assert_int_equal(output->backend.send_each(output->state, copies, count, statuses, NULL),
                       MIRROR_OK);
      for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(statuses[i], i < count ? MIRROR_OK : 1);
    }
    assert_int_equal(mirror_output_flush(output, NULL), MIRROR_OK);
    mirror_output_close(output);
  }
}
