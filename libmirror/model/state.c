/* Tables of entries, what a transaction has touched, and the life of the model itself. */
#include "model/state.h"

#include "model/list.h"

#include <string.h>

static const uint32_t kinds[] = {MIRROR_OBJECT_FILTER, MIRROR_OBJECT_SOURCE, MIRROR_OBJECT_TARGET,
                                 MIRROR_OBJECT_SESSION};
enum { KINDS = sizeof kinds / sizeof *kinds };

static bool has_id(const void *item, const void *key) {
  return strcmp(((const struct mri_entry *)item)->id, key) == 0;
}

struct mri_entry *mri_entry_find(const struct mri_model *model, uint32_t kind, const char *id) {
  return mri_map_find(&model->tables[kind].ids, mri_hash_text(id), has_id, id);
}

struct mri_entry *mri_entry_visible(const struct mri_model *model, uint32_t kind, const char *id) {
  struct mri_entry *entry = mri_entry_find(model, kind, id);
  return entry && mri_entry_version(entry) ? entry : NULL;
}

struct mri_entry *mri_model_find(struct mri_model *model, uint32_t kind, const char *id) {
  struct mri_entry *entry = mri_entry_find(model, kind, id);
  return entry && entry->current ? entry : NULL;
}

uint32_t mri_model_source_count(const struct mri_model *model) {
  return model->tables[MIRROR_OBJECT_SOURCE].count;
}

struct mri_entry *mri_model_affected(struct mri_model *model) {
  return model->affected;
}

int32_t mri_model_create(mirror_context *context, struct mri_model **model) {
  struct mri_model *fresh = mri_zalloc(&context->alloc, 1, sizeof *fresh);
  if (!fresh) return MIRROR_E_NOMEM;
  fresh->context = context;
  for (unsigned i = 0; i < KINDS; i++)
    mri_map_init(&fresh->tables[kinds[i]].ids, &context->alloc);
  mri_links_init(fresh);
  mri_vpcs_init(&fresh->vpcs, &context->alloc);
  mirror_quotas_init(&fresh->quotas, sizeof fresh->quotas);
  fresh->staged_quotas = fresh->quotas;
  *model = fresh;
  return MIRROR_OK;
}

static void table_free(struct mri_model *model, struct mri_table *table) {
  for (struct mri_entry *entry = table->first, *next; entry; entry = next) {
    next = entry->order_next;
    mri_version_unref(model->context, entry->current);
    mri_entry_unref(model->context, entry);
  }
  mri_map_free(&table->ids);
}

void mri_model_destroy(struct mri_model *model) {
  const struct mri_alloc *alloc = &model->context->alloc;
  for (unsigned i = 0; i < KINDS; i++)
    table_free(model, &model->tables[kinds[i]]);
  mri_links_free(model);
  mri_vpcs_free(&model->vpcs);
  mri_free(alloc, model->source_uses);
  mri_free(alloc, model);
}

void mri_entry_touch(struct mri_model *model, struct mri_entry *entry) {
  if (entry->touched) return;
  entry->touched = true;
  entry->touched_next = NULL;
  if (model->touched_last)
    model->touched_last->touched_next = entry;
  else
    model->touched_first = entry;
  model->touched_last = entry;
  model->touched_count++;
}

void mri_entry_stage(struct mri_model *model, struct mri_entry *entry,
                     struct mri_version *version) {
  struct mri_version *old = entry->staged;
  mri_entry_touch(model, entry);
  entry->staged = version;
  mri_version_unref(model->context, old);
}

void mri_touched_reset(struct mri_model *model) {
  model->touched_first = model->touched_last = NULL;
  model->touched_count = 0;
}

static void order_append(struct mri_table *table, struct mri_entry *entry) {
  entry->order_previous = table->last;
  if (table->last)
    table->last->order_next = entry;
  else
    table->first = entry;
  table->last = entry;
}

