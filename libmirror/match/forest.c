/* The forest: which rules go into which tree, and the rest. */
#include "match/forest_build.h"

#include <string.h>

enum {
  REST_GOOD = MRI_FOREST_SETS_MAX * MRI_FOREST_SET, /* rules that need not one more tree */
  TREE_MIN = 32, /* rules that make one more tree worth its steps */
  STAGES = 3,
  SPECIFIC4 = 20, /* bits of a prefix that make a rule fit for a tree by that address */
  SPECIFIC6 = 56,
  SPREAD = 6,   /* copies of a rule in a tree, as a power of two; */
  LONG = 30000, /* twice as many in lists longer than this, for the rest would be long */
  STARS = 80,   /* rules in a hundred that a chosen bit may leave open */
  LEAF4 = 4,    /* rules that one look compares, */
  LEAF6 = 2,    /* of IPv6 */
  COPIES = 12,  /* of each rule at most, on average, in one tree */
  ENTRIES_MAX = 1 << 28,
  LINES_MAX = 1 << 26, /* 4 GiB */
  SETS_KEYS = 24, /* up to which sets find the rest faster than bit vectors of many keys at once */
};

/* ---- memory ---- */

static bool is_long(const struct mri_forest_group *rest) {
  return rest->sets > MRI_FOREST_SETS_MAX;
}

static uint64_t rest_memory(const struct mri_forest_builder *builder) {
  const struct mri_forest_group *rest = &builder->rest;
  return is_long(rest) ? 0 : mri_forest_rest_size(rest, builder->build->family);
}

static uint64_t used_memory(const struct mri_forest_builder *builder) {
  return sizeof(struct mri_forest) + MRI_FOREST_LINE + rest_memory(builder) +
         builder->entries.count * (uint64_t)builder->entries.size +
         builder->lines.count * (uint64_t)builder->lines.size;
}

static bool fits(const struct mri_forest_builder *builder) {
  return builder->entries.count < ENTRIES_MAX && builder->lines.count < LINES_MAX &&
         used_memory(builder) <= builder->build->budget;
}

static bool make_room(struct mri_forest_builder *builder, struct mri_forest_vector *vector,
                      size_t needed) {
  const size_t room = needed + needed / 2 + 64;
  void *at = mri_resize(builder->build->alloc, vector->at, room, vector->size);
  if (!at) {
    builder->status = MIRROR_E_NOMEM;
    return false;
  }
  vector->at = at;
  vector->room = room;
  return true;
}

/* New elements are zero. */
bool mri_forest_grow(struct mri_forest_builder *builder, struct mri_forest_vector *vector,
                     size_t more) {
  const size_t count = vector->count + more;
  if (count > vector->room && !make_room(builder, vector, count)) return false;
  vector->count = count;
  if (fits(builder)) return true;
  builder->status = MIRROR_E_LIST_MEMORY;
  return false;
}

static void builder_free(struct mri_forest_builder *builder) {
  const struct mri_alloc *alloc = builder->build->alloc;
  mri_free(alloc, builder->patterns);
  mri_free(alloc, builder->hoisted);
  mri_free(alloc, builder->group);
  mri_free(alloc, builder->ahead);
  mri_free(alloc, builder->entries.at);
  mri_free(alloc, builder->lines.at);
  mri_free(alloc, builder->lists.at);
  mri_free(alloc, builder->places.at);
  mri_free(alloc, builder->kept.at);
  mri_free(alloc, builder->slots.at);
  mri_free(alloc, builder->scratch);
  mri_forest_group_close(alloc, &builder->rest);
}

