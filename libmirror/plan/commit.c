/* mirror_transaction_commit: check, compile, publish; or nothing (A1). */
#include "core/sized.h"
#include "plan/own.h"
#include "plan/publish.h"

/* Puts the source's new state into the plan under construction. */
static int32_t replace_source(mirror_plan *plan, struct mri_entry *entry, mirror_report *report) {
  struct mri_source_plan *fresh = NULL;
  const struct mri_source_plan *old = mri_vector_get(&plan->sources, entry->slot);
  int32_t status = MIRROR_OK;
  if (mri_entry_version(entry))
    status = mri_source_plan_build(plan->context, entry, &fresh, report);
  if (!status) status = mri_own_replace(plan, old, fresh);
  if (!status) status = mri_vector_set(&plan->sources, plan->generation, entry->slot, fresh);
  if (status && fresh) mri_source_plan_class.unref(plan->context, fresh);
  return status;
}

static void describe_plan(mirror_plan *plan) {
  const struct mri_publisher *publisher = plan->context->publisher;
  plan->info.sources = mri_model_source_count(plan->context->model);
  plan->info.compiled_lists = publisher->compiled.count;
  plan->info.compilations = publisher->compilations;
  plan->info.rules = publisher->compiled_rules;
  plan->info.memory = publisher->compiled_memory;
}

static int32_t build_plan(mirror_context *context, mirror_plan **out, mirror_report *report) {
  const mirror_plan *published = context->publisher->published;
  mirror_plan *plan = mri_plan_new(context);
  if (!plan) return MIRROR_E_NOMEM;
  plan->generation = published->generation + 1;
  mri_vector_copy(&plan->sources, &published->sources);
  mri_vector_copy(&plan->own, &published->own);
  int32_t status = mri_counters_grow_all(context);
  struct mri_entry *entry = mri_model_affected(context->model);
  for (; entry && !status; entry = entry->affected_next)
    status = replace_source(plan, entry, report);
  if (status) {
    mri_plan_destroy(plan);
    return status;
  }
  *out = plan;
  return MIRROR_OK;
}

static int32_t commit(mirror_context *context, mirror_report *report) {
  int32_t status = mri_model_prepare(context->model, NULL, NULL, report);
  if (status) return status;
  mirror_plan *plan;
  status = build_plan(context, &plan, report);
  mri_model_finish(context->model, status == MIRROR_OK);
  if (status == MIRROR_E_NOMEM)
    return mri_fail(report, status, "out of memory while compiling: nothing was changed");
  if (status) return status;
  mri_publish(context, plan);
  describe_plan(plan);
  return MIRROR_OK;
}

int32_t mirror_transaction_commit(mirror_transaction *transaction, mirror_report *report) {
  if (!transaction)
    return mri_fail(report, MIRROR_E_ARGUMENT, "mirror_transaction_commit: transaction is NULL");
  mirror_context *context = transaction->context;
  mri_context_lock(context);
  int32_t status = commit(context, report);
  mri_context_unlock(context);
  return status;
}

void mirror_plan_info_init(mirror_plan_info *info, uint32_t size) {
  mri_sized_init(info, size);
}

int32_t mirror_plan_info_get(const mirror_plan *plan, mirror_plan_info *info) {
  if (!plan) return MIRROR_E_ARGUMENT;
  return mri_sized_write(info, &plan->info, sizeof plan->info,
                         MRI_UP_TO(mirror_plan_info, sources));
}
