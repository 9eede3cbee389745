/* Rules in a forest: as bits, as lanes, and which of them a place in a tree does not need. */
#include "match/forest_build.h"
#include "packet/octets.h"

#include <libmirror/packet.h>
#include <string.h>

enum {
  PAIRS_MAX = 24, /* rules up to which a list is searched for hidden ones in pairs */
  WORD_BITS = 32,
  ADDRESS_WORDS6 = 4,
  ROOM_MAX = MRI_FOREST_LINES_MAX * MRI_FOREST_LINE / sizeof(struct mri_forest_row4),
};

/* ---- rules as bits ---- */

static uint32_t address_words(uint32_t family) {
  return family == 4 ? 1 : ADDRESS_WORDS6;
}

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

/* The bits of a prefix's word that are asked for. */
static uint32_t word_length(uint32_t length, uint32_t word) {
  const uint32_t before = word * WORD_BITS;
  if (length <= before) return 0;
  return length - before < WORD_BITS ? length - before : WORD_BITS;
}

static struct mri_forest_bits *address_bits(struct mri_forest_bits *bits, const uint8_t *prefix,
                                            uint32_t length, uint32_t words) {
  for (uint32_t i = 0; i < words; i++)
    *bits++ = (struct mri_forest_bits){prefix_mask(word_length(length, i)),
                                       mri_get32(prefix + sizeof(uint32_t) * i)};
  return bits;
}

static struct mri_forest_bits port_bits(const struct mri_match_rule *rule) {
  const uint32_t source = common_bits(rule->source_first, rule->source_last);
  const uint32_t destination = common_bits(rule->destination_first, rule->destination_last);
  return (struct mri_forest_bits){
      source | destination << 16,
      (source & rule->source_first) | (destination & rule->destination_first) << 16};
}

void mri_forest_pattern_of(const struct mri_match_rule *rule, struct mri_forest_pattern *pattern) {
  const bool all = rule->protocol == MIRROR_PROTOCOL_ALL;
  const uint32_t words = address_words(rule->family);
  struct mri_forest_bits *bits = pattern->bits;
  bits = address_bits(bits, rule->source, rule->source_length, words);
  bits = address_bits(bits, rule->destination, rule->destination_length, words);
  *bits++ = port_bits(rule);
  *bits = (struct mri_forest_bits){all ? 0 : 0xff, all ? 0 : rule->protocol};
  pattern->exact = is_prefix(rule->source_first, rule->source_last) &&
                   is_prefix(rule->destination_first, rule->destination_last);
  pattern->open = 0;
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
                  const struct mri_forest_region *region, uint32_t views) {
  if (!front->exact || (behind->open & ~front->open)) return false;
  uint32_t more = 0;
  for (unsigned view = 0; view < views; view++) {
    const struct mri_forest_bits *one = &front->bits[view], *other = &behind->bits[view];
    more |= one->mask & ~(other->mask | region->known[view]);
    more |= one->mask & other->mask & (one->value ^ other->value);
  }
  return more == 0;
}

static bool covers(const struct mri_forest_pattern *rule, const struct mri_forest_region *region,
                   uint32_t views) {
  uint32_t more = 0;
  for (unsigned view = 0; view < views; view++)
    more |= rule->bits[view].mask & ~region->known[view];
  return rule->exact && more == 0;
}

/* Removes what one rule hides of members[from..count). */
static uint32_t remove_hidden(const struct mri_forest_builder *builder, uint32_t *members,
                              uint32_t from, uint32_t count, uint32_t front,
                              const struct mri_forest_region *region) {
  const struct mri_forest_pattern *rule = mri_forest_pattern_at(builder, front);
  uint32_t kept = from;
  for (uint32_t i = from; i < count; i++) {
    const struct mri_forest_pattern *other =
        mri_forest_pattern_at(builder, MRI_FOREST_INDEX(members[i]));
    if (!hides(rule, other, region, builder->views)) members[kept++] = members[i];
  }
  return kept;
}

/* Removes members that cannot decide in the region; returns how many remain. */
uint32_t mri_forest_prune(const struct mri_forest_builder *builder, uint32_t *members,
                          uint32_t count, const struct mri_forest_region *region) {
  for (uint32_t i = 0; i + 1 < count; i++) {
    const uint32_t front = MRI_FOREST_INDEX(members[i]);
    if (count <= PAIRS_MAX || covers(mri_forest_pattern_at(builder, front), region, builder->views))
      count = remove_hidden(builder, members, i + 1, count, front, region);
  }
  return count;
}

