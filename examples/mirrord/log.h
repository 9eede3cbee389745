/* What mirrord says on standard error, for people and for the journal. */
#ifndef MIRRORD_LOG_H
#define MIRRORD_LOG_H

#include "loop.h"

#include <libmirror/context.h>
#include <stdbool.h>

/* Exit statuses, as the manual page documents them. */
enum status {
  STATUS_DONE = 0,
  STATUS_CONFIGURATION = 1, /* a bad configuration */
  STATUS_USAGE = 2,         /* bad arguments */
  STATUS_FAILED = 3         /* something cannot be opened, read or written */
};

/* One line. `severity`: MIRROR_LOG_. Main thread. */
void say(uint32_t severity, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same as an error; returns `status`. */
int complain(enum status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Lines of packet threads take the way through the event loop: a reader of standard error that
 * does not read must not hold them up. When too many are waiting, further ones are lost.
 */
bool log_open(struct loop *loop);
/* A mirror_log_fn, for any thread. */
void log_line(void *user, uint32_t severity, const char *text);
/* Says what is waiting. */
void log_drain(void);

#endif
