/*
 * Every public struct that begins with its size, and the calls that read or write it. A new one
 * needs an entry in structs.c: test_structs fails without.
 */
#ifndef TESTS_ABI_STRUCTS_H
#define TESTS_ABI_STRUCTS_H

#include "support/model.h"

struct entry {
  const char *name;
  uint32_t size;                         /* now */
  uint32_t first;                        /* of the oldest callers; once released it never changes */
  uint32_t end;                          /* behind the last member: no hidden padding */
  void (*init)(void *it, uint32_t size); /* NULL: the library alone makes these */
  void (*fill)(struct model *model, void *it);      /* sets what a call requires; NULL: nothing */
  int32_t (*reads)(struct model *model, void *it);  /* a call that reads it; NULL: none */
  int32_t (*writes)(struct model *model, void *it); /* a call that writes it; NULL: none */
};

extern const struct entry entries[];
extern const uint32_t entry_count;

#endif
