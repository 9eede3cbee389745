/*
 * test_engine_shapes [--print]: what lists are compiled into, beside what was recorded. All answers
 * may be right and yet lookups slow, if a cut, a class or a threshold is not the one that was
 * meant: this test sees it. --print writes the figures as record_shapes.sh records them.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "match/classes.h"
#include "match/forest.h"
#include "support/isa.h"
#include "unit/shape_lists.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Sizes of pointers and the order of octets are in the figures. */
#if UINTPTR_MAX == UINT64_MAX && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { COMPARABLE = 1 };
#else
enum { COMPARABLE = 0 };
#endif

#define RECORDED SOURCE_DIR "/tests/unit/engine_shapes.txt"

enum { LINE_MAX_OCTETS = 512 };

/* ---- figures ---- */

/* FNV-1a */
static void digest_add(uint64_t *digest, const void *memory, uint64_t octets) {
  const uint8_t *at = memory;
  for (uint64_t i = 0; i < octets; i++)
    *digest = (*digest ^ at[i]) * UINT64_C(0x100000001b3);
}

static void digest_number(uint64_t *digest, uint64_t number) {
  digest_add(digest, &number, sizeof number);
}

static void digest_entries(uint64_t *digest, const struct mri_forest_entry *entries,
                           uint64_t count) {
  for (uint64_t i = 0; i < count; i++) {
    digest_number(digest, entries[i].mask);
    digest_number(digest, entries[i].base);
    digest_number(digest, entries[i].first);
  }
}

static uint64_t rest_octets(const struct mri_forest *forest) {
  return (uint64_t)MRI_FOREST_INDEXED * MRI_FOREST_VALUES * forest->rest.sets *
         MRI_FOREST_SET_WORDS * sizeof *forest->rest.rows;
}

static void digest_rest(uint64_t *digest, const struct mri_forest_rest *rest, uint64_t octets) {
  digest_number(digest, rest->sets);
  digest_number(digest, rest->keys_max);
  for (uint32_t i = 0; i < MRI_FOREST_INDEXED; i++)
    digest_number(digest, rest->octet[i]);
  for (uint32_t i = 0; i < MRI_FOREST_SETS_MAX; i++)
    digest_number(digest, rest->first[i]);
  if (rest->sets) digest_add(digest, rest->rows, octets);
}

/* Of a finished forest, which is one block: lines, the rest as sets and rules, entries. */
static void put_forest(char *text, size_t room, const struct mri_engine *engine) {
  const struct mri_forest *forest = engine->state;
  const uint8_t *end_of_lines = (const uint8_t *)forest->entries;
  const uint64_t behind_head = engine->memory - forest->vectors.memory - sizeof *forest;
  const uint64_t before = (uint64_t)(end_of_lines - forest->lines);
  const uint64_t entries =
      (behind_head - MRI_FOREST_LINE - before) / sizeof(struct mri_forest_entry);
  uint64_t digest = 0;
  for (uint32_t i = 0; i < forest->trees; i++) {
    const struct mri_forest_tree *tree = &forest->tree[i];
    digest_entries(&digest, &tree->root, 1);
    digest_number(&digest, tree->steps);
    digest_number(&digest, tree->deepest);
    digest_number(&digest, tree->group);
  }
  digest_add(&digest, forest->lines, before);
  digest_entries(&digest, forest->entries, entries);
  digest_rest(&digest, &forest->rest, rest_octets(forest));
  snprintf(text, room,
           "trees %" PRIu32 " steps %" PRIu32 " deepest %" PRIu32 " lines %" PRIu64
           " entries %" PRIu64 " sets %" PRIu32 " forest %016" PRIx64,
           forest->trees, forest->tree[0].steps, forest->tree[0].deepest, before / MRI_FOREST_LINE,
           entries, forest->rest.sets, digest);
}

