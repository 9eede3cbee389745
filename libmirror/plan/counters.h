/*
 * Counters: each tap has cells of its own for every object, so packet threads share nothing. Pages
 * are added by the control side before a plan that needs them is published; page k has room for
 * 64 << k slots, so pages never move and a few pointers reach every slot.
 */
#ifndef MRI_PLAN_COUNTERS_H
#define MRI_PLAN_COUNTERS_H

#include "core/context.h"

#include <libmirror/stats.h>
#include <stdatomic.h>

/* Written by one packet thread, read by any. */
struct mri_cell {
  _Atomic uint64_t packets;
  _Atomic uint64_t octets;
};

enum { MRI_PAGE_SLOTS = 64, MRI_PAGES = 17 };

/* Cells per slot. Sources count per direction; rules only know the first cells (verdicts). */
enum {
  MRI_CELLS_SOURCE = 2 * MIRROR_COUNTERS,
  MRI_CELLS_SESSION = MIRROR_COUNTERS,
  MRI_CELLS_TARGET = MIRROR_COUNTERS,
  MRI_CELLS_RULE = MIRROR_COUNTER_DROPPED_RATE + 1
};

struct mri_counters {
  struct mri_cell total[MIRROR_COUNTERS];
  struct {
    _Atomic(struct mri_cell *) page[MRI_PAGES];
  } classes[MRI_SLOT_CLASSES];
};

/* Context lock held. */
void mri_counters_free(mirror_context *context, struct mri_counters *counters);
/* Pages for all slots handed out so far: of one set, and of every tap. MIRROR_E_NOMEM. */
int32_t mri_counters_grow(mirror_context *context, struct mri_counters *counters);
int32_t mri_counters_grow_all(mirror_context *context);
/* Adds all of `from`, except its totals, to the context's counters of ended taps. */
void mri_counters_keep(mirror_context *context, const struct mri_counters *from);

unsigned mri_cells_per_slot(enum mri_slot_class class);

static inline unsigned mri_page_of(uint32_t slot) {
  return 31u - (unsigned)__builtin_clz(slot / MRI_PAGE_SLOTS + 1);
}

static inline uint32_t mri_page_first(unsigned page) {
  return ((1u << page) - 1) * MRI_PAGE_SLOTS;
}

/* Packet thread: the cells of a slot. */
static inline struct mri_cell *mri_cells(const struct mri_counters *counters,
                                         enum mri_slot_class class, unsigned per_slot,
                                         uint32_t slot) {
  unsigned k = mri_page_of(slot);
  struct mri_cell *page =
      atomic_load_explicit(&counters->classes[class].page[k], memory_order_acquire);
  return page + (size_t)(slot - mri_page_first(k)) * per_slot;
}

/*
 * Packet thread, the only writer. It counts the verdict, then further segments, then what became of
 * the copies, and readers look in the reverse order (mri_stats_add): so nobody ever sees a copy
 * sent that was not mirrored.
 */
static inline void mri_cell_add(struct mri_cell *cell, mirror_count count) {
  uint64_t packets = atomic_load_explicit(&cell->packets, memory_order_relaxed);
  uint64_t octets = atomic_load_explicit(&cell->octets, memory_order_relaxed);
  atomic_store_explicit(&cell->packets, packets + count.packets, memory_order_release);
  atomic_store_explicit(&cell->octets, octets + count.octets, memory_order_release);
}

/* Adds `count` cells, in the order above, to a public struct's counters and, for verdicts, to
 * `received`. */
void mri_stats_add(mirror_stats *stats, const struct mri_cell *cells, unsigned count);

#endif
