/*
 * Groups of rules as sets. For some octets of a key and their values there is the set of members
 * that agree; the AND over the octets is a superset of the members that match.
 */
#include "match/forest_build.h"

#include <libmirror/filter.h>
#include <string.h>

enum {
  SAMPLE = 96,       /* members that octets are chosen by */
  SETS_INDEXED = 512 /* up to which building sets pays */
};

static struct mri_forest_span prefix_span(const uint8_t *prefix, uint32_t length, uint32_t octet) {
  const uint32_t bits = length > 8 * octet ? length - 8 * octet : 0;
  const uint32_t open = bits < 8 ? 0xffu >> bits : 0, first = prefix[octet] & ~open;
  return (struct mri_forest_span){first, first | open};
}

static struct mri_forest_span port_span(uint32_t first, uint32_t last, bool low) {
  if (!low) return (struct mri_forest_span){first >> 8, last >> 8};
  return first >> 8 == last >> 8 ? (struct mri_forest_span){first & 0xff, last & 0xff}
                                 : (struct mri_forest_span){0, MRI_FOREST_VALUES - 1};
}

static uint32_t address_octets(const struct mri_match_rule *rule) {
  return rule->family == 4 ? 4 : 16;
}

static uint32_t position_count(const struct mri_match_rule *rule) {
  return 2 * address_octets(rule) + 5;
}

/* Positions are those of the addresses, the ports and the protocol. */
struct mri_forest_span mri_forest_span_of(const struct mri_match_rule *rule, uint32_t position) {
  const uint32_t octets = address_octets(rule);
  if (position < octets) return prefix_span(rule->source, rule->source_length, position);
  position -= octets;
  if (position < octets) return prefix_span(rule->destination, rule->destination_length, position);
  position -= octets;
  if (position < 2) return port_span(rule->source_first, rule->source_last, position);
  if (position < 4)
    return port_span(rule->destination_first, rule->destination_last, position == 3);
  if (rule->protocol == MIRROR_PROTOCOL_ALL)
    return (struct mri_forest_span){0, MRI_FOREST_VALUES - 1};
  return (struct mri_forest_span){rule->protocol, rule->protocol};
}

static bool is_open(struct mri_forest_span span) {
  return span.last - span.first == MRI_FOREST_VALUES - 1;
}

/* ---- which octets ---- */

/* Pairs of a key inside a member and another member; those that no chosen octet tells apart. */
struct pairs {
  uint32_t member[SAMPLE];
  uint32_t count;
  uint8_t together[SAMPLE][SAMPLE];
};

static void draw_pairs(const struct mri_forest_group *group, struct pairs *pairs) {
  pairs->count = group->count < SAMPLE ? group->count : SAMPLE;
  for (uint32_t i = 0; i < pairs->count; i++)
    pairs->member[i] = group->member[(uint64_t)i * group->count / pairs->count];
  memset(pairs->together, 1, sizeof pairs->together);
}

/* How many pairs an octet would leave; `keep` takes the others out. */
static uint32_t left_together(const struct mri_forest_group *group, struct pairs *pairs,
                              uint32_t position, bool keep) {
  uint8_t first[SAMPLE], last[SAMPLE];
  uint32_t left = 0;
  for (uint32_t i = 0; i < pairs->count; i++) {
    const struct mri_forest_span span =
        mri_forest_span_of(&group->rules[pairs->member[i]], position);
    first[i] = (uint8_t)span.first;
    last[i] = (uint8_t)span.last;
  }
  for (uint32_t i = 0; i < pairs->count; i++) {
    const uint8_t value = last[i];
    for (uint32_t j = 0; j < pairs->count; j++) {
      const uint8_t together = pairs->together[i][j] & (first[j] <= value) & (value <= last[j]);
      left += together;
      if (keep) pairs->together[i][j] = together;
    }
  }
  return left;
}

static void choose_positions(struct mri_forest_group *group) {
  struct pairs pairs;
  const uint32_t positions = position_count(group->rules);
  draw_pairs(group, &pairs);
  for (uint32_t i = 0; i < MRI_FOREST_INDEXED; i++) {
    uint32_t best = UINT32_MAX;
    for (uint32_t position = 0; position < positions; position++) {
      const uint32_t left = left_together(group, &pairs, position, false);
      if (left >= best) continue;
      best = left;
      group->position[i] = position;
    }
    left_together(group, &pairs, group->position[i], true);
  }
}

/* ---- the sets ---- */

mri_forest_set *mri_forest_row_of(const struct mri_forest_group *group, uint32_t indexed,
                                  uint32_t value) {
  return group->rows + ((size_t)indexed * MRI_FOREST_VALUES + value) * group->sets;
}