static void order_remove(struct mri_table *table, struct mri_entry *entry) {
  if (entry->order_previous)
    entry->order_previous->order_next = entry->order_next;
  else
    table->first = entry->order_next;
  if (entry->order_next)
    entry->order_next->order_previous = entry->order_previous;
  else
    table->last = entry->order_previous;
}

void mri_entry_forget(struct mri_model *model, struct mri_entry *entry) {
  if (entry->current || entry->touched) return;
  struct mri_table *table = &model->tables[entry->kind];
  mri_map_remove(&table->ids, mri_hash_text(entry->id), entry);
  order_remove(table, entry);
  mri_entry_unref(model->context, entry);
}

/* How often a slot was used goes into its handle, so that an old handle is not taken for a new. */
static bool make_handle(struct mri_model *model, struct mri_entry *entry) {
  if (entry->slot >= model->source_uses_count) {
    uint32_t count = 2 * (entry->slot + 1);
    uint16_t *grown = mri_resize(&model->context->alloc, model->source_uses, count, sizeof *grown);
    if (!grown) return false;
    memset(grown + model->source_uses_count, 0, (count - model->source_uses_count) * sizeof *grown);
    model->source_uses = grown;
    model->source_uses_count = count;
  }
  uint32_t uses = model->source_uses[entry->slot]++ & (UINT32_MAX / MRI_SLOTS_MAX);
  entry->handle = uses * MRI_SLOTS_MAX | (entry->slot + 1);
  return true;
}

static bool take_slot(struct mri_model *model, struct mri_entry *entry) {
  if (entry->kind == MIRROR_OBJECT_FILTER) return true;
  if (!mri_slots_take(&model->context->slots[mri_slot_class_of(entry->kind)], &entry->slot))
    return false;
  return entry->kind != MIRROR_OBJECT_SOURCE || make_handle(model, entry);
}

static struct mri_entry *entry_new(struct mri_model *model, uint32_t kind, const char *id) {
  const struct mri_alloc *alloc = &model->context->alloc;
  struct mri_table *table = &model->tables[kind];
  struct mri_entry *entry = mri_zalloc(alloc, 1, sizeof *entry);
  if (!entry) return NULL;
  entry->kind = kind;
  entry->refs = 1;
  entry->slot = MRI_SLOT_NONE;
  mri_list_init(&entry->users);
  mri_list_init(&entry->guards);
  entry->id = mri_text_copy(alloc, id);
  if (!entry->id || !mri_map_reserve(&table->ids, 1) || !take_slot(model, entry)) {
    mri_entry_unref(model->context, entry);
    return NULL;
  }
  mri_map_insert(&table->ids, mri_hash_text(id), entry);
  order_append(table, entry);
  return entry;
}

int32_t mri_entry_for_put(struct mri_model *model, uint32_t kind, const char *id, enum mri_put put,
                          struct mri_entry **entry, mirror_report *report) {
  struct mri_fault fault = {.object = kind, .id = id, .field = "id", .value = id};
  *entry = mri_entry_find(model, kind, id);
  bool exists = *entry && mri_entry_version(*entry);
  if (put == MRI_ADD && exists) {
    fault.code = MIRROR_E_EXISTS;
    fault.expected = "an id that is not in use";
    return mri_refuse(report, &fault);
  }
  if (put == MRI_UPDATE && !exists) {
    fault.code = MIRROR_E_NOT_FOUND;
    fault.expected = "the id of an existing object";
    return mri_refuse(report, &fault);
  }
  if (!*entry) *entry = entry_new(model, kind, id);
  return *entry ? MIRROR_OK : mri_fail(report, MIRROR_E_NOMEM, "out of memory for \"%s\"", id);
}

void mri_version_put(struct mri_model *model, struct mri_entry *entry, struct mri_version *version,
                     mri_same_fn same) {
  version->entry = entry;
  entry->refs++;
  if (entry->current && same(version, entry->current)) {
    mri_version_unref(model->context, version);
    version = entry->current;
    mri_version_ref(version);
  }
  mri_entry_stage(model, entry, version);
}

