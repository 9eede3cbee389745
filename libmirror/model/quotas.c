/* Quotas (spec table): setting them, and counting against them. */
#include "core/sized.h"
#include "model/check.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const mirror_quotas quota_defaults = {.size = sizeof(mirror_quotas),
                                             .sources_per_session = 10,
                                             .sessions_per_source = 3,
                                             .sessions_per_eni_target = 10,
                                             .sessions_per_elb_target = 200,
                                             .sessions_per_filter = 1000,
                                             .ingress_rules_per_filter = 10,
                                             .egress_rules_per_filter = 10,
                                             .sessions_per_context = 20000};

#define QUOTA(member, code, counted) \
  { #member, code, counted, offsetof(mirror_quotas, member) }

/* By enum mri_quota. */
static const struct {
  const char *name;
  int32_t code;
  const char *counted;
  size_t offset;
} quota_table[] = {
    [MRI_QUOTA_SOURCES_PER_SESSION] =
        QUOTA(sources_per_session, MIRROR_E_QUOTA_SOURCES_PER_SESSION, "sources"),
    [MRI_QUOTA_SESSIONS_PER_SOURCE] =
        QUOTA(sessions_per_source, MIRROR_E_QUOTA_SESSIONS_PER_SOURCE, "enabled sessions"),
    [MRI_QUOTA_SESSIONS_PER_ENI_TARGET] =
        QUOTA(sessions_per_eni_target, MIRROR_E_QUOTA_SESSIONS_PER_ENI_TARGET, "enabled sessions"),
    [MRI_QUOTA_SESSIONS_PER_ELB_TARGET] =
        QUOTA(sessions_per_elb_target, MIRROR_E_QUOTA_SESSIONS_PER_ELB_TARGET, "enabled sessions"),
    [MRI_QUOTA_SESSIONS_PER_FILTER] =
        QUOTA(sessions_per_filter, MIRROR_E_QUOTA_SESSIONS_PER_FILTER, "enabled sessions"),
    [MRI_QUOTA_INGRESS_RULES] =
        QUOTA(ingress_rules_per_filter, MIRROR_E_QUOTA_INGRESS_RULES, "ingress rules"),
    [MRI_QUOTA_EGRESS_RULES] =
        QUOTA(egress_rules_per_filter, MIRROR_E_QUOTA_EGRESS_RULES, "egress rules"),
    [MRI_QUOTA_SESSIONS] = QUOTA(sessions_per_context, MIRROR_E_QUOTA_SESSIONS, "sessions"),
};
enum { QUOTAS = sizeof quota_table / sizeof *quota_table };

static uint32_t quota_value(const mirror_quotas *quotas, enum mri_quota quota) {
  uint32_t value;
  memcpy(&value, (const char *)quotas + quota_table[quota].offset, sizeof value);
  return value;
}

void mirror_quotas_init(mirror_quotas *quotas, uint32_t size) {
  mri_sized_defaults(quotas, size, &quota_defaults, sizeof quota_defaults);
}

int32_t mirror_quotas_set(mirror_transaction *transaction, const mirror_quotas *quotas,
                          mirror_report *report) {
  if (!transaction) return mri_fail(report, MIRROR_E_ARGUMENT, "transaction is NULL");
  mirror_quotas own = quota_defaults;
  int32_t status = mri_sized_read(&own, sizeof own, quotas,
                                  MRI_UP_TO(mirror_quotas, sources_per_session), report);
  if (status) return status;
  mri_context_lock(transaction->context);
  transaction->context->model->staged_quotas = own;
  mri_context_unlock(transaction->context);
  return MIRROR_OK;
}

int32_t mirror_quotas_get(mirror_context *context, mirror_quotas *quotas, mirror_report *report) {
  if (!context || !quotas) return mri_fail(report, MIRROR_E_ARGUMENT, "context or quotas is NULL");
  mri_context_lock(context);
  const mirror_quotas *own = &context->model->quotas;
  int32_t status =
      mri_sized_write(quotas, own, sizeof *own, MRI_UP_TO(mirror_quotas, sources_per_session));
  mri_context_unlock(context);
  if (!status) return MIRROR_OK;
  return mri_fail(report, status, "mirror_quotas: size is %u, expected at least %zu: call its init",
                  quotas->size, sizeof *own);
}

bool mri_quotas_lowered(const struct mri_model *model) {
  for (unsigned quota = 0; quota < QUOTAS; quota++) {
    if (quota_value(&model->staged_quotas, quota) < quota_value(&model->quotas, quota)) return true;
  }
  return false;
}

static const char *kind_name(uint32_t kind) {
  if (kind == MIRROR_OBJECT_FILTER) return "filter";
  if (kind == MIRROR_OBJECT_SOURCE) return "source";
  return kind == MIRROR_OBJECT_TARGET ? "target" : "session";
}

void mri_check_quota(struct mri_check *check, enum mri_quota quota, const struct mri_entry *entry,
                     uint32_t count, const char *cause) {
  uint32_t limit = quota_value(&check->model->staged_quotas, quota);
  if (count <= limit) return;
  const char *scope = quota == MRI_QUOTA_SESSIONS ? "the context" : "it";
  char value[16], expected[32];
  snprintf(value, sizeof value, "%u", count);
  snprintf(expected, sizeof expected, "at most %u", limit);
  const struct mri_fault fault = {.code = quota_table[quota].code,
                                  .object = entry->kind,
                                  .id = entry->id,
                                  .field = quota_table[quota].name,
                                  .value = value,
                                  .expected = expected};
  mri_check_refuse(
      check, fault, "%s \"%s\": %s would have %s %s%s%s%s, expected at most %u (quota %s)",
      kind_name(entry->kind), entry->id, scope, value, quota_table[quota].counted,
      cause ? " with session \"" : "", cause ? cause : "", cause ? "\"" : "", limit, fault.field);
}

static void check_rules(struct mri_check *check, const struct mri_entry *entry, unsigned direction,
                        enum mri_quota quota) {
  const struct mri_filter *filter = (const struct mri_filter *)mri_entry_version(entry);
  mri_check_quota(check, quota, entry, filter->rules[direction]->count, NULL);
}

void mri_check_filter_quotas(struct mri_check *check, const struct mri_entry *entry) {
  check_rules(check, entry, mri_direction_index(MIRROR_INGRESS), MRI_QUOTA_INGRESS_RULES);
  check_rules(check, entry, mri_direction_index(MIRROR_EGRESS), MRI_QUOTA_EGRESS_RULES);
}

static enum mri_quota target_quota(const struct mri_entry *target) {
  const struct mri_target *version = (const struct mri_target *)mri_entry_version(target);
  return version->target_kind == MIRROR_TARGET_ELB ? MRI_QUOTA_SESSIONS_PER_ELB_TARGET
                                                   : MRI_QUOTA_SESSIONS_PER_ENI_TARGET;
}

/* Sessions that come to a target answer for themselves; here its kind may have changed. */
void mri_check_target_quota(struct mri_check *check, const struct mri_entry *entry) {
  const struct mri_target *current = (const struct mri_target *)entry->current;
  const struct mri_target *staged = (const struct mri_target *)entry->staged;
  if (current && current->target_kind != staged->target_kind)
    mri_check_quota(check, target_quota(entry), entry, entry->enabled_count, NULL);
}

void mri_check_session_quotas(struct mri_check *check, const struct mri_session *session) {
  const struct mri_entry *entry = session->version.entry;
  mri_check_quota(check, MRI_QUOTA_SOURCES_PER_SESSION, entry, session->source_count, NULL);
  for (uint32_t i = 0; i < session->source_count; i++) {
    if (session->source[i].entry)
      mri_check_quota(check, MRI_QUOTA_SESSIONS_PER_SOURCE, session->source[i].entry,
                      session->source[i].link.rank, entry->id);
  }
  if (session->target)
    mri_check_quota(check, target_quota(session->target), session->target,
                    session->target_link.rank, entry->id);
  if (session->filter)
    mri_check_quota(check, MRI_QUOTA_SESSIONS_PER_FILTER, session->filter,
                    session->filter_link.rank, entry->id);
  /* One session too many is reported, not each that follows. */
  uint32_t limit = check->model->staged_quotas.sessions_per_context;
  if (!entry->current && check->sessions++ == limit)
    mri_check_quota(check, MRI_QUOTA_SESSIONS, entry, check->sessions, NULL);
}

static void check_entry(struct mri_check *check, const struct mri_entry *entry) {
  if (entry->kind == MIRROR_OBJECT_FILTER) {
    mri_check_filter_quotas(check, entry);
    mri_check_quota(check, MRI_QUOTA_SESSIONS_PER_FILTER, entry, entry->enabled_count, NULL);
  }
  if (entry->kind == MIRROR_OBJECT_SOURCE)
    mri_check_quota(check, MRI_QUOTA_SESSIONS_PER_SOURCE, entry, entry->enabled_count, NULL);
  if (entry->kind == MIRROR_OBJECT_TARGET)
    mri_check_quota(check, target_quota(entry), entry, entry->enabled_count, NULL);
  if (entry->kind == MIRROR_OBJECT_SESSION) {
    const struct mri_session *session = (const struct mri_session *)mri_entry_version(entry);
    mri_check_quota(check, MRI_QUOTA_SOURCES_PER_SESSION, entry, session->source_count, NULL);
  }
}

void mri_check_all_quotas(struct mri_check *check) {
  uint32_t limit = check->model->staged_quotas.sessions_per_context, sessions = 0;
  for (unsigned kind = 0; kind < MRI_KINDS; kind++) {
    const struct mri_entry *entry = check->model->tables[kind].first;
    for (; entry; entry = entry->order_next) {
      if (!mri_entry_version(entry)) continue;
      check_entry(check, entry);
      if (kind == MIRROR_OBJECT_SESSION && sessions++ == limit)
        mri_check_quota(check, MRI_QUOTA_SESSIONS, entry, sessions, NULL);
    }
  }
}
