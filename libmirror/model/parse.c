#include "model/parse.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Longer than every legal text of these fields. */
enum { TEXT_MAX = 64 };

static bool is_blank(char character) {
  return character == ' ' || character == '\t';
}

/* The text without surrounding blanks; false if it is too long to be legal. */
static bool trim(const char *text, char trimmed[TEXT_MAX]) {
  while (is_blank(*text))
    text++;
  size_t length = strlen(text);
  while (length > 0 && is_blank(text[length - 1]))
    length--;
  if (length >= TEXT_MAX) return false;
  memcpy(trimmed, text, length);
  trimmed[length] = '\0';
  return true;
}

/* A decimal number of 1-5 digits and nothing else. */
static bool parse_number(const char *text, uint32_t *number) {
  size_t digits = strspn(text, "0123456789");
  if (digits == 0 || digits > 5 || text[digits]) return false;
  *number = 0;
  for (; *text; text++)
    *number = *number * 10 + (uint32_t)(*text - '0');
  return true;
}

static bool parse_octets(const char *text, unsigned family, uint8_t octets[16]) {
  memset(octets, 0, 16);
  return inet_pton(family == 4 ? AF_INET : AF_INET6, text, octets) == 1;
}

int32_t mri_parse_address(const char *text, struct mri_address *address) {
  char trimmed[TEXT_MAX];
  if (!trim(text, trimmed)) return MIRROR_E_ADDRESS;
  address->family = strchr(trimmed, ':') ? 6 : 4;
  return parse_octets(trimmed, address->family, address->octets) ? MIRROR_OK : MIRROR_E_ADDRESS;
}

/* Clears the bits behind the prefix; true if one of them was set. */
static bool mask(uint8_t octets[16], unsigned family, unsigned length) {
  bool had_bits = false;
  for (unsigned i = 0; i < (family == 4 ? 4u : 16u); i++) {
    unsigned kept = length > 8 * i ? length - 8 * i : 0;
    uint8_t host = (uint8_t)(kept >= 8 ? 0 : 0xff >> kept);
    had_bits |= (octets[i] & host) != 0;
    octets[i] &= (uint8_t)~host;
  }
  return had_bits;
}

int32_t mri_parse_cidr(const char *text, unsigned family, uint8_t address[16], uint8_t *length,
                       char *masked) {
  char trimmed[TEXT_MAX];
  uint32_t bits;
  char *slash = trim(text, trimmed) ? strchr(trimmed, '/') : NULL;
  if (!slash || !parse_number(slash + 1, &bits)) return MIRROR_E_CIDR;
  *slash = '\0';
  unsigned found = strchr(trimmed, ':') ? 6 : 4;
  if (!parse_octets(trimmed, found, address) || bits > (found == 4 ? 32 : 128))
    return MIRROR_E_CIDR;
  if (found != family) return MIRROR_E_CIDR_FAMILY;
  *length = (uint8_t)bits;
  if (!mask(address, family, bits)) return MIRROR_OK;
  mri_format_cidr(address, family, bits, masked);
  return MIRROR_E_CIDR_HOST_BITS;
}

int32_t mri_parse_ports(const char *text, uint32_t *first, uint32_t *last) {
  char trimmed[TEXT_MAX];
  if (!trim(text, trimmed)) return MIRROR_E_PORT_RANGE;
  *first = 0;
  *last = UINT16_MAX;
  if (!*trimmed) return MIRROR_OK;
  char *dash = strchr(trimmed, '-');
  if (dash) *dash = '\0';
  if (!parse_number(trimmed, first) || !parse_number(dash ? dash + 1 : trimmed, last))
    return MIRROR_E_PORT_RANGE;
  return *last <= UINT16_MAX && *first <= *last ? MIRROR_OK : MIRROR_E_PORT_RANGE;
}

static const struct {
  const char *name;
  uint32_t protocol;
} protocols[] = {
    {"TCP", 6}, {"UDP", 17}, {"ICMP", 1}, {"ICMPV6", 58}, {"ALL", MIRROR_PROTOCOL_ALL}};
enum { PROTOCOLS = sizeof protocols / sizeof *protocols };

const char *mri_protocol_name(uint32_t protocol) {
  for (size_t i = 0; i < PROTOCOLS; i++) {
    if (protocols[i].protocol == protocol) return protocols[i].name;
  }
  return NULL;
}

int32_t mri_parse_protocol(const char *text, uint32_t *protocol) {
  char trimmed[TEXT_MAX];
  if (!trim(text, trimmed)) return MIRROR_E_PROTOCOL;
  for (size_t i = 0; i < PROTOCOLS; i++) {
    if (strcasecmp(protocols[i].name, trimmed) != 0) continue;
    *protocol = protocols[i].protocol;
    return MIRROR_OK;
  }
  return parse_number(trimmed, protocol) && *protocol <= 255 ? MIRROR_OK : MIRROR_E_PROTOCOL;
}

static int hex_digit(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  if (character >= 'A' && character <= 'F') return character - 'A' + 10;
  return -1;
}

int32_t mri_parse_mac(const char *text, uint8_t mac[6]) {
  char trimmed[TEXT_MAX] = "";
  if (!trim(text, trimmed) || strlen(trimmed) != 17) return MIRROR_E_MAC;
  char separator = trimmed[2];
  if (separator != ':' && separator != '-') return MIRROR_E_MAC;
  unsigned set = 0;
  for (unsigned i = 0; i < 6; i++) {
    int high = hex_digit(trimmed[3 * i]), low = hex_digit(trimmed[3 * i + 1]);
    if (high < 0 || low < 0 || (i < 5 && trimmed[3 * i + 2] != separator)) return MIRROR_E_MAC;
    mac[i] = (uint8_t)(high << 4 | low);
    set |= mac[i];
  }
  return set && !(mac[0] & 1) ? MIRROR_OK : MIRROR_E_MAC;
}

void mri_format_address(const struct mri_address *address, char *text) {
  inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->octets, text, 64);
}

void mri_format_mac(const uint8_t mac[6], char *text) {
  snprintf(text, 64, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
           mac[5]);
}

void mri_format_cidr(const uint8_t address[16], unsigned family, unsigned length, char *text) {
  inet_ntop(family == 4 ? AF_INET : AF_INET6, address, text, INET6_ADDRSTRLEN);
  size_t used = strlen(text);
  snprintf(text + used, 64 - used, "/%u", length);
}
