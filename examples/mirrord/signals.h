/* SIGHUP, SIGINT and SIGTERM as events of the loop. */
#ifndef MIRRORD_SIGNALS_H
#define MIRRORD_SIGNALS_H

#include "loop.h"

struct signals {
  int fd;
  struct watch watch;
  void (*caught)(void *user, int number);
  void *user;
};

/* Blocks them, so call it before the first thread is started. SIGPIPE is ignored. False with errno.
 */
bool signals_open(struct signals *signals, struct loop *loop,
                  void (*caught)(void *user, int number), void *user);
void signals_close(struct signals *signals);

#endif
