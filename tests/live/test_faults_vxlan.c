/* R6: each system call of a vxlan output fails with each error. In an own namespace, through a veth
 * pair, at whose other end is seen what the device has sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "faults.h"
#include "io/io.h"
#include "support/backend_contract.h"
#include "support/model.h"

enum { SKIPPED = 77, COPIES = 40, INNER = 60, OUTER = 50, NUMBER = 14 };
#define URI "vxlan:vx0"

static const int errors[] = {EINTR,       EAGAIN,       ENOBUFS,      ENOMEM,   EPERM,  ENETDOWN,
                             ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, EMSGSIZE, ENODEV, EIO};
enum { ERRORS = sizeof errors / sizeof *errors };

static struct model model;
static mirror_output *output;
static int sink;
static mirror_outer outer;
static uint8_t inner[COPIES][INNER];
static mirror_copy copies[COPIES];

/* Device `here` with a neighbour that needs no asking, and `vx0` over it. */
static int make_devices(void) {
  return system(
      "ip link add here type veth peer name there && "
      "ip address add 10.9.0.1/24 dev here && ip link set here up && ip link set there up && "
      "ip neighbour add 10.9.0.2 lladdr 02:00:00:00:00:02 dev here && "
      "ip link add vx0 type vxlan id 42 local 10.9.0.1 remote 10.9.0.2 dstport 4789 "
      "nolearning && ip link set vx0 up");
}

static void make_copies(void) {
  static const uint8_t from[4] = {10, 9, 0, 1}, to[4] = {10, 9, 0, 2};
  mirror_outer_init(&outer, sizeof outer);
  outer.family = 4;
  outer.vni = 42;
  memcpy(outer.source, from, sizeof from);
  memcpy(outer.destination, to, sizeof to);
  for (uint32_t i = 0; i < COPIES; i++) {
    inner[i][12] = 0x88;
    inner[i][13] = 0xb5;
    inner[i][NUMBER] = (uint8_t)i;
    copies[i] = (mirror_copy){.head = inner[i],
                              .body = inner[i],
                              .body_length = INNER,
                              .outer = &outer,
                              .source_port = 50000,
                              .segments = 1};
  }
}

static void open_sink(void) {
  const struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                      .sll_protocol = htons(ETH_P_IP),
                                      .sll_ifindex = (int)if_nametoindex("there")};
  sink = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  assert_int_equal(bind(sink, (const struct sockaddr *)&address, sizeof address), 0);
}

static int set_up(void **state) {
  (void)state;
  fault_clear();
  memset(&model, 0, sizeof model);
  make_copies();
  open_sink();
  return model_open(&model);
}

static int tear_down(void **state) {
  (void)state;
  fault_clear();
  close(sink);
  model_close(&model);
  return 0;
}

static int32_t open_output(void) {
  mirror_report_init(&model.report, sizeof model.report);
  return mirror_output_open(model.context, URI, NULL, &output, &model.report);
}

static void nap(void) {
  const struct timespec time = {0, 15 * 1000 * 1000};
  nanosleep(&time, NULL);
}

/* What the device has sent, as bits by number; fails if something came twice. */
static uint64_t arrived(void) {
  uint8_t octets[2000];
  uint64_t seen = 0;
  ssize_t length;
  while ((length = recv(sink, octets, sizeof octets, MSG_DONTWAIT)) >= 0) {
    if (length != OUTER + INNER || octets[23] != 17) continue;
    uint32_t number = octets[OUTER + NUMBER];
    assert_in_range(number, 0, COPIES - 1);
    assert_false(seen >> number & 1);
    seen |= UINT64_C(1) << number;
  }
  return seen;
}

static uint64_t bits_below(uint32_t count) {
  return (UINT64_C(1) << count) - 1;
}

static int32_t send_all(uint32_t *accepted) {
  return output->backend.send(output->state, copies, COPIES, accepted, &model.report);
}

static void sends_all(void) {
  uint32_t accepted;
  assert_int_equal(send_all(&accepted), MIRROR_OK);
  assert_int_equal(accepted, COPIES);
  assert_int_equal(arrived(), bits_below(COPIES));
}

/* Every call of one kind fails once, in turn: nothing is left open, and the report says it; how
 * many there are, and how many of them are done without. */
static unsigned opening_fails(const char *call, int os_error, unsigned *harmless) {
  unsigned before = fault_descriptors(), n = 0;
  long blocks = model.memory.blocks;
  *harmless = 0;
  for (;; n++) {
    fault_set(call, n, 1, os_error);
    int32_t status = open_output();
    bool hit = fault_hits() > 0;
    fault_clear();
    if (status == MIRROR_OK) mirror_output_close(output);
    assert_int_equal(fault_descriptors(), before);
    assert_int_equal(model.memory.blocks, blocks);
    if (!hit) return n;
    *harmless += status == MIRROR_OK;
    if (status == MIRROR_OK) continue;
    assert_int_equal(model.report.code, status);
    assert_non_null(strstr(model.report.text, "vx0"));
  }
}

static void r6_opening_reports_every_failure(void **state) {
  (void)state;
  static const struct {
    const char *call;
    unsigned sites, harmless;
  } calls[] = {{"socket", 3, 0}, {"bind", 2, 0}, {"setsockopt", 3, 1}, {"sendto", 2, 0}};
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    for (size_t j = 0; j < ERRORS; j++) {
      unsigned harmless, mark = strcmp(calls[i].call, "setsockopt") == 0 && errors[j] == EPERM;
      assert_int_equal(opening_fails(calls[i].call, errors[j], &harmless), calls[i].sites);
      assert_int_equal(harmless, calls[i].harmless + mark);
    }
  }
}

