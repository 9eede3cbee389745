#include "packet/view.h"

#include "packet/link.h"
#include "packet/octets.h"

#include <stddef.h>
#include <string.h>

enum { IPV4_HEADER = 20, IPV6_HEADER = 40, TAG = 4, TAGS_MAX = 2 };

/* IP protocols and next-header values. */
enum {
  HOP_BY_HOP = 0,
  TCP = 6,
  UDP = 17,
  DCCP = 33,
  ROUTING = 43,
  FRAGMENT = 44,
  AH = 51,
  DESTINATION_OPTIONS = 60,
  SCTP = 132,
  UDP_LITE = 136,
};

static bool has_ports(uint8_t protocol) {
  return protocol == TCP || protocol == UDP || protocol == SCTP || protocol == DCCP ||
         protocol == UDP_LITE;
}

/* M6: the next-header values that are walked. */
static bool is_extension(uint8_t next) {
  const uint64_t extensions = UINT64_C(1) << HOP_BY_HOP | UINT64_C(1) << ROUTING |
                              UINT64_C(1) << FRAGMENT | UINT64_C(1) << AH |
                              UINT64_C(1) << DESTINATION_OPTIONS;
  return next < 64 && (extensions >> next & 1) != 0;
}

static bool is_tag(uint32_t ethertype) {
  return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

/* M5. Returns 0, or MIRROR_UNPARSABLE_. */
static uint32_t skip_tags(const mirror_packet *packet, struct mri_link_payload *payload) {
  for (uint32_t tags = 0; is_tag(payload->ethertype); tags++) {
    if (tags == TAGS_MAX) return MIRROR_UNPARSABLE_TAGS;
    if (packet->caplen - payload->at < TAG) return MIRROR_UNPARSABLE_TAG_SHORT;
    payload->ethertype = mri_get16(packet->data + payload->at + 2);
    payload->at += TAG;
  }
  return 0;
}

/* M8: the end of what is both captured and declared by an IP header at `at`; 0 declares nothing. */
static uint32_t captured_end(const mirror_packet *packet, uint32_t at, uint32_t declared) {
  return declared != 0 && declared < packet->caplen - at ? at + declared : packet->caplen;
}

static void set_protocol(struct mri_view *view, uint8_t protocol) {
  view->key.protocol = protocol;
  view->key.present |= MIRROR_KEY_PROTOCOL;
}

/* M8: each port by itself is present or not. `at` is at most view->end. */
static void read_transport(struct mri_view *view, const uint8_t *data, uint32_t at) {
  mirror_key *key = &view->key;
  view->transport = at;
  view->has_transport = 1;
  if (!has_ports(key->protocol)) return;
  if (view->end - at >= 2) {
    key->source_port = mri_get16(data + at);
    key->present |= MIRROR_KEY_SOURCE_PORT;
  }
  if (view->end - at >= 4) {
    key->destination_port = mri_get16(data + at + 2);
    key->present |= MIRROR_KEY_DESTINATION_PORT;
  }
}

static uint8_t fragment_notes(uint32_t offset, uint32_t more) {
  if (offset) return MIRROR_KEY_LATER_FRAGMENT;
  return more ? MIRROR_KEY_FIRST_FRAGMENT : 0;
}

/* M4: version and IHL must not contradict the ethertype. */
static uint32_t check_ipv4(const mirror_packet *packet, uint32_t at) {
  if (packet->caplen - at < IPV4_HEADER) return MIRROR_UNPARSABLE_IP_SHORT;
  const uint8_t *ip = packet->data + at;
  if (ip[0] >> 4 != 4) return MIRROR_UNPARSABLE_IP_VERSION;
  return (ip[0] & 15) * 4 < IPV4_HEADER ? MIRROR_UNPARSABLE_IP_LENGTH : 0;
}

static uint32_t read_ipv4(struct mri_view *view, const mirror_packet *packet, uint32_t at) {
  const uint32_t why = check_ipv4(packet, at);
  if (why) return why;
  const uint8_t *ip = packet->data + at;
  const uint32_t header = (ip[0] & 15u) * 4;
  const uint32_t fragment = mri_get16(ip + 6), offset = fragment & 0x1fff, more = fragment & 0x2000;
  view->key.family = 4;
  memcpy(view->key.source, ip + 12, 4);
  memcpy(view->key.destination, ip + 16, 4);
  set_protocol(view, ip[9]);
  view->hash_protocol = ip[9];
  view->network = at;
  view->end = captured_end(packet, at, mri_get16(ip + 2));
  view->key.notes = fragment_notes(offset, more);
  if (view->key.notes) view->fragment_id = mri_get16(ip + 4);
  if (!offset && header <= view->end - at) read_transport(view, packet->data, at + header);
  return 0;
}

/*
 * A fragment header, `left` octets of it. Should one be inside another, the outer one is what
 * the fragments of this datagram have in common. Returns false if no header follows (M7).
 */
static bool read_fragment(struct mri_view *view, const uint8_t *header, uint32_t left) {
  if (left < 4) return false;
  const uint32_t field = mri_get16(header + 2), offset = field & 0xfff8, more = field & 1;
  if ((offset || more) && !view->key.notes) {
    view->hash_protocol = header[0];
    view->fragment_id = left >= 8 ? mri_get32(header + 4) : 0;
  }
  view->key.notes |= fragment_notes(offset, more);
  return !offset;
}

static uint32_t extension_length(uint8_t kind, const uint8_t *header, uint32_t left) {
  if (kind == FRAGMENT) return 8;
  if (left < 2) return 2;
  return kind == AH ? (header[1] + 2u) * 4 : (header[1] + 1u) * 8;
}

/*
 * Steps over the extension header at *at, of the kind *next, and sets *next from it if it can be
 * read. Returns false if nothing behind this extension header can be read.
 */
static bool step_over(struct mri_view *view, const uint8_t *data, uint32_t *at, uint8_t *next) {
  const uint32_t left = view->end - *at;
  if (left == 0) return false;
  const uint8_t kind = *next, *header = data + *at;
  *next = header[0];
  if (kind == FRAGMENT && !read_fragment(view, header, left)) return false;
  const uint32_t length = extension_length(kind, header, left);
  if (length > left) return false;
  *at += length;
  return true;
}

/* M6 */
static void walk_extensions(struct mri_view *view, const uint8_t *data, uint32_t at, uint8_t next) {
  bool whole = true;
  while (whole && is_extension(next))
    whole = step_over(view, data, &at, &next);
  if (!view->key.notes) view->hash_protocol = next;
  if (is_extension(next)) return;
  set_protocol(view, next);
  if (whole) read_transport(view, data, at);
}

static uint32_t read_ipv6(struct mri_view *view, const mirror_packet *packet, uint32_t at) {
  if (packet->caplen - at < IPV6_HEADER) return MIRROR_UNPARSABLE_IP_SHORT;
  const uint8_t *ip = packet->data + at;
  if (ip[0] >> 4 != 6) return MIRROR_UNPARSABLE_IP_VERSION;
  const uint32_t payload = mri_get16(ip + 4);
  view->key.family = 6;
  memcpy(view->key.source, ip + 8, 16);
  memcpy(view->key.destination, ip + 24, 16);
  view->network = at;
  view->end = captured_end(packet, at, payload ? IPV6_HEADER + payload : 0);
  walk_extensions(view, packet->data, at + IPV6_HEADER, ip[6]);
  return 0;
}

static uint32_t read_packet(struct mri_view *view, const mirror_packet *packet) {
  struct mri_link_payload payload;
  uint32_t why = mri_link_read(view, packet, &payload);
  if (!why) why = skip_tags(packet, &payload);
  if (why) return why;
  if (payload.ethertype == MIRROR_ETHERTYPE_IPV4) return read_ipv4(view, packet, payload.at);
  if (payload.ethertype == MIRROR_ETHERTYPE_IPV6) return read_ipv6(view, packet, payload.at);
  return MIRROR_UNPARSABLE_NOT_IP;
}

void mri_view_read(struct mri_view *view, const mirror_packet *packet) {
  memset(view, 0, offsetof(struct mri_view, ethernet));
  view->why = read_packet(view, packet);
}

void mri_views_read(struct mri_view *views, const mirror_packet *packets, uint32_t count) {
  enum { AHEAD = 16 };
  for (uint32_t i = 0; i < count && i < AHEAD; i++)
    __builtin_prefetch(packets[i].data);
  for (uint32_t i = 0; i < count; i++) {
    if (i + AHEAD < count) __builtin_prefetch(packets[i + AHEAD].data);
    mri_view_read(&views[i], &packets[i]);
  }
}

int32_t mirror_packet_key(const mirror_packet *packet, mirror_key *key, uint32_t *why) {
  if (!packet || !key || !mri_packets_have_data(packet, 1)) return MIRROR_E_ARGUMENT;
  struct mri_view view;
  mri_view_read(&view, packet);
  *key = view.key;
  if (why) *why = view.why;
  return MIRROR_OK;
}

const char *mirror_unparsable_text(uint32_t why) {
  switch (why) {
    case MIRROR_UNPARSABLE_LINK_SHORT:
      return "cut inside the link-layer header";
    case MIRROR_UNPARSABLE_TAGS:
      return "three or more VLAN tags";
    case MIRROR_UNPARSABLE_TAG_SHORT:
      return "cut inside a VLAN tag";
    case MIRROR_UNPARSABLE_NOT_IP:
      return "neither IPv4 nor IPv6";
    case MIRROR_UNPARSABLE_IP_SHORT:
      return "cut inside the fixed IP header";
    case MIRROR_UNPARSABLE_IP_VERSION:
      return "IP version contradicts the ethertype";
    case MIRROR_UNPARSABLE_IP_LENGTH:
      return "IPv4 header length (IHL) below 5";
    case MIRROR_UNPARSABLE_LINK_TYPE:
      return "a link type that cannot be mirrored";
    default:
      return "not unparsable";
  }
}