static struct mri_build build_of(const struct mri_alloc *alloc, const struct shape_list *list) {
  return (struct mri_build){.alloc = alloc,
                            .rules = list->rules,
                            .number = list->number,
                            .count = list->count,
                            .family = list->family,
                            .isa = test_isa(),
                            .budget = UINT64_MAX};
}

/* Classes for the blocks and vectors of all instruction sets. */
static uint64_t digest_classes(const struct shape_list *list) {
  static const uint32_t block[] = {63, 8, 32}, lanes[] = {1, 32, 16};
  static struct mri_octets rules[SHAPE_RULES_MAX];
  uint64_t digest = 0;
  memset(rules, 0, sizeof rules);
  for (uint32_t i = 0; i < list->count; i++) {
    mri_octets_of(&rules[i], &list->rules[i]);
    rules[i].is_hole = i % 16 == 15;
  }
  for (unsigned i = 0; i < COUNT(block); i++) {
    struct mri_classes classes = {.count = 0};
    mri_classes_choose(&classes, rules, list->count, list->family, block[i], lanes[i]);
    digest_number(&digest, classes.count);
    for (unsigned which = 0; which < MRI_CLASS_OCTETS; which++) {
      digest_number(&digest, classes.groups[which]);
      digest_number(&digest, classes.octet[which]);
      digest_add(&digest, classes.group[which], sizeof classes.group[which]);
    }
  }
  return digest;
}

static void compile(const struct mri_alloc *alloc, const struct shape_list *list, uint64_t budget,
                    struct mri_list_facts *facts) {
  struct mri_list_options options = test_list_options(MIRROR_STRUCTURE_NONE);
  struct mri_list *compiled;
  options.budget = budget;
  const int32_t status =
      mri_list_compile(alloc, list->all, list->total, &options, &compiled, facts);
  if (!status) mri_list_destroy(alloc, compiled);
  assert_true(status == MIRROR_OK || status == MIRROR_E_LIST_MEMORY);
}

/* What is the same for all instruction sets. */
static void put_common(const struct mri_alloc *alloc, const struct shape_list *list,
                       char line[LINE_MAX_OCTETS]) {
  const struct mri_build build = build_of(alloc, list);
  struct mri_engine engine = {.structure = MIRROR_STRUCTURE_NONE};
  struct mri_list_facts facts;
  compile(alloc, list, UINT64_MAX, &facts);
  assert_int_equal(mri_forest_build(&build, &engine), MIRROR_OK);
  const int used =
      snprintf(line, LINE_MAX_OCTETS,
               "any %s rules %" PRIu32 "+%" PRIu32 " hidden %" PRIu32 " classes %016" PRIx64 " ",
               list->name, facts.rules[0], facts.rules[1], facts.shadowed, digest_classes(list));
  put_forest(line + used, LINE_MAX_OCTETS - (size_t)used, &engine);
  engine.destroy(alloc, engine.state);
}

/* Memory by size and for each structure, and of what fits if there is one octet less than best. */
static void put_own(const struct mri_alloc *alloc, const struct shape_list *list,
                    char line[LINE_MAX_OCTETS]) {
  const struct mri_build build = build_of(alloc, list);
  struct mri_engine nibbles = {.structure = MIRROR_STRUCTURE_NONE}, forest = nibbles;
  struct mri_list_facts facts, exact, tight;
  compile(alloc, list, UINT64_MAX, &facts);
  compile(alloc, list, facts.memory, &exact);
  compile(alloc, list, facts.memory - 1, &tight);
  assert_int_equal(exact.memory, facts.memory);
  assert_int_equal(mri_nibbles_build(&build, &nibbles), MIRROR_OK);
  assert_int_equal(mri_forest_build(&build, &forest), MIRROR_OK);
  snprintf(line, LINE_MAX_OCTETS,
           "%s %s structure %s+%s slower %d memory %" PRIu64 " nibbles %" PRIu64 " forest %" PRIu64
           " tight %s+%s slower %d memory %" PRIu64,
           mirror_isa_name(facts.isa), list->name, mirror_structure_name(facts.structure[0]),
           mirror_structure_name(facts.structure[1]), facts.slower, facts.memory, nibbles.memory,
           forest.memory, mirror_structure_name(tight.structure[0]),
           mirror_structure_name(tight.structure[1]), tight.slower, tight.memory);
  nibbles.destroy(alloc, nibbles.state);
  forest.destroy(alloc, forest.state);
}

