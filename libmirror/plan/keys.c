/* The match engine of a plan by itself (include/libmirror/engine.h). */
#include "core/sized.h"
#include "plan/judge.h"

#include <libmirror/engine.h>

/* The list that packets of a source meet; NULL and *status if there is none. */
static const struct mri_compiled *find_list(const mirror_plan *plan, uint32_t source,
                                            uint32_t direction, int32_t *status) {
  *status = MIRROR_E_ARGUMENT;
  if (!plan || (direction != MIRROR_INGRESS && direction != MIRROR_EGRESS)) return NULL;
  *status = MIRROR_E_UNKNOWN_SOURCE;
  const struct mri_source_plan *found = mri_plan_source(plan, source);
  if (!found) return NULL;
  *status = MIRROR_OK;
  return found->lists[mri_direction_index(direction)];
}

void mirror_list_info_init(mirror_list_info *info, uint32_t size) {
  mri_sized_init(info, size);
}

int32_t mirror_plan_list_info(const mirror_plan *plan, uint32_t source, uint32_t direction,
                              mirror_list_info *info) {
  int32_t status;
  const struct mri_compiled *list = find_list(plan, source, direction, &status);
  if (!list) return status;
  const mirror_list_info own = {.size = sizeof own,
                                .isa = list->facts.isa,
                                .structure_ipv4 = list->facts.structure[0],
                                .structure_ipv6 = list->facts.structure[1],
                                .rules_ipv4 = list->facts.rules[0],
                                .rules_ipv6 = list->facts.rules[1],
                                .shadowed = list->facts.shadowed,
                                .slower = list->facts.slower,
                                .memory = list->facts.memory,
                                .build_ns = list->build_ns};
  return mri_sized_write(info, &own, sizeof own, MRI_UP_TO(mirror_list_info, isa));
}

static int32_t match_keys(const mirror_plan *plan, uint32_t source, uint32_t direction,
                          uint32_t family, const void *const *keys, uint32_t count,
                          uint32_t *first) {
  int32_t status;
  if (count && (!keys || !first)) return MIRROR_E_ARGUMENT;
  const struct mri_compiled *list = find_list(plan, source, direction, &status);
  if (list) mri_list_match_keys(list->list, family, keys, count, first);
  return status;
}

int32_t mirror_plan_match_keys4(const mirror_plan *plan, uint32_t source, uint32_t direction,
                                const mirror_key4 *const *keys, uint32_t count, uint32_t *first) {
  return match_keys(plan, source, direction, 4, (const void *const *)keys, count, first);
}

int32_t mirror_plan_match_keys6(const mirror_plan *plan, uint32_t source, uint32_t direction,
                                const mirror_key6 *const *keys, uint32_t count, uint32_t *first) {
  return match_keys(plan, source, direction, 6, (const void *const *)keys, count, first);
}

int32_t mirror_plan_match_packets(const mirror_plan *plan, uint32_t source, uint32_t direction,
                                  const mirror_packet *packets, uint32_t count, uint32_t *first) {
  enum { STEP = 256 };
  struct mri_view views[STEP];
  int32_t status;
  if (count && (!packets || !first || !mri_packets_have_data(packets, count)))
    return MIRROR_E_ARGUMENT;
  const struct mri_compiled *list = find_list(plan, source, direction, &status);
  for (uint32_t done = 0, step; list && done < count; done += step) {
    step = count - done < STEP ? count - done : STEP;
    mri_views_read(views, packets + done, step);
    mri_list_match_batch(list->list, &views[0].key, sizeof views[0], step, first + done);
  }
  return status;
}

int32_t mirror_plan_rule_verdict(const mirror_plan *plan, uint32_t source, uint32_t direction,
                                 uint32_t index, mirror_verdict *verdict) {
  int32_t status;
  if (!verdict) return MIRROR_E_ARGUMENT;
  const struct mri_compiled *list = find_list(plan, source, direction, &status);
  if (!list) return status;
  if (index >= list->rule_count && index != MIRROR_NO_RULE) return MIRROR_E_NOT_FOUND;
  struct mri_decision decision = {.source = mri_plan_source(plan, source), .direction = direction};
  mri_decision_by_rule(&decision, index);
  mri_decision_verdict(&decision, verdict);
  return MIRROR_OK;
}
