/*
 * libmirror/tap.h - the packet path of one worker: input -> packet -> match -> encap -> output.
 *
 * Every packet is counted (stats.h). The packet path allocates nothing, takes no lock and never
 * waits for an output: a copy that the output does not take is dropped and counted (F2).
 *
 * A packet has at most one copy, but a super-frame (packet.h) has one of each of its segments: the
 * rules see its headers once, sampling takes or leaves all of it, and rate limits let all of its
 * copies through, at their sum of packets and bits, or none. Each copy is cut by itself (V3); where
 * the target wants no cut copies, one that does not fit drops them all. All leave with one source
 * port, in order, perhaps in several calls of the output's send.
 *
 * Thread rule: one thread at a time for one tap, and different taps in parallel; mirror_tap_stats
 * any thread; mirror_tap_interrupt any thread, signal handlers included.
 */
#ifndef LIBMIRROR_TAP_H
#define LIBMIRROR_TAP_H

#include <libmirror/io.h>
#include <libmirror/stats.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mirror_tap mirror_tap;

/*
 * Called for each packet after its copies have been sent, in order: for a super-frame (V6) once.
 * packet and verdict are borrowed.
 * `packet` has the tap's source and direction filled in.
 */
typedef void (*mirror_packet_fn)(void *user, const mirror_packet *packet,
                                 const mirror_verdict *verdict);

typedef struct mirror_tap_options {
  uint32_t size;
  uint32_t direction;         /* of packets that carry none: MIRROR_INGRESS, _EGRESS or _AUTO */
  const char *source_id;      /* source of packets that carry none; NULL: all carry one */
  mirror_input *input;        /* borrowed until destroy; NULL: packets come by mirror_tap_submit */
  mirror_output *output;      /* borrowed until destroy; required */
  mirror_packet_fn on_packet; /* NULL: none */
  void *on_packet_user;
  uint32_t fragment_entries; /* M7: datagrams tracked; 0 (default) = off; at most 1048576 */
  uint32_t batch;            /* packets per receive, 1-256; default 64 */
} mirror_tap_options;

MIRROR_API void mirror_tap_options_init(mirror_tap_options *options, uint32_t size);

/*
 * *tap: returns-owned, to be given to mirror_tap_destroy. May allocate.
 * Errors: MIRROR_E_ARGUMENT, MIRROR_E_STRUCT_SIZE, MIRROR_E_NOMEM, MIRROR_E_UNKNOWN_SOURCE,
 * MIRROR_E_MAC (direction AUTO and a source without MAC), MIRROR_E_LINK_TYPE (direction AUTO and
 * an input whose link type has no MAC addresses).
 */
MIRROR_API int32_t mirror_tap_create(mirror_context *context, const mirror_tap_options *options,
                                     mirror_tap **tap, mirror_report *report);
/* NULL is allowed. The tap's counters stay in the context's. */
MIRROR_API void mirror_tap_destroy(mirror_tap *tap);

/*
 * One batch from input to output, waiting at most timeout_ns for it (as receive in
 * ext/backend.h). *packets, if not NULL: how many were processed. Returns what receive returned;
 * a copy that the output refused is counted and reported by mirror_tap_output_status, not here.
 */
MIRROR_API int32_t mirror_tap_step(mirror_tap *tap, int64_t timeout_ns, uint32_t *packets,
                                   mirror_report *report);

/* Steps until the input ends (MIRROR_OK), fails or is interrupted; then flushes the output. */
MIRROR_API int32_t mirror_tap_run(mirror_tap *tap, mirror_report *report);

/* Makes a step that waits, now or next, return MIRROR_E_INTERRUPTED. */
MIRROR_API void mirror_tap_interrupt(mirror_tap *tap);

/*
 * Processes packets of the caller's, as a step does with those of the input. verdicts, if not
 * NULL: count elements, written in order; their strings are borrowed until the next call.
 * Errors: MIRROR_E_ARGUMENT; then no packet was processed.
 */
MIRROR_API int32_t mirror_tap_submit(mirror_tap *tap, const mirror_packet *packets, uint32_t count,
                                     mirror_verdict *verdicts);

/*
 * The last status with which the output refused a copy, with its report, or MIRROR_OK if it
 * never did. (How many, by reason: stats.h.)
 */
MIRROR_API int32_t mirror_tap_output_status(const mirror_tap *tap, mirror_report *report);

/* The counters of this tap alone, all sources. Any thread. */
MIRROR_API int32_t mirror_tap_stats(const mirror_tap *tap, mirror_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
