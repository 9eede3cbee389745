/* The udp output, as far as it can be seen without privilege (F5, V2); the rest is in tests/live.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#ifdef __linux__
#include "io/io.h"
#include "support/backend_contract.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { COPIES = 12, HEAD = 8, BODY = 100 };

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

static void f5_contract(void **state) {
  (void)state;
  backend_contract_output(context, "udp:", NULL);
  backend_contract_output(context, "udp:?pool=1&gso=0&mark=0&sndbuf=0x10000", NULL);
}

static void f5_wrong_options_are_named(void **state) {
  (void)state;
  static const struct {
    const char *uri, *says;
  } cases[] = {
      {"udp:x", "each target's"},        {"udp:10.0.0.9", "too long"},
      {"udp:?pool=6", "a power of two"}, {"udp:?pool=", "1-256"},
      {"udp:?pool=1x", "\"1x\""},        {"udp:?pool=99999999999999999999999999", "1-256"},
      {"udp:?", "no option \"\""},       {"udp:?pool=2&gso=2", "gso is \"2\""},
      {"udp:?gso=+1", "\"+1\""},         {"udp:?mark=0x100000000", "0-4294967295"},
  };
  mirror_output *output;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(mirror_output_open(context, cases[i].uri, NULL, &output, &report),
                     MIRROR_E_URI);
    if (!strstr(report.text, cases[i].says))
      fail_msg("%s: \"%s\" does not say %s", cases[i].uri, report.text, cases[i].says);
  }
}

static int listen_on_loopback(uint16_t *port) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t length = sizeof address;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (const struct sockaddr *)&address, length), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
  *port = ntohs(address.sin_port);
  return fd;
}

/* Copies of three flows come from three ports of the range, each whole and in the flow's order. */
static void v2_flows_have_ports(void **state) {
  (void)state;
  uint16_t port, ports[3] = {0};
  uint8_t heads[COPIES][HEAD] = {{0}}, body[BODY] = {7}, octets[2000], last[3] = {0};
  mirror_copy copies[COPIES];
  mirror_outer outer;
  mirror_output *output;
  int32_t statuses[COPIES];
  int sink = listen_on_loopback(&port);
  mirror_outer_init(&outer, sizeof outer);
  outer.family = 4;
  outer.udp_port = port;
  outer.destination[0] = outer.source[0] = 127;
  outer.destination[3] = outer.source[3] = 1;
  for (uint32_t i = 0; i < COPIES; i++) {
    heads[i][0] = (uint8_t)(i + 1);
    copies[i] = (mirror_copy){heads[i],     body, HEAD, BODY, 0, &outer, (uint16_t)(60000 + i % 3),
                              .segments = 1};
  }
  assert_int_equal(mirror_output_open(context, "udp:?pool=4", NULL, &output, NULL), MIRROR_OK);
  assert_int_equal(output->layer, MIRROR_LAYER_UDP);
  assert_int_equal(output->backend.send_each(output->state, copies, COPIES, statuses, NULL),
                   MIRROR_OK);
  for (uint32_t i = 0; i < COPIES; i++) {
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    assert_int_equal(recvfrom(sink, octets, sizeof octets, 0, (struct sockaddr *)&from, &length),
                     HEAD + BODY);
    assert_memory_equal(octets + HEAD, body, BODY);
    uint32_t flow = (octets[0] - 1u) % 3;
    assert_true(octets[0] > last[flow]);
    last[flow] = octets[0];
    assert_in_range(ntohs(from.sin_port), 49152, 65535);
    assert_true(ports[flow] == 0 || ports[flow] == from.sin_port);
    ports[flow] = from.sin_port;
  }
  assert_true(ports[0] != ports[1] && ports[1] != ports[2] && ports[0] != ports[2]);
  mirror_output_close(output);
  close(sink);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(f5_contract, set_up, tear_down),
      cmocka_unit_test_setup_teardown(f5_wrong_options_are_named, set_up, tear_down),
      cmocka_unit_test_setup_teardown(v2_flows_have_ports, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) {
  puts("skipped: sockets of Linux");
  return 77;
}
#endif
