/* Reading counters (include/libmirror/stats.h). */
#include "core/sized.h"
#include "plan/publish.h"

static const char *const counter_names[MIRROR_COUNTERS] = {
    [MIRROR_COUNTER_MIRRORED] = "mirrored",
    [MIRROR_COUNTER_REJECTED] = "rejected",
    [MIRROR_COUNTER_UNMATCHED] = "unmatched",
    [MIRROR_COUNTER_UNPARSABLE] = "unparsable",
    [MIRROR_COUNTER_OWN] = "own",
    [MIRROR_COUNTER_BLOCKED] = "blocked",
    [MIRROR_COUNTER_DROPPED_OVERSIZE] = "dropped_oversize",
    [MIRROR_COUNTER_DROPPED_SAMPLED] = "dropped_sampled",
    [MIRROR_COUNTER_DROPPED_RATE] = "dropped_rate",
    [MIRROR_COUNTER_CUT_BY_LENGTH] = "cut_by_length",
    [MIRROR_COUNTER_CUT_BY_MTU] = "cut_by_mtu",
    [MIRROR_COUNTER_SENT] = "sent",
    [MIRROR_COUNTER_FAILED_AGAIN] = "failed_again",
    [MIRROR_COUNTER_FAILED_NO_BUFFER] = "failed_no_buffer",
    [MIRROR_COUNTER_FAILED_LINK_DOWN] = "failed_link_down",
    [MIRROR_COUNTER_FAILED_NO_ROUTE] = "failed_no_route",
    [MIRROR_COUNTER_FAILED_TOO_LONG] = "failed_too_long",
    [MIRROR_COUNTER_FAILED_OTHER] = "failed_other",
    [MIRROR_COUNTER_SEGMENTS] = "segments",
    [MIRROR_COUNTER_NOT_SEGMENTED] = "not_segmented",
    [MIRROR_COUNTER_CHECKSUM_OPEN] = "checksum_open",
};

const char *mirror_counter_name(uint32_t counter) {
  return counter < MIRROR_COUNTERS ? counter_names[counter] : "unknown";
}

void mirror_stats_init(mirror_stats *stats, uint32_t size) {
  mri_sized_init(stats, size);
}

/* `count` cells of a slot from its cell `first` on, over all taps. */
static int32_t sum_slot(mirror_context *context, enum mri_slot_class class, uint32_t slot,
                        unsigned first, unsigned count, mirror_stats *stats) {
  unsigned per_slot = mri_cells_per_slot(class);
  mirror_stats sum = {.size = sizeof sum};
  mri_stats_add(&sum, mri_cells(&context->publisher->ended, class, per_slot, slot) + first, count);
  for (struct mri_reader *reader = context->publisher->readers; reader; reader = reader->next)
    mri_stats_add(&sum, mri_cells(&reader->counters, class, per_slot, slot) + first, count);
  return mri_sized_write(stats, &sum, sizeof sum, MRI_UP_TO(mirror_stats, received));
}

static int32_t entry_stats(mirror_context *context, uint32_t kind, const char *id,
                           enum mri_slot_class class, unsigned first, mirror_stats *stats) {
  if (!context || !id || !stats) return MIRROR_E_ARGUMENT;
  mri_context_lock(context);
  struct mri_entry *entry = mri_model_find(context->model, kind, id);
  int32_t status = entry ? sum_slot(context, class, entry->slot, first, MIRROR_COUNTERS, stats)
                         : MIRROR_E_NOT_FOUND;
  mri_context_unlock(context);
  return status;
}

int32_t mirror_source_stats(mirror_context *context, const char *source_id, uint32_t direction,
                            mirror_stats *stats) {
  if (direction != MIRROR_INGRESS && direction != MIRROR_EGRESS) return MIRROR_E_ARGUMENT;
  return entry_stats(context, MIRROR_OBJECT_SOURCE, source_id, MRI_SLOT_SOURCE,
                     mri_direction_index(direction) * MIRROR_COUNTERS, stats);
}

int32_t mirror_session_stats(mirror_context *context, const char *session_id, mirror_stats *stats) {
  return entry_stats(context, MIRROR_OBJECT_SESSION, session_id, MRI_SLOT_SESSION, 0, stats);
}

int32_t mirror_target_stats(mirror_context *context, const char *target_id, mirror_stats *stats) {
  return entry_stats(context, MIRROR_OBJECT_TARGET, target_id, MRI_SLOT_TARGET, 0, stats);
}

static const struct mri_rule *find_rule(mirror_context *context, const char *filter_id,
                                        uint32_t direction, uint32_t priority) {
  struct mri_entry *entry = mri_model_find(context->model, MIRROR_OBJECT_FILTER, filter_id);
  if (!entry) return NULL;
  const struct mri_filter *filter = (const struct mri_filter *)entry->current;
  const struct mri_rules *rules = filter->rules[mri_direction_index(direction)];
  for (uint32_t i = 0; i < rules->count; i++) {
    if (rules->rule[i]->priority == priority) return rules->rule[i];
  }
  return NULL;
}

int32_t mirror_rule_stats(mirror_context *context, const char *filter_id, uint32_t direction,
                          uint32_t priority, mirror_stats *stats) {
  if (!context || !filter_id || !stats ||
      (direction != MIRROR_INGRESS && direction != MIRROR_EGRESS))
    return MIRROR_E_ARGUMENT;
  mri_context_lock(context);
  const struct mri_rule *rule = find_rule(context, filter_id, direction, priority);
  int32_t status = rule ? sum_slot(context, MRI_SLOT_RULE, rule->slot, 0, MRI_CELLS_RULE, stats)
                        : MIRROR_E_NOT_FOUND;
  mri_context_unlock(context);
  return status;
}
