#include "support/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int fails(struct model_memory *memory) {
  memory->calls++;
  return memory->onwards ? memory->failing && memory->calls >= memory->failing
                         : memory->calls == memory->failing;
}

static void *allocate(void *user, uint64_t octets) {
  struct model_memory *memory = user;
  if (fails(memory)) return NULL;
  memory->blocks++;
  return malloc((size_t)octets);
}

static void *resize(void *user, void *block, uint64_t octets) {
  return fails(user) ? NULL : realloc(block, (size_t)octets);
}

static void release(void *user, void *block) {
  ((struct model_memory *)user)->blocks--;
  free(block);
}

int32_t model_open(struct model *model) {
  mirror_report_init(&model->report, sizeof model->report);
  mirror_context_options options;
  mirror_context_options_init(&options, sizeof options);
  options.allocator_user = &model->memory;
  options.allocate = allocate;
  options.resize = resize;
  options.release = release;
  int32_t status = mirror_context_create(&options, &model->context, &model->report);
  return status ? status : mirror_transaction_begin(model->context, &model->tx, &model->report);
}

void model_close(struct model *model) {
  mirror_transaction_destroy(model->tx);
  mirror_context_destroy(model->context);
  assert_int_equal(model->memory.blocks, 0);
}

int model_setup(void **state) {
  struct model *model = calloc(1, sizeof *model);
  *state = model;
  return model ? model_open(model) : -1;
}

int model_teardown(void **state) {
  model_close(*state);
  free(*state);
  return 0;
}

int32_t model_filter(struct model *model, const char *id) {
  mirror_filter filter;
  mirror_filter_init(&filter, sizeof filter);
  filter.id = id;
  return mirror_filter_add(model->tx, &filter, &model->report);
}

mirror_rule model_rule_of(uint32_t direction, uint32_t priority) {
  mirror_rule rule;
  mirror_rule_init(&rule, sizeof rule);
  rule.direction = direction;
  rule.priority = priority;
  rule.action = MIRROR_ACCEPT;
  rule.ethertype = MIRROR_ETHERTYPE_IPV4;
  return rule;
}

int32_t model_rule(struct model *model, const char *filter, uint32_t direction, uint32_t priority) {
  mirror_rule rule = model_rule_of(direction, priority);
  return mirror_rule_add(model->tx, filter, &rule, &model->report);
}

mirror_source model_source_of(const char *id) {
  mirror_source source;
  mirror_source_init(&source, sizeof source);
  source.id = id;
  return source;
}

int32_t model_source(struct model *model, const char *id) {
  mirror_source source = model_source_of(id);
  return mirror_source_add(model->tx, &source, &model->report);
}

mirror_target model_target_of(const char *id, const char *address) {
  mirror_target target;
  mirror_target_init(&target, sizeof target);
  target.id = id;
  target.address = address;
  return target;
}

int32_t model_target(struct model *model, const char *id, const char *address) {
  mirror_target target = model_target_of(id, address);
  return mirror_target_add(model->tx, &target, &model->report);
}

mirror_session model_session_of(const char *id, uint32_t priority, const char *const *source) {
  mirror_session session;
  mirror_session_init(&session, sizeof session);
  session.id = id;
  session.priority = priority;
  session.filter_id = "f1";
  session.target_id = "t1";
  session.sources = source;
  session.source_count = 1;
  return session;
}

int32_t model_session(struct model *model, const char *id, uint32_t priority, const char *source) {
  mirror_session session = model_session_of(id, priority, &source);
  return mirror_session_add(model->tx, &session, &model->report);
}

int32_t model_commit(struct model *model) {
  return mirror_transaction_commit(model->tx, &model->report);
}

void model_base(struct model *model) {
  assert_int_equal(model_filter(model, "f1"), MIRROR_OK);
  assert_int_equal(model_rule(model, "f1", MIRROR_INGRESS, 1), MIRROR_OK);
  assert_int_equal(model_source(model, "x1"), MIRROR_OK);
  assert_int_equal(model_source(model, "x2"), MIRROR_OK);
  assert_int_equal(model_target(model, "t1", "10.0.9.1"), MIRROR_OK);
  assert_int_equal(model_session(model, "s1", 10, "x1"), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
}

void model_assert_report(const struct model *model, int32_t code, uint32_t object, const char *id,
                         const char *field, const char *value) {
  const mirror_report *report = &model->report;
  assert_string_equal(mirror_status_name(report->code), mirror_status_name(code));
  assert_int_equal(report->object, object);
  assert_string_equal(report->object_id, id);
  assert_string_equal(report->field, field);
  assert_string_equal(report->value, value);
  assert_string_not_equal(report->expected, "");
  if (object != MIRROR_OBJECT_RULE) model_assert_text(model, id);
}

void model_assert_text(const struct model *model, const char *part) {
  if (!strstr(model->report.text, part))
    fail_msg("\"%s\" does not contain \"%s\"", model->report.text, part);
}

struct mri_entry *model_entry(struct model *model, uint32_t kind, const char *id) {
  struct mri_entry *entry = mri_model_find(model->context->model, kind, id);
  assert_non_null(entry);
  return entry;
}
