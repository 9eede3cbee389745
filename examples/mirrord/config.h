/* The configuration file: read, read again, checked. */
#ifndef MIRRORD_CONFIG_H
#define MIRRORD_CONFIG_H

#include <libmirror/libmirror.h>
#include <stdbool.h>
#include <stddef.h>

/* What mirrord wants to know of a source. */
struct source {
  char *id;
  char *interface; /* NULL: none */
  bool has_mac;
};

struct sources {
  struct source *all;
  size_t count;
};

/* Replaces the context's model by the file's, all or nothing; says every error. False: nothing has
 * changed. */
bool config_load(mirror_context *context, const char *path);

/* The sources of the model, in the order of the file; false when out of memory. */
bool config_sources(mirror_context *context, struct sources *sources);
void config_sources_release(struct sources *sources);
/* NULL if there is none. */
const struct source *config_source(const struct sources *sources, const char *id);

/* Prints on standard output what the model says. */
void config_summary(mirror_context *context, const char *path);

#endif
