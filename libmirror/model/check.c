#include "model/check.h"

#include "model/list.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void mri_check_refuse(struct mri_check *check, struct mri_fault fault, const char *format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  fault.text = text;
  mirror_report report = {.size = sizeof report};
  mri_refuse(&report, &fault);
  if (check->errors++ == 0) check->first = report;
  if (check->on_error) check->on_error(check->user, &report);
}

static const char *first_user(const struct mri_link *users) {
  const struct mri_link *link = mri_list_next(users, users);
  return link ? ((const struct mri_version *)link->user)->entry->id : NULL;
}

/* O6: a removed object that is still referred to. */
static void check_unused(struct mri_check *check, const struct mri_entry *entry, const char *kind) {
  const char *session = first_user(&entry->users), *source = first_user(&entry->guards);
  const char *holder = session ? session : source;
  if (!holder) return;
  const struct mri_fault fault = {.code = MIRROR_E_IN_USE,
                                  .object = entry->kind,
                                  .id = entry->id,
                                  .field = "id",
                                  .value = holder,
                                  .expected = "no session or security group that refers to it"};
  mri_check_refuse(check, fault,
                   "%s \"%s\" cannot be removed: %s \"%s\" refers to it, expected no session or "
                   "security group that does",
                   kind, entry->id, session ? "session" : "source", holder);
}

static void check_filter(struct mri_check *check, const struct mri_entry *entry) {
  if (!entry->staged)
    check_unused(check, entry, "filter");
  else if (!check->quotas_lowered)
    mri_check_filter_quotas(check, entry);
}

static void check_group(struct mri_check *check, const struct mri_source *source) {
  if (!source->security_group || source->group) return;
  const struct mri_fault fault = {.code = MIRROR_E_UNKNOWN_FILTER,
                                  .object = MIRROR_OBJECT_SOURCE,
                                  .id = source->version.entry->id,
                                  .field = "security_group",
                                  .value = source->security_group,
                                  .expected = "the id of a filter"};
  mri_check_refuse(
      check, fault,
      "source \"%s\": security_group \"%s\" does not exist, expected the id of a filter", fault.id,
      fault.value);
}

static bool has_changed(const struct mri_version *version) {
  return mri_entry_changed(version->entry);
}

/* Paths of sessions that are not touched themselves; those of touched targets come with these.
 * `vpc`: only to targets in there, or NULL. */
static void check_source_paths(struct mri_check *check, const struct mri_entry *entry,
                               const char *vpc) {
  MRI_LIST_EACH(link, &entry->users) {
    const struct mri_session *session = link->user;
    if (has_changed(&session->version) || mri_entry_changed(session->target)) continue;
    const struct mri_target *target = (const struct mri_target *)mri_entry_version(session->target);
    if (!vpc || mri_text_same(vpc, target->vpc_id)) mri_check_path(check, session, entry);
  }
}

static void check_source(struct mri_check *check, const struct mri_entry *entry) {
  if (!entry->staged) {
    check_unused(check, entry, "source");
    return;
  }
  const struct mri_source *source = (const struct mri_source *)entry->staged;
  check_group(check, source);
  mri_check_source_interface(check, source);
  check_source_paths(check, entry, NULL);
}

static void check_target_paths(struct mri_check *check, const struct mri_entry *entry) {
  MRI_LIST_EACH(link, &entry->users) {
    const struct mri_session *session = link->user;
    if (has_changed(&session->version)) continue;
    for (uint32_t i = 0; i < session->source_count; i++)
      mri_check_path(check, session, session->source[i].entry);
  }
}

static void check_target(struct mri_check *check, const struct mri_entry *entry) {
  if (!entry->staged) {
    check_unused(check, entry, "target");
    return;
  }
  if (!check->quotas_lowered) mri_check_target_quota(check, entry);
  mri_check_target_interface(check, (const struct mri_target *)entry->staged);
  check_target_paths(check, entry);
}

static void check_entry(struct mri_check *check, const struct mri_entry *entry) {
  if (!mri_entry_changed(entry)) return;
  if (entry->kind == MIRROR_OBJECT_FILTER) check_filter(check, entry);
  if (entry->kind == MIRROR_OBJECT_SOURCE) check_source(check, entry);
  if (entry->kind == MIRROR_OBJECT_TARGET) check_target(check, entry);
  if (entry->kind == MIRROR_OBJECT_SESSION) mri_check_session(check, entry);
}

/* Paths of untouched objects between two VPCs whose connection is taken away. */
static void check_disconnected(struct mri_check *check, const char *from, const char *to) {
  const struct mri_link *chain = mri_chains_find(&check->model->source_vpcs, from, strlen(from));
  const struct mri_link *link = chain;
  while (link) {
    const struct mri_source *source = link->user;
    if (!has_changed(&source->version)) check_source_paths(check, source->version.entry, to);
    link = link->next == chain ? NULL : link->next;
  }
}

void mri_check_run(struct mri_check *check) {
  const struct mri_model *model = check->model;
  for (const struct mri_entry *entry = model->touched_first; entry; entry = entry->touched_next)
    check_entry(check, entry);
  for (const struct mri_vpc_pair *pair = model->vpcs.touched; pair; pair = pair->touched_next) {
    if (!pair->current || pair->staged) continue;
    check_disconnected(check, pair->a, pair->b);
    check_disconnected(check, pair->b, pair->a);
  }
  if (check->quotas_lowered) mri_check_all_quotas(check);
}
