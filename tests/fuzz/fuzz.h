/*
 * What the harnesses share. A harness is one source that defines LLVMFuzzerTestOneInput: libFuzzer
 * and AFL++ call it, and so does run_corpus.c in the regression tests. An input is a sequence of
 * decisions that the harness draws octet by octet; behind its end everything is 0, so that every
 * input is valid and short ones are simple.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <libmirror/libmirror.h>
#include <stdbool.h>
#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length);

/* What is left of the input. */
struct fuzz {
  const uint8_t *at;
  size_t left;
};

uint8_t fuzz_octet(struct fuzz *fuzz);
/* Big-endian, of 1 to 8 octets. */
uint64_t fuzz_number(struct fuzz *fuzz, uint32_t octets);
/* 0 to bound - 1; bound is at most 65536. */
uint32_t fuzz_below(struct fuzz *fuzz, uint32_t bound);
bool fuzz_one_in(struct fuzz *fuzz, uint32_t n);
/* Octets of the input itself: `wanted`, or what is left. */
const uint8_t *fuzz_take(struct fuzz *fuzz, size_t wanted, size_t *taken);

/* Memory functions that fail as the input says, and count the blocks in use. */
struct fuzz_memory {
  long failing; /* the allocation, counted from 1, that fails; 0 = none */
  bool onwards; /* and all that follow */
  long calls;
  long failed;
  long blocks;
};

/* Sets the three functions; `memory` is borrowed for the life of the context. */
void fuzz_memory_use(struct fuzz_memory *memory, mirror_context_options *options);
/* Draws whether, and which, of the allocations to come fails. */
void fuzz_memory_draw(struct fuzz_memory *memory, struct fuzz *fuzz);

/* Says what does not hold, and aborts. */
_Noreturn void fuzz_fail(const char *file, int line, const char *what);
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))

#endif
