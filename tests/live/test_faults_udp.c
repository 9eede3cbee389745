/* R6: each system call of a udp output fails with each error; what was sent is known exactly, also
 * in the middle of a sendmmsg and of joined runs. On lo of an own namespace. */
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

#include "faults.h"
#include "io/io.h"
#include "support/backend_contract.h"
#include "support/model.h"

enum { SKIPPED = 77, COPIES = 40, HEAD = 8, PORT = 4789, PORT_FIRST = 49152 };

static const int errors[] = {EINTR,    EAGAIN,      ENOBUFS,      ENOMEM,       EPERM,
                             ENETDOWN, ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, EMSGSIZE,
                             ENODEV,   EIO,         EINVAL};
enum { ERRORS = sizeof errors / sizeof *errors };

static struct model model;
static mirror_output *output;
static int sink;
static mirror_outer outer;
static uint8_t heads[COPIES][HEAD];
static uint8_t body[4000];
static mirror_copy copies[COPIES];
static int32_t statuses[COPIES];

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

static void open_sink(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  const int size = 1 << 23;
  sink = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  setsockopt(sink, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  assert_int_equal(bind(sink, (const struct sockaddr *)&address, sizeof address), 0);
}

/* Copies of 308 octets whose first octet is their number, in flows of four. */
static void make_copies(void) {
  static const uint8_t loopback[4] = {127, 0, 0, 1};
  mirror_outer_init(&outer, sizeof outer);
  outer.layer = MIRROR_LAYER_UDP;
  outer.family = 4;
  outer.udp_port = PORT;
  memcpy(outer.source, loopback, sizeof loopback);
  memcpy(outer.destination, loopback, sizeof loopback);
  for (uint32_t i = 0; i < COPIES; i++) {
    heads[i][0] = (uint8_t)i;
    copies[i] = (mirror_copy){.head = heads[i],
                              .head_length = HEAD,
                              .body = body,
                              .body_length = 300,
                              .outer = &outer,
                              .source_port = (uint16_t)(PORT_FIRST + i / 4)};
  }
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

static int32_t open_uri(const char *uri) {
  mirror_report_init(&model.report, sizeof model.report);
  return mirror_output_open(model.context, uri, NULL, &output, &model.report);
}

/* What arrived, as bits by number; fails if one came twice, or is not as it was. */
static uint64_t arrived(void) {
  uint8_t octets[70000];
  uint64_t seen = 0;
  ssize_t length;
  while ((length = recv(sink, octets, sizeof octets, MSG_DONTWAIT)) >= 0) {
    assert_in_range(octets[0], 0, COPIES - 1);
    const mirror_copy *copy = &copies[octets[0]];
    assert_int_equal(length, copy->head_length + copy->body_length);
    assert_false(seen >> octets[0] & 1);
    seen |= UINT64_C(1) << octets[0];
  }
  return seen;
}

static uint64_t bits_below(uint32_t count) {
  return (UINT64_C(1) << count) - 1;
}

/* The whole batch by send_each: exactly those with status OK arrive; how many did not. */
static uint32_t send_all_each(void) {
  uint64_t ok = 0;
  memset(statuses, 1, sizeof statuses);
  int32_t status =
      output->backend.send_each(output->state, copies, COPIES, statuses, &model.report);
  for (uint32_t i = 0; i < COPIES; i++)
    ok |= (uint64_t)(statuses[i] == MIRROR_OK) << i;
  assert_int_equal(arrived(), ok);
  assert_int_equal(status == MIRROR_OK, ok == bits_below(COPIES));
  if (status) assert_int_equal(model.report.code, status);
  return COPIES - (uint32_t)__builtin_popcountll(ok);
}

/* The same by send, as a tap does; *failed: the statuses of those that did not. */
static uint32_t send_all(int32_t *failed) {
  uint64_t ok = 0;
  uint32_t done = 0, refused = 0, accepted;
  while (done < COPIES) {
    int32_t status =
        output->backend.send(output->state, copies + done, COPIES - done, &accepted, &model.report);
    assert_in_range(accepted, 0, COPIES - done);
    ok |= bits_below(done + accepted) & ~bits_below(done);
    done += accepted;
    assert_int_equal(status == MIRROR_OK, done == COPIES);
    if (status == MIRROR_OK) break;
    assert_int_equal(model.report.code, status);
    *failed = status;
    refused++;
    done++;
  }
  assert_int_equal(arrived(), ok);
  return refused;
}

static void r6_a_send_that_fails_for_good(void **state) {
  (void)state;
  const char *const uris[] = {"udp:", "udp:?gso=0", "udp:?pool=1"};
  for (size_t u = 0; u < sizeof uris / sizeof *uris; u++) {
    assert_int_equal(open_uri(uris[u]), MIRROR_OK);
    for (size_t i = 0; i < ERRORS; i++) {
      int32_t failed = 0;
      fault_set("sendmmsg", 0, 1000000, errors[i]);
      assert_int_equal(send_all_each(), COPIES);
      for (uint32_t n = 0; n < COPIES; n++)
        assert_int_equal(statuses[n], status_of(errors[i]));
      assert_in_range(fault_hits(), 1, 5 * COPIES); /* bounded: no spinning */
      fault_set("sendmmsg", 0, 1000000, errors[i]);
      assert_int_equal(send_all(&failed), COPIES);
      assert_int_equal(failed, status_of(errors[i]));
      assert_int_equal(model.report.os_error, errors[i]);
      assert_non_null(strstr(model.report.text, "127.0.0.1 port 4789"));
      assert_in_range(fault_hits(), 1, 5 * COPIES);
      fault_clear(); /* and it recovers by itself */
      usleep(errors[i] == EINVAL || errors[i] == ENETUNREACH ? 10000 : 0);
      assert_int_equal(send_all_each(), 0);
      assert_int_equal(send_all(&failed), 0);
    }
    mirror_output_close(output);
  }
}

/* One failure at every place: those of an earlier send, and of a run that can be split, are made
 * good; a full queue costs what it refused. */
static void r6_a_send_that_fails_once(void **state) {
  (void)state;
  for (uint32_t messages = 0; messages <= 3; messages++) {
    assert_int_equal(open_uri("udp:?pool=4"), MIRROR_OK);
    fault_clear();
    fault_short(messages);
    for (size_t i = 0; i < ERRORS; i++) {
      bool full = status_of(errors[i]) == MIRROR_E_NO_BUFFER || errors[i] == EAGAIN;
      for (unsigned skip = 0;; skip++) {
        fault_set("sendmmsg", skip, 1, errors[i]);
        uint32_t refused = send_all_each();
        if (fault_hits() == 0) break;
        assert_in_range(refused, full ? 1 : 0, full ? 12 : 0); /* of one socket */
      }
      for (unsigned skip = 0;; skip++) {
        int32_t failed;
        fault_set("sendmmsg", skip, 1, errors[i]);
        uint32_t refused = send_all(&failed);
        if (fault_hits() == 0) break;
        assert_int_equal(refused, full ? 1 : 0);
      }
    }
    mirror_output_close(output);
  }
}

/* Sizes that differ, so that runs begin and end everywhere. */
static void f2_runs_of_all_kinds_arrive(void **state) {
  (void)state;
  int32_t failed;
  assert_int_equal(open_uri("udp:?pool=2"), MIRROR_OK);
  for (uint32_t seed = 0; seed < 200; seed++) {
    for (uint32_t i = 0; i < COPIES; i++) {
      uint32_t draw = (seed * 2654435761u + i * 40503u) >> 7;
      copies[i].body_length = seed == 0 ? 0 : draw % 3 == 0 ? draw % 1400 : 200 * (draw % 4);
      copies[i].source_port = (uint16_t)(PORT_FIRST + draw % 5 % 2);
    }
    assert_int_equal(send_all_each(), 0);
    assert_int_equal(send_all(&failed), 0);
  }
  mirror_output_close(output);
}

/* lo has an MTU of 65536, but no datagram has more than 65507 octets. */
static void f2_a_long_copy_fails_alone(void **state) {
  (void)state;
  static uint8_t large[66000];
  int32_t failed;
  assert_int_equal(open_uri("udp:?pool=1"), MIRROR_OK);
  for (uint32_t i = 0; i < COPIES; i += 7) {
    copies[i].body = large;
    copies[i].body_length = 65536;
  }
  assert_int_equal(send_all_each(), 6);
  for (uint32_t i = 0; i < COPIES; i++)
    assert_int_equal(statuses[i], i % 7 ? MIRROR_OK : MIRROR_E_TOO_LONG);
  assert_int_equal(send_all(&failed), 6);
  assert_int_equal(failed, MIRROR_E_TOO_LONG);
  mirror_output_close(output);
}

/* More copies than are sorted at a time. */
static void f2_long_batches(void **state) {
  (void)state;
  enum { MANY = 600 };
  static mirror_copy many[MANY];
  static int32_t status[MANY];
  uint8_t octets[HEAD + 300];
  uint32_t accepted, count = 0;
  assert_int_equal(open_uri("udp:"), MIRROR_OK);
  for (uint32_t i = 0; i < MANY; i++)
    many[i] = copies[i % COPIES];
  assert_int_equal(output->backend.send_each(output->state, many, MANY, status, NULL), MIRROR_OK);
  assert_int_equal(output->backend.send(output->state, many, MANY, &accepted, NULL), MIRROR_OK);
  assert_int_equal(accepted, MANY);
  while (recv(sink, octets, sizeof octets, MSG_DONTWAIT) > 0)
    count++;
  assert_int_equal(count, 2 * MANY);
  mirror_output_close(output);
}

/* The socket cannot be set for a tunnel: its copies fail, others do not. */
static void r6_setting_a_socket_fails(void **state) {
  (void)state;
  mirror_outer other = outer;
  other.ttl = 5;
  other.dont_fragment = 0;
  other.udp_checksum = MIRROR_UDP_CHECKSUM_ZERO;
  for (uint32_t i = 1; i < COPIES; i += 2)
    copies[i].outer = &other;
  for (size_t i = 0; i < ERRORS; i++) {
    int32_t failed = 0;
    assert_int_equal(open_uri("udp:?pool=1"), MIRROR_OK);
    fault_set("setsockopt", 4, 1, errors[i]); /* once set for the first, four for each */
    assert_int_equal(send_all_each(), 1);
    assert_int_equal(statuses[1], status_of(errors[i]));
    assert_int_equal(send_all_each(), 0);
    fault_set("setsockopt", 1, 1, errors[i]);
    assert_int_equal(send_all(&failed), 1);
    assert_int_equal(failed, status_of(errors[i]));
    mirror_output_close(output);
  }
}

static void r6_asking_for_late_errors_fails(void **state) {
  (void)state;
  assert_int_equal(open_uri("udp:"), MIRROR_OK);
  copies[0].outer = &outer;
  outer.udp_port = 9; /* nobody listens: ICMP comes back at once on lo */
  for (uint32_t i = 0; i < 50; i++) {
    memset(statuses, 1, sizeof statuses);
    fault_set(i % 2 ? "recvmsg" : "getsockopt", 0, 1, errors[i % ERRORS]);
    assert_int_equal(output->backend.send_each(output->state, copies, COPIES, statuses, NULL),
                     MIRROR_OK);
  }
  mirror_output_close(output);
}

static unsigned opening_fails(const char *call, int os_error) {
  unsigned before = fault_descriptors(), failures = 0;
  long blocks = model.memory.blocks;
  for (unsigned n = 0;; n++) {
    fault_set(call, n, 1, os_error);
    int32_t status = open_uri("udp:?pool=1");
    bool hit = fault_hits() > 0;
    fault_clear();
    if (status == MIRROR_OK) {
      mirror_output_close(output);
      if (!hit) break;
      continue; /* it can do without */
    }
    failures++;
    assert_int_equal(model.report.code, status);
    assert_int_equal(model.report.os_error, os_error);
    assert_int_equal(fault_descriptors(), before);
    assert_int_equal(model.memory.blocks, blocks);
  }
  assert_int_equal(fault_descriptors(), before);
  return failures;
}

static void r6_opening_reports_every_failure(void **state) {
  (void)state;
  for (size_t i = 0; i < ERRORS; i++) {
    assert_int_equal(opening_fails("socket", errors[i]), 2); /* but for the look at IPv6 */
    assert_int_equal(opening_fails("bind", errors[i]), 2);
    /* IPv4: filter, receive buffer, errors; IPv6: two more; the marks are no matter */
    assert_int_equal(opening_fails("setsockopt", errors[i]), 8);
    assert_int_equal(opening_fails("getsockopt", errors[i]), 0); /* then no runs are joined */
  }
  fault_set("bind", 0, 100000, EADDRINUSE);
  assert_int_equal(open_uri("udp:"), MIRROR_E_OS);
  assert_non_null(strstr(model.report.text, "49152-65535"));
  assert_int_equal(fault_hits(), 16384);
}

static void r6_without_ipv6(void **state) {
  (void)state;
  fault_set("socket", 0, 1, EAFNOSUPPORT);
  assert_int_equal(open_uri("udp:"), MIRROR_OK);
  fault_clear();
  mirror_outer sixth = outer;
  sixth.family = 6;
  copies[3].outer = &sixth;
  assert_int_equal(send_all_each(), 1);
  assert_int_equal(statuses[3], MIRROR_E_NO_ROUTE);
  int32_t failed;
  assert_int_equal(send_all(&failed), 1);
  assert_int_equal(failed, MIRROR_E_NO_ROUTE);
  mirror_output_close(output);
}

static void f5_contract(void **state) {
  (void)state;
  backend_contract_output(model.context, "udp:", NULL);
  backend_contract_output(model.context, "udp:?pool=1", NULL);
}

static void r5_out_of_memory_is_an_error(void **state) {
  (void)state;
  for (long n = 1;; n++) {
    long blocks = model.memory.blocks;
    unsigned before = fault_descriptors();
    model.memory.failing = n;
    model.memory.calls = 0;
    int32_t status = open_uri("udp:");
    model.memory.failing = 0;
    if (status == MIRROR_OK) break;
    assert_int_equal(status, MIRROR_E_NOMEM);
    assert_int_equal(model.memory.blocks, blocks);
    assert_int_equal(fault_descriptors(), before);
  }
  long calls = model.memory.calls;
  send_all_each();
  assert_int_equal(model.memory.calls, calls);
  mirror_output_close(output);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(r6_a_send_that_fails_for_good, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_a_send_that_fails_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(f2_runs_of_all_kinds_arrive, set_up, tear_down),
      cmocka_unit_test_setup_teardown(f2_a_long_copy_fails_alone, set_up, tear_down),
      cmocka_unit_test_setup_teardown(f2_long_batches, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_setting_a_socket_fails, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_asking_for_late_errors_fails, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_opening_reports_every_failure, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_without_ipv6, set_up, tear_down),
      cmocka_unit_test_setup_teardown(f5_contract, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r5_out_of_memory_is_an_error, set_up, tear_down),
  };
  if (!fault_namespace()) {
    puts("skipped: making a network namespace needs root");
    return SKIPPED;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
