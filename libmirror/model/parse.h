/* Reading and writing the texts of fields; shared by model and config. No allocation. */
#ifndef MRI_MODEL_PARSE_H
#define MRI_MODEL_PARSE_H

#include "model/model.h"

/* "addr/len" with surrounding blanks (O4). Returns MIRROR_OK, MIRROR_E_CIDR,
 * MIRROR_E_CIDR_FAMILY or MIRROR_E_CIDR_HOST_BITS; for the last `masked` (at least 64 octets) holds
 * the prefix that was probably meant. family: 4 or 6. */
int32_t mri_parse_cidr(const char *text, unsigned family, uint8_t address[16], uint8_t *length,
                       char *masked);
/* "first-last" or "port", surrounding blanks, "" = all (O5). */
int32_t mri_parse_ports(const char *text, uint32_t *first, uint32_t *last);
/* "TCP", "udp", "ALL", "17" ... (O3) to 0-255 or MIRROR_PROTOCOL_ALL. */
int32_t mri_parse_protocol(const char *text, uint32_t *protocol);
/* An IPv4 or IPv6 address, surrounding blanks tolerated. */
int32_t mri_parse_address(const char *text, struct mri_address *address);
int32_t mri_parse_mac(const char *text, uint8_t mac[6]);

/* `text` holds at least 64 octets. */
void mri_format_address(const struct mri_address *address, char *text);
void mri_format_mac(const uint8_t mac[6], char *text);
void mri_format_cidr(const uint8_t address[16], unsigned family, unsigned length, char *text);
/* "TCP", "UDP", "ICMP", "ICMPV6", "ALL"; NULL for every other protocol. */
const char *mri_protocol_name(uint32_t protocol);

#endif
