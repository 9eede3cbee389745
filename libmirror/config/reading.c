#include "config/reading.h"

#include <string.h>

/* So that many errors in one long list do not cost the square of its length. */
static const size_t longest_search = 1024;

void mri_reading_report(struct mri_reading *reading, struct mri_place place,
                        mirror_report *report) {
  report->errors = 1;
  mri_document_locate(reading->document, place, report);
  reading->out_of_memory |= !mri_errors_add(&reading->errors, report);
}

void mri_reading_refuse(struct mri_reading *reading, struct mri_place place,
                        const struct mri_fault *fault) {
  mirror_report report = {.size = sizeof report};
  mri_refuse(&report, fault);
  mri_reading_report(reading, place, &report);
}

struct mri_place mri_reading_place(const struct mri_reading *reading, uint32_t object,
                                   const char *field, const char *value) {
  const struct mri_document *document = reading->document;
  uint32_t found = mri_document_child(document, object, field);
  if (!found) return document->nodes[object].at;
  struct mri_place place = document->nodes[found].at;
  if (json_array_size(document->nodes[found].value) > longest_search) return place;
  MRI_EACH_CHILD(document, element, found) {
    const char *text = mri_document_text(document, element);
    if (text && strcmp(text, value) == 0) place = document->nodes[element].at;
  }
  return place;
}

static uint64_t hash_known(uint32_t kind, const char *id) {
  return mri_hash(id, strlen(id), kind);
}

static bool is_known(const void *item, const void *key) {
  const struct mri_known *known = item, *wanted = key;
  return known->kind == wanted->kind && strcmp(known->id, wanted->id) == 0;
}

const struct mri_known *mri_reading_find(const struct mri_reading *reading, uint32_t kind,
                                         const char *id) {
  const struct mri_known wanted = {.kind = kind, .id = id};
  return mri_map_find(&reading->known, hash_known(kind, id), is_known, &wanted);
}

struct mri_known *mri_reading_know(struct mri_reading *reading, uint32_t kind, uint32_t node,
                                   const char *id, const char *path) {
  struct mri_known *known = NULL;
  size_t octets = strlen(path) + 1;
  if (mri_map_reserve(&reading->known, 1))
    known = mri_zalloc(reading->alloc, 1, sizeof *known + octets);
  reading->out_of_memory |= !known;
  if (!known) return NULL;
  *known = (struct mri_known){.kind = kind, .node = node, .id = id};
  memcpy(known->path, path, octets);
  known->name = id ? id : known->path;
  *(reading->known_last ? &reading->known_last->next : &reading->known_first) = known;
  reading->known_last = known;
  if (id && !mri_reading_find(reading, kind, id))
    mri_map_insert(&reading->known, hash_known(kind, id), known);
  return known;
}

void mri_reading_close(struct mri_reading *reading) {
  while (reading->known_first) {
    struct mri_known *known = reading->known_first;
    reading->known_first = known->next;
    mri_free(reading->alloc, known);
  }
  mri_map_free(&reading->known);
  mri_errors_free(&reading->errors);
}
