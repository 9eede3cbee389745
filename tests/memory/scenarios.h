/*
 * Scenarios in which allocations fail (test_out_of_memory.c). All calls of the library go through
 * USE, which notes the name: a public function that is in no scenario fails the test.
 */
#ifndef TESTS_MEMORY_SCENARIOS_H
#define TESTS_MEMORY_SCENARIOS_H

#include "support/model.h"

#include <stdbool.h>

struct scenario {
  const char *name;
  /* Before allocations fail, on top of model_base; NULL: nothing. */
  void (*prepare)(struct model *model);
  /* One call that may need memory, whose status is returned; what it made is given back. */
  int32_t (*act)(struct model *model);
  bool never; /* it allocates nothing */
};

extern const struct scenario scenarios[];
extern const uint32_t scenario_count;

/* Of calls that allocate nothing: quiet.c. */
extern const struct scenario quiet_scenarios[];
extern const uint32_t quiet_count;

void used(const char *function);
#define USE(function) (used(#function), function)

/* For calls without a context, or with one that uses malloc: malloc fails instead. */
void malloc_is_memory(bool yes);

/* Fails the test unless `status` is MIRROR_OK. */
void fine(int32_t status);

#endif