static void r6_codes_say_what_to_do(void **state) {
  (void)state;
  static const struct {
    const char *call;
    int os_error;
    int32_t code;
  } cases[] = {{"socket", EPERM, MIRROR_E_PERMISSION},
               {"socket", EACCES, MIRROR_E_PERMISSION},
               {"socket", ENOMEM, MIRROR_E_NOMEM},
               {"bind", ENOMEM, MIRROR_E_NOMEM},
               {"bind", EIO, MIRROR_E_OS},
               {"sendto", ENODEV, MIRROR_E_NO_DEVICE},
               {"sendto", ENOBUFS, MIRROR_E_OS}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fault_set(cases[i].call, 0, 1, cases[i].os_error);
    assert_int_equal(open_output(), cases[i].code);
  }
}

static int32_t status_of(int os_error) {
  switch (os_error) {
    case EINTR:
    case EAGAIN:
      return MIRROR_E_AGAIN;
    case ENOBUFS:
    case ENOMEM:
      return MIRROR_E_NO_BUFFER;
    case EPERM:
      return MIRROR_E_PERMISSION;
    case ENETDOWN:
      return MIRROR_E_LINK_DOWN;
    case ENETUNREACH:
    case EHOSTUNREACH:
      return MIRROR_E_NO_ROUTE;
    case EMSGSIZE:
      return MIRROR_E_TOO_LONG;
    case ENODEV:
      return MIRROR_E_NO_DEVICE;
    default:
      return MIRROR_E_OS;
  }
}

static void r6_what_was_sent_is_known_exactly(void **state) {
  (void)state;
  uint32_t accepted;
  assert_int_equal(open_output(), MIRROR_OK);
  fault_short(7);
  sends_all();
  for (size_t i = 0; i < ERRORS; i++) {
    for (unsigned skip = 0; skip < 5; skip++) {
      fault_short(7);
      fault_set("sendmmsg", skip, 1, errors[i]);
      assert_int_equal(send_all(&accepted), status_of(errors[i]));
      assert_int_equal(model.report.os_error, errors[i]);
      assert_int_equal(accepted, 7 * skip);
      assert_int_equal(arrived(), bits_below(accepted));
    }
    fault_clear();
    sends_all();
  }
  mirror_output_close(output);
}

/* Something has changed about the device. */
static void announce(void) {
  static unsigned length = 100;
  char command[64];
  snprintf(command, sizeof command, "ip link set vx0 txqueuelen %u", length++);
  assert_int_equal(system(command), 0);
  nap();
}

/* The device is looked at anew after each announcement: what fails then is a reason to send
 * nothing, and to look again. */
static void r6_looking_may_fail(void **state) {
  (void)state;
  static const char *const calls[] = {"socket",     "bind",        "connect",   "sendto",
                                      "getsockopt", "getsockname", "setsockopt"};
  uint32_t accepted;
  assert_int_equal(open_output(), MIRROR_OK);
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    for (size_t j = 0; j < ERRORS; j++) {
      fault_clear();
      announce();
      fault_set(calls[i], 0, 1, errors[j]);
      int32_t status = send_all(&accepted);
      if (strcmp(calls[i], "setsockopt") == 0) { /* the mark seldom matters */
        assert_int_equal(status, MIRROR_OK);
        assert_int_equal(arrived(), bits_below(COPIES));
        continue;
      }
      assert_int_equal(fault_hits(), 1);
      assert_int_not_equal(status, MIRROR_OK);
      assert_int_equal(model.report.os_error, errors[j]);
      assert_int_equal(accepted, 0);
      assert_int_equal(arrived(), 0);
      nap();
      sends_all();
    }
  }
  mirror_output_close(output);
}

/* An answer that does not come, or announcements that were lost. */
static void r6_netlink_may_fail(void **state) {
  (void)state;
  uint32_t accepted;
  assert_int_equal(open_output(), MIRROR_OK);
  for (size_t i = 0; i < ERRORS; i++) {
    for (unsigned skip = 0; skip < 8; skip++) {
      nap();
      fault_set("recv", skip, 1, errors[i]);
      int32_t status = send_all(&accepted);
      fault_clear();
      assert_int_equal(arrived(), status == MIRROR_OK ? bits_below(COPIES) : 0);
      nap();
      sends_all();
    }
  }
  mirror_output_close(output);
}

static void v3_too_long_is_refused_before_it_is_lost(void **state) {
  (void)state;
  static uint8_t body[1600];
  uint32_t accepted;
  assert_int_equal(open_output(), MIRROR_OK);
  copies[3].body = body;
  copies[3].body_length = 1465;
  assert_int_equal(send_all(&accepted), MIRROR_E_TOO_LONG);
  assert_int_equal(accepted, 3);
  copies[3].body_length = 1464;
  assert_int_equal(send_all(&accepted), MIRROR_OK);
  copies[3].gso_type = MIRROR_GSO_TCPV4;
  copies[3].header_length = 54;
  copies[3].gso_size = 1465 - 54;
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
    int32_t status = open_output();
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
      cmocka_unit_test_setup_teardown(r6_what_was_sent_is_known_exactly, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_looking_may_fail, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_netlink_may_fail, set_up, tear_down),
      cmocka_unit_test_setup_teardown(v3_too_long_is_refused_before_it_is_lost, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r5_out_of_memory_is_an_error, set_up, tear_down),
  };
  if (!fault_namespace()) {
    puts("skipped: making a network namespace needs root");
    return SKIPPED;
  }
  if (make_devices() != 0) {
    puts("skipped: this system makes no veth or vxlan devices");
    return SKIPPED;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
