/*
 * The object model: identities (entries) and their immutable versions.
 *
 * An entry is the identity of a filter, source, target or session: its id and counter slot. What
 * the user sets is a version: immutable, reference-counted, shared with the plans compiled from it.
 * A transaction stages a new version (or a removal) in the entry; commit makes it current:
 *
 *     mri_model_prepare   resolve references, relink users, check everything   (undoable)
 *     ... the plan is built from the versions that mri_entry_version shows ...
 *     mri_model_finish    staged becomes current, or everything goes back      (never fails)
 *
 * Cost is proportional to the change: users of an object are on intrusive lists, so nothing walks
 * the whole model. All functions: context lock held.
 */
#ifndef MRI_MODEL_MODEL_H
#define MRI_MODEL_MODEL_H

#include "core/context.h"
#include "core/map.h"
#include "core/report.h"
#include "core/rule.h"

#include <libmirror/filter.h>
#include <libmirror/session.h>
#include <libmirror/source.h>
#include <libmirror/target.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Index of a direction in arrays of two. */
static inline unsigned mri_direction_index(uint32_t direction) {
  return direction == MIRROR_EGRESS;
}

/* One rule. Shared between versions of its filter that leave it unchanged. */
struct mri_rule {
  uint32_t refs;
  uint32_t slot; /* MRI_SLOT_RULE */
  uint32_t priority;
  uint32_t direction;
  struct mri_match_rule match;
  char *id; /* NULL = absent */
  char *description;
};

/* The rules of one direction, ascending priority. Shared between versions of its filter. */
struct mri_rules {
  uint32_t refs;
  uint32_t count;
  uint64_t hash; /* over the match parts, in order */
  struct mri_rule *rule[];
};

struct mri_entry;

/* A place in an object's list of users. */
struct mri_link {
  struct mri_link *previous;
  struct mri_link *next;
  void *user;    /* struct mri_session, or struct mri_source for security groups; chains: chain.h */
  uint32_t rank; /* enabled sessions: how many were in the list when this one came, and it */
};

/* Every version begins so. */
struct mri_version {
  uint32_t refs;
  uint32_t kind; /* MIRROR_OBJECT_ */
  struct mri_entry *entry;
  char *name;        /* NULL = absent */
  char *description; /* NULL = absent */
};

struct mri_filter {
  struct mri_version version;
  struct mri_rules *rules[2]; /* by mri_direction_index; never NULL */
};

struct mri_address {
  uint8_t octets[16]; /* network byte order; IPv4 in the first 4, the rest 0 */
  uint8_t family;     /* 4 or 6; 0 = absent */
};

struct mri_source {
  struct mri_version version;
  uint32_t mtu;
  bool has_mac;
  uint8_t mac[6];
  struct mri_address address;
  char *interface_name; /* NULL = absent */
  char *vpc_id;
  char *security_group;           /* as set */
  struct mri_entry *group;        /* resolved by prepare; NULL = none */
  struct mri_link group_link;     /* in group->guards */
  struct mri_link interface_link; /* in the model's chains of equal interfaces, addresses, VPCs */
  struct mri_link address_link;
  struct mri_link vpc_link;
};

struct mri_target {
  struct mri_version version;
  struct mri_address address;
  uint32_t target_kind; /* MIRROR_TARGET_ */
  uint32_t udp_port;
  uint32_t mtu; /* MIRROR_ABSENT */
  uint32_t oversize;
  uint32_t ttl;
  uint32_t udp_checksum;
  bool dont_fragment;
  char *interface_name;
  char *vpc_id;
  struct mri_link interface_link; /* in the model's chains of equal interfaces and addresses */
  struct mri_link address_link;
};

