/* Instruction sets: which the machine has, and which is fit to be picked. */
#ifndef MRI_MATCH_ISA_H
#define MRI_MATCH_ISA_H

#include "core/alloc.h"

#include <stdbool.h>

/* True if this build has code for it and the processor and the system support it. */
bool mri_isa_present(uint32_t isa);

/*
 * Compares every structure compiled for `isa` with the scalar scan on embedded rules and keys.
 * MIRROR_OK; MIRROR_E_UNSUPPORTED if it is not present or disagrees; MIRROR_E_NOMEM.
 */
int32_t mri_isa_check(const struct mri_alloc *alloc, uint32_t isa);

/* The widest instruction set that passes its check. MIRROR_E_NOMEM. */
int32_t mri_isa_best(const struct mri_alloc *alloc, uint32_t *isa);

#endif
