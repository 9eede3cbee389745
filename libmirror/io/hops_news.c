/* What the kernel says about interfaces, routes and neighbours. Nothing in a message is trusted to
 * be there or to have its length. */
#include "io/hops.h"

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

enum {
  ATTRIBUTES = 64, /* types below this one are looked at */
  USABLE = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY,
};

/* The last attribute of each type, or NULL. */
struct attributes {
  const struct nlattr *of[ATTRIBUTES];
};

static int collect(const struct nlattr *attribute, void *to) {
  uint16_t type = mnl_attr_get_type(attribute);
  if (type < ATTRIBUTES) ((struct attributes *)to)->of[type] = attribute;
  return MNL_CB_OK;
}

/* The fixed part of a message of at least `size` octets, and its attributes; or NULL. */
static const void *open_message(const struct nlmsghdr *message, size_t size,
                                struct attributes *attributes) {
  memset(attributes, 0, sizeof *attributes);
  if (mnl_nlmsg_get_payload_len(message) < size) return NULL;
  mnl_attr_parse(message, (unsigned)size, collect, attributes);
  return mnl_nlmsg_get_payload(message);
}

/* False unless the attribute is there, with this length. */
static bool get(const struct attributes *attributes, uint16_t type, void *to, size_t length) {
  const struct nlattr *attribute = attributes->of[type];
  if (!attribute || mnl_attr_get_payload_len(attribute) != length) return false;
  memcpy(to, mnl_attr_get_payload(attribute), length);
  return true;
}

static size_t address_length(uint32_t family) {
  return family == 4 ? 4 : MRI_IP_ADDRESS;
}

/* 4, 6, or 0 for others. */
static uint32_t family_of(uint32_t address_family) {
  return address_family == AF_INET ? 4 : address_family == AF_INET6 ? 6 : 0;
}

static bool get_address(const struct attributes *attributes, uint16_t type, uint32_t family,
                        uint8_t to[MRI_IP_ADDRESS]) {
  uint8_t address[MRI_IP_ADDRESS] = {0};
  if (!get(attributes, type, address, address_length(family))) return false;
  memcpy(to, address, sizeof address);
  return true;
}

/* ---- interfaces ---- */

static bool has_name(const struct attributes *attributes, const char *name) {
  const struct nlattr *attribute = attributes->of[IFLA_IFNAME];
  size_t length = strlen(name) + 1; /* with the 0 behind it */
  return attribute && mnl_attr_get_payload_len(attribute) == length &&
         memcmp(mnl_attr_get_payload(attribute), name, length) == 0;
}

static void take_link(struct mri_port *port, const struct ifinfomsg *link,
                      const struct attributes *attributes) {
  port->index = (uint32_t)link->ifi_index;
  port->type = link->ifi_type;
  port->flags = link->ifi_flags;
  get(attributes, IFLA_MTU, &port->mtu, sizeof port->mtu);
  get(attributes, IFLA_ADDRESS, port->mac, sizeof port->mac);
}

/* Bridges tell of their ports with messages of the same type, in their own family. */
static const struct ifinfomsg *open_link(const struct nlmsghdr *message,
                                         struct attributes *attributes) {
  const struct ifinfomsg *link = open_message(message, sizeof *link, attributes);
  return link && link->ifi_family == AF_UNSPEC && link->ifi_index > 0 ? link : NULL;
}

bool mri_hops_read_port(struct mri_port *port, const struct nlmsghdr *message) {
  struct attributes attributes;
  if (message->nlmsg_type != RTM_NEWLINK) return false;
  const struct ifinfomsg *link = open_link(message, &attributes);
  if (link) take_link(port, link, &attributes);
  return link != NULL;
}

static void hear_link(struct mri_hops *hops, const struct nlmsghdr *message) {
  struct mri_port *port = &hops->port;
  struct attributes attributes;
  const struct ifinfomsg *link = open_link(message, &attributes);
  if (!link) return;
  hops->generation++;
  bool ours = (uint32_t)link->ifi_index == port->index;
  if (message->nlmsg_type == RTM_DELLINK) {
    if (ours) port->index = 0;
  } else if (ours || (!port->index && has_name(&attributes, port->name))) {
    take_link(port, link, &attributes);
  }
}

/* ---- routes ---- */

/* IPv4 may have a gateway with an IPv6 address: a family, and an address of its length. */
static void take_gateway(struct mri_hop *hop, const struct attributes *attributes) {
  uint8_t address[MRI_IP_ADDRESS] = {0};
  struct {
    uint16_t family;
    uint8_t address[MRI_IP_ADDRESS];
  } via;
  hop->next_family = hop->family;
  memcpy(hop->next, hop->destination, sizeof hop->next);
  if (get_address(attributes, RTA_GATEWAY, hop->family, address)) {
    memcpy(hop->next, address, sizeof hop->next);
  } else if (get(attributes, RTA_VIA, &via, sizeof via) && via.family == AF_INET6) {
    hop->next_family = 6;
    memcpy(hop->next, via.address, sizeof hop->next);
  }
}

