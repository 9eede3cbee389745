/*
 * capture URI [hold] [wait]: opens an input, says "ready", and prints its packets, one a line:
 *
 *   packet DIRECTION LINK_TYPE CAPLEN LENGTH TIME_NS OCTETS
 *
 * It waits through the input's descriptor, or, with "wait", within receive, which a TERM
 * interrupts. Lines on standard input: "drops" prints what the system has dropped, "go" ends a
 * hold, in which nothing is received; the end of it ends the program. Log lines are printed as "log
 * TEXT".
 */
#include "io/io.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 16 };

static mirror_input *input;
static int hold;

static void interrupt(int number) {
  (void)number;
  mirror_input_interrupt(input);
}

static void print_log(void *user, uint32_t severity, const char *text) {
  (void)user, (void)severity;
  printf("log %s\n", text);
}

static void print_packet(const mirror_packet *packet) {
  const char *direction = packet->direction == MIRROR_INGRESS  ? "in"
                          : packet->direction == MIRROR_EGRESS ? "out"
                                                               : "-";
  printf("packet %s %u %u %u %" PRId64 " ", direction, packet->link_type, packet->caplen,
         packet->length, packet->time_ns);
  for (uint32_t i = 0; i < packet->caplen; i++)
    printf("%02x", packet->data[i]);
  putchar('\n');
}

static int32_t print_packets(int64_t timeout_ns) {
  mirror_packet packets[BATCH];
  mirror_report report = {.size = sizeof report};
  uint32_t count;
  int32_t status =
      input->backend.receive(input->state, packets, BATCH, timeout_ns, &count, &report);
  for (uint32_t i = 0; i < count; i++)
    print_packet(&packets[i]);
  if (status == MIRROR_OK) input->backend.release(input->state);
  return status == MIRROR_E_AGAIN ? MIRROR_OK : status;
}

static void print_drops(void) {
  uint64_t drops = 0;
  int32_t status = mirror_input_drops(input, &drops);
  printf("drops %" PRIu64 " %s\n", drops, mirror_status_name(status));
}

/* 0 at the end of standard input. */
static int take_command(void) {
  char line[64];
  ssize_t length = read(STDIN_FILENO, line, sizeof line - 1);
  if (length <= 0) return 0;
  line[length] = '\0';
  if (strncmp(line, "drops", 5) == 0) print_drops();
  if (strncmp(line, "go", 2) == 0) hold = 0;
  return 1;
}

static int32_t serve(void) {
  int32_t fd, status = mirror_input_descriptor(input, &fd);
  while (!status) {
    struct pollfd polled[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = hold ? -1 : fd, .events = POLLIN}};
    if (poll(polled, 2, -1) < 0) continue;
    if (polled[0].revents && !take_command()) break;
    if (polled[1].revents) status = print_packets(0);
  }
  return status;
}

int main(int count, char **words) {
  mirror_report report = {.size = sizeof report};
  mirror_context_options options;
  mirror_context *context;
  int wait = 0;
  for (int i = 2; i < count; i++) {
    hold |= strcmp(words[i], "hold") == 0;
    wait |= strcmp(words[i], "wait") == 0;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  mirror_context_options_init(&options, sizeof options);
  options.log = print_log;
  int32_t status =
      count < 2 ? MIRROR_E_ARGUMENT : mirror_context_create(&options, &context, &report);
  if (!status) status = mirror_input_open(context, words[1], NULL, &input, &report);
  if (status) {
    printf("failed %s %d %s\n", mirror_status_name(status), report.os_error, report.text);
    return 1;
  }
  signal(SIGTERM, interrupt);
  puts("ready");
  while (wait && !status)
    status = print_packets(-1);
  if (!wait) status = serve();
  printf("end %s\n", mirror_status_name(status));
  mirror_input_close(input);
  mirror_context_destroy(context);
  return 0;
}
