/*
 * Publishing plans to packet threads without locks (A1).
 *
 * A reader announces the plan that it is about to use in its own slot (a hazard pointer) and then
 * looks whether that plan is still the published one. A commit first swaps the published pointer
 * and then looks through all slots: a retired plan is destroyed when no slot shows it and nobody
 * holds a reference. Both sides order "write mine, then read the other's" with sequential
 * consistency, so at least one of them sees the other: either the reader notices the new plan and
 * moves on, or the commit notices the reader and keeps the old one.
 */
#ifndef MRI_PLAN_PUBLISH_H
#define MRI_PLAN_PUBLISH_H

#include "plan/counters.h"
#include "plan/plan.h"

struct mri_reader {
  _Atomic(const mirror_plan *) plan;
  struct mri_publisher *publisher;
  struct mri_reader *next;
  struct mri_counters counters; /* of the tap that this reader belongs to */
};

struct mri_publisher {
  _Atomic(const mirror_plan *) plan;
  mirror_plan *published; /* the same, for the control side */
  mirror_plan *retired;   /* still in use by somebody */
  struct mri_reader *readers;
  struct mri_counters ended; /* counters of taps that are gone */
  struct mri_map compiled;   /* struct mri_compiled */
  uint64_t compilations;
  uint64_t compiled_rules;
  uint64_t compiled_memory;
};

int32_t mri_publisher_create(mirror_context *context, struct mri_publisher **publisher);
void mri_publisher_destroy(mirror_context *context, struct mri_publisher *publisher);

/* Context lock held. Publishes `plan` and destroys what nobody uses any more. */
void mri_publish(mirror_context *context, mirror_plan *plan);
void mri_publisher_collect(mirror_context *context);
mirror_plan *mri_plan_new(mirror_context *context);
void mri_plan_destroy(mirror_plan *plan);

/* Context lock held. */
int32_t mri_reader_add(mirror_context *context, struct mri_reader *reader);
void mri_reader_remove(mirror_context *context, struct mri_reader *reader);

/* Packet thread: the plan to use for this batch; it stays valid until the next call. */
static inline const mirror_plan *mri_reader_enter(struct mri_reader *reader) {
  const mirror_plan *mine = atomic_load_explicit(&reader->plan, memory_order_relaxed);
  const mirror_plan *plan = atomic_load_explicit(&reader->publisher->plan, memory_order_acquire);
  while (plan != mine) {
    atomic_store_explicit(&reader->plan, plan, memory_order_seq_cst);
    mine = plan;
    plan = atomic_load_explicit(&reader->publisher->plan, memory_order_seq_cst);
  }
  return mine;
}

#endif
