#include "core/utf8.h"

/* Octets of a character by its first octet; `least` is the smallest value that needs as many. */
static size_t length_of(uint8_t first, uint32_t *value, uint32_t *least) {
  static const struct {
    uint8_t mask, lead;
    uint32_t least;
  } form[] = {{0x80, 0x00, 1}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
  for (size_t i = 0; i < 4; i++) {
    if ((first & form[i].mask) != form[i].lead) continue;
    *value = first & (uint8_t)~form[i].mask;
    *least = form[i].least;
    return i + 1;
  }
  return 0;
}

size_t mri_utf8_read(const char *text, uint32_t *character) {
  const uint8_t *octets = (const uint8_t *)text;
  uint32_t value = 0, least = 0;
  size_t length = length_of(octets[0], &value, &least);
  for (size_t i = 1; i < length; i++) {
    if ((octets[i] & 0xc0) != 0x80) return 0;
    value = value << 6 | (octets[i] & 0x3fu);
  }
  if (value < least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return 0;
  *character = value;
  return length;
}
