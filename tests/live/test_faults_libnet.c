/* R6: each call of a libnet output fails with each error. On lo of an own namespace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "encap/image.h"
#include "faults.h"
#include "io/io.h"
#include "support/model.h"

enum { SKIPPED = 77, COPIES = 10, HEAD = 36, HEAD6 = 56, BODY = 60, PORT = 4789 };

static const int errors[] = {EINTR,       EAGAIN,       ENOBUFS,      ENOMEM,   EPERM,  ENETDOWN,
                             ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, EMSGSIZE, ENODEV, EIO};
static const int32_t statuses[] = {MIRROR_E_AGAIN,     MIRROR_E_AGAIN,      MIRROR_E_NO_BUFFER,
                                   MIRROR_E_NO_BUFFER, MIRROR_E_PERMISSION, MIRROR_E_LINK_DOWN,
                                   MIRROR_E_NO_ROUTE,  MIRROR_E_NO_ROUTE,   MIRROR_E_OS,
                                   MIRROR_E_TOO_LONG,  MIRROR_E_NO_DEVICE,  MIRROR_E_OS};
enum { ERRORS = sizeof errors / sizeof *errors };

static struct model model;
static mirror_output *output;
static int sink;
static mirror_outer outer;
static uint8_t heads[COPIES][HEAD6], bodies[COPIES][BODY];
static mirror_copy copies[COPIES];

/* The source is another host's. */
static void make_copies(uint32_t family) {
  static const uint8_t from[4] = {192, 0, 2, 77}, to[4] = {127, 0, 0, 1};
  static const uint8_t from6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 77}, to6[16] = {[15] = 1};
  struct mri_image image;
  mirror_outer_init(&outer, sizeof outer);
  outer.family = family;
  memcpy(outer.source, family == 4 ? from : from6, family == 4 ? sizeof from : sizeof from6);
  memcpy(outer.destination, family == 4 ? to : to6, family == 4 ? sizeof to : sizeof to6);
  outer.layer = MIRROR_LAYER_IP;
  assert_int_equal(mri_image_build(&image, &outer), MIRROR_OK);
  for (uint32_t i = 0; i < COPIES; i++) {
    bodies[i][0] = (uint8_t)i;
    const struct mri_inner inner = {.rest = bodies[i], .rest_length = BODY};
    mri_image_write(&image, MIRROR_LAYER_IP, &inner, 50000, 1, heads[i]);
    copies[i] = (mirror_copy){.head = heads[i],
                              .head_length = family == 4 ? HEAD : HEAD6,
                              .body = bodies[i],
                              .body_length = BODY,
                              .outer = &outer,
                              .source_port = 50000,
                              .segments = 1};
  }
}

static int set_up(void **state) {
  (void)state;
  const struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
  fault_clear();
  memset(&model, 0, sizeof model);
  make_copies(4);
  sink = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  assert_int_equal(bind(sink, (const struct sockaddr *)&address, sizeof address), 0);
  return model_open(&model);
}

static int tear_down(void **state) {
  (void)state;
  fault_clear();
  close(sink);
  model_close(&model);
  return 0;
}

static int32_t open_uri(const char *uri) {
  mirror_report_init(&model.report, sizeof model.report);
  return mirror_output_open(model.context, uri, NULL, &output, &model.report);
}

static uint32_t arrived(void) {
  uint8_t octets[2000];
  uint32_t count = 0;
  while (recv(sink, octets, sizeof octets, MSG_DONTWAIT) >= 0) {
    assert_int_equal(octets[8], count);
    count++;
  }
  return count;
}

static int32_t send_all(uint32_t *accepted) {
  return output->backend.send(output->state, copies, COPIES, accepted, &model.report);
}

static void sends_all(void) {
  uint32_t accepted;
  assert_int_equal(send_all(&accepted), MIRROR_OK);
  assert_int_equal(accepted, COPIES);
  assert_int_equal(arrived(), COPIES);
}

/* Sites are counted; a mark that is not permitted is done without, as is a family. */
static void opening_fails(const char *call, int os_error, unsigned sites) {
  unsigned before = fault_descriptors(), n = 0;
  long blocks = model.memory.blocks;
  for (;; n++) {
    fault_set(call, n, 1, os_error);
    int32_t status = open_uri("libnet:lo");
    bool hit = fault_hits() > 0;
    fault_clear();
    if (status == MIRROR_OK) mirror_output_close(output);
    assert_int_equal(fault_descriptors(), before);
    assert_int_equal(model.memory.blocks, blocks);
    if (!hit) break;
    bool harmless = os_error == EPERM && strcmp(call, "setsockopt") == 0;
    if (!harmless) assert_int_not_equal(status, MIRROR_OK);
    if (status != MIRROR_OK) assert_int_equal(model.report.os_error, os_error);
  }
  assert_int_equal(n, sites);
}

static void r6_opening_reports_every_failure(void **state) {
  (void)state;
  for (size_t i = 0; i < ERRORS; i++) {
    opening_fails("libnet_init", errors[i], 2);
    opening_fails("ioctl", errors[i], 2);
    opening_fails("setsockopt", errors[i], 7);
  }
}

