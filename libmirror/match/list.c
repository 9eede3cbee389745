#include "match/list.h"

#include "match/key.h"
#include "match/shadow.h"

struct mri_list {
  struct mri_engine engine[2]; /* IPv4, IPv6; structure NONE: no rules */
  struct mri_engine small[2];  /* for batches too small to sort; NONE: the same */
};

enum {
  SCAN_BEST = 2,     /* rules up to which nothing beats looking at each */
  SMALL_BATCH = 96,  /* keys up to which classes of bit vectors hold too few for their lanes, */
  SMALL_FROM = 600,  /* rules from which trees are faster then, */
  SMALL_FROM6 = 500, /* and of IPv6 */
};

/* Rules up to which bit vectors beat trees, with 256 keys at a time. */
static uint32_t nibbles_best(uint32_t isa, uint32_t family) {
  switch (isa) {
    case MIRROR_ISA_AVX512:
      return family == 4 ? 1400 : 1000;
    case MIRROR_ISA_AVX2:
      return family == 4 ? 600 : 500;
    case MIRROR_ISA_NEON:
      return 1400;
    default:
      return family == 4 ? 1400 : 700;
  }
}

/* The rules of one family that can decide about a packet. */
struct selection {
  struct mri_match_rule *rules;
  uint32_t *number; /* their places in the whole list */
  uint32_t count;
};

typedef int32_t (*build_fn)(const struct mri_build *build, struct mri_engine *engine);

static unsigned family_index(uint32_t family) {
  return family == 6;
}

static void selection_free(const struct mri_alloc *alloc, struct selection *selection) {
  mri_free(alloc, selection->rules);
  mri_free(alloc, selection->number);
}

static int32_t select_rules(const struct mri_alloc *alloc, const struct mri_match_rule *rules,
                            uint32_t count, uint32_t family, struct selection *selection,
                            struct mri_list_facts *facts) {
  uint32_t of_family = 0;
  for (uint32_t i = 0; i < count; i++)
    of_family += rules[i].family == family;
  facts->rules[family_index(family)] = of_family;
  selection->rules = mri_zalloc(alloc, of_family, sizeof *selection->rules);
  selection->number = mri_zalloc(alloc, of_family, sizeof *selection->number);
  struct mri_shadow shadow;
  if (!selection->rules || !selection->number || !mri_shadow_init(&shadow, alloc, of_family))
    return MIRROR_E_NOMEM;
  for (uint32_t i = 0; i < count; i++) {
    if (rules[i].family != family) continue;
    if (mri_shadow_hides(&shadow, &rules[i])) {
      facts->shadowed++;
      continue;
    }
    selection->number[selection->count] = i;
    selection->rules[selection->count++] = rules[i];
  }
  mri_shadow_free(&shadow);
  return MIRROR_OK;
}

/* The builders to try, best first. */
static unsigned choose_builders(const struct mri_build *build, uint32_t structure,
                                build_fn builders[3]) {
  const uint32_t count = build->count;
  unsigned chosen = 0;
  bool scan = structure == MIRROR_STRUCTURE_SCAN || (!structure && count <= SCAN_BEST);
  bool forest = structure == MIRROR_STRUCTURE_FOREST ||
                (!structure && count > nibbles_best(build->isa, build->family));
  if (forest) builders[chosen++] = mri_forest_build;
  if (!scan) builders[chosen++] = mri_nibbles_build;
  builders[chosen++] = mri_scan_build;
  return chosen;
}

static int32_t build_engine(const struct mri_build *build, uint32_t structure,
                            struct mri_engine *engine, bool *slower) {
  build_fn builders[3];
  unsigned chosen = choose_builders(build, structure, builders);
  int32_t status = MIRROR_E_LIST_MEMORY;
  for (unsigned i = 0; i < chosen && status == MIRROR_E_LIST_MEMORY; i++) {
    *slower |= i > 0;
    status = builders[i](build, engine);
  }
  return status;
}

/* A list of middle length gets trees for small batches, if there is memory for them. */
static int32_t build_small(const struct mri_build *build, const struct mri_engine *engine,
                           struct mri_engine *small) {
  struct mri_build more = *build;
  const uint32_t from = build->family == 4 ? SMALL_FROM : SMALL_FROM6;
  if (build->isa != MIRROR_ISA_AVX512 || build->count < from ||
      engine->structure != MIRROR_STRUCTURE_NIBBLES)
    return MIRROR_OK;
  more.budget -= engine->memory;
  const int32_t status = mri_forest_build(&more, small);
  if (status) *small = (struct mri_engine){.structure = MIRROR_STRUCTURE_NONE};
  return status == MIRROR_E_LIST_MEMORY ? MIRROR_OK : status;
}

