#include "support/naive.h"

#include <string.h>

/* ---- packets: a window that shrinks from the front ---- */

struct window {
  const uint8_t *at;
  uint32_t left;
};

static uint32_t big(const uint8_t *at, uint32_t octets) {
  uint32_t number = 0;
  for (uint32_t i = 0; i < octets; i++)
    number = number * 256 + at[i];
  return number;
}

static bool skip(struct window *window, uint32_t octets) {
  if (octets > window->left) return false;
  window->at += octets;
  window->left -= octets;
  return true;
}

static uint32_t family_ethertype(uint32_t family) {
  if (family == 2) return 0x0800;
  return family == 10 || family == 24 || family == 28 || family == 30 ? 0x86dd : 0;
}

static uint32_t little(const uint8_t *at) {
  return at[0] + at[1] * 256u + at[2] * 65536u + at[3] * 16777216u;
}

static uint32_t loopback_ethertype(const uint8_t *at, bool either_order) {
  const uint32_t ethertype = family_ethertype(big(at, 4));
  return ethertype || !either_order ? ethertype : family_ethertype(little(at));
}

static bool cooked_carries_ethertypes(uint32_t device) {
  return device != 770 && device != 778 && device != 801 && device != 802 && device != 803 &&
         device != 824;
}

/* Link types with a header of fixed length: its octets, or 0. */
static uint32_t link_header(uint32_t link_type) {
  switch (link_type) {
    case MIRROR_LINK_ETHERNET:
      return 14;
    case MIRROR_LINK_NULL:
    case MIRROR_LINK_LOOP:
      return 4;
    case MIRROR_LINK_LINUX_SLL:
      return 16;
    case MIRROR_LINK_LINUX_SLL2:
      return 20;
    default:
      return 0;
  }
}

/* 0: none that could be IP. */
static uint32_t ethertype_in(uint32_t link_type, const uint8_t *header) {
  switch (link_type) {
    case MIRROR_LINK_ETHERNET:
      return big(header + 12, 2);
    case MIRROR_LINK_LINUX_SLL:
      return cooked_carries_ethertypes(big(header + 2, 2)) ? big(header + 14, 2) : 0;
    case MIRROR_LINK_LINUX_SLL2:
      return cooked_carries_ethertypes(big(header + 8, 2)) ? big(header, 2) : 0;
    default:
      return loopback_ethertype(header, link_type == MIRROR_LINK_NULL);
  }
}

static uint32_t raw_ethertype(const struct window *window) {
  const uint32_t version = window->at[0] / 16;
  return version == 4 ? 0x0800 : version == 6 ? 0x86dd : 0;
}

static uint32_t read_link(struct window *window, uint32_t link_type, uint32_t *ethertype) {
  const uint32_t header = link_header(link_type);
  if (header) {
    if (window->left < header) return MIRROR_UNPARSABLE_LINK_SHORT;
    *ethertype = ethertype_in(link_type, window->at);
    skip(window, header);
  } else if (link_type == MIRROR_LINK_RAW) {
    if (window->left == 0) return MIRROR_UNPARSABLE_IP_SHORT;
    *ethertype = raw_ethertype(window);
  } else if (link_type == MIRROR_LINK_IPV4 || link_type == MIRROR_LINK_IPV6) {
    *ethertype = link_type == MIRROR_LINK_IPV4 ? 0x0800 : 0x86dd;
  } else {
    return MIRROR_UNPARSABLE_LINK_TYPE;
  }
  return 0;
}

static uint32_t read_tags(struct window *window, uint32_t *ethertype) {
  uint32_t tags = 0;
  while (*ethertype == 0x8100 || *ethertype == 0x88a8 || *ethertype == 0x9100) {
    if (++tags > 2) return MIRROR_UNPARSABLE_TAGS;
    if (window->left < 4) return MIRROR_UNPARSABLE_TAG_SHORT;
    *ethertype = big(window->at + 2, 2);
    skip(window, 4);
  }
  return 0;
}

static void read_ports(const struct window *window, mirror_key *key) {
  const uint8_t protocol = key->protocol;
  if (protocol != 6 && protocol != 17 && protocol != 132 && protocol != 33 && protocol != 136)
    return;
  if (window->left >= 2) {
    key->source_port = (uint16_t)big(window->at, 2);
    key->present |= MIRROR_KEY_SOURCE_PORT;
  }
  if (window->left >= 4) {
    key->destination_port = (uint16_t)big(window->at + 2, 2);
    key->present |= MIRROR_KEY_DESTINATION_PORT;
  }
}

