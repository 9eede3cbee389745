#include "match/shadow.h"

#include <libmirror/filter.h>
#include <string.h>

/* Fields that a rule may leave open. */
enum { OPEN_SOURCE = 1, OPEN_DESTINATION = 2, OPEN_PROTOCOL = 4, OPEN_PORTS = 8 };

bool mri_shadow_init(struct mri_shadow *shadow, const struct mri_alloc *alloc, uint32_t count) {
  memset(shadow, 0, sizeof *shadow);
  mri_map_init(&shadow->map, alloc);
  return mri_map_reserve(&shadow->map, count);
}

void mri_shadow_free(struct mri_shadow *shadow) {
  mri_map_free(&shadow->map);
}

static bool all_ports(const struct mri_match_rule *rule) {
  return rule->source_first == 0 && rule->source_last == UINT16_MAX &&
         rule->destination_first == 0 && rule->destination_last == UINT16_MAX;
}

static unsigned open_fields(const struct mri_match_rule *rule) {
  return (rule->source_length ? 0 : OPEN_SOURCE) |
         (rule->destination_length ? 0 : OPEN_DESTINATION) |
         (rule->protocol == MIRROR_PROTOCOL_ALL ? OPEN_PROTOCOL : 0) |
         (all_ports(rule) ? OPEN_PORTS : 0);
}

/* The rule with these fields open, and without its action. */
static struct mri_match_rule opened(const struct mri_match_rule *rule, unsigned fields) {
  struct mri_match_rule wide = *rule;
  wide.accept = 0;
  if (fields & OPEN_SOURCE) {
    memset(wide.source, 0, sizeof wide.source);
    wide.source_length = 0;
  }
  if (fields & OPEN_DESTINATION) {
    memset(wide.destination, 0, sizeof wide.destination);
    wide.destination_length = 0;
  }
  if (fields & OPEN_PROTOCOL) wide.protocol = MIRROR_PROTOCOL_ALL;
  if (fields & OPEN_PORTS) {
    wide.source_first = wide.destination_first = 0;
    wide.source_last = wide.destination_last = UINT16_MAX;
  }
  return wide;
}

static bool is_equal(const void *item, const void *key) {
  const struct mri_match_rule rule = opened(item, 0);
  return memcmp(&rule, key, sizeof rule) == 0;
}

static bool is_seen(const struct mri_shadow *shadow, const struct mri_match_rule *wide) {
  return mri_map_find(&shadow->map, mri_hash(wide, sizeof *wide, 0), is_equal, wide);
}

bool mri_shadow_hides(struct mri_shadow *shadow, const struct mri_match_rule *rule) {
  const unsigned open = open_fields(rule);
  for (unsigned pattern = open; pattern < MRI_OPEN_PATTERNS; pattern++) {
    if (!shadow->pattern[pattern] || (pattern & open) != open) continue;
    const struct mri_match_rule wide = opened(rule, pattern);
    if (is_seen(shadow, &wide)) return true;
  }
  const struct mri_match_rule own = opened(rule, 0);
  shadow->pattern[open] = true;
  mri_map_insert(&shadow->map, mri_hash(&own, sizeof own, 0), (void *)rule);
  return false;
}