static int32_t compile_selection(const struct mri_alloc *alloc,
                                 const struct mri_list_options *options, uint32_t family,
                                 const struct selection *selection, struct mri_engine *engine,
                                 struct mri_engine *small, struct mri_list_facts *facts) {
  const uint64_t used = facts->memory;
  const struct mri_build build = {.alloc = alloc,
                                  .rules = selection->rules,
                                  .number = selection->number,
                                  .count = selection->count,
                                  .family = family,
                                  .isa = options->isa,
                                  .budget = options->budget > used ? options->budget - used : 0};
  if (!selection->count) return MIRROR_OK;
  int32_t status = build_engine(&build, options->structure, engine, &facts->slower);
  facts->memory += engine->memory;
  if (status) engine->structure = MIRROR_STRUCTURE_NONE;
  facts->structure[family_index(family)] = engine->structure;
  if (!status && !options->structure) status = build_small(&build, engine, small);
  facts->memory += small->memory;
  return status;
}

static int32_t compile_family(const struct mri_alloc *alloc, const struct mri_match_rule *rules,
                              uint32_t count, const struct mri_list_options *options,
                              uint32_t family, struct mri_list *list,
                              struct mri_list_facts *facts) {
  const unsigned index = family_index(family);
  struct selection selection = {.count = 0};
  int32_t status = select_rules(alloc, rules, count, family, &selection, facts);
  if (!status)
    status = compile_selection(alloc, options, family, &selection, &list->engine[index],
                               &list->small[index], facts);
  selection_free(alloc, &selection);
  return status;
}

int32_t mri_list_compile(const struct mri_alloc *alloc, const struct mri_match_rule *rules,
                         uint32_t count, const struct mri_list_options *options,
                         struct mri_list **list, struct mri_list_facts *facts) {
  struct mri_list *compiled = mri_zalloc(alloc, 1, sizeof *compiled);
  if (!compiled) return MIRROR_E_NOMEM;
  *facts = (struct mri_list_facts){.isa = options->isa, .memory = sizeof *compiled};
  int32_t status = compile_family(alloc, rules, count, options, 4, compiled, facts);
  if (!status) status = compile_family(alloc, rules, count, options, 6, compiled, facts);
  if (status) {
    mri_list_destroy(alloc, compiled);
    return status;
  }
  *list = compiled;
  return MIRROR_OK;
}

static void destroy_engine(const struct mri_alloc *alloc, const struct mri_engine *engine) {
  if (engine->structure) engine->destroy(alloc, engine->state);
}

void mri_list_destroy(const struct mri_alloc *alloc, struct mri_list *list) {
  if (!list) return;
  for (unsigned i = 0; i < 2; i++) {
    destroy_engine(alloc, &list->engine[i]);
    destroy_engine(alloc, &list->small[i]);
  }
  mri_free(alloc, list);
}

void mri_list_match_keys(const struct mri_list *list, uint32_t family, const void *const *keys,
                         uint32_t count, uint32_t *first) {
  const struct mri_engine *engine = &list->engine[family_index(family)];
  const struct mri_engine *small = &list->small[family_index(family)];
  if (count <= SMALL_BATCH && small->structure) engine = small;
  if (engine->structure) {
    engine->match(engine->state, keys, count, first);
    return;
  }
  for (uint32_t i = 0; i < count; i++)
    first[i] = MRI_NO_RULE;
}

uint32_t mri_list_match(const struct mri_list *list, const mirror_key *key) {
  uint32_t first;
  mri_list_match_batch(list, key, sizeof *key, 1, &first);
  return first;
}

enum { CHUNK = 256 };

/* Keys of one family, prepared, and where their answers belong. */
struct gathered {
  union {
    mirror_key4 key4[CHUNK];
    mirror_key6 key6[CHUNK];
  } keys;
  const void *pointers[CHUNK];
  uint32_t position[CHUNK];
  uint32_t count;
};

static void gather(struct gathered *gathered, const mirror_key *key, uint32_t position) {
  uint32_t at = gathered->count++;
  gathered->position[at] = position;
  if (key->family == 4) {
    mri_key4_of(&gathered->keys.key4[at], key);
    gathered->pointers[at] = &gathered->keys.key4[at];
  } else {
    mri_key6_of(&gathered->keys.key6[at], key);
    gathered->pointers[at] = &gathered->keys.key6[at];
  }
}

static void answer(const struct mri_list *list, uint32_t family, const struct gathered *gathered,
                   uint32_t *first) {
  uint32_t found[CHUNK] = {0};
  mri_list_match_keys(list, family, gathered->pointers, gathered->count, found);
  for (uint32_t i = 0; i < gathered->count; i++)
    first[gathered->position[i]] = found[i];
}

void mri_list_match_batch(const struct mri_list *list, const mirror_key *keys, uint64_t stride,
                          uint32_t count, uint32_t *first) {
  const uint8_t *at = (const uint8_t *)keys;
  for (uint32_t done = 0; done < count;) {
    struct gathered ipv4, ipv6;
    ipv4.count = ipv6.count = 0;
    uint32_t chunk = count - done < CHUNK ? count - done : CHUNK;
    for (uint32_t i = 0; i < chunk; i++, at += stride) {
      const mirror_key *key = (const void *)at;
      first[done + i] = MRI_NO_RULE;
      if (key->family == 4) gather(&ipv4, key, i);
      if (key->family == 6) gather(&ipv6, key, i);
    }
    if (ipv4.count) answer(list, 4, &ipv4, first + done);
    if (ipv6.count) answer(list, 6, &ipv6, first + done);
    done += chunk;
  }
}
