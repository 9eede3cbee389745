/* Reading an input without a tap. */
#include <libmirror/libmirror.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* An input that counts what was taken and given back. */
struct source {
  uint32_t received;
  uint32_t released;
  uint32_t left;
  uint32_t surplus; /* packets that it says it has beyond the room there is */
};

static const uint8_t octets[14];

static int32_t receive(void *user, mirror_packet *packets, uint32_t capacity, int64_t timeout_ns,
                       uint32_t *count, mirror_report *report) {
  struct source *source = user;
  (void)timeout_ns, (void)report;
  assert_int_equal(source->received, source->released);
  if (source->left == 0) return MIRROR_E_END;
  *count = source->left < capacity ? source->left : capacity;
  for (uint32_t i = 0; i < *count; i++)
    packets[i] = (mirror_packet){.data = octets, .caplen = 14, .link_type = 1};
  source->left -= *count;
  *count += source->surplus;
  source->received++;
  return MIRROR_OK;
}

static void release(void *user) {
  struct source *source = user;
  source->released++;
  assert_int_equal(source->received, source->released);
}

static void interrupt(void *user) {
  (void)user;
}

static mirror_context *context;
static mirror_report report;
static mirror_packet packets[4];
static uint32_t count;

static mirror_input *open_input(struct source *source) {
  mirror_callback_input argument;
  mirror_input *input;
  mirror_callback_input_init(&argument, sizeof argument);
  argument.user = source;
  argument.receive = receive;
  argument.release = release;
  argument.interrupt = interrupt;
  mirror_report_init(&report, sizeof report);
  assert_int_equal(mirror_input_open(context, "callback:", &argument, &input, &report), MIRROR_OK);
  return input;
}

static int32_t receive_four(mirror_input *input) {
  return mirror_input_receive(input, packets, 4, -1, &count, &report);
}

static void test_batches_until_the_end(void **state) {
  struct source source = {.left = 6};
  mirror_input *input = open_input(&source);
  (void)state;
  assert_int_equal(receive_four(input), MIRROR_OK);
  assert_int_equal(count, 4);
  assert_ptr_equal(packets[3].data, octets);
  mirror_input_release(input);
  assert_int_equal(receive_four(input), MIRROR_OK);
  assert_int_equal(count, 2);
  mirror_input_release(input);
  assert_int_equal(receive_four(input), MIRROR_E_END);
  assert_int_equal(count, 0);
  mirror_input_close(input);
  assert_int_equal(source.released, 2);
}

static void test_packets_are_given_back_once(void **state) {
  struct source source = {.left = 6};
  mirror_input *input = open_input(&source);
  (void)state;
  mirror_input_release(input); /* of nothing */
  assert_int_equal(receive_four(input), MIRROR_OK);
  assert_int_equal(receive_four(input), MIRROR_E_STATE);
  assert_non_null(strstr(report.text, "mirror_input_release"));
  mirror_input_release(input);
  mirror_input_release(input);
  assert_int_equal(source.released, 1);
  assert_int_equal(receive_four(input), MIRROR_OK);
  mirror_input_close(input); /* gives them back */
  assert_int_equal(source.released, 2);
}

static void test_an_input_that_claims_too_much(void **state) {
  struct source source = {.left = 6, .surplus = 1};
  mirror_input *input = open_input(&source);
  (void)state;
  assert_int_equal(receive_four(input), MIRROR_E_BACKEND);
  mirror_input_close(input);
}

static void test_arguments(void **state) {
  struct source source = {.left = 6};
  mirror_input *input = open_input(&source);
  (void)state;
  assert_int_equal(mirror_input_receive(NULL, packets, 4, 0, &count, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_input_receive(input, NULL, 4, 0, &count, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_input_receive(input, packets, 0, 0, &count, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_input_receive(input, packets, 4, 0, NULL, NULL), MIRROR_E_ARGUMENT);
  mirror_input_release(NULL);
  mirror_input_close(input);
}

static int make_context(void **state) {
  (void)state;
  return mirror_context_create(NULL, &context, NULL);
}

static int destroy_context(void **state) {
  (void)state;
  mirror_context_destroy(context);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_batches_until_the_end),
      cmocka_unit_test(test_packets_are_given_back_once),
      cmocka_unit_test(test_an_input_that_claims_too_much),
      cmocka_unit_test(test_arguments),
  };
  return cmocka_run_group_tests(tests, make_context, destroy_context);
}
