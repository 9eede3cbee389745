#include "plan/judge.h"

#include "plan/own.h"

/* Ingress if a packet cannot tell. */
static uint32_t direction_of(const mirror_packet *packet, const struct mri_source_plan *source) {
  if (packet->direction != MIRROR_AUTO)
    return packet->direction == MIRROR_EGRESS ? MIRROR_EGRESS : MIRROR_INGRESS;
  uint32_t direction = 0;
  if (source && source->source->has_mac)
    direction = mri_view_direction(packet, source->source->mac);
  return direction ? direction : MIRROR_INGRESS;
}

/* The rule that a compiled list's index stands for, in the filter of its session. */
static const struct mri_rule *rule_at(const struct mri_compiled *list, uint32_t index,
                                      const struct mri_rules *rules) {
  return rules->rule[index - list->start[list->segment_of[index]]];
}

/* F6: a security group lets through what one of its rules accepts, nothing else. */
static bool passes_group(struct mri_decision *decision, const mirror_key *key) {
  const struct mri_source_plan *source = decision->source;
  if (!source->group) return true;
  unsigned d = mri_direction_index(decision->direction);
  uint32_t index = mri_list_match(source->groups[d]->list, key);
  if (index == MRI_NO_RULE) return false;
  const struct mri_rule *rule = rule_at(source->groups[d], index, source->group->rules[d]);
  if (rule->match.accept) return true;
  decision->rule = rule;
  return false;
}

/* Everything that is decided before the filter. False: the sessions' rules decide. */
static bool decided_early(const mirror_plan *plan, const mirror_packet *packet,
                          const struct mri_view *view, struct mri_decision *decision) {
  if (mri_may_be_own(view) && mri_own_copy(plan, packet, view)) {
    decision->verdict = MIRROR_OWN;
  } else if (packet->flags & MIRROR_PACKET_BLOCKED) {
    decision->verdict = MIRROR_BLOCKED;
  } else if (!view->key.family) {
    decision->verdict = MIRROR_UNPARSABLE;
    decision->reason = view->why;
  } else if (!decision->source) {
    decision->verdict = MIRROR_UNMATCHED;
  } else if (!passes_group(decision, &view->key)) {
    decision->verdict = MIRROR_BLOCKED;
  } else {
    return false;
  }
  return true;
}

void mri_decision_by_rule(struct mri_decision *decision, uint32_t index) {
  decision->verdict = MIRROR_UNMATCHED;
  if (index == MRI_NO_RULE) return;
  unsigned d = mri_direction_index(decision->direction);
  const struct mri_compiled *list = decision->source->lists[d];
  decision->tunnel = &decision->source->tunnels[list->segment_of[index]];
  decision->rule = rule_at(list, index, decision->tunnel->filter->rules[d]);
  decision->verdict = decision->rule->match.accept ? MIRROR_MIRRORED : MIRROR_REJECTED;
}

static const struct mri_list *list_of(const struct mri_decision *decision) {
  return decision->source->lists[mri_direction_index(decision->direction)]->list;
}

/* Neighbours are mostly of one source. */
static bool share_list(const struct mri_decision *one, const struct mri_decision *other) {
  return (one->source == other->source && one->direction == other->direction) ||
         list_of(one) == list_of(other);
}

/* Matches the packets that are still open, in runs that share a list. */
static void match_runs(const struct mri_view *views, uint32_t count,
                       struct mri_decision *decisions) {
  uint32_t first[MRI_JUDGE_BATCH];
  for (uint32_t i = 0, run; i < count; i += run) {
    run = 1;
    if (decisions[i].verdict) continue;
    while (i + run < count && !decisions[i + run].verdict &&
           share_list(&decisions[i], &decisions[i + run]))
      run++;
    mri_list_match_batch(list_of(&decisions[i]), &views[i].key, sizeof views[0], run, first);
    for (uint32_t k = 0; k < run; k++)
      mri_decision_by_rule(&decisions[i + k], first[k]);
  }
}

void mri_judge(const mirror_plan *plan, const mirror_packet *packets, uint32_t count,
               struct mri_view *views, struct mri_decision *decisions) {
  const struct mri_source_plan *source = NULL;
  mri_views_read(views, packets, count);
  for (uint32_t i = 0; i < count; i++) {
    if (i == 0 || packets[i].source != packets[i - 1].source)
      source = mri_plan_source(plan, packets[i].source);
    decisions[i] = (struct mri_decision){.source = source,
                                         .direction = direction_of(&packets[i], source),
                                         .flags = source ? 0 : MIRROR_NO_SOURCE};
    if (!decided_early(plan, &packets[i], &views[i], &decisions[i])) decisions[i].verdict = 0;
  }
  match_runs(views, count, decisions);
}
