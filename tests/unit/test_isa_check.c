/*
 * The self-check by which an instruction set is picked: what it asks, and that it refuses what is
 * broken. Between it and the lists stand functions of this test, by --wrap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "match/isa.h"
#include "match/list.h"
#include "support/isa.h"

#define VECTORS UINT64_C(0x3ed80450d4cd7bae) /* their digest */

enum { RULES_MAX = 64, KEYS_MAX = 128, LISTS_MAX = 8, ALL_PRESENT = 7 };

/* What the last check did, and what is to go wrong. */
static struct {
  struct mri_list_options list[LISTS_MAX]; /* in the order in which they were compiled */
  uint32_t lists;
  struct mri_match_rule rules[RULES_MAX];
  mirror_key keys[KEYS_MAX];
  uint32_t first[KEYS_MAX]; /* of the scan */
  uint32_t rule_count, key_count;
  int64_t blocks;          /* allocated */
  bool broken[8];          /* by MIRROR_ISA_: it answers wrongly, */
  uint32_t structure, key; /* this structure, of this key */
} seen;

int32_t __real_mri_list_compile(const struct mri_alloc *alloc, const struct mri_match_rule *rules,
                                uint32_t count, const struct mri_list_options *options,
                                struct mri_list **list, struct mri_list_facts *facts);
int32_t __wrap_mri_list_compile(const struct mri_alloc *alloc, const struct mri_match_rule *rules,
                                uint32_t count, const struct mri_list_options *options,
                                struct mri_list **list, struct mri_list_facts *facts);
void __real_mri_list_match_batch(const struct mri_list *list, const mirror_key *keys,
                                 uint64_t stride, uint32_t count, uint32_t *first);
void __wrap_mri_list_match_batch(const struct mri_list *list, const mirror_key *keys,
                                 uint64_t stride, uint32_t count, uint32_t *first);

int32_t __wrap_mri_list_compile(const struct mri_alloc *alloc, const struct mri_match_rule *rules,
                                uint32_t count, const struct mri_list_options *options,
                                struct mri_list **list, struct mri_list_facts *facts) {
  seen.rule_count = count;
  if (count <= RULES_MAX) memcpy(seen.rules, rules, count * sizeof *rules);
  seen.list[seen.lists++ % LISTS_MAX] = *options;
  return __real_mri_list_compile(alloc, rules, count, options, list, facts);
}

void __wrap_mri_list_match_batch(const struct mri_list *list, const mirror_key *keys,
                                 uint64_t stride, uint32_t count, uint32_t *first) {
  const struct mri_list_options *options = &seen.list[(seen.lists - 1) % LISTS_MAX];
  seen.key_count = count;
  if (count <= KEYS_MAX) memcpy(seen.keys, keys, count * sizeof *keys);
  __real_mri_list_match_batch(list, keys, stride, count, first);
  if (options->structure == MIRROR_STRUCTURE_SCAN && count <= KEYS_MAX)
    memcpy(seen.first, first, count * sizeof *first);
  if (seen.broken[options->isa] && options->structure == seen.structure) first[seen.key]++;
}

static void *count_allocate(void *user, uint64_t octets) {
  (void)user;
  seen.blocks++;
  return malloc((size_t)octets);
}

static void *plain_resize(void *user, void *block, uint64_t octets) {
  (void)user;
  seen.blocks += !block;
  return realloc(block, (size_t)octets);
}

static void count_release(void *user, void *block) {
  (void)user;
  seen.blocks -= block != NULL;
  free(block);
}

static const struct mri_alloc alloc = {NULL, count_allocate, plain_resize, count_release};

static int clear(void **state) {
  (void)state;
  memset(&seen, 0, sizeof seen);
  return 0;
}

/* ---- what is asked ---- */

static void assert_list(uint32_t place, uint32_t isa, uint32_t structure) {
  assert_int_equal(seen.list[place].isa, isa);
  assert_int_equal(seen.list[place].structure, structure);
  assert_true(seen.list[place].budget == UINT64_MAX);
}