static void add_member(mri_forest_set *row, uint32_t member) {
  row[member / MRI_FOREST_SET][member % MRI_FOREST_SET / MRI_FOREST_SET_WORD] |=
      UINT64_C(1) << member % MRI_FOREST_SET_WORD;
}

/* Members that leave the octet open are collected apart, for they are in all rows. */
static void fill_rows(struct mri_forest_group *group, uint32_t indexed) {
  mri_forest_set *open = mri_forest_row_of(group, MRI_FOREST_INDEXED, 0);
  memset(open, 0, group->sets * sizeof *open);
  for (uint32_t i = 0; i < group->count; i++) {
    const struct mri_forest_span span =
        mri_forest_span_of(&group->rules[group->member[i]], group->position[indexed]);
    if (is_open(span)) {
      add_member(open, i);
      continue;
    }
    for (uint32_t value = span.first; value <= span.last; value++)
      add_member(mri_forest_row_of(group, indexed, value), i);
  }
  for (uint32_t value = 0; value < MRI_FOREST_VALUES; value++) {
    mri_forest_set *row = mri_forest_row_of(group, indexed, value);
    for (uint32_t i = 0; i < group->sets; i++)
      row[i] |= open[i];
  }
}

/* Takes the rules of a tree, or those that are in none. False: no memory. */
bool mri_forest_group_open(struct mri_forest_group *group, const struct mri_forest_builder *builder,
                           uint8_t which) {
  const struct mri_build *build = builder->build;
  *group = (struct mri_forest_group){.rules = build->rules};
  group->member = mri_zalloc(build->alloc, build->count, sizeof *group->member);
  if (!group->member) return false;
  for (uint32_t i = 0; i < build->count; i++) {
    if (builder->group[i] == which) group->member[group->count++] = i;
  }
  group->sets = (group->count + MRI_FOREST_SET - 1) / MRI_FOREST_SET;
  if (group->sets > SETS_INDEXED) return true;
  group->rows =
      mri_zalloc(build->alloc, (MRI_FOREST_INDEXED * MRI_FOREST_VALUES + 1) * (size_t)group->sets,
                 sizeof *group->rows);
  if (!group->rows) return false;
  choose_positions(group);
  for (uint32_t i = 0; i < MRI_FOREST_INDEXED; i++)
    fill_rows(group, i);
  return true;
}

void mri_forest_group_close(const struct mri_alloc *alloc, struct mri_forest_group *group) {
  mri_free(alloc, group->member);
  mri_free(alloc, group->rows);
}

/* Where a position is in the row of a key: the word, and the octet in it from the low end. */
static uint32_t octet_of_row(uint32_t position, uint32_t octets) {
  enum { WORD_OCTETS = sizeof(uint32_t) };
  static const uint8_t ports_and_protocol[] = {1, 0, 3, 2, WORD_OCTETS};
  if (position < 2 * octets)
    return (MRI_FOREST_FIRST_VIEW + position / WORD_OCTETS) * WORD_OCTETS +
           (WORD_OCTETS - 1 - position % WORD_OCTETS);
  return MRI_FOREST_FIRST_VIEW * WORD_OCTETS + 2 * octets +
         ports_and_protocol[position - 2 * octets];
}

uint64_t mri_forest_rest_size(const struct mri_forest_group *group, uint32_t family) {
  const uint64_t rows = (uint64_t)MRI_FOREST_INDEXED * MRI_FOREST_VALUES * group->sets;
  const uint64_t rules = (uint64_t)group->count * mri_forest_rule_size(family);
  return rows * sizeof(mri_forest_set) +
         (rules + MRI_FOREST_LINE - 1) / MRI_FOREST_LINE * MRI_FOREST_LINE;
}

void mri_forest_fill_rest(const struct mri_forest_builder *builder, uint8_t *at,
                          struct mri_forest_rest *rest) {
  const struct mri_forest_group *group = &builder->rest;
  const struct mri_build *build = builder->build;
  const size_t size = mri_forest_rule_size(build->family);
  const size_t rows =
      (size_t)MRI_FOREST_INDEXED * MRI_FOREST_VALUES * group->sets * sizeof(mri_forest_set);
  uint8_t *lines = at + rows;
  memcpy(at, group->rows, rows);
  memset(lines, 0xff, (size_t)mri_forest_rest_size(group, build->family) - rows);
  for (uint32_t i = 0; i < group->count; i++) {
    const uint32_t index = group->member[i], word = mri_forest_word_of(builder, index);
    mri_forest_put_rule(lines + i * size, &build->rules[index], word);
    if (i % MRI_FOREST_SET == 0) rest->first[i / MRI_FOREST_SET] = word;
  }
  for (uint32_t i = 0; i < MRI_FOREST_INDEXED; i++)
    rest->octet[i] = octet_of_row(group->position[i], address_octets(build->rules));
  rest->rows = (const void *)at;
  rest->lines = lines;
  rest->sets = group->sets;
}