/* Line 0 holds rules that match nothing, for packets that have nothing to compare. */
static bool builder_init(struct mri_forest_builder *builder, const struct mri_build *build) {
  *builder = (struct mri_forest_builder){.build = build, .status = MIRROR_E_NOMEM};
  builder->entries.size = sizeof(struct mri_forest_entry);
  builder->lines.size = MRI_FOREST_LINE;
  builder->lists.size = builder->kept.size = builder->slots.size = sizeof(uint32_t);
  builder->places.size = mri_forest_place_size();
  builder->views = build->family == 4 ? MRI_FOREST_VIEWS4 : MRI_FOREST_VIEWS6;
  builder->pattern_size =
      sizeof(struct mri_forest_pattern) + builder->views * sizeof(struct mri_forest_bits);
  builder->patterns = mri_zalloc(build->alloc, build->count, builder->pattern_size);
  builder->hoisted = mri_zalloc(build->alloc, build->count, 1);
  builder->group = mri_zalloc(build->alloc, build->count, 1);
  builder->ahead = mri_zalloc(build->alloc, build->count, 1);
  builder->scratch = mri_forest_scratch_new(build->alloc, builder->views);
  if (!builder->patterns || !builder->hoisted || !builder->group || !builder->ahead ||
      !builder->scratch)
    return false;
  memset(builder->group, MRI_FOREST_REST, build->count);
  for (uint32_t i = 0; i < build->count; i++)
    mri_forest_pattern_of(&build->rules[i], mri_forest_pattern_at(builder, i));
  if (!mri_forest_grow(builder, &builder->lines, 1)) return false;
  memset(builder->lines.at, 0xff, MRI_FOREST_LINE);
  return true;
}

/* ---- which rules go where ---- */

/* Which rules a tree is offered: bits that their prefixes must have at least. */
struct stage {
  uint8_t source, destination;
};

static bool is_offered(const struct mri_build *build, const struct stage *stage, uint32_t index) {
  const struct mri_match_rule *rule = &build->rules[index];
  return rule->source_length >= stage->source && rule->destination_length >= stage->destination;
}

/* Puts the rules that a stage is offered on the stack. */
static bool offer(struct mri_forest_builder *builder, const struct stage *stage,
                  const uint32_t *left, uint32_t count, struct mri_forest_list *list) {
  builder->lists.count = 0;
  if (!mri_forest_grow(builder, &builder->lists, count)) return false;
  uint32_t *members = builder->lists.at;
  list->at = list->count = 0;
  for (uint32_t i = 0; i < count; i++) {
    const bool offered = is_offered(builder->build, stage, left[i]);
    builder->hoisted[left[i]] = !offered;
    if (offered) members[list->count++] = left[i];
  }
  return true;
}

/* The others are in this tree. */
static uint32_t keep_hoisted(struct mri_forest_builder *builder, uint32_t group, uint32_t *left,
                             uint32_t count) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (builder->hoisted[left[i]])
      left[kept++] = left[i];
    else
      builder->group[left[i]] = (uint8_t)group;
  }
  return kept;
}

/* One tree of the rules that are left; takes those it holds from them. */
static bool plant(struct mri_forest_builder *builder, struct mri_forest *forest,
                  const struct stage *stage, uint32_t *left, uint32_t *count) {
  const size_t entries = builder->entries.count, lines = builder->lines.count;
  struct mri_forest_list list;
  struct mri_forest_tree *tree = &forest->tree[forest->trees];
  if (!offer(builder, stage, left, *count, &list)) return false;
  const uint32_t least = forest->trees ? TREE_MIN : 1;
  if (list.count < least) return true;
  builder->leaf = builder->build->family == 4 ? LEAF4 : LEAF6;
  builder->spread = SPREAD + (builder->build->count > LONG);
  builder->stars = STARS;
  builder->hoists = 0;
  builder->copies_left = (uint64_t)list.count * COPIES + 1024;
  if (!mri_forest_tree(builder, list, tree)) return false;
  if (list.count - builder->hoists < least) {
    builder->entries.count = entries;
    builder->lines.count = lines;
    return true;
  }
  tree->group = forest->trees++;
  *count = keep_hoisted(builder, tree->group, left, *count);
  return true;
}

static uint8_t specific_length(const struct mri_build *build) {
  return build->family == 4 ? SPECIFIC4 : SPECIFIC6;
}

