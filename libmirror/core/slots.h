/* Counter slots: small numbers handed out to objects and taken back when nothing uses them. */
#ifndef MRI_CORE_SLOTS_H
#define MRI_CORE_SLOTS_H

#include "core/alloc.h"

#include <stdbool.h>
#include <stdint.h>

#define MRI_SLOT_NONE UINT32_MAX
#define MRI_SLOTS_MAX (1u << 22)

/* What a slot belongs to. */
enum mri_slot_class {
  MRI_SLOT_SOURCE,
  MRI_SLOT_SESSION,
  MRI_SLOT_TARGET,
  MRI_SLOT_RULE,
  MRI_SLOT_CLASSES
};

struct mri_slots {
  const struct mri_alloc *alloc;
  uint32_t *free_slots; /* a stack with room for every slot handed out */
  uint32_t free_count;
  uint32_t capacity;
  uint32_t used; /* slots ever handed out: all are below it */
};

void mri_slots_init(struct mri_slots *slots, const struct mri_alloc *alloc);
void mri_slots_free(struct mri_slots *slots);
/* Takes a slot: false when out of memory or of slots. */
bool mri_slots_take(struct mri_slots *slots, uint32_t *slot);
/* Gives it back; never fails. */
void mri_slots_give(struct mri_slots *slots, uint32_t slot);

#endif