struct mri_session {
  struct mri_version version;
  uint32_t priority;
  bool enabled;
  uint32_t vni;
  uint32_t packet_length;  /* MIRROR_ABSENT */
  uint32_t sample_one_in;  /* MIRROR_ABSENT */
  uint64_t rate_limit_bps; /* MIRROR_ABSENT_64 */
  uint64_t rate_limit_pps;
  char *filter_id;
  char *target_id;
  struct mri_entry *filter; /* resolved by prepare */
  struct mri_entry *target;
  struct mri_link filter_link;
  struct mri_link target_link;
  uint32_t source_count;
  struct mri_session_source {
    char *id;
    struct mri_entry *entry; /* resolved by prepare */
    struct mri_link link;
  } source[];
};

/* Token buckets of a session (F4), shared by all taps: the time until which they are used up. */
struct mri_buckets {
  _Atomic int64_t bits_until_ns;
  _Atomic int64_t packets_until_ns;
};

struct mri_entry {
  uint32_t kind;   /* MIRROR_OBJECT_FILTER, _SOURCE, _TARGET or _SESSION */
  uint32_t slot;   /* MRI_SLOT_ of the kind; MRI_SLOT_NONE for filters */
  uint32_t handle; /* sources: public handle, never 0: slot + 1 in the low 22 bits, a use count of
                      the slot above */
  uint32_t refs;   /* versions, and 1 while in the model's table */
  char *id;
  struct mri_version *current; /* committed; NULL = none */
  struct mri_version *staged;  /* what commit makes current; NULL = removal; only if touched */
  bool touched;
  bool affected;          /* sources: in mri_model.affected */
  struct mri_link users;  /* list head: sessions (of filter, source, target) */
  struct mri_link guards; /* list head: sources whose security group this filter is */
  uint32_t user_count;
  uint32_t enabled_count; /* of the users; what quotas count: a disabled session is as if absent */
  struct mri_entry *touched_next;
  struct mri_entry *affected_next;
  struct mri_entry *order_previous; /* all entries of the kind, in the order they were added */
  struct mri_entry *order_next;
  struct mri_buckets buckets; /* sessions */
};

struct mri_model; /* model/state.h */

int32_t mri_model_create(mirror_context *context, struct mri_model **model);
/* No transaction is open and no plan alive. */
void mri_model_destroy(struct mri_model *model);

/* The version to read while a commit is being prepared: the staged one where touched (NULL =
 * removed), else the current one. */
static inline struct mri_version *mri_entry_version(const struct mri_entry *entry) {
  return entry->touched ? entry->staged : entry->current;
}

/*
 * Resolves, relinks and checks what is staged. Errors go to on_error one by one (may be NULL) and
 * the first to report, with their number. On failure everything is as before the call. On
 * success mri_model_finish must follow.
 */
int32_t mri_model_prepare(struct mri_model *model, mirror_error_fn on_error, void *user,
                          mirror_report *report);

/*
 * After prepare: the source entries whose plan may change, through affected_next: sources touched,
 * sources of touched sessions (old and new version), of sessions whose filter or target is
 * touched, and sources whose security group is touched.
 */
struct mri_entry *mri_model_affected(struct mri_model *model);

/* Ends a prepared commit: publish or go back (staged changes stay staged). Never fails. */
void mri_model_finish(struct mri_model *model, bool publish);

/* Drops all staged changes. */
void mri_model_rollback(struct mri_model *model);

/* Number of sources with a current version. */
uint32_t mri_model_source_count(const struct mri_model *model);

/* The entry with a current version and this id, or NULL. */
struct mri_entry *mri_model_find(struct mri_model *model, uint32_t kind, const char *id);

/* References on what plans keep. Plans are destroyed under the context lock as well. */
void mri_version_ref(struct mri_version *version);
void mri_version_unref(mirror_context *context, struct mri_version *version);
void mri_rules_ref(struct mri_rules *rules);
void mri_rules_unref(mirror_context *context, struct mri_rules *rules);

/* The inside of a transaction; mirror_transaction_commit is plan/commit.c. */
struct mirror_transaction {
  mirror_context *context;
};

#endif
