/* Verdicts in their public form, and the uncounted match call. */
#include "plan/judge.h"

static const char *const verdict_names[] = {
    [MIRROR_MIRRORED] = "mirrored",
    [MIRROR_REJECTED] = "rejected",
    [MIRROR_UNMATCHED] = "unmatched",
    [MIRROR_UNPARSABLE] = "unparsable",
    [MIRROR_OWN] = "own",
    [MIRROR_BLOCKED] = "blocked",
    [MIRROR_DROPPED] = "dropped",
};

static const char *const drop_names[] = {
    [MIRROR_DROP_OVERSIZE] = "oversize",
    [MIRROR_DROP_SAMPLED] = "sampled",
    [MIRROR_DROP_RATE] = "rate",
};

const char *mirror_verdict_name(uint32_t verdict) {
  bool known = verdict >= MIRROR_MIRRORED && verdict <= MIRROR_DROPPED;
  return known ? verdict_names[verdict] : "unknown";
}

const char *mirror_drop_reason_name(uint32_t reason) {
  bool known = reason >= MIRROR_DROP_OVERSIZE && reason <= MIRROR_DROP_RATE;
  return known ? drop_names[reason] : "unknown";
}

void mri_decision_verdict(const struct mri_decision *decision, mirror_verdict *verdict) {
  *verdict = (mirror_verdict){
      .verdict = decision->verdict,
      .reason = decision->reason,
      .flags = decision->flags,
      .direction = decision->direction,
  };
  if (decision->rule) {
    verdict->rule_priority = decision->rule->priority;
    verdict->rule_id = decision->rule->id;
  }
  if (!decision->tunnel) return;
  verdict->session_id = decision->tunnel->session->version.entry->id;
  if (decision->verdict == MIRROR_MIRRORED || decision->verdict == MIRROR_DROPPED) {
    verdict->vni = decision->tunnel->outer.vni;
    verdict->target_id = decision->tunnel->target->version.entry->id;
  }
  if (decision->verdict != MIRROR_MIRRORED) return;
  verdict->inner_length = decision->inner_length;
  verdict->segments = decision->copies;
}

int32_t mirror_plan_match(const mirror_plan *plan, const mirror_packet *packets, uint32_t count,
                          mirror_verdict *verdicts) {
  if (!plan || (count && (!packets || !verdicts))) return MIRROR_E_ARGUMENT;
  if (!mri_packets_have_data(packets, count)) return MIRROR_E_ARGUMENT;
  enum { STEP = 128 };
  struct mri_view views[STEP];
  struct mri_decision decisions[STEP];
  for (uint32_t done = 0; done < count; done += STEP) {
    uint32_t step = count - done < STEP ? count - done : STEP;
    mri_judge(plan, packets + done, step, views, decisions);
    for (uint32_t i = 0; i < step; i++) {
      mri_decision_copy(&decisions[i], &views[i], &packets[done + i]);
      mri_decision_verdict(&decisions[i], &verdicts[done + i]);
    }
  }
  return MIRROR_OK;
}
