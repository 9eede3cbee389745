/* The command line. */
#ifndef MIRROR_PCAP_ARGUMENTS_H
#define MIRROR_PCAP_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

struct arguments {
  const char *config;
  const char *source;
  const char *verdicts; /* NULL = no verdict table */
  const char *input;
  const char *output;
  uint64_t explain;   /* 0 = nothing to explain */
  uint32_t direction; /* MIRROR_INGRESS, _EGRESS or _AUTO */
};

/*
 * Reads the command line. False if there is nothing to run: help or version is printed, or a
 * mistake is explained, and *status is what to exit with.
 */
bool arguments_read(struct arguments *arguments, int argc, char **argv, int *status);

/* False after a message if writing one file would destroy another. Files that do not exist yet are
 * told apart once they do. */
bool arguments_are_distinct(const struct arguments *arguments);

/* True if some output stands for standard output. */
bool arguments_use_stdout(const struct arguments *arguments);

#endif
