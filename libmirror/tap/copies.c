/* From judged packets to copies that the output has taken or refused. */
#include "packet/segment.h"
#include "packet/unfinished.h"
#include "tap/tap.h"

#include <string.h>

/* ---- sending ---- */

/* What the output refuses is marked, never offered again (F2). */
static void refuse(struct mri_batch *batch, uint32_t copy, int32_t status) {
  const struct mri_origin *origin = &batch->origins[copy];
  const uint32_t i = origin->packet;
  if (batch->output_status[i] == MIRROR_OK) batch->output_status[i] = status;
  batch->refused[i] += origin->copies;
  if (!(batch->decisions[i].flags & MIRROR_SEGMENTED)) return;
  mirror_count *outputs = batch->outputs[i].by_counter;
  mirror_count *failed = &outputs[mri_output_counter(status) - MIRROR_COUNTER_SENT];
  failed->packets += origin->copies;
  failed->octets += origin->octets;
}

/* To an output that takes them in an order of its own. */
static void send_each(mirror_tap *tap, uint32_t copies) {
  struct mri_batch *batch = &tap->batch;
  mirror_report report = {.size = sizeof report};
  int32_t status = tap->output->backend.send_each(tap->output->state, batch->copies, copies,
                                                  batch->copy_status, &report);
  if (status == MIRROR_OK) return;
  report.code = status;
  tap->output_report = report;
  for (uint32_t i = 0; i < copies; i++) {
    if (batch->copy_status[i] != MIRROR_OK) refuse(batch, i, batch->copy_status[i]);
  }
}

static void send_in_order(mirror_tap *tap, uint32_t copies) {
  const mirror_backend *backend = &tap->output->backend;
  struct mri_batch *batch = &tap->batch;
  uint32_t done = 0;
  while (done < copies) {
    uint32_t accepted = 0;
    mirror_report report = {.size = sizeof report};
    int32_t status =
        backend->send(tap->output->state, batch->copies + done, copies - done, &accepted, &report);
    if (accepted > copies - done) /* a backend that breaks its contract */
      accepted = copies - done;
    done += accepted;
    if (done == copies) break;
    if (status == MIRROR_OK && accepted > 0) continue;
    if (status == MIRROR_OK)
      status = mri_fail(&report, MIRROR_E_BACKEND, "output \"%s\" took nothing and gave no reason",
                        backend->name);
    report.code = status;
    tap->output_report = report;
    refuse(batch, done++, status);
  }
}

/* Offers every copy once. */
static void flush(mirror_tap *tap) {
  struct mri_batch *batch = &tap->batch;
  const uint32_t copies = batch->copy_count;
  batch->copy_count = batch->long_heads_used = 0;
  if (tap->output->backend.send_each && copies)
    send_each(tap, copies);
  else
    send_in_order(tap, copies);
}

/* ---- making ---- */

/*
 * Adds a copy of a packet. The first octets of its inner frame stand in the head already, behind
 * the place of the outer headers, which are written here; the rest stays where it is.
 */
static inline void add_copy(mirror_tap *tap, uint32_t i, uint8_t *head,
                            const struct mri_inner *inner, uint32_t octets) {
  struct mri_batch *batch = &tap->batch;
  const struct mri_decision *decision = &batch->decisions[i];
  const struct mri_tunnel *tunnel = decision->tunnel;
  uint16_t port = mri_flow_port(decision->flow_hash);
  mri_image_write(&tunnel->image, tap->output->layer, inner, port, tap->ip_id++, head);
  batch->origins[batch->copy_count] = (struct mri_origin){i, octets, 1};
  batch->copies[batch->copy_count++] = (mirror_copy){
      .head = head,
      .head_length = (uint32_t)(inner->first - head) + inner->first_length,
      .body = inner->rest,
      .body_length = inner->rest_length,
      .time_ns = batch->received[i].time_ns,
      .outer = &tunnel->outer,
      .source_port = port,
      .segments = 1,
  };
}

static uint32_t outer_length(const mirror_tap *tap, uint32_t i) {
  return mri_image_length(&tap->batch.decisions[i].tunnel->image, tap->output->layer);
}

/* The first `octets` of the packet as it is, behind the Ethernet header of V7. */
static void copy_whole(mirror_tap *tap, uint32_t i, uint32_t octets) {
  struct mri_batch *batch = &tap->batch;
  const struct mri_view *view = &batch->views[i];
  uint8_t *head = batch->heads[i], *first = head + outer_length(tap, i);
  const uint32_t synthesized = view->synthesized ? MRI_ETHERNET : 0;
  if (synthesized) memcpy(first, view->ethernet, MRI_ETHERNET);
  const struct mri_inner inner = {
      .first = first,
      .first_length = synthesized,
      .rest = batch->received[i].data + view->skip,
      .rest_length = octets - synthesized,
  };
  add_copy(tap, i, head, &inner, 0);
}

static void copy_packet(mirror_tap *tap, uint32_t i) {
  copy_whole(tap, i, tap->batch.decisions[i].inner_length);
}

/* Sends what there is if all of them are in use. */
static uint8_t *next_long_head(mirror_tap *tap) {
  if (tap->batch.long_heads_used == MRI_LONG_HEADS) flush(tap);
  return tap->batch.long_heads[tap->batch.long_heads_used++];
}

/* `block` octets were written to `first`; the frame goes on at `rest` and is cut to `kept`. */
static struct mri_inner cut_inner(const uint8_t *first, uint32_t block, const uint8_t *rest,
                                  uint32_t kept) {
  const uint32_t first_length = block < kept ? block : kept;
  return (struct mri_inner){first, rest, first_length, kept - first_length};
}

