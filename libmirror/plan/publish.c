#include "plan/publish.h"

#include "plan/own.h"

mirror_plan *mri_plan_new(mirror_context *context) {
  mirror_plan *plan = mri_zalloc(&context->alloc, 1, sizeof *plan);
  if (!plan) return NULL;
  plan->context = context;
  mirror_plan_info_init(&plan->info, sizeof plan->info);
  mri_vector_init(&plan->sources, context, &mri_source_plan_class);
  mri_vector_init(&plan->own, context, &mri_own_bucket_class);
  return plan;
}

void mri_plan_destroy(mirror_plan *plan) {
  mri_vector_free(&plan->sources);
  mri_vector_free(&plan->own);
  mri_free(&plan->context->alloc, plan);
}

int32_t mri_publisher_create(mirror_context *context, struct mri_publisher **publisher) {
  struct mri_publisher *fresh = mri_zalloc(&context->alloc, 1, sizeof *fresh);
  mirror_plan *plan = fresh ? mri_plan_new(context) : NULL;
  if (!plan) {
    mri_free(&context->alloc, fresh);
    return MIRROR_E_NOMEM;
  }
  mri_map_init(&fresh->compiled, &context->alloc);
  fresh->published = plan;
  atomic_init(&fresh->plan, plan);
  MRI_ATOMIC(&fresh->plan, sizeof fresh->plan);
  *publisher = fresh;
  return MIRROR_OK;
}

/* The last reference on the context is gone, so no reader and no plan reference is left. */
void mri_publisher_destroy(mirror_context *context, struct mri_publisher *publisher) {
  mri_publisher_collect(context);
  mri_plan_destroy(publisher->published);
  mri_counters_free(context, &publisher->ended);
  mri_map_free(&publisher->compiled);
  mri_free(&context->alloc, publisher);
}

static bool in_use(const struct mri_publisher *publisher, const mirror_plan *plan) {
  if (plan->refs) return true;
  for (const struct mri_reader *reader = publisher->readers; reader; reader = reader->next) {
    if (atomic_load_explicit(&reader->plan, memory_order_seq_cst) == plan) return true;
    MRI_TAKES_OVER(&reader->plan);
  }
  return false;
}

void mri_publisher_collect(mirror_context *context) {
  mirror_plan **at = &context->publisher->retired;
  while (*at) {
    mirror_plan *plan = *at;
    if (in_use(context->publisher, plan)) {
      at = &plan->next_retired;
      continue;
    }
    *at = plan->next_retired;
    mri_plan_destroy(plan);
  }
}

void mri_publish(mirror_context *context, mirror_plan *plan) {
  struct mri_publisher *publisher = context->publisher;
  mirror_plan *old = publisher->published;
  publisher->published = plan;
  MRI_HANDS_OVER(&publisher->plan);
  atomic_store_explicit(&publisher->plan, plan, memory_order_seq_cst);
  old->next_retired = publisher->retired;
  publisher->retired = old;
  mri_publisher_collect(context);
}

int32_t mri_reader_add(mirror_context *context, struct mri_reader *reader) {
  struct mri_publisher *publisher = context->publisher;
  int32_t status = mri_counters_grow(context, &reader->counters);
  if (status) {
    mri_counters_free(context, &reader->counters);
    return status;
  }
  MRI_ATOMIC(&reader->plan, sizeof reader->plan);
  MRI_ATOMIC(&reader->counters, sizeof reader->counters);
  reader->publisher = publisher;
  reader->next = publisher->readers;
  publisher->readers = reader;
  return MIRROR_OK;
}

void mri_reader_remove(mirror_context *context, struct mri_reader *reader) {
  struct mri_reader **at = &context->publisher->readers;
  while (*at != reader)
    at = &(*at)->next;
  *at = reader->next;
  mri_counters_keep(context, &reader->counters);
  mri_counters_free(context, &reader->counters);
  mri_publisher_collect(context);
}

int32_t mirror_plan_acquire(mirror_context *context, mirror_plan **plan) {
  if (!context || !plan) return MIRROR_E_ARGUMENT;
  mri_context_lock(context);
  context->refs++;
  *plan = context->publisher->published;
  (*plan)->refs++;
  mri_context_unlock(context);
  return MIRROR_OK;
}

void mirror_plan_release(mirror_plan *plan) {
  if (!plan) return;
  mirror_context *context = plan->context;
  mri_context_lock(context);
  plan->refs--;
  mri_publisher_collect(context);
  mri_context_unlock_unref(context);
}

uint64_t mirror_plan_generation(const mirror_plan *plan) {
  return plan ? plan->generation : 0;
}
