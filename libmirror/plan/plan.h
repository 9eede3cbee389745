/*
 * The plan: what a commit publishes. Immutable and shared by all packet threads; holds references
 * on the model's versions, so that a packet is judged, copied and counted by one configuration.
 */
#ifndef MRI_PLAN_PLAN_H
#define MRI_PLAN_PLAN_H

#include "encap/image.h"
#include "match/list.h"
#include "model/model.h"
#include "packet/view.h"
#include "plan/vector.h"

#include <libmirror/match.h>

/*
 * A compiled rule list and the sequence of rule sets (segments) it was flattened from. Segment k is
 * the k-th enabled session of every source that uses it: equal sequences are compiled once.
 */
struct mri_compiled {
  uint32_t refs;
  uint64_t hash;
  struct mri_list *list;
  struct mri_list_facts facts;
  int64_t build_ns;
  uint32_t rule_count;
  uint32_t *segment_of; /* by rule index */
  uint32_t *start;      /* by segment: index of its first rule */
  uint32_t segments;
  struct mri_rules *rules[]; /* by segment */
};

/* One session as seen from one source: where a copy goes and what it looks like. */
struct mri_tunnel {
  struct mri_session *session; /* references */
  struct mri_target *target;
  struct mri_filter *filter;
  mirror_outer outer;
  struct mri_image image;
  uint32_t mtu_limit; /* octets of inner frame that fit the MTU (V3) */
};

struct mri_source_plan {
  uint32_t refs;
  struct mri_source *source;      /* reference */
  struct mri_compiled *lists[2];  /* by mri_direction_index */
  struct mri_filter *group;       /* security group (F6) or NULL */
  struct mri_compiled *groups[2]; /* its lists, if there is one */
  uint32_t enabled;               /* tunnels of enabled sessions, ascending priority, come first */
  uint32_t tunnel_count;          /* the others are disabled, kept for explain */
  struct mri_tunnel tunnels[];
};

struct mirror_plan {
  mirror_context *context;
  uint32_t refs; /* mirror_plan_acquire and explanations; context lock */
  mirror_plan *next_retired;
  uint64_t generation;
  struct mri_vector sources; /* struct mri_source_plan by source slot */
  struct mri_vector own;     /* struct mri_own_bucket by hash, see own.h */
  mirror_plan_info info;
};

static inline uint32_t mri_handle_slot(uint32_t handle) {
  return (handle & (MRI_SLOTS_MAX - 1)) - 1;
}

/* NULL if the handle names no source of this plan. */
const struct mri_source_plan *mri_plan_source(const mirror_plan *plan, uint32_t handle);

/* source_plan.c: compiles what one source needs from the staged state. MIRROR_E_NOMEM, report left
 * alone; MIRROR_E_LIST_MEMORY, with a report. */
int32_t mri_source_plan_build(mirror_context *context, struct mri_entry *entry,
                              struct mri_source_plan **out, mirror_report *report);
extern const struct mri_item_class mri_source_plan_class;

/* lists.c: the cache of compiled lists. *compiled: a reference for the caller. After
 * MIRROR_E_LIST_MEMORY *needed says how many octets the list would have taken. */
int32_t mri_compiled_get(mirror_context *context, struct mri_rules *const *rules, uint32_t segments,
                         struct mri_compiled **compiled, uint64_t *needed);
void mri_compiled_unref(mirror_context *context, struct mri_compiled *compiled);

#endif
