/* Parts of the forest's builder by themselves: places, growing arrays, sets, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libmirror/packet.h>

#include "match/forest_look.h"
#include "support/isa.h"

enum { PLACES = 300000 /* of which about ten pairs have equal hashes */, SLOTS_MIN = 1024 };

/* A builder of no rules. */
struct parts {
  struct mri_alloc alloc;
  struct mri_build build;
  struct mri_forest_builder builder;
};

static int setup(void **state) {
  static struct parts parts;
  memset(&parts, 0, sizeof parts);
  mri_alloc_default(&parts.alloc);
  parts.build = (struct mri_build){.alloc = &parts.alloc, .family = 4, .budget = UINT64_MAX};
  parts.builder = (struct mri_forest_builder){.build = &parts.build};
  parts.builder.places.size = mri_forest_place_size();
  parts.builder.kept.size = parts.builder.slots.size = sizeof(uint32_t);
  parts.builder.lists.size = sizeof(uint32_t);
  parts.builder.entries.size = sizeof(struct mri_forest_entry);
  parts.builder.lines.size = MRI_FOREST_LINE;
  *state = &parts;
  return 0;
}

static int teardown(void **state) {
  struct parts *parts = *state;
  mri_free(&parts->alloc, parts->builder.places.at);
  mri_free(&parts->alloc, parts->builder.kept.at);
  mri_free(&parts->alloc, parts->builder.slots.at);
  mri_free(&parts->alloc, parts->builder.lists.at);
  return 0;
}

/* ---- places ---- */

/* Two rules, in lists of which no two are equal. */
static void members_of(uint32_t number, uint32_t members[2]) {
  members[0] = number * 40503 & 0xffffff;
  members[1] = number >> 3;
}

static void remember(struct mri_forest_builder *builder, uint32_t number) {
  const struct mri_forest_region region = {{0}};
  const struct mri_forest_entry entry = {.first = number};
  uint32_t members[2];
  members_of(number, members);
  assert_true(mri_forest_remember(builder, members, 2, &region, 1, &entry));
}

static uint32_t taken_slots(const struct mri_forest_builder *builder) {
  const uint32_t *slots = builder->slots.at;
  uint32_t taken = 0;
  for (size_t i = 0; i < builder->slots.count; i++)
    taken += slots[i] != 0;
  return taken;
}

static void test_places_of_equal_hashes_are_told_apart(void **state) {
  struct parts *parts = *state;
  struct mri_forest_builder *builder = &parts->builder;
  const struct mri_forest_region region = {{0}};
  struct mri_forest_entry entry = {.first = MRI_NO_RULE};
  uint32_t members[2] = {0};
  assert_false(mri_forest_known(builder, members, 2, &region, 1, &entry));
  for (uint32_t i = 0; i < PLACES; i++)
    remember(builder, i);
  for (uint32_t i = 0; i < PLACES; i++) {
    members_of(i, members);
    assert_true(mri_forest_known(builder, members, 2, &region, 1, &entry));
    if (entry.first != i) fail_msg("place %u is taken for place %u", i, entry.first);
  }
  assert_int_equal(taken_slots(builder), PLACES);
}

/* Rules' copies do not count, the list, the region and the depth do. */
static void test_a_place_is_a_list_a_region_and_a_depth(void **state) {
  struct parts *parts = *state;
  struct mri_forest_builder *builder = &parts->builder;
  const struct mri_forest_region region = {{0}};
  struct mri_forest_entry entry;
  uint32_t members[2];
  remember(builder, 7);
  members_of(7, members);
  members[0] |= 3u << MRI_FOREST_SPREAD_SHIFT;
  assert_true(mri_forest_known(builder, members, 2, &region, 1, &entry));
  assert_false(mri_forest_known(builder, members, 1, &region, 1, &entry));
  assert_false(mri_forest_known(builder, members, 2, &region, 2, &entry));
  for (unsigned view = 0; view < MRI_FOREST_VIEWS_MAX; view++) {
    struct mri_forest_region other = region;
    other.known[view] = 1;
    assert_false(mri_forest_known(builder, members, 2, &other, 1, &entry));
  }
  mri_forest_forget(builder);
  assert_false(mri_forest_known(builder, members, 2, &region, 1, &entry));
  assert_int_equal(taken_slots(builder), 0);
}

/* Chains stay short: never more than half of the slots are taken. */
static void test_half_of_the_slots_are_free(void **state) {
  struct parts *parts = *state;
  struct mri_forest_builder *builder = &parts->builder;
  size_t expected = SLOTS_MIN;
  for (uint32_t i = 0; i < 5 * SLOTS_MIN; i++) {
    remember(builder, i);
    if (2 * (i + 1) >= expected) expected *= 2;
    assert_int_equal(builder->slots.count, expected);
    assert_int_equal(builder->places.count, i + 1);
  }
}

/* ---- growing arrays ---- */

