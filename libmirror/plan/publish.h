/*
 * Publishing plans to packet threads without locks (A1).
 *
 * A reader announces the plan that it is about to use in its own slot (a hazard pointer) and then
 * looks whether that plan is still the published one. A commit first swaps the published pointer
 * and then looks through all slots: a retired plan is destroyed when no slot shows it and nobody
 * holds a reference.
 *
 * Why the orders of the atomic accesses are enough:
 *
 *   Nothing is used after it is destroyed. Four accesses are sequentially consistent, so they have
 *   one order for all threads: the reader's announcement R1 (plan P) before its second look R2, the
 *   commit's swap C1 (away from P) before its look at the slot C2. If R2 still sees P, then R2 is
 *   before C1, hence R1 before C2: the commit sees the announcement, or a later one. If R2 sees
 *   another plan, the reader does not use P. Acquire and release would not do: each side could see
 *   the other's memory as it was before the other's write, and P would be destroyed in use. (This
 *   is the one place where x86 needs an instruction for it, at a new plan alone.)
 *
 *   The announcement stays between batches. A reader that finds the plan published that it has
 *   announced before needs no second look: the announcement was never taken back, so no commit
 * since can have destroyed the plan, and its address cannot have become another plan's.
 *
 *   What a reader has read is read before it is freed. The store that replaces the announcement of
 * P is a release, behind all uses of P; the look C2 that sees it is an acquire, before the freeing.
 *
 *   A reader sees the plan complete. The swap is a release behind its building, the reader's look
 * an acquire before its use. The first look need not be sequentially consistent: what it finds is
 *   either the announced plan, or is looked at again.
 *
 *   All else (references, the list of readers, what is retired) is the control side's, under the
 *   context's lock. Plans that stay retired are at most one for each reader, and those referred to.
 *
 * tests/model/publish.pml is this as a model for spin, with variants that break it.
 */
#ifndef MRI_PLAN_PUBLISH_H
#define MRI_PLAN_PUBLISH_H

#include "core/race.h"
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
    MRI_HANDS_OVER(&reader->plan);
    atomic_store_explicit(&reader->plan, plan, memory_order_seq_cst);
    mine = plan;
    plan = atomic_load_explicit(&reader->publisher->plan, memory_order_seq_cst);
  }
  MRI_TAKES_OVER(&reader->publisher->plan);
  return mine;
}

#endif
