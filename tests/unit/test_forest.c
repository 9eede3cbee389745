/* The forest against the judge: lists that overlap, hostile ones, and builds that fail (M1, M8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libmirror/match.h>

#include "match/engine.h"
#include "match/isa.h"
#include "match/key.h"
#include "match/list.h"
#include "packet/octets.h"
#include "support/isa.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { RULES_MAX = 3000, KEYS = 700, LISTS = 150 };

static uint64_t state;

/* xorshift64* */
static uint32_t below(uint32_t bound) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (uint32_t)((state * UINT64_C(0x2545f4914f6cdd1d)) >> 32) % bound;
}

static bool one_in(uint32_t n) {
  return below(n) == 0;
}

/* ---- rules ---- */

/* What a list is made of. */
struct mix {
  uint32_t networks;  /* different first halves of addresses */
  uint32_t hosts;     /* different second halves */
  uint32_t any;       /* one in so many addresses is open */
  uint32_t all_ports; /* one in so many ports is open */
  bool specific;      /* prefixes are long */
};

static uint32_t random_address(const struct mix *mix) {
  return (10u << 24 | below(mix->networks) << 16) + below(mix->hosts) * 0x0101;
}

static uint8_t random_prefix(const struct mix *mix, uint8_t address[16]) {
  static const uint8_t lengths[] = {8, 15, 16, 17, 20, 23, 24, 25, 28, 31, 32, 32, 32};
  uint32_t length = mix->specific ? 24 + below(9) : lengths[below((uint32_t)COUNT(lengths))];
  if (one_in(mix->any)) length = below(3);
  const uint32_t mask = length ? UINT32_MAX << (32 - length) : 0;
  mri_put32(address, random_address(mix) & mask);
  return (uint8_t)length;
}

static uint16_t random_port(void) {
  static const uint16_t corners[] = {0,    1,    2,     79,    80,    81,   443,
                                     1023, 1024, 32767, 32768, 65534, 65535};
  return one_in(4) ? (uint16_t)below(65536) : corners[below((uint32_t)COUNT(corners))];
}

static void random_range(const struct mix *mix, uint16_t *first, uint16_t *last) {
  const uint16_t one = random_port(), other = one_in(2) ? one : random_port();
  const bool all = one_in(mix->all_ports);
  *first = all ? 0 : one < other ? one : other;
  *last = all ? 65535 : one < other ? other : one;
}

static struct mri_match_rule random_rule(const struct mix *mix) {
  static const uint16_t protocols[] = {0, 6, 6, 17, 255, MIRROR_PROTOCOL_ALL};
  struct mri_match_rule rule = {.family = 4, .accept = 1};
  rule.source_length = random_prefix(mix, rule.source);
  rule.destination_length = random_prefix(mix, rule.destination);
  random_range(mix, &rule.source_first, &rule.source_last);
  random_range(mix, &rule.destination_first, &rule.destination_last);
  rule.protocol = protocols[below((uint32_t)COUNT(protocols))];
  return rule;
}

static struct mri_match_rule any_rule(void) {
  return (struct mri_match_rule){.source_last = 65535,
                                 .destination_last = 65535,
                                 .protocol = MIRROR_PROTOCOL_ALL,
                                 .family = 4,
                                 .accept = 1};
}

/* ---- keys ---- */

/* The bounds of a prefix, one below and one above. */
static uint32_t prefix_corner(const uint8_t *prefix, uint32_t length) {
  const uint32_t first = mri_get32(prefix),
                 span = length ? (uint32_t)(UINT64_C(1) << (32 - length)) : 0;
  const uint32_t corners[] = {first, first - 1, first + span - 1, first + span};
  return corners[below(4)];
}

static uint16_t port_corner(uint16_t first, uint16_t last) {
  const uint32_t corners[] = {first, first - 1u, last, last + 1u};
  return (uint16_t)corners[below(4)];
}