static uint32_t read_ipv4(struct window window, mirror_key *key) {
  const uint8_t *ip = window.at;
  if (window.left < 20) return MIRROR_UNPARSABLE_IP_SHORT;
  if (ip[0] / 16 != 4) return MIRROR_UNPARSABLE_IP_VERSION;
  if (ip[0] % 16 < 5) return MIRROR_UNPARSABLE_IP_LENGTH;
  key->family = 4;
  memcpy(key->source, ip + 12, 4);
  memcpy(key->destination, ip + 16, 4);
  key->protocol = ip[9];
  key->present = MIRROR_KEY_PROTOCOL;
  const uint32_t total = big(ip + 2, 2), offset = big(ip + 6, 2) % 8192;
  if (total && total < window.left) window.left = total;
  if (offset)
    key->notes = MIRROR_KEY_LATER_FRAGMENT;
  else if (ip[6] / 32 % 2)
    key->notes = MIRROR_KEY_FIRST_FRAGMENT;
  /* A total length inside the header leaves less than nothing. */
  if (!offset && skip(&window, ip[0] % 16 * 4u)) read_ports(&window, key);
  return 0;
}

/* Walks one extension header; false: the walk ends, *next may have been learnt all the same. */
static bool walk(struct window *window, uint8_t *next, mirror_key *key) {
  const uint8_t kind = *next;
  if (window->left < 1) return false;
  *next = window->at[0];
  if (kind == 44) {
    if (window->left < 4) return false;
    const uint32_t offset = big(window->at + 2, 2) / 8;
    if (offset) key->notes |= MIRROR_KEY_LATER_FRAGMENT;
    if (!offset && window->at[3] % 2) key->notes |= MIRROR_KEY_FIRST_FRAGMENT;
    return !offset && skip(window, 8);
  }
  if (window->left < 2) return false;
  return skip(window, kind == 51 ? (window->at[1] + 2u) * 4 : (window->at[1] + 1u) * 8);
}

static bool walked(uint8_t next) {
  return next == 0 || next == 43 || next == 44 || next == 51 || next == 60;
}

static uint32_t read_ipv6(struct window window, mirror_key *key) {
  const uint8_t *ip = window.at;
  if (window.left < 40) return MIRROR_UNPARSABLE_IP_SHORT;
  if (ip[0] / 16 != 6) return MIRROR_UNPARSABLE_IP_VERSION;
  key->family = 6;
  memcpy(key->source, ip + 8, 16);
  memcpy(key->destination, ip + 24, 16);
  const uint32_t payload = big(ip + 4, 2);
  skip(&window, 40);
  if (payload && payload < window.left) window.left = payload;
  uint8_t next = ip[6];
  bool on = true;
  while (on && walked(next))
    on = walk(&window, &next, key);
  if (walked(next)) return 0;
  key->protocol = next;
  key->present = MIRROR_KEY_PROTOCOL;
  if (on) read_ports(&window, key);
  return 0;
}

uint32_t naive_key(const mirror_packet *packet, mirror_key *key) {
  struct window window = {packet->data, packet->caplen};
  uint32_t ethertype = 0;
  memset(key, 0, sizeof *key);
  uint32_t why = read_link(&window, packet->link_type, &ethertype);
  if (!why) why = read_tags(&window, &ethertype);
  if (why) return why;
  if (ethertype == 0x0800) return read_ipv4(window, key);
  if (ethertype == 0x86dd) return read_ipv6(window, key);
  return MIRROR_UNPARSABLE_NOT_IP;
}

/* ---- rules ---- */

static bool bit(const uint8_t *address, uint32_t at) {
  return address[at / 8] >> (7 - at % 8) & 1;
}

static bool inside(const uint8_t *address, const uint8_t *prefix, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    if (bit(address, i) != bit(prefix, i)) return false;
  }
  return true;
}

static bool port_fits(uint16_t first, uint16_t last, bool present, uint16_t port) {
  if (first == 0 && last == 65535) return true;
  return present && port >= first && port <= last;
}

static bool fits(const struct mri_match_rule *rule, const mirror_key *key) {
  if (rule->family != key->family) return false;
  if (!inside(key->source, rule->source, rule->source_length)) return false;
  if (!inside(key->destination, rule->destination, rule->destination_length)) return false;
  if (rule->protocol != 256 &&
      !((key->present & MIRROR_KEY_PROTOCOL) && key->protocol == rule->protocol))
    return false;
  return port_fits(rule->source_first, rule->source_last, key->present & MIRROR_KEY_SOURCE_PORT,
                   key->source_port) &&
         port_fits(rule->destination_first, rule->destination_last,
                   key->present & MIRROR_KEY_DESTINATION_PORT, key->destination_port);
}

uint32_t naive_match(const struct mri_match_rule *rules, uint32_t count, const mirror_key *key) {
  for (uint32_t i = 0; i < count; i++) {
    if (fits(&rules[i], key)) return i;
  }
  return UINT32_MAX;
}
