#include "client.h"

#include "log.h"
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_S = 5, STATUS_MOST = 1 << 28 };

static int connect_to(const char *path) {
  const struct timeval patience = {.tv_sec = PATIENCE_S};
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd < 0) return -1;
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience); /* of connect */
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

/* Up to the end; *length octets, to be freed. NULL with errno. */
static char *read_all(int fd, size_t *length) {
  char *text = NULL;
  size_t room = 0;

  *length = 0;
  for (;;) {
    if (*length == room) {
      room = room ? 2 * room : 1 << 16;
      char *grown = room <= STATUS_MOST ? realloc(text, room) : NULL;
      if (!grown) break;
      text = grown;
    }
    ssize_t got = read(fd, text + *length, room - *length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;
    if (got == 0) return text;
    *length += (size_t)got;
  }
  free(text);
  return NULL;
}

json_t *client_fetch(const char *path, char problem[PROBLEM]) {
  json_error_t error;
  size_t length;
  int fd = connect_to(path);

  if (fd < 0) {
    snprintf(problem, PROBLEM, "no mirrord answers at '%s': %s", path, strerror(errno));
    return NULL;
  }
  char *text = read_all(fd, &length);
  close(fd);
  json_t *status = text ? json_loadb(text, length, 0, &error) : NULL;
  if (!text)
    snprintf(problem, PROBLEM, "the status at '%s' cannot be read: %s", path, strerror(errno));
  else if (!status)
    snprintf(problem, PROBLEM, "the status at '%s' is cut: %s", path, error.text);
  free(text);
  return status;
}

int client_once(const struct arguments *arguments) {
  char problem[PROBLEM];
  json_t *status = client_fetch(arguments->socket, problem);

  if (!status) return complain(STATUS_FAILED, "%s", problem);
  if (arguments->json)
    json_dumpf(status, stdout, JSON_INDENT(2));
  else
    report_print(stdout, status, NULL);
  if (arguments->json) putchar('\n');
  json_decref(status);
  return fflush(stdout) ? complain(STATUS_FAILED, "cannot write the status") : STATUS_DONE;
}