/* A key at the corners of rules; absent fields hold what they like. */
static void corner_key(const struct mri_match_rule *rules, uint32_t count, mirror_key4 *key) {
  const struct mri_match_rule *rule = &rules[below(count)];
  const struct mri_match_rule *other = one_in(3) ? &rules[below(count)] : rule;
  memset(key, 0, sizeof *key);
  key->protocol = (uint8_t)(one_in(4) ? below(256) : rule->protocol);
  key->absent = (uint8_t)(one_in(3) ? below(8) : 0);
  key->reserved[0] = (uint8_t)below(256);
  mri_put32(key->source, prefix_corner(rule->source, rule->source_length));
  mri_put32(key->destination, prefix_corner(other->destination, other->destination_length));
  mri_put16(key->source_port, port_corner(rule->source_first, rule->source_last));
  mri_put16(key->destination_port, port_corner(other->destination_first, other->destination_last));
}

static mirror_key judged_key(const mirror_key4 *from) {
  mirror_key key = {.family = 4, .present = (uint8_t)(from->absent ^ MRI_KEY_FIELDS)};
  memcpy(key.source, from->source, sizeof from->source);
  memcpy(key.destination, from->destination, sizeof from->destination);
  key.protocol = from->protocol;
  key.source_port = mri_get16(from->source_port);
  key.destination_port = mri_get16(from->destination_port);
  return key;
}

static uint32_t judge(const struct mri_match_rule *rules, uint32_t count, const mirror_key4 *from) {
  const mirror_key key = judged_key(from);
  uint32_t outcome;
  for (uint32_t i = 0; i < count; i++) {
    if (mri_rule_compare(&rules[i], &key, &outcome) == MIRROR_FIELD_NONE) return i;
  }
  return MRI_NO_RULE;
}

/* ---- one list ---- */

struct list {
  struct mri_match_rule *rules;
  uint32_t *number;
  uint32_t count;
};

static struct list list_new(uint32_t count) {
  struct list list = {calloc(count, sizeof *list.rules), calloc(count, sizeof *list.number), count};
  assert_non_null(list.rules);
  assert_non_null(list.number);
  for (uint32_t i = 0; i < count; i++)
    list.number[i] = i;
  return list;
}

static void list_free(struct list *list) {
  free(list->rules);
  free(list->number);
}

static struct mri_build build_of(const struct mri_alloc *alloc, const struct list *list,
                                 uint32_t isa) {
  return (struct mri_build){.alloc = alloc,
                            .rules = list->rules,
                            .number = list->number,
                            .count = list->count,
                            .family = 4,
                            .isa = isa,
                            .budget = UINT64_MAX};
}

/* Keys at odd addresses, taken in batches of all lengths. */
static void check_engine(const struct mri_engine *engine, const struct list *list, uint32_t keys,
                         const char *what) {
  static uint8_t memory[KEYS * 17 + 16];
  const void *pointers[KEYS];
  uint32_t first[KEYS], expected[KEYS];
  for (uint32_t i = 0; i < keys; i++) {
    mirror_key4 key;
    corner_key(list->rules, list->count, &key);
    expected[i] = judge(list->rules, list->count, &key);
    pointers[i] = memcpy(memory + (size_t)i * 17, &key, sizeof key);
  }
  for (uint32_t done = 0, batch = 1; done < keys; done += batch, batch = batch * 3 / 2 + 1) {
    if (batch > keys - done) batch = keys - done;
    engine->match(engine->state, pointers + done, batch, first + done);
  }
  for (uint32_t i = 0; i < keys; i++) {
    if (first[i] == expected[i]) continue;
    fail_msg("%s, %u rules, key %u: judge says rule %d, forest %d", what, list->count, i,
             (int)expected[i], (int)first[i]);
  }
}

static void check_list(const struct list *list, uint32_t keys, const char *what) {
  struct mri_alloc alloc;
  mri_alloc_default(&alloc);
  for (uint32_t isa = MIRROR_ISA_SCALAR; isa <= MIRROR_ISA_AVX512; isa++) {
    if (!mri_isa_present(isa)) continue;
    const struct mri_build build = build_of(&alloc, list, isa);
    struct mri_engine engine = {0};
    assert_int_equal(mri_forest_build(&build, &engine), MIRROR_OK);
    assert_int_equal(engine.structure, MIRROR_STRUCTURE_FOREST);
    check_engine(&engine, list, keys, what);
    engine.destroy(&alloc, engine.state);
  }
}

