/* mirrord at work: everything that it consists of, in the order in which it is started. */
#ifndef MIRRORD_DAEMON_H
#define MIRRORD_DAEMON_H

#include "arguments.h"

/* Runs until SIGTERM or SIGINT; an exit status. */
int daemon_run(const struct arguments *arguments);
/* --check */
int daemon_check(const struct arguments *arguments);

#endif
