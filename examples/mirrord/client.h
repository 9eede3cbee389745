/* What asks a running mirrord for its status. */
#ifndef MIRRORD_CLIENT_H
#define MIRRORD_CLIENT_H

#include "arguments.h"

#include <jansson.h>

enum { PROBLEM = 400 };

/* NULL: `problem` says why. */
json_t *client_fetch(const char *path, char problem[PROBLEM]);
/* --once; an exit status. */
int client_once(const struct arguments *arguments);
/* --top (screen.c). */
int client_top(const struct arguments *arguments);

#endif
