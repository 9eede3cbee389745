#include "packet/segment.h"

#include "packet/checksum.h"
#include "packet/octets.h"
#include "packet/unfinished.h"

#include <string.h>

enum {
  IPV6_HEADER = 40,
  TCP = 6,
  UDP = 17,
  TCP_HEADER = 20,
  UDP_HEADER = 8,
  IP_LENGTH_MAX = 65535,
};

/* Next-header values of extension headers that are looked into; all others are stepped over. */
enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, AH = 51 };

/* The last octet of TCP's flags. */
enum { FIN = 1, PSH = 8, CWR = 0x80 };

/* ---- extension headers ---- */

/*
 * With segments left the address that counts is the last one of the way (RFC 8200 section 8.1): the
 * last of the list (RFC 5095, RFC 6275), or the first (RFC 8754). Returns false if it is not known.
 */
static bool read_routing(struct mri_super *super, const uint8_t *data, uint32_t at) {
  const uint8_t length = data[at + 1], type = data[at + 2], left = data[at + 3];
  if (left == 0) return true;
  if (length < 2 || (type != 0 && type != 2 && type != 4)) return false;
  super->destination = type == 4 ? at + 8 : at + 8u * length - 8;
  return true;
}

/* Linux puts it in front of what is longer than 65535 octets (BIG TCP). */
static bool is_jumbo(const uint8_t *header) {
  return header[1] == 0 && header[2] == 0xc2 && header[3] == 4;
}

/* The view has found that these headers lead to `transport`, whole and each at least 8 octets. */
static bool read_extensions(struct mri_super *super, const uint8_t *data, uint32_t network,
                            uint32_t transport) {
  uint8_t next = data[network + 6];
  for (uint32_t at = network + IPV6_HEADER; at < transport;) {
    const uint8_t kind = next, *header = data + at;
    next = header[0];
    if (kind == HOP_BY_HOP && at == network + IPV6_HEADER && is_jumbo(header)) super->jumbo = 8;
    if (kind == ROUTING && !read_routing(super, data, at)) return false;
    at += kind == FRAGMENT ? 8 : kind == AH ? (header[1] + 2u) * 4 : (header[1] + 1u) * 8;
  }
  return true;
}

/* ---- reading ---- */

static bool type_fits(const struct mri_view *view, uint8_t type) {
  const mirror_key *key = &view->key;
  switch (type) {
    case MIRROR_GSO_TCPV4:
    case MIRROR_GSO_TCPV4 | MIRROR_GSO_ECN:
      return key->family == 4 && key->protocol == TCP;
    case MIRROR_GSO_TCPV6:
    case MIRROR_GSO_TCPV6 | MIRROR_GSO_ECN:
      return key->family == 6 && key->protocol == TCP;
    case MIRROR_GSO_UDP_L4:
      return key->protocol == UDP;
    default:
      return false;
  }
}

/* What is unfinished elsewhere than in the outermost TCP or UDP header is a tunnel's: its segments
 * would need the headers inside. */
static bool is_outermost(const struct mri_view *view, const mirror_packet *packet) {
  return view->has_transport && (!(packet->flags & MIRROR_PACKET_NEEDS_CHECKSUM) ||
                                 packet->checksum_start == view->transport);
}

/* Octets of the TCP or UDP header; 0 if it is cut or its length is nonsense. */
static uint32_t transport_length(const struct mri_view *view, const uint8_t *data) {
  const uint32_t left = view->end - view->transport;
  if (view->key.protocol == UDP) return left < UDP_HEADER ? 0 : UDP_HEADER;
  if (left < TCP_HEADER) return 0;
  const uint32_t length = (data[view->transport + 12] >> 4) * 4u;
  return length < TCP_HEADER || length > left ? 0 : length;
}

/* Where the headers end, and where they stand in a block. False: a limit is exceeded. */
static bool place_headers(struct mri_super *super, const struct mri_view *view, uint32_t length) {
  const uint32_t synthesized = view->synthesized ? MRI_ETHERNET : 0;
  super->payload = view->transport + length;
  super->network = view->network - view->skip + synthesized;
  super->transport = view->transport - view->skip + synthesized;
  super->block = super->transport + length;
  return super->block <= MIRROR_GSO_HEADERS_MAX &&
         super->payload - view->network + super->size <= IP_LENGTH_MAX;
}

static void take_out_jumbo(struct mri_super *super) {
  super->transport -= super->jumbo;
  super->block -= super->jumbo;
}

static void sum_pseudo(struct mri_super *super, const struct mri_view *view, const uint8_t *data) {
  const uint32_t length = view->key.family == 4 ? 4 : 16;
  uint64_t sum = mri_sum(view->key.protocol, view->key.source, length);
  super->pseudo_sum = (uint32_t)mri_sum(sum, data + super->destination, length);
}

static bool read_headers(struct mri_super *super, const struct mri_view *view,
                         const uint8_t *data) {
  const uint32_t length = transport_length(view, data);
  if (length == 0 || !place_headers(super, view, length)) return false;
  super->destination = view->network + (view->key.family == 4 ? 16 : 24);
  if (view->key.family == 6 && !read_extensions(super, data, view->network, view->transport))
    return false;
  take_out_jumbo(super);
  sum_pseudo(super, view, data);
  return true;
}

static void count_segments(struct mri_super *super, const struct mri_view *view,
                           const mirror_packet *packet) {
  const uint32_t captured = view->end - super->payload;
  const uint32_t count = (captured + super->size - 1) / super->size;
  super->count = count ? count : 1;
  const uint32_t room = super->count * super->size;
  super->unchecked = view->key.family == 4 && view->key.protocol == UDP &&
                     !(packet->flags & MIRROR_PACKET_NEEDS_CHECKSUM) &&
                     mri_get16(packet->data + view->transport + 6) == 0;
  super->open = !super->unchecked && captured < room && captured < super->wire_payload;
}