static void test_an_array_grows_when_it_is_full(void **state) {
  struct parts *parts = *state;
  struct mri_forest_builder *builder = &parts->builder;
  struct mri_forest_vector *lists = &builder->lists;
  assert_true(mri_forest_grow(builder, lists, 1000));
  const size_t room = lists->room;
  assert_in_range(room, 1500, 1600);
  assert_true(mri_forest_grow(builder, lists, room - 1000));
  assert_int_equal(lists->room, room);
  assert_int_equal(lists->count, room);
  assert_true(mri_forest_grow(builder, lists, 1));
  assert_true(lists->room > room);
}

/* Where a line is has to fit the bits of an entry, as the entry's octet does. */
static void test_lines_and_entries_are_bounded(void **state) {
  enum { LINES_MAX = 1 << 26, ENTRIES_MAX = 1 << 28 };
  struct parts *parts = *state;
  struct mri_forest_builder *builder = &parts->builder;
  builder->lines.count = LINES_MAX - 1;
  builder->entries.count = ENTRIES_MAX - 1;
  assert_true(mri_forest_grow(builder, &builder->lists, 1));
  builder->lines.count = LINES_MAX;
  assert_false(mri_forest_grow(builder, &builder->lists, 1));
  assert_int_equal(builder->status, MIRROR_E_LIST_MEMORY);
  builder->lines.count = 0;
  builder->entries.count = ENTRIES_MAX;
  builder->status = MIRROR_OK;
  assert_false(mri_forest_grow(builder, &builder->lists, 1));
  assert_int_equal(builder->status, MIRROR_E_LIST_MEMORY);
}

/* ---- sets ---- */

/* Whether so many rules without a tree get rows. */
static bool has_rows(struct parts *parts, uint32_t count) {
  struct mri_match_rule *rules = calloc(count, sizeof *rules);
  uint8_t *in = calloc(count, 1);
  struct mri_forest_group group;
  assert_non_null(rules);
  assert_non_null(in);
  for (uint32_t i = 0; i < count; i++)
    rules[i] = (struct mri_match_rule){
        .family = 4, .source_last = UINT16_MAX, .destination_last = UINT16_MAX};
  parts->build.rules = rules;
  parts->build.count = count;
  parts->builder.group = in;
  assert_true(mri_forest_group_open(&group, &parts->builder, 0));
  assert_int_equal(group.count, count);
  assert_int_equal(group.sets, (count + MRI_FOREST_SET - 1) / MRI_FOREST_SET);
  const bool rows = group.rows != NULL;
  mri_forest_group_close(&parts->alloc, &group);
  free(in);
  free(rules);
  return rows;
}

static void test_very_long_groups_have_no_rows(void **state) {
  enum { SETS = 512 };
  assert_true(has_rows(*state, 1));
  assert_true(has_rows(*state, SETS * MRI_FOREST_SET));
  assert_false(has_rows(*state, SETS * MRI_FOREST_SET + 1));
}

/* ---- looking at cuts ---- */

static uint32_t looks_scalar, looks_avx2;

#define LOOK(name, looks)                                                                \
  void __real_##name(const struct mri_forest_scratch *scratch, const struct item *items, \
                     uint32_t count, uint32_t leaf, const struct candidates *candidates, \
                     struct outlook *outlook);                                           \
  void __wrap_##name(const struct mri_forest_scratch *scratch, const struct item *items, \
                     uint32_t count, uint32_t leaf, const struct candidates *candidates, \
                     struct outlook *outlook);                                           \
  void __wrap_##name(const struct mri_forest_scratch *scratch, const struct item *items, \
                     uint32_t count, uint32_t leaf, const struct candidates *candidates, \
                     struct outlook *outlook) {                                          \
    (looks)++;                                                                           \
    __real_##name(scratch, items, count, leaf, candidates, outlook);                     \
  }

LOOK(mri_forest_look_scalar, looks_scalar)
#if defined(__x86_64__)
LOOK(mri_forest_look_avx2, looks_avx2)
#endif

/* With one source each, so that there is a cut. */
static void test_cuts_are_looked_at_with_the_instruction_set_of_the_list(void **state) {
  enum { RULES = 64 };
  struct parts *parts = *state;
  struct mri_match_rule rules[RULES];
  uint32_t number[RULES];
  struct mri_engine engine = {.structure = MIRROR_STRUCTURE_NONE};
  for (uint32_t i = 0; i < RULES; i++) {
    number[i] = i;
    rules[i] = (struct mri_match_rule){.family = 4,
                                       .source = {10, (uint8_t)i},
                                       .source_length = 32,
                                       .source_last = UINT16_MAX,
                                       .destination_last = UINT16_MAX};
  }
  parts->build.rules = rules;
  parts->build.number = number;
  parts->build.count = RULES;
  parts->build.isa = test_isa();
  looks_scalar = looks_avx2 = 0;
  assert_int_equal(mri_forest_build(&parts->build, &engine), MIRROR_OK);
  engine.destroy(&parts->alloc, engine.state);
  const bool by_avx2 = test_isa() == MIRROR_ISA_AVX2 || test_isa() == MIRROR_ISA_AVX512;
  assert_true((looks_avx2 > 0) == by_avx2);
  assert_true((looks_scalar > 0) == !by_avx2);
}

