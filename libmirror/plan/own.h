/*
 * Recognising our own copies (F1): an index of all tunnels by exactly what distinguishes their
 * copies outside: source and destination address, UDP port and VNI.
 */
#ifndef MRI_PLAN_OWN_H
#define MRI_PLAN_OWN_H

#include "plan/plan.h"

extern const struct mri_item_class mri_own_bucket_class;

/*
 * Takes the tunnels of `old` out of the plan's index and puts those of `fresh` in. Either may be
 * NULL. MIRROR_E_NOMEM: the plan under construction is of no use any more.
 */
int32_t mri_own_replace(mirror_plan *plan, const struct mri_source_plan *old,
                        const struct mri_source_plan *fresh);

/* Most packets are neither UDP nor ICMP: then they are not. */
static inline bool mri_may_be_own(const struct mri_view *view) {
  const uint8_t protocol = view->key.protocol;
  return view->has_transport && (protocol == 17 || protocol == 1 || protocol == 58);
}

/*
 * True if the packet is one of our copies, whole or the first fragment of one, or what came of it:
 * a copy of it that another mirror made, perhaps of another's, or an ICMP error that quotes it. To
 * mirror those would go round for ever, between two hosts that are each other's collector, along a
 * chain of such hosts, or with a collector whose port is closed.
 */
bool mri_own_copy(const mirror_plan *plan, const mirror_packet *packet,
                  const struct mri_view *view);

#endif