/* ---- beside what was recorded ---- */

static char recorded[64 << 10];

static bool print_only;

/* The recorded line of the same first two words; NULL: there is none. */
static const char *recorded_line(const char *line, char found[LINE_MAX_OCTETS]) {
  const char *blank = strchr(strchr(line, ' ') + 1, ' ');
  const size_t words = (size_t)(blank + 1 - line);
  for (const char *at = recorded; *at; at += strcspn(at, "\n") + 1) {
    if (strncmp(at, line, words) != 0) continue;
    snprintf(found, LINE_MAX_OCTETS, "%.*s", (int)strcspn(at, "\n"), at);
    return found;
  }
  return NULL;
}

/* Says in which figures the lines differ. Returns how many. */
static unsigned compare_lines(const char *found, const char *expected) {
  char one[LINE_MAX_OCTETS], other[LINE_MAX_OCTETS], *rest_one, *rest_other;
  const char *name = "", *isa, *list;
  unsigned differences = 0;
  snprintf(one, sizeof one, "%s", found);
  snprintf(other, sizeof other, "%s", expected);
  const char *a = isa = strtok_r(one, " ", &rest_one), *b = strtok_r(other, " ", &rest_other);
  list = strtok_r(NULL, " ", &rest_one);
  strtok_r(NULL, " ", &rest_other);
  while ((a = strtok_r(NULL, " ", &rest_one)) && (b = strtok_r(NULL, " ", &rest_other))) {
    if (strcmp(a, b) != 0) {
      print_error("%s, for %s: %s is %s, expected %s\n", list, isa, name, a, b);
      differences++;
    }
    name = a;
  }
  return differences + (!a != !strtok_r(NULL, " ", &rest_other));
}

static unsigned check_line(const char *line) {
  char expected[LINE_MAX_OCTETS];
  if (print_only) {
    puts(line);
    return 0;
  }
  if (recorded_line(line, expected)) return compare_lines(line, expected);
  print_error("not recorded: %s\n", line);
  return 1;
}

static void read_recorded(void) {
  FILE *file = fopen(RECORDED, "r");
  if (!file) {
    fail_msg("%s: cannot be read", RECORDED);
    return;
  }
  const size_t octets = fread(recorded, 1, sizeof recorded - 1, file);
  fclose(file);
  assert_in_range(octets, 1, sizeof recorded - 2);
}

static void test_shapes_are_those_recorded(void **state) {
  static struct shape_list list;
  const bool own = print_only || test_isa() != MIRROR_ISA_NEON; /* of which none is recorded */
  char line[LINE_MAX_OCTETS];
  struct mri_alloc alloc;
  unsigned differences = 0;
  (void)state;
  mri_alloc_default(&alloc);
  if (!print_only) read_recorded();
  for (unsigned i = 0; i < SHAPES; i++) {
    shape_list_make(i, &list);
    put_common(&alloc, &list, line);
    differences += check_line(line);
    put_own(&alloc, &list, line);
    if (own) differences += check_line(line);
  }
  if (differences)
    fail_msg(
        "%u figures of compiled lists are not those in %s; if that was meant, sh "
        "tests/unit/record_shapes.sh BUILD records them",
        differences, RECORDED);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes_are_those_recorded)};
  print_only = argc > 1 && strcmp(argv[1], "--print") == 0;
  if (!COMPARABLE) {
    puts("skipped: figures are recorded of 64-bit little-endian machines");
    return 77;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
