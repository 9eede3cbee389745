/* What concerns several objects, checked while staged versions are linked (see prepare.c). */
#ifndef MRI_MODEL_CHECK_H
#define MRI_MODEL_CHECK_H

#include "model/state.h"

/* One run over the touched objects. */
struct mri_check {
  struct mri_model *model;
  mirror_error_fn on_error; /* may be NULL */
  void *user;
  mirror_report first; /* the first error found */
  uint32_t errors;     /* how many */
  uint32_t sessions;   /* committed ones that stay, and new ones met so far */
  bool quotas_lowered; /* then everything is counted, not only what is touched */
};

/* Notes an error; its sentence is made by `format`. */
void mri_check_refuse(struct mri_check *check, struct mri_fault fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Checks all that is touched. */
void mri_check_run(struct mri_check *check);

/* session_check.c: may copies of this source's packets go to this target for this session? */
void mri_check_path(struct mri_check *check, const struct mri_session *session,
                    const struct mri_entry *source);
void mri_check_session(struct mri_check *check, const struct mri_entry *entry);

/* conflict.c: O7. */
void mri_check_source_interface(struct mri_check *check, const struct mri_source *source);
void mri_check_target_interface(struct mri_check *check, const struct mri_target *target);
/* A session makes an untouched target one in use. */
void mri_check_target_used(struct mri_check *check, const struct mri_target *target);

/* quotas.c */
enum mri_quota {
  MRI_QUOTA_SOURCES_PER_SESSION,
  MRI_QUOTA_SESSIONS_PER_SOURCE,
  MRI_QUOTA_SESSIONS_PER_ENI_TARGET,
  MRI_QUOTA_SESSIONS_PER_ELB_TARGET,
  MRI_QUOTA_SESSIONS_PER_FILTER,
  MRI_QUOTA_INGRESS_RULES,
  MRI_QUOTA_EGRESS_RULES,
  MRI_QUOTA_SESSIONS
};
/* `entry` is what the quota counts for; `cause` the session that came last, or NULL. */
void mri_check_quota(struct mri_check *check, enum mri_quota quota, const struct mri_entry *entry,
                     uint32_t count, const char *cause);
void mri_check_filter_quotas(struct mri_check *check, const struct mri_entry *entry);
void mri_check_target_quota(struct mri_check *check, const struct mri_entry *entry);
void mri_check_session_quotas(struct mri_check *check, const struct mri_session *session);
/* Counts everything, for the rare case that a quota is lowered. */
void mri_check_all_quotas(struct mri_check *check);
/* True if one of the staged quotas is below its current value. */
bool mri_quotas_lowered(const struct mri_model *model);

#endif
