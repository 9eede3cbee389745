/* R6: each system call of an afpacket input fails with each error. On lo and a veth pair of an own
 * namespace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "faults.h"
#include "io/io.h"
#include "support/model.h"

enum { SKIPPED = 77, BATCH = 8 };
#define URI "afpacket:lo?blocks=2&block_size=131072"
#define QUEUE URI "&low_latency=1"
#define MEMBER "&fanout=7&promisc=1"
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

static int32_t open_uri(const char *uri) {
  mirror_report_init(&model.report, sizeof model.report);
  return mirror_input_open(model.context, uri, NULL, &input, &model.report);
}

static int32_t open_input(void) {
  return open_uri(URI);
}

static void send_datagram(uint8_t content) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sendto(sender, &content, 1, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof to);
}

static int32_t receive(int64_t timeout_ns, uint32_t *count) {
  mirror_packet packets[BATCH];
  int32_t status = input->backend.receive(input->state, packets, BATCH, timeout_ns, count, NULL);
  if (status == MIRROR_OK) input->backend.release(input->state);
  return status;
}

/* A datagram comes, in spite of what is failing: at least its two packets on lo. */
static void receives(void) {
  uint32_t count, sum = 0;
  send_datagram(1);
  while (sum < 2) {
    assert_int_equal(receive(2 * SECOND, &count), MIRROR_OK);
    sum += count;
  }
  while (receive(SECOND / 50, &count) == MIRROR_OK) {
  }
}

/* Every call of one kind fails once, in turn: nothing is left open, and the report says it. */
static unsigned opening_fails(const char *uri, const char *call, int os_error) {
  unsigned before = fault_descriptors(), n = 0;
  long blocks = model.memory.blocks;
  for (;; n++) {
    fault_set(call, n, 1, os_error);
    int32_t status = open_uri(uri);
    if (fault_hits() == 0) {
      assert_int_equal(status, MIRROR_OK);
      mirror_input_close(input);
      break;
    }
    fault_clear();
    assert_int_not_equal(status, MIRROR_OK);
    assert_int_equal(model.report.code, status);
    assert_int_equal(model.report.os_error, os_error);
    assert_non_null(strstr(model.report.text, "\"lo\""));
    assert_int_equal(fault_descriptors(), before);
    assert_int_equal(model.memory.blocks, blocks);
  }
  assert_int_equal(fault_descriptors(), before);
  return n;
}

static void r6_opening_reports_every_failure(void **state) {
  (void)state;
  static const struct {
    const char *call;
    unsigned sites;
  } calls[] = {{"epoll_create1", 1},  {"eventfd", 1},    {"epoll_ctl", 3},
               {"timerfd_create", 1}, {"socket", 1},     {"ioctl", 2},
               {"mmap", 1},           {"setsockopt", 5}, {"bind", 1}};
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    for (size_t j = 0; j < ERRORS; j++)
      assert_int_equal(opening_fails(URI, calls[i].call, errors[j]), calls[i].sites);
  }
}

static void r6_opening_a_queue_reports_every_failure(void **state) {
  (void)state;
  for (size_t j = 0; j < ERRORS; j++) {
    /* The length of the queue is set in two ways, and one is enough. */
    for (unsigned n = 0; n < 3; n++) {
      fault_set("setsockopt", n, 1, errors[j]);
      assert_int_not_equal(open_uri(QUEUE), MIRROR_OK);
      assert_int_equal(model.report.os_error, errors[j]);
    }
    fault_set("setsockopt", 3, 2, errors[j]);
    assert_int_not_equal(open_uri(QUEUE), MIRROR_OK);
    fault_set("setsockopt", 3, 1, errors[j]);
    assert_int_equal(open_uri(QUEUE), MIRROR_OK);
    mirror_input_close(input);
  }
}

