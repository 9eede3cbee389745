/* Nodes of a tree: distributing rules over children by the bits that were chosen. */
#include "match/forest_build.h"

#include <string.h>

#define NOT_HERE UINT32_MAX

/* Where the parts of a node in work begin on the stack. */
struct work {
  struct mri_forest_cut cut;
  uint32_t children;
  size_t pattern, wild; /* by member: bits of the index that it asks for; that it leaves open */
  size_t start;         /* by child, and one more: where its list begins */
  size_t lists;
};

static uint32_t *on_stack(const struct mri_forest_builder *builder, size_t at) {
  return (uint32_t *)builder->lists.at + at;
}

static bool push(struct mri_forest_builder *builder, size_t count, size_t *at) {
  *at = builder->lists.count;
  return mri_forest_grow(builder, &builder->lists, count);
}

/* The bits of a word under a mask, moved together. */
static uint32_t extract(uint64_t words, uint64_t mask) {
  uint32_t bits = 0;
  for (unsigned to = 0; mask; to++, mask &= mask - 1)
    bits |= (uint32_t)((words & mask & -mask) != 0) << to;
  return bits;
}

static uint64_t two_masks(const struct mri_forest_bits *bits) {
  return bits[0].mask | (uint64_t)bits[1].mask << 32;
}

static uint64_t two_values(const struct mri_forest_bits *bits) {
  return bits[0].value | (uint64_t)bits[1].value << 32;
}

static uint32_t ones(uint32_t word) {
  uint32_t count = 0;
  for (; word; word &= word - 1)
    count++;
  return count;
}

static void hoist(struct mri_forest_builder *builder, uint32_t index) {
  builder->hoists += !builder->hoisted[index];
  builder->hoisted[index] = 1;
}

/* Which children each member belongs to; those that would be copied too often are hoisted. */
static void place(struct mri_forest_builder *builder, struct mri_forest_list list,
                  const struct work *work) {
  const uint32_t view = work->cut.view, all = work->children - 1;
  const uint64_t mask = work->cut.mask;
  uint32_t *members = on_stack(builder, list.at), *pattern = on_stack(builder, work->pattern),
           *wild = on_stack(builder, work->wild);
  for (uint32_t i = 0; i < list.count; i++) {
    const uint32_t index = MRI_FOREST_INDEX(members[i]);
    const struct mri_forest_bits *bits = &mri_forest_pattern_at(builder, index)->bits[view];
    pattern[i] = extract(two_values(bits), mask);
    wild[i] = all & ~extract(two_masks(bits), mask);
    const uint32_t spread = (members[i] >> MRI_FOREST_SPREAD_SHIFT) + ones(wild[i]);
    if (wild[i] && spread > builder->spread) hoist(builder, index);
    members[i] = index | spread << MRI_FOREST_SPREAD_SHIFT;
    if (builder->hoisted[index]) wild[i] = NOT_HERE;
  }
}

/* Turns start[child] into where its list begins; returns how long all are together. */
static uint64_t measure(struct mri_forest_builder *builder, uint32_t members,
                        const struct work *work) {
  const uint32_t *pattern = on_stack(builder, work->pattern), *wild = on_stack(builder, work->wild);
  uint32_t *start = on_stack(builder, work->start);
  uint64_t total = 0;
  memset(start, 0, (work->children + 1) * sizeof *start);
  for (uint32_t i = 0; i < members; i++) {
    if (wild[i] == NOT_HERE) continue;
    total += UINT64_C(1) << ones(wild[i]);
    for (uint32_t some = wild[i];; some = (some - 1) & wild[i]) {
      start[pattern[i] | some]++;
      if (!some) break;
    }
  }
  for (uint32_t child = 0, at = 0; child <= work->children; child++) {
    const uint32_t count = start[child];
    start[child] = at;
    at += count;
  }
  return total;
}

/* Copies members into the lists; start[child] becomes where its list ends. */
static void distribute(struct mri_forest_builder *builder, struct mri_forest_list list,
                       const struct work *work) {
  const uint32_t *members = on_stack(builder, list.at), *pattern = on_stack(builder, work->pattern),
                 *wild = on_stack(builder, work->wild);
  uint32_t *start = on_stack(builder, work->start), *lists = on_stack(builder, work->lists);
  for (uint32_t i = 0; i < list.count; i++) {
    if (wild[i] == NOT_HERE) continue;
    for (uint32_t some = wild[i];; some = (some - 1) & wild[i]) {
      lists[start[pattern[i] | some]++] = members[i];
      if (!some) break;
    }
  }
}

static struct mri_forest_list child_list(const struct mri_forest_builder *builder,
                                         const struct work *work, uint32_t child) {
  const uint32_t *end = on_stack(builder, work->start);
  const uint32_t from = child ? end[child - 1] : 0;
  return (struct mri_forest_list){work->lists + from, end[child] - from};
}

static bool grow_node(struct mri_forest_builder *builder, struct mri_forest_list list,
                      struct mri_forest_region region, uint32_t depth,
                      struct mri_forest_entry *entry);

