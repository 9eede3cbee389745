/* The match engine by itself (engine.h): instruction sets, prepared keys, verdicts of rules. */
#include "match/isa.h"
#include "support/isa.h"
#include "support/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { TCP = 6, UDP = 17, NO_SUCH_ISA = 99, PORTS = 6 };

/* ---- instruction sets ---- */

static void test_names(void **state) {
  (void)state;
  assert_string_equal(mirror_isa_name(MIRROR_ISA_AUTO), "auto");
  assert_string_equal(mirror_isa_name(MIRROR_ISA_SCALAR), "scalar");
  assert_string_equal(mirror_isa_name(MIRROR_ISA_NEON), "neon");
  assert_string_equal(mirror_isa_name(MIRROR_ISA_AVX2), "avx2");
  assert_string_equal(mirror_isa_name(MIRROR_ISA_AVX512), "avx512");
  assert_string_equal(mirror_isa_name(NO_SUCH_ISA), "unknown");
  assert_string_equal(mirror_structure_name(MIRROR_STRUCTURE_NONE), "none");
  assert_string_equal(mirror_structure_name(MIRROR_STRUCTURE_SCAN), "scan");
  assert_string_equal(mirror_structure_name(MIRROR_STRUCTURE_NIBBLES), "nibbles");
  assert_string_equal(mirror_structure_name(MIRROR_STRUCTURE_FOREST), "forest");
  assert_string_equal(mirror_structure_name(UINT32_MAX), "unknown");
}

/* One that this machine cannot have: of the other architecture. */
static uint32_t foreign_isa(void) {
#if defined(__aarch64__)
  return MIRROR_ISA_AVX2;
#else
  return MIRROR_ISA_NEON;
#endif
}

static void test_check(void **state) {
  (void)state;
  assert_int_equal(mirror_isa_check(MIRROR_ISA_AUTO), MIRROR_OK);
  assert_int_equal(mirror_isa_check(MIRROR_ISA_SCALAR), MIRROR_OK);
  for (uint32_t isa = MIRROR_ISA_SCALAR; isa <= MIRROR_ISA_AVX512; isa++)
    assert_int_equal(mirror_isa_check(isa),
                     mri_isa_present(isa) ? MIRROR_OK : MIRROR_E_UNSUPPORTED);
  assert_int_equal(mirror_isa_check(foreign_isa()), MIRROR_E_UNSUPPORTED);
  assert_int_equal(mirror_isa_check(NO_SUCH_ISA), MIRROR_E_ARGUMENT);
}

static uint32_t isa_of_new_context(uint32_t wanted) {
  mirror_context_options options;
  mirror_context *context;
  uint32_t isa = NO_SUCH_ISA;
  mirror_context_options_init(&options, sizeof options);
  assert_int_equal(options.isa, MIRROR_ISA_AUTO);
  options.isa = wanted;
  assert_int_equal(mirror_context_create(&options, &context, NULL), MIRROR_OK);
  assert_int_equal(mirror_context_isa(context, &isa), MIRROR_OK);
  mirror_context_destroy(context);
  return isa;
}

static void test_force_counts_for_contexts_to_come(void **state) {
  struct model *model = *state;
  uint32_t isa;
  assert_int_equal(isa_of_new_context(MIRROR_ISA_AUTO), test_isa());
  assert_int_equal(mirror_isa_force(MIRROR_ISA_SCALAR), MIRROR_OK);
  assert_int_equal(isa_of_new_context(MIRROR_ISA_AUTO), MIRROR_ISA_SCALAR);
  assert_int_equal(isa_of_new_context(test_isa()), test_isa());
  assert_int_equal(mirror_context_isa(model->context, &isa), MIRROR_OK);
  assert_int_equal(isa, test_isa());
  assert_int_equal(mirror_isa_force(foreign_isa()), MIRROR_E_UNSUPPORTED);
  assert_int_equal(mirror_isa_force(NO_SUCH_ISA), MIRROR_E_ARGUMENT);
  assert_int_equal(isa_of_new_context(MIRROR_ISA_AUTO), MIRROR_ISA_SCALAR);
  assert_int_equal(mirror_isa_force(MIRROR_ISA_AUTO), MIRROR_OK);
  assert_int_not_equal(isa_of_new_context(MIRROR_ISA_AUTO), MIRROR_ISA_AUTO);
  assert_int_equal(mirror_isa_force(test_isa()), MIRROR_OK);
}

