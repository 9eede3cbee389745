/* The forest's walk of IPv4 keys in portable C. */
#define FOREST_FAMILY 4
#include "match/forest_scalar.h"

FOREST_INLINE bool forest_prepare(const void *const *keys, uint32_t count, forest_row *rows) {
  uint32_t absent = 0;
  for (uint32_t i = 0; i < count; i++) {
    mirror_key4 key;
    memcpy(&key, keys[i], sizeof key);
    const uint32_t ports = mri_get16(key.source_port) | (uint32_t)mri_get16(key.destination_port)
                                                            << 16;
    const uint32_t source = mri_get32(key.source), destination = mri_get32(key.destination);
    const uint32_t protocol = key.protocol | (uint32_t)~key.protocol << 16;
    rows[i] = (forest_row){
        {UINT32_MAX, source, destination, ports, protocol, ~source, ~destination, ~ports}};
    absent |= key.absent;
  }
  return absent != 0;
}

/* Whether no lane of the rule is larger than the key's. Words 1, 2, 5, 6 compare as a whole. */
FOREST_INLINE uint32_t forest_matches(const forest_row *rule, const forest_row *row) {
  const uint32_t *low = rule->word, *key = row->word;
  uint32_t less =
      (uint32_t)((low[1] <= key[1]) & (low[5] <= key[5]) & (low[2] <= key[2]) & (low[6] <= key[6]));
  less &= (uint32_t)((low[4] >> 16 <= key[4] >> 16) & (low[7] >> 16 <= key[7] >> 16) &
                     (low[3] >> 16 <= key[3] >> 16));
  less &= (uint32_t)(((low[4] & UINT16_MAX) <= (key[4] & UINT16_MAX)) &
                     ((low[7] & UINT16_MAX) <= (key[7] & UINT16_MAX)) &
                     ((low[3] & UINT16_MAX) <= (key[3] & UINT16_MAX)));
  return less;
}

FOREST_INLINE uint32_t forest_look(const uint8_t *line, const uint8_t *second,
                                   const forest_row *row) {
  const forest_row *rules = (const void *)line, *more = (const void *)second;
  return forest_matches(&rules[0], row) | forest_matches(&rules[1], row) << 4 |
         forest_matches(&more[0], row) << 8 | forest_matches(&more[1], row) << 12;
}

void mri_forest_match4_scalar(const void *state, const void *const *keys, uint32_t count,
                              uint32_t *first) {
  forest_match(state, keys, count, first);
}
