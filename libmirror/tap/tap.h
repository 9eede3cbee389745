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

/* What one batch needs, allocated once. */
struct mri_batch {
  mirror_packet *received; /* what the input yields, or a submit's copy, with defaults filled in */
  struct mri_view *views;
  struct mri_decision *decisions;
  mirror_copy *copies;    /* of mirrored packets only */
  uint32_t *copy_packet;  /* by copy: index of its packet */
  int32_t *output_status; /* by packet */
  int32_t *copy_status;   /* by copy */
  uint8_t (*heads)[MRI_HEAD_MAX];
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

/* account.c: counts what became of one packet. */
void mri_account(mirror_tap *tap, const struct mri_decision *decision, uint64_t octets,
                 uint32_t inner_whole, int32_t output_status);

/* limits.c (F4): false if the session's rate limits do not allow this copy now. */
bool mri_rate_allows(const struct mri_session *session, int64_t now_ns, uint32_t octets);

#endif
