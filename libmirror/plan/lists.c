/* The cache of compiled lists: equal sequences of rule sets are compiled once. */
#include "plan/publish.h"

#include <string.h>
#include <time.h>

struct sequence {
  struct mri_rules *const *rules;
  uint32_t segments;
};

static bool same_rules(const struct mri_rules *a, const struct mri_rules *b) {
  if (a == b) return true;
  if (a->count != b->count || a->hash != b->hash) return false;
  for (uint32_t i = 0; i < a->count; i++) {
    if (memcmp(&a->rule[i]->match, &b->rule[i]->match, sizeof a->rule[i]->match) != 0) return false;
  }
  return true;
}

static bool same_sequence(const void *item, const void *key) {
  const struct mri_compiled *compiled = item;
  const struct sequence *sequence = key;
  if (compiled->segments != sequence->segments) return false;
  for (uint32_t i = 0; i < sequence->segments; i++) {
    if (!same_rules(compiled->rules[i], sequence->rules[i])) return false;
  }
  return true;
}

static uint64_t sequence_hash(const struct sequence *sequence) {
  uint64_t hash = sequence->segments;
  for (uint32_t i = 0; i < sequence->segments; i++)
    hash = mri_hash(&sequence->rules[i]->hash, sizeof sequence->rules[i]->hash, hash);
  return hash;
}

static void compiled_free(mirror_context *context, struct mri_compiled *compiled) {
  for (uint32_t i = 0; i < compiled->segments; i++)
    mri_rules_unref(context, compiled->rules[i]);
  mri_list_destroy(&context->alloc, compiled->list);
  mri_free(&context->alloc, compiled->segment_of);
  mri_free(&context->alloc, compiled->start);
  mri_free(&context->alloc, compiled);
}

static struct mri_compiled *compiled_new(mirror_context *context, const struct sequence *sequence) {
  size_t size = sizeof(struct mri_compiled) + sequence->segments * sizeof(struct mri_rules *);
  struct mri_compiled *compiled = mri_zalloc(&context->alloc, 1, size);
  if (!compiled) return NULL;
  compiled->refs = 1;
  compiled->hash = sequence_hash(sequence);
  for (uint32_t i = 0; i < sequence->segments; i++) {
    compiled->rules[i] = sequence->rules[i];
    mri_rules_ref(compiled->rules[i]);
    compiled->segments++;
    compiled->rule_count += compiled->rules[i]->count;
  }
  compiled->segment_of = mri_zalloc(&context->alloc, compiled->rule_count, sizeof(uint32_t));
  compiled->start = mri_zalloc(&context->alloc, compiled->segments, sizeof(uint32_t));
  return compiled;
}

/* Writes the rules of all segments one behind the other. */
static void flatten(struct mri_compiled *compiled, struct mri_match_rule *flat) {
  uint32_t at = 0;
  for (uint32_t segment = 0; segment < compiled->segments; segment++) {
    compiled->start[segment] = at;
    const struct mri_rules *rules = compiled->rules[segment];
    for (uint32_t i = 0; i < rules->count; i++, at++) {
      flat[at] = rules->rule[i]->match;
      compiled->segment_of[at] = segment;
    }
  }
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int32_t compile(mirror_context *context, struct mri_compiled *compiled) {
  const struct mri_list_options options = {.isa = context->isa, .budget = context->list_memory};
  const int64_t start = now_ns();
  if (!compiled->segment_of || !compiled->start) return MIRROR_E_NOMEM;
  struct mri_match_rule *flat = mri_zalloc(&context->alloc, compiled->rule_count, sizeof *flat);
  if (!flat) return MIRROR_E_NOMEM;
  flatten(compiled, flat);
  int32_t status = mri_list_compile(&context->alloc, flat, compiled->rule_count, &options,
                                    &compiled->list, &compiled->facts);
  mri_free(&context->alloc, flat);
  compiled->build_ns = now_ns() - start;
  if (!status && compiled->facts.slower)
    mri_log(context, MIRROR_LOG_WARNING,
            "a list of %u rules gets a slower structure: a faster one takes more than the %llu "
            "octets of list_memory",
            compiled->rule_count, (unsigned long long)context->list_memory);
  return status;
}

int32_t mri_compiled_get(mirror_context *context, struct mri_rules *const *rules, uint32_t segments,
                         struct mri_compiled **compiled, uint64_t *needed) {
  struct mri_publisher *publisher = context->publisher;
  struct sequence sequence = {rules, segments};
  struct mri_compiled *found =
      mri_map_find(&publisher->compiled, sequence_hash(&sequence), same_sequence, &sequence);
  if (found) {
    found->refs++;
    *compiled = found;
    return MIRROR_OK;
  }
  struct mri_compiled *fresh = compiled_new(context, &sequence);
  if (!fresh) return MIRROR_E_NOMEM;
  int32_t status = compile(context, fresh);
  if (!status && !mri_map_reserve(&publisher->compiled, 1)) status = MIRROR_E_NOMEM;
  if (status) {
    *needed = fresh->facts.memory;
    compiled_free(context, fresh);
    return status;
  }
  mri_map_insert(&publisher->compiled, fresh->hash, fresh);
  publisher->compilations++;
  publisher->compiled_rules += fresh->rule_count;
  publisher->compiled_memory += fresh->facts.memory;
  *compiled = fresh;
  return MIRROR_OK;
}

void mri_compiled_unref(mirror_context *context, struct mri_compiled *compiled) {
  if (!compiled || --compiled->refs) return;
  struct mri_publisher *publisher = context->publisher;
  mri_map_remove(&publisher->compiled, compiled->hash, compiled);
  publisher->compiled_rules -= compiled->rule_count;
  publisher->compiled_memory -= compiled->facts.memory;
  compiled_free(context, compiled);
}
