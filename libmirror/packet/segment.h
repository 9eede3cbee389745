/*
 * Super-frames (V6): the packets that a host's segmentation offload would have made of one frame
 * (GSO), or that its receive offload has joined (GRO). Pure functions: segment for segment a header
 * block is written to the caller's memory, and the payload stays where it is.
 *
 * What the segments have of the headers:
 *   Ethernet, tags   as they are (V7: synthesized)
 *   IPv4             length, identification counted up by one, header checksum; options kept
 *   IPv6             payload length; extension headers kept, but for a jumbo payload option of 8
 *                    octets in front, which says what is no longer true (RFC 2675)
 *   TCP              sequence number; FIN and PSH on the last alone, CWR on the first alone
 *   UDP              length
 *   checksum         of TCP and UDP, computed from nothing; 0 of UDP over IPv4 stays 0
 *
 * The payload ends where the IP header says, or at the end of the frame if it says 0. Octets behind
 * that stay behind the last segment. If the capture ends earlier, there are as many segments as
 * have captured payload (at least one), each with the lengths that it had on the wire; the checksum
 * of one whose payload is not all there cannot be computed and stays as found ("open").
 */
#ifndef MRI_PACKET_SEGMENT_H
#define MRI_PACKET_SEGMENT_H

#include "packet/view.h"

enum { MRI_SEGMENTS_MAX = MIRROR_GSO_PAYLOAD_MAX / MIRROR_GSO_SIZE_MIN + 1 };

/* What a super-frame falls apart into. Offsets count from packet->data unless they say otherwise.
 */
struct mri_super {
  uint32_t count;        /* of segments: at least 1 */
  uint32_t size;         /* octets of payload in all but the last */
  uint32_t payload;      /* where it begins */
  uint32_t wire_payload; /* octets that the headers declare; more than `size` */
  uint32_t block;        /* octets of a header block: at most MIRROR_GSO_HEADERS_MAX, even */
  uint32_t network;      /* in a block: the IP header */
  uint32_t transport;    /* in a block: the TCP or UDP header */
  uint32_t destination;  /* the address that counts in the pseudo-header */
  uint32_t pseudo_sum;   /* of the pseudo-header without its length */
  uint32_t jumbo;        /* octets of extension header that segments do without: 0 or 8 */
  bool unchecked;        /* UDP without checksum */
  bool open;             /* the checksum of the last segment cannot be computed */
};

/* What became of a packet that says it is a super-frame. */
enum mri_super_kind {
  MRI_SUPER_NOT, /* it is not, or all of its payload fits into one segment: an ordinary packet */
  MRI_SUPER_YES, /* *super is filled in */
  MRI_SUPER_NONSENSE /* its headers do not fit what it says, or a limit of packet.h is exceeded */
};
enum mri_super_kind mri_super_read(struct mri_super *super, const struct mri_view *view,
                                   const mirror_packet *packet);

/* True if a network device would make the same segments of the frame as it is: nothing of it is
 * missing or behind its payload, its IP header says how long it is, and the checksums are to be
 * finished (virtio 1.2 section 5.1.6.2). */
bool mri_super_is_plain(const struct mri_super *super, const struct mri_view *view,
                        const mirror_packet *packet);

/* Captured octets of the packet that stand in segment k: its headers, its payload and what is
 * behind the last one's. */
uint32_t mri_super_captured(const struct mri_super *super, const mirror_packet *packet, uint32_t k);

/* Octets of the inner frame of segment k: header block, payload, and what follows the last one's.
 */
static inline uint32_t mri_super_inner(const struct mri_super *super, const mirror_packet *packet,
                                       uint32_t k) {
  return mri_super_captured(super, packet, k) - super->payload + super->block;
}

/* Where the octets of segment k that follow the header block begin, in the packet. */
static inline const uint8_t *mri_super_body(const struct mri_super *super,
                                            const mirror_packet *packet, uint32_t k) {
  return packet->data + super->payload + k * super->size;
}

/* Writes the `super->block` octets of header of segment k. */
void mri_super_write(const struct mri_super *super, const struct mri_view *view,
                     const mirror_packet *packet, uint32_t k, uint8_t *block);

#endif
