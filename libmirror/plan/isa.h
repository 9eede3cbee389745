/* The instruction set of a context. */
#ifndef MRI_PLAN_ISA_H
#define MRI_PLAN_ISA_H

#include "core/alloc.h"

/*
 * What a context that asks for `wanted` gets. MIRROR_E_ARGUMENT and MIRROR_E_UNSUPPORTED: what it
 * asks for cannot be had; MIRROR_E_NOMEM.
 */
int32_t mri_isa_choose(const struct mri_alloc *alloc, uint32_t wanted, uint32_t *isa);

#endif
