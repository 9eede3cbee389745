#include "support/isa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "match/isa.h"

/* The one of this name; ends the test if there is none. */
static uint32_t isa_of(const char *name) {
  for (uint32_t isa = MIRROR_ISA_SCALAR; isa <= MIRROR_ISA_AVX512; isa++)
    if (strcmp(mirror_isa_name(isa), name) == 0) return isa;
  fprintf(stderr, "MIRROR_TEST_ISA names no instruction set: %s\n", name);
  exit(1);
}

uint32_t test_isa(void) {
  const char *wanted = getenv("MIRROR_TEST_ISA");
  struct mri_alloc alloc;
  uint32_t best = MIRROR_ISA_SCALAR;
  if (wanted) return isa_of(wanted);
  mri_alloc_default(&alloc);
  mri_isa_best(&alloc, &best);
  return best;
}

struct mri_list_options test_list_options(uint32_t structure) {
  return (struct mri_list_options){test_isa(), structure, UINT64_MAX};
}

/* 77: this machine has not what the environment asks for. What it has must pass the self-check. */
__attribute__((constructor)) static void force(void) {
  const uint32_t isa = test_isa();
  const int32_t status = mirror_isa_force(isa);
  if (status == MIRROR_OK) return;
  const bool present = mri_isa_present(isa);
  printf("%s: this machine has %s%s: %s\n", present ? "failed" : "skipped", present ? "" : "no ",
         mirror_isa_name(isa), mirror_status_name(status));
  fflush(stdout);
  _exit(present ? 1 : 77);
}