/*
 * Rules that are specific in both addresses go into the first tree. That is better the one by the
 * address in which clearly more rules are specific, for all of them go with it.
 */
static bool is_destination_first(const struct mri_build *build) {
  const uint32_t specific = specific_length(build);
  uint32_t source = 0, destination = 0;
  for (uint32_t i = 0; i < build->count; i++) {
    source += build->rules[i].source_length >= specific;
    destination += build->rules[i].destination_length >= specific;
  }
  return (uint64_t)destination * 100 > (uint64_t)source * 105;
}

static bool plant_all(struct mri_forest_builder *builder, struct mri_forest *forest, uint32_t *left,
                      uint32_t *count) {
  const uint8_t specific = specific_length(builder->build);
  const struct stage stages[2][STAGES] = {{{specific, 0}, {0, specific}, {0, 0}},
                                          {{0, specific}, {specific, 0}, {0, 0}}};
  const struct stage *stage = stages[is_destination_first(builder->build)];
  for (unsigned i = 0; i < STAGES; i++) {
    if (forest->trees > 0 && *count <= REST_GOOD) break;
    if (!plant(builder, forest, &stage[i], left, count)) return false;
  }
  return true;
}

/* Trees with the lowest rules first, so that later ones have less to compare. */
static void sort_trees(struct mri_forest *forest) {
  for (uint32_t i = 1; i < forest->trees; i++) {
    const struct mri_forest_tree tree = forest->tree[i];
    uint32_t at = i;
    for (; at && forest->tree[at - 1].root.first > tree.root.first; at--)
      forest->tree[at] = forest->tree[at - 1];
    forest->tree[at] = tree;
  }
}

/* ---- the finished forest ---- */

static void forest_destroy(const struct mri_alloc *alloc, void *state) {
  struct mri_forest *forest = state;
  if (forest->vectors.structure) forest->vectors.destroy(alloc, forest->vectors.state);
  mri_free(alloc, forest);
}

static void fill_lines(const struct mri_forest_builder *builder, uint8_t *at) {
  const size_t size = builder->lines.count * MRI_FOREST_LINE;
  const size_t rule = mri_forest_rule_size(builder->build->family);
  memcpy(at, builder->lines.at, size);
  for (uint8_t *end = at + size; at < end; at += rule) {
    uint32_t word;
    memcpy(&word, at, sizeof word);
    word = mri_forest_word_of(builder, word);
    memcpy(at, &word, sizeof word);
  }
}

static void fill_entries(const struct mri_forest_builder *builder,
                         struct mri_forest_entry *entries) {
  const struct mri_forest_entry *from = builder->entries.at;
  for (size_t i = 0; i < builder->entries.count; i++) {
    entries[i] = from[i];
    entries[i].first = mri_forest_word_of(builder, from[i].first);
  }
}

static void fill_rest(const struct mri_forest_builder *builder, struct mri_forest *forest,
                      uint8_t *at) {
  if (!rest_memory(builder)) return;
  mri_forest_fill_rest(builder, at, &forest->rest);
  forest->rest.keys_max = SETS_KEYS;
}

/* One block: the forest, lines at a multiple of their size, a rest as sets, entries. */
static struct mri_forest *finish(const struct mri_forest_builder *builder,
                                 const struct mri_forest *draft) {
  struct mri_forest *forest = mri_zalloc(builder->build->alloc, 1, used_memory(builder));
  if (!forest) return NULL;
  *forest = *draft;
  uint8_t *at = (uint8_t *)(forest + 1);
  at += -(uintptr_t)at & (MRI_FOREST_LINE - 1);
  forest->lines = at;
  fill_lines(builder, at);
  at += builder->lines.count * MRI_FOREST_LINE;
  fill_rest(builder, forest, at);
  at += rest_memory(builder);
  forest->entries = (const void *)at;
  fill_entries(builder, (void *)at);
  return forest;
}

