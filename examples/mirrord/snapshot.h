/* The state of a running mirrord as JSON: objects with their counters, sources with their inputs.
 */
#ifndef MIRRORD_SNAPSHOT_H
#define MIRRORD_SNAPSHOT_H

#include "fleet.h"

#include <jansson.h>

/* What mirrord knows of its configuration. */
struct reloads {
  uint64_t good;
  uint64_t bad;
  bool last_good;
  int64_t last_good_time; /* Unix seconds */
  int64_t start_time;
};

struct snapshot {
  struct snapshots *owner;
  json_t *root;
  char *text;
  size_t length;
  char *metrics; /* the same for Prometheus; NULL until asked for */
  size_t metrics_length;
  unsigned users;
  int64_t fresh_until_ms;
};

/*
 * Where snapshots come from. One is shared by all who ask within a tenth of a second, or ten times
 * as long as it took, so that askers cost no more than a tenth of the main thread. Those who read
 * slowly keep theirs: there are only so many.
 */
struct snapshots {
  const struct fleet *fleet;
  const struct reloads *reloads;
  struct snapshot *last;
  unsigned alive;
};

/* Give it back by snapshot_release. NULL when out of memory, or when too many are kept. */
struct snapshot *snapshot_take(struct snapshots *snapshots);
/* More time was spent on it. */
void snapshot_extend(struct snapshot *snapshot, int64_t milliseconds);
void snapshot_release(struct snapshot *snapshot);
/* The present state is to be looked at anew. */
void snapshots_forget(struct snapshots *snapshots);

#endif
