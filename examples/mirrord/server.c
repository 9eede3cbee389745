#include "server.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000 };

/* ---- clients ---- */

static void client_close(struct client *client) {
  if (client->fd < 0) return;
  close(client->fd);
  client->fd = -1;
  snapshot_release(client->snapshot);
  client->snapshot = NULL;
}

/* Sends what can be sent now; closes at the end and when the client is gone. */
static void client_send(struct client *client) {
  const struct snapshot *snapshot = client->snapshot;

  while (client->sent < snapshot->length) {
    ssize_t sent = send(client->fd, snapshot->text + client->sent, snapshot->length - client->sent,
                        MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    if (sent <= 0) break;
    client->sent += (size_t)sent;
  }
  client_close(client);
}

static void client_ready(void *user, uint32_t events) {
  struct client *client = user;

  if (events & (EPOLLERR | EPOLLHUP))
    client_close(client);
  else
    client_send(client);
}

/* A free place, or that of the oldest. */
static struct client *place(struct server *server) {
  struct client *oldest = &server->clients[0];

  for (int i = 0; i < CLIENTS; i++) {
    struct client *client = &server->clients[i];
    if (client->fd < 0) return client;
    if (client->since_ms < oldest->since_ms) oldest = client;
  }
  client_close(oldest);
  return oldest;
}

static void serve(struct server *server, int fd) {
  struct client *client = place(server);

  client->fd = fd;
  client->sent = 0;
  client->since_ms = loop_now_ms();
  client->snapshot = snapshot_take(server->snapshots);
  if (!client->snapshot || !loop_add(server->loop, fd, EPOLLOUT, &client->watch))
    client_close(client);
  else
    client_send(client);
}

static void ready(void *user, uint32_t events) {
  struct server *server = user;
  int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

  (void)events;
  if (fd >= 0) serve(server, fd);
}

/* ---- the socket ---- */

void server_init(struct server *server, struct loop *loop, struct snapshots *snapshots) {
  *server = (struct server){.loop = loop, .snapshots = snapshots, .fd = -1};
  server->watch = (struct watch){.ready = ready, .user = server};
  for (int i = 0; i < CLIENTS; i++) {
    struct client *client = &server->clients[i];
    *client = (struct client){.server = server, .fd = -1};
    client->watch = (struct watch){.ready = client_ready, .user = client};
  }
}

/* The last folder of the path, if it is missing. */
static void make_folder(const char *path, const struct identity *owner) {
  char folder[sizeof((struct sockaddr_un *)0)->sun_path];
  const char *slash = strrchr(path, '/');

  if (!slash || slash == path) return;
  memcpy(folder, path, (size_t)(slash - path));
  folder[slash - path] = 0;
  if (mkdir(folder, 0755) == 0 && owner->change && chown(folder, owner->uid, owner->gid) < 0)
    rmdir(folder);
}

/* A socket that nobody listens at is left from a mirrord that was killed. */
static bool is_in_use(const struct sockaddr_un *address) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool used = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
  struct stat file;

  if (fd >= 0) close(fd);
  if (!used && lstat(address->sun_path, &file) == 0 && S_ISSOCK(file.st_mode))
    unlink(address->sun_path);
  return used;
}

/* Its owner and group may read the status. */
static bool listen_at(struct server *server, const struct sockaddr_un *address,
                      const struct identity *owner) {
  server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (server->fd < 0) return false;
  mode_t before = umask(0117);
  int failed = bind(server->fd, (const struct sockaddr *)address, sizeof *address);
  umask(before);
  if (failed) return false;
  strcpy(server->path, address->sun_path);
  if (listen(server->fd, CLIENTS) < 0) return false;
  if (owner->change && chown(address->sun_path, owner->uid, owner->gid) < 0) return false;
  return loop_add(server->loop, server->fd, EPOLLIN, &server->watch);
}

bool server_open(struct server *server, const char *path, const struct identity *owner,
                 const char **reason) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};

  errno = ENAMETOOLONG;
  *reason = "no socket";
  if (strlen(path) >= sizeof address.sun_path) return false;
  strcpy(address.sun_path, path);
  make_folder(path, owner);
  if (is_in_use(&address)) {
    errno = EADDRINUSE;
    *reason = "another mirrord listens there";
    return false;
  }
  if (listen_at(server, &address, owner)) return true;
  int error = errno;
  server_close(server);
  errno = error;
  return false;
}

void server_tick(struct server *server) {
  int64_t now = loop_now_ms();

  for (int i = 0; i < CLIENTS; i++) {
    struct client *client = &server->clients[i];
    if (client->fd >= 0 && now - client->since_ms > PATIENCE_MS) client_close(client);
  }
}

void server_close(struct server *server) {
  for (int i = 0; i < CLIENTS; i++)
    client_close(&server->clients[i]);
  if (server->fd < 0) return;
  close(server->fd);
  server->fd = -1;
  unlink(server->path); /* where the folder is ours */
}
