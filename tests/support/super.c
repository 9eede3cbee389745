#include "support/super.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { TCP = 6, UDP = 17, TCP_HEADER = 20, UDP_HEADER = 8, IPV6_HEADER = 40 };

static void put16(uint8_t *at, uint32_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static uint32_t get16(const uint8_t *at) {
  return (uint32_t)at[0] * 256 + at[1];
}

uint32_t plain_sum(uint32_t sum, const uint8_t *octets, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    sum += i % 2 ? octets[i] : octets[i] * 256u;
    while (sum > 0xffff)
      sum = sum - 0x10000 + 1;
  }
  return sum;
}

uint16_t plain_checksum(uint32_t sum) {
  return (uint16_t)(0xffff - sum);
}

/* ---- building ---- */

static uint32_t pseudo_sum(const uint8_t *ip, uint32_t family, uint32_t protocol, uint32_t length) {
  const uint8_t tail[4] = {(uint8_t)(length >> 8), (uint8_t)length, 0, (uint8_t)protocol};
  uint32_t sum = plain_sum(length >> 16, tail, sizeof tail);
  return family == 4 ? plain_sum(sum, ip + 12, 8) : plain_sum(sum, ip + 8, 32);
}

/* Options of one octet, so that they are easy to compare. */
static uint32_t finish_tcp(uint8_t *tcp, uint32_t options) {
  tcp[12] = (uint8_t)((TCP_HEADER + options) / 4 << 4);
  tcp[13] = SUPER_FLAGS;
  put16(tcp + 4, SUPER_SEQUENCE >> 16);
  put16(tcp + 6, SUPER_SEQUENCE & 0xffff);
  memset(tcp + TCP_HEADER, 1, options);
  return TCP_HEADER + options;
}

static void finish_lengths(const struct super_parts *parts, uint8_t *ip, uint8_t *transport,
                           uint32_t length) {
  const uint32_t protocol = parts->packet.protocol;
  const uint32_t total = (uint32_t)(transport - ip) + length;
  if (protocol == UDP) put16(transport + 4, length);
  put16(parts->packet.family == 4 ? ip + 2 : ip + 4,
        parts->packet.family == 4 ? total : total - IPV6_HEADER);
  if (parts->packet.family == 4) {
    put16(ip + 10, 0);
    put16(ip + 10, plain_checksum(plain_sum(0, ip, (ip[0] & 15u) * 4)));
  }
  put16(transport + (protocol == TCP ? 16 : 6),
        pseudo_sum(ip, parts->packet.family, protocol, length));
}

static uint8_t gso_type_of(const struct super_parts *parts) {
  if (parts->packet.protocol == UDP) return MIRROR_GSO_UDP_L4;
  return parts->packet.family == 4 ? MIRROR_GSO_TCPV4 : MIRROR_GSO_TCPV6;
}

mirror_packet super_build(const struct super_parts *parts, uint8_t *frame) {
  const bool tcp = parts->packet.protocol == TCP;
  struct packet_parts packet_parts = parts->packet;
  packet_parts.id = SUPER_ID;
  uint32_t length = packet_build(&packet_parts, frame), tags = 0;
  const uint32_t transport = length - (tcp ? TCP_HEADER : UDP_HEADER);
  while (tags < 4 && parts->packet.tags[tags])
    tags++;
  uint32_t header = tcp ? finish_tcp(frame + transport, parts->tcp_options) : UDP_HEADER;
  length = transport + header + parts->payload;
  assert_true(length <= SUPER_MAX);
  for (uint32_t i = 0; i < parts->payload; i++)
    frame[transport + header + i] = (uint8_t)(i * 167 + (i >> 8) + 1);
  finish_lengths(parts, frame + PACKET_ETHERNET + 4 * tags, frame + transport,
                 header + parts->payload);
  mirror_packet packet = packet_of(frame, length, MIRROR_LINK_ETHERNET);
  packet.gso_type = gso_type_of(parts);
  packet.gso_size = parts->gso_size;
  packet.flags = MIRROR_PACKET_NEEDS_CHECKSUM;
  packet.checksum_start = (uint16_t)transport;
  packet.checksum_offset = tcp ? 16 : 6;
  return packet;
}

/* ---- damaging ---- */

