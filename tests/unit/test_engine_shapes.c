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
#include "packet/octets.h"
#include "support/draw.h"
#include "support/isa.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Sizes of pointers and the order of octets are in the figures. */
#if UINTPTR_MAX == UINT64_MAX && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { COMPARABLE = 1 };
#else
enum { COMPARABLE = 0 };
#endif

#define RECORDED SOURCE_DIR "/tests/unit/engine_shapes.txt"

enum { RULES_MAX = 30001, LINE_MAX_OCTETS = 512, TCP = 6, UDP = 17 };

/* ---- lists ---- */

/* What a list is made of. */
struct mix {
  uint32_t networks;  /* different first halves of addresses */
  uint32_t hosts;     /* different second halves */
  uint32_t any;       /* one in so many addresses is open */
  uint32_t all_ports; /* one in so many ports is open */
  bool specific;      /* prefixes are long */
};

typedef void (*make_fn)(struct draw *draw, const struct mix *mix, uint32_t i,
                        struct mri_match_rule *rule);

static void clear_behind(uint8_t address[16], uint32_t length, uint32_t bits) {
  for (uint32_t bit = length; bit < bits; bit++)
    address[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

static uint32_t bits_of(const struct mri_match_rule *rule) {
  return rule->family == 4 ? 32 : 128;
}

/* An address of few networks and hosts. */
static void put_address(const struct mri_match_rule *rule, uint8_t address[16], uint32_t network,
                        uint32_t host) {
  if (rule->family == 4) {
    mri_put32(address, (10u << 24 | network << 16) + host * 0x0101);
    return;
  }
  mri_put32(address, 0x20010db8);
  mri_put32(address + 4, network << 16);
  mri_put32(address + 8, host * UINT32_C(0x9e3779b1));
  mri_put32(address + 12, host);
}

static uint8_t draw_prefix(struct draw *draw, const struct mix *mix,
                           const struct mri_match_rule *rule, uint8_t address[16]) {
  static const uint8_t lengths[] = {8, 15, 16, 17, 20, 23, 24, 25, 28, 31, 32, 32, 32};
  const uint32_t bits = bits_of(rule);
  uint32_t length = mix->specific ? 24 + draw_below(draw, 9)
                                  : lengths[draw_below(draw, (uint32_t)COUNT(lengths))];
  put_address(rule, address, draw_below(draw, mix->networks), draw_below(draw, mix->hosts));
  if (bits == 128) length = length == 32 ? 128 : 24 + 2 * length;
  if (draw_one_in(draw, mix->any)) length = draw_below(draw, 3);
  clear_behind(address, length, bits);
  return (uint8_t)length;
}

static uint16_t draw_port(struct draw *draw) {
  static const uint16_t corners[] = {0,    1,    2,     79,    80,    81,   443,
                                     1023, 1024, 32767, 32768, 65534, 65535};
  return draw_one_in(draw, 4) ? (uint16_t)draw_below(draw, 65536)
                              : corners[draw_below(draw, (uint32_t)COUNT(corners))];
}

static void draw_range(struct draw *draw, const struct mix *mix, uint16_t *first, uint16_t *last) {
  const uint16_t one = draw_port(draw), other = draw_one_in(draw, 2) ? one : draw_port(draw);
  if (draw_one_in(draw, mix->all_ports)) return;
  *first = one < other ? one : other;
  *last = one < other ? other : one;
}

static void make_mixed(struct draw *draw, const struct mix *mix, uint32_t i,
                       struct mri_match_rule *rule) {
  static const uint16_t protocols[] = {0, TCP, TCP, UDP, 255, MIRROR_PROTOCOL_ALL};
  if (i && draw_one_in(draw, 20)) {
    *rule = rule[-1 - (int64_t)draw_below(draw, i)];
    return;
  }
  rule->source_length = draw_prefix(draw, mix, rule, rule->source);
  rule->destination_length = draw_prefix(draw, mix, rule, rule->destination);
  draw_range(draw, mix, &rule->source_first, &rule->source_last);
  draw_range(draw, mix, &rule->destination_first, &rule->destination_last);
  rule->protocol = protocols[draw_below(draw, (uint32_t)COUNT(protocols))];
}

/* A source of its own, so that no rule hides another one. */
static void make_unique(struct draw *draw, const struct mix *mix, uint32_t i,
                        struct mri_match_rule *rule) {
  (void)mix;
  put_address(rule, rule->source, 1, i * 40503 & UINT16_MAX);
  put_address(rule, rule->destination, draw_below(draw, 16), 0);
  rule->source_length = (uint8_t)bits_of(rule);
  rule->destination_length = (uint8_t)(bits_of(rule) / 4 * 3);
  rule->destination_first = rule->destination_last = (uint16_t)draw_below(draw, 64);
  rule->protocol = TCP;
}

/* Of every field one of two values, or it is open: most are hidden by an earlier rule. */
static void make_hidden(struct draw *draw, const struct mix *mix, uint32_t i,
                        struct mri_match_rule *rule) {
  (void)mix, (void)i;
  const uint32_t asks = draw_below(draw, 16);
  if (asks & 1) rule->source_length = (uint8_t)bits_of(rule);
  if (asks & 1) put_address(rule, rule->source, draw_below(draw, 2), 1);
  if (asks & 2) rule->destination_length = (uint8_t)bits_of(rule);
  if (asks & 2) put_address(rule, rule->destination, draw_below(draw, 2), 1);
  if (asks & 4) rule->protocol = draw_one_in(draw, 2) ? TCP : UDP;
  if (asks & 8) rule->source_last = (uint16_t)(UINT16_MAX - 1 + draw_below(draw, 2));
  if (asks & 8) rule->destination_first = (uint16_t)draw_below(draw, 2);
  rule->accept = (uint8_t)draw_below(draw, 2);
}

static void make_protocols(struct draw *draw, const struct mix *mix, uint32_t i,
                           struct mri_match_rule *rule) {
  (void)draw, (void)mix;
  rule->protocol = (uint16_t)(i * 37 % 256);
}

/* Ranges inside each other, none of which tells bits. */
static void make_ranges(struct draw *draw, const struct mix *mix, uint32_t i,
                        struct mri_match_rule *rule) {
  (void)draw, (void)mix;
  rule->destination_first = (uint16_t)(30000 - i);
  rule->destination_last = (uint16_t)(30001 + i);
}

/* Prefixes of all lengths, in both addresses. */
static void make_lengths(struct draw *draw, const struct mix *mix, uint32_t i,
                         struct mri_match_rule *rule) {
  (void)draw, (void)mix;
  rule->source_length = (uint8_t)(i % 33);
  rule->destination_length = (uint8_t)(i / 33 % 33);
  rule->protocol = (uint16_t)(i / 33 / 33);
}

/* Specific in one address or the other, never in both. */
static void make_wild(struct draw *draw, const struct mix *mix, uint32_t i,
                      struct mri_match_rule *rule) {
  (void)draw, (void)mix;
  uint8_t *address = i & 1 ? rule->source : rule->destination;
  mri_put32(address, i * UINT32_C(2654435761));
  clear_behind(address, 24, 32);
  *(i & 1 ? &rule->source_length : &rule->destination_length) = 24;
}

static const struct mix wide = {4, 30, 4, 3, false}, broad = {200, 200, 8, 2, false},
                        narrow = {2, 3, 3, 2, false}, hosts = {250, 200, 50, 2, true},
                        half = {30, 200, 2, 2, true};

/* Counts around which the structure of a list changes are those of list.c and forest.c. */
static const struct shape {
  const char *name;
  uint32_t family; /* 0: both */
  uint32_t count;
  make_fn make;
  const struct mix *mix;
} shapes[] = {
    {"unique4_1", 4, 1, make_unique, NULL},
    {"unique4_2", 4, 2, make_unique, NULL},
    {"unique4_3", 4, 3, make_unique, NULL},
    {"unique4_127", 4, 127, make_unique, NULL},
    {"unique4_252", 4, 252, make_unique, NULL},
    {"unique4_253", 4, 253, make_unique, NULL},
    {"unique4_599", 4, 599, make_unique, NULL},
    {"unique4_600", 4, 600, make_unique, NULL},
    {"unique4_601", 4, 601, make_unique, NULL},
    {"unique4_1400", 4, 1400, make_unique, NULL},
    {"unique4_1401", 4, 1401, make_unique, NULL},
    {"unique4_30000", 4, 30000, make_unique, NULL},
    {"unique6_499", 6, 499, make_unique, NULL},
    {"unique6_500", 6, 500, make_unique, NULL},
    {"unique6_501", 6, 501, make_unique, NULL},
    {"unique6_700", 6, 700, make_unique, NULL},
    {"unique6_701", 6, 701, make_unique, NULL},
    {"unique6_1000", 6, 1000, make_unique, NULL},
    {"unique6_1001", 6, 1001, make_unique, NULL},
    {"hidden4_200", 4, 200, make_hidden, NULL},
    {"hidden6_200", 6, 200, make_hidden, NULL},
    {"protocols4_128", 4, 128, make_protocols, NULL},
    {"protocols6_256", 6, 256, make_protocols, NULL},
    {"ranges4_3000", 4, 3000, make_ranges, NULL},
    {"lengths4_5000", 4, 5000, make_lengths, NULL},
    {"lengths6_3000", 6, 3000, make_lengths, NULL},
    {"wild4_4000", 4, 4000, make_wild, NULL},
    {"wide4_40", 4, 40, make_mixed, &wide},
    {"wide6_40", 6, 40, make_mixed, &wide},
    {"wide4_2000", 4, 2000, make_mixed, &wide},
    {"narrow4_300", 4, 300, make_mixed, &narrow},
    {"narrow4_1500", 4, 1500, make_mixed, &narrow},
    {"broad4_300", 4, 300, make_mixed, &broad},
    {"broad4_1030", 4, 1030, make_mixed, &broad},
    {"broad4_30000", 4, 30000, make_mixed, &broad},
    {"broad4_30001", 4, 30001, make_mixed, &broad},
    {"broad6_2000", 6, 2000, make_mixed, &broad},
    {"hosts4_3000", 4, 3000, make_mixed, &hosts},
    {"hosts6_3000", 6, 3000, make_mixed, &hosts},
    {"half4_3000", 4, 3000, make_mixed, &half},
    {"half6_1200", 6, 1200, make_mixed, &half},
    {"both_450", 0, 450, make_mixed, &hosts},
    {"both_2000", 0, 2000, make_mixed, &half},
};

/* Of a list all rules, and those of one family with their places. */
struct list {
  struct mri_match_rule all[RULES_MAX], rules[RULES_MAX];
  uint32_t number[RULES_MAX];
  uint32_t total, count, family;
};

static void make_list(const struct shape *shape, struct list *list) {
  struct draw draw;
  draw_seed(&draw, shape->count);
  memset(list, 0, sizeof *list);
  list->total = shape->count;
  list->family = shape->family ? shape->family : 4;
  for (uint32_t i = 0; i < shape->count; i++) {
    struct mri_match_rule *rule = &list->all[i];
    *rule = (struct mri_match_rule){
        .source_last = UINT16_MAX, .destination_last = UINT16_MAX, .protocol = MIRROR_PROTOCOL_ALL};
    rule->family = (uint8_t)(shape->family ? shape->family : i % 3 ? 4 : 6);
    shape->make(&draw, shape->mix, i, rule);
    if (rule->family != list->family) continue;
    list->number[list->count] = i;
    list->rules[list->count++] = *rule;
  }
}

/* ---- figures ---- */

/* FNV-1a */
static void digest_add(uint64_t *digest, const void *memory, size_t octets) {
  const uint8_t *at = memory;
  for (size_t i = 0; i < octets; i++)
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

static struct mri_build build_of(const struct mri_alloc *alloc, const struct list *list) {
  return (struct mri_build){.alloc = alloc,
                            .rules = list->rules,
                            .number = list->number,
                            .count = list->count,
                            .family = list->family,
                            .isa = test_isa(),
                            .budget = UINT64_MAX};
}

/* Classes for the blocks and vectors of all instruction sets. */
static uint64_t digest_classes(const struct list *list) {
  static const uint32_t block[] = {63, 8, 32}, lanes[] = {1, 32, 16};
  static struct mri_octets rules[RULES_MAX];
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

static void compile(const struct mri_alloc *alloc, const struct list *list, uint64_t budget,
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
static void put_common(const struct mri_alloc *alloc, const struct shape *shape,
                       const struct list *list, char line[LINE_MAX_OCTETS]) {
  const struct mri_build build = build_of(alloc, list);
  struct mri_engine engine = {.structure = MIRROR_STRUCTURE_NONE};
  struct mri_list_facts facts;
  compile(alloc, list, UINT64_MAX, &facts);
  assert_int_equal(mri_forest_build(&build, &engine), MIRROR_OK);
  const int used =
      snprintf(line, LINE_MAX_OCTETS,
               "any %s rules %" PRIu32 "+%" PRIu32 " hidden %" PRIu32 " classes %016" PRIx64 " ",
               shape->name, facts.rules[0], facts.rules[1], facts.shadowed, digest_classes(list));
  put_forest(line + used, LINE_MAX_OCTETS - (size_t)used, &engine);
  engine.destroy(alloc, engine.state);
}

/* Memory by size and for each structure, and of what fits if there is one octet less than best. */
static void put_own(const struct mri_alloc *alloc, const struct shape *shape,
                    const struct list *list, char line[LINE_MAX_OCTETS]) {
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
           mirror_isa_name(facts.isa), shape->name, mirror_structure_name(facts.structure[0]),
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
  if (!file) fail_msg("%s: cannot be read", RECORDED);
  const size_t octets = fread(recorded, 1, sizeof recorded - 1, file);
  fclose(file);
  assert_in_range(octets, 1, sizeof recorded - 2);
}

static void test_shapes_are_those_recorded(void **state) {
  static struct list list;
  const bool own = print_only || test_isa() != MIRROR_ISA_NEON; /* of which none is recorded */
  char line[LINE_MAX_OCTETS];
  struct mri_alloc alloc;
  unsigned differences = 0;
  (void)state;
  mri_alloc_default(&alloc);
  if (!print_only) read_recorded();
  for (unsigned i = 0; i < COUNT(shapes); i++) {
    make_list(&shapes[i], &list);
    put_common(&alloc, &shapes[i], &list, line);
    differences += check_line(line);
    put_own(&alloc, &shapes[i], &list, line);
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
