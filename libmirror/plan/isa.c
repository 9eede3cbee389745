#include "plan/isa.h"

#include "core/context.h"
#include "match/isa.h"

#include <libmirror/engine.h>
#include <stdatomic.h>

/* What contexts get that do not ask for one: mirror_isa_force. */
static _Atomic uint32_t forced = MIRROR_ISA_AUTO;

static int32_t check(const struct mri_alloc *alloc, uint32_t isa) {
  if (isa > MIRROR_ISA_AVX512) return MIRROR_E_ARGUMENT;
  return isa == MIRROR_ISA_AUTO ? MIRROR_OK : mri_isa_check(alloc, isa);
}

int32_t mri_isa_choose(const struct mri_alloc *alloc, uint32_t wanted, uint32_t *isa) {
  *isa = wanted != MIRROR_ISA_AUTO ? wanted : atomic_load(&forced);
  if (*isa == MIRROR_ISA_AUTO) return mri_isa_best(alloc, isa);
  return check(alloc, *isa);
}

int32_t mirror_isa_check(uint32_t isa) {
  struct mri_alloc alloc;
  mri_alloc_default(&alloc);
  return check(&alloc, isa);
}

int32_t mirror_isa_force(uint32_t isa) {
  const int32_t status = mirror_isa_check(isa);
  if (status == MIRROR_OK) atomic_store(&forced, isa);
  return status;
}

int32_t mirror_context_isa(const mirror_context *context, uint32_t *isa) {
  if (!context || !isa) return MIRROR_E_ARGUMENT;
  *isa = context->isa;
  return MIRROR_OK;
}
