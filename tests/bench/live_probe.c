/*
 * live_probe OUT IN NAMESPACE COUNT: latency of a mirror. Sends a frame of 128 octets on OUT each
 * 5 ms and waits for its VXLAN copy on IN, an interface in the network namespace at that path.
 * Prints one line of JSON: microseconds from before the send to the kernel's receive time stamp.
 *
 * The frame is accepted by the rules of the test bed of live.sh, and no host answers it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/measure.h"

enum {
  FRAME = 128,
  OUTER = 50,
  NUMBER_AT = FRAME - 4,
  PATIENCE_US = 100000,
  INTERVAL_NS = 5000000
};

static int64_t real_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static int open_socket(const char *interface) {
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
  const int yes = 1;
  const struct timeval patience = {.tv_usec = PATIENCE_US};
  const struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                      .sll_protocol = htons(ETH_P_ALL),
                                      .sll_ifindex = (int)if_nametoindex(interface)};
  if (fd < 0 || address.sll_ifindex == 0 ||
      bind(fd, (const struct sockaddr *)&address, sizeof address) ||
      setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes) ||
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience))
    bench_fail("live_probe: %s: %s", interface, strerror(errno));
  return fd;
}

static void enter(const char *path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET)) bench_fail("live_probe: %s: %s", path, strerror(errno));
  close(fd);
}

/* TCP to port 8192, from and to MACs and addresses of nobody. */
static void make_frame(uint8_t *frame) {
  static const uint8_t headers[] = {2,  0,    0, 0, 9,          2,  2, 0,    0,    0,  9,    1, 8,
                                    0,  0x45, 0, 0, FRAME - 14, 0,  0, 0x40, 0,    64, 6,    0, 0,
                                    10, 1,    1, 1, 10,         30, 1, 1,    0x10, 0,  0x20, 0};
  memset(frame, 0, FRAME);
  memcpy(frame, headers, sizeof headers);
  frame[46] = 0x50; /* TCP header length */
}

/* The receive time stamp of the next frame, of *length octets; 0 if none comes. */
static int64_t next_frame(int fd, uint8_t *octets, size_t size, ssize_t *length) {
  char control[256];
  struct iovec part = {octets, size};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  *length = recvmsg(fd, &message, 0);
  if (*length < 0) return 0;
  for (struct cmsghdr *each = CMSG_FIRSTHDR(&message); each; each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_TIMESTAMPNS) continue;
    struct timespec time;
    memcpy(&time, CMSG_DATA(each), sizeof time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
  }
  bench_fail("live_probe: a frame without time stamp");
}

/* When the copy of frame `number` came; 0 if it does not. */
static int64_t copy_time(int fd, uint32_t number) {
  uint8_t octets[2048];
  for (;;) {
    uint32_t found;
    ssize_t length;
    const int64_t time = next_frame(fd, octets, sizeof octets, &length);
    if (time == 0) return 0;
    if (length != OUTER + FRAME) continue;
    memcpy(&found, octets + OUTER + NUMBER_AT, sizeof found);
    if (found == number) return time;
  }
}

static void print(struct bench_series *series, uint32_t sent) {
  printf("{\"sent\": %u, \"received\": %u", sent, series->count);
  if (series->count)
    printf(", \"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"max\": %.1f",
           bench_quantile(series, 0.5), bench_quantile(series, 0.9), bench_quantile(series, 0.99),
           bench_quantile(series, 1));
  puts("}");
}

int main(int count, char **words) {
  static struct bench_series series;
  static uint8_t frame[FRAME];
  const struct timespec interval = {.tv_nsec = INTERVAL_NS};
  if (count != 5) bench_fail("live_probe OUT IN NAMESPACE COUNT");
  const uint32_t frames = (uint32_t)atoi(words[4]);
  const int out = open_socket(words[1]);
  enter(words[3]);
  const int in = open_socket(words[2]);
  make_frame(frame);
  for (uint32_t number = 1; number <= frames; number++) {
    nanosleep(&interval, NULL);
    memcpy(frame + NUMBER_AT, &number, sizeof number);
    const int64_t start = real_ns();
    if (send(out, frame, FRAME, 0) != FRAME) bench_fail("live_probe: send: %s", strerror(errno));
    const int64_t end = copy_time(in, number);
    if (end) bench_add(&series, (double)(end - start) / 1e3);
  }
  print(&series, frames);
  return 0;
}
