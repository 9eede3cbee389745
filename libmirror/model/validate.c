#include "model/validate.h"

#include "core/utf8.h"

#include <stdio.h>
#include <string.h>

int32_t mri_refuse_field(const struct mri_subject *subject, int32_t code, const char *field,
                         const char *value, const char *expected) {
  const struct mri_fault fault = {.code = code,
                                  .object = subject->object,
                                  .id = subject->id,
                                  .field = field,
                                  .value = value,
                                  .expected = expected};
  return mri_refuse(subject->report, &fault);
}

int32_t mri_refuse_number(const struct mri_subject *subject, int32_t code, const char *field,
                          uint64_t value, const char *expected) {
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)value);
  return mri_refuse_field(subject, code, field, text, expected);
}

int32_t mri_check_range(const struct mri_subject *subject, int32_t code, const char *field,
                        uint32_t value, uint32_t least, uint32_t most) {
  if (value >= least && value <= most) return MIRROR_OK;
  char expected[32];
  snprintf(expected, sizeof expected, "%u-%u", least, most);
  return mri_refuse_number(subject, code, field, value, expected);
}

/* Characters of a text; false if there are more than `most`, or one that `legal` refuses. */
static bool is_text(const char *text, uint32_t least, uint32_t most, bool (*legal)(uint32_t)) {
  uint32_t count = 0;
  while (*text) {
    uint32_t character = 0;
    size_t length = mri_utf8_read(text, &character);
    if (length == 0 || mri_utf8_control(character) || !legal(character) || ++count > most)
      return false;
    text += length;
  }
  return count >= least;
}

static bool any_legal(uint32_t character) {
  (void)character;
  return true;
}

static bool description_legal(uint32_t character) {
  return character != '<' && character != '>';
}

static bool interface_legal(uint32_t character) {
  return character != '/' && character != ' ' && character != 0xa0 && character != 0x3000 &&
         (character < 0x2000 || character > 0x200a);
}

/* Ideographs, kana and hangul, from the Unicode blocks of these names. */
static bool is_cjk(uint32_t character) {
  static const struct {
    uint32_t first, last;
  } blocks[] = {
      {0x1100, 0x11ff},   /* hangul jamo */
      {0x3005, 0x3007},   /* iteration mark, closing mark, zero */
      {0x3041, 0x30ff},   /* hiragana, katakana */
      {0x3131, 0x318e},   /* hangul compatibility jamo */
      {0x31f0, 0x31ff},   /* katakana phonetic extensions */
      {0x3400, 0x4dbf},   /* unified ideographs extension A */
      {0x4e00, 0x9fff},   /* unified ideographs */
      {0xa960, 0xa97f},   /* hangul jamo extended A */
      {0xac00, 0xd7a3},   /* hangul syllables */
      {0xd7b0, 0xd7ff},   /* hangul jamo extended B */
      {0xf900, 0xfaff},   /* compatibility ideographs */
      {0xff66, 0xffdc},   /* halfwidth katakana and hangul */
      {0x1aff0, 0x1b16f}, /* kana extended, kana supplement */
      {0x20000, 0x3fffd}, /* unified ideographs extensions, compatibility supplement */
  };
  for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
    if (character >= blocks[i].first && character <= blocks[i].last) return true;
  }
  return false;
}

static bool name_legal(uint32_t character) {
  return (character >= '0' && character <= '9') || (character >= 'a' && character <= 'z') ||
         (character >= 'A' && character <= 'Z') || character == '_' || character == '-' ||
         character == '.' || is_cjk(character);
}

int32_t mri_check_id(const struct mri_subject *subject, int32_t code, const char *field,
                     const char *id) {
  if (id && is_text(id, 1, 64, any_legal)) return MIRROR_OK;
  return mri_refuse_field(subject, code, field, id,
                          "1-64 characters of UTF-8 without control characters");
}

int32_t mri_check_optional_id(const struct mri_subject *subject, int32_t code, const char *field,
                              const char *id) {
  return id ? mri_check_id(subject, code, field, id) : MIRROR_OK;
}

int32_t mri_check_name(const struct mri_subject *subject, const char *name) {
  if (!name || is_text(name, 1, 64, name_legal)) return MIRROR_OK;
  return mri_refuse_field(subject, MIRROR_E_NAME, "name", name,
                          "1-64 letters, digits, CJK characters, \"_\", \"-\" or \".\"");
}

int32_t mri_check_description(const struct mri_subject *subject, const char *description) {
  if (!description || is_text(description, 0, 255, description_legal)) return MIRROR_OK;
  return mri_refuse_field(subject, MIRROR_E_DESCRIPTION, "description", description,
                          "0-255 characters without \"<\", \">\" and control characters");
}

int32_t mri_check_interface(const struct mri_subject *subject, const char *name) {
  if (!name) return MIRROR_OK;
  if (strlen(name) <= 15 && is_text(name, 1, 15, interface_legal) && strcmp(name, ".") != 0 &&
      strcmp(name, "..") != 0)
    return MIRROR_OK;
  return mri_refuse_field(subject, MIRROR_E_INTERFACE, "interface", name,
                          "an interface name: 1-15 octets without \"/\" and white space");
}

static bool is_multicast(const struct mri_address *address) {
  return address->family == 4 ? (address->octets[0] & 0xf0) == 0xe0 : address->octets[0] == 0xff;
}

static bool all_octets(const struct mri_address *address, uint8_t octet) {
  unsigned count = address->family == 4 ? 4 : 16;
  for (unsigned i = 0; i < count; i++) {
    if (address->octets[i] != octet) return false;
  }
  return true;
}

int32_t mri_check_address(const struct mri_subject *subject, const char *text,
                          enum mri_address_use use, struct mri_address *address) {
  bool unicast_only = use == MRI_ADDRESS_UNICAST;
  if (text && mri_parse_address(text, address) == MIRROR_OK && !all_octets(address, 0) &&
      !(address->family == 4 && all_octets(address, 0xff)) &&
      !(unicast_only && is_multicast(address)))
    return MIRROR_OK;
  return mri_refuse_field(subject, MIRROR_E_ADDRESS, "address", text,
                          unicast_only ? "a unicast IPv4 or IPv6 address"
                                       : "a unicast or multicast IPv4 or IPv6 address");
}

int32_t mri_check_flag(const struct mri_subject *subject, const char *field, uint32_t value) {
  if (value <= 1) return MIRROR_OK;
  return mri_refuse_number(subject, MIRROR_E_FLAG, field, value, "0 or 1");
}

int32_t mri_check_common(const struct mri_subject *subject, const char *name,
                         const char *description) {
  int32_t status = mri_check_id(subject, MIRROR_E_ID, "id", subject->id);
  if (!status) status = mri_check_name(subject, name);
  if (!status) status = mri_check_description(subject, description);
  return status;
}
