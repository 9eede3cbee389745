/* Staging one object, so that one run finds all errors of it. */
#include "config/item.h"
#include "config/value.h"

#include <stdio.h>
#include <string.h>

/* From an object in an envelope to the object. */
static uint32_t unwrap(const struct mri_document *document, uint32_t node, const char *envelope) {
  bool alone = envelope && json_object_size(document->nodes[node].value) == 1;
  uint32_t inside = alone ? mri_document_child(document, node, envelope) : 0;
  return inside ? inside : node;
}

void mri_item_refuse(struct mri_item *item, struct mri_place place, struct mri_fault fault) {
  fault.object = item->schema->kind;
  fault.id = item->name;
  mri_reading_refuse(item->reading, place, &fault);
}

void mri_item_refuse_value(struct mri_item *item, uint32_t node, int32_t code, const char *field,
                           const char *expected) {
  char room[64];
  mri_item_refuse(item, item->reading->document->nodes[node].at,
                  (struct mri_fault){.code = code,
                                     .field = field,
                                     .value = mri_value_describe(mri_item_value(item, node), room),
                                     .expected = expected});
}

static size_t field_size(const struct mri_field *field) {
  switch (field->type) {
    case MRI_TEXT:
    case MRI_REFERENCE:
      return sizeof(const char *);
    case MRI_BIG_NUMBER:
    case MRI_PORTS:
      return 2 * sizeof(uint32_t);
    case MRI_RULES:
    case MRI_FIXED_QUOTA:
      return 0;
    default:
      return sizeof(uint32_t);
  }
}

static bool is_id(const struct mri_field *field) {
  return field->required && strcmp(field->name, "id") == 0;
}

void mri_item_replace(struct mri_item *item, uint32_t index) {
  const struct mri_field *field = &item->schema->fields[index];
  const uint32_t no_limit = UINT32_MAX;
  union mri_object harmless;
  item->schema->fill(&harmless);
  void *to = mri_field_of(&item->object, field);
  item->replaced |= UINT32_C(1) << index;
  if (is_id(field))
    *(const char **)to = item->path;
  else if (field->type == MRI_QUOTA)
    memcpy(to, &no_limit, sizeof no_limit);
  else if (field->type == MRI_FLAG) /* a disabled session takes no quota */
    memset(to, 0, sizeof(uint32_t));
  else
    memcpy(to, mri_field_in(&harmless, field), field_size(field));
  if (field->type != MRI_SOURCES) return;
  item->object.session.session.sources = harmless.session.session.sources;
  item->object.session.session.source_count = harmless.session.session.source_count;
}

static bool is_replaced(const struct mri_item *item, const char *name) {
  uint32_t field = mri_schema_field(item->schema, name);
  return field < item->schema->field_count && (item->replaced >> field & 1);
}

/* Errors that only say again that another field was refused. */
static bool is_consequence(const struct mri_item *item, int32_t code) {
  static const struct {
    int32_t code;
    const char *field;
  } causes[] = {{MIRROR_E_CIDR_FAMILY, "ethertype"},
                {MIRROR_E_PROTOCOL_FAMILY, "ethertype"},
                {MIRROR_E_PORTS_OF_PROTOCOL, "protocol"},
                {MIRROR_E_DUPLICATE_RULE, "priority"},
                {MIRROR_E_DUPLICATE_RULE, "direction"}};
  for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
    if (causes[i].code == code && is_replaced(item, causes[i].field)) return true;
  }
  return false;
}

static bool is_spoiled(const struct mri_item *item) {
  for (uint32_t i = 0; i < item->schema->field_count; i++) {
    if (item->schema->fields[i].required && (item->replaced >> i & 1)) return true;
  }
  return false;
}

/* The model knows the object by what replaced its id, or a rule's priority. */
static void report_field(struct mri_item *item, mirror_report *report) {
  struct mri_place place =
      mri_reading_place(item->reading, item->node, report->field, report->value);
  if (is_spoiled(item))
    mri_item_refuse(item, place,
                    (struct mri_fault){.code = report->code,
                                       .field = report->field,
                                       .value = report->value,
                                       .expected = report->expected});
  else
    mri_reading_report(item->reading, place, report);
}

/* Reports what the model refused. True: the field is replaced, and the object worth a new try. */
static bool recover(struct mri_item *item, mirror_report *report) {
  struct mri_reading *reading = item->reading;
  uint32_t field = mri_schema_field(item->schema, report->field);
  reading->out_of_memory |= report->code == MIRROR_E_NOMEM;
  /* NOT_FOUND: the filter of a rule, and what is wrong with it was said already. */
  if (reading->out_of_memory || report->code == MIRROR_E_NOT_FOUND) return false;
  bool again = field < item->schema->field_count && !(item->replaced >> field & 1);
  if (!is_consequence(item, report->code)) report_field(item, report);
  if (again) mri_item_replace(item, field);
  return again;
}

