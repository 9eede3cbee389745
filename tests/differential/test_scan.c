/* The scan, by which everything else is judged, against the judge (M1, M8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "differential/lists.h"
#include "match/list.h"

enum { LISTS = 400, KEYS = 100, COMPARISONS_MIN = 2000000 };

static uint32_t judge(const struct mri_match_rule *rules, uint32_t count, const mirror_key *key,
                      uint64_t *comparisons) {
  uint32_t outcome;
  for (uint32_t i = 0; i < count; i++) {
    ++*comparisons;
    if (mri_rule_compare(&rules[i], key, &outcome) == MIRROR_FIELD_NONE) return i;
  }
  return MRI_NO_RULE;
}

static struct mri_list *compile(const struct mri_alloc *alloc, const struct mri_match_rule *rules,
                                uint32_t count) {
  const struct mri_list_options options = {MIRROR_ISA_SCALAR, MIRROR_STRUCTURE_SCAN, UINT64_MAX};
  struct mri_list *list = NULL;
  struct mri_list_facts facts;
  assert_int_equal(mri_list_compile(alloc, rules, count, &options, &list, &facts), MIRROR_OK);
  for (uint32_t part = 0; part < 2; part++)
    assert_int_equal(facts.structure[part],
                     facts.rules[part] ? MIRROR_STRUCTURE_SCAN : MIRROR_STRUCTURE_NONE);
  return list;
}

/* Returns how many keys matched a rule. */
static uint32_t check_list(uint64_t seed, uint64_t *comparisons) {
  static struct mri_match_rule rules[LIST_RULES_MAX];
  static mirror_key keys[KEYS];
  uint32_t batch[KEYS], matched = 0;
  struct mri_alloc alloc;
  struct draw draw;
  draw_seed(&draw, seed);
  mri_alloc_default(&alloc);
  const uint32_t count = list_draw(&draw, rules);
  struct mri_list *list = compile(&alloc, rules, count);
  for (uint32_t i = 0; i < KEYS; i++) {
    list_draw_key(&draw, rules, count, draw_one_in(&draw, 2) ? 4 : 6, &keys[i]);
    if (draw_one_in(&draw, 50)) keys[i] = (mirror_key){.family = 0};
  }
  mri_list_match_batch(list, keys, sizeof keys[0], KEYS, batch);
  for (uint32_t i = 0; i < KEYS; i++) {
    const uint32_t expected = judge(rules, count, &keys[i], comparisons);
    const uint32_t single = mri_list_match(list, &keys[i]);
    if (single != expected || batch[i] != expected)
      fail_msg("seed %llu, %u rules, key %u: judge says rule %d, list %d, batch %d",
               (unsigned long long)seed, count, i, (int)expected, (int)single, (int)batch[i]);
    matched += expected != MRI_NO_RULE;
  }
  mri_list_destroy(&alloc, list);
  return matched;
}

static void test_m1_the_scan_agrees_with_the_judge(void **unused) {
  (void)unused;
  uint64_t comparisons = 0, matched = 0;
  for (uint64_t list = 0; list < LISTS; list++)
    matched += check_list(list, &comparisons);
  print_message("%llu rules compared with a key, %llu of %u keys matched\n",
                (unsigned long long)comparisons, (unsigned long long)matched, LISTS * KEYS);
  assert_true(comparisons >= COMPARISONS_MIN);
  assert_in_range(matched, LISTS * KEYS / 5, LISTS * KEYS * 9 / 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_m1_the_scan_agrees_with_the_judge)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
