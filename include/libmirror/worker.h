/*
 * libmirror/worker.h - a thread that runs a tap. The library starts no other.
 *
 * Starting blocks all signals in the thread. It runs the tap as mirror_tap_run does, and flushes
 * the output whenever nothing has come for a tenth of a second.
 *
 * A worker ends when it is stopped, when its input ends or fails, or after mirror_tap_interrupt,
 * which a signal handler may call. What comes next is the caller's to decide: an input that has
 * failed stays so; open another one and start anew.
 *
 * A host with an event loop of its own may do without: mirror_input_descriptor (io.h) polls
 * readable when mirror_tap_step with timeout 0 would find packets.
 *
 * Thread rule: any thread but the worker's own; mirror_worker_start the one that has the tap.
 */
#ifndef LIBMIRROR_WORKER_H
#define LIBMIRROR_WORKER_H

#include <libmirror/tap.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mirror_worker mirror_worker;

typedef struct mirror_worker_options {
  uint32_t size;
  uint32_t cpu;     /* number of the only one to run on; MIRROR_ABSENT (default): any. Linux */
  mirror_tap *tap;  /* with an input; the worker's alone until it is stopped; required */
  const char *name; /* of the thread, cut to 15 octets; copied; NULL: "mirror". Linux */
} mirror_worker_options;

MIRROR_API void mirror_worker_options_init(mirror_worker_options *options, uint32_t size);

/*
 * Starts the thread. *worker: returns-owned, to be given to mirror_worker_stop.
 * Errors, after which nothing runs: MIRROR_E_ARGUMENT, MIRROR_E_STRUCT_SIZE, MIRROR_E_NOMEM,
 * MIRROR_E_UNSUPPORTED (a CPU, where threads cannot be pinned), MIRROR_E_OS (no descriptor, no
 * thread, or no such CPU).
 */
MIRROR_API int32_t mirror_worker_start(const mirror_worker_options *options, mirror_worker **worker,
                                       mirror_report *report);

/*
 * Ends the thread between two batches, waits for that, and frees the worker. *worker becomes NULL
 * at once, so that of several callers with the same variable one stops it, and the others get
 * MIRROR_E_STATE. The tap is the caller's again; a wait of its input may still end, once, with
 * MIRROR_E_INTERRUPTED. On the worker's own thread (from mirror_packet_fn) it would wait for
 * itself.
 *
 * Returns what ended the run, and its report: MIRROR_OK, the input ended and the output is flushed;
 * MIRROR_E_INTERRUPTED, this call or mirror_tap_interrupt did; else what the input failed with, or
 * the flush at its end.
 */
MIRROR_API int32_t mirror_worker_stop(mirror_worker **worker, mirror_report *report);

/* *fd polls readable once the run has ended. It is the worker's: only poll it, until it is
 * stopped. */
MIRROR_API int32_t mirror_worker_descriptor(const mirror_worker *worker, int32_t *fd);

/*
 * What mirror_input_drops says, not older than about a tenth of a second while the worker runs.
 * MIRROR_E_UNSUPPORTED where the backend does not know.
 */
MIRROR_API int32_t mirror_worker_drops(const mirror_worker *worker, uint64_t *packets);

/* What mirror_tap_output_status says, not older than about a tenth of a second likewise. */
MIRROR_API int32_t mirror_worker_output_status(mirror_worker *worker, mirror_report *report);

#ifdef __cplusplus
}
#endif

#endif
