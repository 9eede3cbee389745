/*
 * References between the objects of the file, and types that must agree. The transaction checks
 * references as well, but not those of objects that were refused; and it sees the model before:
 * what is not in the file is to it an object that is removed while something refers to it.
 */
#include "config/reading.h"
#include "model/validate.h"

#include <stdio.h>

static const struct reference {
  uint32_t kind; /* of what refers */
  const char *object;
  const char *field;
  uint32_t refers_to;
  int32_t code;
  const char *expected;
} references[] = {
    {MIRROR_OBJECT_SOURCE, "source", "security_group", MIRROR_OBJECT_FILTER,
     MIRROR_E_UNKNOWN_FILTER, "the id of a filter"},
    {MIRROR_OBJECT_SESSION, "session", "traffic_mirror_filter_id", MIRROR_OBJECT_FILTER,
     MIRROR_E_UNKNOWN_FILTER, "the id of a filter"},
    {MIRROR_OBJECT_SESSION, "session", "traffic_mirror_sources", MIRROR_OBJECT_SOURCE,
     MIRROR_E_UNKNOWN_SOURCE, "the id of a source"},
    {MIRROR_OBJECT_SESSION, "session", "traffic_mirror_target_id", MIRROR_OBJECT_TARGET,
     MIRROR_E_UNKNOWN_TARGET, "the id of a target"},
};

static void refuse_unknown(struct mri_reading *reading, const struct mri_known *object,
                           const struct reference *reference, uint32_t node) {
  char text[1024];
  const struct mri_fault fault = {.code = reference->code,
                                  .object = object->kind,
                                  .id = object->name,
                                  .field = reference->field,
                                  .value = mri_document_text(reading->document, node),
                                  .expected = reference->expected,
                                  .text = text};
  snprintf(text, sizeof text, "%s \"%s\": %s \"%s\" does not exist, expected %s", reference->object,
           fault.id, fault.field, fault.value, fault.expected);
  mri_reading_refuse(reading, reading->document->nodes[node].at, &fault);
}

/* `node`: an id, or anything else, about which enough was said. */
static void check_id(struct mri_reading *reading, const struct mri_known *object,
                     const struct reference *reference, uint32_t node) {
  const struct mri_subject nobody = {.report = NULL};
  const char *id = mri_document_text(reading->document, node);
  if (!id || mri_check_id(&nobody, reference->code, reference->field, id)) return;
  if (!mri_reading_find(reading, reference->refers_to, id))
    refuse_unknown(reading, object, reference, node);
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

static void check_references(struct mri_reading *reading, const struct mri_known *object) {
  for (size_t i = 0; i < sizeof references / sizeof *references; i++) {
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
    check_references(reading, known);
    check_target_type(reading, known);
  }
}
