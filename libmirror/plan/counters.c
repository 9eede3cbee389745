#include "plan/counters.h"

#include "core/sized.h"
#include "plan/publish.h"

unsigned mri_cells_per_slot(enum mri_slot_class class) {
  static const unsigned per_slot[MRI_SLOT_CLASSES] = {
      [MRI_SLOT_SOURCE] = MRI_CELLS_SOURCE,
      [MRI_SLOT_SESSION] = MRI_CELLS_SESSION,
      [MRI_SLOT_TARGET] = MRI_CELLS_TARGET,
      [MRI_SLOT_RULE] = MRI_CELLS_RULE,
  };
  return per_slot[class];
}

static struct mri_cell *page_at(const struct mri_counters *counters, unsigned class,
                                unsigned page) {
  return atomic_load_explicit(&counters->classes[class].page[page], memory_order_acquire);
}

static bool grow_class(mirror_context *context, struct mri_counters *counters, unsigned class) {
  uint32_t used = context->slots[class].used;
  for (unsigned page = 0; page < MRI_PAGES && mri_page_first(page) < used; page++) {
    if (page_at(counters, class, page)) continue;
    size_t cells = ((size_t)MRI_PAGE_SLOTS << page) * mri_cells_per_slot(class);
    struct mri_cell *fresh = mri_zalloc(&context->alloc, cells, sizeof *fresh);
    if (!fresh) return false;
    MRI_ATOMIC(fresh, cells * sizeof *fresh);
    atomic_store_explicit(&counters->classes[class].page[page], fresh, memory_order_release);
  }
  return true;
}

int32_t mri_counters_grow(mirror_context *context, struct mri_counters *counters) {
  for (unsigned class = 0; class < MRI_SLOT_CLASSES; class ++) {
    if (!grow_class(context, counters, class)) return MIRROR_E_NOMEM;
  }
  return MIRROR_OK;
}

int32_t mri_counters_grow_all(mirror_context *context) {
  struct mri_publisher *publisher = context->publisher;
  int32_t status = mri_counters_grow(context, &publisher->ended);
  for (struct mri_reader *reader = publisher->readers; reader && !status; reader = reader->next)
    status = mri_counters_grow(context, &reader->counters);
  return status;
}

void mri_counters_free(mirror_context *context, struct mri_counters *counters) {
  for (unsigned class = 0; class < MRI_SLOT_CLASSES; class ++) {
    for (unsigned page = 0; page < MRI_PAGES; page++)
      mri_free(&context->alloc, page_at(counters, class, page));
  }
}

static uint64_t read_cell(const _Atomic uint64_t *value) {
  return atomic_load_explicit(value, memory_order_acquire);
}

static void cell_merge(struct mri_cell *to, const struct mri_cell *from) {
  atomic_store_explicit(&to->packets, read_cell(&to->packets) + read_cell(&from->packets),
                        memory_order_relaxed);
  atomic_store_explicit(&to->octets, read_cell(&to->octets) + read_cell(&from->octets),
                        memory_order_relaxed);
}

void mri_counters_keep(mirror_context *context, const struct mri_counters *from) {
  struct mri_counters *ended = &context->publisher->ended;
  for (unsigned class = 0; class < MRI_SLOT_CLASSES; class ++) {
    unsigned per_slot = mri_cells_per_slot(class);
    for (uint32_t slot = 0; slot < context->slots[class].used; slot++) {
      unsigned page = mri_page_of(slot);
      if (!page_at(from, class, page) || !page_at(ended, class, page))
        continue; /* a slot that no published plan uses yet */
      for (unsigned i = 0; i < per_slot; i++)
        cell_merge(&mri_cells(ended, class, per_slot, slot)[i],
                   &mri_cells(from, class, per_slot, slot)[i]);
    }
  }
}

static void clear_slot(struct mri_counters *counters, enum mri_slot_class class, uint32_t slot) {
  if (!page_at(counters, class, mri_page_of(slot))) return;
  unsigned per_slot = mri_cells_per_slot(class);
  struct mri_cell *cells = mri_cells(counters, class, per_slot, slot);
  for (unsigned i = 0; i < per_slot; i++) {
    atomic_store_explicit(&cells[i].packets, 0, memory_order_relaxed);
    atomic_store_explicit(&cells[i].octets, 0, memory_order_relaxed);
  }
}

void mri_slot_release(mirror_context *context, enum mri_slot_class class, uint32_t slot) {
  if (slot == MRI_SLOT_NONE) return;
  struct mri_publisher *publisher = context->publisher;
  if (publisher) {
    clear_slot(&publisher->ended, class, slot);
    for (struct mri_reader *reader = publisher->readers; reader; reader = reader->next)
      clear_slot(&reader->counters, class, slot);
  }
  mri_slots_give(&context->slots[class], slot);
}

static void add_cell(mirror_stats *stats, const struct mri_cell *cells, unsigned i) {
  mirror_count value = {read_cell(&cells[i].packets), read_cell(&cells[i].octets)};
  stats->counters[i].packets += value.packets;
  stats->counters[i].octets += value.octets;
  if (i > MIRROR_COUNTER_DROPPED_RATE) return;
  stats->received.packets += value.packets;
  stats->received.octets += value.octets;
}

void mri_stats_add(mirror_stats *stats, const struct mri_cell *cells, unsigned count) {
  const unsigned first = MIRROR_COUNTER_SENT, last = MIRROR_COUNTER_FAILED_OTHER;
  for (unsigned i = first; i <= last && i < count; i++)
    add_cell(stats, cells, i);
  for (unsigned i = count; i-- > 0;) {
    if (i < first || i > last) add_cell(stats, cells, i);
  }
}
