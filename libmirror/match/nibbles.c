#include "match/nibbles.h"

#include "match/classes.h"

#include <string.h>

enum {
  ALIGNMENT = 64,    /* octets, of what kernels load whole */
  CLASSES_FROM = 128 /* rules from which telling keys apart may pay */
};

/* Rules that a kernel walks before decided packets are taken out. */
struct segment {
  void *rules;            /* in the layout of the instruction set */
  const uint32_t *number; /* of each of its rules */
};

/* The rules for one class of keys. */
struct class_list {
  const struct segment *segment;
  uint32_t segments;
};

/*
 * In a short list a rule's place is its number, with holes for rules of the other family: nothing
 * need be translated then.
 */
struct nibbles {
  mri_match_fn match; /* of the layout, for the family */
  uint32_t lanes;     /* of the layout, a power of two */
  bool places_are_numbers;
  bool is_single; /* one class, of one segment */
  struct mri_classes classes;
  struct class_list list[MRI_CLASSES_MAX];
};

/* ---- match ---- */

/* Kernels take whole vectors of keys: what stands behind the last key must be keys, too. */
enum { ROOM = MRI_NIBBLES_BATCH + MRI_LANES_MAX };

static uint32_t whole_vectors(const struct nibbles *nibbles, uint32_t count) {
  return (count + nibbles->lanes - 1) & ~(nibbles->lanes - 1);
}

/* Packets that are not decided yet, and where their answers belong. */
struct undecided {
  const void *keys[ROOM];
  uint16_t position[MRI_NIBBLES_BATCH];
};

static uint32_t number_of(const uint32_t *number, uint32_t place) {
  const uint32_t none = place == MRI_NO_RULE;
  return number[place & (none - 1)] | (0 - none); /* without a branch, for nobody can foretell it */
}

/* Writes the answers that a segment gave; keeps the packets for which it had none. */
static uint32_t keep_undecided(const void **keys, uint16_t *position, uint32_t count,
                               const uint32_t *found, const uint32_t *number, uint32_t *first) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    first[position[i]] = number_of(number, found[i]);
    keys[kept] = keys[i];
    position[kept] = position[i];
    kept += found[i] == MRI_NO_RULE;
  }
  return kept;
}

static void match_list(const struct nibbles *nibbles, const struct class_list *list,
                       const void **keys, uint16_t *position, uint32_t count, uint32_t *first) {
  uint32_t found[ROOM];
  for (uint32_t s = 0; s < list->segments && count; s++) {
    nibbles->match(list->segment[s].rules, keys, whole_vectors(nibbles, count), found);
    count = keep_undecided(keys, position, count, found, list->segment[s].number, first);
  }
}

/* Sorts keys by class; *start[c] becomes the first of class c, start[count of classes] the end. */
static void sort_by_class(const struct mri_classes *classes, const void *const *keys,
                          uint32_t count, struct undecided *sorted,
                          uint32_t start[MRI_CLASSES_MAX + 1]) {
  uint8_t class[MRI_NIBBLES_BATCH];
  uint32_t next[MRI_CLASSES_MAX + 1] = {0};
  for (uint32_t i = 0; i < count; i++) {
    class[i] = (uint8_t)mri_class_of(classes, keys[i]);
    next[class[i] + 1]++;
  }
  for (uint32_t c = 0; c < classes->count; c++)
    next[c + 1] += start[c] = next[c];
  start[classes->count] = count;
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t at = next[class[i]]++;
    sorted->keys[at] = keys[i];
    sorted->position[at] = (uint16_t)i;
  }
  for (uint32_t i = 0; i < MRI_LANES_MAX; i++)
    sorted->keys[count + i] = keys[0];
}

static void match_classes(const struct nibbles *nibbles, const void *const *keys, uint32_t count,
                          uint32_t *first) {
  struct undecided sorted;
  uint32_t start[MRI_CLASSES_MAX + 1];
  sort_by_class(&nibbles->classes, keys, count, &sorted, start);
  for (uint32_t i = 0; i < count; i++)
    first[i] = MRI_NO_RULE; /* for classes without rules */
  for (uint32_t c = 0; c < nibbles->classes.count; c++)
    match_list(nibbles, &nibbles->list[c], sorted.keys + start[c], sorted.position + start[c],
               start[c + 1] - start[c], first);
}

