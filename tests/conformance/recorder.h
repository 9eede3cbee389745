/*
 * A scene of one session whose output keeps every copy that it is offered, and refuses those that
 * the test names: for packets that lead to many copies (V6).
 */
#ifndef TESTS_CONFORMANCE_RECORDER_H
#define TESTS_CONFORMANCE_RECORDER_H

#include "conformance/scene.h"
#include "support/super.h"

enum { RECORDER_COPIES = 20000, RECORDER_OCTETS = 24 << 20 };

/* One copy as it was offered. */
struct record {
  uint32_t offset; /* in the recorder's octets */
  uint32_t length;
  uint16_t source_port;
  int32_t status; /* what was answered */
};

/* What to answer to the copy with this number, counted from 0. */
typedef int32_t (*record_fate)(void *user, uint32_t number);

struct recorder {
  struct scene scene;
  mirror_source
      source; /* "eni", "target" and "session" of filter "all": to be changed before open */
  mirror_target target;
  mirror_session session;
  uint32_t layer;
  uint32_t batch;
  record_fate fate; /* NULL: all are taken */
  void *user;
  mirror_packet_fn on_packet;
  mirror_output *output;
  mirror_tap *tap;
  uint32_t calls; /* of send */
  uint32_t count;
  uint64_t used;
  uint64_t allocations;
  struct record *records;
  uint8_t *octets;
};

/* Defaults: a target over IPv4 or IPv6, an MTU at which nothing of up to 9000 octets is cut. */
void recorder_init(struct recorder *recorder, uint32_t family);
void recorder_open(struct recorder *recorder);
void recorder_close(struct recorder *recorder);

/* Ingress of "eni"; forgets earlier copies. `verdicts` holds `count`. */
void recorder_pass(struct recorder *recorder, const mirror_packet *packets, uint32_t count,
                   mirror_verdict *verdicts);

/* A recorded copy, taken apart. */
mirror_decapsulated recorder_copy(const struct recorder *recorder, uint32_t number);

/* The tap's counters, after a look at whether those of source, session and target are the same. */
mirror_stats recorder_stats(const struct recorder *recorder);

#endif
