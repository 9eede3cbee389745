/* The packet path: one batch from packets to counted copies. */
#include "tap/tap.h"

#include <string.h>

static void judge(mirror_tap *tap, const mirror_plan *plan, uint32_t count) {
  struct mri_batch *batch = &tap->batch;
  mri_judge(plan, batch->received, count, batch->views, batch->decisions);
  for (uint32_t i = 0; i < count; i++) {
    const mirror_packet *packet = &batch->received[i];
    struct mri_decision *decision = &batch->decisions[i];
    if (batch->views[i].key.notes)
      mri_fragments_apply(&tap->fragments, plan->generation, packet, &batch->views[i], decision);
    mri_decision_copy(decision, &batch->views[i], packet);
    if (decision->verdict == MIRROR_MIRRORED &&
        !mri_rate_allows(decision->tunnel->session, packet->time_ns, decision->inner_length)) {
      decision->verdict = MIRROR_DROPPED;
      decision->reason = MIRROR_DROP_RATE;
    }
  }
}

/*
 * Writes the headers of one copy. The inner frame stays where it is, but for the synthesized
 * Ethernet header (V7), which follows the outer ones in the head.
 */
static void encapsulate(mirror_tap *tap, const mirror_packet *packet, const struct mri_view *view,
                        const struct mri_decision *decision, uint8_t *head, mirror_copy *copy) {
  const struct mri_tunnel *tunnel = decision->tunnel;
  uint32_t synthesized = view->synthesized ? MRI_ETHERNET : 0;
  struct mri_inner inner = {
      .first = view->ethernet,
      .first_length = synthesized,
      .rest = packet->data + view->skip,
      .rest_length = decision->inner_length - synthesized,
  };
  uint32_t layer = tap->output->layer;
  uint32_t length = mri_image_length(&tunnel->image, layer);
  uint16_t port = mri_flow_port(decision->flow_hash);
  mri_image_write(&tunnel->image, layer, &inner, port, tap->ip_id++, head);
  memcpy(head + length, view->ethernet, synthesized);
  *copy = (mirror_copy){
      .head = head,
      .head_length = length + synthesized,
      .body = inner.rest,
      .body_length = inner.rest_length,
      .time_ns = packet->time_ns,
      .outer = &tunnel->outer,
      .source_port = port,
  };
}

static uint32_t make_copies(mirror_tap *tap, uint32_t count) {
  struct mri_batch *batch = &tap->batch;
  uint32_t copies = 0;
  for (uint32_t i = 0; i < count; i++) {
    batch->output_status[i] = MIRROR_OK;
    if (batch->decisions[i].verdict != MIRROR_MIRRORED) continue;
    encapsulate(tap, &batch->received[i], &batch->views[i], &batch->decisions[i],
                batch->heads[copies], &batch->copies[copies]);
    batch->copy_packet[copies++] = i;
  }
  return copies;
}

/* To an output that takes them in an order of its own. */
static void send_each_copy(mirror_tap *tap, uint32_t copies) {
  struct mri_batch *batch = &tap->batch;
  mirror_report report = {.size = sizeof report};
  int32_t status = tap->output->backend.send_each(tap->output->state, batch->copies, copies,
                                                  batch->copy_status, &report);
  for (uint32_t i = 0; i < copies; i++)
    batch->output_status[batch->copy_packet[i]] = batch->copy_status[i];
  if (status == MIRROR_OK) return;
  report.code = status;
  tap->output_report = report;
}

/* Offers every copy once: what the output refuses is marked, never offered again (F2). */
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
    batch->output_status[batch->copy_packet[done++]] = status;
  }
}

static void send_copies(mirror_tap *tap, uint32_t copies) {
  if (tap->output->backend.send_each && copies)
    send_each_copy(tap, copies);
  else
    send_in_order(tap, copies);
}

static void account(mirror_tap *tap, uint32_t count) {
  const struct mri_batch *batch = &tap->batch;
  for (uint32_t i = 0; i < count; i++)
    mri_account(tap, &batch->decisions[i], batch->received[i].caplen,
                mri_view_inner_length(&batch->views[i], &batch->received[i]),
                batch->output_status[i]);
}

static void tell(mirror_tap *tap, uint32_t count, mirror_verdict *verdicts) {
  const struct mri_batch *batch = &tap->batch;
  for (uint32_t i = 0; i < count; i++) {
    mirror_verdict verdict;
    mri_decision_verdict(&batch->decisions[i], &verdict);
    verdict.output_status = batch->output_status[i];
    if (verdicts) verdicts[i] = verdict;
    if (tap->on_packet) tap->on_packet(tap->on_packet_user, &batch->received[i], &verdict);
  }
}

/* What a packet leaves open is the tap's. */
static void fill_defaults(const mirror_tap *tap, mirror_packet *packets, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (packets[i].source == 0) packets[i].source = tap->source;
    if (packets[i].direction == 0) packets[i].direction = (uint8_t)tap->direction;
  }
}

void mri_tap_process(mirror_tap *tap, const mirror_plan *plan, uint32_t count,
                     mirror_verdict *verdicts) {
  fill_defaults(tap, tap->batch.received, count);
  judge(tap, plan, count);
  send_copies(tap, make_copies(tap, count));
  account(tap, count);
  if (verdicts || tap->on_packet) tell(tap, count, verdicts);
}
