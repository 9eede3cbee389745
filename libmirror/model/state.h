/* The inside of the model: tables of entries and the open transaction. Context lock held. */
#ifndef MRI_MODEL_STATE_H
#define MRI_MODEL_STATE_H

#include "model/chain.h"
#include "model/model.h"
#include "model/validate.h"

#include <libmirror/transaction.h>

enum { MRI_KINDS = MIRROR_OBJECT_SESSION + 1 };

/* All entries of a kind: by id, and in the order in which they were added. */
struct mri_table {
  struct mri_map ids;
  struct mri_entry *first;
  struct mri_entry *last;
  uint32_t count; /* entries with a current version */
};

/* A declared connection of two VPCs (O10); a-b and b-a are the same. */
struct mri_vpc_pair {
  char *a;
  char *b;
  bool current;
  bool staged; /* equal to `current` unless touched */
  bool touched;
  struct mri_vpc_pair *touched_next;
  struct mri_vpc_pair *previous; /* in the order of declaration */
  struct mri_vpc_pair *next;
};

struct mri_vpcs {
  struct mri_map pairs;
  struct mri_vpc_pair *first;
  struct mri_vpc_pair *last;
  struct mri_vpc_pair *touched;
};

struct mri_model {
  mirror_context *context;
  struct mri_table tables[MRI_KINDS]; /* by MIRROR_OBJECT_ */
  struct mri_map priorities;          /* linked sessions, by priority (O2) */
  struct mri_chains source_interfaces;
  struct mri_chains source_addresses;
  struct mri_chains source_vpcs;
  struct mri_chains target_interfaces;
  struct mri_chains target_addresses;
  struct mri_vpcs vpcs;
  mirror_quotas quotas;
  mirror_quotas staged_quotas; /* equal to `quotas` unless set by the transaction */
  uint16_t *source_uses;       /* by source slot: how often it was handed out */
  uint32_t source_uses_count;
  bool open; /* a transaction */
  struct mri_entry *touched_first;
  struct mri_entry *touched_last;
  uint32_t touched_count;
  struct mri_entry *affected;
};

/* Of sources, targets and sessions; filters have no counters. */
static inline enum mri_slot_class mri_slot_class_of(uint32_t kind) {
  if (kind == MIRROR_OBJECT_SOURCE) return MRI_SLOT_SOURCE;
  return kind == MIRROR_OBJECT_TARGET ? MRI_SLOT_TARGET : MRI_SLOT_SESSION;
}

/* True if commit would change this touched entry. */
static inline bool mri_entry_changed(const struct mri_entry *entry) {
  return entry->touched && entry->staged != entry->current;
}

/* Any entry with this id, whatever its versions; NULL if there is none. */
struct mri_entry *mri_entry_find(const struct mri_model *model, uint32_t kind, const char *id);
/* The entry with this id and a version in the eyes of the transaction. */
struct mri_entry *mri_entry_visible(const struct mri_model *model, uint32_t kind, const char *id);
void mri_entry_touch(struct mri_model *model, struct mri_entry *entry);
/* Stages a version (takes the reference; NULL = removal) in a touched entry. */
void mri_entry_stage(struct mri_model *model, struct mri_entry *entry, struct mri_version *version);
/* Takes an entry out of its table when it has no version left. */
void mri_entry_forget(struct mri_model *model, struct mri_entry *entry);
void mri_entry_unref(mirror_context *context, struct mri_entry *entry);
/* The whole transaction is over: forgets the list of touched entries. */
void mri_touched_reset(struct mri_model *model);

/* What a put call does with an id. */
enum mri_put { MRI_ADD, MRI_UPDATE };

/*
 * The entry to put a version into: an existing one, or for MRI_ADD a new one (in the table,
 * without versions). MIRROR_E_EXISTS, MIRROR_E_NOT_FOUND, MIRROR_E_NOMEM.
 */
int32_t mri_entry_for_put(struct mri_model *model, uint32_t kind, const char *id, enum mri_put put,
                          struct mri_entry **entry, mirror_report *report);
/* Ties a version to its entry and stages it; stages the current one again if `same` says so. */
typedef bool (*mri_same_fn)(const struct mri_version *a, const struct mri_version *b);
void mri_version_put(struct mri_model *model, struct mri_entry *entry, struct mri_version *version,
                     mri_same_fn same);

/* A source, target or session to be made from a caller's struct. */
struct mri_draft {
  const struct mri_subject *subject;
  enum mri_put put;
  size_t size;       /* of the version */
  const void *input; /* the caller's struct */
  int32_t (*fill)(const struct mri_alloc *alloc, const struct mri_subject *subject,
                  const void *input, struct mri_version *version);
  mri_same_fn same;
};
/* Makes the version and stages it. */
int32_t mri_draft_put(mirror_transaction *transaction, const struct mri_draft *draft);

/* Stages a removal. MIRROR_E_ARGUMENT, MIRROR_E_NOT_FOUND. */
int32_t mri_entry_remove(mirror_transaction *transaction, uint32_t kind, const char *id,
                         mirror_report *report);

/* A new version without entry; NULL when out of memory. */
void *mri_version_new(const struct mri_alloc *alloc, uint32_t kind, size_t size);
/* Copies a text that may be absent (NULL); false when out of memory. */
bool mri_text_set(const struct mri_alloc *alloc, char **to, const char *text);
/* Equal texts; NULL equals only NULL. */
bool mri_text_same(const char *a, const char *b);

/* Calls `show` for the committed version of one id, or (NULL) of all in order. */
typedef int32_t (*mri_show_fn)(const struct mri_version *version, const void *visit, void *user);
int32_t mri_visit(mirror_context *context, uint32_t kind, const char *id, mri_show_fn show,
                  const void *visit, void *user);

/* vpc.c */
void mri_vpcs_init(struct mri_vpcs *vpcs, const struct mri_alloc *alloc);
void mri_vpcs_free(struct mri_vpcs *vpcs);
void mri_vpcs_clear(struct mri_vpcs *vpcs);
/* Makes what is staged current, or the other way round. */
void mri_vpcs_finish(struct mri_vpcs *vpcs, bool publish);
/* In the eyes of the transaction. */
bool mri_vpcs_connected(const struct mri_vpcs *vpcs, const char *a, const char *b);

/* link.c: from references to links. Links never fail after mri_links_reserve. */
bool mri_links_reserve(struct mri_model *model);
/* Looks up the entries that a version refers to; what is not there stays NULL. */
void mri_version_resolve(struct mri_model *model, struct mri_version *version);
void mri_version_link(struct mri_model *model, struct mri_version *version);
void mri_version_unlink(struct mri_model *model, struct mri_version *version);
/* A session's claim on its priority. */
void mri_priority_insert(struct mri_model *model, struct mri_session *session);
/* Another session with the same priority, or NULL. */
struct mri_session *mri_priority_rival(const struct mri_model *model,
                                       const struct mri_session *session);
/* All chains of a model. */
void mri_links_init(struct mri_model *model);
void mri_links_free(struct mri_model *model);

#endif
