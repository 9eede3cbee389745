/* The committed model as JSON (include/libmirror/configuration.h). */
#include "config/value.h"
#include "core/context.h"
#include "core/report.h"

#include <libmirror/configuration.h>
#include <string.h>

/* What the visits of a model add to. */
struct writing {
  mirror_context *context;
  json_t *root;
  json_t *list;   /* the objects of the present kind */
  json_t *filter; /* the present one */
  json_t *types;  /* of targets, by id */
};

/* Stores a member; false when out of memory (then `value` may be NULL). */
static bool put(json_t *object, const char *key, json_t *value) {
  return json_object_set_new(object, key, value) == 0;
}

/* NULL when out of memory. */
static json_t *write_object(const struct mri_schema *schema, const union mri_object *object) {
  json_t *written = json_object();
  for (uint32_t i = 0; written && i < schema->field_count; i++) {
    json_t *value = NULL;
    bool done = mri_value_write(&schema->fields[i], object, &value);
    if (done && (!value || put(written, schema->fields[i].name, value))) continue;
    json_decref(written);
    written = NULL;
  }
  return written;
}

static int32_t append(json_t *list, const struct mri_schema *schema,
                      const union mri_object *object) {
  return json_array_append_new(list, write_object(schema, object)) ? MIRROR_E_NOMEM : MIRROR_OK;
}

static int32_t write_rule(void *user, const mirror_rule *rule) {
  const struct writing *writing = user;
  const char *key = rule->direction == MIRROR_INGRESS ? "ingress_rules" : "egress_rules";
  union mri_object object;
  memset(&object, 0, sizeof object);
  object.rule.rule = *rule;
  return append(json_object_get(writing->filter, key), &mri_rule_schema, &object);
}

/* The context's lock is recursive, so the rules can be visited from here. */
static int32_t write_filter(void *user, const mirror_filter *filter) {
  struct writing *writing = user;
  const union mri_object object = {.filter = *filter};
  writing->filter = write_object(&mri_filter_schema, &object);
  if (json_array_append_new(writing->list, writing->filter) ||
      !put(writing->filter, "ingress_rules", json_array()) ||
      !put(writing->filter, "egress_rules", json_array()))
    return MIRROR_E_NOMEM;
  return mirror_rules_visit(writing->context, filter->id, write_rule, writing);
}

static int32_t write_source(void *user, const mirror_source *source) {
  const struct writing *writing = user;
  const union mri_object object = {.source = *source};
  return append(writing->list, &mri_source_schema, &object);
}

static int32_t write_target(void *user, const mirror_target *target) {
  const struct writing *writing = user;
  const union mri_object object = {.target = *target};
  if (!put(writing->types, target->id, json_integer(target->kind))) return MIRROR_E_NOMEM;
  return append(writing->list, &mri_target_schema, &object);
}

static int32_t write_session(void *user, const mirror_session *session) {
  const struct writing *writing = user;
  const json_t *type = json_object_get(writing->types, session->target_id);
  const union mri_object object = {
      .session = {.session = *session, .target_type = (uint32_t)json_integer_value(type)}};
  return append(writing->list, &mri_session_schema, &object);
}

static int32_t write_connection(void *user, const char *a, const char *b) {
  const struct writing *writing = user;
  json_t *pair = json_pack("[ss]", a, b);
  return json_array_append_new(writing->list, pair) ? MIRROR_E_NOMEM : MIRROR_OK;
}

static int32_t start_list(struct writing *writing, const char *key) {
  writing->list = json_array();
  return put(writing->root, key, writing->list) ? MIRROR_OK : MIRROR_E_NOMEM;
}

static int32_t write_objects(struct writing *writing) {
  mirror_context *context = writing->context;
  int32_t status = start_list(writing, mri_filter_schema.list);
  if (!status) status = mirror_filters_visit(context, NULL, write_filter, writing);
  if (!status) status = start_list(writing, mri_source_schema.list);
  if (!status) status = mirror_sources_visit(context, NULL, write_source, writing);
  if (!status) status = start_list(writing, mri_target_schema.list);
  if (!status) status = mirror_targets_visit(context, NULL, write_target, writing);
  if (!status) status = start_list(writing, mri_session_schema.list);
  if (!status) status = mirror_sessions_visit(context, NULL, write_session, writing);
  return status;
}

/* Sections of their own only where there is something to say. */
static int32_t write_settings(struct writing *writing) {
  union mri_object quotas;
  mri_quotas_schema.fill(&quotas);
  int32_t status = start_list(writing, "vpc_connections");
  if (!status) status = mirror_vpc_connections_visit(writing->context, write_connection, writing);
  if (!status) status = mirror_quotas_get(writing->context, &quotas.quotas, NULL);
  if (!status && !put(writing->root, "quotas", write_object(&mri_quotas_schema, &quotas)))
    status = MIRROR_E_NOMEM;
  if (status) return status;
  if (!json_array_size(writing->list)) json_object_del(writing->root, "vpc_connections");
  if (!json_object_size(json_object_get(writing->root, "quotas")))
    json_object_del(writing->root, "quotas");
  return MIRROR_OK;
}

/* One lock for all of it: the file shows one committed model. */
static int32_t write_model(struct writing *writing) {
  mri_context_lock(writing->context);
  int32_t status = write_objects(writing);
  if (!status) status = write_settings(writing);
  mri_context_unlock(writing->context);
  return status;
}

/* The text under construction: in the context's memory, as the caller gets it. */
struct output {
  const struct mri_alloc *alloc;
  char *text;
  size_t length;
  size_t capacity;
};

/* Keeps room for the last line's end and the NUL. */
static int append_text(const char *text, size_t length, void *user) {
  struct output *output = user;
  size_t wanted = output->length + length + 2;
  if (wanted > output->capacity) {
    size_t capacity = wanted + wanted / 2 + 1024;
    char *grown = mri_resize(output->alloc, output->text, capacity, 1);
    if (!grown) return -1;
    output->text = grown;
    output->capacity = capacity;
  }
  memcpy(output->text + output->length, text, length);
  output->length += length;
  return 0;
}

static int32_t print(const struct writing *writing, char **text, uint64_t *length) {
  struct output output = {.alloc = &writing->context->alloc};
  if (json_dump_callback(writing->root, append_text, &output, JSON_INDENT(2))) {
    mri_free(output.alloc, output.text);
    return MIRROR_E_NOMEM;
  }
  memcpy(output.text + output.length, "\n", 2);
  *text = output.text;
  *length = output.length + 1;
  return MIRROR_OK;
}

int32_t mirror_configuration_format(mirror_context *context, char **text, uint64_t *length,
                                    mirror_report *report) {
  if (!context || !text || !length)
    return mri_fail(report, MIRROR_E_ARGUMENT, "context, text or length is NULL");
  struct writing writing = {.context = context, .root = json_object(), .types = json_object()};
  int32_t status = write_model(&writing);
  if (!status) status = print(&writing, text, length);
  json_decref(writing.root);
  json_decref(writing.types);
  return status ? mri_fail(report, status, "out of memory for a configuration") : MIRROR_OK;
}

void mirror_configuration_free(mirror_context *context, char *text) {
  if (context) mri_free(&context->alloc, text);
}
