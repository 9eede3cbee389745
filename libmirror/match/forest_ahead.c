/*
 * Which rules may have an earlier one in another group: another tree, or the rest. A key for which
 * a rule was found need not enter a group where no earlier rule overlaps that one.
 */
#include "match/forest_build.h"

#include <libmirror/filter.h>
#include <string.h>

enum {
  TRIES = 32,        /* comparisons after which a rule is taken to have an earlier one */
  WORK_MAX = 1 << 24 /* sets to look at; beyond this, rules are taken to have an earlier one */
};

static bool prefixes_overlap(const uint8_t *one, uint32_t one_length, const uint8_t *other,
                             uint32_t other_length) {
  const uint32_t length = one_length < other_length ? one_length : other_length;
  const uint32_t octets = length / 8, bits = length % 8;
  if (memcmp(one, other, octets) != 0) return false;
  return !bits || ((one[octets] ^ other[octets]) & (0xff00u >> bits) & 0xff) == 0;
}

static bool overlap(const struct mri_match_rule *one, const struct mri_match_rule *other) {
  return (one->protocol == other->protocol || one->protocol == MIRROR_PROTOCOL_ALL ||
          other->protocol == MIRROR_PROTOCOL_ALL) &&
         one->source_first <= other->source_last && other->source_first <= one->source_last &&
         one->destination_first <= other->destination_last &&
         other->destination_first <= one->destination_last &&
         prefixes_overlap(one->source, one->source_length, other->source, other->source_length) &&
         prefixes_overlap(one->destination, one->destination_length, other->destination,
                          other->destination_length);
}

/* The rows in which members are that may overlap the rule; how many rows. */
static uint32_t rows_of(const struct mri_forest_group *group, const struct mri_match_rule *rule,
                        const mri_forest_set *rows[MRI_FOREST_INDEXED]) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < MRI_FOREST_INDEXED; i++) {
    const struct mri_forest_span span = mri_forest_span_of(rule, group->position[i]);
    if (span.first == span.last) rows[count++] = mri_forest_row_of(group, i, span.first);
  }
  return count;
}

/* Compares the members of a word; *tries counts. */
static bool word_overlaps(const struct mri_forest_group *group, const struct mri_match_rule *rule,
                          uint32_t from, uint64_t members, uint32_t earlier, uint32_t *tries) {
  for (; members; members &= members - 1) {
    const uint32_t at = from + (uint32_t)__builtin_ctzll(members);
    if (at >= earlier) return false;
    if (++*tries > TRIES || overlap(rule, &group->rules[group->member[at]])) return true;
  }
  return false;
}

static bool set_overlaps(const struct mri_forest_group *group, const struct mri_match_rule *rule,
                         uint32_t from, const mri_forest_set *members, uint32_t earlier,
                         uint32_t *tries) {
  for (uint32_t word = 0; word < MRI_FOREST_SET_WORDS; word++) {
    if (word_overlaps(group, rule, from + word * MRI_FOREST_SET_WORD, (*members)[word], earlier,
                      tries))
      return true;
  }
  return false;
}

/* Whether one of the first `earlier` members may overlap the rule. */
static bool may_overlap(const struct mri_forest_group *group, const struct mri_match_rule *rule,
                        uint32_t earlier) {
  const mri_forest_set *rows[MRI_FOREST_INDEXED];
  const uint32_t count = rows_of(group, rule, rows);
  uint32_t tries = 0;
  for (uint32_t i = 0; i * MRI_FOREST_SET < earlier; i++) {
    mri_forest_set members = ~(mri_forest_set){0};
    for (uint32_t row = 0; row < count; row++)
      members &= rows[row][i];
    if (set_overlaps(group, rule, i * MRI_FOREST_SET, &members, earlier, &tries)) return true;
  }
  return false;
}

/*
 * Sets bit `which` of the rules that an earlier member may overlap: of members, too, for a rule
 * that was hoisted late is in some leaves of another tree, and may be found there.
 */
static void mark(struct mri_forest_builder *builder, const struct mri_forest_group *group,
                 uint8_t which) {
  uint32_t earlier = 0, work = 0;
  for (uint32_t i = 0; i < builder->build->count; i++) {
    work += earlier / MRI_FOREST_SET + 1;
    if (!group->rows || work > WORK_MAX || may_overlap(group, &builder->build->rules[i], earlier))
      builder->ahead[i] |= (uint8_t)(1u << which);
    earlier += builder->group[i] == which;
  }
}

static bool look_at_group(struct mri_forest_builder *builder, struct mri_forest_group *group,
                          uint8_t which) {
  if (!mri_forest_group_open(group, builder, which)) return false;
  if (group->count) mark(builder, group, which);
  return true;
}

static bool look_at_tree(struct mri_forest_builder *builder, uint8_t which) {
  struct mri_forest_group group;
  const bool done = look_at_group(builder, &group, which);
  mri_forest_group_close(builder->build->alloc, &group);
  return done;
}

/* The first tree is looked at for every key. */
bool mri_forest_look_ahead(struct mri_forest_builder *builder, const struct mri_forest *forest) {
  for (uint32_t i = 1; i < forest->trees; i++) {
    if (!look_at_tree(builder, (uint8_t)forest->tree[i].group)) return false;
  }
  return look_at_group(builder, &builder->rest, MRI_FOREST_REST);
}
