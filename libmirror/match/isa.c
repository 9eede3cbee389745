#include "match/isa.h"

#include <libmirror/engine.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* Register state that the system saves: SSE and AVX, and AVX-512 besides (Intel SDM 13.3). */
enum { STATE_AVX = 0x06, STATE_AVX512 = 0xe6 };

/* CPUID leaf 1 ECX, leaf 7 EBX, leaf 0x80000001 ECX (Intel SDM, CPUID). */
enum {
  OSXSAVE = 1 << 27,
  BMI1 = 1 << 3,
  AVX2 = 1 << 5,
  BMI2 = 1 << 8,
  LZCNT = 1 << 5,
  AVX512_F = 1 << 16,
  AVX512_DQ = 1 << 17,
  AVX512_CD = 1 << 28,
  AVX512_BW = 1 << 30,
};
#define AVX512_VL (1u << 31)

static uint64_t saved_state(void) {
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

static bool has(uint32_t bits, uint32_t wanted) {
  return (bits & wanted) == wanted;
}

static struct mri_x86 this_machine(void) {
  struct mri_x86 x86 = {.saved = 0};
  uint32_t a, b, c, d;
  if (__get_cpuid(1, &a, &b, &c, &d)) x86.basic = c;
  if (__get_cpuid(0x80000001, &a, &b, &c, &d)) x86.extended = c;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) x86.features = b;
  if (has(x86.basic, OSXSAVE)) x86.saved = saved_state();
  return x86;
}

bool mri_x86_has(const struct mri_x86 *x86, uint32_t isa) {
  if (!has(x86->basic, OSXSAVE) || !has(x86->extended, LZCNT) ||
      !has(x86->features, AVX2 | BMI1 | BMI2))
    return false;
  if (isa == MIRROR_ISA_AVX2) return (x86->saved & STATE_AVX) == STATE_AVX;
  return (x86->saved & STATE_AVX512) == STATE_AVX512 &&
         has(x86->features, AVX512_F | AVX512_DQ | AVX512_CD | AVX512_BW | AVX512_VL);
}
#endif

bool mri_isa_present(uint32_t isa) {
  switch (isa) {
    case MIRROR_ISA_SCALAR:
      return true;
#if defined(__x86_64__)
    case MIRROR_ISA_AVX2:
    case MIRROR_ISA_AVX512: {
      const struct mri_x86 x86 = this_machine();
      return mri_x86_has(&x86, isa);
    }
#elif defined(__aarch64__)
    case MIRROR_ISA_NEON: /* part of the architecture */
      return true;
#endif
    default:
      return false;
  }
}

int32_t mri_isa_best(const struct mri_alloc *alloc, uint32_t *isa) {
  for (*isa = MIRROR_ISA_AVX512; *isa > MIRROR_ISA_SCALAR; --*isa) {
    const int32_t status = mri_isa_check(alloc, *isa);
    if (status != MIRROR_E_UNSUPPORTED) return status;
  }
  return MIRROR_OK;
}

const char *mirror_isa_name(uint32_t isa) {
  static const char *const names[] = {"auto", "scalar", "neon", "avx2", "avx512"};
  return isa < sizeof names / sizeof names[0] ? names[isa] : "unknown";
}

const char *mirror_structure_name(uint32_t structure) {
  static const char *const names[] = {"none", "scan", "nibbles", "forest"};
  return structure < sizeof names / sizeof names[0] ? names[structure] : "unknown";
}
