/*
 * libmirror/vxlan.h - the VXLAN encapsulator and decapsulator (RFC 7348; spec V1-V3, V8): pure
 * functions on the caller's memory.
 *
 *   MIRROR_LAYER_LINK   Ethernet | IP | UDP | VXLAN | inner frame
 *   MIRROR_LAYER_IP                IP | UDP | VXLAN | inner frame
 *   MIRROR_LAYER_UDP                          VXLAN | inner frame   (a UDP payload)
 *   MIRROR_LAYER_INNER                                inner frame   (outputs that encapsulate;
 *                                                                    not for the functions here)
 *
 * Thread rule: any thread; these are functions of the caller's memory alone.
 */
#ifndef LIBMIRROR_VXLAN_H
#define LIBMIRROR_VXLAN_H

#include <libmirror/target.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MIRROR_LAYER_LINK 1u
#define MIRROR_LAYER_IP 2u
#define MIRROR_LAYER_UDP 3u
#define MIRROR_LAYER_INNER 4u

#define MIRROR_VXLAN_PORT 4789u
/* V3: octets of the outer IP packet that are not inner frame. */
#define MIRROR_OVERHEAD_IPV4 36u
#define MIRROR_OVERHEAD_IPV6 56u
/* No header of ours is longer: Ethernet 14 + IPv6 40 + UDP 8 + VXLAN 8. */
#define MIRROR_HEADER_MAX 70u

/* The outer headers of one tunnel. */
typedef struct mirror_outer {
  uint32_t size;
  uint32_t layer;         /* MIRROR_LAYER_ */
  uint32_t family;        /* 4 or 6 */
  uint32_t vni;           /* 0-16777215 */
  uint32_t udp_port;      /* destination port; default 4789 */
  uint32_t ttl;           /* default 64 */
  uint32_t dont_fragment; /* 0 or 1 (default); IPv4 only */
  uint32_t udp_checksum;  /* MIRROR_UDP_CHECKSUM_ */
  uint8_t source[16];     /* network byte order; IPv4 in the first 4 octets */
  uint8_t destination[16];
  uint8_t source_mac[6]; /* MIRROR_LAYER_LINK only */
  uint8_t destination_mac[6];
  uint32_t reserved;
} mirror_outer;

MIRROR_API void mirror_outer_init(mirror_outer *outer, uint32_t size);

/* The length of the headers in front of the inner frame: 8-70. 0 if layer or family is unknown,
 * or `outer` NULL or of a wrong size. */
MIRROR_API uint32_t mirror_vxlan_header_length(const mirror_outer *outer);

/*
 * Writes the headers for an inner frame of inner_length octets at `inner` into `header`, which
 * holds `capacity` octets; the inner frame is not copied, and is read only where the UDP
 * checksum is computed (else it may be NULL). `source_port`: V2, see mirror_packet_source_port.
 * `ip_id`: the IPv4 identification, for copies without DF (RFC 6864: any value with DF).
 * Errors: MIRROR_E_ARGUMENT, MIRROR_E_STRUCT_SIZE, MIRROR_E_VNI, MIRROR_E_UDP_PORT, MIRROR_E_TTL,
 * MIRROR_E_UDP_CHECKSUM, MIRROR_E_BUFFER, MIRROR_E_TOO_LONG (the outer IP packet would exceed
 * 65535 octets).
 */
MIRROR_API int32_t mirror_vxlan_encode(const mirror_outer *outer, const uint8_t *inner,
                                       uint32_t inner_length, uint16_t source_port, uint16_t ip_id,
                                       uint8_t *header, uint32_t capacity, uint32_t *header_length);

/* What a decapsulated datagram says; pointers into the caller's datagram. */
typedef struct mirror_decapsulated {
  uint32_t size;
  uint32_t vni;
  uint32_t family; /* of the outer packet: 4 or 6; 0 for MIRROR_LAYER_UDP */
  uint32_t inner_length;
  const uint8_t *inner; /* the inner Ethernet frame */
  uint8_t source[16];   /* outer addresses, network byte order */
  uint8_t destination[16];
  uint16_t source_port; /* outer UDP ports; 0 for MIRROR_LAYER_UDP */
  uint16_t destination_port;
  uint32_t reserved_bits; /* 1 if a reserved bit of the VXLAN header is set (ignored on receipt,
                             RFC 7348 section 5) */
} mirror_decapsulated;

MIRROR_API void mirror_decapsulated_init(mirror_decapsulated *out, uint32_t size);

/*
 * V8: takes one received datagram apart, strictly: whole headers, consistent lengths, an IPv4
 * header checksum that holds, a UDP checksum that holds when it is not zero, no fragments, up to
 * two VLAN tags outside, the given UDP port (0 = any; MIRROR_LAYER_UDP: ignored), I bit set, at
 * least 14 octets inside. The IP packet must lie wholly in [bytes, bytes + length) and the UDP
 * length must be exactly the IP payload: octets behind the UDP datagram are refused, octets behind
 * the IP packet (Ethernet padding) ignored. IPv4 options are skipped; IPv6 extension headers are
 * not walked: MIRROR_E_OUTER_FRAGMENT for the fragment header, MIRROR_E_NOT_UDP for the others.
 * One VXLAN level is taken off. Nothing is copied; only [bytes, bytes + length) is read. *out is
 * written on success only.
 * Errors: MIRROR_E_ARGUMENT, MIRROR_E_STRUCT_SIZE, MIRROR_E_OUTER_*, MIRROR_E_NOT_UDP,
 * MIRROR_E_NOT_VXLAN_PORT, MIRROR_E_VXLAN_FLAGS, MIRROR_E_INNER_SHORT.
 */
MIRROR_API int32_t mirror_vxlan_decode(uint32_t layer, uint32_t udp_port, const uint8_t *bytes,
                                       uint32_t length, mirror_decapsulated *out);

#ifdef __cplusplus
}
#endif

#endif
