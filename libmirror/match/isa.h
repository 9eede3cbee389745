/* Instruction sets: which the machine has, and which is fit to be picked. */
#ifndef MRI_MATCH_ISA_H
#define MRI_MATCH_ISA_H

#include "core/alloc.h"

#include <stdbool.h>

/* True if this build has code for it and the processor and the system support it. */
bool mri_isa_present(uint32_t isa);

#if defined(__x86_64__)
/* What a processor says of itself (CPUID), and what its system saves. */
struct mri_x86 {
  uint32_t basic;    /* leaf 1, ECX */
  uint32_t extended; /* leaf 0x80000001, ECX */
  uint32_t features; /* leaf 7, EBX */
  uint64_t saved;    /* XCR0: register state; 0 without OSXSAVE */
};

/* `isa`: MIRROR_ISA_AVX2 or MIRROR_ISA_AVX512. */
bool mri_x86_has(const struct mri_x86 *x86, uint32_t isa);
#endif

/*
 * Compares every structure compiled for `isa` with the scalar scan on embedded rules and keys.
 * MIRROR_OK; MIRROR_E_UNSUPPORTED if it is not present or disagrees; MIRROR_E_NOMEM.
 */
int32_t mri_isa_check(const struct mri_alloc *alloc, uint32_t isa);

/* The widest instruction set that passes its check. MIRROR_E_NOMEM. */
int32_t mri_isa_best(const struct mri_alloc *alloc, uint32_t *isa);

#endif
