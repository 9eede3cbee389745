#include "support/draw.h"

#include <libmirror/filter.h>
#include <string.h>

enum { COMPLETE = MIRROR_KEY_PROTOCOL | MIRROR_KEY_SOURCE_PORT | MIRROR_KEY_DESTINATION_PORT };

/* Neighbouring seeds give unrelated sequences (the finalizer of splitmix64). */
void draw_seed(struct draw *draw, uint64_t seed) {
  uint64_t mixed = seed + UINT64_C(0x9e3779b97f4a7c15);
  mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
  draw->state = (mixed ^ mixed >> 31) | 1;
}

/* xorshift64* */
uint64_t draw_bits(struct draw *draw) {
  draw->state ^= draw->state >> 12;
  draw->state ^= draw->state << 25;
  draw->state ^= draw->state >> 27;
  return draw->state * UINT64_C(0x2545f4914f6cdd1d);
}

uint32_t draw_below(struct draw *draw, uint32_t bound) {
  return (uint32_t)((draw_bits(draw) >> 32) * bound >> 32);
}

bool draw_one_in(struct draw *draw, uint32_t n) {
  return draw_below(draw, n) == 0;
}

static uint32_t octets_of(uint8_t family) {
  return family == 4 ? 4 : 16;
}

/* The mask of prefix bits in one octet of an address. */
static uint8_t octet_mask(uint32_t length, uint32_t octet) {
  const uint32_t bits = length > octet * 8 ? length - octet * 8 : 0;
  return (uint8_t)(0xff00u >> (bits < 8 ? bits : 8));
}

static void address_inside(struct draw *draw, const uint8_t *prefix, uint32_t length,
                           uint32_t octets, uint8_t *address) {
  for (uint32_t i = 0; i < octets; i++) {
    const uint8_t mask = octet_mask(length, i);
    address[i] = (uint8_t)(prefix[i] | (draw_bits(draw) >> 56 & (uint8_t)~mask));
  }
}

/* Protocols as they are frequent in packets, where a rule asks for none. */
static uint8_t any_protocol(struct draw *draw) {
  static const uint8_t common[] = {6, 6, 6, 17, 17, 1, 47, 50};
  return common[draw_below(draw, sizeof common)];
}

static uint16_t port_inside(struct draw *draw, uint16_t first, uint16_t last) {
  switch (draw_below(draw, 8)) {
    case 0:
      return first;
    case 1:
      return last;
    default:
      return (uint16_t)(first + draw_below(draw, (uint32_t)(last - first) + 1));
  }
}

void draw_inside(struct draw *draw, const struct mri_match_rule *rule, mirror_key *key) {
  const uint32_t octets = octets_of(rule->family);
  *key = (mirror_key){.family = rule->family, .present = COMPLETE};
  address_inside(draw, rule->source, rule->source_length, octets, key->source);
  address_inside(draw, rule->destination, rule->destination_length, octets, key->destination);
  key->source_port = port_inside(draw, rule->source_first, rule->source_last);
  key->destination_port = port_inside(draw, rule->destination_first, rule->destination_last);
  key->protocol =
      rule->protocol == MIRROR_PROTOCOL_ALL ? any_protocol(draw) : (uint8_t)rule->protocol;
}

void draw_beside(struct draw *draw, const struct mri_match_rule *rule, mirror_key *key) {
  static const uint8_t nothing[16];
  const uint32_t octets = octets_of(rule->family), what = draw_below(draw, 4);
  draw_inside(draw, rule, key);
  if (what == 0 || what == 2) address_inside(draw, nothing, 0, octets, key->source);
  if (what == 1 || what == 2) address_inside(draw, nothing, 0, octets, key->destination);
  if (what == 3) {
    key->source_port = (uint16_t)draw_below(draw, 65536);
    key->destination_port = (uint16_t)draw_below(draw, 65536);
    key->protocol = any_protocol(draw);
  }
}

/* ---- corners ---- */

/* The lowest or highest address of a prefix. */
static void bound_address(const uint8_t *prefix, uint32_t length, uint32_t octets, bool highest,
                          uint8_t *address) {
  for (uint32_t i = 0; i < octets; i++)
    address[i] = (uint8_t)(prefix[i] | (highest ? (uint8_t)~octet_mask(length, i) : 0));
}

/* Adds 1 or -1 to a number in network byte order; wraps. */
static void step_address(uint8_t *address, uint32_t octets, bool up) {
  const uint8_t carry = up ? 0 : 0xff;
  for (uint32_t i = octets; i-- > 0;) {
    address[i] = (uint8_t)(up ? address[i] + 1 : address[i] - 1);
    if (address[i] != carry) return;
  }
}

/* `outside`: one step over the bound. */
static void corner_address(struct draw *draw, const uint8_t *prefix, uint32_t length,
                           uint32_t octets, bool outside, uint8_t *address) {
  const bool highest = draw_one_in(draw, 2);
  if (!outside && draw_one_in(draw, 3)) {
    address_inside(draw, prefix, length, octets, address);
    return;
  }
  bound_address(prefix, length, octets, highest, address);
  if (outside) step_address(address, octets, highest);
}

static uint16_t corner_port(struct draw *draw, uint16_t first, uint16_t last, bool outside) {
  const bool highest = draw_one_in(draw, 2);
  if (outside) return (uint16_t)(highest ? last + 1 : first - 1);
  return draw_one_in(draw, 3) ? port_inside(draw, first, last) : highest ? last : first;
}

static uint8_t corner_protocol(struct draw *draw, uint16_t protocol, bool outside) {
  if (protocol == MIRROR_PROTOCOL_ALL) return any_protocol(draw);
  if (!outside) return (uint8_t)protocol;
  return (uint8_t)(draw_one_in(draw, 2) ? protocol + 1 : protocol - 1);
}

void draw_corner(struct draw *draw, const struct mri_match_rule *rule, mirror_key *key) {
  const uint32_t octets = octets_of(rule->family);
  const uint32_t outside = draw_below(draw, 8); /* the field that is outside; 5-7: none */
  *key = (mirror_key){.family = rule->family, .present = COMPLETE};
  corner_address(draw, rule->source, rule->source_length, octets, outside == 0, key->source);
  corner_address(draw, rule->destination, rule->destination_length, octets, outside == 1,
                 key->destination);
  key->source_port = corner_port(draw, rule->source_first, rule->source_last, outside == 2);
  key->destination_port =
      corner_port(draw, rule->destination_first, rule->destination_last, outside == 3);
  key->protocol = corner_protocol(draw, rule->protocol, outside == 4);
}

void draw_absent(struct draw *draw, mirror_key *key) {
  static const uint8_t present[] = {MIRROR_KEY_PROTOCOL | MIRROR_KEY_SOURCE_PORT,
                                    MIRROR_KEY_PROTOCOL, 0};
  key->present = present[draw_below(draw, sizeof present)];
  if (!(key->present & MIRROR_KEY_PROTOCOL)) key->protocol = 0;
  if (!(key->present & MIRROR_KEY_SOURCE_PORT)) key->source_port = 0;
  key->destination_port = 0;
}
