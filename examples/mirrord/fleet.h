/* All captures: those that the configuration and the command line ask for. */
#ifndef MIRRORD_FLEET_H
#define MIRRORD_FLEET_H

#include "arguments.h"
#include "capture.h"

struct fleet {
  struct loop *loop;
  const struct arguments *arguments;
  struct capture_options options;
  struct capture **captures;
  size_t count;
};

void fleet_init(struct fleet *fleet, mirror_context *context, struct loop *loop,
                const struct arguments *arguments);

/* At the start: opens a capture for each source that has an input. False after a message. */
bool fleet_open(struct fleet *fleet);
/* Starts them, when privileges are given up. False after a message. */
bool fleet_start(struct fleet *fleet);

/*
 * After the model has changed: stops captures whose source is gone or has another input, and opens
 * and starts what is new or has failed before. What does not work is said, and stays failed.
 */
void fleet_follow(struct fleet *fleet);

/* The capture of a source, or NULL. */
const struct capture *fleet_capture(const struct fleet *fleet, const char *source);
/* Stops all captures; what they counted stays. */
void fleet_stop(struct fleet *fleet);
void fleet_release(struct fleet *fleet);

#endif
