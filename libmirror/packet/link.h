/*
 * Link headers (V7). A frame without Ethernet header gets a synthesized one in view->ethernet:
 *
 *   source       Linux cooked with an address of 6 octets: that one; else 02:00:00:00:00:01
 *   destination  Linux cooked and received as broadcast: ff:ff:ff:ff:ff:ff; else 02:00:00:00:00:02
 *   ethertype    that of the IP version; Linux cooked: the header's protocol
 */
#ifndef MRI_PACKET_LINK_H
#define MRI_PACKET_LINK_H

#include "packet/octets.h"
#include "packet/view.h"

/* What follows a link header. */
struct mri_link_payload {
  uint32_t at; /* offset in packet->data, at most caplen */
  uint32_t ethertype;
};

/*
 * Reads a link header other than Ethernet's, and sets `skip`, `synthesized` and `ethernet` of the
 * view (expected to be 0). Returns 0, or MIRROR_UNPARSABLE_ with *payload unset.
 */
uint32_t mri_link_read_other(struct mri_view *view, const mirror_packet *packet,
                             struct mri_link_payload *payload);

/* The same for every link type; nearly all packets have an Ethernet header. */
static inline uint32_t mri_link_read(struct mri_view *view, const mirror_packet *packet,
                                     struct mri_link_payload *payload) {
  if (packet->link_type != MIRROR_LINK_ETHERNET) return mri_link_read_other(view, packet, payload);
  if (packet->caplen < MRI_ETHERNET) return MIRROR_UNPARSABLE_LINK_SHORT;
  *payload = (struct mri_link_payload){MRI_ETHERNET, mri_get16(packet->data + 12)};
  return 0;
}

#endif
