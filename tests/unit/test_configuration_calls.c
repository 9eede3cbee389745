/* The calls of configuration.h: what they refuse, and when they call back. */
#include "support/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef MIRROR_WITH_JSON

static void count(void *user, const mirror_report *report) {
  (void)report;
  ++*(uint32_t *)user;
}

static void depth_is_bounded(void **state) {
  static char text[100001];
  memset(text, '[', sizeof text - 1);
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  struct model *model = *state;
  assert_int_equal(mirror_configuration_parse(model->context, text, sizeof text - 1, "deep", NULL,
                                              NULL, &report),
                   MIRROR_E_JSON_SYNTAX);
}

static void note_first(void *user, const mirror_report *report) {
  char *text = user;
  if (!*text) snprintf(text, sizeof report->text, "%s", report->text);
}

/* What a file says is wrong or right whatever the context holds before. */
static void the_model_before_does_not_matter(void **state) {
  struct model *model = *state;
  static const char whole[] =
      "{\"traffic_mirror_filters\": [{\"id\": \"f\"}],\n"
      "\"traffic_mirror_sources\": [{\"id\": \"x\", \"security_group\": \"f\"}],\n"
      "\"traffic_mirror_targets\": [{\"id\": \"t\", \"address\": \"::1\"}],\n"
      "\"traffic_mirror_sessions\": [{\"id\": \"s\", \"priority\": 1,\n"
      "\"traffic_mirror_filter_id\": \"f\", \"traffic_mirror_sources\": [\"x\"],\n"
      "\"traffic_mirror_target_id\": \"t\"}]}";
  static const struct {
    const char *id;
    uint32_t errors;
    const char *first;
  } missing[] = {
      {"\"id\": \"f\"", 2, "x:2:58: source \"x\": security_group \"f\" does not exist"},
      {"\"id\": \"x\"", 1, "x:5:61: session \"s\": traffic_mirror_sources \"x\" does not"},
      {"\"id\": \"t\"", 1, "x:6:29: session \"s\": traffic_mirror_target_id \"t\" does"}};
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  for (size_t i = 0; i < 3; i++) {
    char text[sizeof whole], first[sizeof report.text] = "";
    assert_int_equal(
        mirror_configuration_parse(model->context, whole, strlen(whole), "x", NULL, NULL, NULL),
        MIRROR_OK);
    memcpy(text, whole, sizeof whole);
    strstr(text, missing[i].id)[strlen("\"id\": \"")] = 'g';
    assert_int_not_equal(mirror_configuration_parse(model->context, text, strlen(text), "x",
                                                    note_first, first, &report),
                         MIRROR_OK);
    if (strstr(first, missing[i].first) != first) fail_msg("%s", first);
    assert_int_equal(report.errors, missing[i].errors);
  }
}

static void use_context(void *user, const mirror_report *report) {
  struct model *model = user;
  mirror_transaction *transaction;
  assert_int_equal(report->code, MIRROR_E_UNKNOWN_FIELD);
  assert_int_equal(mirror_transaction_begin(model->context, &transaction, NULL), MIRROR_OK);
  mirror_transaction_destroy(transaction);
}

static void on_error_may_use_the_context(void **state) {
  struct model *model = *state;
  assert_int_equal(
      mirror_configuration_parse(model->context, "{\"a\": 1}", 8, "x", use_context, model, NULL),
      MIRROR_E_UNKNOWN_FIELD);
}

/* More errors than any report has room for, in the order of the file. */
static void in_order(void *user, const mirror_report *report) {
  assert_int_equal(report->line, ++*(uint32_t *)user);
}

static void many_errors(void **state) {
  enum { LINES = 20000 };
  static char text[LINES * 8 + 64] = "{\"traffic_mirror_sources\": [";
  struct model *model = *state;
  uint32_t seen = 0;
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  char *end = text + strlen(text);
  for (int i = 0; i < LINES; i++)
    end += sprintf(end, "%s%d", i ? ",\n" : "", i);
  strcpy(end, "]}");
  assert_int_equal(
      mirror_configuration_parse(model->context, text, strlen(text), "x", in_order, &seen, &report),
      MIRROR_E_JSON_TYPE);
  assert_int_equal(seen, LINES);
  assert_int_equal(report.errors, LINES);
  assert_int_equal(report.line, 1);
}

/* Files that cannot be read have no line, and are no error in a file. */
static void unreadable_files(void **state) {
  struct model *model = *state;
  uint32_t errors = 0;
  static const char *const paths[] = {"/nonexistent/mirror.json", "/"};
  for (size_t i = 0; i < 2; i++) {
    mirror_report report;
    mirror_report_init(&report, sizeof report);
    assert_int_equal(mirror_configuration_load(model->context, paths[i], count, &errors, &report),
                     MIRROR_E_OS);
    assert_int_equal(errors, 0);
    assert_int_equal(report.line, 0);
    assert_int_not_equal(report.os_error, 0);
    assert_non_null(strstr(report.text, paths[i]));
  }
}

static void too_long(void **state) {
  struct model *model = *state;
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  assert_int_equal(mirror_configuration_parse(model->context, "", (UINT64_C(256) << 20) + 1, "big",
                                              NULL, NULL, &report),
                   MIRROR_E_LIMIT);
}

static void arguments(void **state) {
  struct model *model = *state;
  char *text;
  uint64_t length;
  assert_int_equal(mirror_configuration_load(NULL, "x", NULL, NULL, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_configuration_load(model->context, NULL, NULL, NULL, NULL),
                   MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_configuration_parse(model->context, NULL, 0, "x", NULL, NULL, NULL),
                   MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_configuration_format(model->context, &text, NULL, NULL),
                   MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_configuration_format(NULL, &text, &length, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_configuration_save(model->context, NULL, NULL), MIRROR_E_ARGUMENT);
  mirror_configuration_free(NULL, NULL);
  mirror_transaction *open;
  assert_int_equal(mirror_transaction_begin(model->context, &open, NULL), MIRROR_OK);
  assert_int_equal(mirror_configuration_parse(model->context, "{}", 2, "x", NULL, NULL, NULL),
                   MIRROR_E_BUSY);
  mirror_transaction_destroy(open);
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
      TEST(depth_is_bounded),
      TEST(the_model_before_does_not_matter),
      TEST(on_error_may_use_the_context),
      TEST(many_errors),
      TEST(unreadable_files),
      TEST(too_long),
      TEST(arguments),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) {
  return 77;
}
#endif