static void test_every_structure_is_compared_with_the_scalar_scan(void **state) {
  (void)state;
  for (uint32_t isa = MIRROR_ISA_SCALAR; isa <= MIRROR_ISA_AVX512; isa++) {
    if (!mri_isa_present(isa)) continue;
    seen.lists = 0;
    assert_int_equal(mri_isa_check(&alloc, isa), MIRROR_OK);
    assert_int_equal(seen.lists, 3);
    assert_list(0, MIRROR_ISA_SCALAR, MIRROR_STRUCTURE_SCAN);
    assert_list(1, isa, MIRROR_STRUCTURE_NIBBLES);
    assert_list(2, isa, MIRROR_STRUCTURE_FOREST);
    assert_int_equal(seen.blocks, 0);
  }
}

/* How many rules there are of a kind. */
static uint32_t rules_with(bool (*is_so)(const struct mri_match_rule *rule)) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < seen.rule_count; i++)
    count += is_so(&seen.rules[i]);
  return count;
}

static uint8_t full_length(const struct mri_match_rule *rule) {
  return rule->family == 4 ? 32 : 128;
}

static bool is_ipv4(const struct mri_match_rule *rule) {
  return rule->family == 4;
}

static bool is_ipv6(const struct mri_match_rule *rule) {
  return rule->family == 6;
}

static bool is_any_protocol(const struct mri_match_rule *rule) {
  return rule->protocol == MIRROR_PROTOCOL_ALL;
}

static bool is_tcp_or_udp(const struct mri_match_rule *rule) {
  return rule->protocol == 6 || rule->protocol == 17;
}

static bool is_open(const struct mri_match_rule *rule) {
  return rule->source_length == 0 || rule->destination_length == 0;
}

static bool is_prefix(const struct mri_match_rule *rule) {
  return rule->source_length > 0 && rule->source_length < full_length(rule);
}

static bool is_one_address(const struct mri_match_rule *rule) {
  return rule->source_length >= full_length(rule) - 1 ||
         rule->destination_length >= full_length(rule) - 1;
}

static bool is_narrow_in_ports(const struct mri_match_rule *rule) {
  return rule->source_first > 0 || rule->source_last < UINT16_MAX;
}

static bool is_possible(const struct mri_match_rule *rule) {
  return is_ipv4(rule) + is_ipv6(rule) == 1 && is_any_protocol(rule) + is_tcp_or_udp(rule) == 1 &&
         rule->source_length <= full_length(rule) &&
         rule->destination_length <= full_length(rule) && rule->source_first <= rule->source_last &&
         rule->destination_first <= rule->destination_last;
}

static void test_rules_of_all_kinds_are_asked_for(void **state) {
  (void)state;
  assert_int_equal(mri_isa_check(&alloc, MIRROR_ISA_SCALAR), MIRROR_OK);
  assert_int_equal(rules_with(is_possible), seen.rule_count);
  assert_in_range(rules_with(is_ipv4), 16, seen.rule_count - 16);
  assert_in_range(rules_with(is_any_protocol), 6, seen.rule_count - 24);
  assert_in_range(rules_with(is_open), 8, seen.rule_count - 16);
  assert_in_range(rules_with(is_prefix), 24, seen.rule_count - 8);
  assert_in_range(rules_with(is_one_address), 1, seen.rule_count);
  assert_in_range(rules_with(is_narrow_in_ports), 24, seen.rule_count - 6);
}

