/* Links from the objects of a model to those that use them, and the indexes of the model. */
#include "model/list.h"
#include "model/state.h"

#include <string.h>

static const void *text_key(const char *text, size_t *length) {
  *length = text ? strlen(text) : 0;
  return text;
}

static const void *address_key(const struct mri_address *address, size_t *length) {
  *length = sizeof *address;
  return address->family ? address : NULL;
}

static const void *source_interface(const void *version, size_t *length) {
  return text_key(((const struct mri_source *)version)->interface_name, length);
}

static const void *source_address(const void *version, size_t *length) {
  return address_key(&((const struct mri_source *)version)->address, length);
}

static const void *source_vpc(const void *version, size_t *length) {
  return text_key(((const struct mri_source *)version)->vpc_id, length);
}

static const void *target_interface(const void *version, size_t *length) {
  return text_key(((const struct mri_target *)version)->interface_name, length);
}

static const void *target_address(const void *version, size_t *length) {
  return address_key(&((const struct mri_target *)version)->address, length);
}

void mri_links_init(struct mri_model *model) {
  const struct mri_alloc *alloc = &model->context->alloc;
  mri_map_init(&model->priorities, alloc);
  mri_chains_init(&model->source_interfaces, alloc, source_interface);
  mri_chains_init(&model->source_addresses, alloc, source_address);
  mri_chains_init(&model->source_vpcs, alloc, source_vpc);
  mri_chains_init(&model->target_interfaces, alloc, target_interface);
  mri_chains_init(&model->target_addresses, alloc, target_address);
}

void mri_links_free(struct mri_model *model) {
  mri_map_free(&model->priorities);
  mri_map_free(&model->source_interfaces.map);
  mri_map_free(&model->source_addresses.map);
  mri_map_free(&model->source_vpcs.map);
  mri_map_free(&model->target_interfaces.map);
  mri_map_free(&model->target_addresses.map);
}

bool mri_links_reserve(struct mri_model *model) {
  uint32_t more = model->touched_count;
  return mri_map_reserve(&model->priorities, more) &&
         mri_chains_reserve(&model->source_interfaces, more) &&
         mri_chains_reserve(&model->source_addresses, more) &&
         mri_chains_reserve(&model->source_vpcs, more) &&
         mri_chains_reserve(&model->target_interfaces, more) &&
         mri_chains_reserve(&model->target_addresses, more);
}

static bool has_priority_of(const void *item, const void *key) {
  const struct mri_session *session = item, *wanted = key;
  return session != wanted && session->priority == wanted->priority;
}

static uint64_t priority_hash(const struct mri_session *session) {
  return mri_hash(&session->priority, sizeof session->priority, 0);
}

void mri_priority_insert(struct mri_model *model, struct mri_session *session) {
  mri_map_insert(&model->priorities, priority_hash(session), session);
}

struct mri_session *mri_priority_rival(const struct mri_model *model,
                                       const struct mri_session *session) {
  return mri_map_find(&model->priorities, priority_hash(session), has_priority_of, session);
}

static void resolve_session(struct mri_model *model, struct mri_session *session) {
  session->filter = mri_entry_visible(model, MIRROR_OBJECT_FILTER, session->filter_id);
  session->target = mri_entry_visible(model, MIRROR_OBJECT_TARGET, session->target_id);
  for (uint32_t i = 0; i < session->source_count; i++)
    session->source[i].entry =
        mri_entry_visible(model, MIRROR_OBJECT_SOURCE, session->source[i].id);
}

void mri_version_resolve(struct mri_model *model, struct mri_version *version) {
  if (version->kind == MIRROR_OBJECT_SESSION) resolve_session(model, (struct mri_session *)version);
  if (version->kind != MIRROR_OBJECT_SOURCE) return;
  struct mri_source *source = (struct mri_source *)version;
  source->group = source->security_group
                      ? mri_entry_visible(model, MIRROR_OBJECT_FILTER, source->security_group)
                      : NULL;
}

static void use(struct mri_entry *entry, struct mri_link *link, struct mri_session *session) {
  if (!entry) return;
  mri_list_append(&entry->users, link, session);
  entry->user_count++;
  entry->enabled_count += session->enabled;
  link->rank = session->enabled ? entry->enabled_count : 0;
}

static void disuse(struct mri_entry *entry, struct mri_link *link,
                   const struct mri_session *session) {
  if (!mri_list_linked(link)) return;
  mri_list_remove(link);
  entry->user_count--;
  entry->enabled_count -= session->enabled;
}

static void link_session(struct mri_session *session) {
  use(session->filter, &session->filter_link, session);
  use(session->target, &session->target_link, session);
  for (uint32_t i = 0; i < session->source_count; i++)
    use(session->source[i].entry, &session->source[i].link, session);
}

static void unlink_session(struct mri_model *model, struct mri_session *session) {
  disuse(session->filter, &session->filter_link, session);
  disuse(session->target, &session->target_link, session);
  for (uint32_t i = 0; i < session->source_count; i++)
    disuse(session->source[i].entry, &session->source[i].link, session);
  mri_map_remove(&model->priorities, priority_hash(session), session);
}

static void link_source(struct mri_model *model, struct mri_source *source) {
  if (source->group) mri_list_append(&source->group->guards, &source->group_link, source);
  mri_chains_insert(&model->source_interfaces, &source->interface_link, source);
  mri_chains_insert(&model->source_addresses, &source->address_link, source);
  mri_chains_insert(&model->source_vpcs, &source->vpc_link, source);
}

static void unlink_source(struct mri_model *model, struct mri_source *source) {
  if (mri_list_linked(&source->group_link)) mri_list_remove(&source->group_link);
  mri_chains_remove(&model->source_interfaces, &source->interface_link);
  mri_chains_remove(&model->source_addresses, &source->address_link);
  mri_chains_remove(&model->source_vpcs, &source->vpc_link);
}

static void link_target(struct mri_model *model, struct mri_target *target) {
  mri_chains_insert(&model->target_interfaces, &target->interface_link, target);
  mri_chains_insert(&model->target_addresses, &target->address_link, target);
}

static void unlink_target(struct mri_model *model, struct mri_target *target) {
  mri_chains_remove(&model->target_interfaces, &target->interface_link);
  mri_chains_remove(&model->target_addresses, &target->address_link);
}

void mri_version_link(struct mri_model *model, struct mri_version *version) {
  if (version->kind == MIRROR_OBJECT_SESSION) link_session((struct mri_session *)version);
  if (version->kind == MIRROR_OBJECT_SOURCE) link_source(model, (struct mri_source *)version);
  if (version->kind == MIRROR_OBJECT_TARGET) link_target(model, (struct mri_target *)version);
}

void mri_version_unlink(struct mri_model *model, struct mri_version *version) {
  if (version->kind == MIRROR_OBJECT_SESSION) unlink_session(model, (struct mri_session *)version);
  if (version->kind == MIRROR_OBJECT_SOURCE) unlink_source(model, (struct mri_source *)version);
  if (version->kind == MIRROR_OBJECT_TARGET) unlink_target(model, (struct mri_target *)version);
}
