/*
 * The scalar scan: every rule in order until one matches. Rules and keys are brought into a form
 * in which an absent field is a value that no rule asking for the field contains.
 */
#ifndef MRI_MATCH_SCAN_H
#define MRI_MATCH_SCAN_H

#include "core/rule.h"

#include <libmirror/packet.h>

/* The fields other than addresses: value & protocol_mask, and first <= port <= first + span. */
struct mri_scan_transport {
  uint32_t index; /* of the rule in the whole list */
  uint16_t protocol;
  uint16_t protocol_mask;
  uint32_t source_first;
  uint32_t source_span;
  uint32_t destination_first;
  uint32_t destination_span;
};

/* Addresses and masks as they lie in memory: both sides are compared in the same octet order. */
struct mri_scan_ipv4 {
  uint32_t source;
  uint32_t source_mask;
  uint32_t destination;
  uint32_t destination_mask;
  struct mri_scan_transport transport;
};

struct mri_scan_ipv6 {
  uint64_t source[2];
  uint64_t source_mask[2];
  uint64_t destination[2];
  uint64_t destination_mask[2];
  struct mri_scan_transport transport;
};

void mri_scan_ipv4_compile(struct mri_scan_ipv4 *compiled, const struct mri_match_rule *rule,
                           uint32_t index);
void mri_scan_ipv6_compile(struct mri_scan_ipv6 *compiled, const struct mri_match_rule *rule,
                           uint32_t index);

/* Index of the first rule that matches a key of the array's family, or MRI_NO_RULE. */
uint32_t mri_scan_ipv4(const struct mri_scan_ipv4 *rules, uint32_t count, const mirror_key *key);
uint32_t mri_scan_ipv6(const struct mri_scan_ipv6 *rules, uint32_t count, const mirror_key *key);

#endif
