#include "model/rules.h"

#include "model/state.h"

#include <string.h>

/* Lists have room for a power of two of rules, which their count tells. */
static uint32_t room_for(uint32_t count) {
  uint32_t room = 4;
  while (room < count)
    room *= 2;
  return room;
}

static size_t octets_for(uint32_t room) {
  return sizeof(struct mri_rules) + room * sizeof(struct mri_rule *);
}

struct mri_rules *mri_rules_new(const struct mri_alloc *alloc) {
  struct mri_rules *rules = mri_zalloc(alloc, 1, octets_for(room_for(0)));
  if (rules) rules->refs = 1;
  return rules;
}

uint32_t mri_rules_at(const struct mri_rules *rules, uint32_t priority) {
  uint32_t low = 0, high = rules->count;
  if (high > 0 && rules->rule[high - 1]->priority < priority) return high;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (rules->rule[middle]->priority < priority)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

struct mri_rule *mri_rules_find(const struct mri_rules *rules, uint32_t priority) {
  uint32_t at = mri_rules_at(rules, priority);
  return at < rules->count && rules->rule[at]->priority == priority ? rules->rule[at] : NULL;
}

static bool copy_rules(mirror_context *context, struct mri_rules **rules, uint32_t room) {
  struct mri_rules *old = *rules;
  struct mri_rules *copy = mri_zalloc(&context->alloc, 1, octets_for(room));
  if (!copy) return false;
  copy->refs = 1;
  copy->count = old->count;
  for (uint32_t i = 0; i < old->count; i++) {
    copy->rule[i] = old->rule[i];
    copy->rule[i]->refs++;
  }
  mri_rules_unref(context, old);
  *rules = copy;
  return true;
}

bool mri_rules_edit(mirror_context *context, struct mri_rules **rules) {
  uint32_t room = room_for((*rules)->count + 1);
  if ((*rules)->refs > 1) return copy_rules(context, rules, room);
  if (room == room_for((*rules)->count)) return true;
  struct mri_rules *grown = mri_resize(&context->alloc, *rules, 1, octets_for(room));
  if (!grown) return false;
  *rules = grown;
  return true;
}

void mri_rules_insert(struct mri_rules *rules, struct mri_rule *rule) {
  uint32_t at = mri_rules_at(rules, rule->priority);
  memmove(&rules->rule[at + 1], &rules->rule[at], (rules->count - at) * sizeof rules->rule[0]);
  rules->rule[at] = rule;
  rules->count++;
}

void mri_rules_remove(mirror_context *context, struct mri_rules *rules, uint32_t priority) {
  uint32_t at = mri_rules_at(rules, priority);
  mri_rule_unref(context, rules->rule[at]);
  rules->count--;
  memmove(&rules->rule[at], &rules->rule[at + 1], (rules->count - at) * sizeof rules->rule[0]);
}

static bool same_rules(const struct mri_rules *a, const struct mri_rules *b) {
  return a->count == b->count && memcmp(a->rule, b->rule, a->count * sizeof a->rule[0]) == 0;
}

void mri_rules_seal(mirror_context *context, struct mri_rules **rules, struct mri_rules *current) {
  if (*rules == current) return;
  if (current && same_rules(*rules, current)) {
    mri_rules_ref(current);
    mri_rules_unref(context, *rules);
    *rules = current;
    return;
  }
  uint64_t hash = (*rules)->count;
  for (uint32_t i = 0; i < (*rules)->count; i++)
    hash = mri_hash(&(*rules)->rule[i]->match, sizeof(struct mri_match_rule), hash);
  (*rules)->hash = hash;
}

bool mri_rule_same(const struct mri_rule *a, const struct mri_rule *b) {
  return a->direction == b->direction && a->priority == b->priority &&
         memcmp(&a->match, &b->match, sizeof a->match) == 0 && mri_text_same(a->id, b->id) &&
         mri_text_same(a->description, b->description);
}
