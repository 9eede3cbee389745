/*
 * Bit vectors of rules. For each octet of a key, or half of one, a table says which rules of a
 * block agree with it; the AND over all octets is the set of rules that match, its lowest bit the
 * first. Port ranges that are no prefixes are compared apart. How many rules a block has and what
 * its tables look like depends on the instruction set:
 *
 *   scalar   63 rules, 256 entries an octet, ports by a table of their own; one packet at a time
 *   bytes     8 rules, 16 entries a nibble: one shuffle looks up 16 (NEON) or 32 (AVX2) packets
 *   avx512   32 rules, 16 entries a nibble: one permutation looks up 16 packets
 */
#ifndef MRI_MATCH_NIBBLES_H
#define MRI_MATCH_NIBBLES_H

#include "match/engine.h"

#include <stdbool.h>

/* Keys that are taken at once. */
enum { MRI_NIBBLES_BATCH = 256, MRI_LANES_MAX = 32 };

enum { MRI_KEY_OCTETS = sizeof(mirror_key6), MRI_ABSENT_VALUES = 8 };

enum { MRI_PORT_SOURCE, MRI_PORT_DESTINATION, MRI_PORTS };

/* What a rule asks of a key: (key & mask) == value in each octet, and what masks cannot say. */
struct mri_octets {
  uint8_t value[MRI_KEY_OCTETS];
  uint8_t mask[MRI_KEY_OCTETS];
  uint16_t first[MRI_PORTS];
  uint16_t last[MRI_PORTS];
  bool is_range[MRI_PORTS]; /* first to last is no prefix: its octets have mask 0 */
  uint8_t asks;             /* MIRROR_KEY_ fields that must not be absent */
  bool is_hole;             /* no rule: matches nothing */
};

/* A list of rules in the layout of one instruction set. `memory` is zeroed, 64 octets aligned. */
struct mri_nibbles_layout {
  uint32_t block; /* rules that are looked up at once */
  uint32_t lanes; /* for so many packets */
  uint32_t rules; /* that a list may have, at most */
  uint64_t (*size)(const struct mri_octets *rules, uint32_t count, uint32_t family);
  void (*fill)(void *memory, const struct mri_octets *rules, uint32_t count, uint32_t family);
  /* first[i]: index of the first rule that matches keys[i], or MRI_NO_RULE. `count` is a multiple
   * of `lanes`, at most MRI_NIBBLES_BATCH + MRI_LANES_MAX. */
  mri_match_fn match4;
  mri_match_fn match6;
};

extern const struct mri_nibbles_layout mri_nibbles_scalar;
extern const struct mri_nibbles_layout mri_nibbles_neon;
extern const struct mri_nibbles_layout mri_nibbles_avx2;
extern const struct mri_nibbles_layout mri_nibbles_avx512;

void mri_octets_of(struct mri_octets *to, const struct mri_match_rule *rule);

/* Offset of the ports in a key of this family; addresses start at 4, protocol is octet 0. */
static inline uint32_t mri_ports_offset(uint32_t family) {
  return family == 4 ? offsetof(mirror_key4, source_port) : offsetof(mirror_key6, source_port);
}

/* A port range that is no prefix, and which of up to 64 rules ask for it. */
struct mri_port_range {
  uint16_t first;
  uint16_t last;
  uint64_t rules;
};

enum { MRI_BLOCK_MAX = 64 };

/* Distinct ranges of one port among up to 64 rules; how many. `ranges` may be NULL. */
uint32_t mri_port_ranges(const struct mri_octets *rules, uint32_t count, unsigned port,
                         struct mri_port_range *ranges);

/* Bit h: some rule asks for octets 2h or 2h + 1 of the key. */
uint32_t mri_live_halves(const struct mri_octets *rules, uint32_t count, uint32_t halves);

/* True if a rule asks for none of the absent fields. */
static inline bool mri_octets_allow(const struct mri_octets *rule, uint32_t absent) {
  return (rule->asks & absent) == 0;
}

#endif
