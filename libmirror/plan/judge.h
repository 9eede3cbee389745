/*
 * Judging packets: the one way from a packet to its verdict (M1-M3, F1, F6), for taps, for
 * mirror_plan_match and for explain.
 */
#ifndef MRI_PLAN_JUDGE_H
#define MRI_PLAN_JUDGE_H

#include "plan/plan.h"

struct mri_decision {
  uint32_t verdict; /* MIRROR_MIRRORED ...; mri_decision_copy may turn it into MIRROR_DROPPED */
  uint32_t reason;
  uint32_t flags; /* MIRROR_CUT_BY_LENGTH ... */
  uint32_t direction;
  uint32_t inner_length;                /* after both cuts, of all copies */
  uint32_t copies;                      /* MIRRORED: 1, or the segments of a super-frame (V6) */
  uint32_t unfinished;                  /* V6: octets to rewrite (packet/unfinished.h), or 0 */
  uint32_t flow_hash;                   /* valid if verdict is MIRRORED or DROPPED */
  const struct mri_source_plan *source; /* NULL = no such source */
  const struct mri_tunnel *tunnel;      /* of the session that decided; NULL = none */
  const struct mri_rule *rule;          /* that decided; NULL = none */
};

/*
 * Finds which rule decides, for up to MRI_JUDGE_BATCH packets. `views` is filled in. Packets name
 * their source; a direction of MIRROR_AUTO is resolved.
 */
enum { MRI_JUDGE_BATCH = 256 };
void mri_judge(const mirror_plan *plan, const mirror_packet *packets, uint32_t count,
               struct mri_view *views, struct mri_decision *decisions);

/* What follows from the rule with this index in the list of the decision's source and direction. */
void mri_decision_by_rule(struct mri_decision *decision, uint32_t index);

/* V3: what both cuts leave of an inner frame, and what each of them takes away. */
struct mri_cut {
  uint32_t kept;
  uint32_t by_length;
  uint32_t by_mtu;
};
static inline struct mri_cut mri_cut_of(const struct mri_tunnel *tunnel, uint32_t whole) {
  const uint32_t length = tunnel->session->packet_length; /* MIRROR_ABSENT is above all lengths */
  const uint32_t allowed = whole < length ? whole : length;
  const uint32_t kept = allowed < tunnel->mtu_limit ? allowed : tunnel->mtu_limit;
  return (struct mri_cut){kept, whole - allowed, allowed - kept};
}

/*
 * copy.c: what an accepting rule leads to: sampling (F4), segments and checksums (V6), both cuts,
 * oversize (V3). No effect on others.
 */
void mri_decision_copy(struct mri_decision *decision, const struct mri_view *view,
                       const mirror_packet *packet);

/* Octets of inner frame of all copies, were they not cut. */
uint32_t mri_inner_whole(const struct mri_decision *decision, const struct mri_view *view,
                         const mirror_packet *packet);

/* The public form; strings are borrowed from the plan. */
void mri_decision_verdict(const struct mri_decision *decision, mirror_verdict *verdict);

#endif
