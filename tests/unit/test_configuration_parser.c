/* The reader of JSON agrees with jansson's on damaged texts, and reads nothing behind their end. */
#include "support/guard_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef MIRROR_WITH_JSON
#include "config/document.h"

enum { ROUNDS = 60000, LONGEST = 512 };

static const char *const texts[] = {
    "{\"traffic_mirror_filters\": [{\"id\": \"f\", \"a\": [], \"b\": {}, \"c\": [[], {}, [1]]}]}",
    "[0, -0, 1.5, -12e3, 1E+2, 2e-7, 9223372036854775807, -9223372036854775808, 0.10]",
    " {\n\t\"k\" :\r\n true , \"l\":false,\"\":null}\n ",
    "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\", \"\\u00e9\\u4E2d\\ud83d\\uDE00\\uffff\", \"\xc3\xa9\xe4\xb8"
    "\xad\xf0\x9f\x98\x80\x7f\"]",
    "\"\\ud83d\\ude00\"",
    "-17",
    "true",
};

static uint32_t dice(uint32_t sides) {
  static uint64_t state = 1;
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 33) % sides;
}

/* Changes, removes or inserts an octet. */
static size_t damage(char *text, size_t length) {
  static const char octets[] = "{}[],:\"\\ \n\tuntrfse0123456789-+.eEdD\x80\xc3\xed\xf4\x01/";
  char octet = octets[dice(sizeof octets - 1)];
  size_t at = dice((uint32_t)length + 1);
  switch (dice(3)) {
    case 0:
      if (at < length) text[at] = octet;
      return length;
    case 1:
      if (at == length) return length;
      memmove(text + at, text + at + 1, length - at - 1);
      return length - 1;
    default:
      memmove(text + at + 1, text + at, length - at);
      text[at] = octet;
      return length + 1;
  }
}

/* Nodes are in the order of the text, inside one another, each with its place. */
static void check_nodes(const struct mri_document *document) {
  for (uint32_t i = 1; i < document->count; i++) {
    const struct mri_node *node = &document->nodes[i], *parent = &document->nodes[node->parent];
    const struct mri_node *before = &document->nodes[i - 1];
    assert_true(node->parent < i && node->end > i && node->end <= parent->end);
    assert_true(node->at.line > before->at.line || node->at.column > before->at.column);
    const json_t *same = node->key ? json_object_get(parent->value, node->key)
                                   : json_array_get(parent->value, node->index);
    assert_ptr_equal(node->value, same);
  }
}

/* jansson refuses what is JSON but does not fit its integers and reals. */
static void compare(const char *text, size_t length) {
  struct mri_alloc alloc;
  struct mri_document document;
  mirror_report report = {.size = sizeof report};
  json_error_t error;
  mri_alloc_default(&alloc);
  json_t *theirs = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
  int32_t status = mri_document_open(&document, &alloc, "text", text, length, &report);
  if (!status) check_nodes(&document);
  bool agree = theirs ? !status && json_equal(document.root, theirs)
                      : status || json_error_code(&error) == json_error_numeric_overflow;
  if (!agree)
    fail_msg("%.*s\n%s\n%s", (int)length, text, theirs ? "taken" : error.text, report.text);
  if (status)
    assert_true(report.line > 0 && report.column > 0);
  else
    mri_document_close(&document);
  json_decref(theirs);
}

static void damaged_texts(void **state) {
  (void)state;
  struct guard_page *guard = guard_page_new(LONGEST);
  for (int round = 0; round < ROUNDS; round++) {
    char text[LONGEST];
    const char *whole = texts[(size_t)round % (sizeof texts / sizeof *texts)];
    size_t length = strlen(whole);
    memcpy(text, whole, length);
    for (uint32_t times = dice(4); times; times--)
      length = damage(text, length);
    compare((const char *)guard_page_at_end(guard, text, length), length);
  }
  guard_page_free(guard);
}

/* Each text, cut at each octet. */
static void cut_texts(void **state) {
  (void)state;
  struct guard_page *guard = guard_page_new(LONGEST);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    for (size_t length = 0; length <= strlen(texts[i]); length++)
      compare((const char *)guard_page_at_end(guard, texts[i], length), length);
  }
  guard_page_free(guard);
}

static void nested(uint32_t depth, int32_t expected) {
  char text[2048] = "";
  struct mri_alloc alloc;
  struct mri_document document;
  mri_alloc_default(&alloc);
  memset(text, '[', depth);
  memset(text + depth, ']', depth);
  int32_t status = mri_document_open(&document, &alloc, "text", text, 2 * (uint64_t)depth, NULL);
  assert_int_equal(status, expected);
  if (!status) mri_document_close(&document);
}

/* jansson takes a NUL behind the text for its end. */
static void octets_behind_the_text(void **state) {
  (void)state;
  struct mri_alloc alloc;
  struct mri_document document;
  mri_alloc_default(&alloc);
  assert_int_equal(mri_document_open(&document, &alloc, "text", "{}\0{", 4, NULL),
                   MIRROR_E_JSON_SYNTAX);
}

static void depth(void **state) {
  (void)state;
  nested(512, MIRROR_OK);
  nested(513, MIRROR_E_JSON_SYNTAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(damaged_texts),
      cmocka_unit_test(cut_texts),
      cmocka_unit_test(octets_behind_the_text),
      cmocka_unit_test(depth),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) {
  return 77;
}
#endif
