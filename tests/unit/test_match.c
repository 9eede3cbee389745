/* One rule against one key, and compiled lists of rules (M1, M3, M7, M8, O3-O5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libmirror/match.h>

#include "match/list.h"
#include "packet/octets.h"
#include "support/isa.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const uint8_t all_present =
    MIRROR_KEY_PROTOCOL | MIRROR_KEY_SOURCE_PORT | MIRROR_KEY_DESTINATION_PORT;

static struct mri_match_rule any_rule(uint8_t family) {
  return (struct mri_match_rule){.source_last = 65535,
                                 .destination_last = 65535,
                                 .protocol = MIRROR_PROTOCOL_ALL,
                                 .family = family,
                                 .accept = 1};
}

/* The seed's table 2, ingress: TCP from 172.16.0.0/24 ports 10000-10001 to 10.0.0.3/32 port 80. */
static struct mri_match_rule table2_rule(void) {
  struct mri_match_rule rule = any_rule(4);
  rule.protocol = 6;
  mri_put32(rule.source, 0xac100000);
  rule.source_length = 24;
  mri_put32(rule.destination, 0x0a000003);
  rule.destination_length = 32;
  rule.source_first = 10000;
  rule.source_last = 10001;
  rule.destination_first = rule.destination_last = 80;
  return rule;
}

static mirror_key table2_key(void) {
  mirror_key key = {.family = 4,
                    .protocol = 6,
                    .source_port = 10000,
                    .destination_port = 80,
                    .present = all_present};
  mri_put32(key.source, 0xac100007);
  mri_put32(key.destination, 0x0a000003);
  return key;
}

static struct mri_list *compile(const struct mri_match_rule *rules, uint32_t count) {
  struct mri_alloc alloc;
  mri_alloc_default(&alloc);
  struct mri_list *list = NULL;
  const struct mri_list_options options = test_list_options(MIRROR_STRUCTURE_NONE);
  struct mri_list_facts facts;
  assert_int_equal(mri_list_compile(&alloc, rules, count, &options, &list, &facts), MIRROR_OK);
  assert_non_null(list);
  return list;
}

static void destroy(struct mri_list *list) {
  struct mri_alloc alloc;
  mri_alloc_default(&alloc);
  mri_list_destroy(&alloc, list);
}

static uint32_t match(const struct mri_match_rule *rules, uint32_t count, const mirror_key *key) {
  struct mri_list *list = compile(rules, count);
  const uint32_t index = mri_list_match(list, key);
  destroy(list);
  return index;
}

/* The judge's answer; a list of this one rule must agree. */
static void assert_compared(const struct mri_match_rule *rule, const mirror_key *key,
                            uint32_t field, uint32_t outcome) {
  uint32_t found = 99;
  assert_int_equal(mri_rule_compare(rule, key, &found), field);
  assert_int_equal(found, outcome);
  assert_int_equal(match(rule, 1, key), field == MIRROR_FIELD_NONE ? 0 : MRI_NO_RULE);
}

static void assert_matches(const struct mri_match_rule *rule, const mirror_key *key) {
  assert_compared(rule, key, MIRROR_FIELD_NONE, MIRROR_STEP_MATCHED);
}

static void test_m9_the_first_field_that_differs_is_named(void **state) {
  (void)state;
  const struct mri_match_rule rule = table2_rule();
  mirror_key key = table2_key();
  assert_matches(&rule, &key);
  key.destination_port = 81;
  assert_compared(&rule, &key, MIRROR_FIELD_DESTINATION_PORT, MIRROR_STEP_MISMATCH);
  key.source_port = 9999;
  assert_compared(&rule, &key, MIRROR_FIELD_SOURCE_PORT, MIRROR_STEP_MISMATCH);
  key.protocol = 17;
  assert_compared(&rule, &key, MIRROR_FIELD_PROTOCOL, MIRROR_STEP_MISMATCH);
  key.destination[3] = 4;
  assert_compared(&rule, &key, MIRROR_FIELD_DESTINATION_CIDR, MIRROR_STEP_MISMATCH);
  key.source[2] = 1;
  assert_compared(&rule, &key, MIRROR_FIELD_SOURCE_CIDR, MIRROR_STEP_MISMATCH);
  key.family = 6;
  assert_compared(&rule, &key, MIRROR_FIELD_ETHERTYPE, MIRROR_STEP_MISMATCH);
}

