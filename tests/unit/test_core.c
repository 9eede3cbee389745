/* The room core: map, slots, sized structs, reports, UTF-8, status codes. */
#include "core/map.h"
#include "core/report.h"
#include "core/sized.h"
#include "core/slots.h"
#include "core/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool same_item(const void *item, const void *key) {
  return item == key;
}

/* Few hash values, so that runs of displaced cells grow, wrap and are closed again. */
static void test_map_agrees_with_an_array(void **state) {
  (void)state;
  enum { ITEMS = 64, STEPS = 20000 };
  static char items[ITEMS];
  bool present[ITEMS] = {false};
  struct mri_alloc alloc;
  struct mri_map map;
  mri_alloc_default(&alloc);
  mri_map_init(&map, &alloc);
  srand(1);
  for (int step = 0; step < STEPS; step++) {
    int i = rand() % ITEMS;
    uint64_t hash = (uint64_t)(i % 7) + 60;
    if (present[i]) {
      mri_map_remove(&map, hash, &items[i]);
    } else {
      assert_true(mri_map_reserve(&map, 1));
      mri_map_insert(&map, hash, &items[i]);
    }
    present[i] = !present[i];
    for (int k = 0; k < ITEMS; k++)
      assert_ptr_equal(mri_map_find(&map, (uint64_t)(k % 7) + 60, same_item, &items[k]),
                       present[k] ? &items[k] : NULL);
  }
  mri_map_free(&map);
}

static void test_slots_are_reused_and_end(void **state) {
  (void)state;
  struct mri_alloc alloc;
  struct mri_slots slots;
  mri_alloc_default(&alloc);
  mri_slots_init(&slots, &alloc);
  uint32_t slot = 0;
  for (uint32_t i = 0; i < 100; i++) {
    assert_true(mri_slots_take(&slots, &slot));
    assert_int_equal(slot, i);
  }
  for (uint32_t i = 0; i < 100; i++)
    mri_slots_give(&slots, i);
  assert_true(mri_slots_take(&slots, &slot));
  assert_in_range(slot, 0, 99);
  assert_int_equal(slots.used, 100);
  while (mri_slots_take(&slots, &slot))
    ;
  assert_int_equal(slots.used, MRI_SLOTS_MAX - 1); /* slot + 1 fits a handle */
  mri_slots_free(&slots);
}

struct sample {
  uint32_t size;
  uint32_t first;
  uint32_t second;
};

static void test_sized_struct_of_an_older_caller_gets_defaults(void **state) {
  (void)state;
  struct sample own = {sizeof own, 1, 2}, caller = {8, 7, 99};
  assert_int_equal(mri_sized_read(&own, sizeof own, &caller, 8, NULL), MIRROR_OK);
  assert_int_equal(own.first, 7);
  assert_int_equal(own.second, 2);
  assert_int_equal(own.size, sizeof own);
}

static void test_sized_struct_of_a_newer_caller_needs_a_zero_tail(void **state) {
  (void)state;
  struct sample own = {8, 1, 2}, caller = {sizeof caller, 7, 0};
  assert_int_equal(mri_sized_read(&own, 8, &caller, 8, NULL), MIRROR_OK);
  assert_int_equal(own.first, 7);
  caller.second = 1;
  caller.first = 8;
  assert_int_equal(mri_sized_read(&own, 8, &caller, 8, NULL), MIRROR_E_STRUCT_SIZE);
  assert_int_equal(own.first, 7);
}