/* True if the transaction has the object now. */
static bool stage(struct mri_item *item) {
  mirror_report report = {.size = sizeof report};
  while (!item->reading->out_of_memory) {
    if (!item->schema->add(item->reading->transaction, &item->object, &report)) return true;
    if (!recover(item, &report)) return false;
  }
  return false;
}

static bool know(struct mri_item *item) {
  const struct mri_document *document = item->reading->document;
  uint32_t id = mri_document_child(document, item->node, "id");
  struct mri_known *known =
      mri_reading_know(item->reading, item->schema->kind, item->node,
                       id ? mri_document_text(document, id) : NULL, item->path);
  if (!known) return false;
  if (item->schema == &mri_target_schema && !is_replaced(item, "type"))
    known->target_type = item->object.target.kind;
  if (item->schema == &mri_session_schema) known->target_type = item->object.session.target_type;
  return true;
}

static void read_rules(struct mri_item *filter, const char *list, uint32_t direction) {
  struct mri_reading *reading = filter->reading;
  const struct mri_rule_place place = {filter->object.filter.id, direction};
  uint32_t node = mri_document_child(reading->document, filter->node, list);
  if (!node || !json_is_array(mri_item_value(filter, node))) return;
  MRI_EACH_CHILD(reading->document, rule, node) {
    mri_item_read(reading, &mri_rule_schema, rule, &place);
  }
}

/* By its id, a rule in its list by priority, anything else by its place in the file. */
static void name_item(struct mri_item *item, const struct mri_rule_place *place) {
  const struct mri_document *document = item->reading->document;
  bool is_rule = item->schema->kind == MIRROR_OBJECT_RULE;
  uint32_t node = mri_document_child(document, item->node, is_rule ? "priority" : "id");
  mri_document_path(document, item->node, item->path, sizeof item->path);
  item->name = item->schema == &mri_quotas_schema ? NULL : item->path;
  if (!node) return;
  if (!is_rule && mri_document_text(document, node)) item->name = mri_document_text(document, node);
  if (!is_rule || !place || !json_is_integer(mri_item_value(item, node))) return;
  snprintf(item->rule_name, sizeof item->rule_name, "%s/%s/%" JSON_INTEGER_FORMAT, place->filter_id,
           place->direction == MIRROR_INGRESS ? "ingress" : "egress",
           json_integer_value(mri_item_value(item, node)));
  item->name = item->rule_name;
}

static void add_rule(struct mri_item *item) {
  if (stage(item) && is_spoiled(item))
    item->schema->remove(item->reading->transaction, &item->object);
}

/* The filter of a rule in an envelope may have been refused: then the rule is checked in a filter
 * that is lent to it. */
static void add_lone_rule(struct mri_item *item) {
  mirror_transaction *transaction = item->reading->transaction;
  mirror_filter filter;
  mirror_filter_init(&filter, sizeof filter);
  filter.id = item->object.rule.filter_id;
  int32_t status = mirror_filter_add(transaction, &filter, NULL);
  item->reading->out_of_memory |= status == MIRROR_E_NOMEM;
  add_rule(item);
  if (status == MIRROR_OK) mirror_filter_remove(transaction, filter.id, NULL);
}

static void stage_item(struct mri_item *item) {
  if (!know(item) || !stage(item)) return;
  if (item->schema->kind == MIRROR_OBJECT_FILTER) {
    read_rules(item, "ingress_rules", MIRROR_INGRESS);
    read_rules(item, "egress_rules", MIRROR_EGRESS);
  }
  if (is_spoiled(item)) item->schema->remove(item->reading->transaction, &item->object);
}

void mri_item_read(struct mri_reading *reading, const struct mri_schema *schema, uint32_t node,
                   const struct mri_rule_place *place) {
  struct mri_item item = {.reading = reading,
                          .schema = schema,
                          .node = unwrap(reading->document, node, schema->envelope)};
  if (reading->out_of_memory) return;
  name_item(&item, place);
  if (!json_is_object(mri_item_value(&item, item.node))) {
    mri_item_refuse_value(&item, item.node, MIRROR_E_JSON_TYPE,
                          reading->document->nodes[item.node].key, "an object");
    return;
  }
  schema->fill(&item.object);
  mri_fields_read(&item);
  if (schema->kind == MIRROR_OBJECT_RULE) {
    mri_rule_check_place(&item, place);
    if (place)
      add_rule(&item);
    else
      add_lone_rule(&item);
  } else {
    stage_item(&item);
  }
  mri_free(reading->alloc, item.source);
}
