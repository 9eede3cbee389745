/* The table of next hops. */
#include "io/hops.h"

#include "core/map.h"

#include <linux/if.h>
#include <net/if_arp.h>
#include <string.h>

void mri_hops_init(struct mri_hops *hops) {
  hops->news = hops->questions = -1;
  hops->generation = 1; /* an entry without an answer has 0 */
  hops->last = hops->table;
}

static bool same(const struct mri_hop *hop, const mirror_outer *outer) {
  return hop->family == outer->family &&
         memcmp(hop->destination, outer->destination, sizeof hop->destination) == 0 &&
         memcmp(hop->source, outer->source, sizeof hop->source) == 0;
}

static uint32_t place_of(const mirror_outer *outer) {
  uint64_t hash = mri_hash(outer->destination, sizeof outer->destination, outer->family);
  return (uint32_t)mri_hash(outer->source, sizeof outer->source, hash);
}

/* The one at `place`, or beside it; else a free place, or that of the one asked for longest ago. */
static struct mri_hop *look(struct mri_hops *hops, const mirror_outer *outer, uint32_t place) {
  struct mri_hop *victim = &hops->table[place % MRI_HOPS];
  for (uint32_t i = 0; i < MRI_HOPS_NEAR; i++) {
    struct mri_hop *hop = &hops->table[(place + i) % MRI_HOPS];
    if (same(hop, outer)) return hop;
    if (hop->asked_ns < victim->asked_ns) victim = hop;
  }
  *victim = (struct mri_hop){.family = outer->family, .status = MIRROR_E_NO_ROUTE};
  memcpy(victim->destination, outer->destination, sizeof victim->destination);
  memcpy(victim->source, outer->source, sizeof victim->source);
  return victim;
}

struct mri_hop *mri_hops_find(struct mri_hops *hops, const mirror_outer *outer) {
  if (!same(hops->last, outer)) hops->last = look(hops, outer, place_of(outer));
  return hops->last;
}

/* RFC 1112 section 6.4, RFC 2464 section 7; and the limited broadcast. */
static bool group_mac(uint32_t family, const uint8_t *address, uint8_t mac[MRI_MAC]) {
  static const uint8_t everybody[MRI_MAC] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  if (family == 6 && address[0] == 0xff) {
    mac[0] = mac[1] = 0x33;
    memcpy(mac + 2, address + 12, 4);
    return true;
  }
  if (family == 4 && address[0] >> 4 == 14) {
    const uint8_t group[MRI_MAC] = {0x01, 0, 0x5e, address[1] & 0x7f, address[2], address[3]};
    memcpy(mac, group, sizeof group);
    return true;
  }
  if (family != 4 || memcmp(address, everybody, 4) != 0) return false;
  memcpy(mac, everybody, sizeof everybody);
  return true;
}

/* As the kernel does where nobody answers: see arp_constructor and ndisc_constructor there. */
bool mri_hop_fixed_mac(const struct mri_port *port, uint32_t family, const uint8_t *address,
                       uint8_t mac[MRI_MAC]) {
  if (!mri_port_is_ethernet(port)) return true;
  if (group_mac(family, address, mac)) return true;
  if (port->flags & (IFF_NOARP | IFF_LOOPBACK)) {
    memcpy(mac, port->mac, MRI_MAC);
    return true;
  }
  if (port->flags & IFF_POINTOPOINT) memset(mac, 0xff, MRI_MAC);
  return port->flags & IFF_POINTOPOINT;
}

bool mri_port_is_ethernet(const struct mri_port *port) {
  return port->type == ARPHRD_ETHER || port->type == ARPHRD_LOOPBACK;
}

/* Without a carrier, what is sent past the queues is dropped, and nothing tells. */
int32_t mri_port_status(const struct mri_port *port) {
  const uint32_t needed = IFF_UP | IFF_LOWER_UP;
  if (!port->index) return MIRROR_E_NO_DEVICE;
  return (port->flags & needed) == needed ? MIRROR_OK : MIRROR_E_LINK_DOWN;
}
