#include "packet/link.h"

#include <string.h>

enum {
  FAMILY_HEADER = 4,
  SLL_HEADER = 16,
  SLL2_HEADER = 20,
  SLL_BROADCAST = 1, /* packet types */
  SLL_OUTGOING = 4,
};

/* Destination, then source; locally administered. */
static const uint8_t synthesized_addresses[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};

/* The fields that the two versions of the Linux cooked header have in common. */
struct cooked {
  uint32_t header; /* octets */
  uint32_t packet_type;
  uint32_t device_type; /* ARPHRD_ */
  uint32_t protocol;
  uint32_t address_length;
  const uint8_t *address;
};

/* False if the header is cut. */
static bool read_cooked(const mirror_packet *packet, struct cooked *cooked) {
  const uint8_t *at = packet->data;
  if (packet->link_type == MIRROR_LINK_LINUX_SLL && packet->caplen >= SLL_HEADER) {
    *cooked = (struct cooked){SLL_HEADER,         mri_get16(at),     mri_get16(at + 2),
                              mri_get16(at + 14), mri_get16(at + 4), at + 6};
    return true;
  }
  if (packet->link_type == MIRROR_LINK_LINUX_SLL2 && packet->caplen >= SLL2_HEADER) {
    *cooked =
        (struct cooked){SLL2_HEADER, at[10], mri_get16(at + 8), mri_get16(at), at[11], at + 12};
    return true;
  }
  return false;
}

/* Device types of which the cooked header's protocol field does not hold an ethertype. */
static bool protocol_is_ethertype(uint32_t device_type) {
  switch (device_type) {
    case 770: /* ARPHRD_FRAD */
    case 778: /* ARPHRD_IPGRE */
    case 801: /* ARPHRD_IEEE80211 */
    case 802: /* ARPHRD_IEEE80211_PRISM */
    case 803: /* ARPHRD_IEEE80211_RADIOTAP */
    case 824: /* ARPHRD_NETLINK */
      return false;
    default:
      return true;
  }
}

static uint32_t synthesize(struct mri_view *view, uint32_t skip, uint32_t ethertype,
                           struct mri_link_payload *payload) {
  view->skip = skip;
  view->synthesized = 1;
  memcpy(view->ethernet, synthesized_addresses, sizeof synthesized_addresses);
  mri_put16(view->ethernet + 12, ethertype);
  *payload = (struct mri_link_payload){skip, ethertype};
  return 0;
}

/* 802.3 and LLC frames have protocols 1 and 4 here: as ethertypes these are lengths, not IP. */
static uint32_t read_cooked_link(struct mri_view *view, const mirror_packet *packet,
                                 struct mri_link_payload *payload) {
  struct cooked cooked;
  if (!read_cooked(packet, &cooked)) return MIRROR_UNPARSABLE_LINK_SHORT;
  if (!protocol_is_ethertype(cooked.device_type)) return MIRROR_UNPARSABLE_NOT_IP;
  synthesize(view, cooked.header, cooked.protocol, payload);
  if (cooked.packet_type == SLL_BROADCAST) memset(view->ethernet, 0xff, 6);
  if (cooked.address_length == 6) memcpy(view->ethernet + 6, cooked.address, 6);
  return 0;
}

/* Values of AF_INET6 on Linux, NetBSD and OpenBSD, FreeBSD, and macOS; AF_INET is 2 on all. */
static uint32_t ethertype_of_family(uint32_t family) {
  switch (family) {
    case 2:
      return MIRROR_ETHERTYPE_IPV4;
    case 10:
    case 24:
    case 28:
    case 30:
      return MIRROR_ETHERTYPE_IPV6;
    default:
      return 0;
  }
}

