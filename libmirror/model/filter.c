/* Filters (include/libmirror/filter.h); their rules are in rule.c. */
#include "model/filter.h"

#include "core/sized.h"
#include "model/validate.h"

void mirror_filter_init(mirror_filter *filter, uint32_t size) {
  mri_sized_init(filter, size);
}

static struct mri_filter *filter_new(mirror_context *context, const char *name,
                                     const char *description) {
  struct mri_filter *filter =
      mri_version_new(&context->alloc, MIRROR_OBJECT_FILTER, sizeof *filter);
  if (!filter) return NULL;
  if (mri_text_set(&context->alloc, &filter->version.name, name) &&
      mri_text_set(&context->alloc, &filter->version.description, description))
    return filter;
  mri_version_unref(context, &filter->version);
  return NULL;
}

/* Takes over the rules of another version, or starts without. */
static bool set_rules(mirror_context *context, struct mri_filter *filter,
                      const struct mri_filter *from) {
  for (unsigned i = 0; i < 2; i++) {
    filter->rules[i] = from ? from->rules[i] : mri_rules_new(&context->alloc);
    if (!filter->rules[i]) return false;
    if (from) mri_rules_ref(from->rules[i]);
  }
  return true;
}

static struct mri_filter *filter_make(mirror_context *context, const char *name,
                                      const char *description, const struct mri_filter *from) {
  struct mri_filter *filter = filter_new(context, name, description);
  if (!filter || set_rules(context, filter, from)) return filter;
  mri_version_unref(context, &filter->version);
  return NULL;
}

static bool same_filter(const struct mri_version *a, const struct mri_version *b) {
  const struct mri_filter *x = (const struct mri_filter *)a, *y = (const struct mri_filter *)b;
  return mri_text_same(a->name, b->name) && mri_text_same(a->description, b->description) &&
         x->rules[0] == y->rules[0] && x->rules[1] == y->rules[1];
}

struct mri_filter *mri_filter_edit(struct mri_model *model, struct mri_entry *entry) {
  struct mri_version *version = mri_entry_version(entry);
  if (mri_entry_changed(entry)) return (struct mri_filter *)version;
  struct mri_filter *copy = filter_make(model->context, version->name, version->description,
                                        (struct mri_filter *)version);
  if (!copy) return NULL;
  copy->version.entry = entry;
  entry->refs++;
  mri_entry_stage(model, entry, &copy->version);
  return copy;
}

void mri_filter_seal(struct mri_model *model, struct mri_entry *entry) {
  struct mri_filter *staged = (struct mri_filter *)entry->staged;
  struct mri_filter *current = (struct mri_filter *)entry->current;
  for (unsigned i = 0; i < 2; i++)
    mri_rules_seal(model->context, &staged->rules[i], current ? current->rules[i] : NULL);
  if (!current || !same_filter(entry->staged, entry->current)) return;
  mri_version_ref(entry->current);
  mri_entry_stage(model, entry, entry->current);
}

static int32_t put_locked(struct mri_model *model, const mirror_filter *filter, enum mri_put put,
                          mirror_report *report) {
  struct mri_entry *entry = mri_entry_visible(model, MIRROR_OBJECT_FILTER, filter->id);
  const struct mri_filter *from =
      entry && put == MRI_UPDATE ? (struct mri_filter *)mri_entry_version(entry) : NULL;
  struct mri_filter *fresh = filter_make(model->context, filter->name, filter->description, from);
  if (!fresh)
    return mri_fail(report, MIRROR_E_NOMEM, "out of memory for filter \"%s\"", filter->id);
  int32_t status = mri_entry_for_put(model, MIRROR_OBJECT_FILTER, filter->id, put, &entry, report);
  if (status)
    mri_version_unref(model->context, &fresh->version);
  else
    mri_version_put(model, entry, &fresh->version, same_filter);
  return status;
}

static int32_t put_filter(mirror_transaction *transaction, const mirror_filter *caller,
                          enum mri_put put, mirror_report *report) {
  mirror_filter filter = {.size = sizeof filter};
  if (!transaction) return mri_fail(report, MIRROR_E_ARGUMENT, "transaction is NULL");
  int32_t status =
      mri_sized_read(&filter, sizeof filter, caller, MRI_UP_TO(mirror_filter, id), report);
  if (status) return status;
  const struct mri_subject subject = {MIRROR_OBJECT_FILTER, filter.id, report};
  status = mri_check_common(&subject, filter.name, filter.description);
  if (status) return status;
  mri_context_lock(transaction->context);
  status = put_locked(transaction->context->model, &filter, put, report);
  mri_context_unlock(transaction->context);
  return status;
}

int32_t mirror_filter_add(mirror_transaction *transaction, const mirror_filter *filter,
                          mirror_report *report) {
  return put_filter(transaction, filter, MRI_ADD, report);
}

int32_t mirror_filter_update(mirror_transaction *transaction, const mirror_filter *filter,
                             mirror_report *report) {
  return put_filter(transaction, filter, MRI_UPDATE, report);
}

int32_t mirror_filter_remove(mirror_transaction *transaction, const char *filter_id,
                             mirror_report *report) {
  return mri_entry_remove(transaction, MIRROR_OBJECT_FILTER, filter_id, report);
}

static int32_t show_filter(const struct mri_version *version, const void *visit, void *user) {
  const mirror_filter filter = {.size = sizeof filter,
                                .id = version->entry->id,
                                .name = version->name,
                                .description = version->description};
  return (*(const mirror_filter_visit_fn *)visit)(user, &filter);
}

int32_t mirror_filters_visit(mirror_context *context, const char *filter_id,
                             mirror_filter_visit_fn visit, void *user) {
  return mri_visit(context, MIRROR_OBJECT_FILTER, filter_id, show_filter, visit ? &visit : NULL,
                   user);
}
