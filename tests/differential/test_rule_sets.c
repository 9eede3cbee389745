/*
 * test_rule_sets [COMPARISONS]: every structure against the scan, on the rule sets in
 * data/classbench of $MIRROR_SHARED or of a folder "shared" beside the project, as they are and
 * made IPv6. Below LONG_RUN comparisons long lists are cut, and each is compiled for one
 * instruction set, which takes turns.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "differential/contest.h"
#include "support/classbench.h"

enum {
  COMPARISONS = 20000000,
  LONG_RUN = 100000000,
  SETS_MAX = 256,
  NO_TEST = 77,
  SHORT_RULES = 2048, /* up to here: all instruction sets */
  CUT_RULES = 12000,
  /* Times a rule is compared with a key by the scan, per list: what bounds the time of the test. */
  SCANNED = 100000000,
};

struct path {
  char text[512];
};

static struct path sets[SETS_MAX];
static uint32_t set_count;
static uint64_t wanted = COMPARISONS;

static int compare_paths(const void *a, const void *b) {
  return strcmp(((const struct path *)a)->text, ((const struct path *)b)->text);
}

static void find_sets(const char *shared, const char *folder) {
  char path[256];
  snprintf(path, sizeof path, "%s/data/classbench/%s", shared, folder);
  DIR *directory = opendir(path);
  if (!directory) return;
  for (struct dirent *entry; (entry = readdir(directory)) && set_count < SETS_MAX;) {
    if (entry->d_name[0] == '.') continue;
    snprintf(sets[set_count++].text, sizeof sets[0].text, "%s/%s", path, entry->d_name);
  }
  closedir(directory);
}

/* As traces are made: keys inside rules, one in ten beside; and at corners. */
static void draw_keys(struct draw *draw, const struct classbench *set, mirror_key *keys,
                      uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const struct mri_match_rule *rule = &set->rules[draw_below(draw, set->count)];
    if (draw_one_in(draw, 4))
      draw_corner(draw, rule, &keys[i]);
    else if (draw_one_in(draw, 10))
      draw_beside(draw, rule, &keys[i]);
    else
      draw_inside(draw, rule, &keys[i]);
    if (draw_one_in(draw, 16)) draw_absent(draw, &keys[i]);
  }
}

/* How many keys of a list: as many as were asked for, unless the scan would take too long. */
static uint64_t keys_of(const struct contest *contest, const struct classbench *set) {
  const uint64_t share = wanted / set_count / contest->variant_count + 1;
  const uint64_t bearable = SCANNED / set->count + 1;
  return wanted < LONG_RUN && share > bearable ? bearable : share;
}

static void check_set(struct contest *contest, const char *path, uint32_t number, bool wide) {
  static mirror_key keys[CONTEST_KEYS_MAX];
  struct classbench set;
  struct draw draw;
  const bool cut = wanted < LONG_RUN;
  assert_true(classbench_read(&set, path));
  if (wide && set.family == 4) classbench_widen(&set);
  if (cut && set.count > CUT_RULES) set.count = CUT_RULES;
  const bool all = !cut || set.count <= SHORT_RULES;
  const uint32_t isa = contest->isas[number % contest->isa_count];
  draw_seed(&draw, number);
  contest_begin(contest, path, set.rules, set.count, all ? MIRROR_ISA_AUTO : isa);
  for (uint64_t left = keys_of(contest, &set), count; left; left -= count) {
    count = left < CONTEST_KEYS_MAX ? left : CONTEST_KEYS_MAX;
    draw_keys(&draw, &set, keys, (uint32_t)count);
    contest_keys(contest, &draw, keys, (uint32_t)count);
  }
  contest_end(contest);
  classbench_free(&set);
}

static void check_sets(bool wide) {
  struct contest contest;
  contest_open(&contest);
  for (uint32_t i = 0; i < set_count; i++)
    check_set(&contest, sets[i].text, i + wide, wide);
  print_message("%u rule sets: ", set_count);
  contest_conclude(&contest);
  contest_close(&contest);
}

static void test_m1_rule_sets(void **unused) {
  (void)unused;
  check_sets(false);
}

/* The same lists for IPv6. */
static void test_m1_wide_rule_sets(void **unused) {
  (void)unused;
  check_sets(true);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_m1_rule_sets),
                                     cmocka_unit_test(test_m1_wide_rule_sets)};
  const char *shared = getenv("MIRROR_SHARED");
  if (argc > 1) wanted = strtoull(argv[1], NULL, 10);
  if (!shared) shared = SHARED_BESIDE;
  find_sets(shared, "classbench");
  find_sets(shared, "overlapping");
  if (!set_count) {
    printf("skipped: no rule sets; MIRROR_SHARED names no folder with data/classbench\n");
    return NO_TEST;
  }
  qsort(sets, set_count, sizeof sets[0], compare_paths);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
