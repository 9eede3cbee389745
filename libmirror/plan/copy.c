/* What becomes of a packet that a rule accepts: how many copies, and how long they are. */
#include "packet/segment.h"
#include "packet/unfinished.h"
#include "plan/judge.h"

static void drop(struct mri_decision *decision, uint32_t reason) {
  decision->verdict = MIRROR_DROPPED;
  decision->reason = reason;
}

/* Mixed once more, so that a sample's flows still spread over all UDP source ports. */
static bool in_sample(uint32_t flow_hash, uint32_t one_in) {
  uint32_t mixed = flow_hash * 0x9e3779b1u;
  return (uint64_t)mixed * one_in >> 32 == 0;
}

/* So many copies of this length; drops the packet if one of them is oversize (V3). */
static inline void add_copies(struct mri_decision *decision, uint32_t copies, uint32_t whole) {
  const struct mri_cut cut = mri_cut_of(decision->tunnel, whole);
  if (copies == 0 || decision->verdict != MIRROR_MIRRORED) return;
  if (cut.by_length) decision->flags |= MIRROR_CUT_BY_LENGTH;
  if (cut.by_mtu && decision->tunnel->target->oversize == MIRROR_OVERSIZE_DROP) {
    drop(decision, MIRROR_DROP_OVERSIZE);
    return;
  }
  if (cut.by_mtu) decision->flags |= MIRROR_CUT_BY_MTU;
  decision->copies += copies;
  decision->inner_length += copies * cut.kept;
}

static void finish_checksum(struct mri_decision *decision, const struct mri_view *view,
                            const mirror_packet *packet) {
  if (!(packet->flags & MIRROR_PACKET_NEEDS_CHECKSUM)) return;
  decision->unfinished = mri_unfinished_block(view, packet);
  if (!decision->unfinished) decision->flags |= MIRROR_CHECKSUM_OPEN;
}

/* All but the last segment are of one length. */
static void copy_segments(struct mri_decision *decision, const struct mri_super *super,
                          const mirror_packet *packet) {
  const uint32_t last = super->count - 1;
  decision->flags |= MIRROR_SEGMENTED;
  if (super->open) decision->flags |= MIRROR_CHECKSUM_OPEN;
  add_copies(decision, last, mri_super_inner(super, packet, 0));
  add_copies(decision, 1, mri_super_inner(super, packet, last));
}

/* V6: what the host has left to its network card. */
static void copy_offloaded(struct mri_decision *decision, const struct mri_view *view,
                           const mirror_packet *packet) {
  struct mri_super super;
  const enum mri_super_kind kind = mri_super_read(&super, view, packet);
  if (kind == MRI_SUPER_YES) {
    copy_segments(decision, &super, packet);
    return;
  }
  if (kind == MRI_SUPER_NONSENSE) decision->flags |= MIRROR_NOT_SEGMENTED;
  finish_checksum(decision, view, packet);
  add_copies(decision, 1, mri_view_inner_length(view, packet));
}

void mri_decision_copy(struct mri_decision *decision, const struct mri_view *view,
                       const mirror_packet *packet) {
  if (decision->verdict != MIRROR_MIRRORED) return;
  const struct mri_session *session = decision->tunnel->session;
  decision->flow_hash = mri_flow_hash(view);
  if (session->sample_one_in != MIRROR_ABSENT &&
      !in_sample(decision->flow_hash, session->sample_one_in))
    drop(decision, MIRROR_DROP_SAMPLED);
  else if (mri_packet_is_offloaded(packet))
    copy_offloaded(decision, view, packet);
  else
    add_copies(decision, 1, mri_view_inner_length(view, packet));
}

uint32_t mri_inner_whole(const struct mri_decision *decision, const struct mri_view *view,
                         const mirror_packet *packet) {
  struct mri_super super;
  if (!(decision->flags & MIRROR_SEGMENTED) ||
      mri_super_read(&super, view, packet) != MRI_SUPER_YES)
    return mri_view_inner_length(view, packet);
  const uint32_t last = super.count - 1;
  return last * mri_super_inner(&super, packet, 0) + mri_super_inner(&super, packet, last);
}
