/* The forest's walk of IPv6 keys in portable C. */
#define FOREST_FAMILY 6
#include "match/forest_scalar.h"

FOREST_INLINE bool forest_prepare(const void *const *keys, uint32_t count, forest_row *rows) {
  uint32_t absent = 0;
  for (uint32_t i = 0; i < count; i++) {
    mirror_key6 key;
    forest_row *row = &rows[i];
    memcpy(&key, keys[i], sizeof key);
    const uint32_t ports = mri_get16(key.source_port) | (uint32_t)mri_get16(key.destination_port)
                                                            << 16;
    row->word[0] = UINT32_MAX;
    for (uint32_t word = 0; word < 4; word++) {
      row->word[1 + word] = mri_get32(key.source + 4 * word);
      row->word[5 + word] = mri_get32(key.destination + 4 * word);
    }
    row->word[FOREST_PORTS] = ports;
    row->word[FOREST_PROTOCOL] = key.protocol | (uint32_t)~key.protocol << 16;
    row->word[FOREST_NOT_PORTS] = ~ports;
    absent |= key.absent;
  }
  return absent != 0;
}

/* Whether one of the words differs where the rule asks for it. (Places without a rule have shifts
 * of 255; in C a shift has to be less than the width.) */
FOREST_INLINE uint64_t forest_differ(const forest_row *rule, const forest_row *row, uint32_t from) {
  const uint8_t *shifts = (const uint8_t *)&rule->word[MRI_FOREST_SHIFTS];
  uint64_t differ = 0;
  for (uint32_t i = from; i < from + 4; i++)
    differ |= (uint64_t)(rule->word[i] ^ row->word[i]) >> (shifts[i] & 63);
  return differ;
}

FOREST_INLINE uint32_t forest_lanes_match(const forest_row *rule, const forest_row *row,
                                          uint32_t word) {
  return (uint32_t)(((rule->word[word] & UINT16_MAX) <= (row->word[word] & UINT16_MAX)) &
                    (rule->word[word] >> 16 <= row->word[word] >> 16));
}

FOREST_INLINE uint32_t forest_matches(const forest_row *rule, const forest_row *row) {
  const uint32_t bounds = forest_lanes_match(rule, row, FOREST_PORTS) &
                          forest_lanes_match(rule, row, FOREST_PROTOCOL) &
                          forest_lanes_match(rule, row, FOREST_NOT_PORTS);
  return bounds & (uint32_t)((forest_differ(rule, row, 1) | forest_differ(rule, row, 5)) == 0);
}

FOREST_INLINE uint32_t forest_look(const uint8_t *line, const uint8_t *second,
                                   const forest_row *row) {
  return forest_matches((const void *)line, row) | forest_matches((const void *)second, row) << 8;
}

void mri_forest_match6_scalar(const void *state, const void *const *keys, uint32_t count,
                              uint32_t *first) {
  forest_match(state, keys, count, first);
}