enum mri_super_kind mri_super_read(struct mri_super *super, const struct mri_view *view,
                                   const mirror_packet *packet) {
  if (packet->gso_type == MIRROR_GSO_NONE) return MRI_SUPER_NOT;
  *super = (struct mri_super){.size = packet->gso_size};
  if (!type_fits(view, packet->gso_type) || view->key.notes || !is_outermost(view, packet) ||
      packet->gso_size < MIRROR_GSO_SIZE_MIN || !read_headers(super, view, packet->data))
    return MRI_SUPER_NONSENSE;
  const uint64_t wire_payload = mri_wire_end(view, packet) - super->payload;
  if (wire_payload > MIRROR_GSO_PAYLOAD_MAX) return MRI_SUPER_NONSENSE;
  if (wire_payload <= super->size) return MRI_SUPER_NOT;
  super->wire_payload = (uint32_t)wire_payload;
  count_segments(super, view, packet);
  return MRI_SUPER_YES;
}

/* A device takes the sum of the pseudo-header for one of this length. */
static bool udp_length_fits(const struct mri_super *super, const struct mri_view *view,
                            const uint8_t *data) {
  return view->key.protocol != UDP ||
         mri_get16(data + view->transport + 4) == UDP_HEADER + super->wire_payload;
}

bool mri_super_is_plain(const struct mri_super *super, const struct mri_view *view,
                        const mirror_packet *packet) {
  const uint8_t *ip = packet->data + view->network;
  const uint32_t length = packet->caplen - view->network;
  const uint32_t declared =
      view->key.family == 4 ? mri_get16(ip + 2) : mri_get16(ip + 4) + IPV6_HEADER;
  return packet->flags & MIRROR_PACKET_NEEDS_CHECKSUM &&
         packet->checksum_offset == (view->key.protocol == TCP ? 16 : 6) && !super->jumbo &&
         !super->open && declared == length && udp_length_fits(super, view, packet->data);
}

uint32_t mri_super_captured(const struct mri_super *super, const mirror_packet *packet,
                            uint32_t k) {
  if (k + 1 < super->count) return super->payload + super->size;
  return packet->caplen - k * super->size;
}

/* ---- writing ---- */

/* The headers as they stand in the packet, without the jumbo payload option. */
static void copy_headers(const struct mri_super *super, const struct mri_view *view,
                         const uint8_t *data, uint8_t *block) {
  const uint32_t synthesized = view->synthesized ? MRI_ETHERNET : 0;
  const uint32_t before = super->jumbo ? super->network + IPV6_HEADER : super->block;
  memcpy(block, view->ethernet, synthesized);
  memcpy(block + synthesized, data + view->skip, before - synthesized);
  if (!super->jumbo) return;
  const uint8_t *jumbo = data + view->network + IPV6_HEADER;
  block[super->network + 6] = jumbo[0];
  memcpy(block + before, jumbo + super->jumbo, super->block - before);
}

static void write_ip(const struct mri_super *super, const struct mri_view *view, uint32_t k,
                     uint32_t payload, uint8_t *ip) {
  const uint32_t length = super->block - super->network + payload;
  if (view->key.family == 6) {
    mri_put16(ip + 4, length - IPV6_HEADER);
    return;
  }
  mri_put16(ip + 2, length);
  mri_put16(ip + 4, mri_get16(ip + 4) + k);
  mri_put16(ip + 10, 0);
  mri_put16(ip + 10, mri_sum_finish(mri_sum(0, ip, (ip[0] & 15u) * 4)));
}

static void write_tcp(const struct mri_super *super, uint32_t k, uint8_t *tcp) {
  const bool last = (k + 1) * super->size >= super->wire_payload;
  mri_put32(tcp + 4, mri_get32(tcp + 4) + k * super->size);
  if (!last) tcp[13] &= (uint8_t) ~(FIN | PSH);
  if (k > 0) tcp[13] &= (uint8_t)~CWR;
}

/* All of the payload is captured. */
static void write_checksum(const struct mri_super *super, const struct mri_view *view,
                           const uint8_t *body, uint32_t payload, uint8_t *transport) {
  uint8_t *place = transport + (view->key.protocol == TCP ? 16 : 6);
  const uint32_t header = super->block - super->transport;
  mri_put16(place, 0);
  uint64_t sum = (uint64_t)super->pseudo_sum + header + payload;
  sum = mri_sum(mri_sum(sum, transport, header), body, payload);
  const uint16_t checksum = mri_sum_finish(sum);
  mri_put16(place, checksum || view->key.protocol == TCP ? checksum : 0xffff); /* RFC 768 */
}

void mri_super_write(const struct mri_super *super, const struct mri_view *view,
                     const mirror_packet *packet, uint32_t k, uint8_t *block) {
  const uint32_t left = super->wire_payload - k * super->size;
  const uint32_t payload = left < super->size ? left : super->size;
  uint8_t *transport = block + super->transport;
  copy_headers(super, view, packet->data, block);
  write_ip(super, view, k, payload, block + super->network);
  if (view->key.protocol == TCP)
    write_tcp(super, k, transport);
  else
    mri_put16(transport + 4, UDP_HEADER + payload);
  if (super->unchecked || (super->open && k + 1 == super->count)) return;
  write_checksum(super, view, mri_super_body(super, packet, k), payload, transport);
}
