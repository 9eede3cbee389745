/* Creating and running taps (include/libmirror/tap.h). */
#include "tap/tap.h"

#include <string.h>

void mirror_tap_options_init(mirror_tap_options *options, uint32_t size) {
  mirror_tap_options defaults = {.size = sizeof defaults, .direction = MIRROR_INGRESS, .batch = 64};
  mri_sized_defaults(options, size, &defaults, sizeof defaults);
}

/* ---- create ---- */

static int32_t check_options(const mirror_tap_options *options, mirror_report *report) {
  if (!options->output) return mri_fail(report, MIRROR_E_ARGUMENT, "tap options: output is NULL");
  if (options->direction < MIRROR_INGRESS || options->direction > MIRROR_AUTO)
    return mri_fail(report, MIRROR_E_ARGUMENT,
                    "tap options: direction is %u, expected MIRROR_INGRESS, _EGRESS or _AUTO",
                    options->direction);
  if (options->batch < 1 || options->batch > MRI_JUDGE_BATCH)
    return mri_fail(report, MIRROR_E_ARGUMENT, "tap options: batch is %u, expected 1-%d",
                    options->batch, MRI_JUDGE_BATCH);
  if (options->fragment_entries > 1u << 20)
    return mri_fail(report, MIRROR_E_ARGUMENT,
                    "tap options: fragment_entries is %u, expected 0-1048576",
                    options->fragment_entries);
  return MIRROR_OK;
}

/* Direction AUTO needs a MAC on both sides: of the source, and in the input's frames. */
static int32_t check_auto(const mirror_tap_options *options, const struct mri_source *source,
                          mirror_report *report) {
  uint32_t link_type;
  if (options->direction != MIRROR_AUTO) return MIRROR_OK;
  if (source && !source->has_mac)
    return mri_refuse(report, &(struct mri_fault){.code = MIRROR_E_MAC,
                                                  .object = MIRROR_OBJECT_SOURCE,
                                                  .id = source->version.entry->id,
                                                  .field = "mac",
                                                  .expected = "a MAC address, to tell directions"});
  if (options->input && mirror_input_link_type(options->input, &link_type) == MIRROR_OK &&
      !mri_link_has_direction(link_type))
    return mri_fail(report, MIRROR_E_LINK_TYPE,
                    "packets of link type %s do not tell their direction, expected ingress or "
                    "egress to be given",
                    mirror_link_type_name(link_type));
  return MIRROR_OK;
}

static int32_t find_source(mirror_tap *tap, const mirror_tap_options *options,
                           mirror_report *report) {
  if (!options->source_id) return check_auto(options, NULL, report);
  struct mri_entry *entry =
      mri_model_find(tap->context->model, MIRROR_OBJECT_SOURCE, options->source_id);
  if (!entry)
    return mri_refuse(report, &(struct mri_fault){.code = MIRROR_E_UNKNOWN_SOURCE,
                                                  .object = MIRROR_OBJECT_SOURCE,
                                                  .id = options->source_id,
                                                  .expected = "the id of a source"});
  tap->source = entry->handle;
  return check_auto(options, (const struct mri_source *)entry->current, report);
}

static bool allocate_batch(const struct mri_alloc *alloc, struct mri_batch *batch, uint32_t size) {
  const uint32_t copies = size + MRI_LONG_HEADS;
  batch->received = mri_zalloc(alloc, size, sizeof *batch->received);
  batch->views = mri_zalloc(alloc, size, sizeof *batch->views);
  batch->decisions = mri_zalloc(alloc, size, sizeof *batch->decisions);
  batch->output_status = mri_zalloc(alloc, size, sizeof *batch->output_status);
  batch->refused = mri_zalloc(alloc, size, sizeof *batch->refused);
  batch->outputs = mri_zalloc(alloc, size, sizeof *batch->outputs);
  batch->heads = mri_zalloc(alloc, size, sizeof *batch->heads);
  batch->long_heads = mri_zalloc(alloc, MRI_LONG_HEADS, sizeof *batch->long_heads);
  batch->copies = mri_zalloc(alloc, copies, sizeof *batch->copies);
  batch->origins = mri_zalloc(alloc, copies, sizeof *batch->origins);
  batch->copy_status = mri_zalloc(alloc, copies, sizeof *batch->copy_status);
  return batch->received && batch->views && batch->decisions && batch->output_status &&
         batch->refused && batch->outputs && batch->heads && batch->long_heads && batch->copies &&
         batch->origins && batch->copy_status;
}

static void free_batch(const struct mri_alloc *alloc, struct mri_batch *batch) {
  mri_free(alloc, batch->received);
  mri_free(alloc, batch->views);
  mri_free(alloc, batch->decisions);
  mri_free(alloc, batch->output_status);
  mri_free(alloc, batch->refused);
  mri_free(alloc, batch->outputs);
  mri_free(alloc, batch->heads);
  mri_free(alloc, batch->long_heads);
  mri_free(alloc, batch->copies);
  mri_free(alloc, batch->origins);
  mri_free(alloc, batch->copy_status);
}

static int32_t allocate(mirror_tap *tap, uint32_t fragment_entries) {
  const struct mri_alloc *alloc = &tap->context->alloc;
  if (!allocate_batch(alloc, &tap->batch, tap->batch_size)) return MIRROR_E_NOMEM;
  return mri_fragments_create(alloc, &tap->fragments, fragment_entries);
}

