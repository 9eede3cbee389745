/*
 * test_engines [COMPARISONS [SEED]]: every structure and instruction set against the scan, on
 * random lists. SEED is the first list's; each list that is compared names its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "differential/contest.h"
#include "differential/lists.h"

enum { COMPARISONS = 20000000, KEYS_MAX = 1200, MIXED = 70, COUNTS = 300, LONG = 40 };

static uint64_t wanted = COMPARISONS, first_seed = 1;

static void check_family(struct contest *contest, struct draw *draw,
                         const struct mri_match_rule *rules, uint32_t count, uint32_t family) {
  static mirror_key keys[KEYS_MAX];
  const uint32_t key_count = 1 + draw_below(draw, KEYS_MAX);
  for (uint32_t i = 0; i < key_count; i++)
    list_draw_key(draw, rules, count, family, &keys[i]);
  contest_keys(contest, draw, keys, key_count);
}

static void check_mixed(struct contest *contest, struct draw *draw,
                        const struct mri_match_rule *rules, uint32_t count) {
  mirror_key keys[MIXED];
  for (uint32_t i = 0; i < MIXED; i++) {
    list_draw_key(draw, rules, count, draw_one_in(draw, 2) ? 4 : 6, &keys[i]);
    if (draw_one_in(draw, 10)) keys[i] = (mirror_key){.family = 0};
  }
  contest_mixed(contest, keys, MIXED);
}

static bool has_family(const struct mri_match_rule *rules, uint32_t count, uint32_t family) {
  for (uint32_t i = 0; i < count; i++)
    if (rules[i].family == family) return true;
  return false;
}

static void check_list(struct contest *contest, uint64_t seed) {
  static struct mri_match_rule rules[LIST_RULES_MAX];
  struct draw draw;
  char name[64];
  draw_seed(&draw, seed);
  const uint32_t count = list_draw(&draw, rules);
  snprintf(name, sizeof name, "seed %llu (%u rules)", (unsigned long long)seed, count);
  contest_begin(contest, name, rules, count, MIRROR_ISA_AUTO);
  contest->whole = draw_one_in(&draw, 4);
  for (uint32_t family = 4; family <= 6; family += 2) {
    if (has_family(rules, count, family)) check_family(contest, &draw, rules, count, family);
  }
  check_mixed(contest, &draw, rules, count);
  contest_end(contest);
}

static void test_m1_random_lists(void **unused) {
  (void)unused;
  struct contest contest;
  contest_open(&contest);
  for (uint64_t seed = first_seed; contest.comparisons < wanted; seed++)
    check_list(&contest, seed);
  contest_conclude(&contest);
  contest_close(&contest);
}

/* A list of one family that is not short. */
static uint32_t draw_long_list(struct draw *draw, struct mri_match_rule *rules, uint8_t family) {
  uint32_t count, of_family = 0;
  do {
    of_family = 0;
    count = list_draw(draw, rules);
    for (uint32_t i = 0; i < count; i++)
      if (rules[i].family == family) rules[of_family++] = rules[i];
  } while (of_family < LONG);
  return of_family;
}

/* Every number of keys that a vector loop can end with, each at the end of accessible memory. */
static void check_counts(struct contest *contest, uint8_t family) {
  static struct mri_match_rule rules[LIST_RULES_MAX];
  static mirror_key keys[COUNTS];
  struct draw draw;
  draw_seed(&draw, family);
  const uint32_t count = draw_long_list(&draw, rules, family);
  contest_begin(contest, "every count", rules, count, MIRROR_ISA_AUTO);
  contest->whole = true;
  for (uint32_t key_count = 1; key_count <= COUNTS; key_count++) {
    for (uint32_t i = 0; i < key_count; i++)
      list_draw_key(&draw, rules, count, family, &keys[i]);
    contest_keys(contest, &draw, keys, key_count);
  }
  contest_end(contest);
}

static void test_every_count_of_keys(void **unused) {
  (void)unused;
  struct contest contest;
  contest_open(&contest);
  check_counts(&contest, 4);
  check_counts(&contest, 6);
  contest_conclude(&contest);
  contest_close(&contest);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_count_of_keys),
                                     cmocka_unit_test(test_m1_random_lists)};
  if (argc > 1) wanted = strtoull(argv[1], NULL, 10);
  if (argc > 2) first_seed = strtoull(argv[2], NULL, 10);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
