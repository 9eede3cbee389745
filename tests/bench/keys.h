/* Prepared keys for a rule list with the answers that are right: from a trace, or drawn. */
#ifndef TESTS_BENCH_KEYS_H
#define TESTS_BENCH_KEYS_H

#include "support/classbench.h"

#include <stddef.h>

struct bench_keys {
  uint32_t count;
  uint32_t family;
  size_t octets;        /* of the keys */
  void *keys;           /* mirror_key4 or mirror_key6, one behind the other */
  const void **pointer; /* to each */
  uint32_t *expected;   /* first matching rule */
  uint32_t *found;      /* room for answers */
};

/*
 * With `path` a trace; without one, `count` keys drawn inside the rules, one in ten moved away, and
 * answered by a scan. Ends the program if it cannot.
 */
void bench_keys_open(struct bench_keys *keys, const char *path, const struct classbench *set,
                     uint32_t count);
void bench_keys_close(struct bench_keys *keys);

/* How many answers in `found` are wrong. */
uint32_t bench_keys_wrong(const struct bench_keys *keys);

#endif
