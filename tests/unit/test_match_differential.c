/* The compiled list against the judge, on random rules that overlap (M1, M8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <libmirror/match.h>

#include "match/list.h"
#include "support/isa.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { LISTS = 1200, RULES_MAX = 200, KEYS = 100, COMPARISONS_MIN = 2000000 };

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

/* Addresses have few different octets, so that prefixes of all lengths overlap. */
static void random_address(uint8_t address[16], uint32_t octets) {
  static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
  memset(address, 0, 16);
  for (uint32_t i = 0; i < octets; i++)
    address[i] = i % 4 < 2 ? 10 : values[below((uint32_t)COUNT(values))];
}

static uint8_t random_prefix(uint8_t address[16], uint32_t octets) {
  const uint32_t bits = octets * 8, length = one_in(4) ? 0 : below(bits + 1);
  random_address(address, octets);
  for (uint32_t bit = length; bit < bits; bit++)
    address[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
  return (uint8_t)length;
}

static uint16_t random_port(void) {
  static const uint16_t corners[] = {0, 1, 2, 79, 80, 81, 443, 32767, 32768, 65534, 65535};
  return one_in(4) ? (uint16_t)below(65536) : corners[below((uint32_t)COUNT(corners))];
}

static void random_range(uint16_t *first, uint16_t *last) {
  const uint16_t one = random_port(), other = one_in(3) ? one : random_port();
  const bool all = one_in(3);
  *first = all ? 0 : one < other ? one : other;
  *last = all ? 65535 : one < other ? other : one;
}

static uint8_t random_protocol(void) {
  static const uint8_t common[] = {0, 1, 6, 17, 58, 132, 255};
  return common[below((uint32_t)COUNT(common))];
}

static struct mri_match_rule random_rule(void) {
  struct mri_match_rule rule = {.family = one_in(2) ? 4 : 6, .accept = one_in(2)};
  const uint32_t octets = rule.family == 4 ? 4 : 16;
  rule.source_length = random_prefix(rule.source, octets);
  rule.destination_length = random_prefix(rule.destination, octets);
  random_range(&rule.source_first, &rule.source_last);
  random_range(&rule.destination_first, &rule.destination_last);
  rule.protocol = one_in(3) ? MIRROR_PROTOCOL_ALL : random_protocol();
  return rule;
}

/* As mri_view_read makes them: absent fields are 0. */
static mirror_key random_key(void) {
  mirror_key key = {.family = one_in(50) ? 0 : one_in(2) ? 4 : 6, .present = (uint8_t)below(8)};
  const uint32_t octets = key.family == 4 ? 4 : 16;
  random_address(key.source, octets);
  random_address(key.destination, octets);
  if (key.present & MIRROR_KEY_PROTOCOL) key.protocol = random_protocol();
  if (key.present & MIRROR_KEY_SOURCE_PORT) key.source_port = random_port();
  if (key.present & MIRROR_KEY_DESTINATION_PORT) key.destination_port = random_port();
  return key;
}

static uint32_t judge(const struct mri_match_rule *rules, uint32_t count, const mirror_key *key,
                      uint64_t *comparisons) {
  uint32_t outcome;
  for (uint32_t i = 0; i < count; i++) {
    ++*comparisons;
    if (mri_rule_compare(&rules[i], key, &outcome) == MIRROR_FIELD_NONE) return i;
  }
  return MRI_NO_RULE;
}

/* Returns how many keys matched a rule. */
static uint32_t check_list(uint64_t seed, uint64_t *comparisons) {
  static struct mri_match_rule rules[RULES_MAX];
  static mirror_key keys[KEYS];
  uint32_t batch[KEYS], matched = 0;
  struct mri_alloc alloc;
  struct mri_list *list;
  state = seed;
  const uint32_t count = 1 + below(RULES_MAX);
  for (uint32_t i = 0; i < count; i++)
    rules[i] = random_rule();
  for (uint32_t i = 0; i < KEYS; i++)
    keys[i] = random_key();
  mri_alloc_default(&alloc);
  const struct mri_list_options options = test_list_options(MIRROR_STRUCTURE_NONE);
  struct mri_list_facts facts;
  assert_int_equal(mri_list_compile(&alloc, rules, count, &options, &list, &facts), MIRROR_OK);
  mri_list_match_batch(list, keys, sizeof keys[0], KEYS, batch);
  for (uint32_t i = 0; i < KEYS; i++) {
    const uint32_t expected = judge(rules, count, &keys[i], comparisons);
    const uint32_t single = mri_list_match(list, &keys[i]);
    if (single != expected || batch[i] != expected)
      fail_msg("seed %#llx, %u rules, key %u: judge says rule %d, list %d, batch %d",
               (unsigned long long)seed, count, i, (int)expected, (int)single, (int)batch[i]);
    matched += expected != MRI_NO_RULE;
  }
  mri_list_destroy(&alloc, list);
  return matched;
}

static void test_m1_list_agrees_with_the_judge(void **unused) {
  (void)unused;
  uint64_t comparisons = 0, matched = 0;
  for (uint64_t list = 0; list < LISTS; list++)
    matched += check_list(UINT64_C(0x9e3779b97f4a7c15) * (list + 1), &comparisons);
  print_message("%llu comparisons, %llu of %u keys matched\n", (unsigned long long)comparisons,
                (unsigned long long)matched, LISTS * KEYS);
  assert_true(comparisons >= COMPARISONS_MIN);
  assert_in_range(matched, LISTS * KEYS / 5, LISTS * KEYS * 4 / 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_m1_list_agrees_with_the_judge)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