static void test_m8_an_absent_field_does_not_match(void **state) {
  (void)state;
  const struct mri_match_rule rule = table2_rule();
  mirror_key key = table2_key();
  key.present = MIRROR_KEY_PROTOCOL | MIRROR_KEY_SOURCE_PORT;
  key.destination_port = 0;
  assert_compared(&rule, &key, MIRROR_FIELD_DESTINATION_PORT, MIRROR_STEP_NOT_PRESENT);
  key.present = MIRROR_KEY_PROTOCOL;
  key.source_port = 0;
  assert_compared(&rule, &key, MIRROR_FIELD_SOURCE_PORT, MIRROR_STEP_NOT_PRESENT);
  key.present = 0;
  key.protocol = 0;
  assert_compared(&rule, &key, MIRROR_FIELD_PROTOCOL, MIRROR_STEP_NOT_PRESENT);
}

static void test_m8_one_present_port_is_enough_for_a_rule_on_it_alone(void **state) {
  (void)state;
  struct mri_match_rule rule = table2_rule();
  rule.destination_first = 0;
  rule.destination_last = 65535;
  mirror_key key = table2_key();
  key.present = MIRROR_KEY_PROTOCOL | MIRROR_KEY_SOURCE_PORT;
  key.destination_port = 0;
  assert_matches(&rule, &key);
}

/* Protocol 0 is hop-by-hop in IPv4, and what an absent protocol is filled with. */
static void test_o9_protocol_0_is_not_an_absent_protocol(void **state) {
  (void)state;
  struct mri_match_rule rule = any_rule(6);
  mirror_key key = {.family = 6};
  assert_matches(&rule, &key);
  rule.protocol = 0;
  assert_compared(&rule, &key, MIRROR_FIELD_PROTOCOL, MIRROR_STEP_NOT_PRESENT);
  key.present = MIRROR_KEY_PROTOCOL;
  assert_matches(&rule, &key);
}

static void test_o3_every_protocol_number(void **state) {
  (void)state;
  struct mri_match_rule rule = any_rule(4);
  mirror_key key = {.family = 4, .present = MIRROR_KEY_PROTOCOL};
  for (uint32_t wanted = 0; wanted < 256; wanted++) {
    rule.protocol = (uint16_t)wanted;
    key.protocol = (uint8_t)wanted;
    assert_matches(&rule, &key);
    key.protocol ^= 1;
    assert_compared(&rule, &key, MIRROR_FIELD_PROTOCOL, MIRROR_STEP_MISMATCH);
  }
}

static void assert_port(uint16_t first, uint16_t last, uint16_t port, bool matches) {
  struct mri_match_rule rule = any_rule(4);
  mirror_key key = {.family = 4, .protocol = 17, .present = all_present};
  rule.source_first = first;
  rule.source_last = last;
  key.source_port = port;
  assert_compared(&rule, &key, matches ? MIRROR_FIELD_NONE : MIRROR_FIELD_SOURCE_PORT,
                  matches ? MIRROR_STEP_MATCHED : MIRROR_STEP_MISMATCH);
  rule = any_rule(4);
  rule.destination_first = first;
  rule.destination_last = last;
  key.destination_port = port;
  assert_compared(&rule, &key, matches ? MIRROR_FIELD_NONE : MIRROR_FIELD_DESTINATION_PORT,
                  matches ? MIRROR_STEP_MATCHED : MIRROR_STEP_MISMATCH);
}

static void test_o5_port_ranges_include_both_ends(void **state) {
  (void)state;
  static const uint16_t corners[] = {0, 1, 79, 80, 81, 65534, 65535};
  for (uint32_t i = 0; i < 7 * 7 * 7; i++) {
    const uint16_t first = corners[i / 49], last = corners[i / 7 % 7], port = corners[i % 7];
    if (first <= last) assert_port(first, last, port, first <= port && port <= last);
  }
}