/* It neither ends nor spins. */
static void r6_a_failing_queue_goes_on(void **state) {
  (void)state;
  uint32_t count;
  uint64_t drops;
  assert_int_equal(open_uri(QUEUE), MIRROR_OK);
  for (size_t i = 0; i < ERRORS; i++) {
    fault_set("recvmmsg", 0, 3, errors[i]);
    receives();
    fault_set("recvmmsg", 0, 1000000, errors[i]);
    send_datagram(1);
    assert_int_equal(receive(SECOND / 20, &count), MIRROR_E_AGAIN);
    assert_in_range(fault_hits(), 1, 60);
    fault_clear();
    receives();
  }
  assert_int_equal(mirror_input_drops(input, &drops), MIRROR_OK);
  assert_int_equal(drops, 0);
  fault_set("recvmmsg", 0, 1, EINVAL); /* a packet that no virtio-net header describes */
  receives();
  assert_int_equal(mirror_input_drops(input, &drops), MIRROR_OK);
  assert_int_equal(drops, 1);
  mirror_input_close(input);
}

static void r6_opening_a_member_of_a_group_reports_every_failure(void **state) {
  (void)state;
  for (size_t j = 0; j < ERRORS; j++) {
    assert_int_equal(opening_fails(URI MEMBER, "setsockopt", errors[j]), 8);
    assert_int_equal(opening_fails(URI MEMBER, "bind", errors[j]), 1);
  }
}

static void r6_codes_say_what_to_do(void **state) {
  (void)state;
  static const struct {
    const char *call;
    unsigned skip;
    int os_error;
    int32_t code;
  } cases[] = {
      {"socket", 0, EPERM, MIRROR_E_PERMISSION}, {"socket", 0, EACCES, MIRROR_E_PERMISSION},
      {"socket", 0, ENOMEM, MIRROR_E_NOMEM},     {"socket", 0, EAFNOSUPPORT, MIRROR_E_OS},
      {"ioctl", 0, ENODEV, MIRROR_E_NO_DEVICE},  {"setsockopt", 3, ENOMEM, MIRROR_E_NOMEM},
      {"mmap", 0, ENOMEM, MIRROR_E_NOMEM},       {"bind", 0, ENODEV, MIRROR_E_NO_DEVICE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fault_set(cases[i].call, cases[i].skip, 1, cases[i].os_error);
    assert_int_equal(open_input(), cases[i].code);
  }
}

static void r6_waiting_goes_on_without_spinning(void **state) {
  (void)state;
  assert_int_equal(open_input(), MIRROR_OK);
  for (size_t i = 0; i < ERRORS; i++) {
    fault_set("ppoll", 0, 3, errors[i]);
    receives();
    /* For good: it looks once in a while, but at once after each interruption. */
    fault_set("ppoll", 0, errors[i] == EINTR ? 1000 : UINT_MAX, errors[i]);
    receives();
    if (errors[i] != EINTR) assert_in_range(fault_hits(), 1, 200);
  }
  mirror_input_close(input);
}

static void r6_a_failing_wait_keeps_its_time(void **state) {
  (void)state;
  uint32_t count;
  assert_int_equal(open_input(), MIRROR_OK);
  fault_set("ppoll", 0, 1000000, ENOMEM);
  assert_int_equal(receive(0, &count), MIRROR_E_AGAIN);
  assert_int_equal(receive(SECOND / 20, &count), MIRROR_E_AGAIN);
  mirror_input_interrupt(input);
  assert_int_equal(receive(-1, &count), MIRROR_E_INTERRUPTED);
  fault_clear();
  mirror_input_close(input);
}

static void r6_what_is_asked_may_fail(void **state) {
  (void)state;
  uint64_t drops;
  uint32_t count;
  assert_int_equal(open_input(), MIRROR_OK);
  for (size_t i = 0; i < ERRORS; i++) {
    fault_set("getsockopt", 0, 1, errors[i]);
    drops = 99;
    assert_int_equal(mirror_input_drops(input, &drops), MIRROR_OK);
    assert_int_equal(drops, 0);
    fault_set("read", 0, 1, errors[i]);
    mirror_input_interrupt(input);
    assert_int_equal(receive(-1, &count), MIRROR_E_INTERRUPTED);
    receives();
    fault_set("timerfd_settime", 0, 1, errors[i]);
    receives();
  }
  mirror_input_close(input);
}

static void set_lo(bool up) {
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = up ? IFF_UP | IFF_RUNNING : 0};
  assert_int_equal(ioctl(sender, SIOCSIFFLAGS, &request), 0);
}

