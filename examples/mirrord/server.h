/*
 * The status socket. Who connects gets the status as one JSON document, and the end. Nothing is
 * read from clients, nothing waits for them: those that do not read are closed after some seconds,
 * or when others come.
 */
#ifndef MIRRORD_SERVER_H
#define MIRRORD_SERVER_H

#include "loop.h"
#include "privileges.h"
#include "snapshot.h"

#include <stddef.h>

enum { CLIENTS = 16 };

struct server;

struct client {
  struct server *server;
  struct watch watch;
  int fd; /* -1: free */
  struct snapshot *snapshot;
  size_t sent;
  int64_t since_ms;
};

struct server {
  struct loop *loop;
  struct snapshots *snapshots;
  int fd;         /* -1: none */
  char path[108]; /* sun_path */
  struct watch watch;
  struct client clients[CLIENTS];
};

void server_init(struct server *server, struct loop *loop, struct snapshots *snapshots);
/* Listens at a path that belongs to `owner`. False: *reason, a static text, and errno. */
bool server_open(struct server *server, const char *path, const struct identity *owner,
                 const char **reason);
/* Once a second: closes clients that take too long. */
void server_tick(struct server *server);
void server_close(struct server *server);

#endif
