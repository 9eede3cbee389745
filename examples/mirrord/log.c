#include "log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE 1280

/* A line of another thread, as it travels. */
struct line {
  uint32_t severity;
  char text[LINE];
};

static int way[2] = {-1, -1}; /* from packet threads to the main thread */
static pthread_t main_thread;

/* Whether standard error is the journal: systemd says which device and file that is. */
static bool is_journal(void) {
  const char *journal = getenv("JOURNAL_STREAM");
  unsigned long long device, file;
  struct stat error;

  return journal && sscanf(journal, "%llu:%llu", &device, &file) == 2 &&
         fstat(STDERR_FILENO, &error) == 0 && error.st_dev == device && error.st_ino == file;
}

/* The journal takes the priority from the start of the line (sd-daemon(3)). */
static const char *prefix(uint32_t severity) {
  if (!is_journal()) return "mirrord: ";
  return severity == MIRROR_LOG_ERROR ? "<3>" : severity == MIRROR_LOG_WARNING ? "<4>" : "<6>";
}

void say(uint32_t severity, const char *format, ...) {
  va_list arguments;

  fputs(prefix(severity), stderr);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
}

int complain(enum status status, const char *format, ...) {
  char text[LINE];
  va_list arguments;

  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  say(MIRROR_LOG_ERROR, "%s", text);
  return (int)status;
}

static void ready(void *user, uint32_t events) {
  (void)user, (void)events;
  log_drain();
}

bool log_open(struct loop *loop) {
  static struct watch watch = {.ready = ready};

  main_thread = pthread_self();
  if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, way) < 0) return false;
  return loop_add(loop, way[0], EPOLLIN, &watch);
}

void log_line(void *user, uint32_t severity, const char *text) {
  struct line line = {.severity = severity};

  (void)user;
  if (way[1] < 0 || pthread_equal(pthread_self(), main_thread)) {
    say(severity, "%s", text);
    return;
  }
  size_t length = strnlen(text, sizeof line.text - 1);
  memcpy(line.text, text, length);
  send(way[1], &line, offsetof(struct line, text) + length, MSG_NOSIGNAL);
}

void log_drain(void) {
  struct line line;

  for (;;) {
    memset(&line, 0, sizeof line);
    if (recv(way[0], &line, sizeof line - 1, 0) <= 0) return;
    say(line.severity, "%s", line.text);
  }
}
