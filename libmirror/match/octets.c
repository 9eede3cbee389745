/* What rules ask of each octet of a key. */
#include "match/nibbles.h"

#include <libmirror/filter.h>
#include <string.h>

/* Octets [at, at + octets) of the key must agree with the first `length` bits of `prefix`. */
static void ask_prefix(struct mri_octets *to, uint32_t at, uint32_t octets, const uint8_t *prefix,
                       uint32_t length) {
  for (uint32_t i = 0; i < octets; i++) {
    const uint32_t bits = length > 8 * i ? length - 8 * i : 0;
    to->mask[at + i] = (uint8_t)(bits < 8 ? 0xff00u >> bits : 0xff);
    to->value[at + i] = prefix[i] & to->mask[at + i];
  }
}

/* Bits in which all ports of a range agree; `*is_prefix` if they say all about it. */
static uint16_t common_bits(uint16_t first, uint16_t last, bool *is_prefix) {
  const uint32_t differ = first ^ last;
  const uint32_t low = differ ? UINT32_MAX >> __builtin_clz(differ) : 0;
  *is_prefix = (first & low) == 0 && (last & low) == low;
  return (uint16_t)~low;
}

static void ask_ports(struct mri_octets *to, unsigned port, uint32_t at, uint16_t first,
                      uint16_t last) {
  bool is_prefix;
  const uint16_t mask = common_bits(first, last, &is_prefix);
  to->first[port] = first;
  to->last[port] = last;
  to->is_range[port] = !is_prefix;
  if (!is_prefix) return;
  to->mask[at] = (uint8_t)(mask >> 8);
  to->mask[at + 1] = (uint8_t)mask;
  to->value[at] = (uint8_t)((first & mask) >> 8);
  to->value[at + 1] = (uint8_t)(first & mask);
}

static bool all_ports(uint16_t first, uint16_t last) {
  return first == 0 && last == UINT16_MAX;
}

void mri_octets_of(struct mri_octets *to, const struct mri_match_rule *rule) {
  const uint32_t octets = rule->family == 4 ? 4 : 16, ports = mri_ports_offset(rule->family);
  memset(to, 0, sizeof *to);
  ask_prefix(to, 4, octets, rule->source, rule->source_length);
  ask_prefix(to, 4 + octets, octets, rule->destination, rule->destination_length);
  ask_ports(to, MRI_PORT_SOURCE, ports, rule->source_first, rule->source_last);
  ask_ports(to, MRI_PORT_DESTINATION, ports + 2, rule->destination_first, rule->destination_last);
  if (!all_ports(rule->source_first, rule->source_last)) to->asks |= MIRROR_KEY_SOURCE_PORT;
  if (!all_ports(rule->destination_first, rule->destination_last))
    to->asks |= MIRROR_KEY_DESTINATION_PORT;
  if (rule->protocol == MIRROR_PROTOCOL_ALL) return;
  to->asks |= MIRROR_KEY_PROTOCOL;
  to->mask[0] = 0xff;
  to->value[0] = (uint8_t)rule->protocol;
}

static uint32_t find_range(const struct mri_port_range *ranges, uint32_t count,
                           const struct mri_octets *rule, unsigned port) {
  uint32_t at = 0;
  while (at < count &&
         (ranges[at].first != rule->first[port] || ranges[at].last != rule->last[port]))
    at++;
  return at;
}

uint32_t mri_port_ranges(const struct mri_octets *rules, uint32_t count, unsigned port,
                         struct mri_port_range *ranges) {
  struct mri_port_range found[MRI_BLOCK_MAX];
  uint32_t distinct = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (!rules[i].is_range[port]) continue;
    const uint32_t at = find_range(found, distinct, &rules[i], port);
    if (at == distinct)
      found[distinct++] = (struct mri_port_range){rules[i].first[port], rules[i].last[port], 0};
    found[at].rules |= (uint64_t)1 << i;
  }
  if (ranges) memcpy(ranges, found, distinct * sizeof *ranges);
  return distinct;
}

uint32_t mri_live_halves(const struct mri_octets *rules, uint32_t count, uint32_t halves) {
  uint32_t live = 0;
  for (uint32_t i = 0; i < count; i++) {
    for (uint32_t half = 0; half < halves; half++) {
      if (rules[i].mask[2 * half] | rules[i].mask[2 * half + 1]) live |= 1u << half;
    }
  }
  return live;
}
