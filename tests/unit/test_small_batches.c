/*
 * Which engine of a list answers: trees for batches too small to sort, where there is memory for
 * them. Between a list and its engines stand functions of this test, by --wrap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "match/list.h"
#include "packet/octets.h"
#include "support/isa.h"

enum { RULES_MAX = 1500, KEYS_MAX = 300, SMALL_BATCH = 96 };

static bool watched;      /* engines get the answers below: those of this test's lists alone */
static uint32_t answered; /* the structure that answered last */

int32_t __real_mri_nibbles_build(const struct mri_build *build, struct mri_engine *engine);
int32_t __wrap_mri_nibbles_build(const struct mri_build *build, struct mri_engine *engine);
int32_t __real_mri_forest_build(const struct mri_build *build, struct mri_engine *engine);
int32_t __wrap_mri_forest_build(const struct mri_build *build, struct mri_engine *engine);

static void answer_none(uint32_t count, uint32_t *first) {
  for (uint32_t i = 0; i < count; i++)
    first[i] = MRI_NO_RULE;
}

static void nibbles_answer(const void *state, const void *const *keys, uint32_t count,
                           uint32_t *first) {
  (void)state, (void)keys;
  answered = MIRROR_STRUCTURE_NIBBLES;
  answer_none(count, first);
}

static void forest_answers(const void *state, const void *const *keys, uint32_t count,
                           uint32_t *first) {
  (void)state, (void)keys;
  answered = MIRROR_STRUCTURE_FOREST;
  answer_none(count, first);
}

int32_t __wrap_mri_nibbles_build(const struct mri_build *build, struct mri_engine *engine) {
  const int32_t status = __real_mri_nibbles_build(build, engine);
  if (watched) engine->match = nibbles_answer;
  return status;
}

int32_t __wrap_mri_forest_build(const struct mri_build *build, struct mri_engine *engine) {
  const int32_t status = __real_mri_forest_build(build, engine);
  if (watched) engine->match = forest_answers;
  return status;
}

static void make_rules(struct mri_match_rule *rules, uint32_t count, uint8_t family) {
  for (uint32_t i = 0; i < count; i++) {
    rules[i] = (struct mri_match_rule){.family = family,
                                       .source_length = 32,
                                       .source_last = UINT16_MAX,
                                       .destination_last = UINT16_MAX,
                                       .protocol = MIRROR_PROTOCOL_ALL};
    mri_put32(rules[i].source, i);
  }
}

/* The structure that answers for a batch of so many keys. */
static uint32_t answers_for(const struct mri_list *list, uint32_t family, uint32_t keys) {
  static const mirror_key6 key;
  const void *pointers[KEYS_MAX];
  uint32_t first[KEYS_MAX];
  for (uint32_t i = 0; i < keys; i++)
    pointers[i] = &key;
  answered = MIRROR_STRUCTURE_NONE;
  mri_list_match_keys(list, family, pointers, keys, first);
  return answered;
}

/* `small` answers for small batches, `large` for others. */
static void check_list(uint32_t count, uint8_t family, uint32_t small, uint32_t large) {
  static struct mri_match_rule rules[RULES_MAX];
  const struct mri_list_options options = test_list_options(MIRROR_STRUCTURE_NONE);
  struct mri_list_facts facts;
  struct mri_list *list;
  struct mri_alloc alloc;
  mri_alloc_default(&alloc);
  make_rules(rules, count, family);
  watched = true;
  assert_int_equal(mri_list_compile(&alloc, rules, count, &options, &list, &facts), MIRROR_OK);
  watched = false;
  assert_int_equal(answers_for(list, family, 1), small);
  assert_int_equal(answers_for(list, family, SMALL_BATCH), small);
  assert_int_equal(answers_for(list, family, SMALL_BATCH + 1), large);
  assert_int_equal(answers_for(list, family, KEYS_MAX), large);
  mri_list_destroy(&alloc, list);
}

static void test_trees_answer_for_small_batches_of_long_lists(void **state) {
  const uint32_t small =
      test_isa() == MIRROR_ISA_AVX512 ? MIRROR_STRUCTURE_FOREST : MIRROR_STRUCTURE_NIBBLES;
  (void)state;
  check_list(600, 4, small, MIRROR_STRUCTURE_NIBBLES);
  check_list(500, 6, small, MIRROR_STRUCTURE_NIBBLES);
}

static void test_bit_vectors_answer_alone_for_short_lists(void **state) {
  (void)state;
  check_list(599, 4, MIRROR_STRUCTURE_NIBBLES, MIRROR_STRUCTURE_NIBBLES);
  check_list(499, 6, MIRROR_STRUCTURE_NIBBLES, MIRROR_STRUCTURE_NIBBLES);
}

static void test_trees_answer_alone_for_the_longest_lists(void **state) {
  (void)state;
  check_list(1401, 4, MIRROR_STRUCTURE_FOREST, MIRROR_STRUCTURE_FOREST);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_trees_answer_for_small_batches_of_long_lists),
      cmocka_unit_test(test_bit_vectors_answer_alone_for_short_lists),
      cmocka_unit_test(test_trees_answer_alone_for_the_longest_lists),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
