/* The inside of a tap. */
#ifndef MRI_TAP_TAP_H
#define MRI_TAP_TAP_H

#include "io/io.h"
#include "plan/judge.h"
#include "plan/publish.h"
#include "tap/fragments.h"

#include <libmirror/tap.h>

/* Outer headers, and the Ethernet header of V7. */
enum { MRI_HEAD_MAX = MIRROR_HEADER_MAX + MRI_ETHERNET };
/* Outer headers, and what V6 rewrites of a packet. So many of these are sent at a time. */
enum { MRI_LONG_HEAD_MAX = MIRROR_HEADER_MAX + MIRROR_GSO_HEADERS_MAX, MRI_LONG_HEADS = 128 };

/* What became of the copies of one packet, by output counter from MIRROR_COUNTER_SENT on. */
enum { MRI_OUTPUTS = MIRROR_COUNTER_FAILED_OTHER - MIRROR_COUNTER_SENT + 1 };
struct mri_outputs {
  mirror_count by_counter[MRI_OUTPUTS];
};

/* A copy on its way. */
struct mri_origin {
  uint32_t packet; /* index */
  uint32_t octets; /* captured octets of the packet that it stands for; of segments only */
  uint32_t copies; /* it stands for: all segments of a super-frame that leaves whole, else 1 */
};

/* What one batch needs, allocated once. */
struct mri_batch {
  mirror_packet *received; /* what the input yields, or a submit's copy, with defaults filled in */
  struct mri_view *views;
  struct mri_decision *decisions;
  int32_t *output_status;         /* by packet: the first refusal, or MIRROR_OK */
  uint32_t *refused;              /* by packet: how many of its copies were refused */
  struct mri_outputs *outputs;    /* by packet; of segmented ones only */
  uint8_t (*heads)[MRI_HEAD_MAX]; /* by packet */
  uint8_t (*long_heads)[MRI_LONG_HEAD_MAX];
  uint32_t long_heads_used;
  /* Copies that are not sent yet: at most one with a head of its packet, and MRI_LONG_HEADS. */
  mirror_copy *copies;
  struct mri_origin *origins;
  int32_t *copy_status; /* from an output that says one for each */
  uint32_t copy_count;
};

struct mirror_tap {
  mirror_context *context;
  struct mri_reader reader; /* plan and counters */
  mirror_input *input;
  mirror_output *output;
  mirror_packet_fn on_packet;
  void *on_packet_user;
  uint32_t source; /* handle, or 0 */
  uint32_t direction;
  uint32_t batch_size;
  struct mri_batch batch;
  struct mri_fragments fragments;
  uint16_t ip_id;
  mirror_report output_report; /* the last refusal of the output */
};

/* batch.c: packets of tap->batch.received, all the way under one plan. `verdicts` may be NULL. */
void mri_tap_process(mirror_tap *tap, const mirror_plan *plan, uint32_t count,
                     mirror_verdict *verdicts);

/* copies.c: makes and sends the copies of the first `count` packets, which are judged. */
void mri_copies_send(mirror_tap *tap, uint32_t count);

/* account.c: counts what became of the first `count` packets, and of their copies. */
void mri_account(mirror_tap *tap, uint32_t count);
/* The counter for a copy with this status of the output. */
unsigned mri_output_counter(int32_t status);

/* Most sessions have no rate limit. */
static inline bool mri_has_rate_limit(const struct mri_session *session) {
  return session->rate_limit_pps != MIRROR_ABSENT_64 || session->rate_limit_bps != MIRROR_ABSENT_64;
}

/* limits.c (F4): false if the session's rate limits do not allow these copies now: all or none.
 * `octets`: of all of them. */
bool mri_rate_allows(const struct mri_session *session, int64_t now_ns, uint32_t copies,
                     uint32_t octets);

#endif
