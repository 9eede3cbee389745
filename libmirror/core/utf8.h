/* Reading UTF-8, strictly (RFC 3629). */
#ifndef MRI_CORE_UTF8_H
#define MRI_CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of the character that a NUL-terminated text begins with; 0 if it is none (or the end). */
size_t mri_utf8_read(const char *text, uint32_t *character);

/* Control characters (C0, DEL, C1) have no place in a field or a message. */
static inline bool mri_utf8_control(uint32_t character) {
  return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

#endif