static void test_o5_all_ports_covers_packets_without_ports(void **state) {
  (void)state;
  struct mri_match_rule rule = any_rule(4);
  const mirror_key key = {.family = 4, .protocol = 6, .present = MIRROR_KEY_PROTOCOL};
  assert_matches(&rule, &key);
  rule.source_last = 65534;
  assert_compared(&rule, &key, MIRROR_FIELD_SOURCE_PORT, MIRROR_STEP_NOT_PRESENT);
  rule = any_rule(4);
  rule.destination_first = 1;
  assert_compared(&rule, &key, MIRROR_FIELD_DESTINATION_PORT, MIRROR_STEP_NOT_PRESENT);
}

/* Each prefix length: the last bit inside decides, the first bit behind does not. */
static void prefix_lengths(uint8_t family, uint32_t bits) {
  for (uint32_t length = 0; length <= bits; length++) {
    struct mri_match_rule rule = any_rule(family);
    rule.source_length = rule.destination_length = (uint8_t)length;
    for (uint32_t bit = 0; bit < length; bit += 3) {
      rule.source[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
      rule.destination[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    }
    mirror_key key = {.family = family};
    memcpy(key.source, rule.source, 16);
    memcpy(key.destination, rule.destination, 16);
    if (length < bits) key.source[length / 8] |= (uint8_t)(0x80 >> length % 8);
    assert_matches(&rule, &key);
    if (length == 0) continue;
    key.destination[(length - 1) / 8] ^= (uint8_t)(0x80 >> (length - 1) % 8);
    assert_compared(&rule, &key, MIRROR_FIELD_DESTINATION_CIDR, MIRROR_STEP_MISMATCH);
    key.source[0] ^= 0x80;
    assert_compared(&rule, &key, MIRROR_FIELD_SOURCE_CIDR, MIRROR_STEP_MISMATCH);
  }
}

static void test_o4_every_prefix_length(void **state) {
  (void)state;
  prefix_lengths(4, 32);
  prefix_lengths(6, 128);
}

static void test_m1_the_first_rule_that_matches_decides(void **state) {
  (void)state;
  struct mri_match_rule rules[6] = {any_rule(6),   table2_rule(), any_rule(6),
                                    table2_rule(), any_rule(4),   any_rule(4)};
  rules[1].protocol = 17;
  mirror_key key = table2_key();
  assert_int_equal(match(rules, 6, &key), 3);
  key.destination_port = 443;
  assert_int_equal(match(rules, 6, &key), 4);
  assert_int_equal(match(rules, 4, &key), MRI_NO_RULE);
  key.family = 6;
  assert_int_equal(match(rules, 6, &key), 0);
  assert_int_equal(match(rules + 1, 5, &key), 1);
}

static void test_m3_an_empty_list_matches_nothing(void **state) {
  (void)state;
  mirror_key key = table2_key();
  assert_int_equal(match(NULL, 0, &key), MRI_NO_RULE);
  key.family = 6;
  assert_int_equal(match(NULL, 0, &key), MRI_NO_RULE);
}

static void test_m4_an_unparsable_packet_matches_nothing(void **state) {
  (void)state;
  const struct mri_match_rule rules[] = {any_rule(4), any_rule(6)};
  const mirror_key key = {.family = 0};
  assert_int_equal(match(rules, 2, &key), MRI_NO_RULE);
}

static void test_batch_walks_with_a_stride(void **state) {
  (void)state;
  struct {
    mirror_key key;
    uint32_t other[3];
  } packets[5];
  const struct mri_match_rule rules[] = {table2_rule(), any_rule(6)};
  for (uint32_t i = 0; i < COUNT(packets); i++) {
    packets[i].key = table2_key();
    packets[i].key.family = (uint8_t)(i % 3 * 2 + 2); /* 2, 4, 6, 2, 4 */
  }
  struct mri_list *list = compile(rules, COUNT(rules));
  uint32_t first[COUNT(packets) + 1] = {[COUNT(packets)] = 77};
  mri_list_match_batch(list, &packets[0].key, sizeof packets[0], COUNT(packets), first);
  const uint32_t expected[] = {MRI_NO_RULE, 0, 1, MRI_NO_RULE, 0, 77};
  assert_memory_equal(first, expected, sizeof expected);
  destroy(list);
}

struct counting {
  uint32_t before_failure;
  int32_t live;
};

static void *counting_allocate(void *user, uint64_t octets) {
  struct counting *counting = user;
  if (counting->before_failure-- == 0) return NULL;
  counting->live++;
  return malloc((size_t)octets);
}

static void counting_free(void *user, void *block) {
  struct counting *counting = user;
  counting->live--;
  free(block);
}

static void test_every_failed_allocation_is_reported_and_leaks_nothing(void **state) {
  (void)state;
  const struct mri_match_rule rules[] = {any_rule(4), any_rule(6)};
  struct counting counting = {0, 0};
  const struct mri_alloc alloc = {&counting, counting_allocate, NULL, counting_free};
  struct mri_list *list = NULL;
  uint32_t failures = 0;
  const struct mri_list_options options = test_list_options(MIRROR_STRUCTURE_NONE);
  struct mri_list_facts facts;
  while (mri_list_compile(&alloc, rules, 2, &options, &list, &facts) != MIRROR_OK) {
    assert_null(list);
    assert_int_equal(counting.live, 0);
    counting.before_failure = ++failures;
  }
  assert_in_range(failures, 1, 100);
  mri_list_destroy(&alloc, list);
  mri_list_destroy(&alloc, NULL);
  assert_int_equal(counting.live, 0);
}

/* Of two sources and two destinations three pairs have rules, told apart by ranges of ports. */
static void test_m3_keys_of_a_class_without_rules_match_nothing(void **state) {
  enum { RULES = 540, KEYS = 64 };
  static const uint32_t source[] = {1, 1, 200}, destination[] = {1, 200, 200};
  static struct mri_match_rule rules[RULES];
  mirror_key keys[KEYS];
  uint32_t first[KEYS];
  (void)state;
  for (uint32_t i = 0; i < RULES; i++) {
    rules[i] = any_rule(4);
    rules[i].source_length = rules[i].destination_length = 8;
    mri_put32(rules[i].source, source[i % 3] << 24);
    mri_put32(rules[i].destination, destination[i % 3] << 24);
    rules[i].destination_first = (uint16_t)(2 * i + 1);
    rules[i].destination_last = (uint16_t)(2 * i + 2);
  }
  struct mri_list *list = compile(rules, RULES);
  for (uint32_t i = 0; i < KEYS; i++) {
    keys[i] = (mirror_key){.family = 4, .protocol = 6, .present = all_present};
    keys[i].destination_port = (uint16_t)(2 * i + 1);
    mri_put32(keys[i].source, (i % 2 ? source[i % 3] : 200) << 24);
    mri_put32(keys[i].destination, (i % 2 ? destination[i % 3] : 1) << 24);
  }
  mri_list_match_batch(list, keys, sizeof keys[0], KEYS, first);
  for (uint32_t i = 0; i < KEYS; i++)
    assert_int_equal(first[i], i % 2 ? i : MRI_NO_RULE);
  destroy(list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_m9_the_first_field_that_differs_is_named),
      cmocka_unit_test(test_m8_an_absent_field_does_not_match),
      cmocka_unit_test(test_m8_one_present_port_is_enough_for_a_rule_on_it_alone),
      cmocka_unit_test(test_o9_protocol_0_is_not_an_absent_protocol),
      cmocka_unit_test(test_o3_every_protocol_number),
      cmocka_unit_test(test_o5_port_ranges_include_both_ends),
      cmocka_unit_test(test_o5_all_ports_covers_packets_without_ports),
      cmocka_unit_test(test_o4_every_prefix_length),
      cmocka_unit_test(test_m1_the_first_rule_that_matches_decides),
      cmocka_unit_test(test_m3_an_empty_list_matches_nothing),
      cmocka_unit_test(test_m4_an_unparsable_packet_matches_nothing),
      cmocka_unit_test(test_m3_keys_of_a_class_without_rules_match_nothing),
      cmocka_unit_test(test_batch_walks_with_a_stride),
      cmocka_unit_test(test_every_failed_allocation_is_reported_and_leaks_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