/* xorshift64* */
static uint32_t below(uint64_t *state, uint32_t bound) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return (uint32_t)((*state * UINT64_C(0x2545f4914f6cdd1d)) >> 32) % bound;
}

static void damage_fields(mirror_packet *packet, uint64_t *seed) {
  static const uint8_t types[] = {0, 1, 4, 5, 0x81, 0x84};
  if (below(seed, 3) == 0) packet->gso_type = types[below(seed, sizeof types)];
  if (below(seed, 16) == 0) packet->gso_type = (uint8_t)below(seed, 256);
  if (below(seed, 4) == 0) packet->gso_size = (uint16_t)below(seed, 200);
  if (below(seed, 8) == 0) packet->gso_size = (uint16_t)below(seed, 65536);
  if (below(seed, 3) == 0) packet->checksum_start = (uint16_t)below(seed, 200);
  if (below(seed, 8) == 0) packet->checksum_start = (uint16_t)below(seed, 65536);
  if (below(seed, 3) == 0) packet->checksum_offset = (uint16_t)below(seed, 200);
  if (below(seed, 8) == 0) packet->checksum_offset = (uint16_t)below(seed, 65536);
  if (below(seed, 4) == 0) packet->length = below(seed, 200000);
  if (below(seed, 16) == 0) packet->length = UINT32_MAX - below(seed, 3);
}

mirror_packet super_hostile(const mirror_packet *real, uint8_t *octets, uint64_t *seed) {
  mirror_packet packet = *real;
  packet.data = octets;
  memcpy(octets, real->data, real->caplen);
  for (uint32_t n = below(seed, 5); n > 0; n--)
    octets[below(seed, below(seed, 2) ? 90 : real->caplen)] = (uint8_t)below(seed, 256);
  if (below(seed, 8) == 0) {
    for (uint32_t i = 0; i < real->caplen; i++)
      octets[i] = (uint8_t)below(seed, 256);
  }
  if (below(seed, 2)) packet.caplen = below(seed, real->caplen + 1);
  damage_fields(&packet, seed);
  return packet;
}

/* ---- taking apart ---- */

static uint32_t skip_extensions(const uint8_t *frame, uint32_t at, uint8_t *next) {
  while (*next != TCP && *next != UDP) {
    const uint8_t kind = *next, *header = frame + at;
    *next = header[0];
    at += kind == 44 ? 8 : kind == 51 ? (header[1] + 2u) * 4 : (header[1] + 1u) * 8;
  }
  return at;
}

struct super_frame super_parse(const uint8_t *frame, uint32_t length, uint32_t trailer) {
  struct super_frame at = {.network = 12};
  while (get16(frame + at.network) != 0x0800 && get16(frame + at.network) != 0x86dd)
    at.network += 4;
  at.network += 2;
  const uint8_t *ip = frame + at.network;
  at.family = ip[0] >> 4;
  uint8_t protocol = at.family == 4 ? ip[9] : ip[6];
  at.transport = at.network + (at.family == 4 ? (ip[0] & 15u) * 4 : IPV6_HEADER);
  if (at.family == 6) at.transport = skip_extensions(frame, at.transport, &protocol);
  at.end = at.network + (at.family == 4 ? get16(ip + 2) : IPV6_HEADER + get16(ip + 4));
  at.payload = at.transport + (protocol == TCP ? (frame[at.transport + 12] >> 4) * 4u : UDP_HEADER);
  assert_in_range(at.end, at.payload, length);
  assert_true(length - at.end <= trailer);
  if (protocol == UDP) assert_int_equal(get16(frame + at.transport + 4), at.end - at.transport);
  return at;
}

bool super_header_holds(const uint8_t *frame, const struct super_frame *at) {
  const uint8_t *ip = frame + at->network;
  return at->family == 6 || plain_checksum(plain_sum(0, ip, (ip[0] & 15u) * 4)) == 0;
}

bool super_checksum_holds(const uint8_t *frame, const struct super_frame *at) {
  const uint8_t *ip = frame + at->network;
  const uint32_t length = at->end - at->transport;
  const uint32_t protocol = at->payload - at->transport == UDP_HEADER ? UDP : TCP;
  const uint32_t sum = pseudo_sum(ip, at->family, protocol, length);
  return plain_checksum(plain_sum(sum, frame + at->transport, length)) == 0;
}
