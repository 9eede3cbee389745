/*
 * libmirror/packet.h - packets as they come in, and what rules can see of them (M4-M8).
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

/* One captured packet. Array element, layout frozen. `data` is borrowed. */
typedef struct mirror_packet {
  const uint8_t *data; /* from the link-layer header on, without FCS */
  uint32_t caplen;     /* octets at data; nothing outside them is ever read */
  uint32_t length;     /* octets on the wire; informative */
  int64_t time_ns;
  uint32_t source;    /* mirror_source_handle, or 0 = the tap's source */
  uint16_t link_type; /* MIRROR_LINK_ */
  uint8_t direction;  /* MIRROR_INGRESS, MIRROR_EGRESS or MIRROR_AUTO (by the source's MAC);
                         0 = the tap's direction */
  uint8_t flags;      /* MIRROR_PACKET_ */
  uint64_t cookie;    /* the input's own; not touched */
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
