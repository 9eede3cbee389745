/* M9: the walk of one packet, rule by rule, as steps. Their text is in explain_text.c. */
#include "plan/explain.h"

#include "core/sized.h"
#include "plan/publish.h"

static void add_step(mirror_explanation *e, const mirror_step *step) {
  if (e->step_count == e->capacity) {
    uint32_t capacity = e->capacity ? 2 * e->capacity : 16;
    mirror_step *grown = mri_resize(&e->plan->context->alloc, e->steps, capacity, sizeof *grown);
    if (!grown) {
      e->failed = true;
      return;
    }
    e->steps = grown;
    e->capacity = capacity;
  }
  e->steps[e->step_count] = *step;
  e->steps[e->step_count++].size = sizeof *step;
}

/* Walks one list; true if a rule matched. `base` names the session and filter. */
static bool walk_rules(mirror_explanation *e, mirror_step base, const struct mri_rules *rules,
                       const mirror_key *key) {
  for (uint32_t i = 0; i < rules->count; i++) {
    const struct mri_rule *rule = rules->rule[i];
    mirror_step step = base;
    step.rule_priority = rule->priority;
    step.rule_id = rule->id;
    step.action = rule->match.accept ? MIRROR_ACCEPT : MIRROR_REJECT;
    step.outcome = MIRROR_STEP_MATCHED;
    step.field = mri_rule_compare(&rule->match, key, &step.outcome);
    add_step(e, &step);
    if (step.field == MIRROR_FIELD_NONE) return true;
  }
  base.outcome = rules->count ? MIRROR_STEP_NO_MATCH : MIRROR_STEP_EMPTY;
  add_step(e, &base);
  return false;
}

static bool walk_session(mirror_explanation *e, const struct mri_tunnel *tunnel, unsigned direction,
                         const mirror_key *key) {
  mirror_step base = {
      .session_id = tunnel->session->version.entry->id,
      .session_priority = tunnel->session->priority,
      .filter_id = tunnel->filter->version.entry->id,
  };
  if (tunnel->session->enabled) return walk_rules(e, base, tunnel->filter->rules[direction], key);
  base.outcome = MIRROR_STEP_DISABLED;
  add_step(e, &base);
  return false;
}

/* Enabled and disabled tunnels are two runs of ascending priority: walked as one (M1, M3). */
static void walk_sessions(mirror_explanation *e, const struct mri_source_plan *source,
                          unsigned direction, const mirror_key *key) {
  uint32_t enabled = 0, disabled = source->enabled;
  bool matched = false;
  while (!matched && (enabled < source->enabled || disabled < source->tunnel_count)) {
    bool take_disabled =
        enabled == source->enabled ||
        (disabled < source->tunnel_count &&
         source->tunnels[disabled].session->priority < source->tunnels[enabled].session->priority);
    const struct mri_tunnel *tunnel = &source->tunnels[take_disabled ? disabled++ : enabled++];
    matched = walk_session(e, tunnel, direction, key);
  }
}

/* The steps are what a walk by the letter finds; the verdict is the engine's. */
static void walk(mirror_explanation *e, const struct mri_decision *decision,
                 const mirror_key *key) {
  const struct mri_source_plan *source = decision->source;
  if (!source || !key->family || decision->verdict == MIRROR_OWN ||
      e->packet.flags & MIRROR_PACKET_BLOCKED)
    return;
  unsigned direction = mri_direction_index(decision->direction);
  if (source->group) {
    mirror_step base = {.filter_id = source->group->version.entry->id};
    walk_rules(e, base, source->group->rules[direction], key);
  }
  if (decision->verdict != MIRROR_BLOCKED) walk_sessions(e, source, direction, key);
}

static int32_t explain(mirror_explanation *e, const mirror_packet *packet) {
  struct mri_view view;
  struct mri_decision decision;
  e->packet = *packet;
  mri_judge(e->plan, packet, 1, &view, &decision);
  mri_decision_copy(&decision, &view, packet);
  mri_decision_verdict(&decision, &e->verdict);
  e->inner_whole = mri_inner_whole(&decision, &view, packet);
  walk(e, &decision, &view.key);
  if (!e->failed) mri_explain_text(e, &decision, &view.key);
  e->packet.data = NULL; /* borrowed for the call only */
  return e->failed ? MIRROR_E_NOMEM : MIRROR_OK;
}

int32_t mirror_plan_explain(const mirror_plan *plan, const mirror_packet *packet,
                            mirror_explanation **explanation, mirror_report *report) {
  if (!plan || !packet || !explanation)
    return mri_fail(report, MIRROR_E_ARGUMENT, "mirror_plan_explain: an argument is NULL");
  if (!mri_packets_have_data(packet, 1))
    return mri_fail(report, MIRROR_E_ARGUMENT,
                    "mirror_plan_explain: the packet's data is NULL, expected %u octets",
                    packet->caplen);
  mirror_context *context = plan->context;
  mirror_explanation *e = mri_zalloc(&context->alloc, 1, sizeof *e);
  if (!e) return mri_fail(report, MIRROR_E_NOMEM, "out of memory for an explanation");
  e->plan = (mirror_plan *)plan;
  mri_context_lock(context);
  context->refs++;
  e->plan->refs++;
  mri_context_unlock(context);
  int32_t status = explain(e, packet);
  if (status) {
    mirror_explanation_destroy(e);
    return mri_fail(report, status, "out of memory for an explanation");
  }
  *explanation = e;
  return MIRROR_OK;
}

void mirror_explanation_destroy(mirror_explanation *explanation) {
  if (!explanation) return;
  mirror_plan *plan = explanation->plan;
  mri_free(&plan->context->alloc, explanation->steps);
  mri_free(&plan->context->alloc, explanation->text);
  mri_free(&plan->context->alloc, explanation);
  mirror_plan_release(plan);
}

int32_t mirror_explanation_verdict(const mirror_explanation *explanation, mirror_verdict *verdict) {
  if (!explanation || !verdict) return MIRROR_E_ARGUMENT;
  *verdict = explanation->verdict;
  return MIRROR_OK;
}

uint32_t mirror_explanation_steps(const mirror_explanation *explanation) {
  return explanation ? explanation->step_count : 0;
}

void mirror_step_init(mirror_step *step, uint32_t size) {
  mri_sized_init(step, size);
}

int32_t mirror_explanation_step(const mirror_explanation *explanation, uint32_t index,
                                mirror_step *step) {
  if (!explanation) return MIRROR_E_ARGUMENT;
  if (index >= explanation->step_count) return MIRROR_E_NOT_FOUND;
  return mri_sized_write(step, &explanation->steps[index], sizeof *step,
                         MRI_UP_TO(mirror_step, field));
}

const char *mirror_explanation_text(const mirror_explanation *explanation) {
  return explanation ? explanation->text : "";
}
