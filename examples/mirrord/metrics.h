/* The status for Prometheus, over HTTP: GET /metrics. */
#ifndef MIRRORD_METRICS_H
#define MIRRORD_METRICS_H

#include "loop.h"
#include "snapshot.h"

struct MHD_Daemon;

struct metrics {
  struct MHD_Daemon *http; /* NULL: none */
  struct snapshots *snapshots;
  struct watch watch;
};

/* Listens at "PORT" of the loopback address, or at "ADDRESS:PORT". False after a message. */
bool metrics_open(struct metrics *metrics, struct loop *loop, struct snapshots *snapshots,
                  const char *address);
/* Once a second: closes connections that take too long. */
void metrics_tick(struct metrics *metrics);
void metrics_close(struct metrics *metrics);

/* exposition.c: fills in snapshot->metrics; false when out of memory. */
bool exposition_write(struct snapshot *snapshot);

#endif
