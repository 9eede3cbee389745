#include "metrics.h"

#include "log.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { CONNECTIONS = 64, PATIENCE_S = 3, MEMORY = 16 * 1024, ROUNDS = 32 };

/* ---- answers ---- */

/* Takes the response. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
                              struct MHD_Response *response) {
  if (!response) return MHD_NO;
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
  enum MHD_Result result = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return result;
}

static enum MHD_Result say_plain(struct MHD_Connection *connection, unsigned status,
                                 const char *text) {
  return answer(
      connection, status, "text/plain; charset=utf-8",
      MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT));
}

static void give_back(void *snapshot) {
  snapshot_release(snapshot);
}

/* The text stays the snapshot's: it is long where there are many sessions. */
static enum MHD_Result answer_metrics(struct metrics *metrics, struct MHD_Connection *connection) {
  struct snapshot *snapshot = snapshot_take(metrics->snapshots);

  if (!snapshot || !(snapshot->metrics || exposition_write(snapshot))) {
    snapshot_release(snapshot);
    return say_plain(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
                     "out of memory, or too many who read slowly\n");
  }
  struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
      snapshot->metrics_length, snapshot->metrics, give_back, snapshot);
  if (!response) snapshot_release(snapshot);
  return answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", response);
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state) {
  (void)version, (void)upload, (void)upload_size, (void)state;
  if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
    return say_plain(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET only\n");
  if (strcmp(url, "/metrics") != 0)
    return say_plain(connection, MHD_HTTP_NOT_FOUND, "see /metrics\n");
  return answer_metrics(user, connection);
}

/* ---- the socket ---- */

/* What is ready; what is left after many rounds comes with the next tick. */
static void work(struct metrics *metrics) {
  MHD_UNSIGNED_LONG_LONG timeout = 0;

  for (int i = 0; i < ROUNDS; i++) {
    MHD_run(metrics->http);
    if (MHD_get_timeout(metrics->http, &timeout) != MHD_YES || timeout > 0) return;
  }
}

static void ready(void *user, uint32_t events) {
  (void)events;
  work(user);
}

/* The host and the service of "ADDRESS:PORT", "[ADDRESS]:PORT" or "PORT". */
static bool split(const char *text, char host[64], const char **port) {
  const char *colon = strrchr(text, ':');
  size_t length = colon ? (size_t)(colon - text) : 0;

  *port = colon ? colon + 1 : text;
  if (!colon) {
    strcpy(host, "127.0.0.1");
    return true;
  }
  if (length > 1 && *text == '[' && text[length - 1] == ']') {
    text++;
    length -= 2;
  }
  if (length == 0 || length >= 64) return false;
  memcpy(host, text, length);
  host[length] = 0;
  return true;
}

static struct addrinfo *resolve(const char *text) {
  const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                 .ai_socktype = SOCK_STREAM,
                                 .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
  struct addrinfo *found = NULL;
  const char *port;
  char host[64];

  if (split(text, host, &port) && *port && getaddrinfo(host, port, &hints, &found) == 0)
    return found;
  complain(STATUS_USAGE,
           "--metrics: expected a port, or a numeric address and a port such as 127.0.0.1:9478 or "
           "[::1]:9478, found '%s'",
           text);
  return NULL;
}

static bool start(struct metrics *metrics, const struct addrinfo *address) {
  unsigned flags = MHD_USE_EPOLL | (address->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0u);

  metrics->http = MHD_start_daemon(
      flags, 0, NULL, NULL, on_request, metrics, MHD_OPTION_SOCK_ADDR, address->ai_addr,
      MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
      (unsigned)PATIENCE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
      MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
  return metrics->http != NULL;
}

/* It has an epoll descriptor of its own, which goes into our loop: no thread is needed. */
static bool watch(struct metrics *metrics, struct loop *loop) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(metrics->http, MHD_DAEMON_INFO_EPOLL_FD);

  metrics->watch = (struct watch){.ready = ready, .user = metrics};
  return info && loop_add(loop, info->epoll_fd, EPOLLIN, &metrics->watch);
}

bool metrics_open(struct metrics *metrics, struct loop *loop, struct snapshots *snapshots,
                  const char *address) {
  *metrics = (struct metrics){.snapshots = snapshots};
  struct addrinfo *resolved = resolve(address);
  if (!resolved) return false;
  errno = 0;
  bool good = start(metrics, resolved) && watch(metrics, loop);
  int error = errno;
  freeaddrinfo(resolved);
  if (!good)
    complain(STATUS_FAILED, "--metrics: cannot listen at '%s': %s", address,
             error ? strerror(error) : "libmicrohttpd does not say why");
  return good;
}

void metrics_tick(struct metrics *metrics) {
  if (metrics->http) work(metrics);
}

void metrics_close(struct metrics *metrics) {
  if (metrics->http) MHD_stop_daemon(metrics->http);
  metrics->http = NULL;
}