/* ---- numbers ---- */

/* The structure of a list whose last rule has this number; what a key that it matches gets. */
static uint32_t structure_of(struct parts *parts, uint32_t last, uint32_t *found) {
  struct mri_match_rule rules[2];
  const uint32_t number[] = {5, last};
  struct mri_engine engine = {.structure = MIRROR_STRUCTURE_NONE};
  const mirror_key4 key = {.protocol = 17};
  const void *keys[] = {&key};
  for (unsigned i = 0; i < 2; i++)
    rules[i] = (struct mri_match_rule){.family = 4,
                                       .protocol = (uint16_t)(i ? 17 : 6),
                                       .source_last = UINT16_MAX,
                                       .destination_last = UINT16_MAX};
  parts->build.rules = rules;
  parts->build.number = number;
  parts->build.count = 2;
  parts->build.isa = test_isa();
  assert_int_equal(mri_forest_build(&parts->build, &engine), MIRROR_OK);
  engine.match(engine.state, keys, 1, found);
  engine.destroy(&parts->alloc, engine.state);
  return engine.structure;
}

static void test_numbers_that_do_not_fit_word_0_make_bit_vectors(void **state) {
  uint32_t found;
  assert_int_equal(structure_of(*state, MRI_FOREST_NUMBERS - 1, &found), MIRROR_STRUCTURE_FOREST);
  assert_int_equal(found, MRI_FOREST_NUMBERS - 1);
  assert_int_equal(structure_of(*state, MRI_FOREST_NUMBERS, &found), MIRROR_STRUCTURE_NIBBLES);
  assert_int_equal(found, MRI_FOREST_NUMBERS);
}

/* ---- absent fields ---- */

/* What a list of one rule that asks for this field says of a key that has its values. */
static uint32_t answer_without(struct parts *parts, uint8_t family, uint8_t field, uint8_t absent) {
  struct mri_match_rule rule = {.family = family,
                                .protocol = MIRROR_PROTOCOL_ALL,
                                .source_last = UINT16_MAX,
                                .destination_last = UINT16_MAX};
  static const uint32_t number[] = {0};
  struct mri_engine engine = {.structure = MIRROR_STRUCTURE_NONE};
  const mirror_key4 key4 = {.protocol = 6, .absent = absent};
  const mirror_key6 key6 = {.protocol = 6, .absent = absent};
  const void *keys[] = {family == 4 ? (const void *)&key4 : &key6};
  uint32_t first;
  if (field == MIRROR_KEY_PROTOCOL) rule.protocol = 6;
  if (field == MIRROR_KEY_SOURCE_PORT) rule.source_last = 0;
  if (field == MIRROR_KEY_DESTINATION_PORT) rule.destination_last = 0;
  parts->build.rules = &rule;
  parts->build.number = number;
  parts->build.count = 1;
  parts->build.family = family;
  parts->build.isa = test_isa();
  assert_int_equal(mri_forest_build(&parts->build, &engine), MIRROR_OK);
  engine.match(engine.state, keys, 1, &first);
  engine.destroy(&parts->alloc, engine.state);
  return first;
}

/* In a batch of nothing but keys that lack it. */
static void test_m8_one_absent_field_is_enough(void **state) {
  static const uint8_t fields[] = {MIRROR_KEY_PROTOCOL, MIRROR_KEY_SOURCE_PORT,
                                   MIRROR_KEY_DESTINATION_PORT};
  for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2)) {
    for (unsigned i = 0; i < 3; i++) {
      for (uint8_t absent = 0; absent < 8; absent++)
        assert_int_equal(answer_without(*state, family, fields[i], absent),
                         absent & fields[i] ? MRI_NO_RULE : 0);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_places_of_equal_hashes_are_told_apart, setup, teardown),
      cmocka_unit_test_setup_teardown(test_a_place_is_a_list_a_region_and_a_depth, setup, teardown),
      cmocka_unit_test_setup_teardown(test_half_of_the_slots_are_free, setup, teardown),
      cmocka_unit_test_setup_teardown(test_an_array_grows_when_it_is_full, setup, teardown),
      cmocka_unit_test_setup_teardown(test_lines_and_entries_are_bounded, setup, teardown),
      cmocka_unit_test_setup_teardown(test_very_long_groups_have_no_rows, setup, teardown),
      cmocka_unit_test_setup_teardown(test_cuts_are_looked_at_with_the_instruction_set_of_the_list,
                                      setup, teardown),
      cmocka_unit_test_setup_teardown(test_m8_one_absent_field_is_enough, setup, teardown),
      cmocka_unit_test_setup_teardown(test_numbers_that_do_not_fit_word_0_make_bit_vectors, setup,
                                      teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