/* ---- tests ---- */

static void random_list(struct list *list, const struct mix *mix) {
  for (uint32_t i = 0; i < list->count; i++) {
    list->rules[i] = random_rule(mix);
    if (i && one_in(20)) list->rules[i] = list->rules[below(i)];
  }
}

static void test_m1_overlapping_lists(void **unused) {
  (void)unused;
  static const struct mix mixes[] = {
      {4, 30, 4, 3, false},    {200, 200, 8, 2, false}, {2, 3, 3, 2, false},
      {250, 200, 50, 2, true}, {30, 200, 2, 2, true},
  };
  for (uint32_t i = 0; i < LISTS; i++) {
    state = UINT64_C(0x9e3779b97f4a7c15) * (i + 1);
    const uint32_t most = one_in(3) ? RULES_MAX : 40;
    struct list list = list_new(1 + below(most));
    random_list(&list, &mixes[i % COUNT(mixes)]);
    check_list(&list, list.count > 1000 ? KEYS / 2 : KEYS, "overlapping list");
    list_free(&list);
  }
}

/* Numbers are not indices, and a catch-all ends the list. */
static void test_m1_numbers_are_reported(void **unused) {
  (void)unused;
  static const struct mix mix = {100, 100, 10, 2, true};
  struct mri_alloc alloc;
  struct mri_engine engine = {0};
  mirror_key4 key;
  const void *pointer = &key;
  uint32_t first;
  state = 7;
  mri_alloc_default(&alloc);
  struct list list = list_new(2000);
  random_list(&list, &mix);
  list.rules[list.count - 1] = any_rule();
  for (uint32_t i = 0; i < list.count; i++)
    list.number[i] = i * 3 + 5;
  const struct mri_build build = build_of(&alloc, &list, test_isa());
  assert_int_equal(mri_forest_build(&build, &engine), MIRROR_OK);
  for (uint32_t i = 0; i < 200; i++) {
    corner_key(list.rules, list.count, &key);
    engine.match(engine.state, &pointer, 1, &first);
    assert_int_equal(first, judge(list.rules, list.count, &key) * 3 + 5);
  }
  engine.destroy(&alloc, engine.state);
  list_free(&list);
}

/* Lists made to be copied, split or compared without end. */
enum { HOSTILE = 20000 };

static void hostile_overlap(struct list *list) {
  for (uint32_t i = 0; i < list->count; i++) {
    list->rules[i] = any_rule();
    list->rules[i].source_length = (uint8_t)(i % 33);
    list->rules[i].destination_length = (uint8_t)(i / 33 % 33);
    list->rules[i].protocol = (uint16_t)(i / 33 / 33);
  }
}

static void hostile_ranges(struct list *list) {
  for (uint32_t i = 0; i < list->count; i++) {
    list->rules[i] = any_rule();
    list->rules[i].destination_first = (uint16_t)(30000 - i);
    list->rules[i].destination_last = (uint16_t)(30001 + i);
  }
}

static void hostile_twins(struct list *list) {
  for (uint32_t i = 0; i < list->count; i++) {
    list->rules[i] = any_rule();
    list->rules[i].source_length = list->rules[i].destination_length = 32;
    mri_put32(list->rules[i].source, 0x0a000000);
    mri_put32(list->rules[i].destination, 0x0a000000u ^ 1u << i % 32);
    list->rules[i].source_first = list->rules[i].source_last = (uint16_t)(i / 32);
  }
}

static void hostile_wild(struct list *list) {
  for (uint32_t i = 0; i < list->count; i++) {
    list->rules[i] = any_rule();
    const bool source = i & 1;
    uint8_t *address = source ? list->rules[i].source : list->rules[i].destination;
    mri_put32(address, i * UINT32_C(2654435761) & 0xffffff00);
    *(source ? &list->rules[i].source_length : &list->rules[i].destination_length) = 24;
  }
}

