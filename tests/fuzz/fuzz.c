#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

uint8_t fuzz_octet(struct fuzz *fuzz) {
  if (fuzz->left == 0) return 0;
  fuzz->left--;
  return *fuzz->at++;
}

uint64_t fuzz_number(struct fuzz *fuzz, uint32_t octets) {
  uint64_t number = 0;
  while (octets--)
    number = number << 8 | fuzz_octet(fuzz);
  return number;
}

uint32_t fuzz_below(struct fuzz *fuzz, uint32_t bound) {
  return (uint32_t)fuzz_number(fuzz, bound > 256 ? 2 : 1) % bound;
}

bool fuzz_one_in(struct fuzz *fuzz, uint32_t n) {
  return fuzz_below(fuzz, n) == n - 1;
}

const uint8_t *fuzz_take(struct fuzz *fuzz, size_t wanted, size_t *taken) {
  const uint8_t *at = fuzz->at;
  *taken = wanted < fuzz->left ? wanted : fuzz->left;
  fuzz->at += *taken;
  fuzz->left -= *taken;
  return at;
}

static bool fails(struct fuzz_memory *memory) {
  memory->calls++;
  const bool now = memory->failing && (memory->calls == memory->failing ||
                                       (memory->onwards && memory->calls > memory->failing));
  memory->failed += now;
  return now;
}

static void *allocate(void *user, uint64_t octets) {
  struct fuzz_memory *memory = user;
  if (fails(memory)) return NULL;
  memory->blocks++;
  return malloc((size_t)octets);
}

static void *resize(void *user, void *block, uint64_t octets) {
  return fails(user) ? NULL : realloc(block, (size_t)octets);
}

static void release(void *user, void *block) {
  ((struct fuzz_memory *)user)->blocks--;
  free(block);
}

void fuzz_memory_use(struct fuzz_memory *memory, mirror_context_options *options) {
  options->allocator_user = memory;
  options->allocate = allocate;
  options->resize = resize;
  options->release = release;
}

void fuzz_memory_draw(struct fuzz_memory *memory, struct fuzz *fuzz) {
  const uint32_t how = fuzz_below(fuzz, 4);
  memory->calls = memory->failed = 0;
  memory->failing = how < 2 ? 0 : 1 + (long)fuzz_below(fuzz, how == 2 ? 32 : 1024);
  memory->onwards = memory->failing && fuzz_one_in(fuzz, 2);
}

void fuzz_fail(const char *file, int line, const char *what) {
  fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
  abort();
}
