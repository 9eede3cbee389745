/* Out of memory at every single allocation of loading and saving: MIRROR_E_NOMEM, nothing changed,
 * nothing leaked. */
#include "support/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef MIRROR_WITH_JSON
#include <jansson.h>

static const char before[] =
    "{\"traffic_mirror_filters\": [{\"id\": \"f\", \"ingress_rules\": [{\"priority\": 1,"
    "   \"action\": \"reject\", \"ethertype\": \"IPv6\"}]}],"
    " \"traffic_mirror_sources\": [{\"id\": \"old\"}],"
    " \"traffic_mirror_targets\": [{\"id\": \"t\", \"address\": \"10.0.0.1\"}],"
    " \"traffic_mirror_sessions\": [{\"id\": \"s\", \"priority\": 1,"
    "   \"traffic_mirror_filter_id\": \"f\", \"traffic_mirror_sources\": [\"old\"],"
    "   \"traffic_mirror_target_id\": \"t\"}]}";

static const char after[] =
    "{\"traffic_mirror_filters\": [{\"id\": \"f\", \"name\": \"a-name\", \"egress_rules\": ["
    "   {\"id\": \"r\", \"priority\": 1, \"action\": \"accept\", \"ethertype\": \"IPv4\","
    "    \"protocol\": 6, \"destination_cidr_block\": \"10.0.0.0/8\", \"description\": \"d\"}]}],"
    " \"traffic_mirror_sources\": [{\"id\": \"x\", \"interface\": \"eth0\", \"vpc_id\": \"v\","
    "   \"security_group\": \"f\"}, {\"id\": \"y\"}],"
    " \"traffic_mirror_targets\": [{\"id\": \"t\", \"address\": \"::1\", \"vpc_id\": \"w\"}],"
    " \"traffic_mirror_session\": {\"id\": \"s\", \"priority\": 2, \"virtual_network_id\": \"0\","
    "   \"traffic_mirror_filter_id\": \"f\", \"traffic_mirror_sources\": [\"x\", \"y\"],"
    "   \"traffic_mirror_target_id\": \"t\", \"description\": \"\"},"
    " \"vpc_connections\": [[\"v\", \"w\"]], \"quotas\": {\"sources_per_session\": 2}}";

/* Several errors, found in several ways. */
static const char wrong[] =
    "{\"traffic_mirror_filters\": [{\"id\": \"f\", \"egress_rules\": [{\"priority\": 0}]}],"
    " \"traffic_mirror_sources\": [{\"id\": \"x\", \"security_group\": \"g\"}, {}],"
    " \"traffic_mirror_sessions\": [{\"id\": \"s\", \"priority\": 2,"
    "   \"traffic_mirror_filter_id\": \"g\", \"traffic_mirror_sources\": [\"y\", 5],"
    "   \"traffic_mirror_target_id\": [], \"none\": 1}]}";

/* jansson has an allocator of its own: its calls count as well. */
static struct model_memory *memory;
static bool jansson_failed;

static void *allocate(size_t octets) {
  if (++memory->calls == memory->failing) {
    jansson_failed = true;
    return NULL;
  }
  memory->blocks++;
  return malloc(octets);
}

static void release(void *block) {
  memory->blocks -= block != NULL;
  free(block);
}

static int use_allocator(void **state) {
  (void)state;
  json_set_alloc_funcs(allocate, release);
  return 0;
}

static void never(void *user, const mirror_report *report) {
  (void)user;
  fail_msg("called for \"%s\"", report->text);
}

static int32_t load(struct model *model, const char *text, mirror_error_fn on_error) {
  return mirror_configuration_parse(model->context, text, strlen(text), "x.json", on_error, NULL,
                                    &model->report);
}

static char *format(struct model *model) {
  char *text = NULL;
  uint64_t length = 0;
  assert_int_equal(mirror_configuration_format(model->context, &text, &length, NULL), MIRROR_OK);
  assert_int_equal(strlen(text), length);
  return text;
}

static void open_model(struct model *model) {
  memory = &model->memory;
  assert_int_equal(model_open(model), MIRROR_OK);
  mirror_transaction_destroy(model->tx);
  model->tx = NULL;
  assert_int_equal(load(model, before, NULL), MIRROR_OK);
}

static void fail_at(struct model *model, long allocation) {
  jansson_failed = false;
  model->memory.calls = 0;
  model->memory.failing = allocation;
}

/* `first` is format's text before the call. */
static void assert_unchanged(struct model *model, char *first) {
  char *second = format(model);
  assert_string_equal(first, second);
  mirror_configuration_free(model->context, first);
  mirror_configuration_free(model->context, second);
}

