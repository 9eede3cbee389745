/* A mirror in one call (include/libmirror/run.h). */
#include "core/report.h"
#include "core/sized.h"

#include <libmirror/configuration.h>
#include <libmirror/run.h>

/* What a caller cannot take in is said before anything is done. */
static int32_t check_stats(mirror_stats *stats, mirror_report *report) {
  const mirror_stats none = {.size = sizeof none};
  if (!stats) return MIRROR_OK;
  const uint32_t least = MRI_UP_TO(mirror_stats, received);
  if (mri_sized_write(stats, &none, sizeof none, least) == MIRROR_OK) return MIRROR_OK;
  return mri_fail(report, MIRROR_E_STRUCT_SIZE,
                  "stats: the size member is %u, expected at least %u: call mirror_stats_init",
                  stats->size, least);
}

/* With input and output of `options`; counts into *stats whatever the end is. */
static int32_t run_tap(mirror_context *context, const mirror_tap_options *options,
                       mirror_stats *stats, mirror_report *report) {
  mirror_tap *tap;
  int32_t status = mirror_tap_create(context, options, &tap, report);
  if (status) return status;
  status = mirror_tap_run(tap, report);
  if (stats) mirror_tap_stats(tap, stats);
  mirror_tap_destroy(tap);
  return status;
}

static int32_t run_between(mirror_context *context, mirror_tap_options *options,
                           const char *input_uri, const char *output_uri, mirror_stats *stats,
                           mirror_report *report) {
  int32_t status = mirror_input_open(context, input_uri, NULL, &options->input, report);
  if (status) return status;
  status = mirror_output_open(context, output_uri, NULL, &options->output, report);
  if (!status) {
    status = run_tap(context, options, stats, report);
    mirror_output_close(options->output);
  }
  mirror_input_close(options->input);
  return status;
}

int32_t mirror_run(const char *configuration, const char *source_id, uint32_t direction,
                   const char *input_uri, const char *output_uri, mirror_stats *stats,
                   mirror_report *report) {
  mirror_context *context;
  mirror_tap_options options;
  mirror_tap_options_init(&options, sizeof options);
  options.source_id = source_id;
  options.direction = direction;
  int32_t status = check_stats(stats, report);
  if (!status) status = mirror_context_create(NULL, &context, report);
  if (status) return status;
  status = mirror_configuration_load(context, configuration, NULL, NULL, report);
  if (!status) status = run_between(context, &options, input_uri, output_uri, stats, report);
  mirror_context_destroy(context);
  return status;
}
