/* Texts that are not JSON: what is said, and where. Texts that are: jansson's values are right. */
#include "support/guard_page.h"
#include "support/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef MIRROR_WITH_JSON

enum { LONGEST = 8192, DEEPEST = 2048 };

static void note(void *user, const mirror_report *report) {
  mirror_report *noted = user;
  assert_int_equal(noted->errors, 0);
  *noted = *report;
}

/* Nothing behind the text is read. */
static int32_t parse(void **state, const char *text, mirror_report *noted) {
  struct model *model = *state;
  struct guard_page *guard = guard_page_new(LONGEST);
  size_t length = strlen(text);
  const char *at_end = (const char *)guard_page_at_end(guard, text, length);
  int32_t status = mirror_configuration_parse(model->context, at_end, length, "name.json", note,
                                              noted, &model->report);
  guard_page_free(guard);
  return status;
}

/* `expected` is the whole sentence behind the file's name, with line and column. */
static void expect_syntax(void **state, const char *text, const char *expected) {
  struct model *model = *state;
  char sentence[512], place[64];
  mirror_report noted = {.errors = 0};
  assert_int_equal(parse(state, text, &noted), MIRROR_E_JSON_SYNTAX);
  snprintf(sentence, sizeof sentence, "name.json:%s", expected);
  assert_string_equal(noted.text, sentence);
  snprintf(place, sizeof place, "%.16s:%u:%u: ", noted.file, noted.line, noted.column);
  assert_memory_equal(sentence, place, strlen(place));
  assert_memory_equal(&noted, &model->report, sizeof noted);
  assert_int_equal(noted.errors, 1);
}

/* The place: the first character of a wrong word, or the last one of what is there instead. */
static void syntax(void **state) {
  expect_syntax(state, "{\n\"a\": }", "2:6: not JSON: unexpected token near '}'");
  expect_syntax(state, "", "1:1: not JSON: '[' or '{' expected near end of file");
  expect_syntax(state, "5", "1:1: not JSON: '[' or '{' expected near '5'");
  expect_syntax(state, "{} x", "1:4: not JSON: end of file expected near 'x'");
  expect_syntax(state, "{\"a\": 1", "1:8: not JSON: '}' expected near end of file");
  expect_syntax(state, "{\"a\": 1\n", "2:1: not JSON: '}' expected near end of file");
  expect_syntax(state, "{\"a\": nul}", "1:7: not JSON: invalid token near 'nul'");
  expect_syntax(state, "{\"a\": [1,\t]}", "1:11: not JSON: unexpected token near ']'");
  expect_syntax(state, "{\"a\": 1,\n}", "2:1: not JSON: string or '}' expected near '}'");
  expect_syntax(state, "{'a': 1}", "1:2: not JSON: string or '}' expected near '''");
  expect_syntax(state, "// a\n{}", "1:1: not JSON: '[' or '{' expected near '/'");
  expect_syntax(state, "{\"a\": -}", "1:7: not JSON: invalid token near '-'");
  expect_syntax(state, "{\"a\": 01}", "1:7: not JSON: invalid token near '0'");
  expect_syntax(state, "{\"\xc3\xa9\": \"\" \"b\": 1}",
                "1:12: not JSON: '}' expected near '\"b\"'");
}

/* A string is refused at its last character that was read: the wrong one or the one before. */
static void syntax_of_strings(void **state) {
  expect_syntax(state, "{\"traffic_mirror_filters\": [{\"id\": \"\xff\"}]}",
                "1:37: not JSON: unable to decode byte 0xff near '\"'");
  expect_syntax(state, "{\"\xc3\xa9\": \"\xe4\xb8\"}",
                "1:8: not JSON: unable to decode byte 0xe4 near '\"'");
  expect_syntax(state, "{\"a\": \"\n\"}", "1:7: not JSON: unexpected newline near '\"'");
  expect_syntax(state, "{\"a\": \"a b\n\"}", "1:10: not JSON: unexpected newline near '\"a b'");
  expect_syntax(state, "{\"a\": \"b", "1:9: not JSON: premature end of input near '\"b'");
  expect_syntax(state, "{\"a\": \"\\x\"}", "1:9: not JSON: invalid escape near '\"\\x'");
  expect_syntax(state, "{\"a\": \"\\u12g4\"}", "1:9: not JSON: invalid escape near '\"\\u12g'");
  expect_syntax(state, "{\"a\": \"\\u1\n\"}", "1:11: not JSON: invalid escape near '\"\\u1?'");
  expect_syntax(state, "{\"a\": \"\\ud83d\"}",
                "1:14: not JSON: invalid Unicode '\\uD83D' near '\"\\ud83d\"'");
  expect_syntax(state, "{\"a\": \"\\u0000\"}",
                "1:14: not JSON: \\u0000 is not allowed without JSON_ALLOW_NUL near '\"\\u0000\"'");
}

