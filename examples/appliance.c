/*
 * appliance: a bump in the wire that mirrors what passes.
 *
 *   appliance CONFIG SOURCE INSIDE OUTSIDE
 *
 * Forwards frames between two interfaces, as a firewall or gateway would in a loop of its own: the
 * source's machine is at INSIDE, the network at OUTSIDE. Each frame goes on first; then the library
 * judges it, and finished copies come back to a function of this program, which sends them.
 * Offloads must be off at both ports (ethtool -K eth0 gro off lro off): super-frames cannot pass.
 */
#include <errno.h>
#include <inttypes.h>
#include <libmirror/libmirror.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static mirror_report report;
static volatile sig_atomic_t ended;

static void must(int32_t status) {
  if (status == MIRROR_OK) return;
  fprintf(stderr, "appliance: %s\n", report.text);
  exit(1);
}

static void must_system(int failed, const char *what) {
  if (!failed) return;
  fprintf(stderr, "appliance: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void end(int number) {
  (void)number;
  ended = 1;
}

/* ---- the wire ---- */

static int open_port(const char *interface) {
  const int on = 1;
  int port = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
  struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                .sll_protocol = htons(ETH_P_ALL),
                                .sll_ifindex = (int)if_nametoindex(interface)};
  struct packet_mreq everything = {.mr_ifindex = address.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
  must_system(port < 0, "packet socket");
  must_system(address.sll_ifindex == 0, interface);
  must_system(bind(port, (struct sockaddr *)&address, sizeof address), interface);
  must_system(setsockopt(port, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on), interface);
  must_system(setsockopt(port, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &everything, sizeof everything),
              interface);
  return port;
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Everything that has come at one port leaves at the other, and goes by the tap. */
static void forward(int from, int to, uint8_t direction, mirror_tap *tap) {
  static uint8_t frame[65536];
  ssize_t length;
  while ((length = recv(from, frame, sizeof frame, 0)) > 0) {
    const mirror_packet packet = {.data = frame,
                                  .caplen = (uint32_t)length,
                                  .length = (uint32_t)length,
                                  .time_ns = now(),
                                  .link_type = MIRROR_LINK_ETHERNET,
                                  .direction = direction};
    if (send(to, frame, (size_t)length, 0) < 0) continue; /* it did not pass: nothing to mirror */
    mirror_tap_submit(tap, &packet, 1, NULL);
  }
}

/* ---- the copies ---- */

/* One finished copy: VXLAN header and inner frame are the payload of a datagram. */
static int32_t send_copy(int port, const mirror_copy *copy) {
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)copy->outer->udp_port)};
  struct iovec parts[] = {{(void *)copy->head, copy->head_length},
                          {(void *)copy->body, copy->body_length}};
  const struct msghdr message = {
      .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = parts, .msg_iovlen = 2};
  if (copy->outer->family != 4) return MIRROR_E_NO_ROUTE; /* this program's socket is IPv4 */
  memcpy(&to.sin_addr, copy->outer->destination, sizeof to.sin_addr);
  if (sendmsg(port, &message, MSG_DONTWAIT) >= 0) return MIRROR_OK;
  return errno == EAGAIN ? MIRROR_E_AGAIN : errno == ENOBUFS ? MIRROR_E_NO_BUFFER : MIRROR_E_OS;
}

static int32_t send_copies(void *user, const mirror_copy *copies, uint32_t count,
                           uint32_t *accepted, mirror_report *why) {
  (void)why;
  for (*accepted = 0; *accepted < count; ++*accepted) {
    int32_t status = send_copy(*(int *)user, &copies[*accepted]);
    if (status) return status;
  }
  return MIRROR_OK;
}

/* send_copies as an output. */
static mirror_output *open_output(mirror_context *context, int *port) {
  mirror_callback_output how;
  mirror_output *output;
  mirror_callback_output_init(&how, sizeof how);
  how.layer = MIRROR_LAYER_UDP;
  how.user = port;
  how.send = send_copies;
  must(mirror_output_open(context, "callback:", &how, &output, &report));
  return output;
}

/* Without input: the packets are submitted. */
static mirror_tap *open_tap(mirror_context *context, const char *source, mirror_output *output) {
  mirror_tap_options options;
  mirror_tap *tap;
  mirror_tap_options_init(&options, sizeof options);
  options.source_id = source;
  options.output = output;
  must(mirror_tap_create(context, &options, &tap, &report));
  return tap;
}

static void print_stats(const mirror_tap *tap) {
  mirror_stats stats;
  mirror_stats_init(&stats, sizeof stats);
  mirror_tap_stats(tap, &stats);
  printf("received %" PRIu64, stats.received.packets);
  for (uint32_t i = 0; i < MIRROR_COUNTERS; i++)
    if (stats.counters[i].packets)
      printf(", %s %" PRIu64, mirror_counter_name(i), stats.counters[i].packets);
  puts("");
}

int main(int argc, char **argv) {
  mirror_context *context;
  if (argc != 5) return fputs("usage: appliance CONFIG SOURCE INSIDE OUTSIDE\n", stderr), 2;
  mirror_report_init(&report, sizeof report);
  must(mirror_context_create(NULL, &context, &report));
  must(mirror_configuration_load(context, argv[1], NULL, NULL, &report));
  int copies = socket(AF_INET, SOCK_DGRAM, 0);
  must_system(copies < 0, "UDP socket");
  mirror_output *output = open_output(context, &copies);
  mirror_tap *tap = open_tap(context, argv[2], output);
  struct pollfd ports[] = {{open_port(argv[3]), POLLIN, 0}, {open_port(argv[4]), POLLIN, 0}};
  signal(SIGINT, end);
  signal(SIGTERM, end);
  puts("forwarding");
  fflush(stdout);
  while (!ended && (poll(ports, 2, 100) >= 0 || errno == EINTR)) {
    forward(ports[0].fd, ports[1].fd, MIRROR_EGRESS, tap);
    forward(ports[1].fd, ports[0].fd, MIRROR_INGRESS, tap);
  }
  print_stats(tap);
  mirror_tap_destroy(tap);
  mirror_output_close(output);
  mirror_context_destroy(context);
  return 0;
}