static void refuse_context(struct model *model, uint32_t isa, int32_t status, const char *text) {
  mirror_context_options options;
  mirror_context *context = NULL;
  mirror_context_options_init(&options, sizeof options);
  options.isa = isa;
  assert_int_equal(mirror_context_create(&options, &context, &model->report), status);
  assert_null(context);
  model_assert_text(model, text);
}

static void test_a_context_for_what_is_not_there_is_refused(void **state) {
  struct model *model = *state;
  uint32_t isa;
  refuse_context(model, foreign_isa(), MIRROR_E_UNSUPPORTED, mirror_isa_name(foreign_isa()));
  refuse_context(model, NO_SUCH_ISA, MIRROR_E_ARGUMENT, "99");
  assert_int_equal(mirror_context_isa(NULL, &isa), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_context_isa(model->context, NULL), MIRROR_E_ARGUMENT);
}

/* ---- one source with three sessions, one of them disabled ---- */

struct engine {
  struct model model;
  mirror_plan *plan;
  uint32_t source;
};

static void add_rule(struct model *model, const char *filter, mirror_rule rule) {
  assert_int_equal(mirror_rule_add(model->tx, filter, &rule, &model->report), MIRROR_OK);
}

/* Indices 0 to 3 of the walk: three rules of f1, the last of them IPv6, and one of f2. */
static void add_rules(struct model *model) {
  mirror_rule rule = model_rule_of(MIRROR_INGRESS, 1);
  rule.protocol = TCP;
  rule.destination_port_first = rule.destination_port_last = 80;
  add_rule(model, "f1", rule);
  rule = model_rule_of(MIRROR_INGRESS, 20);
  rule.action = MIRROR_REJECT;
  rule.source_cidr = "10.0.0.0/8";
  rule.protocol = TCP;
  add_rule(model, "f1", rule);
  rule = model_rule_of(MIRROR_INGRESS, 300);
  rule.ethertype = MIRROR_ETHERTYPE_IPV6;
  rule.protocol = UDP;
  add_rule(model, "f1", rule);
  rule = model_rule_of(MIRROR_INGRESS, 7);
  rule.id = "web";
  rule.protocol = UDP;
  rule.source_port_first = 1000;
  rule.source_port_last = 2000;
  add_rule(model, "f2", rule);
}

static void add_session(struct model *model, const char *id, uint32_t priority, const char *filter,
                        uint32_t enabled) {
  static const char *const sources[] = {"x1"};
  mirror_session session = model_session_of(id, priority, sources);
  session.filter_id = filter;
  session.enabled = enabled;
  session.vni = priority;
  assert_int_equal(mirror_session_add(model->tx, &session, &model->report), MIRROR_OK);
}

static int engine_setup(void **state) {
  static struct engine engine;
  struct model *model = &engine.model;
  memset(&engine, 0, sizeof engine);
  assert_int_equal(model_open(model), MIRROR_OK);
  assert_int_equal(model_filter(model, "f1"), MIRROR_OK);
  assert_int_equal(model_filter(model, "f2"), MIRROR_OK);
  add_rules(model);
  assert_int_equal(model_source(model, "x1"), MIRROR_OK);
  assert_int_equal(model_target(model, "t1", "10.0.9.1"), MIRROR_OK);
  add_session(model, "off", 5, "f2", 0);
  add_session(model, "first", 10, "f1", 1);
  add_session(model, "second", 20, "f2", 1);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(mirror_source_handle(model->context, "x1", &engine.source, NULL), MIRROR_OK);
  assert_int_equal(mirror_plan_acquire(model->context, &engine.plan), MIRROR_OK);
  *state = &engine;
  return 0;
}

static int engine_teardown(void **state) {
  struct engine *engine = *state;
  mirror_plan_release(engine->plan);
  model_close(&engine->model);
  return 0;
}

/* ---- prepared keys ---- */

