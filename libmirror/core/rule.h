/* The part of a rule that is compared with packets; made by model, compiled by match. */
#ifndef MRI_CORE_RULE_H
#define MRI_CORE_RULE_H

#include <stdint.h>

/* No padding, unused octets 0: equal rules are equal octets. */
struct mri_match_rule {
  uint8_t source[16]; /* prefix in network byte order, host bits 0; IPv4 in the first 4 octets */
  uint8_t destination[16];
  uint16_t source_first; /* ports in host byte order; 0-65535 = all (1-65535 is normalized to it) */
  uint16_t source_last;
  uint16_t destination_first;
  uint16_t destination_last;
  uint16_t protocol;     /* 0-255, 256 = all */
  uint8_t family;        /* 4 or 6 */
  uint8_t accept;        /* 1 accept, 0 reject */
  uint8_t source_length; /* prefix length in bits; 0 = any */
  uint8_t destination_length;
  uint8_t reserved[2];
};

#endif
