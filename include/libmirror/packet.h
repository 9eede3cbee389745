/*
 * libmirror/packet.h - packets as they come in, and what rules can see of them (M4-M8).
 *
 * Thread rule: any thread; these are functions of the caller's memory alone.
 */
#ifndef LIBMIRROR_PACKET_H
#define LIBMIRROR_PACKET_H

#include <libmirror/filter.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Link types that can be mirrored; values of https://www.tcpdump.org/linktypes.html */
#define MIRROR_LINK_NULL 0u /* BSD loopback, 4 octets of address family in either order */
#define MIRROR_LINK_ETHERNET 1u
#define MIRROR_LINK_RAW 101u  /* IPv4 or IPv6 by its version nibble */
#define MIRROR_LINK_LOOP 108u /* OpenBSD loopback, family in network byte order */
#define MIRROR_LINK_LINUX_SLL 113u
#define MIRROR_LINK_IPV4 228u
#define MIRROR_LINK_IPV6 229u
#define MIRROR_LINK_LINUX_SLL2 276u

/* mirror_packet.flags */
#define MIRROR_PACKET_BLOCKED 1u /* dropped by the source's security group or network ACL (F6) */
#define MIRROR_PACKET_NEEDS_CHECKSUM 2u /* checksum_start and checksum_offset count (V6) */

/* mirror_packet.gso_type; values of virtio-net's gso_type */
#define MIRROR_GSO_NONE 0u
#define MIRROR_GSO_TCPV4 1u
#define MIRROR_GSO_TCPV6 4u
#define MIRROR_GSO_UDP_L4 5u /* UDP datagrams over IPv4 or IPv6 (USO); not UFO, which is 3 */
#define MIRROR_GSO_ECN 0x80u /* may be added to the TCP types; CWR is kept on the first segment */

/* Limits of super-frames. What exceeds them is not segmented, but mirrored as one packet. */
#define MIRROR_GSO_SIZE_MIN 64u        /* of gso_size, which bounds the copies of a packet */
#define MIRROR_GSO_PAYLOAD_MAX 524280u /* octets: what Linux lets a device ask for */
#define MIRROR_GSO_HEADERS_MAX 256u    /* octets in front of the payload, from Ethernet on */

/*
 * One captured packet. Array element, layout frozen. `data` is borrowed.
 *
 * The last fields say what a sending or receiving host left undone (V6), as a virtio-net header
 * does (virtio 1.2 section 5.1.6.1, struct virtio_net_hdr of linux/virtio_net.h; a packet socket
 * with PACKET_VNET_HDR yields one). All numbers are in host byte order. All 0: an ordinary packet.
 *
 * MIRROR_PACKET_NEEDS_CHECKSUM: at data + checksum_start + checksum_offset stands the sum of a
 * pseudo-header; in copies stands the Internet checksum over what is from data + checksum_start to
 * the end of the IP packet. (An input that puts a VLAN tag back into the frame adds 4 to
 * checksum_start.)
 *
 * gso_type other than NONE: a super-frame, the headers of the first of several packets and the
 * payload of all of them, gso_size octets each but for the last. A tap makes one copy of each of
 * these packets, with its own lengths and checksums. If a checksum is needed, checksum_start is the
 * outermost TCP or UDP header: elsewhere means a tunnel, whose inside is not segmented. The payload
 * ends where the IP header says, or at the end of the frame where that says 0.
 *
 * Of a super-frame that the capture has cut, there are copies of the packets of which something was
 * captured. A checksum of which octets are missing cannot be computed: it stays as it was found,
 * which is counted (MIRROR_CHECKSUM_OPEN). `data` is never written to.
 */
typedef struct mirror_packet {
  const uint8_t *data; /* from the link-layer header on, without FCS */
  uint32_t caplen;     /* octets at data; nothing outside them is ever read */
  uint32_t length;     /* octets on the wire; informative */
  int64_t time_ns;
  uint32_t source;          /* mirror_source_handle, or 0 = the tap's source */
  uint16_t link_type;       /* MIRROR_LINK_ */
  uint8_t direction;        /* MIRROR_INGRESS, MIRROR_EGRESS or MIRROR_AUTO (by the source's MAC);
                               0 = the tap's direction */
  uint8_t flags;            /* MIRROR_PACKET_ */
  uint64_t cookie;          /* the input's own; not touched */
  uint16_t gso_size;        /* octets of payload in each segment but the last; 64-65535 */
  uint16_t checksum_start;  /* octets from data on: 0-65535 */
  uint16_t checksum_offset; /* octets from checksum_start on: 0-65535 */
  uint8_t gso_type;         /* MIRROR_GSO_ */
  uint8_t reserved;         /* 0 */
} mirror_packet;