/* All keys go through one segment: they can stay where they are. */
static void match_segment(const struct nibbles *nibbles, const struct segment *segment,
                          const void *const *keys, uint32_t count, uint32_t *first) {
  const void *last_keys[MRI_LANES_MAX];
  uint32_t last_first[MRI_LANES_MAX];
  const uint32_t whole = count & ~(nibbles->lanes - 1), rest = count - whole;
  nibbles->match(segment->rules, keys, whole, first);
  if (!rest) return;
  for (uint32_t i = 0; i < nibbles->lanes; i++)
    last_keys[i] = keys[whole + (i < rest ? i : 0)];
  nibbles->match(segment->rules, last_keys, nibbles->lanes, last_first);
  memcpy(first + whole, last_first, rest * sizeof *first);
}

static void match_single(const struct nibbles *nibbles, const void *const *keys, uint32_t count,
                         uint32_t *first) {
  const struct segment *segment = &nibbles->list[0].segment[0];
  match_segment(nibbles, segment, keys, count, first);
  for (uint32_t i = 0; !nibbles->places_are_numbers && i < count; i++)
    first[i] = number_of(segment->number, first[i]);
}

static void nibbles_match(const void *state, const void *const *keys, uint32_t count,
                          uint32_t *first) {
  const struct nibbles *nibbles = state;
  for (uint32_t done = 0, batch; done < count; done += batch) {
    batch = count - done < MRI_NIBBLES_BATCH ? count - done : MRI_NIBBLES_BATCH;
    if (nibbles->is_single)
      match_single(nibbles, keys + done, batch, first + done);
    else
      match_classes(nibbles, keys + done, batch, first + done);
  }
}

/* ---- build ---- */

static const struct mri_nibbles_layout *layout_of(uint32_t isa) {
  switch (isa) {
#if defined(__x86_64__)
    case MIRROR_ISA_AVX512:
      return &mri_nibbles_avx512;
    case MIRROR_ISA_AVX2:
      return &mri_nibbles_avx2;
#elif defined(__aarch64__)
    case MIRROR_ISA_NEON:
      return &mri_nibbles_neon;
#endif
    default:
      return &mri_nibbles_scalar;
  }
}

