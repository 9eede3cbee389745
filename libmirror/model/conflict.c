/*
 * O7: the interface of a source may not be the target of a session. Each conflict is reported once:
 * by the target if it is touched, else by the source, else by the session that joins them.
 */
#include "model/check.h"
#include "model/list.h"

#include <string.h>

struct conflict {
  const struct mri_source *source;
  const struct mri_target *target;
  const char *field;
  const char *value;
};

static void refuse(struct mri_check *check, const struct mri_version *object,
                   const struct conflict *conflict) {
  const struct mri_entry *target = conflict->target->version.entry;
  const struct mri_session *user = mri_list_next(&target->users, &target->users)->user;
  bool at_source = object->kind == MIRROR_OBJECT_SOURCE;
  const struct mri_fault fault = {
      .code = MIRROR_E_INTERFACE_CONFLICT,
      .object = object->kind,
      .id = object->entry->id,
      .field = conflict->field,
      .value = conflict->value,
      .expected = at_source ? "an interface that is no target" : "an interface that is no source"};
  mri_check_refuse(check, fault,
                   "%s \"%s\": %s \"%s\" is also that of %s \"%s\", and session \"%s\" mirrors to "
                   "that target, expected %s",
                   at_source ? "source" : "target", fault.id, fault.field, fault.value,
                   at_source ? "target" : "source",
                   at_source ? target->id : conflict->source->version.entry->id,
                   user->version.entry->id, fault.expected);
}

/* The first version of a chain for which `counts` says yes. */
static const void *find_in(const struct mri_chains *chains, const void *key, size_t length,
                           bool (*counts)(const void *version)) {
  const struct mri_link *chain = mri_chains_find(chains, key, length), *link = chain;
  while (link) {
    if (counts(link->user)) return link->user;
    link = link->next == chain ? NULL : link->next;
  }
  return NULL;
}

static bool any(const void *version) {
  return version != NULL;
}

static bool is_unchanged(const void *version) {
  return !mri_entry_changed(((const struct mri_version *)version)->entry);
}

static bool is_unchanged_in_use(const void *version) {
  return is_unchanged(version) && ((const struct mri_version *)version)->entry->user_count > 0;
}

void mri_check_source_interface(struct mri_check *check, const struct mri_source *source) {
  const struct mri_model *model = check->model;
  const char *name = source->interface_name;
  const struct mri_target *target = NULL;
  if (name) target = find_in(&model->target_interfaces, name, strlen(name), is_unchanged_in_use);
  if (target)
    refuse(check, &source->version, &(struct conflict){source, target, "interface", name});
  if (!source->address.family) return;
  target = find_in(&model->target_addresses, &source->address, sizeof source->address,
                   is_unchanged_in_use);
  char text[64];
  mri_format_address(&source->address, text);
  if (target) refuse(check, &source->version, &(struct conflict){source, target, "address", text});
}

static void check_target(struct mri_check *check, const struct mri_target *target,
                         bool (*counts)(const void *version)) {
  const struct mri_model *model = check->model;
  const char *name = target->interface_name;
  const struct mri_source *source = NULL;
  if (target->version.entry->user_count == 0) return;
  if (name) source = find_in(&model->source_interfaces, name, strlen(name), counts);
  if (source)
    refuse(check, &target->version, &(struct conflict){source, target, "interface", name});
  source = find_in(&model->source_addresses, &target->address, sizeof target->address, counts);
  char text[64];
  mri_format_address(&target->address, text);
  if (source) refuse(check, &target->version, &(struct conflict){source, target, "address", text});
}

void mri_check_target_interface(struct mri_check *check, const struct mri_target *target) {
  check_target(check, target, any);
}

void mri_check_target_used(struct mri_check *check, const struct mri_target *target) {
  check_target(check, target, is_unchanged);
}
