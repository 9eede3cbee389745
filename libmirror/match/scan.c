#include "match/scan.h"

#include "match/list.h"

#include <stdbool.h>
#include <string.h>

enum {
  PROTOCOL_ABSENT = 256, /* no rule asks for this value: all others are below */
  PROTOCOL_MASK = 511,
  PORT_ABSENT = 65536,
  PORT_MAX = 65535,
};

/* A key's fields, once per scan. */
struct scan_key {
  uint16_t protocol;
  uint32_t source_port;
  uint32_t destination_port;
};

/* All ports includes packets without readable ports (O5). */
static uint32_t port_span(uint16_t first, uint16_t last) {
  return first == 0 && last == PORT_MAX ? PORT_ABSENT : (uint32_t)last - first;
}

static void compile_transport(struct mri_scan_transport *transport,
                              const struct mri_match_rule *rule, uint32_t index) {
  const bool all = rule->protocol == MIRROR_PROTOCOL_ALL;
  transport->index = index;
  transport->protocol = all ? 0 : rule->protocol;
  transport->protocol_mask = all ? 0 : PROTOCOL_MASK;
  transport->source_first = rule->source_first;
  transport->source_span = port_span(rule->source_first, rule->source_last);
  transport->destination_first = rule->destination_first;
  transport->destination_span = port_span(rule->destination_first, rule->destination_last);
}

/* `length` one bits in front of zero bits. */
static void make_mask(uint8_t *mask, uint32_t octets, uint32_t length) {
  for (uint32_t i = 0; i < octets; i++) {
    const uint32_t before = i * 8, ones = length > before ? length - before : 0;
    mask[i] = (uint8_t)(0xff00u >> (ones < 8 ? ones : 8));
  }
}

static void compile_address(void *address, void *mask, uint32_t octets, const uint8_t prefix[16],
                            uint8_t length) {
  uint8_t bits[16];
  make_mask(bits, octets, length);
  memcpy(address, prefix, octets);
  memcpy(mask, bits, octets);
}

void mri_scan_ipv4_compile(struct mri_scan_ipv4 *compiled, const struct mri_match_rule *rule,
                           uint32_t index) {
  compile_address(&compiled->source, &compiled->source_mask, 4, rule->source, rule->source_length);
  compile_address(&compiled->destination, &compiled->destination_mask, 4, rule->destination,
                  rule->destination_length);
  compile_transport(&compiled->transport, rule, index);
}

void mri_scan_ipv6_compile(struct mri_scan_ipv6 *compiled, const struct mri_match_rule *rule,
                           uint32_t index) {
  compile_address(compiled->source, compiled->source_mask, 16, rule->source, rule->source_length);
  compile_address(compiled->destination, compiled->destination_mask, 16, rule->destination,
                  rule->destination_length);
  compile_transport(&compiled->transport, rule, index);
}

static struct scan_key scan_key_of(const mirror_key *key) {
  const uint8_t present = key->present;
  return (struct scan_key){
      .protocol = present & MIRROR_KEY_PROTOCOL ? key->protocol : PROTOCOL_ABSENT,
      .source_port = present & MIRROR_KEY_SOURCE_PORT ? key->source_port : PORT_ABSENT,
      .destination_port =
          present & MIRROR_KEY_DESTINATION_PORT ? key->destination_port : PORT_ABSENT,
  };
}

static bool transport_matches(const struct mri_scan_transport *rule, const struct scan_key *key) {
  return (key->protocol & rule->protocol_mask) == rule->protocol &&
         key->source_port - rule->source_first <= rule->source_span &&
         key->destination_port - rule->destination_first <= rule->destination_span;
}

uint32_t mri_scan_ipv4(const struct mri_scan_ipv4 *rules, uint32_t count, const mirror_key *key) {
  const struct scan_key transport = scan_key_of(key);
  uint32_t source, destination;
  memcpy(&source, key->source, sizeof source);
  memcpy(&destination, key->destination, sizeof destination);
  for (const struct mri_scan_ipv4 *rule = rules; rule < rules + count; rule++) {
    if ((source & rule->source_mask) == rule->source &&
        (destination & rule->destination_mask) == rule->destination &&
        transport_matches(&rule->transport, &transport))
      return rule->transport.index;
  }
  return MRI_NO_RULE;
}

static bool in_prefix(const uint64_t address[2], const uint64_t prefix[2], const uint64_t mask[2]) {
  return (((address[0] & mask[0]) ^ prefix[0]) | ((address[1] & mask[1]) ^ prefix[1])) == 0;
}

uint32_t mri_scan_ipv6(const struct mri_scan_ipv6 *rules, uint32_t count, const mirror_key *key) {
  const struct scan_key transport = scan_key_of(key);
  uint64_t source[2], destination[2];
  memcpy(source, key->source, sizeof source);
  memcpy(destination, key->destination, sizeof destination);
  for (const struct mri_scan_ipv6 *rule = rules; rule < rules + count; rule++) {
    if (in_prefix(source, rule->source, rule->source_mask) &&
        in_prefix(destination, rule->destination, rule->destination_mask) &&
        transport_matches(&rule->transport, &transport))
      return rule->transport.index;
  }
  return MRI_NO_RULE;
}
