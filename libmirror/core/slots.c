#include "core/slots.h"

void mri_slots_init(struct mri_slots *slots, const struct mri_alloc *alloc) {
  *slots = (struct mri_slots){.alloc = alloc};
}

void mri_slots_free(struct mri_slots *slots) {
  if (slots->alloc) mri_free(slots->alloc, slots->free_slots);
  slots->free_slots = NULL;
}

/* Room to give back one slot more, so that giving back never fails. */
static bool reserve(struct mri_slots *slots) {
  if (slots->used < slots->capacity) return true;
  uint32_t capacity = slots->capacity ? 2 * slots->capacity : 16;
  uint32_t *grown = mri_resize(slots->alloc, slots->free_slots, capacity, sizeof *grown);
  if (!grown) return false;
  slots->free_slots = grown;
  slots->capacity = capacity;
  return true;
}

bool mri_slots_take(struct mri_slots *slots, uint32_t *slot) {
  if (slots->free_count > 0) {
    *slot = slots->free_slots[--slots->free_count];
    return true;
  }
  /* One less than MRI_SLOTS_MAX: handles hold slot + 1. */
  if (slots->used >= MRI_SLOTS_MAX - 1 || !reserve(slots)) return false;
  *slot = slots->used++;
  return true;
}

void mri_slots_give(struct mri_slots *slots, uint32_t slot) {
  slots->free_slots[slots->free_count++] = slot;
}