static mri_match_fn kernel(uint32_t isa, uint32_t family) {
#if defined(__x86_64__)
  if (isa == MIRROR_ISA_AVX512)
    return family == 4 ? mri_forest_match4_avx512 : mri_forest_match6_avx512;
  if (isa == MIRROR_ISA_AVX2) return family == 4 ? mri_forest_match4_avx2 : mri_forest_match6_avx2;
#endif
  (void)isa;
  return family == 4 ? mri_forest_match4_scalar : mri_forest_match6_scalar;
}

/* Copies of the rules of a group. */
static bool copy_group(const struct mri_build *build, const struct mri_forest_group *group,
                       struct mri_match_rule **rules, uint32_t **number) {
  *rules = mri_zalloc(build->alloc, group->count, sizeof **rules);
  *number = mri_zalloc(build->alloc, group->count, sizeof **number);
  if (!*rules || !*number) return false;
  for (uint32_t i = 0; i < group->count; i++) {
    (*rules)[i] = build->rules[group->member[i]];
    (*number)[i] = build->number[group->member[i]];
  }
  return true;
}

/* The rules that no tree took, as bit vectors. */
static int32_t build_vectors(const struct mri_build *build, const struct mri_forest_group *group,
                             struct mri_forest *forest, struct mri_engine *engine) {
  struct mri_match_rule *rules;
  uint32_t *number;
  int32_t status = MIRROR_E_NOMEM;
  if (!group->count) return MIRROR_OK;
  if (copy_group(build, group, &rules, &number)) {
    struct mri_build rest = *build;
    rest.rules = rules;
    rest.number = number;
    rest.count = group->count;
    rest.budget = build->budget - engine->memory;
    status = mri_nibbles_build(&rest, &forest->vectors);
  }
  mri_free(build->alloc, rules);
  mri_free(build->alloc, number);
  if (status) forest->vectors.structure = MIRROR_STRUCTURE_NONE;
  if (status != MIRROR_E_NOMEM) engine->memory += forest->vectors.memory;
  return status;
}

static int32_t build_forest(struct mri_forest_builder *builder, uint32_t *left,
                            struct mri_engine *engine) {
  struct mri_forest draft = {.trees = 0};
  uint32_t count = builder->build->count;
  for (uint32_t i = 0; i < count; i++)
    left[i] = i;
  const bool planted = plant_all(builder, &draft, left, &count);
  engine->memory = used_memory(builder);
  struct mri_forest *forest = NULL;
  if (planted) {
    sort_trees(&draft);
    builder->status = MIRROR_E_NOMEM;
    if (mri_forest_look_ahead(builder, &draft)) {
      engine->memory = used_memory(builder);
      builder->status = fits(builder) ? MIRROR_E_NOMEM : MIRROR_E_LIST_MEMORY;
      if (fits(builder)) forest = finish(builder, &draft);
    }
  }
  if (!forest) return builder->status;
  const int32_t status = build_vectors(builder->build, &builder->rest, forest, engine);
  if (status) {
    forest_destroy(builder->build->alloc, forest);
    return status;
  }
  engine->structure = MIRROR_STRUCTURE_FOREST;
  engine->state = forest;
  engine->match = kernel(builder->build->isa, builder->build->family);
  engine->destroy = forest_destroy;
  return MIRROR_OK;
}

int32_t mri_forest_build(const struct mri_build *build, struct mri_engine *engine) {
  if (build->number[build->count - 1] >= MRI_FOREST_NUMBERS)
    return mri_nibbles_build(build, engine);
  struct mri_forest_builder builder;
  uint32_t *left = mri_zalloc(build->alloc, build->count, sizeof *left);
  int32_t status = MIRROR_E_NOMEM;
  if (left && builder_init(&builder, build)) {
    status = build_forest(&builder, left, engine);
  } else if (left) {
    status = builder.status;
    engine->memory = used_memory(&builder);
  }
  if (left) builder_free(&builder);
  mri_free(build->alloc, left);
  return status;
}
