/* The fields of one object: from the document to the API's struct. */
#include "config/item.h"
#include "config/value.h"

#include <stdio.h>
#include <string.h>

static int32_t read_sources(struct mri_item *item, uint32_t node) {
  const struct mri_document *document = item->reading->document;
  mirror_session *session = &item->object.session.session;
  size_t count = json_array_size(mri_item_value(item, node));
  if (!json_is_array(mri_item_value(item, node))) return MIRROR_E_JSON_TYPE;
  item->source = mri_zalloc(item->reading->alloc, count, sizeof *item->source);
  item->reading->out_of_memory |= !item->source;
  if (!item->source) return MIRROR_OK;
  session->sources = item->source;
  session->source_count = 0;
  MRI_EACH_CHILD(document, element, node) {
    const char *id = mri_document_text(document, element);
    if (id)
      item->source[session->source_count++] = id;
    else
      mri_item_refuse_value(item, element, MIRROR_E_JSON_TYPE, document->nodes[node].key,
                            "a string");
  }
  if (session->source_count < count)
    mri_item_replace(item, mri_schema_field(item->schema, document->nodes[node].key));
  return MIRROR_OK;
}

static int32_t read_value(struct mri_item *item, const struct mri_field *field, uint32_t node) {
  if (field->type == MRI_SOURCES) return read_sources(item, node);
  if (field->type == MRI_RULES)
    return json_is_array(mri_item_value(item, node)) ? MIRROR_OK : MIRROR_E_JSON_TYPE;
  return mri_value_read(field, mri_item_value(item, node), &item->object);
}

/* "one of id, name, description" */
static void list_fields(const struct mri_schema *schema, char *text, size_t room) {
  size_t used = (size_t)snprintf(text, room, "one of ");
  for (uint32_t i = 0; i < schema->field_count && used < room; i++) {
    if (schema->fields[i].type == MRI_FIXED_QUOTA) continue;
    used +=
        (size_t)snprintf(text + used, room - used, "%s%s", i ? ", " : "", schema->fields[i].name);
  }
}

static void refuse_unknown(struct mri_item *item, const struct mri_node *node) {
  char expected[512], text[1024], object[320] = "";
  list_fields(item->schema, expected, sizeof expected);
  if (item->name) snprintf(object, sizeof object, " of \"%s\"", item->name);
  snprintf(text, sizeof text,
           "unknown field \"%.100s\"%s, expected %s, or a name that begins with x-", node->key,
           object, expected);
  mri_item_refuse(
      item, node->key_at,
      (struct mri_fault){
          .code = MIRROR_E_UNKNOWN_FIELD, .field = node->key, .expected = expected, .text = text});
}

/* Comments, and what providers add to the objects they give out. */
static bool is_ignored(const char *key) {
  return strncmp(key, "x-", 2) == 0 || strcmp(key, "project_id") == 0 ||
         strcmp(key, "created_at") == 0 || strcmp(key, "updated_at") == 0;
}

static void read_field(struct mri_item *item, uint32_t node) {
  const struct mri_node *member = &item->reading->document->nodes[node];
  if (is_ignored(member->key) || json_is_null(member->value)) return;
  uint32_t index = mri_schema_field(item->schema, member->key);
  if (index == item->schema->field_count) {
    refuse_unknown(item, member);
    return;
  }
  const struct mri_field *field = &item->schema->fields[index];
  int32_t status = read_value(item, field, node);
  if (!status) return;
  mri_item_refuse_value(item, node, status, field->name, field->expected);
  mri_item_replace(item, index);
}

bool mri_item_lacks(const struct mri_item *item, const char *name) {
  uint32_t node = mri_document_child(item->reading->document, item->node, name);
  return !node || json_is_null(mri_item_value(item, node));
}

void mri_item_refuse_missing(struct mri_item *item, uint32_t index) {
  const struct mri_field *field = &item->schema->fields[index];
  mri_item_refuse(
      item, item->reading->document->nodes[item->node].at,
      (struct mri_fault){
          .code = MIRROR_E_MISSING_FIELD, .field = field->name, .expected = field->expected});
  mri_item_replace(item, index);
}

void mri_fields_read(struct mri_item *item) {
  MRI_EACH_CHILD(item->reading->document, node, item->node) {
    read_field(item, node);
  }
  for (uint32_t i = 0; i < item->schema->field_count; i++) {
    if (item->schema->fields[i].required && mri_item_lacks(item, item->schema->fields[i].name))
      mri_item_refuse_missing(item, i);
  }
}