/* ---- leaves ---- */

static uint32_t halves(uint32_t low, uint32_t high) {
  return (low & UINT16_MAX) | high << 16;
}

static void put_rule4(struct mri_forest_row4 *row, const struct mri_match_rule *rule,
                      uint32_t word) {
  const bool all = rule->protocol == MIRROR_PROTOCOL_ALL;
  const uint32_t source = mri_get32(rule->source), destination = mri_get32(rule->destination);
  row->word[0] = word;
  row->word[1] = source;
  row->word[2] = destination;
  row->word[3] = halves(rule->source_first, rule->destination_first);
  row->word[4] = all ? 0 : halves(rule->protocol, ~(uint32_t)rule->protocol);
  row->word[5] = ~source & prefix_mask(rule->source_length);
  row->word[6] = ~destination & prefix_mask(rule->destination_length);
  row->word[7] = ~halves(rule->source_last, rule->destination_last);
}

static void put_rule6(struct mri_forest_row6 *row, const struct mri_match_rule *rule,
                      uint32_t word) {
  const bool all = rule->protocol == MIRROR_PROTOCOL_ALL;
  uint8_t *shifts = (uint8_t *)&row->word[MRI_FOREST_SHIFTS];
  memset(shifts, WORD_BITS, MRI_FOREST_WORDS6);
  row->word[0] = word;
  for (uint32_t i = 0; i < ADDRESS_WORDS6; i++) {
    const uint32_t source = 1 + i, destination = 1 + ADDRESS_WORDS6 + i;
    row->word[source] = mri_get32(rule->source + sizeof(uint32_t) * i);
    row->word[destination] = mri_get32(rule->destination + sizeof(uint32_t) * i);
    shifts[source] = (uint8_t)(WORD_BITS - word_length(rule->source_length, i));
    shifts[destination] = (uint8_t)(WORD_BITS - word_length(rule->destination_length, i));
  }
  row->word[9] = halves(rule->source_first, rule->destination_first);
  row->word[10] = all ? 0 : halves(rule->protocol, ~(uint32_t)rule->protocol);
  row->word[11] = ~halves(rule->source_last, rule->destination_last);
}

size_t mri_forest_rule_size(uint32_t family) {
  return family == 4 ? sizeof(struct mri_forest_row4) : sizeof(struct mri_forest_row6);
}

void mri_forest_put_rule(uint8_t *at, const struct mri_match_rule *rule, uint32_t word) {
  if (rule->family == 4)
    put_rule4((void *)at, rule, word);
  else
    put_rule6((void *)at, rule, word);
}

/* A leaf of the members that are still in this tree; those that it has no room for are hoisted. */
bool mri_forest_leaf(struct mri_forest_builder *builder, const uint32_t *members, uint32_t count,
                     uint32_t depth, struct mri_forest_entry *entry) {
  const size_t size = mri_forest_rule_size(builder->build->family);
  const uint32_t line_rules = (uint32_t)(MRI_FOREST_LINE / size);
  const uint32_t room = MRI_FOREST_LINES_MAX * line_rules;
  uint32_t kept[ROOM_MAX], used = 0;
  *entry = (struct mri_forest_entry){.first = MRI_NO_RULE};
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t index = MRI_FOREST_INDEX(members[i]);
    if (builder->hoisted[index]) continue;
    if (used < room) {
      kept[used++] = index;
    } else {
      builder->hoisted[index] = 1;
      builder->hoists++;
    }
  }
  if (!used) return true;
  const uint32_t lines = (used + line_rules - 1) / line_rules;
  const size_t at = builder->lines.count;
  if (!mri_forest_grow(builder, &builder->lines, lines)) return false;
  uint8_t *row = (uint8_t *)builder->lines.at + at * MRI_FOREST_LINE;
  memset(row, 0xff, (size_t)lines * MRI_FOREST_LINE);
  for (uint32_t i = 0; i < used; i++)
    mri_forest_put_rule(row + i * size, &builder->build->rules[kept[i]], kept[i]);
  builder->at_depth[depth] += used;
  entry->first = kept[0];
  entry->mask = mri_forest_where((uint32_t)at * MRI_FOREST_LINE, lines);
  return true;
}