/* The interface goes down and up while each call of those that look after it fails, for some time.
 */
static void r9_flaps_among_failing_calls(void **state) {
  (void)state;
  static const char *const calls[] = {"ppoll", "getsockopt", "getsockname",
                                      "ioctl", "read",       "timerfd_settime"};
  uint32_t count;
  assert_int_equal(open_input(), MIRROR_OK);
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    set_lo(false);
    fault_set(calls[i], 0, 3, ENOMEM);
    assert_int_equal(receive(SECOND / 4, &count), MIRROR_E_AGAIN);
    fault_clear();
    set_lo(true);
    receives();
  }
  mirror_input_close(input);
}

/* ---- an interface that is made again ---- */

static bool ip(const char *arguments) {
  char command[128];
  snprintf(command, sizeof command, "ip %s", arguments);
  return system(command) == 0;
}

static void make_interface(void) {
  assert_true(ip("link add fa type veth peer name fb"));
  assert_true(ip("link set fa up") && ip("link set fb up"));
}

/* Frames come within a second. */
static void receives_frames(void) {
  static const uint8_t frame[60] = {0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2, 0x88, 0xb5};
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  const struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("fb")};
  uint32_t count = 0;
  for (int i = 0; i < 20 && !count; i++) {
    sendto(fd, frame, sizeof frame, 0, (const struct sockaddr *)&to, sizeof to);
    receive(SECOND / 20, &count);
  }
  assert_true(count > 0);
  close(fd);
}

/* Meanwhile `call` fails, once or as long as it is looked at; then all is as before. */
static void is_found_again(const char *call, unsigned times) {
  uint32_t count;
  const unsigned before = fault_descriptors();
  receives_frames();
  assert_true(ip("link delete fa"));
  while (receive(SECOND / 4, &count) == MIRROR_OK) {
  }
  fault_set(call, 0, times, ENOMEM);
  make_interface();
  while (receive(SECOND / 4, &count) == MIRROR_OK) {
  }
  assert_in_range(fault_hits(), 1, 10); /* it is looked for each 100 ms */
  fault_clear();
  receives_frames();
  assert_int_equal(fault_descriptors(), before);
}

/* A member of a group gets another socket, others keep theirs. */
static void r9_an_interface_made_again_among_failing_calls(void **state) {
  (void)state;
  static const char *const calls[] = {"ioctl", "setsockopt", "bind", "socket", "mmap", "epoll_ctl"};
  static const struct {
    const char *uri;
    size_t calls;
  } inputs[] = {{"afpacket:fa?blocks=2&block_size=131072", 3},
                {"afpacket:fa?blocks=2&block_size=131072" MEMBER, 6},
                {"afpacket:fa?blocks=2&block_size=131072&low_latency=1", 3}};
  make_interface();
  for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
    assert_int_equal(open_uri(inputs[i].uri), MIRROR_OK);
    for (size_t j = 0; j < inputs[i].calls; j++) {
      is_found_again(calls[j], 1);
      is_found_again(calls[j], UINT_MAX);
    }
    mirror_input_close(input);
  }
  assert_true(ip("link delete fa"));
}

