/* The top level of a configuration file. */
#include "config/reading.h"
#include "config/value.h"

#include <stdio.h>
#include <string.h>

/* Objects of these kinds stand in lists, or alone in envelopes. */
static const struct mri_schema *const kinds[] = {&mri_filter_schema, &mri_source_schema,
                                                 &mri_target_schema, &mri_session_schema};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char top_level[] =
    "one of traffic_mirror_filters, traffic_mirror_sources, traffic_mirror_targets, "
    "traffic_mirror_sessions, vpc_connections, quotas";

static void refuse_type(struct mri_reading *reading, uint32_t node, const char *expected) {
  const struct mri_node *nodes = reading->document->nodes, *found = &nodes[node];
  char room[64];
  const struct mri_fault fault = {.code = MIRROR_E_JSON_TYPE,
                                  .field = found->key ? found->key : nodes[found->parent].key,
                                  .value = mri_value_describe(found->value, room),
                                  .expected = expected};
  mri_reading_refuse(reading, found->at, &fault);
}

static void read_list(struct mri_reading *reading, const struct mri_schema *schema, uint32_t node) {
  if (!json_is_array(reading->document->nodes[node].value)) {
    refuse_type(reading, node, "a list of objects");
    return;
  }
  MRI_EACH_CHILD(reading->document, object, node) {
    mri_item_read(reading, schema, object, NULL);
  }
}

/* O10: [vpc_id, vpc_id] */
static void read_connection(struct mri_reading *reading, uint32_t node) {
  const struct mri_document *document = reading->document;
  const json_t *pair = document->nodes[node].value;
  const char *a = json_string_value(json_array_get(pair, 0));
  const char *b = json_string_value(json_array_get(pair, 1));
  mirror_report report = {.size = sizeof report};
  if (!a || !b || json_array_size(pair) != 2) {
    refuse_type(reading, node, "a list of two VPC ids");
    reading->vpcs_incomplete = true;
    return;
  }
  int32_t status = mirror_vpc_connect(reading->transaction, a, b, &report);
  reading->out_of_memory |= status == MIRROR_E_NOMEM;
  if (!status || reading->out_of_memory) return;
  mri_reading_report(reading, document->nodes[node].at, &report);
  reading->vpcs_incomplete = true;
}

static void read_connections(struct mri_reading *reading, uint32_t node) {
  if (!json_is_array(reading->document->nodes[node].value)) {
    refuse_type(reading, node, "a list of lists of two VPC ids");
    reading->vpcs_incomplete = true;
    return;
  }
  MRI_EACH_CHILD(reading->document, pair, node) {
    read_connection(reading, pair);
  }
}

static bool read_kind(struct mri_reading *reading, uint32_t node) {
  const char *key = reading->document->nodes[node].key;
  for (size_t i = 0; i < KINDS; i++) {
    if (strcmp(key, kinds[i]->list) == 0) {
      read_list(reading, kinds[i], node);
      return true;
    }
    if (strcmp(key, kinds[i]->envelope) == 0) {
      mri_item_read(reading, kinds[i], node, NULL);
      return true;
    }
  }
  return false;
}

static void refuse_unknown(struct mri_reading *reading, const struct mri_node *node) {
  char text[1024];
  snprintf(text, sizeof text,
           "unknown field \"%.100s\", expected %s, or a name that begins with x-", node->key,
           top_level);
  const struct mri_fault fault = {
      .code = MIRROR_E_UNKNOWN_FIELD, .field = node->key, .expected = top_level, .text = text};
  mri_reading_refuse(reading, node->key_at, &fault);
}

static void read_section(struct mri_reading *reading, uint32_t node) {
  const struct mri_node *section = &reading->document->nodes[node];
  if (strncmp(section->key, "x-", 2) == 0 || json_is_null(section->value)) return;
  if (read_kind(reading, node)) return;
  if (strcmp(section->key, "vpc_connections") == 0)
    read_connections(reading, node);
  else if (strcmp(section->key, "quotas") == 0)
    mri_item_read(reading, &mri_quotas_schema, node, NULL);
  else if (strcmp(section->key, mri_rule_schema.envelope) != 0)
    refuse_unknown(reading, section);
}

void mri_sections_read(struct mri_reading *reading) {
  const struct mri_document *document = reading->document;
  if (!json_is_object(document->root)) {
    refuse_type(reading, 0, "an object");
    return;
  }
  MRI_EACH_CHILD(document, section, 0) {
    read_section(reading, section);
  }
  uint32_t rule = mri_document_child(document, 0, mri_rule_schema.envelope);
  if (rule) mri_item_read(reading, &mri_rule_schema, rule, NULL);
  mri_references_check(reading);
}