static void test_keys_of_ipv4(void **state) {
  const struct engine *engine = *state;
  static const mirror_key4 keys[] = {
      {.protocol = TCP, .source = {10, 1, 2, 3}, .destination_port = {0, 80}},
      {.protocol = TCP, .source = {10, 1, 2, 3}, .destination_port = {0, 81}},
      {.protocol = TCP, .source = {11, 1, 2, 3}, .destination_port = {80, 0}},
      {.protocol = UDP, .source_port = {0x03, 0xe8}, .reserved = {1, 255}},
      {.protocol = UDP, .source_port = {0x07, 0xd1}},
      {.protocol = UDP, .source_port = {0x05, 0}, .absent = MIRROR_KEY_DESTINATION_PORT},
      {.protocol = UDP, .source_port = {0x05, 0}, .absent = PORTS},
      {.protocol = TCP, .absent = PORTS, .source = {10}, .destination_port = {0, 80}},
      {.protocol = TCP, .absent = MIRROR_KEY_PROTOCOL | PORTS, .source = {10}},
  };
  static const uint32_t expected[] = {
      0, 1, MIRROR_NO_RULE, 3, MIRROR_NO_RULE, 3, MIRROR_NO_RULE, 1, MIRROR_NO_RULE};
  const mirror_key4 *pointers[COUNT(keys)];
  uint32_t first[COUNT(keys)];
  for (uint32_t i = 0; i < COUNT(keys); i++)
    pointers[i] = &keys[i];
  assert_int_equal(mirror_plan_match_keys4(engine->plan, engine->source, MIRROR_INGRESS, pointers,
                                           COUNT(keys), first),
                   MIRROR_OK);
  assert_memory_equal(first, expected, sizeof expected);
  assert_int_equal(mirror_plan_match_keys4(engine->plan, engine->source, MIRROR_EGRESS, pointers,
                                           COUNT(keys), first),
                   MIRROR_OK);
  for (uint32_t i = 0; i < COUNT(keys); i++)
    assert_int_equal(first[i], MIRROR_NO_RULE);
}

static void test_keys_of_ipv6(void **state) {
  const struct engine *engine = *state;
  static const mirror_key6 keys[] = {{.protocol = UDP},
                                     {.protocol = TCP, .destination_port = {0, 80}},
                                     {.protocol = UDP, .absent = PORTS},
                                     {.protocol = UDP, .absent = MIRROR_KEY_PROTOCOL | PORTS}};
  static const uint32_t expected[] = {2, MIRROR_NO_RULE, 2, MIRROR_NO_RULE};
  const mirror_key6 *pointers[] = {&keys[0], &keys[1], &keys[2], &keys[3]};
  uint32_t first[COUNT(keys)];
  assert_int_equal(mirror_plan_match_keys6(engine->plan, engine->source, MIRROR_INGRESS, pointers,
                                           COUNT(keys), first),
                   MIRROR_OK);
  assert_memory_equal(first, expected, sizeof expected);
}

static void refuse_keys(const mirror_plan *plan, uint32_t source, uint32_t direction,
                        int32_t status) {
  const mirror_key4 key4 = {.protocol = TCP};
  const mirror_key6 key6 = {.protocol = TCP};
  const mirror_key4 *keys4[] = {&key4};
  const mirror_key6 *keys6[] = {&key6};
  mirror_list_info info;
  mirror_verdict verdict;
  uint32_t first = 77;
  mirror_list_info_init(&info, sizeof info);
  assert_int_equal(mirror_plan_match_keys4(plan, source, direction, keys4, 1, &first), status);
  assert_int_equal(mirror_plan_match_keys6(plan, source, direction, keys6, 1, &first), status);
  assert_int_equal(mirror_plan_list_info(plan, source, direction, &info), status);
  assert_int_equal(mirror_plan_rule_verdict(plan, source, direction, 0, &verdict), status);
  assert_int_equal(first, 77);
}

static void test_refused_arguments(void **state) {
  const struct engine *engine = *state;
  const mirror_key4 key = {.protocol = TCP};
  const mirror_key4 *keys[] = {&key};
  const mirror_plan *plan = engine->plan;
  const uint32_t source = engine->source;
  uint32_t first;
  refuse_keys(NULL, source, MIRROR_INGRESS, MIRROR_E_ARGUMENT);
  refuse_keys(plan, source, 0, MIRROR_E_ARGUMENT);
  refuse_keys(plan, source, MIRROR_AUTO, MIRROR_E_ARGUMENT);
  refuse_keys(plan, 0, MIRROR_INGRESS, MIRROR_E_UNKNOWN_SOURCE);
  refuse_keys(plan, source + 1, MIRROR_INGRESS, MIRROR_E_UNKNOWN_SOURCE);
  refuse_keys(plan, UINT32_MAX, MIRROR_INGRESS, MIRROR_E_UNKNOWN_SOURCE);
  assert_int_equal(mirror_plan_match_keys4(plan, source, MIRROR_INGRESS, NULL, 1, &first),
                   MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_plan_match_keys4(plan, source, MIRROR_INGRESS, keys, 1, NULL),
                   MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_plan_match_keys6(plan, source, MIRROR_INGRESS, NULL, 1, &first),
                   MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_plan_match_keys4(plan, source, MIRROR_INGRESS, NULL, 0, NULL), MIRROR_OK);
  assert_int_equal(mirror_plan_match_keys6(plan, source, MIRROR_INGRESS, NULL, 0, NULL), MIRROR_OK);
  assert_int_equal(mirror_plan_rule_verdict(plan, source, MIRROR_INGRESS, 0, NULL),
                   MIRROR_E_ARGUMENT);
}

