/* The place of a rule: the list it stands in, or what it says itself in an envelope of its own. */
#include "config/item.h"

#include <string.h>

static uint32_t node_of(const struct mri_item *item, const char *field) {
  return mri_document_child(item->reading->document, item->node, field);
}

/* In a list: what a rule says of its place must be its place. */
static void compare(struct mri_item *item, const struct mri_rule_place *place) {
  static const char direction[] = "direction", filter[] = "traffic_mirror_filter_id";
  const struct mri_rule_object *rule = &item->object.rule;
  if (rule->rule.direction && rule->rule.direction != place->direction)
    mri_item_refuse_value(item, node_of(item, direction), MIRROR_E_INCONSISTENT, direction,
                          place->direction == MIRROR_INGRESS ? "\"ingress\", as in this list"
                                                             : "\"egress\", as in this list");
  if (rule->filter_id && strcmp(rule->filter_id, place->filter_id) != 0)
    mri_item_refuse_value(item, node_of(item, filter), MIRROR_E_INCONSISTENT, filter,
                          "the id of the filter around it");
}

/* In an envelope of its own: a rule must say where it belongs. */
static struct mri_rule_place require(struct mri_item *item) {
  static const char direction[] = "direction", filter[] = "traffic_mirror_filter_id";
  const struct mri_rule_object *rule = &item->object.rule;
  struct mri_rule_place place = {rule->filter_id, rule->rule.direction};
  if (mri_item_lacks(item, direction))
    mri_item_refuse_missing(item, mri_schema_field(item->schema, direction));
  if (mri_item_lacks(item, filter))
    mri_item_refuse_missing(item, mri_schema_field(item->schema, filter));
  else if (place.filter_id &&
           !mri_reading_find(item->reading, MIRROR_OBJECT_FILTER, place.filter_id))
    mri_item_refuse_value(item, node_of(item, filter), MIRROR_E_UNKNOWN_FILTER, filter,
                          "the id of a filter in this file");
  if (!place.filter_id) place.filter_id = item->path;
  if (!place.direction) place.direction = MIRROR_INGRESS;
  return place;
}

void mri_rule_check_place(struct mri_item *item, const struct mri_rule_place *place) {
  struct mri_rule_object *rule = &item->object.rule;
  struct mri_rule_place own;
  if (place) {
    compare(item, place);
    own = *place;
  } else {
    own = require(item);
  }
  rule->rule.direction = own.direction;
  rule->filter_id = own.filter_id;
}