/* Half of the keys and more match a rule, most rules decide about some of them. */
static void test_keys_of_all_kinds_are_asked_for(void **state) {
  (void)state;
  bool decided[RULES_MAX] = {false};
  uint32_t absent = 0, ipv6 = 0, unmatched = 0, deciding = 0;
  assert_int_equal(mri_isa_check(&alloc, MIRROR_ISA_SCALAR), MIRROR_OK);
  for (uint32_t i = 0; i < seen.key_count; i++) {
    const mirror_key *key = &seen.keys[i];
    assert_true(key->family == 4 || key->family == 6);
    assert_true(key->present == ALL_PRESENT || key->present == MIRROR_KEY_PROTOCOL);
    absent += key->present != ALL_PRESENT;
    ipv6 += key->family == 6;
    unmatched += seen.first[i] == MRI_NO_RULE;
    if (seen.first[i] != MRI_NO_RULE) decided[seen.first[i]] = true;
  }
  for (uint32_t i = 0; i < seen.rule_count; i++)
    deciding += decided[i];
  assert_in_range(absent, 12, seen.key_count / 2);
  assert_in_range(ipv6, 24, seen.key_count - 24);
  assert_in_range(unmatched, 24, seen.key_count / 2);
  assert_in_range(deciding, 24, seen.rule_count);
}

/* FNV-1a */
static void digest_add(uint64_t *digest, uint64_t number) {
  for (unsigned i = 0; i < 64; i += 8)
    *digest = (*digest ^ (number >> i & 0xff)) * UINT64_C(0x100000001b3);
}

static void digest_address(uint64_t *digest, const uint8_t address[16]) {
  for (unsigned i = 0; i < 16; i++)
    digest_add(digest, address[i]);
}

static uint64_t digest_vectors(void) {
  uint64_t digest = 0;
  for (uint32_t i = 0; i < seen.rule_count; i++) {
    const struct mri_match_rule *rule = &seen.rules[i];
    const uint32_t numbers[] = {
        rule->source_first,     rule->source_last,   rule->destination_first,
        rule->destination_last, rule->protocol,      rule->family,
        rule->accept,           rule->source_length, rule->destination_length,
        rule->reserved[0],      rule->reserved[1]};
    digest_address(&digest, rule->source);
    digest_address(&digest, rule->destination);
    for (unsigned j = 0; j < sizeof numbers / sizeof numbers[0]; j++)
      digest_add(&digest, numbers[j]);
  }
  for (uint32_t i = 0; i < seen.key_count; i++) {
    const mirror_key *key = &seen.keys[i];
    digest_address(&digest, key->source);
    digest_address(&digest, key->destination);
    digest_add(&digest, key->source_port);
    digest_add(&digest, key->destination_port);
    digest_add(&digest, key->protocol);
    digest_add(&digest, key->family);
    digest_add(&digest, key->present);
  }
  return digest;
}

/* Whoever draws other vectors looks at the two tests before this one, and writes the new digest. */
static void test_vectors_are_the_same_on_every_machine(void **state) {
  (void)state;
  assert_int_equal(mri_isa_check(&alloc, MIRROR_ISA_SCALAR), MIRROR_OK);
  assert_int_equal(seen.rule_count, 48);
  assert_int_equal(seen.key_count, 96);
  const uint64_t digest = digest_vectors();
  if (digest != VECTORS)
    fail_msg("digest of the vectors: 0x%016llx, expected 0x%016llx", (unsigned long long)digest,
             (unsigned long long)VECTORS);
}

/* ---- what is refused ---- */

static void test_one_wrong_answer_is_refused(void **state) {
  static const uint32_t keys[] = {0, 1, 50, 95};
  (void)state;
  for (uint32_t isa = MIRROR_ISA_SCALAR; isa <= MIRROR_ISA_AVX512; isa++) {
    if (!mri_isa_present(isa)) continue;
    seen.broken[isa] = true;
    for (unsigned i = 0; i < sizeof keys / sizeof keys[0]; i++) {
      seen.key = keys[i];
      seen.structure = MIRROR_STRUCTURE_NIBBLES;
      assert_int_equal(mri_isa_check(&alloc, isa), MIRROR_E_UNSUPPORTED);
      seen.structure = MIRROR_STRUCTURE_FOREST;
      assert_int_equal(mri_isa_check(&alloc, isa), MIRROR_E_UNSUPPORTED);
    }
    seen.broken[isa] = false;
    assert_int_equal(seen.blocks, 0);
  }
}

