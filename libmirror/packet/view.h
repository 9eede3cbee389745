/* Bounded header reading (M4-M8, V7): one forward pass, never outside the captured octets. */
#ifndef MRI_PACKET_VIEW_H
#define MRI_PACKET_VIEW_H

#include <libmirror/packet.h>
#include <stdbool.h>

#define MRI_ETHERNET 14u

/* What one pass over a packet found. Offsets count from packet->data. */
struct mri_view {
  mirror_key key;
  uint32_t why;          /* MIRROR_UNPARSABLE_ if key.family is 0 */
  uint32_t network;      /* offset of the IP header, if key.family is not 0 */
  uint32_t transport;    /* offset of the transport header; only if `has_transport` */
  uint32_t end;          /* behind the last captured octet of the IP packet */
  uint32_t fragment_id;  /* of fragments, host byte order */
  uint32_t skip;         /* octets in front of the packet that `ethernet` stands for (V7) */
  uint8_t has_transport; /* the transport header starts inside [network, end] */
  uint8_t hash_protocol; /* protocol for the flow hash: the same in all fragments of a datagram */
  uint8_t synthesized;   /* 1: the inner frame is ethernet[14] followed by data + skip */
  uint8_t ethernet[MRI_ETHERNET];
};

void mri_view_read(struct mri_view *view, const mirror_packet *packet);
/* The same for `count` packets, whose headers are fetched ahead. */
void mri_views_read(struct mri_view *views, const mirror_packet *packets, uint32_t count);

/* False if a packet says that it has octets, and has none. */
static inline bool mri_packets_have_data(const mirror_packet *packets, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (!packets[i].data && packets[i].caplen > 0) return false;
  }
  return true;
}

/* V6: a super-frame, or a packet whose checksum is unfinished. Most are neither. */
static inline bool mri_packet_is_offloaded(const mirror_packet *packet) {
  return __builtin_expect(packet->gso_type | (packet->flags & MIRROR_PACKET_NEEDS_CHECKSUM), 0);
}

/* Octets of the inner frame of an uncut copy: caplen, with the Ethernet header of V7. */
static inline uint32_t mri_view_inner_length(const struct mri_view *view,
                                             const mirror_packet *packet) {
  return view->synthesized ? packet->caplen - view->skip + MRI_ETHERNET : packet->caplen;
}

/* V2: equal for both directions of a flow and all fragments of a datagram. */
uint32_t mri_flow_hash(const struct mri_view *view);
/* 49152-65535 */
static inline uint16_t mri_flow_port(uint32_t flow_hash) {
  return (uint16_t)(49152u + (flow_hash & 16383u));
}

/*
 * MIRROR_INGRESS or MIRROR_EGRESS by the source's MAC: egress if the frame's source address is
 * `mac` (Linux cooked: if it says outgoing), else ingress; 0 if the link type cannot tell.
 */
uint32_t mri_view_direction(const mirror_packet *packet, const uint8_t mac[6]);

/* True if packets of this link type can be mirrored; if they tell a direction for MIRROR_AUTO. */
bool mri_link_supported(uint32_t link_type);
bool mri_link_has_direction(uint32_t link_type);

#endif