/* False when there are not that many allocations. */
static bool load_fails_at(const char *text, int32_t otherwise, long allocation) {
  struct model model = {.context = NULL};
  open_model(&model);
  char *first = format(&model);
  fail_at(&model, allocation);
  int32_t status = load(&model, text, otherwise ? NULL : never);
  bool failed = model.memory.calls >= allocation;
  fail_at(&model, 0);
  assert_int_equal(status, failed ? MIRROR_E_NOMEM : otherwise);
  if (failed) {
    assert_int_equal(model.report.line, 0);
    assert_string_equal(model.report.text, "x.json: out of memory");
  }
  if (status)
    assert_unchanged(&model, first);
  else
    mirror_configuration_free(model.context, first);
  assert_int_equal(load(&model, text, NULL), otherwise);
  model_close(&model);
  return failed;
}

static void loading(void **state) {
  (void)state;
  long allocation = 1;
  while (load_fails_at(after, MIRROR_OK, allocation))
    allocation++;
  assert_in_range(allocation, 40, 10000);
}

static void loading_what_is_wrong(void **state) {
  (void)state;
  long allocation = 1;
  while (load_fails_at(wrong, MIRROR_E_MISSING_FIELD, allocation))
    allocation++;
  assert_in_range(allocation, 20, 10000);
}

/*
 * Where jansson cannot make room for the 16th, 32nd or 64th octet of a word, it drops the octet
 * and goes on: that is noticed, or the text is called wrong, but it never loads.
 */
static bool shortening_fails_at(const char *text, long allocation) {
  struct model model = {.context = NULL};
  open_model(&model);
  char *first = format(&model);
  fail_at(&model, allocation);
  int32_t status = load(&model, text, NULL);
  bool failed = model.memory.calls >= allocation;
  if (!failed)
    assert_int_equal(status, MIRROR_OK);
  else if (status != MIRROR_E_JSON_SYNTAX || !jansson_failed)
    assert_int_equal(status, MIRROR_E_NOMEM);
  fail_at(&model, 0);
  if (failed)
    assert_unchanged(&model, first);
  else
    mirror_configuration_free(model.context, first);
  model_close(&model);
  return failed;
}

static void assert_noticed(const char *text) {
  long allocation = 1;
  while (shortening_fails_at(text, allocation))
    allocation++;
  assert_in_range(allocation, 5, 1000);
}

/* jansson itself ends the process, or reads on behind the word, if it drops a word's last octet or
 * the one behind a backslash. No caller can help that. */
static bool is_fatal(const char *word) {
  size_t length = strlen(word);
  for (size_t dropped = 15; dropped < length; dropped = dropped * 2 + 1) {
    if (dropped == length - 1 || word[dropped - 1] == '\\') return true;
  }
  return false;
}

/* Every other octet of escapes and characters is the 16th once. */
static void shortened_strings(void **state) {
  (void)state;
  int noticed = 0;
  for (int before_it = 0; before_it < 40; before_it++) {
    char word[128], text[256];
    snprintf(word, sizeof word, "\"x-%.*s%s\"", before_it % 20, "abcdefghijklmnopqrst",
             before_it < 20 ? "\\n\\u07ff0\xc3\xa9\\ud83d\\ude00 and more"
                            : "\\tu\\\\n\\\"\\ud83d\\ude00 and more");
    if (is_fatal(word)) continue;
    snprintf(text, sizeof text, "{\"x-\": %s}", word);
    assert_noticed(text);
    snprintf(text, sizeof text, "{%s: 0}", word);
    assert_noticed(text);
    noticed++;
  }
  assert_in_range(noticed, 20, 40);
}

static void shortened_numbers(void **state) {
  (void)state;
  assert_noticed("{\"x-\": 1234567890123456789}");
  assert_noticed("{\"x-\": -1000000000000000001}");
}

/* Without the X it is the key before. */
static void shortened_keys(void **state) {
  (void)state;
  assert_noticed("{\"x-ab\": 0, \"x-bcdefghijklmX1\": 1, \"x-bcdefghijklm1\": 2}");
}

static bool save_fails_at(const char *path, long allocation) {
  struct model model = {.context = NULL};
  open_model(&model);
  char *first = format(&model);
  fail_at(&model, allocation);
  int32_t status = mirror_configuration_save(model.context, path, &model.report);
  bool failed = model.memory.calls >= allocation;
  fail_at(&model, 0);
  assert_int_equal(status, failed ? MIRROR_E_NOMEM : MIRROR_OK);
  assert_unchanged(&model, first);
  assert_int_equal(access(path, F_OK), failed ? -1 : 0);
  model_close(&model);
  return failed;
}

static void saving(void **state) {
  (void)state;
  char path[] = "/tmp/test_configuration_memory_XXXXXX";
  int file = mkstemp(path);
  assert_true(file >= 0);
  close(file);
  unlink(path);
  long allocation = 1;
  while (save_fails_at(path, allocation))
    allocation++;
  unlink(path);
  assert_in_range(allocation, 2, 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loading),           cmocka_unit_test(loading_what_is_wrong),
      cmocka_unit_test(shortened_strings), cmocka_unit_test(shortened_numbers),
      cmocka_unit_test(shortened_keys),    cmocka_unit_test(saving),
  };
  return cmocka_run_group_tests(tests, use_allocator, NULL);
}
#else
int main(void) {
  return 77;
}
#endif