static uint32_t best(void) {
  uint32_t isa = 0;
  assert_int_equal(mri_isa_best(&alloc, &isa), MIRROR_OK);
  return isa;
}

/* Of the machine's instruction sets the widest that is not broken; in the end scalar, unasked. */
static void test_the_next_one_is_picked_if_the_best_is_broken(void **state) {
  (void)state;
  seen.structure = MIRROR_STRUCTURE_FOREST;
  for (uint32_t isa = MIRROR_ISA_AVX512; isa > MIRROR_ISA_SCALAR; isa--) {
    if (!mri_isa_present(isa)) continue;
    assert_int_equal(best(), isa);
    seen.broken[isa] = true;
  }
  assert_int_equal(best(), MIRROR_ISA_SCALAR);
  seen.broken[MIRROR_ISA_SCALAR] = true;
  assert_int_equal(best(), MIRROR_ISA_SCALAR);
}

#if defined(__x86_64__)

/* ---- what processors say of themselves ---- */

/* Bits that are needed: Intel SDM, CPUID and 13.3. */
static const struct mri_x86 avx2 = {.basic = 1u << 27,
                                    .extended = 1u << 5,
                                    .features = 1u << 3 | 1u << 5 | 1u << 8,
                                    .saved = 1u << 1 | 1u << 2};
static const struct mri_x86 avx512 = {
    .basic = 1u << 27,
    .extended = 1u << 5,
    .features = 1u << 3 | 1u << 5 | 1u << 8 | 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31,
    .saved = 1u << 1 | 1u << 2 | 1u << 5 | 1u << 6 | 1u << 7};

/* A machine with everything but one bit, of 160, has the instruction set if it is not needed. */
static void check_all_but(const struct mri_x86 *needed, uint32_t isa, uint32_t bit) {
  const uint32_t one = bit % 32, word = bit / 32;
  const struct mri_x86 missing = {.basic = word == 0 ? 1u << one : 0,
                                  .extended = word == 1 ? 1u << one : 0,
                                  .features = word == 2 ? 1u << one : 0,
                                  .saved = word >= 3 ? UINT64_C(1) << (bit - 96) : 0};
  const struct mri_x86 machine = {~missing.basic, ~missing.extended, ~missing.features,
                                  ~missing.saved};
  const bool is_needed = (missing.basic & needed->basic) | (missing.extended & needed->extended) |
                         (missing.features & needed->features) | (missing.saved & needed->saved);
  if (mri_x86_has(&machine, isa) == !is_needed) return;
  fail_msg("%s without bit %u of word %u: %s", mirror_isa_name(isa), one, word,
           is_needed ? "taken to be there" : "taken to be missing");
}

static void test_every_bit_that_is_needed_is_looked_at(void **state) {
  (void)state;
  assert_true(mri_x86_has(&avx2, MIRROR_ISA_AVX2));
  assert_false(mri_x86_has(&avx2, MIRROR_ISA_AVX512));
  assert_true(mri_x86_has(&avx512, MIRROR_ISA_AVX512));
  assert_true(mri_x86_has(&avx512, MIRROR_ISA_AVX2));
  for (uint32_t bit = 0; bit < 160; bit++) {
    check_all_but(&avx2, MIRROR_ISA_AVX2, bit);
    check_all_but(&avx512, MIRROR_ISA_AVX512, bit);
  }
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(test_every_structure_is_compared_with_the_scalar_scan, clear),
    cmocka_unit_test_setup(test_rules_of_all_kinds_are_asked_for, clear),
    cmocka_unit_test_setup(test_keys_of_all_kinds_are_asked_for, clear),
    cmocka_unit_test_setup(test_vectors_are_the_same_on_every_machine, clear),
    cmocka_unit_test_setup(test_one_wrong_answer_is_refused, clear),
    cmocka_unit_test_setup(test_the_next_one_is_picked_if_the_best_is_broken, clear),
#if defined(__x86_64__)
    cmocka_unit_test(test_every_bit_that_is_needed_is_looked_at),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
