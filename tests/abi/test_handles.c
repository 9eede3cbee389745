/* What destroys a handle takes NULL, and does nothing. */
#include <libmirror/libmirror.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_null_is_destroyed_without_effect(void **state) {
  mirror_worker *none = NULL;
  (void)state;
  mirror_configuration_free(NULL, NULL);
  mirror_context_destroy(NULL);
  mirror_explanation_destroy(NULL);
  mirror_input_close(NULL);
  mirror_output_close(NULL);
  mirror_plan_release(NULL);
  mirror_tap_destroy(NULL);
  mirror_transaction_destroy(NULL);
  assert_int_equal(mirror_worker_stop(&none, NULL), MIRROR_E_STATE); /* says how a run ended */
  assert_int_equal(mirror_worker_stop(NULL, NULL), MIRROR_E_ARGUMENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_null_is_destroyed_without_effect),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
