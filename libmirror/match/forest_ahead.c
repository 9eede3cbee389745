/*
 * Which rules may have an earlier one in another group: another tree, or the rest. A key for which
 * a rule was found need not enter a group where no earlier rule overlaps that one.
 *
 * Members of a group are bits. For some octets of a key and their values there is the set of
 * members that agree; the AND for those octets in which a rule asks for one value is a superset of
 * the members that overlap the rule. These are compared until one does.
 */
#include "match/forest_build.h"

#include <libmirror/filter.h>
#include <string.h>

enum {
  VALUES = 256,
  INDEXED = 5,       /* octets that are looked at */
  SAMPLE = 512,      /* members that octets are chosen by */
  TRIES = 32,        /* comparisons after which a rule is taken to have an earlier one */
  WORD = 64,         /* members of a word */
  WORK_MAX = 1 << 24 /* sets to look at; beyond this, rules are taken to have an earlier one */
};

/* Of GCC and Clang: one register or several, as there are. */
typedef uint64_t set __attribute__((vector_size(64), aligned(8)));

enum { SET_WORDS = sizeof(set) / sizeof(uint64_t), SET = WORD * SET_WORDS };

struct group {
  const struct mri_match_rule *rules;
  uint32_t *member; /* their indices, ascending */
  uint32_t count, sets;
  uint32_t position[INDEXED];
  set *rows; /* by indexed octet, value, and members / SET */
};

/* Values of an octet that a rule may match. */
struct span {
  uint32_t first, last;
};

static struct span prefix_span(const uint8_t *prefix, uint32_t length, uint32_t octet) {
  const uint32_t bits = length > 8 * octet ? length - 8 * octet : 0;
  const uint32_t open = bits < 8 ? 0xffu >> bits : 0, first = prefix[octet] & ~open;
  return (struct span){first, first | open};
}

static struct span port_span(uint32_t first, uint32_t last, bool low) {
  if (!low) return (struct span){first >> 8, last >> 8};
  return first >> 8 == last >> 8 ? (struct span){first & 0xff, last & 0xff}
                                 : (struct span){0, VALUES - 1};
}

static uint32_t address_octets(const struct mri_match_rule *rule) {
  return rule->family == 4 ? 4 : 16;
}

static uint32_t position_count(const struct mri_match_rule *rule) {
  return 2 * address_octets(rule) + 5;
}

/* Positions are those of the addresses, the ports and the protocol. */
static struct span span_of(const struct mri_match_rule *rule, uint32_t position) {
  const uint32_t octets = address_octets(rule);
  if (position < octets) return prefix_span(rule->source, rule->source_length, position);
  position -= octets;
  if (position < octets) return prefix_span(rule->destination, rule->destination_length, position);
  position -= octets;
  if (position < 2) return port_span(rule->source_first, rule->source_last, position);
  if (position < 4)
    return port_span(rule->destination_first, rule->destination_last, position == 3);
  if (rule->protocol == MIRROR_PROTOCOL_ALL) return (struct span){0, VALUES - 1};
  return (struct span){rule->protocol, rule->protocol};
}

static bool is_open(struct span span) {
  return span.last - span.first == VALUES - 1;
}

/* ---- which octets ---- */

/* How many members agree in an octet with the one value that another asks for, summed up. */
static uint64_t agreement(const struct group *group, uint32_t position) {
  const uint32_t step = group->count / SAMPLE + 1;
  uint32_t admit[VALUES + 1] = {0};
  uint64_t sum = 0;
  for (uint32_t i = 0; i < group->count; i += step) {
    const struct span span = span_of(&group->rules[group->member[i]], position);
    admit[span.first]++;
    admit[span.last + 1]--; /* wraps around, until summed up */
  }
  for (uint32_t value = 0; value < VALUES; value++)
    admit[value + 1] += admit[value];
  for (uint32_t i = 0; i < group->count; i += step) {
    const struct span span = span_of(&group->rules[group->member[i]], position);
    sum += span.first == span.last ? admit[span.first] : group->count / step + 1;
  }
  return sum;
}

static void choose_positions(struct group *group) {
  uint64_t best[INDEXED];
  uint32_t chosen = 0;
  const uint32_t positions = position_count(group->rules);
  for (uint32_t position = 0; position < positions; position++) {
    const uint64_t sum = agreement(group, position);
    if (chosen == INDEXED && sum >= best[INDEXED - 1]) continue;
    uint32_t at = chosen < INDEXED ? chosen++ : INDEXED - 1;
    for (; at && best[at - 1] > sum; at--) {
      best[at] = best[at - 1];
      group->position[at] = group->position[at - 1];
    }
    best[at] = sum;
    group->position[at] = position;
  }
}

/* ---- the sets ---- */

static set *row_of(const struct group *group, uint32_t indexed, uint32_t value) {
  return group->rows + ((size_t)indexed * VALUES + value) * group->sets;
}

