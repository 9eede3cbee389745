/* Super-frames for tests, and a judge of the segments that does not use the library. */
#ifndef TESTS_SUPPORT_SUPER_H
#define TESTS_SUPPORT_SUPER_H

#include "support/packets.h"

#include <stdbool.h>

enum { SUPER_MAX = 70000, SUPER_SEQUENCE = 0xfffffff0u /* wraps */, SUPER_ID = 0xfffe };
/* All flags that matter: CWR, ECE, ACK, PSH, FIN. */
enum { SUPER_FLAGS = 0xd9 };

struct super_parts {
  struct packet_parts packet; /* TCP or UDP */
  uint32_t tcp_options;       /* octets, a multiple of 4 */
  uint32_t payload;           /* octets */
  uint16_t gso_size;
};

/* A super-frame as a sending host hands it to its network card: the pseudo-header's sum stands in
 * the place of the checksum. `frame` holds SUPER_MAX octets. */
mirror_packet super_build(const struct super_parts *parts, uint8_t *frame);

/* The packet with some octets damaged, perhaps cut, and with offload fields as they were, nearly
 * so, or anything at all. Its octets are written to `octets`. */
mirror_packet super_hostile(const mirror_packet *real, uint8_t *octets, uint64_t *seed);

/* A sum as RFC 1071 has it, octet by octet, and its complement. */
uint32_t plain_sum(uint32_t sum, const uint8_t *octets, uint32_t length);
uint16_t plain_checksum(uint32_t sum);

/* Where the headers of a whole TCP or UDP frame are. */
struct super_frame {
  uint32_t family;
  uint32_t network;
  uint32_t transport;
  uint32_t payload;
  uint32_t end; /* of the IP packet */
};

/* Takes an Ethernet frame apart: lengths fit each other and the frame, with at most `trailer`
 * octets behind the IP packet. Fails the test if they do not. */
struct super_frame super_parse(const uint8_t *frame, uint32_t length, uint32_t trailer);

/* True if the IPv4 header checksum, and the TCP or UDP checksum, hold. */
bool super_header_holds(const uint8_t *frame, const struct super_frame *at);
bool super_checksum_holds(const uint8_t *frame, const struct super_frame *at);

#endif
