#include "config/document.h"

#include "core/report.h"

#include <stdio.h>
#include <string.h>

int32_t mri_document_open(struct mri_document *document, const struct mri_alloc *alloc,
                          const char *name, const char *text, uint64_t length,
                          mirror_report *report) {
  static const char mark[] = "\xef\xbb\xbf"; /* byte order mark */
  *document = (struct mri_document){.alloc = alloc, .name = name};
  if (length > MRI_DOCUMENT_MAX)
    return mri_fail(report, MIRROR_E_LIMIT, "%s: is longer than 256 MiB", name);
  if (length >= sizeof mark - 1 && memcmp(text, mark, sizeof mark - 1) == 0) {
    text += sizeof mark - 1;
    length -= sizeof mark - 1;
  }
  int32_t status = mri_document_parse(document, text, length, report);
  if (status) mri_document_close(document);
  return status;
}

void mri_document_close(struct mri_document *document) {
  mri_free(document->alloc, document->nodes);
  json_decref(document->root);
}

uint32_t mri_document_child(const struct mri_document *document, uint32_t node, const char *key) {
  MRI_EACH_CHILD(document, child, node) {
    const char *found = document->nodes[child].key;
    if (found && strcmp(found, key) == 0) return child;
  }
  return 0;
}

const char *mri_document_text(const struct mri_document *document, uint32_t node) {
  return json_string_value(document->nodes[node].value);
}

void mri_document_locate(const struct mri_document *document, struct mri_place place,
                         mirror_report *report) {
  mirror_report located = {.size = sizeof located};
  mri_fail(&located, report->code, "%s:%u:%u: %s", document->name, place.line, place.column,
           report->text);
  memcpy(report->text, located.text, sizeof report->text);
  snprintf(report->file, sizeof report->file, "%s", document->name);
  report->line = place.line;
  report->column = place.column;
}

void mri_document_path(const struct mri_document *document, uint32_t node, char *path,
                       size_t room) {
  const struct mri_node *self = &document->nodes[node];
  *path = '\0';
  if (node == 0) return;
  mri_document_path(document, self->parent, path, room);
  size_t used = strlen(path);
  if (self->key)
    snprintf(path + used, room - used, "%s%s", used ? "." : "", self->key);
  else
    snprintf(path + used, room - used, "[%u]", self->index);
}