/* A leaf at entry `at` leads to itself. */
static uint32_t base_of_leaf(const struct mri_forest_entry *leaf, size_t at) {
  const uint32_t index = (uint32_t)((UINT64_C(1) << ones((uint32_t)leaf->mask)) - 1);
  return ((uint32_t)at - index) << MRI_FOREST_ENTRY_SHIFT;
}

static bool grow_children(struct mri_forest_builder *builder, const struct work *work,
                          const struct mri_forest_region *region, uint32_t depth, size_t base) {
  for (uint32_t child = 0; child < work->children; child++) {
    struct mri_forest_entry entry;
    if (!grow_node(builder, child_list(builder, work, child), *region, depth + 1, &entry))
      return false;
    if (mri_forest_is_leaf(&entry)) entry.base = base_of_leaf(&entry, base + child);
    ((struct mri_forest_entry *)builder->entries.at)[base + child] = entry;
  }
  return true;
}

/* 1: split; 0: not worth it; -1: failed. */
static int split(struct mri_forest_builder *builder, struct mri_forest_list list,
                 struct mri_forest_region region, uint32_t depth, struct mri_forest_entry *entry) {
  struct work work = {
      .cut = mri_forest_choose(builder, on_stack(builder, list.at), list.count, depth)};
  if (!work.cut.width) return 0;
  work.children = 1u << work.cut.width;
  if (!push(builder, list.count, &work.pattern) || !push(builder, list.count, &work.wild) ||
      !push(builder, work.children + 1, &work.start))
    return -1;
  place(builder, list, &work);
  const uint64_t total = measure(builder, list.count, &work);
  const uint64_t copies = total > list.count ? total - list.count : 0;
  if (copies > builder->copies_left) return 0;
  builder->copies_left -= copies;
  if (!push(builder, (size_t)total, &work.lists)) return -1; /* copies_left has bounded it */
  distribute(builder, list, &work);
  const size_t base = builder->entries.count;
  if (!mri_forest_grow(builder, &builder->entries, work.children)) return -1;
  region.known[work.cut.view] |= (uint32_t)work.cut.mask;
  region.known[work.cut.view + 1] |= (uint32_t)(work.cut.mask >> 32);
  const uint32_t word = MRI_FOREST_FIRST_VIEW + work.cut.view;
  *entry = (struct mri_forest_entry){.mask = work.cut.mask,
                                     .base = (uint32_t)base << MRI_FOREST_ENTRY_SHIFT | word,
                                     .first = MRI_FOREST_INDEX(*on_stack(builder, list.at))};
  return grow_children(builder, &work, &region, depth, base) ? 1 : -1;
}

/* Depth is bounded by MRI_FOREST_DEPTH. */
static bool grow_node(struct mri_forest_builder *builder, struct mri_forest_list list,
                      struct mri_forest_region region, uint32_t depth,
                      struct mri_forest_entry *entry) {
  const size_t stack = builder->lists.count;
  uint32_t *members = on_stack(builder, list.at);
  list.count = mri_forest_prune(builder, members, list.count, &region);
  if (!list.count) return mri_forest_leaf(builder, members, 0, depth, entry);
  if (mri_forest_known(builder, members, list.count, &region, depth, entry)) return true;
  int done = 0;
  if (list.count > builder->leaf && depth < MRI_FOREST_DEPTH)
    done = split(builder, list, region, depth, entry);
  builder->lists.count = stack;
  if (done < 0) return false;
  members = on_stack(builder, list.at);
  if (!done && !mri_forest_leaf(builder, members, list.count, depth, entry)) return false;
  return mri_forest_remember(builder, members, list.count, &region, depth, entry);
}

/* A tree whose root is a leaf has a node of one child in front of it. */
static bool grow_root(struct mri_forest_builder *builder, struct mri_forest_list list,
                      struct mri_forest_tree *tree) {
  const struct mri_forest_region all = {{0}};
  if (!grow_node(builder, list, all, 0, &tree->root)) return false;
  if (!mri_forest_is_leaf(&tree->root)) return true;
  const size_t at = builder->entries.count;
  if (!mri_forest_grow(builder, &builder->entries, 1)) return false;
  tree->root.base = base_of_leaf(&tree->root, at);
  ((struct mri_forest_entry *)builder->entries.at)[at] = tree->root;
  return true;
}

bool mri_forest_tree(struct mri_forest_builder *builder, struct mri_forest_list list,
                     struct mri_forest_tree *tree) {
  enum { SHARE = 75 /* of the rules in a hundred that the common steps reach */ };
  uint64_t total = 0, reached = 0;
  memset(builder->at_depth, 0, sizeof builder->at_depth);
  mri_forest_forget(builder);
  if (!grow_root(builder, list, tree)) return false;
  tree->steps = tree->deepest = 0;
  for (unsigned depth = 0; depth <= MRI_FOREST_DEPTH; depth++)
    total += builder->at_depth[depth];
  for (uint32_t depth = 0; depth <= MRI_FOREST_DEPTH; depth++) {
    reached += builder->at_depth[depth];
    if (builder->at_depth[depth]) tree->deepest = depth;
    if (reached * 100 < total * SHARE) tree->steps = depth + 1;
  }
  if (!tree->steps) tree->steps = 1;
  return true;
}
