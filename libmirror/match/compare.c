#include "match/list.h"

#include <libmirror/match.h>
#include <stdbool.h>
#include <string.h>

static bool in_prefix(const uint8_t *address, const uint8_t *prefix, uint32_t length) {
  const uint32_t octets = length / 8, bits = length % 8;
  if (memcmp(address, prefix, octets) != 0) return false;
  return bits == 0 || (address[octets] ^ prefix[octets]) >> (8 - bits) == 0;
}

static bool all_ports(uint16_t first, uint16_t last) {
  return first == 0 && last == UINT16_MAX;
}

/* MIRROR_STEP_ of one field that the rule asks for. */
static uint32_t judge(bool present, bool equal) {
  if (!present) return MIRROR_STEP_NOT_PRESENT;
  return equal ? MIRROR_STEP_MATCHED : MIRROR_STEP_MISMATCH;
}

static uint32_t judge_protocol(const struct mri_match_rule *rule, const mirror_key *key) {
  if (rule->protocol == MIRROR_PROTOCOL_ALL) return MIRROR_STEP_MATCHED;
  return judge(key->present & MIRROR_KEY_PROTOCOL, key->protocol == rule->protocol);
}

static uint32_t judge_port(uint16_t first, uint16_t last, bool present, uint16_t port) {
  if (all_ports(first, last)) return MIRROR_STEP_MATCHED;
  return judge(present, first <= port && port <= last);
}

static uint32_t judge_field(const struct mri_match_rule *rule, const mirror_key *key,
                            uint32_t field) {
  switch (field) {
    case MIRROR_FIELD_ETHERTYPE:
      return judge(true, rule->family == key->family);
    case MIRROR_FIELD_SOURCE_CIDR:
      return judge(true, in_prefix(key->source, rule->source, rule->source_length));
    case MIRROR_FIELD_DESTINATION_CIDR:
      return judge(true, in_prefix(key->destination, rule->destination, rule->destination_length));
    case MIRROR_FIELD_PROTOCOL:
      return judge_protocol(rule, key);
    case MIRROR_FIELD_SOURCE_PORT:
      return judge_port(rule->source_first, rule->source_last,
                        key->present & MIRROR_KEY_SOURCE_PORT, key->source_port);
    default:
      return judge_port(rule->destination_first, rule->destination_last,
                        key->present & MIRROR_KEY_DESTINATION_PORT, key->destination_port);
  }
}

uint32_t mri_rule_compare(const struct mri_match_rule *rule, const mirror_key *key,
                          uint32_t *outcome) {
  for (uint32_t field = MIRROR_FIELD_ETHERTYPE; field <= MIRROR_FIELD_DESTINATION_PORT; field++) {
    *outcome = judge_field(rule, key, field);
    if (*outcome != MIRROR_STEP_MATCHED) return field;
  }
  return MIRROR_FIELD_NONE;
}
