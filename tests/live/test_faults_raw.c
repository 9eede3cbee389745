/* R6: each system call of afpacket and xdp outputs fails with each error; what was sent is known
 * exactly. On a veth pair of an own namespace: copies leave by "fa" and are read from "fb". */
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
#include <unistd.h>

#include "faults.h"
#include "io/io.h"
#include "support/backend_contract.h"
#include "support/model.h"

enum { SKIPPED = 77, COPIES = 40, HEAD = 36, LINK = 14, TTL = 9 };

static const int errors[] = {EINTR,        EAGAIN,      ENOBUFS,      ENOMEM,   EPERM,
                             ENETDOWN,     ENETUNREACH, EHOSTUNREACH, EMSGSIZE, ENODEV,
                             ECONNREFUSED, EIO,         EINVAL,       ENXIO};
enum { ERRORS = sizeof errors / sizeof *errors };

static struct model model;
static mirror_output *output;
static int sink;
static mirror_outer outer;
static uint8_t heads[COPIES][HEAD];
static uint8_t body[COPIES][300];
static mirror_copy copies[COPIES];
static int32_t statuses[COPIES];

#ifdef MIRROR_WITH_XDP
/* ---- calls of libxdp ---- */

struct xsk_umem;
struct xsk_socket;
int __real_xsk_umem__create(struct xsk_umem **umem, void *area, uint64_t size, void *fill,
                            void *done, const void *config);
int __wrap_xsk_umem__create(struct xsk_umem **umem, void *area, uint64_t size, void *fill,
                            void *done, const void *config);
int __wrap_xsk_umem__create(struct xsk_umem **umem, void *area, uint64_t size, void *fill,
                            void *done, const void *config) {
  if (fault_fails("xsk_umem__create")) return -errno;
  return __real_xsk_umem__create(umem, area, size, fill, done, config);
}
int __real_xsk_socket__create(struct xsk_socket **xsk, const char *name, uint32_t queue,
                              struct xsk_umem *umem, void *rx, void *tx, const void *config);
int __wrap_xsk_socket__create(struct xsk_socket **xsk, const char *name, uint32_t queue,
                              struct xsk_umem *umem, void *rx, void *tx, const void *config);
int __wrap_xsk_socket__create(struct xsk_socket **xsk, const char *name, uint32_t queue,
                              struct xsk_umem *umem, void *rx, void *tx, const void *config) {
  if (fault_fails("xsk_socket__create")) return -errno;
  return __real_xsk_socket__create(xsk, name, queue, umem, rx, tx, config);
}
#endif

/* ---- the scene ---- */

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
    case ENXIO:
      return MIRROR_E_NO_DEVICE;
    default:
      return MIRROR_E_OS;
  }
}

static const char *const uris[] = {"afpacket:fa?ring=64", "xdp:fa?ring=64"};
#ifdef MIRROR_WITH_XDP
enum { URIS = 2 };
#else
enum { URIS = 1 };
#endif

static bool ip(const char *words) {
  char command[256];
  snprintf(command, sizeof command, "ip %s >/dev/null 2>&1", words);
  return system(command) == 0;
}

/* A neighbour that needs no confirmation, so that the kernel's way is taken by tests that say so.
 */
static bool make_scene(void) {
  return ip("link add fa address 02:00:00:00:00:0a type veth peer name fb "
            "address 02:00:00:00:00:0b") &&
         ip("link set fb up") && ip("link set fa up") && ip("address add 10.9.0.1/24 dev fa") &&
         ip("neighbour add 10.9.0.2 lladdr 02:00:00:00:00:0b dev fa nud permanent");
}

static void open_sink(void) {
  const int size = 1 << 23;
  const struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                      .sll_protocol = htons(ETH_P_IP),
                                      .sll_ifindex = (int)if_nametoindex("fb")};
  sink = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  setsockopt(sink, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  assert_int_equal(bind(sink, (const struct sockaddr *)&address, sizeof address), 0);
}

