/* The packet path: one batch from packets to counted copies. */
#include "tap/tap.h"

static void judge(mirror_tap *tap, const mirror_plan *plan, uint32_t count) {
  struct mri_batch *batch = &tap->batch;
  mri_judge(plan, batch->received, count, batch->views, batch->decisions);
  for (uint32_t i = 0; i < count; i++) {
    const mirror_packet *packet = &batch->received[i];
    struct mri_decision *decision = &batch->decisions[i];
    if (batch->views[i].key.notes)
      mri_fragments_apply(&tap->fragments, plan->generation, packet, &batch->views[i], decision);
    mri_decision_copy(decision, &batch->views[i], packet);
    if (decision->verdict == MIRROR_MIRRORED && mri_has_rate_limit(decision->tunnel->session) &&
        !mri_rate_allows(decision->tunnel->session, packet->time_ns, decision->copies,
                         decision->inner_length)) {
      decision->verdict = MIRROR_DROPPED;
      decision->reason = MIRROR_DROP_RATE;
    }
  }
}

static void tell(mirror_tap *tap, uint32_t count, mirror_verdict *verdicts) {
  const struct mri_batch *batch = &tap->batch;
  for (uint32_t i = 0; i < count; i++) {
    mirror_verdict verdict;
    mri_decision_verdict(&batch->decisions[i], &verdict);
    verdict.output_status = batch->output_status[i];
    verdict.refused = batch->refused[i];
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
  mri_copies_send(tap, count);
  mri_account(tap, count);
  if (verdicts || tap->on_packet) tell(tap, count, verdicts);
}