static void add_member(set *row, uint32_t member) {
  row[member / SET][member % SET / WORD] |= UINT64_C(1) << member % WORD;
}

/* Members that leave the octet open are collected apart, for they are in all rows. */
static void fill_rows(struct group *group, uint32_t indexed) {
  set *open = row_of(group, INDEXED, 0);
  memset(open, 0, group->sets * sizeof *open);
  for (uint32_t i = 0; i < group->count; i++) {
    const struct span span = span_of(&group->rules[group->member[i]], group->position[indexed]);
    if (is_open(span)) {
      add_member(open, i);
      continue;
    }
    for (uint32_t value = span.first; value <= span.last; value++)
      add_member(row_of(group, indexed, value), i);
  }
  for (uint32_t value = 0; value < VALUES; value++) {
    set *row = row_of(group, indexed, value);
    for (uint32_t i = 0; i < group->sets; i++)
      row[i] |= open[i];
  }
}

/* Takes the rules of a tree, or those that are in none. False: no memory. */
static bool group_open(struct group *group, const struct mri_forest_builder *builder,
                       uint8_t which) {
  const struct mri_build *build = builder->build;
  *group = (struct group){.rules = build->rules};
  group->member = mri_zalloc(build->alloc, build->count, sizeof *group->member);
  if (!group->member) return false;
  for (uint32_t i = 0; i < build->count; i++) {
    if (builder->group[i] == which) group->member[group->count++] = i;
  }
  group->sets = (group->count + SET - 1) / SET;
  group->rows =
      mri_zalloc(build->alloc, (INDEXED * VALUES + 1) * (size_t)group->sets, sizeof *group->rows);
  if (!group->rows) return false;
  choose_positions(group);
  for (uint32_t i = 0; i < INDEXED; i++)
    fill_rows(group, i);
  return true;
}

static void group_close(const struct mri_alloc *alloc, struct group *group) {
  mri_free(alloc, group->member);
  mri_free(alloc, group->rows);
}

/* ---- overlaps ---- */

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
static uint32_t rows_of(const struct group *group, const struct mri_match_rule *rule,
                        const set *rows[INDEXED]) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < INDEXED; i++) {
    const struct span span = span_of(rule, group->position[i]);
    if (span.first == span.last) rows[count++] = row_of(group, i, span.first);
  }
  return count;
}

/* Compares the members of a word; *tries counts. */
static bool word_overlaps(const struct group *group, const struct mri_match_rule *rule,
                          uint32_t from, uint64_t members, uint32_t earlier, uint32_t *tries) {
  for (; members; members &= members - 1) {
    const uint32_t at = from + (uint32_t)__builtin_ctzll(members);
    if (at >= earlier) return false;
    if (++*tries > TRIES || overlap(rule, &group->rules[group->member[at]])) return true;
  }
  return false;
}

static bool set_overlaps(const struct group *group, const struct mri_match_rule *rule,
                         uint32_t from, const set *members, uint32_t earlier, uint32_t *tries) {
  for (uint32_t word = 0; word < SET_WORDS; word++) {
    if (word_overlaps(group, rule, from + word * WORD, (*members)[word], earlier, tries))
      return true;
  }
  return false;
}

/* Whether one of the first `earlier` members may overlap the rule. */
static bool may_overlap(const struct group *group, const struct mri_match_rule *rule,
                        uint32_t earlier) {
  const set *rows[INDEXED];
  const uint32_t count = rows_of(group, rule, rows);
  uint32_t tries = 0;
  for (uint32_t i = 0; i * SET < earlier; i++) {
    set members = ~(set){0};
    for (uint32_t row = 0; row < count; row++)
      members &= rows[row][i];
    if (set_overlaps(group, rule, i * SET, &members, earlier, &tries)) return true;
  }
  return false;
}

/*
 * Sets bit `which` of the rules that an earlier member may overlap: of members, too, for a rule
 * that was hoisted late is in some leaves of another tree, and may be found there.
 */
static void mark(struct mri_forest_builder *builder, const struct group *group, uint8_t which) {
  uint32_t earlier = 0, work = 0;
  for (uint32_t i = 0; i < builder->build->count; i++) {
    work += earlier / SET + 1;
    if (work > WORK_MAX || may_overlap(group, &builder->build->rules[i], earlier))
      builder->ahead[i] |= (uint8_t)(1u << which);
    earlier += builder->group[i] == which;
  }
}

static bool look_at_group(struct mri_forest_builder *builder, uint8_t which) {
  struct group group;
  const bool opened = group_open(&group, builder, which);
  if (opened && group.count) mark(builder, &group, which);
  group_close(builder->build->alloc, &group);
  return opened;
}

/* The first tree is looked at for every key. */
bool mri_forest_look_ahead(struct mri_forest_builder *builder, const struct mri_forest *forest) {
  for (uint32_t i = 1; i < forest->trees; i++) {
    if (!look_at_group(builder, (uint8_t)forest->tree[i].group)) return false;
  }
  return look_at_group(builder, MRI_FOREST_REST);
}