static void make_copies(const uint8_t destination[4]) {
  static const uint8_t source[4] = {10, 9, 0, 1};
  uint32_t length;
  mirror_outer_init(&outer, sizeof outer);
  outer.layer = MIRROR_LAYER_IP;
  outer.family = 4;
  outer.ttl = TTL;
  memcpy(outer.source, source, sizeof source);
  memcpy(outer.destination, destination, 4);
  for (uint32_t i = 0; i < COPIES; i++) {
    body[i][0] = (uint8_t)i;
    assert_int_equal(mirror_vxlan_encode(&outer, body[i], sizeof body[i], (uint16_t)(50000 + i / 4),
                                         0, heads[i], HEAD, &length),
                     MIRROR_OK);
    copies[i] = (mirror_copy){.head = heads[i],
                              .head_length = HEAD,
                              .body = body[i],
                              .body_length = sizeof body[i],
                              .outer = &outer};
  }
}

static const uint8_t neighbour[4] = {10, 9, 0, 2}, nobody[4] = {10, 9, 0, 77};

static int set_up(void **state) {
  (void)state;
  fault_clear();
  memset(&model, 0, sizeof model);
  make_copies(neighbour);
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

/* How often each copy arrived, whole; how many in all. What the kernel says by itself is left out.
 */
static uint32_t arrived(uint32_t times[COPIES]) {
  uint8_t octets[2000];
  uint32_t count = 0;
  ssize_t length;
  memset(times, 0, COPIES * sizeof *times);
  while ((length = recv(sink, octets, sizeof octets, MSG_DONTWAIT)) >= 0) {
    if (length < LINK + HEAD + 1 || octets[LINK + 8] != TTL) continue;
    uint8_t number = octets[LINK + HEAD];
    assert_in_range(number, 0, COPIES - 1);
    assert_int_equal(length, LINK + HEAD + sizeof body[0]);
    assert_memory_equal(octets, "\x02\0\0\0\0\x0b\x02\0\0\0\0\x0a\x08\0", LINK);
    assert_memory_equal(octets + LINK, heads[number], HEAD);
    times[number]++;
    count++;
  }
  return count;
}

static void discard(void) {
  uint8_t octets[2000];
  while (recv(sink, octets, sizeof octets, MSG_DONTWAIT) > 0)
    continue;
}

static int32_t send_each(void) {
  memset(statuses, 1, sizeof statuses);
  return output->backend.send_each(output->state, copies, COPIES, statuses, &model.report);
}

/* Exactly those with status OK arrive, once; how many did not. */
static uint32_t send_all_each(void) {
  uint32_t times[COPIES], failed = 0;
  int32_t status = send_each();
  arrived(times);
  for (uint32_t i = 0; i < COPIES; i++) {
    assert_int_equal(times[i], statuses[i] == MIRROR_OK);
    failed += statuses[i] != MIRROR_OK;
  }
  assert_int_equal(status == MIRROR_OK, failed == 0);
  if (status) assert_int_equal(model.report.code, status);
  return failed;
}

/* The same by send. */
static uint32_t send_all(void) {
  uint32_t done = 0, refused = 0, accepted, times[COPIES];
  while (done < COPIES) {
    int32_t status =
        output->backend.send(output->state, copies + done, COPIES - done, &accepted, &model.report);
    done += accepted;
    assert_int_equal(status == MIRROR_OK, done == COPIES);
    if (status == MIRROR_OK) break;
    assert_int_equal(model.report.code, status);
    refused++;
    done++;
  }
  assert_int_equal(arrived(times), COPIES - refused);
  return refused;
}

/* ---- sending ---- */

static void r6_a_ring_that_fails_for_good(void **state) {
  (void)state;
  assert_int_equal(open_uri(uris[0]), MIRROR_OK);
  assert_int_equal(send_all_each(), 0);
  for (size_t i = 0; i < ERRORS; i++) {
    fault_set("sendto", 0, 1000000, errors[i]);
    assert_int_equal(send_all_each(), COPIES);
    for (uint32_t n = 0; n < COPIES; n++)
      assert_int_equal(statuses[n],
                       n && errors[i] == EMSGSIZE ? MIRROR_E_AGAIN : status_of(errors[i]));
    assert_int_equal(model.report.os_error, errors[i] == EMSGSIZE ? EAGAIN : errors[i]);
    assert_non_null(strstr(model.report.text, "10.9.0.2"));
    assert_int_equal(fault_hits(), 1);
    assert_int_equal(send_all(), COPIES);
    assert_in_range(fault_hits(), 1, 2 * COPIES); /* bounded: no spinning */
    fault_clear();
    assert_int_equal(send_all_each(), 0); /* and it recovers by itself */
    assert_int_equal(send_all(), 0);
  }
  mirror_output_close(output);
}

#ifdef MIRROR_WITH_XDP
/* Keeps for AF_XDP what is to be sent, where other outputs refuse it. */
static bool is_passing(int os_error) {
  int32_t status = status_of(os_error);
  return status == MIRROR_E_AGAIN || status == MIRROR_E_NO_BUFFER || status == MIRROR_E_LINK_DOWN;
}

/* What AF_XDP has taken it keeps, until there is no room. */
static void r6_af_xdp_that_waits(void **state) {
  (void)state;
  uint32_t times[COPIES];
  for (size_t i = 0; i < ERRORS; i++) {
    if (!is_passing(errors[i])) continue;
    assert_int_equal(open_uri(uris[1]), MIRROR_OK);
    assert_int_equal(send_all_each(), 0);
    fault_set("sendto", 0, 1000000, errors[i]);
    assert_int_equal(send_each(), MIRROR_OK);
    assert_in_range(fault_hits(), 1, 4);
    assert_int_equal(arrived(times), 0);
    assert_int_equal(send_each(), MIRROR_E_NO_BUFFER); /* 64 in all */
    assert_int_equal(statuses[64 - COPIES - 1], MIRROR_OK);
    assert_int_equal(statuses[64 - COPIES], MIRROR_E_NO_BUFFER);
    assert_in_range(fault_hits(), 2, 4 * COPIES);
    fault_clear();
    assert_int_equal(send_each(), MIRROR_OK); /* behind those that waited */
    assert_int_equal(arrived(times), 64 + COPIES);
    assert_int_equal(send_all_each(), 0);
    mirror_output_close(output);
  }
}

/* Other errors cost one batch: the ring takes over. */
static void r6_af_xdp_that_fails(void **state) {
  (void)state;
  for (size_t i = 0; i < ERRORS; i++) {
    if (is_passing(errors[i])) continue;
    assert_int_equal(open_uri(uris[1]), MIRROR_OK);
    assert_int_equal(send_all_each(), 0);
    fault_set("sendto", 0, 1, errors[i]);
    assert_int_equal(send_all_each(), COPIES);
    for (uint32_t n = 0; n < COPIES; n++)
      assert_int_equal(statuses[n], status_of(errors[i]));
    assert_int_equal(send_all_each(), 0);
    assert_int_equal(send_all(), 0);
    mirror_output_close(output);
  }
}

/* The device drops each frame: each is charged once, and that ends. */
static void r6_af_xdp_drops(void **state) {
  (void)state;
  uint32_t times[COPIES];
  assert_int_equal(open_uri(uris[1]), MIRROR_OK);
  assert_int_equal(send_all_each(), 0);
  fault_set("sendto", 0, 3, EBUSY);
  assert_int_equal(send_each(), MIRROR_E_NO_BUFFER);
  uint32_t failed = 0;
  for (uint32_t i = 0; i < COPIES; i++)
    failed += statuses[i] == MIRROR_E_NO_BUFFER;
  assert_int_equal(failed, 3);
  assert_int_equal(arrived(times), COPIES); /* the failure was none */
  fault_set("sendto", 0, 1000000, EBUSY);
  assert_int_equal(send_each(), MIRROR_E_NO_BUFFER);
  for (uint32_t i = 0; i < COPIES; i++)
    assert_int_equal(statuses[i], MIRROR_E_NO_BUFFER);
  assert_in_range(fault_hits(), COPIES, COPIES + 4);
  mirror_output_close(output);
}
#endif

/* ---- asking ---- */

/* The tunnel's first copies: no answer is a failure that is told, and the question is repeated. */
static void r6_asking_the_kernel_fails(void **state) {
  (void)state;
  const char *const calls[] = {"sendto", "recvfrom"};
  for (size_t u = 0; u < URIS; u++) {
    for (size_t c = 0; c < 2; c++) {
      for (size_t i = 0; i < ERRORS; i++) {
        assert_int_equal(open_uri(uris[u]), MIRROR_OK);
        fault_set(calls[c], 0, 1000, errors[i]);
        assert_int_equal(send_all_each(), COPIES);
        assert_in_range(fault_hits(), 1, 200);
        for (uint32_t n = 0; n < COPIES && c == 0; n++)
          assert_int_equal(statuses[n], status_of(errors[i]));
        fault_clear();
        usleep(40000);
        assert_int_equal(send_all_each(), 0);
        mirror_output_close(output);
      }
    }
  }
}

/* One failure at every place. */
static void r6_one_failure_while_asking(void **state) {
  (void)state;
  const char *const calls[] = {"sendto", "recvfrom"};
  for (size_t c = 0; c < 2; c++) {
    for (unsigned skip = 0;; skip++) {
      assert_int_equal(open_uri(uris[0]), MIRROR_OK);
      fault_set(calls[c], skip, 1, ENOBUFS);
      send_all_each();
      bool hit = fault_hits() > 0;
      fault_clear();
      usleep(40000);
      assert_int_equal(send_all_each(), 0);
      mirror_output_close(output);
      if (!hit) break;
    }
  }
}

/* Announcements are lost: everything is asked for again, also the interface. */
static void r6_announcements_are_lost(void **state) {
  (void)state;
  for (size_t u = 0; u < URIS; u++) {
    for (size_t i = 0; i < ERRORS; i++) {
      assert_int_equal(open_uri(uris[u]), MIRROR_OK);
      assert_int_equal(send_all_each(), 0);
      usleep(10000);
      assert_true(ip("neighbour change 10.9.0.2 lladdr 02:00:00:00:00:0c dev fa nud permanent"));
      fault_set("recvfrom", 0, 1, errors[i]);
      send_each();
      fault_clear();
      discard();
      assert_true(ip("neighbour change 10.9.0.2 lladdr 02:00:00:00:00:0b dev fa nud permanent"));
      usleep(40000);
      assert_int_equal(send_all_each(), 0);
      mirror_output_close(output);
    }
  }
}

/* ---- the kernel's way ---- */

static void r6_the_kernels_way_fails(void **state) {
  (void)state;
  make_copies(nobody);
  for (size_t u = 0; u < URIS; u++) {
    for (size_t i = 0; i < ERRORS; i++) {
      assert_int_equal(open_uri(uris[u]), MIRROR_OK);
      fault_set("sendmsg", 0, 1000, errors[i]);
      assert_int_equal(send_each(), MIRROR_E_NO_ROUTE);
      assert_int_equal(fault_hits(), 1);
      assert_int_equal(statuses[0], status_of(errors[i]));
      for (uint32_t n = 1; n < COPIES; n++)
        assert_int_equal(statuses[n], MIRROR_E_NO_ROUTE);
      mirror_output_close(output);
    }
  }
}

/* A neighbour that is known: a copy that the kernel does not take goes by the ring. */
static void r6_confirming_a_neighbour_fails(void **state) {
  (void)state;
  assert_true(ip("neighbour change 10.9.0.2 lladdr 02:00:00:00:00:0b dev fa nud stale"));
  for (size_t u = 0; u < URIS; u++) {
    for (size_t i = 0; i < ERRORS; i++) {
      assert_int_equal(open_uri(uris[u]), MIRROR_OK);
      fault_set("sendmsg", 0, 1000, errors[i]);
      assert_int_equal(send_all_each(), 0);
      assert_int_equal(fault_hits(), 1);
      mirror_output_close(output);
    }
  }
  assert_true(ip("neighbour change 10.9.0.2 lladdr 02:00:00:00:00:0b dev fa nud permanent"));
}

/* ---- opening ---- */

static unsigned opening_fails(const char *uri, const char *call, int os_error) {
  unsigned before = fault_descriptors(), failures = 0;
  long blocks = model.memory.blocks;
  for (unsigned n = 0;; n++) {
    fault_set(call, n, 1, os_error);
    int32_t status = open_uri(uri);
    bool hit = fault_hits() > 0;
    fault_clear();
    if (status == MIRROR_OK) {
      assert_int_equal(send_all_each(), 0);
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
  assert_int_equal(model.memory.blocks, blocks);
  return failures;
}

static void r6_opening_reports_every_failure(void **state) {
  (void)state;
  for (size_t u = 0; u < URIS; u++) {
    for (size_t i = 0; i < ERRORS; i++) {
      assert_int_equal(opening_fails(uris[u], "socket", errors[i]), 5);
      assert_int_equal(opening_fails(uris[u], "bind", errors[i]), 2);
      assert_int_equal(opening_fails(uris[u], "setsockopt", errors[i]), 3); /* of the ring */
      assert_int_equal(opening_fails(uris[u], "mmap", errors[i]), 1);
      assert_int_equal(opening_fails(uris[u], "sendto", errors[i]), 1);
      assert_int_equal(opening_fails(uris[u], "recvfrom", errors[i]),
                       errors[i] != EINTR && errors[i] != ENOBUFS);
      assert_int_equal(opening_fails(uris[u], "xsk_umem__create", errors[i]), 0);
      assert_int_equal(opening_fails(uris[u], "xsk_socket__create", errors[i]), 0);
    }
  }
  fault_set("socket", 2, 1, EPERM);
  assert_int_equal(open_uri(uris[0]), MIRROR_E_PERMISSION);
  assert_non_null(strstr(model.report.text, "CAP_NET_RAW"));
}

static void r6_without_ipv6(void **state) {
  (void)state;
  fault_set("socket", 4, 1, EAFNOSUPPORT);
  assert_int_equal(open_uri(uris[0]), MIRROR_OK);
  fault_clear();
  mirror_outer sixth = outer;
  sixth.family = 6;
  copies[3].outer = &sixth;
  assert_int_equal(send_all_each(), 1);
  assert_int_equal(statuses[3], MIRROR_E_NO_ROUTE);
  mirror_output_close(output);
}

/* Every queue has an AF_XDP socket: the ring serves. */
static void f2_a_second_output(void **state) {
  (void)state;
  mirror_output *first;
  assert_int_equal(open_uri(uris[1]), MIRROR_OK);
  first = output;
  assert_int_equal(open_uri(uris[1]), MIRROR_OK);
  assert_int_equal(send_all_each(), 0);
  mirror_output_close(output);
  output = first;
  assert_int_equal(send_all_each(), 0);
  mirror_output_close(output);
}

static void f2_long_batches(void **state) {
  (void)state;
  enum { MANY = 600 };
  static mirror_copy many[MANY];
  static int32_t status[MANY];
  for (size_t u = 0; u < URIS; u++) {
    uint32_t times[COPIES];
    assert_int_equal(open_uri(uris[u]), MIRROR_OK);
    for (uint32_t i = 0; i < MANY; i++)
      many[i] = copies[i % COPIES];
    assert_int_equal(output->backend.send_each(output->state, many, MANY, status, NULL), MIRROR_OK);
    assert_int_equal(arrived(times), MANY);
    mirror_output_close(output);
  }
}

static void f5_contract(void **state) {
  (void)state;
  backend_contract_output(model.context, "afpacket:lo", NULL);
  backend_contract_output(model.context, "xdp:lo", NULL);
}

static void r5_out_of_memory_is_an_error(void **state) {
  (void)state;
  for (size_t u = 0; u < URIS; u++) {
    for (long n = 1;; n++) {
      long blocks = model.memory.blocks;
      unsigned before = fault_descriptors();
      model.memory.failing = n;
      model.memory.calls = 0;
      int32_t status = open_uri(uris[u]);
      bool failed = model.memory.calls >= n;
      model.memory.failing = 0;
      if (status == MIRROR_OK && !failed) break;
      if (status == MIRROR_OK) { /* AF_XDP's: the ring serves */
        assert_int_equal(send_all_each(), 0);
        mirror_output_close(output);
        continue;
      }
      assert_int_equal(status, MIRROR_E_NOMEM);
      assert_int_equal(model.memory.blocks, blocks);
      assert_int_equal(fault_descriptors(), before);
    }
    long calls = model.memory.calls;
    send_all_each();
    assert_int_equal(model.memory.calls, calls);
    mirror_output_close(output);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(r6_a_ring_that_fails_for_good, set_up, tear_down),
#ifdef MIRROR_WITH_XDP
      cmocka_unit_test_setup_teardown(r6_af_xdp_that_waits, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_af_xdp_that_fails, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_af_xdp_drops, set_up, tear_down),
#endif
      cmocka_unit_test_setup_teardown(r6_asking_the_kernel_fails, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_one_failure_while_asking, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_announcements_are_lost, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_the_kernels_way_fails, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_confirming_a_neighbour_fails, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_opening_reports_every_failure, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r6_without_ipv6, set_up, tear_down),
      cmocka_unit_test_setup_teardown(f2_a_second_output, set_up, tear_down),
      cmocka_unit_test_setup_teardown(f2_long_batches, set_up, tear_down),
      cmocka_unit_test_setup_teardown(f5_contract, set_up, tear_down),
      cmocka_unit_test_setup_teardown(r5_out_of_memory_is_an_error, set_up, tear_down),
  };
  if (!fault_namespace() || !make_scene()) {
    puts("skipped: making a network namespace with a veth pair needs root and iproute2");
    return SKIPPED;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
