/* Reference counts: entries, versions, rules; what dies with the last of them. */
#include "model/rules.h"
#include "model/state.h"

#include <string.h>

bool mri_text_set(const struct mri_alloc *alloc, char **to, const char *text) {
  *to = text ? mri_text_copy(alloc, text) : NULL;
  return *to || !text;
}

bool mri_text_same(const char *a, const char *b) {
  return a == b || (a && b && strcmp(a, b) == 0);
}

void mri_entry_unref(mirror_context *context, struct mri_entry *entry) {
  if (--entry->refs > 0) return;
  if (entry->slot != MRI_SLOT_NONE)
    mri_slot_release(context, mri_slot_class_of(entry->kind), entry->slot);
  mri_free(&context->alloc, entry->id);
  mri_free(&context->alloc, entry);
}

void *mri_version_new(const struct mri_alloc *alloc, uint32_t kind, size_t size) {
  struct mri_version *version = mri_zalloc(alloc, 1, size);
  if (!version) return NULL;
  version->refs = 1;
  version->kind = kind;
  return version;
}

static void free_filter(mirror_context *context, struct mri_filter *filter) {
  for (unsigned i = 0; i < 2; i++) {
    if (filter->rules[i]) mri_rules_unref(context, filter->rules[i]);
  }
}

static void free_source(mirror_context *context, struct mri_source *source) {
  mri_free(&context->alloc, source->interface_name);
  mri_free(&context->alloc, source->vpc_id);
  mri_free(&context->alloc, source->security_group);
}

static void free_target(mirror_context *context, struct mri_target *target) {
  mri_free(&context->alloc, target->interface_name);
  mri_free(&context->alloc, target->vpc_id);
}

static void free_session(mirror_context *context, struct mri_session *session) {
  mri_free(&context->alloc, session->filter_id);
  mri_free(&context->alloc, session->target_id);
  for (uint32_t i = 0; i < session->source_count; i++)
    mri_free(&context->alloc, session->source[i].id);
}

void mri_version_ref(struct mri_version *version) {
  version->refs++;
}

void mri_version_unref(mirror_context *context, struct mri_version *version) {
  if (!version || --version->refs > 0) return;
  if (version->kind == MIRROR_OBJECT_FILTER) free_filter(context, (struct mri_filter *)version);
  if (version->kind == MIRROR_OBJECT_SOURCE) free_source(context, (struct mri_source *)version);
  if (version->kind == MIRROR_OBJECT_TARGET) free_target(context, (struct mri_target *)version);
  if (version->kind == MIRROR_OBJECT_SESSION) free_session(context, (struct mri_session *)version);
  if (version->entry) mri_entry_unref(context, version->entry);
  mri_free(&context->alloc, version->name);
  mri_free(&context->alloc, version->description);
  mri_free(&context->alloc, version);
}

void mri_rule_unref(mirror_context *context, struct mri_rule *rule) {
  if (--rule->refs > 0) return;
  if (rule->slot != MRI_SLOT_NONE) mri_slot_release(context, MRI_SLOT_RULE, rule->slot);
  mri_free(&context->alloc, rule->id);
  mri_free(&context->alloc, rule->description);
  mri_free(&context->alloc, rule);
}

void mri_rules_ref(struct mri_rules *rules) {
  rules->refs++;
}

void mri_rules_unref(mirror_context *context, struct mri_rules *rules) {
  if (--rules->refs > 0) return;
  for (uint32_t i = 0; i < rules->count; i++)
    mri_rule_unref(context, rules->rule[i]);
  mri_free(&context->alloc, rules);
}
