/*
 * Out of memory is an error and no event (R5 of docs/reliability.md): each scenario is run with its
 * first, second, ... allocation failing, once and with all that follow, until none fails any more.
 * A failure is MIRROR_E_NOMEM with a report, leaves the committed model and the transaction as they
 * were and no block behind, and the call works when there is memory again. The scenarios have every
 * function that the library exports.
 */
#include "memory/scenarios.h"
#include "support/model_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef MIRROR_WITH_JSON
#include <jansson.h>
#endif

enum { USED_MAX = 512, NEVER_ENDS = 100000 };

static const char *used_names[USED_MAX];
static uint32_t used_count;
static struct model_memory *memory; /* of the model in use */

void used(const char *function) {
  for (uint32_t i = 0; i < used_count; i++)
    if (strcmp(used_names[i], function) == 0) return;
  assert_true(used_count < USED_MAX);
  used_names[used_count++] = function;
}

void fine(int32_t status) {
  assert_string_equal(mirror_status_name(status), "MIRROR_OK");
}

/* ---- memory that no context gives: malloc itself (linker option wrap), and jansson's ---- */

void *__real_malloc(size_t octets);
void *__wrap_malloc(size_t octets);
void *__real_realloc(void *block, size_t octets);
void *__wrap_realloc(void *block, size_t octets);

static bool fails(void) {
  if (!memory || !memory->failing) return false;
  memory->calls++;
  return memory->onwards ? memory->calls >= memory->failing : memory->calls == memory->failing;
}

static bool malloc_counts; /* else the context's memory functions do, which call malloc */

void malloc_is_memory(bool yes) {
  malloc_counts = yes;
}

void *__wrap_malloc(size_t octets) {
  return malloc_counts && fails() ? NULL : __real_malloc(octets);
}

void *__wrap_realloc(void *block, size_t octets) {
  return malloc_counts && fails() ? NULL : __real_realloc(block, octets);
}

#ifdef MIRROR_WITH_JSON
static void *allocate_json(size_t octets) {
  if (fails()) return NULL;
  if (memory) memory->blocks++;
  return __real_malloc(octets);
}

static void free_json(void *block) {
  if (memory && block) memory->blocks--;
  free(block);
}
#endif

/* ---- a scenario ---- */

static void open_base(struct model *model, const struct scenario *scenario) {
  memset(model, 0, sizeof *model);
  fine(model_open(model));
  model_base(model);
  memory = &model->memory;
  if (scenario->prepare) scenario->prepare(model);
}

static void arm(struct model *model, long allocation, bool onwards) {
  mirror_report_init(&model->report, sizeof model->report);
  model->memory.calls = 0;
  model->memory.onwards = onwards;
  model->memory.failing = allocation;
}

/* False when there are not that many allocations. */
static bool fails_at(const struct scenario *scenario, long allocation, bool onwards) {
  struct model model;
  open_base(&model, scenario);
  char *before = model_text(model.context);
  arm(&model, allocation, onwards);
  const int32_t status = scenario->act(&model);
  const bool failed = model.memory.calls >= allocation;
  arm(&model, 0, false);
  if (failed && status != MIRROR_E_NOMEM)
    fail_msg("%s: allocation %ld failed, and the status is %s", scenario->name, allocation,
             mirror_status_name(status));
  if (failed) {
    char *after = model_text(model.context);
    assert_string_equal(before, after);
    free(after);
    fine(scenario->act(&model));
  } else {
    fine(status);
  }
  free(before);
  memory = NULL;
  model_close(&model);
  return failed;
}

static long run(const struct scenario *scenario, bool onwards) {
  long allocation = 1;
  while (fails_at(scenario, allocation, onwards)) {
    allocation++;
    assert_true(allocation < NEVER_ENDS);
  }
  if (scenario->never) assert_int_equal(allocation, 1);
  return allocation - 1;
}

static void run_all(const struct scenario *all, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const long once = run(&all[i], false), onwards = run(&all[i], true);
    if (!all[i].never && once == 0) fail_msg("%s: allocates nothing", all[i].name);
    print_message("%-40s %ld allocations failed, and %ld with all that follow\n", all[i].name, once,
                  onwards);
  }
}

static void test_failure_of_every_allocation(void **state) {
  (void)state;
  run_all(scenarios, scenario_count);
}

static void test_calls_that_need_no_memory(void **state) {
  (void)state;
  run_all(quiet_scenarios, quiet_count);
}

/* ---- the table ---- */

static bool is_used(const char *name) {
  for (uint32_t i = 0; i < used_count; i++)
    if (strcmp(used_names[i], name) == 0) return true;
  return false;
}

static void test_every_function_is_in_a_scenario(void **state) {
  FILE *map = fopen(SOURCE_DIR "/libmirror/libmirror.map", "r");
  char line[128], name[128];
  uint32_t functions = 0, missing = 0;
  (void)state;
  assert_non_null(map);
  while (fgets(line, sizeof line, map)) {
    if (sscanf(line, " %127[a-z0-9_];", name) != 1 || strncmp(name, "mirror_", 7) != 0) continue;
    functions++;
    if (is_used(name)) continue;
    print_error("%s is in no scenario\n", name);
    missing++;
  }
  fclose(map);
  print_message("%u functions\n", functions);
  assert_true(functions > 100);
  assert_int_equal(missing, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_failure_of_every_allocation),
      cmocka_unit_test(test_calls_that_need_no_memory),
      cmocka_unit_test(test_every_function_is_in_a_scenario),
  };
#ifdef MIRROR_WITH_JSON
  json_set_alloc_funcs(allocate_json, free_json);
#endif
  return cmocka_run_group_tests(tests, NULL, NULL);
}