static uint64_t aligned(uint64_t size) {
  return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* The rules in their places. */
struct places {
  struct mri_octets *rules;
  uint32_t *number;
  uint32_t count;
  bool are_numbers;
};

static int32_t make_room(const struct mri_alloc *alloc, uint32_t count, struct places *places) {
  places->rules = mri_zalloc(alloc, count, sizeof *places->rules);
  places->number = mri_zalloc(alloc, count, sizeof *places->number);
  return places->rules && places->number ? MIRROR_OK : MIRROR_E_NOMEM;
}

static void free_room(const struct mri_alloc *alloc, struct places *places) {
  mri_free(alloc, places->rules);
  mri_free(alloc, places->number);
}

static int32_t make_places(const struct mri_build *build, const struct mri_nibbles_layout *layout,
                           struct places *places) {
  const uint32_t numbers = build->number[build->count - 1] + 1;
  places->are_numbers = numbers <= layout->rules;
  places->count = places->are_numbers ? numbers : build->count;
  const int32_t status = make_room(build->alloc, places->count, places);
  if (status) return status;
  for (uint32_t i = 0; i < places->count; i++)
    places->rules[i].is_hole = true;
  for (uint32_t i = 0; i < build->count; i++) {
    const uint32_t place = places->are_numbers ? build->number[i] : i;
    mri_octets_of(&places->rules[place], &build->rules[i]);
    places->number[place] = build->number[i];
  }
  return MIRROR_OK;
}

/* The rules of one class, copied; *count of them. */
static uint32_t select_class(const struct places *places, const struct mri_classes *classes,
                             uint32_t class, struct places *selected) {
  selected->count = 0;
  for (uint32_t i = 0; i < places->count; i++) {
    if (classes->count > 1 && !mri_classes_admit(classes, class, &places->rules[i])) continue;
    selected->rules[selected->count] = places->rules[i];
    selected->number[selected->count++] = places->number[i];
  }
  return selected->count;
}

/* What is laid out: first measured, then filled. */
struct plan {
  const struct mri_nibbles_layout *layout;
  const struct places *places;
  struct places selected; /* room for all of them */
  struct mri_classes classes;
  uint32_t family;
};

static uint32_t segment_length(const struct plan *plan, uint32_t start) {
  const uint32_t left = plan->selected.count - start;
  return left < plan->layout->rules ? left : plan->layout->rules;
}

static uint32_t segment_count(const struct plan *plan) {
  return (plan->selected.count + plan->layout->rules - 1) / plan->layout->rules;
}

static uint64_t class_size(struct plan *plan, uint32_t class) {
  const uint32_t count = select_class(plan->places, &plan->classes, class, &plan->selected);
  uint64_t size =
      aligned(segment_count(plan) * sizeof(struct segment)) + aligned(count * sizeof(uint32_t));
  for (uint32_t at = 0; at < count; at += plan->layout->rules)
    size += aligned(
        plan->layout->size(plan->selected.rules + at, segment_length(plan, at), plan->family));
  return size;
}

static uint64_t total_size(struct plan *plan) {
  uint64_t size = aligned(sizeof(struct nibbles)) + ALIGNMENT;
  for (uint32_t class = 0; class < plan->classes.count; class ++)
    size += class_size(plan, class);
  return size;
}

static void *carve(uint8_t **free, uint64_t size) {
  uint8_t *taken = *free;
  *free += aligned(size);
  return taken;
}

static void fill_class(struct plan *plan, uint32_t class, uint8_t **free, struct class_list *list) {
  const uint32_t count = select_class(plan->places, &plan->classes, class, &plan->selected);
  struct segment *segment = carve(free, segment_count(plan) * sizeof *segment);
  uint32_t *number = carve(free, count * sizeof *number);
  memcpy(number, plan->selected.number, count * sizeof *number);
  list->segment = segment;
  for (uint32_t at = 0; at < count; at += plan->layout->rules) {
    const struct mri_octets *rules = plan->selected.rules + at;
    const uint32_t length = segment_length(plan, at);
    void *memory = carve(free, plan->layout->size(rules, length, plan->family));
    plan->layout->fill(memory, rules, length, plan->family);
    segment[list->segments++] = (struct segment){memory, number + at};
  }
}

static void fill(struct nibbles *nibbles, struct plan *plan) {
  uint8_t *free = (uint8_t *)nibbles + aligned(sizeof *nibbles);
  free = (uint8_t *)(uintptr_t)aligned((uintptr_t)free);
  nibbles->match = plan->family == 4 ? plan->layout->match4 : plan->layout->match6;
  nibbles->lanes = plan->layout->lanes;
  nibbles->places_are_numbers = plan->places->are_numbers;
  nibbles->classes = plan->classes;
  for (uint32_t class = 0; class < plan->classes.count; class ++)
    fill_class(plan, class, &free, &nibbles->list[class]);
  nibbles->is_single = plan->classes.count == 1 && nibbles->list[0].segments == 1;
}

static void nibbles_destroy(const struct mri_alloc *alloc, void *state) {
  mri_free(alloc, state);
}

static int32_t build_planned(const struct mri_build *build, struct plan *plan,
                             struct mri_engine *engine) {
  engine->memory = total_size(plan);
  if (engine->memory > build->budget) return MIRROR_E_LIST_MEMORY;
  struct nibbles *nibbles = mri_zalloc(build->alloc, 1, engine->memory);
  if (!nibbles) return MIRROR_E_NOMEM;
  fill(nibbles, plan);
  engine->structure = MIRROR_STRUCTURE_NIBBLES;
  engine->state = nibbles;
  engine->match = nibbles_match;
  engine->destroy = nibbles_destroy;
  return MIRROR_OK;
}

static void choose_classes(struct plan *plan) {
  const uint32_t count = plan->places->count;
  plan->classes = (struct mri_classes){.count = 1, .groups = {1, 1}};
  if (plan->places->are_numbers || count < CLASSES_FROM) return;
  mri_classes_choose(&plan->classes, plan->places->rules, count, plan->family, plan->layout->block,
                     plan->layout->lanes);
}

static int32_t build_places(const struct mri_build *build, const struct places *places,
                            struct mri_engine *engine) {
  struct plan plan = {.layout = layout_of(build->isa), .places = places, .family = build->family};
  int32_t status = make_room(build->alloc, places->count, &plan.selected);
  if (!status) {
    choose_classes(&plan);
    status = build_planned(build, &plan, engine);
  }
  free_room(build->alloc, &plan.selected);
  return status;
}

int32_t mri_nibbles_build(const struct mri_build *build, struct mri_engine *engine) {
  struct places places = {.count = 0};
  int32_t status = make_places(build, layout_of(build->isa), &places);
  if (!status) status = build_places(build, &places, engine);
  free_room(build->alloc, &places);
  return status;
}