/* mirror_key.present and .notes */
#define MIRROR_KEY_PROTOCOL 1u
#define MIRROR_KEY_SOURCE_PORT 2u
#define MIRROR_KEY_DESTINATION_PORT 4u

#define MIRROR_KEY_FIRST_FRAGMENT 1u /* offset 0, more to come */
#define MIRROR_KEY_LATER_FRAGMENT 2u /* offset not 0 (M7) */

/*
 * What rules can see of a packet: its 5-tuple, with absent fields marked. Array element, layout
 * frozen. Addresses in network byte order, an IPv4 address in the first 4 octets and the rest 0.
 * Ports in host byte order; absent fields are 0.
 */
typedef struct mirror_key {
  uint8_t source[16];
  uint8_t destination[16];
  uint16_t source_port;
  uint16_t destination_port;
  uint8_t protocol;
  uint8_t family;  /* 4 or 6; 0 = unparsable */
  uint8_t present; /* MIRROR_KEY_ protocol and ports */
  uint8_t notes;   /* MIRROR_KEY_ fragments */
} mirror_key;

/*
 * Prepared keys, for embedders that have parsed their packets already (engine.h). Array elements,
 * layout frozen. Everything in network byte order, as it stands in the packet; `absent` has the
 * MIRROR_KEY_ bits of fields that the packet does not have, whose octets are then ignored, so that
 * 0 means a complete 5-tuple. A packet without source port has no destination port either.
 */
typedef struct mirror_key4 {
  uint8_t protocol;
  uint8_t absent;
  uint8_t reserved[2]; /* ignored */
  uint8_t source[4];
  uint8_t destination[4];
  uint8_t source_port[2];
  uint8_t destination_port[2];
} mirror_key4;

typedef struct mirror_key6 {
  uint8_t protocol;
  uint8_t absent;
  uint8_t reserved[2]; /* ignored */
  uint8_t source[16];
  uint8_t destination[16];
  uint8_t source_port[2];
  uint8_t destination_port[2];
} mirror_key6;

/* Why a packet is unparsable (M4, M5). */
#define MIRROR_UNPARSABLE_LINK_SHORT 1u /* no whole link header */
#define MIRROR_UNPARSABLE_TAGS 2u       /* three or more VLAN tags */
#define MIRROR_UNPARSABLE_TAG_SHORT 3u  /* cut inside a tag */
#define MIRROR_UNPARSABLE_NOT_IP 4u     /* neither IPv4 nor IPv6 */
#define MIRROR_UNPARSABLE_IP_SHORT 5u   /* no whole fixed IP header */
#define MIRROR_UNPARSABLE_IP_VERSION 6u /* version contradicts the ethertype */
#define MIRROR_UNPARSABLE_IP_LENGTH 7u  /* IHL below 5 */
#define MIRROR_UNPARSABLE_LINK_TYPE 8u  /* a link type that cannot be mirrored */

/*
 * Reads the 5-tuple of a packet, one forward pass over at most caplen octets. Fills *key; an
 * unparsable packet gives key->family 0 and, if `why` is not NULL, MIRROR_UNPARSABLE_ in *why.
 * Any thread. Errors: MIRROR_E_ARGUMENT.
 */
MIRROR_API int32_t mirror_packet_key(const mirror_packet *packet, mirror_key *key, uint32_t *why);

/*
 * The outer UDP source port of a copy of this packet: 49152-65535, the same for both directions
 * of a flow and for all fragments of a datagram (V2). Any thread.
 */
MIRROR_API int32_t mirror_packet_source_port(const mirror_packet *packet, uint16_t *port);

/* Returns-borrowed static text, never NULL. Any thread. */
MIRROR_API const char *mirror_unparsable_text(uint32_t why);
MIRROR_API const char *mirror_link_type_name(uint32_t link_type);

#ifdef __cplusplus
}
#endif

#endif
