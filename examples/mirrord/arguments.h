/* The command line of mirrord. */
#ifndef MIRRORD_ARGUMENTS_H
#define MIRRORD_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mode {
  MODE_RUN,
  MODE_CHECK, /* read the configuration */
  MODE_ONCE,  /* print the status of a running one */
  MODE_TOP    /* show it on the terminal */
};

/* --input SOURCE=URI */
struct input_choice {
  char *source;
  const char *uri;
};

struct arguments {
  enum mode mode;
  const char *config;
  const char *output; /* URI */
  struct input_choice *inputs;
  size_t input_count;
  uint32_t workers; /* of each source */
  uint32_t *cpus;
  size_t cpu_count; /* 0: not pinned */
  uint32_t fragments;
  const char *socket; /* path; "" = none */
  bool socket_given;
  const char *metrics; /* [ADDRESS:]PORT; NULL = none */
  const char *user;    /* NULL = nobody, for root */
  bool json;           /* of MODE_ONCE */
};

/* Reads the command line; false: exit with *status, what there was to say is said. */
bool arguments_read(struct arguments *arguments, int argc, char **argv, int *status);
void arguments_release(struct arguments *arguments);

/* The URI that the user has chosen for a source, or NULL. */
const char *arguments_input(const struct arguments *arguments, const char *source);

#endif
