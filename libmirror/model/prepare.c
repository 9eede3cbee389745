/*
 * Commit, in steps that can be undone: staged filters take over what is equal, old versions are
 * unlinked, staged ones resolved and linked, and then everything is checked on the linked state.
 */
#include "model/check.h"
#include "model/filter.h"
#include "model/list.h"

/* The next touched entry that commit would change, from this one on. */
static struct mri_entry *changed_from(struct mri_entry *entry) {
  while (entry && !mri_entry_changed(entry))
    entry = entry->touched_next;
  return entry;
}

#define EACH_CHANGED(entry, model)                                            \
  for (struct mri_entry *entry = changed_from((model)->touched_first); entry; \
       entry = changed_from(entry->touched_next))

static void seal_filters(struct mri_model *model) {
  EACH_CHANGED(entry, model) {
    if (entry->kind == MIRROR_OBJECT_FILTER && entry->staged) mri_filter_seal(model, entry);
  }
}

/* Staged versions claim their priorities one by one while they are checked. */
static void link_staged(struct mri_model *model) {
  EACH_CHANGED(entry, model) {
    if (entry->current) mri_version_unlink(model, entry->current);
  }
  EACH_CHANGED(entry, model) {
    if (!entry->staged) continue;
    mri_version_resolve(model, entry->staged);
    mri_version_link(model, entry->staged);
  }
}

static void link_current(struct mri_model *model) {
  EACH_CHANGED(entry, model) {
    if (entry->staged) mri_version_unlink(model, entry->staged);
  }
  EACH_CHANGED(entry, model) {
    if (!entry->current) continue;
    mri_version_link(model, entry->current);
    if (entry->kind == MIRROR_OBJECT_SESSION)
      mri_priority_insert(model, (struct mri_session *)entry->current);
  }
}

static uint32_t sessions_that_stay(struct mri_model *model) {
  uint32_t count = model->tables[MIRROR_OBJECT_SESSION].count;
  EACH_CHANGED(entry, model) {
    if (entry->kind == MIRROR_OBJECT_SESSION && entry->current && !entry->staged) count--;
  }
  return count;
}

static void add_affected(struct mri_model *model, struct mri_entry *source) {
  if (source->affected) return;
  source->affected = true;
  source->affected_next = model->affected;
  model->affected = source;
}

static void add_sources(struct mri_model *model, const struct mri_session *session) {
  for (uint32_t i = 0; session && i < session->source_count; i++)
    add_affected(model, session->source[i].entry);
}

static void add_users(struct mri_model *model, struct mri_entry *entry) {
  MRI_LIST_EACH(link, &entry->users) {
    add_sources(model, link->user);
  }
  MRI_LIST_EACH(link, &entry->guards) {
    const struct mri_source *source = link->user;
    add_affected(model, source->version.entry);
  }
}

static void collect_affected(struct mri_model *model) {
  EACH_CHANGED(entry, model) {
    if (entry->kind == MIRROR_OBJECT_SOURCE) {
      add_affected(model, entry);
    } else if (entry->kind == MIRROR_OBJECT_SESSION) {
      add_sources(model, (const struct mri_session *)entry->current);
      add_sources(model, (const struct mri_session *)entry->staged);
    } else {
      add_users(model, entry);
    }
  }
}

int32_t mri_model_prepare(struct mri_model *model, mirror_error_fn on_error, void *user,
                          mirror_report *report) {
  seal_filters(model);
  if (!mri_links_reserve(model))
    return mri_fail(report, MIRROR_E_NOMEM, "out of memory for the commit");
  struct mri_check check = {.model = model,
                            .on_error = on_error,
                            .user = user,
                            .sessions = sessions_that_stay(model),
                            .quotas_lowered = mri_quotas_lowered(model)};
  link_staged(model);
  mri_check_run(&check);
  if (check.errors == 0) {
    collect_affected(model);
    return MIRROR_OK;
  }
  link_current(model);
  check.first.errors = check.errors;
  mri_report_copy(report, &check.first);
  return check.first.code;
}

static void drop_affected(struct mri_model *model) {
  for (struct mri_entry *entry = model->affected; entry; entry = entry->affected_next)
    entry->affected = false;
  model->affected = NULL;
}

static void publish_entry(struct mri_model *model, struct mri_entry *entry) {
  struct mri_version *old = entry->current;
  struct mri_table *table = &model->tables[entry->kind];
  entry->current = entry->staged;
  entry->staged = NULL;
  entry->touched = false;
  if (entry->current) table->count++;
  if (old) table->count--;
  mri_version_unref(model->context, old);
  mri_entry_forget(model, entry);
}

void mri_model_finish(struct mri_model *model, bool publish) {
  drop_affected(model);
  if (!publish) {
    link_current(model);
    return;
  }
  struct mri_entry *entry = model->touched_first;
  mri_touched_reset(model);
  while (entry) {
    struct mri_entry *next = entry->touched_next;
    publish_entry(model, entry);
    entry = next;
  }
  mri_vpcs_finish(&model->vpcs, true);
  model->quotas = model->staged_quotas;
}