static void test_sized_struct_too_small_or_null(void **state) {
  (void)state;
  struct sample own = {sizeof own, 1, 2}, caller = {4, 0, 0};
  assert_int_equal(mri_sized_read(&own, sizeof own, &caller, 8, NULL), MIRROR_E_STRUCT_SIZE);
  assert_int_equal(mri_sized_read(&own, sizeof own, NULL, 8, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mri_sized_write(&caller, &own, sizeof own, 8), MIRROR_E_STRUCT_SIZE);
  assert_int_equal(mri_sized_write(NULL, &own, sizeof own, 8), MIRROR_E_ARGUMENT);
}

static void test_sized_write_fills_what_both_know(void **state) {
  (void)state;
  const struct sample own = {sizeof own, 1, 2};
  struct sample older = {8, 0, 77}, newer = {sizeof newer, 0, 77};
  assert_int_equal(mri_sized_write(&older, &own, sizeof own, 8), MIRROR_OK);
  assert_int_equal(older.first, 1);
  assert_int_equal(older.second, 77);
  assert_int_equal(older.size, 8);
  assert_int_equal(mri_sized_write(&newer, &own, 8, 8), MIRROR_OK);
  assert_int_equal(newer.second, 0);
}

static const struct mri_fault fault = {.code = MIRROR_E_SESSION_PRIORITY,
                                       .object = MIRROR_OBJECT_SESSION,
                                       .id = "s1",
                                       .field = "priority",
                                       .value = "0",
                                       .expected = "1-32766"};

static void test_report_is_one_sentence_and_its_parts(void **state) {
  (void)state;
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  assert_int_equal(mri_refuse(&report, &fault), MIRROR_E_SESSION_PRIORITY);
  assert_string_equal(report.text, "session \"s1\": field \"priority\" is 0, expected 1-32766");
  assert_int_equal(report.code, MIRROR_E_SESSION_PRIORITY);
  assert_int_equal(report.object, MIRROR_OBJECT_SESSION);
  assert_int_equal(report.errors, 1);
  assert_string_equal(report.object_id, "s1");
  assert_string_equal(report.field, "priority");
  assert_string_equal(report.value, "0");
  assert_string_equal(report.expected, "1-32766");
  assert_int_equal(mri_refuse(NULL, &fault), MIRROR_E_SESSION_PRIORITY);
}

static void test_report_of_a_missing_or_textual_value(void **state) {
  (void)state;
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  struct mri_fault other = fault;
  other.value = NULL;
  mri_refuse(&report, &other);
  assert_string_equal(report.text,
                      "session \"s1\": field \"priority\" is missing, expected 1-32766");
  other.value = "high";
  other.expected = NULL;
  mri_refuse(&report, &other);
  assert_string_equal(report.text,
                      "session \"s1\": field \"priority\" is \"high\": a session "
                      "priority is not 1-32766");
}

/* A caller built against a shorter report: nothing behind its end is touched. */
static void test_report_of_an_older_caller(void **state) {
  (void)state;
  mirror_report report;
  memset(&report, 0x55, sizeof report);
  uint32_t size = offsetof(mirror_report, field) + 4;
  mirror_report_init(&report, size);
  mri_refuse(&report, &fault);
  assert_int_equal(report.size, size);
  assert_string_equal(report.object_id, "s1");
  assert_string_equal(report.field, "pri");
  assert_int_equal(report.field[4], 0x55);
}

/* "\u00e9" is two octets: a field never ends in half a character. */
static void test_report_is_cut_between_characters(void **state) {
  (void)state;
  char value[1000] = "x";
  for (size_t i = 1; i + 2 < sizeof value; i += 2)
    memcpy(value + i, "\xc3\xa9", 3);
  struct mri_fault other = fault;
  other.value = value;
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  mri_refuse(&report, &other);
  assert_int_equal(strlen(report.value), sizeof report.value - 1);
  value[1] = '\xc3';
  memmove(value, value + 1, strlen(value)); /* now even */
  mri_refuse(&report, &other);
  assert_int_equal(strlen(report.value), sizeof report.value - 2);
}

static void test_report_holds_no_control_characters(void **state) {
  (void)state;
  struct mri_fault other = fault;
  other.value = "a\x1b[31m\n\xff\xc2\x9b";
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  mri_refuse(&report, &other);
  assert_string_equal(report.value, "a?[31m???");
}

static void test_report_of_a_system_call(void **state) {
  (void)state;
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  assert_int_equal(mri_fail_os(&report, MIRROR_E_OS, 2, "cannot open \"%s\"", "a.pcap"),
                   MIRROR_E_OS);
  assert_string_equal(report.text, "cannot open \"a.pcap\": No such file or directory");
  assert_int_equal(report.os_error, 2);
}

static void test_utf8_is_read_strictly(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t length;
    uint32_t character;
  } rows[] = {{"a", 1, 'a'},
              {"\xc3\xa9", 2, 0xe9},
              {"\xe4\xb8\xad", 3, 0x4e2d},
              {"\xf0\xa0\x80\x80", 4, 0x20000},
              {"", 0, 0},
              {"\x80", 0, 0},
              {"\xc0\x80", 0, 0},
              {"\xe0\x80\x80", 0, 0},
              {"\xed\xa0\x80", 0, 0},
              {"\xf4\x90\x80\x80", 0, 0},
              {"\xc3", 0, 0},
              {"\xff", 0, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint32_t character = 0;
    assert_int_equal(mri_utf8_read(rows[i].text, &character), rows[i].length);
    assert_int_equal(character, rows[i].character);
  }
}

static void test_status_codes_have_names_and_texts(void **state) {
  (void)state;
  int known = 0;
  for (int32_t code = 0; code > -200; code--) {
    if (strcmp(mirror_status_name(code), "unknown") == 0) continue;
    known++;
    assert_string_not_equal(mirror_strerror(code), "unknown status code");
    assert_memory_equal(mirror_status_name(code), code ? "MIRROR_E_" : "MIRROR_OK", 9);
    for (int32_t other = code + 1; other <= 0; other++)
      assert_string_not_equal(mirror_status_name(code), mirror_status_name(other));
  }
  assert_int_equal(known, 92);
  assert_string_equal(mirror_status_name(MIRROR_E_VNI), "MIRROR_E_VNI");
  assert_string_equal(mirror_status_name(-9999), "unknown");
}

static void test_version(void **state) {
  (void)state;
  assert_int_equal(mirror_version(), 0x000100);
  assert_string_equal(mirror_version_text(), "0.1.0");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_map_agrees_with_an_array),
      cmocka_unit_test(test_slots_are_reused_and_end),
      cmocka_unit_test(test_sized_struct_of_an_older_caller_gets_defaults),
      cmocka_unit_test(test_sized_struct_of_a_newer_caller_needs_a_zero_tail),
      cmocka_unit_test(test_sized_struct_too_small_or_null),
      cmocka_unit_test(test_sized_write_fills_what_both_know),
      cmocka_unit_test(test_report_is_one_sentence_and_its_parts),
      cmocka_unit_test(test_report_of_a_missing_or_textual_value),
      cmocka_unit_test(test_report_of_an_older_caller),
      cmocka_unit_test(test_report_is_cut_between_characters),
      cmocka_unit_test(test_report_holds_no_control_characters),
      cmocka_unit_test(test_report_of_a_system_call),
      cmocka_unit_test(test_utf8_is_read_strictly),
      cmocka_unit_test(test_status_codes_have_names_and_texts),
      cmocka_unit_test(test_version),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