static uint32_t mtu_of(const struct attributes *attributes) {
  struct attributes metrics = {{0}};
  uint32_t mtu = 0;
  if (attributes->of[RTA_METRICS]) {
    mnl_attr_parse_nested(attributes->of[RTA_METRICS], collect, &metrics);
    get(&metrics, RTAX_MTU, &mtu, sizeof mtu);
  }
  return mtu;
}

/* Routes that put something between, such as MPLS labels, are not ours to take. */
static bool is_usable(const struct mri_port *port, const struct rtmsg *route,
                      const struct attributes *attributes) {
  uint32_t index = 0;
  if (!get(attributes, RTA_OIF, &index, sizeof index) || index != port->index) return false;
  if (attributes->of[RTA_ENCAP]) return false;
  if (route->rtm_type == RTN_LOCAL) return port->flags & IFF_LOOPBACK;
  return route->rtm_type == RTN_UNICAST || route->rtm_type == RTN_MULTICAST ||
         route->rtm_type == RTN_BROADCAST || route->rtm_type == RTN_ANYCAST;
}

bool mri_hop_read_route(const struct mri_port *port, struct mri_hop *hop,
                        const struct nlmsghdr *message) {
  struct attributes attributes;
  if (message->nlmsg_type != RTM_NEWROUTE) return false;
  const struct rtmsg *route = open_message(message, sizeof *route, &attributes);
  if (!route || family_of(route->rtm_family) != hop->family) return false;
  hop->status = is_usable(port, route, &attributes) ? MIRROR_OK : MIRROR_E_NO_ROUTE;
  hop->mtu = mtu_of(&attributes);
  take_gateway(hop, &attributes);
  if (!get_address(&attributes, RTA_PREFSRC, hop->family, hop->preferred))
    memset(hop->preferred, 0, sizeof hop->preferred);
  return true;
}

/* ---- neighbours ---- */

static void take_neighbour(struct mri_hop *hop, const struct ndmsg *neighbour,
                           const struct attributes *attributes) {
  bool resolved =
      neighbour->ndm_state & USABLE && get(attributes, NDA_LLADDR, hop->mac, sizeof hop->mac);
  if (hop->resolved && !resolved) hop->touch_ns = 0;
  hop->resolved = resolved;
  hop->lasting = neighbour->ndm_state & (NUD_PERMANENT | NUD_NOARP);
}

bool mri_hop_read_neighbour(struct mri_hop *hop, const struct nlmsghdr *message) {
  struct attributes attributes;
  if (message->nlmsg_type != RTM_NEWNEIGH) return false;
  const struct ndmsg *neighbour = open_message(message, sizeof *neighbour, &attributes);
  if (neighbour) take_neighbour(hop, neighbour, &attributes);
  return neighbour != NULL;
}

/* Without the neighbour, the MAC may be one that needs none: that is looked up anew. */
static void forget_neighbour(struct mri_hop *hop) {
  hop->resolved = false;
  hop->touch_ns = 0;
  hop->generation = 0;
  hop->asked_ns = 0;
}

static void hear_neighbour(struct mri_hops *hops, const struct nlmsghdr *message) {
  struct attributes attributes;
  uint8_t address[MRI_IP_ADDRESS];
  const struct ndmsg *neighbour = open_message(message, sizeof *neighbour, &attributes);
  if (!neighbour || (uint32_t)neighbour->ndm_ifindex != hops->port.index) return;
  uint32_t family = family_of(neighbour->ndm_family);
  if (!family || !get_address(&attributes, NDA_DST, family, address)) return;
  for (uint32_t i = 0; i < MRI_HOPS; i++) {
    struct mri_hop *hop = &hops->table[i];
    if (!hop->family || hop->next_family != family ||
        memcmp(hop->next, address, sizeof address) != 0)
      continue;
    if (message->nlmsg_type == RTM_NEWNEIGH)
      take_neighbour(hop, neighbour, &attributes);
    else
      forget_neighbour(hop);
  }
}

/* ---- announcements ---- */

static void hear(struct mri_hops *hops, const struct nlmsghdr *message) {
  switch (message->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      hear_link(hops, message);
      break;
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
      hear_neighbour(hops, message);
      break;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
    case RTM_NEWADDR:
    case RTM_DELADDR:
    case RTM_NEWRULE:
    case RTM_DELRULE:
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP:
      hops->generation++;
      break;
    default:
      break;
  }
}

/* The last attribute may be read up to the end of its padding: so far the message has to reach. */
void mri_hops_read(struct mri_hops *hops, const void *octets, size_t length) {
  const struct nlmsghdr *message = octets;
  int left = (int)length;
  while (mnl_nlmsg_ok(message, left) && message->nlmsg_len <= ((uint32_t)left & ~3u)) {
    hear(hops, message);
    message = mnl_nlmsg_next(message, &left);
  }
}
