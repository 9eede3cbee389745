/* A source at work: its input, taken by one or more workers, each with an output of its own. */
#ifndef MIRRORD_CAPTURE_H
#define MIRRORD_CAPTURE_H

#include "config.h"
#include "loop.h"

struct capture;

/* One worker. */
struct lane {
  struct capture *capture;
  mirror_input *input;
  mirror_output *output;
  mirror_tap *tap;
  mirror_worker *worker; /* NULL: not started, or ended */
  struct watch watch;    /* of its end */
};

enum capture_state { CAPTURE_RUNNING, CAPTURE_ENDED, CAPTURE_FAILED, CAPTURE_STOPPED };

struct capture {
  struct loop *loop;
  char *source;
  char *uri;
  struct lane *lanes;
  uint32_t lane_count;
  enum capture_state state;
  char problem[1200]; /* of CAPTURE_FAILED */
  uint64_t drops;     /* by the system, in lanes that have ended */
};

/* How captures are made. */
struct capture_options {
  mirror_context *context;
  const char *output; /* URI */
  uint32_t workers;
  uint32_t fragments;
  const uint32_t *cpus;
  size_t cpu_count;
  uint32_t next_cpu;     /* index of the next lane's */
  uint32_t next_group;   /* fanout group of the next capture */
  uint32_t outputs;      /* opened so far */
  bool privileges_given; /* up: what needs them fails */
};

/* A new one, not open yet; NULL when out of memory. */
struct capture *capture_new(struct loop *loop, const char *source, const char *uri);
/* Stops and frees it; NULL is allowed. */
void capture_free(struct capture *capture);

/* Opens inputs and outputs. False: capture->problem says why. */
bool capture_open(struct capture *capture, struct capture_options *options, bool has_mac);
/* Starts the workers. */
bool capture_start(struct capture *capture, struct capture_options *options);
/* Stops the workers and closes everything; what was counted stays. */
void capture_stop(struct capture *capture);
/* Packets that the system dropped before they could be taken. */
uint64_t capture_drops(const struct capture *capture);
/* Whether copies were refused; the last refusal that was seen. */
bool capture_refusal(const struct capture *capture, mirror_report *report);

#endif
