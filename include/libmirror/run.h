/*
 * libmirror/run.h - a mirror in one call, for programs that need no more.
 *
 * Thread rule: any thread.
 */
#ifndef LIBMIRROR_RUN_H
#define LIBMIRROR_RUN_H

#include <libmirror/tap.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Loads a configuration file into a context of its own, opens input and output (URIs of io.h),
 * mirrors the packets of one source until the input ends, and gives everything back. The input of
 * an interface does not end: to end it, to see packets or counters meanwhile, to mirror several
 * sources or to change the configuration, make a context and taps (tap.h). All arguments are
 * borrowed.
 *
 * `source_id` and `direction` (MIRROR_INGRESS, _EGRESS or _AUTO) are of packets that carry none, as
 * in mirror_tap_options. *stats (may be NULL; call mirror_stats_init first): what was counted, also
 * when the run failed on its way.
 *
 * Errors: those of mirror_configuration_load, mirror_input_open, mirror_output_open,
 * mirror_tap_create and mirror_tap_run; MIRROR_E_STRUCT_SIZE (of *stats: then nothing was done).
 */
MIRROR_API int32_t mirror_run(const char *configuration, const char *source_id, uint32_t direction,
                              const char *input_uri, const char *output_uri, mirror_stats *stats,
                              mirror_report *report);

#ifdef __cplusplus
}
#endif

#endif
