/*
 * What the specification says of packets and rules, written down a second time, slowly and without
 * a line of the library: the judge of the harnesses and of the accounts.
 */
#ifndef TESTS_SUPPORT_NAIVE_H
#define TESTS_SUPPORT_NAIVE_H

#include "core/rule.h"

#include <libmirror/packet.h>
#include <stdbool.h>

/* M4-M8. Returns MIRROR_UNPARSABLE_, or 0 with a complete *key. */
uint32_t naive_key(const mirror_packet *packet, mirror_key *key);

/* M1: the index of the first rule that matches, or UINT32_MAX. */
uint32_t naive_match(const struct mri_match_rule *rules, uint32_t count, const mirror_key *key);

#endif
