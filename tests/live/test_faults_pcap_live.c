/* R6: each call of a pcap-live input fails, those of libpcap's among them. On lo of an own
 * namespace.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "faults.h"

#ifdef MIRROR_WITH_PCAP
#include "io/io.h"
#include "support/model.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <pcap/pcap.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SKIPPED = 77, BATCH = 8 };
#define URI "pcap-live:lo"
#define SECOND INT64_C(1000000000)

static const int errors[] = {EINTR,       EAGAIN,       ENOBUFS,      ENOMEM,   EPERM,  ENETDOWN,
                             ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, EMSGSIZE, ENODEV, EIO};
enum { ERRORS = sizeof errors / sizeof *errors };

static struct model model;
static mirror_input *input;
static int sender;

static int set_up(void **state) {
  (void)state;
  fault_clear();
  memset(&model, 0, sizeof model);
  sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  return model_open(&model);
}

static int tear_down(void **state) {
  (void)state;
  fault_clear();
  close(sender);
  model_close(&model);
  return 0;
}

static int32_t open_input(void) {
  mirror_report_init(&model.report, sizeof model.report);
  return mirror_input_open(model.context, URI, NULL, &input, &model.report);
}

/* ---- opening ---- */

/* Every call of one kind fails, in turn: nothing is left open. How many there are. */
static unsigned opening_fails(const char *call, unsigned times, int os_error, int32_t expected,
                              const char *reason) {
  const unsigned before = fault_descriptors();
  const long blocks = model.memory.blocks;
  for (unsigned n = 0;; n++) {
    fault_set(call, n, times, os_error);
    const int32_t status = open_input();
    const bool hit = fault_hits() > 0;
    fault_clear();
    if (!hit) {
      assert_int_equal(status, MIRROR_OK);
      mirror_input_close(input);
      return n;
    }
    assert_int_equal(status, expected);
    assert_int_equal(model.report.code, status);
    model_assert_text(&model, "\"lo\"");
    model_assert_text(&model, reason);
    assert_int_equal(fault_descriptors(), before);
    assert_int_equal(model.memory.blocks, blocks);
  }
}

static void r6_opening_reports_every_failure(void **state) {
  (void)state;
  static const struct {
    const char *call;
    unsigned sites;
    const char *reason; /* NULL: the system's */
  } calls[] = {{"epoll_create1", 1, NULL},
               {"eventfd", 1, NULL},
               {"epoll_ctl", 3, NULL},
               {"timerfd_create", 1, NULL},
               {"pcap_create", 1, NULL},
               {"pcap_setnonblock", 1, NULL},
               {"pcap_get_selectable_fd", 1, "nothing to wait for"}};
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    for (size_t j = 0; j < ERRORS; j++) {
      const char *reason = calls[i].reason ? calls[i].reason : strerror(errors[j]);
      assert_int_equal(opening_fails(calls[i].call, 1, errors[j], MIRROR_E_OS, reason),
                       calls[i].sites);
      assert_int_equal(opening_fails(calls[i].call, UINT_MAX, errors[j], MIRROR_E_OS, reason),
                       calls[i].sites);
    }
  }
}

static void r6_codes_say_what_to_do(void **state) {
  (void)state;
  static const struct {
    int failure;
    int32_t code;
  } cases[] = {{PCAP_ERROR, MIRROR_E_OS},
               {PCAP_ERROR_PERM_DENIED, MIRROR_E_PERMISSION},
               {PCAP_ERROR_PROMISC_PERM_DENIED, MIRROR_E_PERMISSION},
               {PCAP_ERROR_NO_SUCH_DEVICE, MIRROR_E_NO_DEVICE},
               {PCAP_ERROR_IFACE_NOT_UP, MIRROR_E_LINK_DOWN},
               {PCAP_ERROR_RFMON_NOTSUP, MIRROR_E_OS}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(opening_fails("pcap_activate", 1, -cases[i].failure, cases[i].code,
                                   pcap_statustostr(cases[i].failure)),
                     1);
}

static void r6_an_interface_that_is_not_there(void **state) {
  (void)state;
  const unsigned before = fault_descriptors();
  for (int i = 0; i < 3; i++) {
    assert_int_equal(
        mirror_input_open(model.context, "pcap-live:none", NULL, &input, &model.report),
        MIRROR_E_NO_DEVICE);
    model_assert_text(&model, "\"none\"");
    assert_int_equal(fault_descriptors(), before);
  }
}

/* ---- receiving ---- */

static int32_t receive(int64_t timeout_ns, uint32_t *count) {
  mirror_packet packets[BATCH];
  return input->backend.receive(input->state, packets, BATCH, timeout_ns, count, NULL);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * SECOND + time.tv_nsec;
}

static void send_datagram(void) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sendto(sender, "", 1, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof to);
}

