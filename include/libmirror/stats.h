/*
 * libmirror/stats.h - counters (spec F3).
 *
 * Every packet is counted by exactly one verdict, so at every instant
 *   received = mirrored + rejected + unmatched + unparsable + own + blocked + dropped(reason...)
 *   mirrored + segments = sent + failed(reason...) + those in hand within a running call
 * in packets and octets. A super-frame (V6) is one packet, with its captured octets, on the left of
 * both lines. SENT and FAILED count copies, and SEGMENTS the copies that a super-frame has beyond
 * its first one: 0 for ordinary packets, so that for these mirrored = sent + failed.
 *
 * Octets are captured octets of the packet (caplen). Those of a segment are its share of them: its
 * payload, and the headers, which count with each segment. Those of the CUT counters are octets cut
 * away from copies.
 *
 * Counters live as long as their object: a source, session, target or rule that is updated keeps
 * them (a rule, if it is unchanged); a removed one takes them along.
 *
 * Thread rule: any thread, also while taps run.
 */
#ifndef LIBMIRROR_STATS_H
#define LIBMIRROR_STATS_H

#include <libmirror/match.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MIRROR_COUNTER_MIRRORED 0u
#define MIRROR_COUNTER_REJECTED 1u
#define MIRROR_COUNTER_UNMATCHED 2u
#define MIRROR_COUNTER_UNPARSABLE 3u
#define MIRROR_COUNTER_OWN 4u
#define MIRROR_COUNTER_BLOCKED 5u
#define MIRROR_COUNTER_DROPPED_OVERSIZE 6u
#define MIRROR_COUNTER_DROPPED_SAMPLED 7u
#define MIRROR_COUNTER_DROPPED_RATE 8u
#define MIRROR_COUNTER_CUT_BY_LENGTH 9u
#define MIRROR_COUNTER_CUT_BY_MTU 10u
#define MIRROR_COUNTER_SENT 11u
#define MIRROR_COUNTER_FAILED_AGAIN 12u /* the output's queue was full */
#define MIRROR_COUNTER_FAILED_NO_BUFFER 13u
#define MIRROR_COUNTER_FAILED_LINK_DOWN 14u
#define MIRROR_COUNTER_FAILED_NO_ROUTE 15u
#define MIRROR_COUNTER_FAILED_TOO_LONG 16u
#define MIRROR_COUNTER_FAILED_OTHER 17u
#define MIRROR_COUNTER_SEGMENTS 18u      /* copies of super-frames beyond the first of each (V6) */
#define MIRROR_COUNTER_NOT_SEGMENTED 19u /* super-frames that became one copy: see packet.h */
#define MIRROR_COUNTER_CHECKSUM_OPEN 20u /* packets whose copy has the checksum that was found */
#define MIRROR_COUNTERS 21u

#define MIRROR_COUNTERS_MAX 32u

typedef struct mirror_count {
  uint64_t packets;
  uint64_t octets;
} mirror_count;

typedef struct mirror_stats {
  uint32_t size;
  uint32_t reserved;
  mirror_count received;                      /* sum of the verdict counters */
  mirror_count counters[MIRROR_COUNTERS_MAX]; /* by MIRROR_COUNTER_; unused ones are 0 */
} mirror_stats;

MIRROR_API void mirror_stats_init(mirror_stats *stats, uint32_t size);

/* Returns-borrowed: the counter's name, such as "failed_no_route"; never NULL. Any thread. */
MIRROR_API const char *mirror_counter_name(uint32_t counter);

/*
 * Read the counters of one committed object, summed over all taps of the context. Any thread,
 * also while taps run. A rule's: MIRRORED, REJECTED, DROPPED_ and, as rule of a security group,
 * BLOCKED. Errors: MIRROR_E_NOT_FOUND, MIRROR_E_ARGUMENT, MIRROR_E_STRUCT_SIZE.
 */
MIRROR_API int32_t mirror_source_stats(mirror_context *context, const char *source_id,
                                       uint32_t direction, mirror_stats *stats);
MIRROR_API int32_t mirror_session_stats(mirror_context *context, const char *session_id,
                                        mirror_stats *stats);
MIRROR_API int32_t mirror_target_stats(mirror_context *context, const char *target_id,
                                       mirror_stats *stats);
MIRROR_API int32_t mirror_rule_stats(mirror_context *context, const char *filter_id,
                                     uint32_t direction, uint32_t priority, mirror_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
