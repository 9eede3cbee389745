/* References that the transaction cannot check: of objects that were refused, and types. */
#include "config/reading.h"

static const struct reference {
  uint32_t kind; /* of what refers */
  const char *field;
  uint32_t refers_to;
  int32_t code;
  const char *expected;
} references[] = {
    {MIRROR_OBJECT_SOURCE, "security_group", MIRROR_OBJECT_FILTER, MIRROR_E_UNKNOWN_FILTER,
     "the id of a filter"},
    {MIRROR_OBJECT_SESSION, "traffic_mirror_filter_id", MIRROR_OBJECT_FILTER,
     MIRROR_E_UNKNOWN_FILTER, "the id of a filter"},
    {MIRROR_OBJECT_SESSION, "traffic_mirror_sources", MIRROR_OBJECT_SOURCE, MIRROR_E_UNKNOWN_SOURCE,
     "the id of a source"},
    {MIRROR_OBJECT_SESSION, "traffic_mirror_target_id", MIRROR_OBJECT_TARGET,
     MIRROR_E_UNKNOWN_TARGET, "the id of a target"},
};

/* `node`: an id, or anything else, about which enough was said. */
static void check_id(struct mri_reading *reading, const struct mri_known *object,
                     const struct reference *reference, uint32_t node) {
  const char *id = mri_document_text(reading->document, node);
  if (!id || mri_reading_find(reading, reference->refers_to, id)) return;
  const struct mri_fault fault = {.code = reference->code,
                                  .object = object->kind,
                                  .id = object->name,
                                  .field = reference->field,
                                  .value = id,
                                  .expected = reference->expected};
  mri_reading_refuse(reading, reading->document->nodes[node].at, &fault);
}

static void check_reference(struct mri_reading *reading, const struct mri_known *object,
                            const struct reference *reference) {
  uint32_t node = mri_document_child(reading->document, object->node, reference->field);
  if (!node) return;
  check_id(reading, object, reference, node);
  MRI_EACH_CHILD(reading->document, element, node) {
    check_id(reading, object, reference, element);
  }
}

static void check_removed(struct mri_reading *reading, const struct mri_known *object) {
  for (size_t i = 0; i < sizeof references / sizeof *references && object->removed; i++) {
    if (references[i].kind == object->kind) check_reference(reading, object, &references[i]);
  }
}

/* The provider's sessions repeat the type of their target. */
static void check_target_type(struct mri_reading *reading, const struct mri_known *session) {
  if (session->kind != MIRROR_OBJECT_SESSION || !session->target_type) return;
  static const char field[] = "traffic_mirror_target_type";
  const struct mri_document *document = reading->document;
  uint32_t reference = mri_document_child(document, session->node, "traffic_mirror_target_id");
  const char *id = reference ? mri_document_text(document, reference) : NULL;
  const struct mri_known *target = id ? mri_reading_find(reading, MIRROR_OBJECT_TARGET, id) : NULL;
  if (!target || !target->target_type || target->target_type == session->target_type) return;
  bool eni = target->target_type == MIRROR_TARGET_ENI;
  const struct mri_fault fault = {
      .code = MIRROR_E_INCONSISTENT,
      .object = MIRROR_OBJECT_SESSION,
      .id = session->name,
      .field = field,
      .value = eni ? "elb" : "eni",
      .expected = eni ? "\"eni\", the type of the target" : "\"elb\", the type of the target"};
  mri_reading_refuse(reading, mri_reading_place(reading, session->node, field, ""), &fault);
}

void mri_references_check(struct mri_reading *reading) {
  for (const struct mri_known *known = reading->known_first; known; known = known->next) {
    check_removed(reading, known);
    check_target_type(reading, known);
  }
}