static uint32_t read_family(struct mri_view *view, const mirror_packet *packet,
                            struct mri_link_payload *payload) {
  if (packet->caplen < FAMILY_HEADER) return MIRROR_UNPARSABLE_LINK_SHORT;
  const uint8_t *at = packet->data;
  const uint8_t swapped[FAMILY_HEADER] = {at[3], at[2], at[1], at[0]};
  uint32_t ethertype = ethertype_of_family(mri_get32(at));
  if (!ethertype && packet->link_type == MIRROR_LINK_NULL)
    ethertype = ethertype_of_family(mri_get32(swapped));
  if (!ethertype) return MIRROR_UNPARSABLE_NOT_IP;
  return synthesize(view, FAMILY_HEADER, ethertype, payload);
}

static uint32_t read_raw(struct mri_view *view, const mirror_packet *packet,
                         struct mri_link_payload *payload) {
  if (packet->caplen == 0) return MIRROR_UNPARSABLE_IP_SHORT;
  switch (packet->data[0] >> 4) {
    case 4:
      return synthesize(view, 0, MIRROR_ETHERTYPE_IPV4, payload);
    case 6:
      return synthesize(view, 0, MIRROR_ETHERTYPE_IPV6, payload);
    default:
      return MIRROR_UNPARSABLE_NOT_IP;
  }
}

uint32_t mri_link_read_other(struct mri_view *view, const mirror_packet *packet,
                             struct mri_link_payload *payload) {
  switch (packet->link_type) {
    case MIRROR_LINK_RAW:
      return read_raw(view, packet, payload);
    case MIRROR_LINK_IPV4:
      return synthesize(view, 0, MIRROR_ETHERTYPE_IPV4, payload);
    case MIRROR_LINK_IPV6:
      return synthesize(view, 0, MIRROR_ETHERTYPE_IPV6, payload);
    case MIRROR_LINK_NULL:
    case MIRROR_LINK_LOOP:
      return read_family(view, packet, payload);
    case MIRROR_LINK_LINUX_SLL:
    case MIRROR_LINK_LINUX_SLL2:
      return read_cooked_link(view, packet, payload);
    default:
      return MIRROR_UNPARSABLE_LINK_TYPE;
  }
}

static bool from_address(const mirror_packet *packet, const uint8_t mac[6]) {
  return packet->caplen >= 12 && memcmp(packet->data + 6, mac, 6) == 0;
}

static bool marked_outgoing(const mirror_packet *packet) {
  struct cooked cooked;
  return read_cooked(packet, &cooked) && cooked.packet_type == SLL_OUTGOING;
}

uint32_t mri_view_direction(const mirror_packet *packet, const uint8_t mac[6]) {
  if (!mri_link_has_direction(packet->link_type)) return 0;
  const bool out = packet->link_type == MIRROR_LINK_ETHERNET ? from_address(packet, mac)
                                                             : marked_outgoing(packet);
  return out ? MIRROR_EGRESS : MIRROR_INGRESS;
}

bool mri_link_has_direction(uint32_t link_type) {
  return link_type == MIRROR_LINK_ETHERNET || link_type == MIRROR_LINK_LINUX_SLL ||
         link_type == MIRROR_LINK_LINUX_SLL2;
}

static const char *name_of(uint32_t link_type) {
  switch (link_type) {
    case MIRROR_LINK_NULL:
      return "BSD loopback";
    case MIRROR_LINK_ETHERNET:
      return "Ethernet";
    case MIRROR_LINK_RAW:
      return "raw IP";
    case MIRROR_LINK_LOOP:
      return "OpenBSD loopback";
    case MIRROR_LINK_LINUX_SLL:
      return "Linux cooked v1";
    case MIRROR_LINK_IPV4:
      return "raw IPv4";
    case MIRROR_LINK_IPV6:
      return "raw IPv6";
    case MIRROR_LINK_LINUX_SLL2:
      return "Linux cooked v2";
    default:
      return NULL;
  }
}

bool mri_link_supported(uint32_t link_type) {
  return name_of(link_type) != NULL;
}

const char *mirror_link_type_name(uint32_t link_type) {
  const char *name = name_of(link_type);
  return name ? name : "a link type that cannot be mirrored";
}