static void tap_free(mirror_tap *tap) {
  const struct mri_alloc *alloc = &tap->context->alloc;
  free_batch(alloc, &tap->batch);
  mri_fragments_free(alloc, &tap->fragments);
  mri_free(alloc, tap);
}

static mirror_tap *tap_new(mirror_context *context, const mirror_tap_options *options) {
  mirror_tap *tap = mri_zalloc(&context->alloc, 1, sizeof *tap);
  if (!tap) return NULL;
  tap->context = context;
  tap->input = options->input;
  tap->output = options->output;
  tap->on_packet = options->on_packet;
  tap->on_packet_user = options->on_packet_user;
  tap->direction = options->direction;
  tap->batch_size = options->batch;
  mirror_report_init(&tap->output_report, sizeof tap->output_report);
  return tap;
}

/* Context lock held: finds the source and enters the tap among the readers. */
static int32_t attach(mirror_tap *tap, const mirror_tap_options *options, mirror_report *report) {
  int32_t status = find_source(tap, options, report);
  if (status) return status;
  status = mri_reader_add(tap->context, &tap->reader);
  if (status) return mri_fail(report, status, "out of memory for a tap's counters");
  tap->context->refs++;
  return MIRROR_OK;
}

int32_t mirror_tap_create(mirror_context *context, const mirror_tap_options *options,
                          mirror_tap **tap, mirror_report *report) {
  if (!context || !tap)
    return mri_fail(report, MIRROR_E_ARGUMENT, "mirror_tap_create: an argument is NULL");
  mirror_tap_options own;
  mirror_tap_options_init(&own, sizeof own);
  int32_t status =
      mri_sized_read(&own, sizeof own, options, MRI_UP_TO(mirror_tap_options, output), report);
  if (!status) status = check_options(&own, report);
  if (status) return status;
  mirror_tap *fresh = tap_new(context, &own);
  if (!fresh || allocate(fresh, own.fragment_entries) != MIRROR_OK) {
    if (fresh) tap_free(fresh);
    return mri_fail(report, MIRROR_E_NOMEM, "out of memory for a tap");
  }
  mri_context_lock(context);
  status = attach(fresh, &own, report);
  mri_context_unlock(context);
  if (status) {
    tap_free(fresh);
    return status;
  }
  *tap = fresh;
  return MIRROR_OK;
}

void mirror_tap_destroy(mirror_tap *tap) {
  if (!tap) return;
  mirror_context *context = tap->context;
  mri_context_lock(context);
  mri_reader_remove(context, &tap->reader);
  tap_free(tap);
  mri_context_unlock_unref(context);
}

/* ---- run ---- */

int32_t mirror_tap_step(mirror_tap *tap, int64_t timeout_ns, uint32_t *packets,
                        mirror_report *report) {
  if (packets) *packets = 0;
  if (!tap || !tap->input)
    return mri_fail(report, MIRROR_E_ARGUMENT, "mirror_tap_step: the tap has no input");
  uint32_t count;
  int32_t status = mirror_input_receive(tap->input, tap->batch.received, tap->batch_size,
                                        timeout_ns, &count, report);
  if (status) return status;
  mri_tap_process(tap, mri_reader_enter(&tap->reader), count, NULL);
  mirror_input_release(tap->input);
  if (packets) *packets = count;
  return MIRROR_OK;
}

int32_t mirror_tap_run(mirror_tap *tap, mirror_report *report) {
  int32_t status;
  do {
    status = mirror_tap_step(tap, -1, NULL, report);
  } while (status == MIRROR_OK || status == MIRROR_E_AGAIN);
  if (!tap) return status;
  bool ended = status == MIRROR_E_END;
  int32_t flushed = mirror_output_flush(tap->output, ended ? report : NULL);
  return ended ? flushed : status;
}

void mirror_tap_interrupt(mirror_tap *tap) {
  if (tap && tap->input) mirror_input_interrupt(tap->input);
}

int32_t mirror_tap_submit(mirror_tap *tap, const mirror_packet *packets, uint32_t count,
                          mirror_verdict *verdicts) {
  if (!tap || (count && !packets)) return MIRROR_E_ARGUMENT;
  if (!mri_packets_have_data(packets, count)) return MIRROR_E_ARGUMENT;
  /* One plan for the whole call: the verdicts borrow its strings. */
  const mirror_plan *plan = mri_reader_enter(&tap->reader);
  for (uint32_t done = 0, step; done < count; done += step) {
    step = count - done < tap->batch_size ? count - done : tap->batch_size;
    memcpy(tap->batch.received, packets + done, step * sizeof *packets);
    mri_tap_process(tap, plan, step, verdicts ? verdicts + done : NULL);
  }
  return MIRROR_OK;
}

/* ---- look ---- */

int32_t mirror_tap_output_status(const mirror_tap *tap, mirror_report *report) {
  if (!tap) return MIRROR_E_ARGUMENT;
  if (report && tap->output_report.code) mri_report_copy(report, &tap->output_report);
  return tap->output_report.code;
}

int32_t mirror_tap_stats(const mirror_tap *tap, mirror_stats *stats) {
  if (!tap) return MIRROR_E_ARGUMENT;
  mirror_stats sum = {.size = sizeof sum};
  mri_stats_add(&sum, tap->reader.counters.total, MIRROR_COUNTERS);
  return mri_sized_write(stats, &sum, sizeof sum, MRI_UP_TO(mirror_stats, received));
}
