/* Rules in a forest: as bits, as lanes, and which of them a place in a tree does not need. */
#include "match/forest_build.h"
#include "packet/octets.h"

#include <libmirror/packet.h>
#include <string.h>

enum { PAIRS_MAX = 24 /* rules up to which a list is searched for hidden ones in pairs */ };

/* ---- rules as bits ---- */

static uint32_t prefix_mask(uint32_t length) {
  return length ? UINT32_MAX << (32 - length) : 0;
}

/* The bits in which all ports of a range agree. */
static uint32_t common_bits(uint16_t first, uint16_t last) {
  uint32_t differ = (uint32_t)first ^ last;
  for (unsigned shift = 1; shift < 16; shift *= 2)
    differ |= differ >> shift;
  return differ ^ UINT16_MAX;
}

static bool is_prefix(uint16_t first, uint16_t last) {
  const uint32_t differ = common_bits(first, last) ^ UINT16_MAX;
  return (first & differ) == 0 && (last & differ) == differ;
}

static bool all_ports(uint16_t first, uint16_t last) {
  return first == 0 && last == UINT16_MAX;
}

void mri_forest_pattern_of(const struct mri_match_rule *rule, struct mri_forest_pattern *pattern) {
  const bool all = rule->protocol == MIRROR_PROTOCOL_ALL;
  const uint32_t source = common_bits(rule->source_first, rule->source_last);
  const uint32_t destination = common_bits(rule->destination_first, rule->destination_last);
  *pattern = (struct mri_forest_pattern){
      .mask = {prefix_mask(rule->source_length), prefix_mask(rule->destination_length),
               source | destination << 16, all ? 0 : 0xff},
      .value = {mri_get32(rule->source), mri_get32(rule->destination),
                (source & rule->source_first) | (destination & rule->destination_first) << 16,
                all ? 0 : rule->protocol},
      .exact = is_prefix(rule->source_first, rule->source_last) &&
               is_prefix(rule->destination_first, rule->destination_last),
  };
  if (all) pattern->open |= MIRROR_KEY_PROTOCOL;
  if (all_ports(rule->source_first, rule->source_last)) pattern->open |= MIRROR_KEY_SOURCE_PORT;
  if (all_ports(rule->destination_first, rule->destination_last))
    pattern->open |= MIRROR_KEY_DESTINATION_PORT;
}

/* ---- hidden rules ---- */

/*
 * Whether `front` matches every key of the region that `behind` matches. Keys that lack a field
 * reach any region, whatever its bits of that field: a rule that asks for the field cannot hide one
 * that does not.
 */
static bool hides(const struct mri_forest_pattern *front, const struct mri_forest_pattern *behind,
                  const struct mri_forest_region *region) {
  if (!front->exact || (behind->open & ~front->open)) return false;
  uint32_t more = 0;
  for (unsigned view = 0; view < MRI_FOREST_VIEWS; view++) {
    more |= front->mask[view] & ~(behind->mask[view] | region->known[view]);
    more |= front->mask[view] & behind->mask[view] & (front->value[view] ^ behind->value[view]);
  }
  return more == 0;
}

static bool covers(const struct mri_forest_pattern *rule, const struct mri_forest_region *region) {
  uint32_t more = 0;
  for (unsigned view = 0; view < MRI_FOREST_VIEWS; view++)
    more |= rule->mask[view] & ~region->known[view];
  return rule->exact && more == 0;
}

/* Removes what one rule hides of members[from..count). */
static uint32_t remove_hidden(const struct mri_forest_builder *builder, uint32_t *members,
                              uint32_t from, uint32_t count, uint32_t front,
                              const struct mri_forest_region *region) {
  const struct mri_forest_pattern *patterns = builder->patterns;
  uint32_t kept = from;
  for (uint32_t i = from; i < count; i++) {
    if (!hides(&patterns[front], &patterns[MRI_FOREST_INDEX(members[i])], region))
      members[kept++] = members[i];
  }
  return kept;
}

/* Removes members that cannot decide in the region; returns how many remain. */
uint32_t mri_forest_prune(const struct mri_forest_builder *builder, uint32_t *members,
                          uint32_t count, const struct mri_forest_region *region) {
  for (uint32_t i = 0; i + 1 < count; i++) {
    const uint32_t front = MRI_FOREST_INDEX(members[i]);
    if (count <= PAIRS_MAX || covers(&builder->patterns[front], region))
      count = remove_hidden(builder, members, i + 1, count, front, region);
  }
  return count;
}

/* ---- leaves ---- */

static uint32_t halves(uint32_t low, uint32_t high) {
  return (low & UINT16_MAX) | high << 16;
}

static void put_rule(struct mri_forest_row *row, const struct mri_match_rule *rule,
                     uint32_t number) {
  const bool all = rule->protocol == MIRROR_PROTOCOL_ALL;
  const uint32_t source = mri_get32(rule->source), destination = mri_get32(rule->destination);
  row->word[0] = number;
  row->word[1] = source;
  row->word[2] = destination;
  row->word[3] = halves(rule->source_first, rule->destination_first);
  row->word[4] = all ? 0 : halves(rule->protocol, ~(uint32_t)rule->protocol);
  row->word[5] = ~source & prefix_mask(rule->source_length);
  row->word[6] = ~destination & prefix_mask(rule->destination_length);
  row->word[7] = ~halves(rule->source_last, rule->destination_last);
}

/*
 * A leaf of the members that are still in this tree; those that it has no room for are hoisted.
 */
bool mri_forest_leaf(struct mri_forest_builder *builder, const uint32_t *members, uint32_t count,
                     uint32_t depth, struct mri_forest_entry *entry) {
  enum { ROOM = MRI_FOREST_LINES_MAX * MRI_FOREST_LINE_RULES };
  uint32_t kept[ROOM], used = 0;
  *entry = (struct mri_forest_entry){.first = MRI_NO_RULE};
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t index = MRI_FOREST_INDEX(members[i]);
    if (builder->hoisted[index]) continue;
    if (used < ROOM) {
      kept[used++] = index;
    } else {
      builder->hoisted[index] = 1;
      builder->hoists++;
    }
  }
  if (!used) return true;
  const uint32_t lines = (used + MRI_FOREST_LINE_RULES - 1) / MRI_FOREST_LINE_RULES;
  const size_t at = builder->lines.count;
  if (!mri_forest_grow(builder, &builder->lines, lines)) return false;
  struct mri_forest_row *row = (void *)((uint8_t *)builder->lines.at + at * MRI_FOREST_LINE);
  memset(row, 0xff, (size_t)lines * MRI_FOREST_LINE);
  for (uint32_t i = 0; i < used; i++)
    put_rule(&row[i], &builder->build->rules[kept[i]], builder->build->number[kept[i]]);
  builder->at_depth[depth] += used;
  entry->first = builder->build->number[kept[0]];
  entry->mask = lines << MRI_FOREST_LINE_BITS | (uint32_t)at;
  return true;
}