static void test_m1_hostile_lists(void **unused) {
  (void)unused;
  static void (*const makers[])(struct list *) = {hostile_overlap, hostile_ranges, hostile_twins,
                                                  hostile_wild};
  state = 3;
  for (uint32_t i = 0; i < COUNT(makers); i++) {
    struct list list = list_new(HOSTILE);
    makers[i](&list);
    check_list(&list, 100, "hostile list");
    list_free(&list);
  }
}

/* ---- failing builds ---- */

struct failing {
  struct mri_alloc inner;
  uint64_t left; /* calls that succeed */
  int64_t blocks;
};

static bool refuse(struct failing *failing) {
  if (!failing->left) return true;
  failing->left--;
  return false;
}

static void *allocate_some(void *user, uint64_t octets) {
  struct failing *failing = user;
  if (refuse(failing)) return NULL;
  failing->blocks++;
  return failing->inner.allocate(failing->inner.user, octets);
}

static void *resize_some(void *user, void *block, uint64_t octets) {
  struct failing *failing = user;
  if (refuse(failing)) return NULL;
  return failing->inner.resize(failing->inner.user, block, octets);
}

static void release_some(void *user, void *block) {
  struct failing *failing = user;
  failing->blocks--;
  failing->inner.release(failing->inner.user, block);
}

static struct list failing_list(uint32_t count) {
  static const struct mix mix = {100, 100, 4, 2, false};
  state = 11;
  struct list list = list_new(count);
  random_list(&list, &mix);
  return list;
}

/* How many allocations a build makes; each of them has failed. */
static uint64_t fail_each_allocation(uint32_t count) {
  struct list list = failing_list(count);
  struct failing failing = {.left = 0};
  mri_alloc_default(&failing.inner);
  const struct mri_alloc alloc = {&failing, allocate_some, resize_some, release_some};
  const struct mri_build build = build_of(&alloc, &list, test_isa());
  int32_t status = MIRROR_E_NOMEM;
  uint64_t calls = 0;
  for (; status; calls++) {
    struct mri_engine engine = {0};
    failing.left = calls;
    status = mri_forest_build(&build, &engine);
    if (!status) engine.destroy(&alloc, engine.state);
    assert_int_equal(failing.blocks, 0);
    assert_true(!status || status == MIRROR_E_NOMEM);
  }
  list_free(&list);
  return calls;
}

static void test_o1_every_allocation_may_fail(void **unused) {
  (void)unused;
  assert_true(fail_each_allocation(1500) > 10);
  assert_true(fail_each_allocation(1) > 5); /* a tree of one leaf */
}

static void test_m1_budget(void **unused) {
  (void)unused;
  struct list list = failing_list(1500);
  struct mri_alloc alloc;
  struct mri_engine engine = {0};
  mri_alloc_default(&alloc);
  struct mri_build build = build_of(&alloc, &list, test_isa());
  assert_int_equal(mri_forest_build(&build, &engine), MIRROR_OK);
  const uint64_t memory = engine.memory;
  engine.destroy(&alloc, engine.state);
  build.budget = memory;
  assert_int_equal(mri_forest_build(&build, &engine), MIRROR_OK);
  assert_true(engine.memory <= memory);
  engine.destroy(&alloc, engine.state);
  for (build.budget = memory - 1; build.budget > 64; build.budget = build.budget * 2 / 3) {
    engine.memory = 0;
    assert_int_equal(mri_forest_build(&build, &engine), MIRROR_E_LIST_MEMORY);
    assert_true(engine.memory > build.budget);
  }
  list_free(&list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_m1_overlapping_lists),
      cmocka_unit_test(test_m1_numbers_are_reported),
      cmocka_unit_test(test_m1_hostile_lists),
      cmocka_unit_test(test_o1_every_allocation_may_fail),
      cmocka_unit_test(test_m1_budget),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