static void f5_interruptions_and_times(void **state) {
  (void)state;
  uint32_t count, link_type;
  int32_t fd;
  assert_int_equal(open_input(), MIRROR_OK);
  mirror_input_interrupt(input);
  mirror_input_interrupt(input);
  assert_int_equal(receive(0, &count), MIRROR_E_INTERRUPTED);
  assert_int_equal(receive(0, &count), MIRROR_E_AGAIN);
  assert_int_equal(count, 0);
  assert_int_equal(mirror_input_link_type(input, &link_type), MIRROR_OK);
  assert_int_equal(link_type, MIRROR_LINK_ETHERNET);
  assert_int_equal(mirror_input_descriptor(input, &fd), MIRROR_OK);
  struct pollfd polled = {.fd = fd, .events = POLLIN};
  assert_int_equal(poll(&polled, 1, 0), 0);
  mirror_input_interrupt(input);
  assert_int_equal(poll(&polled, 1, 0), 1);
  assert_int_equal(receive(0, &count), MIRROR_E_INTERRUPTED);
  assert_int_equal(poll(&polled, 1, 0), 0);
  send_datagram(1);
  assert_int_equal(poll(&polled, 1, 1000), 1);
  receives();
  assert_int_equal(poll(&polled, 1, 0), 0);
  mirror_input_close(input);
}

/* Batches of every size up to 4: each packet once, in order, though blocks are given back. */
static void f5_batches_of_any_size(void **state) {
  (void)state;
  enum { DATAGRAMS = 100 };
  for (uint32_t capacity = 1; capacity <= 4; capacity++) {
    mirror_packet packets[4];
    uint32_t count, next = 0;
    int64_t time = 0;
    assert_int_equal(open_uri("afpacket:lo?blocks=64&block_size=131072"), MIRROR_OK);
    for (uint32_t i = 0; i < 2 * DATAGRAMS; i++) {
      if (i < DATAGRAMS) send_datagram((uint8_t)i);
      if (input->backend.receive(input->state, packets, capacity, 0, &count, NULL)) {
        if (i >= DATAGRAMS) usleep(100);
        continue;
      }
      assert_in_range(count, 1, capacity);
      for (uint32_t j = 0; j < count; j++) {
        assert_true(packets[j].time_ns >= time);
        time = packets[j].time_ns;
        if (packets[j].direction == MIRROR_EGRESS && packets[j].data[23] == 17)
          assert_int_equal(packets[j].data[42], (uint8_t)next++);
      }
      input->backend.release(input->state);
    }
    while (input->backend.receive(input->state, packets, capacity, SECOND / 20, &count, NULL) ==
           MIRROR_OK) {
      for (uint32_t j = 0; j < count; j++)
        next += packets[j].direction == MIRROR_EGRESS && packets[j].data[23] == 17;
      input->backend.release(input->state);
    }
    assert_int_equal(next, DATAGRAMS);
    mirror_input_close(input);
  }
}

static void out_of_memory(const char *uri) {
  for (long n = 1;; n++) {
    long blocks = model.memory.blocks;
    unsigned before = fault_descriptors();
    model.memory.failing = n;
    model.memory.calls = 0;
    int32_t status = open_uri(uri);
    model.memory.failing = 0;
    if (status == MIRROR_OK) break;
    assert_int_equal(status, MIRROR_E_NOMEM);
    assert_int_equal(model.memory.blocks, blocks);
    assert_int_equal(fault_descriptors(), before);
  }
  mirror_input_close(input);
}

static void r5_out_of_memory_is_an_error(void **state) {
  (void)state;
  out_of_memory(URI);
  out_of_memory(QUEUE);
#ifdef MIRROR_WITH_PCAP
  out_of_memory("pcap-live:lo");
#endif
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(r6_opening_reports_every_failure, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_opening_a_queue_reports_every_failure, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_a_failing_queue_goes_on, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_opening_a_member_of_a_group_reports_every_failure, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(r6_codes_say_what_to_do, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_waiting_goes_on_without_spinning, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_a_failing_wait_keeps_its_time, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_what_is_asked_may_fail, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r9_flaps_among_failing_calls, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r9_an_interface_made_again_among_failing_calls, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(f5_interruptions_and_times, set_up, tear_down),
      cmocka_unit_test_setup_teardown(f5_batches_of_any_size, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r5_out_of_memory_is_an_error, set_up, tear_down),
  };
  if (!fault_namespace() || !ip("link add fa type veth peer name fb") || !ip("link delete fa")) {
    puts("skipped: making a network namespace with a veth pair needs root and iproute2");
    return SKIPPED;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