static void copy_finished(mirror_tap *tap, uint32_t i) {
  struct mri_batch *batch = &tap->batch;
  const mirror_packet *packet = &batch->received[i];
  const struct mri_view *view = &batch->views[i];
  const uint32_t block = batch->decisions[i].unfinished;
  uint8_t *head = next_long_head(tap), *first = head + outer_length(tap, i);
  mri_unfinished_write(view, packet, block, first);
  const uint8_t *rest = packet->data + view->skip + block - (view->synthesized ? MRI_ETHERNET : 0);
  const struct mri_inner inner = cut_inner(first, block, rest, batch->decisions[i].inner_length);
  add_copy(tap, i, head, &inner, 0);
}

static void copy_segment(mirror_tap *tap, uint32_t i, const struct mri_super *super, uint32_t k) {
  const mirror_packet *packet = &tap->batch.received[i];
  const struct mri_tunnel *tunnel = tap->batch.decisions[i].tunnel;
  uint8_t *head = next_long_head(tap), *first = head + outer_length(tap, i);
  mri_super_write(super, &tap->batch.views[i], packet, k, first);
  const struct mri_cut cut = mri_cut_of(tunnel, mri_super_inner(super, packet, k));
  const struct mri_inner inner =
      cut_inner(first, super->block, mri_super_body(super, packet, k), cut.kept);
  add_copy(tap, i, head, &inner, mri_super_captured(super, packet, k));
}

static void copy_segments(mirror_tap *tap, uint32_t i) {
  struct mri_batch *batch = &tap->batch;
  struct mri_super super;
  batch->outputs[i] = (struct mri_outputs){0};
  mri_super_read(&super, &batch->views[i], &batch->received[i]);
  for (uint32_t k = 0; k < super.count; k++)
    copy_segment(tap, i, &super, k);
}

/* ---- leaving it to a device, below the layer of the inner frame ---- */

static bool is_uncut(const struct mri_decision *decision) {
  return !(decision->flags & (MIRROR_CUT_BY_LENGTH | MIRROR_CUT_BY_MTU));
}

/* What is undone of the copy that copy_packet has just added. */
static void describe(mirror_tap *tap, uint32_t i) {
  const mirror_packet *packet = &tap->batch.received[i];
  const struct mri_view *view = &tap->batch.views[i];
  mirror_copy *copy = &tap->batch.copies[tap->batch.copy_count - 1];
  copy->flags = MIRROR_PACKET_NEEDS_CHECKSUM;
  copy->checksum_start =
      (uint16_t)(packet->checksum_start - view->skip + (view->synthesized ? MRI_ETHERNET : 0));
  copy->checksum_offset = packet->checksum_offset;
}

static bool leave_checksum(mirror_tap *tap, uint32_t i) {
  if (!is_uncut(&tap->batch.decisions[i]) ||
      !mri_unfinished_is_plain(&tap->batch.views[i], &tap->batch.received[i]))
    return false;
  copy_packet(tap, i);
  describe(tap, i);
  return true;
}

/* The copy stands for all segments: it succeeds and fails for all of them. */
static bool leave_segments(mirror_tap *tap, uint32_t i) {
  struct mri_batch *batch = &tap->batch;
  const mirror_packet *packet = &batch->received[i];
  struct mri_super super;
  mri_super_read(&super, &batch->views[i], packet);
  if (!is_uncut(&batch->decisions[i]) || !mri_super_is_plain(&super, &batch->views[i], packet))
    return false;
  batch->outputs[i] = (struct mri_outputs){0};
  copy_whole(tap, i, mri_view_inner_length(&batch->views[i], packet));
  describe(tap, i);
  mirror_copy *copy = &batch->copies[batch->copy_count - 1];
  copy->gso_type = packet->gso_type;
  copy->gso_size = packet->gso_size;
  copy->header_length = (uint16_t)super.block;
  copy->segments = super.count;
  batch->origins[batch->copy_count - 1] =
      (struct mri_origin){i, packet->caplen + (super.count - 1) * super.payload, super.count};
  return true;
}

static bool leave_undone(mirror_tap *tap, uint32_t i) {
  const struct mri_decision *decision = &tap->batch.decisions[i];
  if (tap->output->layer != MIRROR_LAYER_INNER) return false;
  if (decision->flags & MIRROR_SEGMENTED) return leave_segments(tap, i);
  return decision->unfinished && leave_checksum(tap, i);
}

static void copy_offloaded(mirror_tap *tap, uint32_t i) {
  const struct mri_decision *decision = &tap->batch.decisions[i];
  if (leave_undone(tap, i)) return;
  if (decision->flags & MIRROR_SEGMENTED)
    copy_segments(tap, i);
  else if (decision->unfinished)
    copy_finished(tap, i);
  else
    copy_packet(tap, i);
}

void mri_copies_send(mirror_tap *tap, uint32_t count) {
  struct mri_batch *batch = &tap->batch;
  for (uint32_t i = 0; i < count; i++) {
    batch->output_status[i] = MIRROR_OK;
    batch->refused[i] = 0;
    if (batch->decisions[i].verdict != MIRROR_MIRRORED) continue;
    if (mri_packet_is_offloaded(&batch->received[i]))
      copy_offloaded(tap, i);
    else
      copy_packet(tap, i);
  }
  flush(tap);
}
