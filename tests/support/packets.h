/* Packets for the tests of reading and matching: well-formed ones, built with libnet. */
#ifndef TESTS_SUPPORT_PACKETS_H
#define TESTS_SUPPORT_PACKETS_H

#include <libmirror/packet.h>

#define PACKET_MAX 4096u
#define PACKET_ETHERNET 14u

/* 10.0.0.1 to 192.168.1.2, or 2001:db8::1 to 2001:db8:1::2, unless source and destination say so.
 */
struct packet_parts {
  uint32_t family; /* 4 or 6 */
  const char *source;
  const char *destination;
  uint16_t tags[4]; /* VLAN TPIDs up to the first 0 */
  uint8_t protocol; /* TCP and UDP headers; any other: two ports and 16 octets */
  uint16_t source_port;
  uint16_t destination_port;
  uint16_t fragment;     /* IPv4: flags and offset */
  uint16_t id;           /* IPv4 */
  const uint8_t *middle; /* IPv4: options; IPv6: extension headers (packet_chain) */
  uint32_t middle_length;
  uint8_t next; /* IPv6 with extension headers: kind of the first */
};

/* An Ethernet frame of these parts; returns its length. Fails the test on an error. */
uint32_t packet_build(const struct packet_parts *parts, uint8_t frame[PACKET_MAX]);

/*
 * Whole extension headers of the given kinds, the last followed by `protocol`: 8 octets each, 16
 * for routing (43), 24 for AH (51); a fragment header (44) is of an atomic fragment.
 */
uint32_t packet_chain(const uint8_t *kinds, uint32_t count, uint8_t protocol, uint8_t *chain);

mirror_packet packet_of(const uint8_t *data, uint32_t caplen, uint32_t link_type);

#endif