static void r6_codes_say_what_to_do(void **state) {
  (void)state;
  fault_set("libnet_init", 0, 1, EPERM);
  assert_int_equal(open_uri("libnet:"), MIRROR_E_PERMISSION);
  assert_non_null(strstr(model.report.text, "CAP_NET_RAW"));
  fault_set("libnet_init", 0, 1, ENOMEM);
  assert_int_equal(open_uri("libnet:"), MIRROR_E_NOMEM);
  fault_clear();
  assert_int_equal(open_uri("libnet:none"), MIRROR_E_NO_DEVICE);
}

static void r6_a_missing_family_is_refused(void **state) {
  (void)state;
  uint32_t accepted;
  fault_set("libnet_init", 0, 1, EAFNOSUPPORT);
  assert_int_equal(open_uri("libnet:"), MIRROR_OK);
  fault_clear();
  assert_int_equal(send_all(&accepted), MIRROR_E_NO_ROUTE);
  assert_int_equal(accepted, 0);
  mirror_output_close(output);
}

static void each_write_fails(const char *call) {
  uint32_t accepted;
  sends_all();
  for (size_t i = 0; i < ERRORS; i++) {
    for (unsigned skip = 0; skip < COPIES; skip++) {
      fault_set(call, skip, 1, errors[i]);
      assert_int_equal(send_all(&accepted), statuses[i]);
      assert_int_equal(model.report.os_error, errors[i]);
      assert_int_equal(accepted, skip);
      assert_int_equal(arrived(), skip);
    }
    fault_clear();
    sends_all();
  }
  fault_set(call, 0, 1, 0); /* for no reason that it says */
  assert_int_equal(send_all(&accepted), MIRROR_E_OS);
  assert_int_equal(model.report.os_error, EIO);
  assert_int_equal(accepted, 0);
  fault_clear();
  sends_all();
}

static void r6_what_was_sent_is_known_exactly(void **state) {
  (void)state;
  assert_int_equal(open_uri("libnet:"), MIRROR_OK);
  each_write_fails("libnet_adv_write_raw_ipv4");
  make_copies(6);
  each_write_fails("libnet_write_raw_ipv6");
  mirror_output_close(output);
}

/* IP_MTU_DISCOVER changes with DF. */
static void r6_ways_may_fail(void **state) {
  (void)state;
  uint32_t accepted;
  assert_int_equal(open_uri("libnet:"), MIRROR_OK);
  for (size_t i = 0; i < ERRORS; i++) {
    outer.dont_fragment = !outer.dont_fragment;
    fault_set("setsockopt", 0, 1, errors[i]);
    assert_int_equal(send_all(&accepted), statuses[i]);
    assert_int_equal(accepted, 0);
    fault_clear();
    sends_all();
  }
  mirror_output_close(output);
}

/* An interface that is gone is looked for once in a while; what was refused may be sent then. */
static void r9_the_interface_is_bound_again(void **state) {
  (void)state;
  uint32_t accepted;
  assert_int_equal(open_uri("libnet:lo"), MIRROR_OK);
  fault_set("libnet_adv_write_raw_ipv4", 0, 1, ENODEV);
  sends_all();
  fault_set("libnet_adv_write_raw_ipv4", 0, 1, ENODEV); /* too soon */
  assert_int_equal(send_all(&accepted), MIRROR_E_NO_DEVICE);
  usleep(120 * 1000);
  fault_set("libnet_adv_write_raw_ipv4", 0, 2, ENETUNREACH);
  assert_int_equal(send_all(&accepted), MIRROR_E_NO_ROUTE);
  assert_int_equal(accepted, 0);
  usleep(120 * 1000);
  fault_clear();
  sends_all();
  mirror_output_close(output);
}

static void v3_too_long_is_refused(void **state) {
  (void)state;
  static uint8_t body[70000];
  uint32_t accepted;
  assert_int_equal(open_uri("libnet:"), MIRROR_OK);
  copies[3].body = body;
  copies[3].body_length = 65536 - HEAD;
  assert_int_equal(send_all(&accepted), MIRROR_E_TOO_LONG);
  assert_int_equal(accepted, 3);
  mirror_output_close(output);
}

static void r5_out_of_memory_is_an_error(void **state) {
  (void)state;
  for (long n = 1;; n++) {
    long blocks = model.memory.blocks;
    unsigned before = fault_descriptors();
    model.memory.failing = n;
    model.memory.calls = 0;
    int32_t status = open_uri("libnet:");
    model.memory.failing = 0;
    if (status == MIRROR_OK) break;
    assert_int_equal(status, MIRROR_E_NOMEM);
    assert_int_equal(model.memory.blocks, blocks);
    assert_int_equal(fault_descriptors(), before);
  }
  mirror_output_close(output);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(r6_opening_reports_every_failure, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_codes_say_what_to_do, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_a_missing_family_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_what_was_sent_is_known_exactly, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_ways_may_fail, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r9_the_interface_is_bound_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(v3_too_long_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r5_out_of_memory_is_an_error, set_up, tear_down),
  };
  if (!fault_namespace()) {
    puts("skipped: making a network namespace needs root");
    return SKIPPED;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