static void nul_octets(void **state) {
  static const char text[] = "{\"x-\":\n1\0}";
  struct model *model = *state;
  assert_int_equal(mirror_configuration_parse(model->context, text, sizeof text - 1, "name.json",
                                              NULL, NULL, &model->report),
                   MIRROR_E_JSON_SYNTAX);
  assert_string_equal(model->report.text, "name.json:2:2: not JSON: a NUL octet");
}

static void members_that_stand_twice(void **state) {
  expect_syntax(state, "{\"a\": 1,\n \"a\": 2}",
                "2:2: not JSON: duplicate object key near '\"a\"'");
  expect_syntax(state, "{\"\xc3\xa9\\\"\": 1, \"\": \"\", \"\\u00e9\\\"\": 2}",
                "1:20: not JSON: duplicate object key near '\"\\u00e9\\\"\"'");
}

static void numbers_that_are_too_large(void **state) {
  expect_syntax(state, "{\"a\": 99999999999999999999, \"b\": 1}",
                "1:7: number beyond 64 bits: too big integer near '99999999999999999999'");
  expect_syntax(state, "{\"a\": [\n-9223372036854775809]}",
                "2:1: number beyond 64 bits: too big negative integer near '-9223372036854775809'");
  expect_syntax(state, "{\"a\": -1e999}",
                "1:7: number beyond 64 bits: real number overflow near '-1e999'");
}

/* `depth` lists inside one another. */
static char *lists(char text[LONGEST], int depth) {
  memset(text, '[', (size_t)depth);
  memset(text + depth, ']', (size_t)depth);
  text[2 * depth] = '\0';
  return text;
}

static void depth(void **state) {
  char text[LONGEST];
  mirror_report noted = {.errors = 0};
  assert_int_equal(parse(state, lists(text, DEEPEST), &noted), MIRROR_E_JSON_TYPE);
  expect_syntax(state, lists(text, DEEPEST + 1),
                "1:2049: more than 2048 values inside one another: maximum parsing depth reached "
                "near '['");
}

/* Every form of string and number is recognised as what jansson made of it. */
static void words_of_every_form(void **state) {
  static const char *const words[] = {
      "\"\"",
      "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
      "\"\\u0001\\u007f\\u0080\\u07FF\\u0800\\ud7ff\\uE000\\uffff\\ud800\\udc00\\uDBFF\\uDFFF\"",
      "\"\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80 \\ud83d\\ude00\x7f\"",
      "9223372036854775807",
      "-9223372036854775808",
      "-0",
      "0.00000000000000000000000000000000001",
      "123456789012345678901234567890e-5",
      "true",
      "null",
      "[[], {}, [1,2 , 3]\n]",
  };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    char text[512];
    mirror_report noted = {.errors = 0};
    snprintf(text, sizeof text, "{\"x-\\u00e9\": %s, \"x-long-key-\\ud83d\\ude00\" :%s}", words[i],
             words[i]);
    assert_int_equal(parse(state, text, &noted), MIRROR_OK);
  }
}

static int setup(void **state) {
  if (model_setup(state)) return -1;
  struct model *model = *state;
  mirror_transaction_destroy(model->tx);
  model->tx = NULL;
  return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, model_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(syntax),
      TEST(syntax_of_strings),
      TEST(nul_octets),
      TEST(members_that_stand_twice),
      TEST(numbers_that_are_too_large),
      TEST(depth),
      TEST(words_of_every_form),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) {
  return 77;
}
#endif
