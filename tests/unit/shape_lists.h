/* Lists that are the same on every machine, of which test_engine_shapes looks at what they become.
 */
#ifndef TESTS_UNIT_SHAPE_LISTS_H
#define TESTS_UNIT_SHAPE_LISTS_H

#include "core/rule.h"

enum { SHAPES = 46, SHAPE_RULES_MAX = 30001 };

/* Of a list all rules, and those of one family with their places. */
struct shape_list {
  const char *name;
  struct mri_match_rule all[SHAPE_RULES_MAX], rules[SHAPE_RULES_MAX];
  uint32_t number[SHAPE_RULES_MAX];
  uint32_t total, count, family;
};

/* `which`: below SHAPES. */
void shape_list_make(uint32_t which, struct shape_list *list);

#endif