static int32_t draft_put_locked(struct mri_model *model, const struct mri_draft *draft) {
  const struct mri_subject *subject = draft->subject;
  const struct mri_alloc *alloc = &model->context->alloc;
  struct mri_version *version = mri_version_new(alloc, subject->object, draft->size);
  struct mri_entry *entry;
  int32_t status = version ? draft->fill(alloc, subject, draft->input, version) : MIRROR_E_NOMEM;
  if (status == MIRROR_E_NOMEM)
    mri_fail(subject->report, status, "out of memory for \"%s\"", subject->id);
  if (!status)
    status =
        mri_entry_for_put(model, subject->object, subject->id, draft->put, &entry, subject->report);
  if (status)
    mri_version_unref(model->context, version);
  else
    mri_version_put(model, entry, version, draft->same);
  return status;
}

int32_t mri_draft_put(mirror_transaction *transaction, const struct mri_draft *draft) {
  mri_context_lock(transaction->context);
  int32_t status = draft_put_locked(transaction->context->model, draft);
  mri_context_unlock(transaction->context);
  return status;
}

int32_t mri_entry_remove(mirror_transaction *transaction, uint32_t kind, const char *id,
                         mirror_report *report) {
  if (!transaction || !id) return mri_fail(report, MIRROR_E_ARGUMENT, "transaction or id is NULL");
  mri_context_lock(transaction->context);
  struct mri_model *model = transaction->context->model;
  struct mri_entry *entry = NULL;
  int32_t status = mri_entry_for_put(model, kind, id, MRI_UPDATE, &entry, report);
  if (!status) mri_entry_stage(model, entry, NULL);
  mri_context_unlock(transaction->context);
  return status;
}

/* Of what was only staged, nothing stays. */
void mri_model_rollback(struct mri_model *model) {
  struct mri_entry *entry = model->touched_first;
  mri_touched_reset(model);
  while (entry) {
    struct mri_entry *next = entry->touched_next;
    struct mri_version *staged = entry->staged;
    entry->staged = NULL;
    entry->touched = false;
    mri_version_unref(model->context, staged);
    mri_entry_forget(model, entry);
    entry = next;
  }
  mri_vpcs_finish(&model->vpcs, false);
  model->staged_quotas = model->quotas;
}

int32_t mirror_transaction_clear(mirror_transaction *transaction, mirror_report *report) {
  if (!transaction) return mri_fail(report, MIRROR_E_ARGUMENT, "transaction is NULL");
  mri_context_lock(transaction->context);
  struct mri_model *model = transaction->context->model;
  for (unsigned i = 0; i < KINDS; i++) {
    for (struct mri_entry *entry = model->tables[kinds[i]].first; entry; entry = entry->order_next)
      mri_entry_stage(model, entry, NULL);
  }
  mri_vpcs_clear(&model->vpcs);
  mirror_quotas_init(&model->staged_quotas, sizeof model->staged_quotas);
  mri_context_unlock(transaction->context);
  return MIRROR_OK;
}

static int32_t visit_all(const struct mri_table *table, mri_show_fn show, const void *visit,
                         void *user) {
  int32_t status = 0;
  for (const struct mri_entry *entry = table->first; entry && !status; entry = entry->order_next) {
    if (entry->current) status = show(entry->current, visit, user);
  }
  return status;
}

int32_t mri_visit(mirror_context *context, uint32_t kind, const char *id, mri_show_fn show,
                  const void *visit, void *user) {
  if (!context || !visit) return MIRROR_E_ARGUMENT;
  mri_context_lock(context);
  int32_t status = MIRROR_E_NOT_FOUND;
  if (!id) {
    status = visit_all(&context->model->tables[kind], show, visit, user);
  } else {
    const struct mri_entry *entry = mri_model_find(context->model, kind, id);
    if (entry) status = show(entry->current, visit, user);
  }
  mri_context_unlock(context);
  return status;
}
