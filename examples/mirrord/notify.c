#include "notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int notify_fd = -1;

/* "@" is the abstract namespace. Connected now, when there are still privileges. */
void notify_open(void) {
  const char *path = getenv("NOTIFY_SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = path ? strlen(path) : 0;

  if (length < 2 || length > sizeof address.sun_path || !strchr("/@", *path)) return;
  memcpy(address.sun_path, path, length);
  if (*path == '@') address.sun_path[0] = 0;
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (notify_fd >= 0 && connect(notify_fd, (struct sockaddr *)&address, size) < 0) notify_close();
}

void notify_close(void) {
  if (notify_fd >= 0) close(notify_fd);
  notify_fd = -1;
}

void notify(const char *format, ...) {
  char text[512];
  va_list arguments;

  if (notify_fd < 0) return;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (length <= 0) return;
  if ((size_t)length >= sizeof text) length = sizeof text - 1;
  send(notify_fd, text, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void notify_reloading(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  notify("RELOADING=1\nMONOTONIC_USEC=%" PRId64,
         (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}
