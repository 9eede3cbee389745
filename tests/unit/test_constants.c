/* Constants by name, and names of some. (That none is missing: bindings/python/tests.) */
#include <libmirror/libmirror.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int64_t value_of(const char *name) {
  int64_t value = 0;
  assert_int_equal(mirror_constant(name, &value), MIRROR_OK);
  return value;
}

static void test_values(void **state) {
  (void)state;
  assert_int_equal(value_of("MIRROR_OK"), 0);
  assert_int_equal(value_of("MIRROR_E_VNI"), -35);
  assert_int_equal(value_of("MIRROR_VXLAN_PORT"), 4789);
  assert_int_equal(value_of("MIRROR_ABSENT"), UINT32_MAX);
  assert_int_equal(value_of("MIRROR_ABSENT_64"), -1);
  assert_int_equal(value_of("MIRROR_BACKEND_ABI"), MIRROR_BACKEND_ABI); /* of ext/backend.h */
}

static void test_refusals(void **state) {
  int64_t value = 7;
  (void)state;
  assert_int_equal(mirror_constant("MIRROR_API", &value), MIRROR_E_NOT_FOUND);
  assert_int_equal(mirror_constant("", &value), MIRROR_E_NOT_FOUND);
  assert_int_equal(mirror_constant(NULL, &value), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_constant("MIRROR_OK", NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_constants_visit(NULL, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(value, 7);
}

static int32_t count(void *user, const char *name, int64_t value) {
  assert_int_equal(value_of(name), value);
  return ++*(int32_t *)user == 100 ? -100 : 0;
}

static void test_a_visit_ends_when_the_visitor_says_so(void **state) {
  int32_t visited = 0;
  (void)state;
  assert_int_equal(mirror_constants_visit(count, &visited), -100);
  assert_int_equal(visited, 100);
  visited = 1000;
  assert_int_equal(mirror_constants_visit(count, &visited), MIRROR_OK);
  assert_true(visited > 1200);
}

static void test_names_of_drop_reasons(void **state) {
  (void)state;
  assert_string_equal(mirror_drop_reason_name(MIRROR_DROP_OVERSIZE), "oversize");
  assert_string_equal(mirror_drop_reason_name(MIRROR_DROP_SAMPLED), "sampled");
  assert_string_equal(mirror_drop_reason_name(MIRROR_DROP_RATE), "rate");
  assert_string_equal(mirror_drop_reason_name(0), "unknown");
  assert_string_equal(mirror_drop_reason_name(MIRROR_DROP_RATE + 1), "unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_values),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_a_visit_ends_when_the_visitor_says_so),
      cmocka_unit_test(test_names_of_drop_reasons),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
