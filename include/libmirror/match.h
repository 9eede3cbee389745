/*
 * libmirror/match.h - judging packets against a published plan (spec section 3).
 *
 * A plan is what a commit publishes: all rule lists compiled, immutable. The calls here are pure:
 * they count nothing and send nothing, and any number of threads may use one plan. For counted
 * mirroring use a tap (tap.h), which judges through the same code.
 *
 * Thread rule: any thread, and any number of threads on one plan; one thread at a time on one
 * explanation.
 */
#ifndef LIBMIRROR_MATCH_H
#define LIBMIRROR_MATCH_H

#include <libmirror/packet.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What becomes of a packet; exactly one of these (F3). */
#define MIRROR_MIRRORED 1u
#define MIRROR_REJECTED 2u
#define MIRROR_UNMATCHED 3u
#define MIRROR_UNPARSABLE 4u
#define MIRROR_OWN 5u
#define MIRROR_BLOCKED 6u
#define MIRROR_DROPPED 7u

/* mirror_verdict.reason of MIRROR_DROPPED. */
#define MIRROR_DROP_OVERSIZE 1u /* V3: target asks for drop instead of truncate */
#define MIRROR_DROP_SAMPLED 2u  /* F4: another flow of sample_one_in was chosen */
#define MIRROR_DROP_RATE 3u     /* F4: rate limit */

/* mirror_verdict.flags */
#define MIRROR_CUT_BY_LENGTH 1u  /* inner frame cut to the session's packet_length */
#define MIRROR_CUT_BY_MTU 2u     /* inner frame cut so that the copy fits the MTU */
#define MIRROR_BY_FRAGMENT 4u    /* verdict of the datagram's first fragment (M7) */
#define MIRROR_NO_SOURCE 8u      /* the packet names no existing source */
#define MIRROR_SEGMENTED 16u     /* a super-frame, copied segment by segment (V6) */
#define MIRROR_NOT_SEGMENTED 32u /* a super-frame that cannot be segmented: one copy */
#define MIRROR_CHECKSUM_OPEN 64u /* a checksum that cannot be finished: copied as found */

/*
 * The verdict on one packet; a super-frame (V6) gets one verdict, by the headers of its first
 * segment, and is mirrored with all of its segments or not at all. Array element, layout frozen.
 * Strings are borrowed from the plan: valid while the plan is held, or, from a tap, until its next
 * call. NULL where nothing applies.
 */
typedef struct mirror_verdict {
  uint32_t verdict;       /* MIRROR_MIRRORED ... */
  uint32_t reason;        /* of DROPPED: MIRROR_DROP_; of UNPARSABLE: MIRROR_UNPARSABLE_; else 0 */
  uint32_t rule_priority; /* of the rule that decided; 0 = none */
  uint32_t vni;           /* MIRRORED and DROPPED only, else 0 */
  uint32_t inner_length;  /* MIRRORED: octets of inner frame in the copy, of a segmented packet in
                             all of its copies; else 0 */
  uint32_t flags;         /* MIRROR_CUT_BY_LENGTH ... */
  uint32_t direction;     /* MIRROR_INGRESS or MIRROR_EGRESS, AUTO resolved */
  int32_t output_status;  /* from a tap: MIRROR_OK, or why the output refused the (first) copy
                             that it refused */
  uint32_t segments;      /* MIRRORED: copies of the packet: 1, or one for each segment; else 0 */
  uint32_t refused;       /* from a tap: how many of them the output refused */
  const char *session_id; /* session and rule that decided */
  const char *rule_id;    /* NULL if the rule has none */
  const char *target_id;  /* MIRRORED and DROPPED only */
} mirror_verdict;

/* Returns-borrowed: "mirrored", "rejected" ...; never NULL. Any thread. */
MIRROR_API const char *mirror_verdict_name(uint32_t verdict);
MIRROR_API const char *mirror_drop_reason_name(uint32_t reason);

typedef struct mirror_plan mirror_plan;

/*
 * Takes hold of the plan published last. *plan: returns-owned, give it to mirror_plan_release.
 * Any thread; may wait for a commit in progress. Errors: MIRROR_E_ARGUMENT.
 */
MIRROR_API int32_t mirror_plan_acquire(mirror_context *context, mirror_plan **plan);
MIRROR_API void mirror_plan_release(mirror_plan *plan);