/* ---- what an index stands for ---- */

static mirror_verdict verdict_of(const struct engine *engine, uint32_t direction, uint32_t index) {
  mirror_verdict verdict;
  memset(&verdict, 0xee, sizeof verdict);
  assert_int_equal(
      mirror_plan_rule_verdict(engine->plan, engine->source, direction, index, &verdict),
      MIRROR_OK);
  assert_int_equal(verdict.direction, direction);
  assert_int_equal(verdict.reason, 0);
  assert_int_equal(verdict.flags, 0);
  assert_int_equal(verdict.inner_length, 0);
  assert_int_equal(verdict.output_status, MIRROR_OK);
  return verdict;
}

static void assert_mirrored(const mirror_verdict *verdict, const char *session, uint32_t vni,
                            uint32_t priority) {
  assert_int_equal(verdict->verdict, MIRROR_MIRRORED);
  assert_string_equal(verdict->session_id, session);
  assert_string_equal(verdict->target_id, "t1");
  assert_int_equal(verdict->vni, vni);
  assert_int_equal(verdict->rule_priority, priority);
}

static void test_verdicts(void **state) {
  const struct engine *engine = *state;
  mirror_verdict verdict = verdict_of(engine, MIRROR_INGRESS, 0);
  assert_mirrored(&verdict, "first", 10, 1);
  assert_null(verdict.rule_id);
  verdict = verdict_of(engine, MIRROR_INGRESS, 1);
  assert_int_equal(verdict.verdict, MIRROR_REJECTED);
  assert_string_equal(verdict.session_id, "first");
  assert_int_equal(verdict.rule_priority, 20);
  assert_int_equal(verdict.vni, 0);
  assert_null(verdict.target_id);
  verdict = verdict_of(engine, MIRROR_INGRESS, 2);
  assert_mirrored(&verdict, "first", 10, 300);
  verdict = verdict_of(engine, MIRROR_INGRESS, 3);
  assert_mirrored(&verdict, "second", 20, 7);
  assert_string_equal(verdict.rule_id, "web");
}

static void test_verdict_of_no_rule(void **state) {
  const struct engine *engine = *state;
  for (uint32_t direction = MIRROR_INGRESS; direction <= MIRROR_EGRESS; direction++) {
    const mirror_verdict verdict = verdict_of(engine, direction, MIRROR_NO_RULE);
    assert_int_equal(verdict.verdict, MIRROR_UNMATCHED);
    assert_int_equal(verdict.rule_priority, 0);
    assert_int_equal(verdict.vni, 0);
    assert_null(verdict.session_id);
    assert_null(verdict.rule_id);
    assert_null(verdict.target_id);
  }
}

static void test_verdict_behind_the_last_rule(void **state) {
  const struct engine *engine = *state;
  mirror_verdict verdict;
  const mirror_plan *plan = engine->plan;
  assert_int_equal(mirror_plan_rule_verdict(plan, engine->source, MIRROR_INGRESS, 4, &verdict),
                   MIRROR_E_NOT_FOUND);
  assert_int_equal(
      mirror_plan_rule_verdict(plan, engine->source, MIRROR_INGRESS, MIRROR_NO_RULE - 1, &verdict),
      MIRROR_E_NOT_FOUND);
  assert_int_equal(mirror_plan_rule_verdict(plan, engine->source, MIRROR_EGRESS, 0, &verdict),
                   MIRROR_E_NOT_FOUND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_check),
      cmocka_unit_test_setup_teardown(test_force_counts_for_contexts_to_come, model_setup,
                                      model_teardown),
      cmocka_unit_test_setup_teardown(test_a_context_for_what_is_not_there_is_refused, model_setup,
                                      model_teardown),
      cmocka_unit_test_setup_teardown(test_keys_of_ipv4, engine_setup, engine_teardown),
      cmocka_unit_test_setup_teardown(test_keys_of_ipv6, engine_setup, engine_teardown),
      cmocka_unit_test_setup_teardown(test_refused_arguments, engine_setup, engine_teardown),
      cmocka_unit_test_setup_teardown(test_verdicts, engine_setup, engine_teardown),
      cmocka_unit_test_setup_teardown(test_verdict_of_no_rule, engine_setup, engine_teardown),
      cmocka_unit_test_setup_teardown(test_verdict_behind_the_last_rule, engine_setup,
                                      engine_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
