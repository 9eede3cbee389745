/*
 * Unfinished checksums (V6) of packets that are not segmented: the octets up to and with the
 * checksum are written to the caller's memory, the rest stays where it is.
 */
#ifndef MRI_PACKET_UNFINISHED_H
#define MRI_PACKET_UNFINISHED_H

#include "packet/view.h"

/* Behind the last octet of the IP packet on the wire, as far as its headers or `length` tell. */
uint64_t mri_wire_end(const struct mri_view *view, const mirror_packet *packet);

/*
 * How many octets of the inner frame are to be written: at most MIRROR_GSO_HEADERS_MAX, and even
 * unless they are the whole frame. 0: the checksum cannot be finished, since octets are missing,
 * or its place is not between IP header and end of the packet, or too far behind.
 */
uint32_t mri_unfinished_block(const struct mri_view *view, const mirror_packet *packet);

/* True if a network device would compute the same checksum: it sums to the end of the frame. */
static inline bool mri_unfinished_is_plain(const struct mri_view *view,
                                           const mirror_packet *packet) {
  return view->end == packet->caplen;
}

/* Writes them, with the finished checksum. `length` is what mri_unfinished_block said, not 0. */
void mri_unfinished_write(const struct mri_view *view, const mirror_packet *packet, uint32_t length,
                          uint8_t *block);

#endif