/* Which commit published the plan; each commit has a higher number. Any thread. */
MIRROR_API uint64_t mirror_plan_generation(const mirror_plan *plan);

typedef struct mirror_plan_info {
  uint32_t size;
  uint32_t sources;
  uint64_t compiled_lists; /* distinct compiled rule lists in this plan's context */
  uint64_t compilations;   /* lists compiled since the context was created */
  uint64_t rules;          /* rules in the distinct compiled lists */
  uint64_t memory;         /* octets in compiled lists */
} mirror_plan_info;

MIRROR_API void mirror_plan_info_init(mirror_plan_info *info, uint32_t size);
MIRROR_API int32_t mirror_plan_info_get(const mirror_plan *plan, mirror_plan_info *info);

/*
 * Judges `count` packets (1 is fine) and writes one verdict each. Every packet must name its
 * source and a direction. Stateless: fragment tracking and rate limits belong to taps, as does
 * the recognition of later fragments of our own copies. Allocates nothing, takes no lock. Any
 * thread. Errors: MIRROR_E_ARGUMENT.
 */
MIRROR_API int32_t mirror_plan_match(const mirror_plan *plan, const mirror_packet *packets,
                                     uint32_t count, mirror_verdict *verdicts);

/* How a step of an explanation ended. */
#define MIRROR_STEP_MATCHED 1u     /* the rule decided */
#define MIRROR_STEP_MISMATCH 2u    /* the rule's `field` differs from the packet's */
#define MIRROR_STEP_NOT_PRESENT 3u /* the rule's `field` is not in the packet (M8) */
#define MIRROR_STEP_DISABLED 4u    /* session skipped: disabled (M3) */
#define MIRROR_STEP_EMPTY 5u       /* session passed: no rules for this direction (M3) */
#define MIRROR_STEP_NO_MATCH 6u    /* end of a list: no rule matched */

/* Fields of a rule, in the order in which an explanation compares them. */
#define MIRROR_FIELD_NONE 0u
#define MIRROR_FIELD_ETHERTYPE 1u
#define MIRROR_FIELD_SOURCE_CIDR 2u
#define MIRROR_FIELD_DESTINATION_CIDR 3u
#define MIRROR_FIELD_PROTOCOL 4u
#define MIRROR_FIELD_SOURCE_PORT 5u
#define MIRROR_FIELD_DESTINATION_PORT 6u

/* One step of the walk. Strings are borrowed from the explanation. */
typedef struct mirror_step {
  uint32_t size;
  uint32_t outcome;          /* MIRROR_STEP_ */
  uint32_t field;            /* MIRROR_FIELD_ for MISMATCH and NOT_PRESENT */
  uint32_t rule_priority;    /* 0 if the step is about a whole session or security group */
  uint32_t action;           /* the rule's MIRROR_ACCEPT or MIRROR_REJECT, or 0 */
  uint32_t session_priority; /* 0 for the security group */
  const char *session_id;    /* NULL for the security group */
  const char *filter_id;
  const char *rule_id; /* NULL if none */
} mirror_step;

typedef struct mirror_explanation mirror_explanation;

/*
 * M9: judges one packet and records the walk. *explanation: returns-owned, give it to
 * mirror_explanation_destroy; it keeps the plan alive. Any thread; allocates.
 * Errors: MIRROR_E_ARGUMENT, MIRROR_E_NOMEM.
 */
MIRROR_API int32_t mirror_plan_explain(const mirror_plan *plan, const mirror_packet *packet,
                                       mirror_explanation **explanation, mirror_report *report);
MIRROR_API void mirror_explanation_destroy(mirror_explanation *explanation);

/* The verdict; its strings are borrowed from the explanation. One thread at a time. */
MIRROR_API int32_t mirror_explanation_verdict(const mirror_explanation *explanation,
                                              mirror_verdict *verdict);
MIRROR_API uint32_t mirror_explanation_steps(const mirror_explanation *explanation);
MIRROR_API void mirror_step_init(mirror_step *step, uint32_t size);
/* Errors: MIRROR_E_NOT_FOUND when index >= mirror_explanation_steps. */
MIRROR_API int32_t mirror_explanation_step(const mirror_explanation *explanation, uint32_t index,
                                           mirror_step *step);
/* Returns-borrowed: the whole walk as text, one line a step. */
MIRROR_API const char *mirror_explanation_text(const mirror_explanation *explanation);

#ifdef __cplusplus
}
#endif

#endif