/* Packets come within a second, in spite of what is failing; while the interface is lost, those
 * that are sent are not seen. */
static void receives(void) {
  uint32_t count = 0;
  const int64_t deadline = now() + SECOND;
  while (!count && now() < deadline) {
    send_datagram();
    const int32_t status = receive(SECOND / 20, &count);
    assert_true(status == MIRROR_OK || status == MIRROR_E_AGAIN);
  }
  assert_true(count > 0);
  while (receive(SECOND / 50, &count) == MIRROR_OK) {
  }
}

/* It is opened again by itself: once it is tried each 100 ms, never in a loop. */
static void r6_a_capture_that_fails_is_opened_again(void **state) {
  (void)state;
  static const char *const calls[] = {"pcap_next_ex",     "pcap_create", "pcap_activate",
                                      "pcap_setnonblock", "epoll_ctl",   "pcap_get_selectable_fd"};
  uint32_t count;
  assert_int_equal(open_input(), MIRROR_OK);
  const unsigned before = fault_descriptors();
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    for (unsigned times = 1; times; times = times == 1 ? UINT_MAX : 0) {
      fault_set("pcap_next_ex", 0, 1, EIO);
      assert_int_equal(receive(0, &count), MIRROR_E_AGAIN); /* now it is lost */
      assert_int_equal(fault_hits(), 1);
      fault_set(calls[i], 0, times, EIO);
      assert_int_equal(receive(SECOND / 4, &count), MIRROR_E_AGAIN);
      assert_in_range(fault_hits(), 1, 6);
      fault_clear();
      receives();
      assert_int_equal(fault_descriptors(), before);
    }
  }
  mirror_input_close(input);
}

static void r6_waiting_goes_on_without_spinning(void **state) {
  (void)state;
  uint32_t count;
  assert_int_equal(open_input(), MIRROR_OK);
  for (size_t i = 0; i < ERRORS; i++) {
    fault_set("ppoll", 0, 3, errors[i]);
    receives();
    /* For good: it looks once in a while, but at once after each interruption. */
    fault_set("ppoll", 0, errors[i] == EINTR ? 1000 : UINT_MAX, errors[i]);
    receives();
    if (errors[i] != EINTR) assert_in_range(fault_hits(), 1, 200);
    assert_int_equal(receive(0, &count), MIRROR_E_AGAIN);
    mirror_input_interrupt(input);
    assert_int_equal(receive(-1, &count), MIRROR_E_INTERRUPTED);
    fault_clear();
  }
  mirror_input_close(input);
}

static void r6_what_is_asked_may_fail(void **state) {
  (void)state;
  static const char *const wakings[] = {"write", "read"};
  uint32_t count;
  uint64_t drops;
  assert_int_equal(open_input(), MIRROR_OK);
  for (size_t i = 0; i < ERRORS; i++) {
    fault_set("pcap_stats", 0, 1, errors[i]);
    drops = 99;
    assert_int_equal(mirror_input_drops(input, &drops), MIRROR_OK);
    assert_int_equal(fault_hits(), 1);
    assert_int_equal(drops, 0);
    for (size_t j = 0; j < 2; j++) {
      fault_set(wakings[j], 0, 1, errors[i]);
      mirror_input_interrupt(input);
      assert_int_equal(receive(-1, &count), MIRROR_E_INTERRUPTED);
      assert_int_equal(fault_hits(), 1);
      receives();
    }
  }
  mirror_input_close(input);
}

/* A timer that cannot be set or read is set or read at the next wait. */
static void r9_a_failing_timer(void **state) {
  (void)state;
  static const char *const calls[] = {"timerfd_settime", "read"};
  uint32_t count;
  assert_int_equal(open_input(), MIRROR_OK);
  for (size_t i = 0; i < 2 * ERRORS; i++) {
    fault_set("pcap_next_ex", 0, 1, EIO);
    assert_int_equal(receive(0, &count), MIRROR_E_AGAIN);
    receives();
    fault_set("pcap_next_ex", 0, 1, EIO);
    assert_int_equal(receive(0, &count), MIRROR_E_AGAIN);
    fault_set(calls[i % 2], 0, 1, errors[i / 2]);
    receives();
    assert_int_equal(fault_hits(), 1);
  }
  mirror_input_close(input);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(r6_opening_reports_every_failure, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_codes_say_what_to_do, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_an_interface_that_is_not_there, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_a_capture_that_fails_is_opened_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_waiting_goes_on_without_spinning, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_what_is_asked_may_fail, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r9_a_failing_timer, set_up, tear_down),
  };
  if (!fault_namespace()) {
    puts("skipped: making a network namespace needs root");
    return SKIPPED;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) {
  return 77;
}
#endif
