/* Checks of a session against what it refers to. */
#include "model/check.h"

#include <stdio.h>

static void refuse_unknown(struct mri_check *check, const struct mri_session *session, int32_t code,
                           const char *field, const char *value, const char *kind) {
  char expected[32];
  snprintf(expected, sizeof expected, "the id of a %s", kind);
  const struct mri_fault fault = {.code = code,
                                  .object = MIRROR_OBJECT_SESSION,
                                  .id = session->version.entry->id,
                                  .field = field,
                                  .value = value,
                                  .expected = expected};
  mri_check_refuse(check, fault, "session \"%s\": %s \"%s\" does not exist, expected %s", fault.id,
                   field, value, expected);
}

static void check_references(struct mri_check *check, const struct mri_session *session) {
  if (!session->filter)
    refuse_unknown(check, session, MIRROR_E_UNKNOWN_FILTER, "traffic_mirror_filter_id",
                   session->filter_id, "filter");
  for (uint32_t i = 0; i < session->source_count; i++) {
    if (!session->source[i].entry)
      refuse_unknown(check, session, MIRROR_E_UNKNOWN_SOURCE, "traffic_mirror_sources",
                     session->source[i].id, "source");
  }
  if (!session->target)
    refuse_unknown(check, session, MIRROR_E_UNKNOWN_TARGET, "traffic_mirror_target_id",
                   session->target_id, "target");
}

/* O2. Claims the priority, so that of two touched sessions the later one is refused. */
static void check_priority(struct mri_check *check, struct mri_session *session) {
  const struct mri_session *rival = mri_priority_rival(check->model, session);
  mri_priority_insert(check->model, session);
  if (!rival) return;
  char value[16];
  snprintf(value, sizeof value, "%u", session->priority);
  const struct mri_fault fault = {.code = MIRROR_E_DUPLICATE_SESSION,
                                  .object = MIRROR_OBJECT_SESSION,
                                  .id = session->version.entry->id,
                                  .field = "priority",
                                  .value = value,
                                  .expected = "a priority that no other session has"};
  mri_check_refuse(check, fault,
                   "session \"%s\": priority %s is taken by session \"%s\", expected %s", fault.id,
                   value, rival->version.entry->id, fault.expected);
}

/* O10 */
static void check_vpc(struct mri_check *check, const struct mri_session *session,
                      const struct mri_source *source, const struct mri_target *target) {
  const char *from = source->vpc_id, *to = target->vpc_id;
  if (!from || !to || mri_text_same(from, to) || mri_vpcs_connected(&check->model->vpcs, from, to))
    return;
  char expected[300];
  snprintf(expected, sizeof expected, "[\"%s\", \"%s\"] in vpc_connections", from, to);
  const struct mri_fault fault = {.code = MIRROR_E_VPC_UNREACHABLE,
                                  .object = MIRROR_OBJECT_SESSION,
                                  .id = session->version.entry->id,
                                  .field = "vpc_connections",
                                  .value = from,
                                  .expected = expected};
  mri_check_refuse(check, fault,
                   "session \"%s\": source \"%s\" in VPC \"%s\" cannot reach target \"%s\" in VPC "
                   "\"%s\", expected the declaration %s",
                   fault.id, source->version.entry->id, from, target->version.entry->id, to,
                   expected);
}

/* V3: an Ethernet header must fit behind the outer IP, UDP and VXLAN headers. */
static void check_mtu(struct mri_check *check, const struct mri_session *session,
                      const struct mri_source *source, const struct mri_target *target) {
  const uint32_t least = (target->address.family == 4 ? 36 : 56) + 14;
  bool by_target = target->mtu < source->mtu;
  const struct mri_version *narrow = by_target ? &target->version : &source->version;
  uint32_t mtu = by_target ? target->mtu : source->mtu;
  if (mtu >= least) return;
  char value[16], expected[32];
  snprintf(value, sizeof value, "%u", mtu);
  snprintf(expected, sizeof expected, "%u-65535", least);
  const struct mri_fault fault = {.code = MIRROR_E_MTU_TOO_SMALL,
                                  .object = narrow->kind,
                                  .id = narrow->entry->id,
                                  .field = "mtu",
                                  .value = value,
                                  .expected = expected};
  mri_check_refuse(
      check, fault,
      "session \"%s\": mtu %s of %s \"%s\" leaves no room for an inner Ethernet header "
      "in copies from source \"%s\" to target \"%s\", expected %s",
      session->version.entry->id, value, by_target ? "target" : "source", fault.id,
      source->version.entry->id, target->version.entry->id, expected);
}

void mri_check_path(struct mri_check *check, const struct mri_session *session,
                    const struct mri_entry *source) {
  const struct mri_version *from = source ? mri_entry_version(source) : NULL;
  const struct mri_version *to = session->target ? mri_entry_version(session->target) : NULL;
  if (!from || !to) return; /* refused elsewhere */
  check_vpc(check, session, (const struct mri_source *)from, (const struct mri_target *)to);
  check_mtu(check, session, (const struct mri_source *)from, (const struct mri_target *)to);
}

void mri_check_session(struct mri_check *check, const struct mri_entry *entry) {
  struct mri_session *session = (struct mri_session *)entry->staged;
  if (!session) return;
  check_references(check, session);
  check_priority(check, session);
  if (!check->quotas_lowered) mri_check_session_quotas(check, session);
  if (session->target && !mri_entry_changed(session->target))
    mri_check_target_used(check, (const struct mri_target *)mri_entry_version(session->target));
  for (uint32_t i = 0; i < session->source_count; i++)
    mri_check_path(check, session, session->source[i].entry);
}
