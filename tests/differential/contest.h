/*
 * Every structure for every instruction set of the machine against the scan, on one list after the
 * other. A comparison is one key answered by an engine and by the scan; the scan itself is compared
 * with the judge in test_scan.c.
 */
#ifndef TESTS_DIFFERENTIAL_CONTEST_H
#define TESTS_DIFFERENTIAL_CONTEST_H

#include "match/list.h"
#include "support/draw.h"
#include "support/guard_page.h"

enum { CONTEST_KEYS_MAX = 4096, CONTEST_VARIANTS_MAX = 8, CONTEST_STRUCTURES = 4 };

struct contest_variant {
  uint32_t structure; /* asked for */
  uint32_t isa;
  struct mri_list *list;
};

struct contest {
  struct mri_alloc alloc;
  struct guard_page *guard;
  uint32_t isas[CONTEST_VARIANTS_MAX]; /* that the machine has */
  uint32_t isa_count;
  bool whole;     /* keys are asked for in one batch, else in batches of all sizes */
  uint32_t batch; /* size of the last batch: 1 to 300 in turn */
  uint64_t comparisons;
  uint64_t matched;
  uint64_t built[CONTEST_STRUCTURES]; /* engines that became this MIRROR_STRUCTURE_ */
  const char *name;                   /* of the list, for messages: how to have it again */
  struct mri_list *scan;
  struct contest_variant variants[CONTEST_VARIANTS_MAX];
  uint32_t variant_count;
};

void contest_open(struct contest *contest);
void contest_close(struct contest *contest);

/* Compiles a list in every way; `isa`: for this instruction set alone, AUTO: for all. */
void contest_begin(struct contest *contest, const char *name, const struct mri_match_rule *rules,
                   uint32_t count, uint32_t isa);
void contest_end(struct contest *contest);

/*
 * Asks all of them for keys of one family: prepared, at any alignment, the last one at the end of
 * accessible memory. What an absent field holds is drawn.
 */
void contest_keys(struct contest *contest, struct draw *draw, const mirror_key *keys,
                  uint32_t count);

/* The same for keys of both families and of unparsable packets, as packets are matched. */
void contest_mixed(struct contest *contest, const mirror_key *keys, uint32_t count);

/* Says how many comparisons there were; fails if all engines were scans, or few keys matched. */
void contest_conclude(const struct contest *contest);

#endif
