/*
 * Choosing the bits that a node looks at: greedily, by what is left to do for a packet behind
 * them, on a sample of the node's rules.
 */
#include "match/forest_look.h"

#include <string.h>

enum {
  SAMPLE_ALL = 128, /* rules up to which all are looked at, */
  SAMPLE_SHARE = 4, /* of more every fourth, */
  ROOT_BITS = 12,
  NODE_BITS = 8,
  GAIN = 985, /* a bit must leave less than so many thousandths of the cost */
};

struct mri_forest_scratch *mri_forest_scratch_new(const struct mri_alloc *alloc, uint32_t views) {
  struct mri_forest_scratch *scratch =
      mri_zalloc(alloc, 1, sizeof *scratch + 2u * SAMPLE_MAX * VIEW * views);
  if (scratch) scratch->views = views;
  return scratch;
}

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define ONE_BIT_EACH UINT64_C(0x0102040810204080)
#else
#define ONE_BIT_EACH UINT64_C(0x8040201008040201)
#endif

/* Bits to octets of 0 and 1. */
static void unfold(uint32_t word, uint8_t *octets) {
  for (unsigned i = 0; i < sizeof word; i++) {
    const uint64_t spread = (word >> 8 * i & 0xff) * UINT64_C(0x0101010101010101) & ONE_BIT_EACH;
    const uint64_t high = (spread + UINT64_C(0x7f7f7f7f7f7f7f7f)) | spread;
    const uint64_t ones = high >> 7 & UINT64_C(0x0101010101010101);
    memcpy(octets + 8 * i, &ones, sizeof ones);
  }
}

static uint32_t sample_of(uint32_t count) {
  if (count <= SAMPLE_ALL) return count;
  const uint32_t share = count / SAMPLE_SHARE;
  if (share < SAMPLE_ALL) return SAMPLE_ALL;
  return share < SAMPLE_MAX ? share : SAMPLE_MAX;
}

static uint32_t take_sample(const struct mri_forest_builder *builder, const uint32_t *members,
                            uint32_t count, struct candidates *asked) {
  struct mri_forest_scratch *scratch = builder->scratch;
  const uint32_t sampled = sample_of(count);
  struct candidates zero = {{0}}, one = {{0}};
  for (uint32_t i = 0; i < sampled; i++) {
    const uint32_t member = members[(uint64_t)i * count / sampled];
    const struct mri_forest_bits *bits =
        mri_forest_pattern_at(builder, MRI_FOREST_INDEX(member))->bits;
    scratch->items[0][i] = (struct item){(uint16_t)i, 0};
    for (unsigned view = 0; view < builder->views; view++) {
      unfold(bits[view].mask & ~bits[view].value,
             scratch->octets + side_offset(scratch, 0, i, view));
      unfold(bits[view].value, scratch->octets + side_offset(scratch, 1, i, view));
      zero.bits[view] |= bits[view].mask & ~bits[view].value;
      one.bits[view] |= bits[view].value;
    }
  }
  for (unsigned view = 0; view < MRI_FOREST_VIEWS_MAX; view++)
    asked->bits[view] = zero.bits[view] & one.bits[view];
  return sampled;
}

/* The cheapest bit that copies few rules; BITS_MAX if there is none. */
static unsigned best_bit(const struct outlook *outlook, const struct candidates *candidates,
                         uint32_t count, uint32_t stars) {
  unsigned best = BITS_MAX;
  for (unsigned view = 0; view < MRI_FOREST_VIEWS_MAX; view++) {
    for (uint32_t left = candidates->bits[view]; left; left &= left - 1) {
      const unsigned bit = VIEW * view + (unsigned)__builtin_ctz(left);
      if (outlook->stars[bit] * 100 > count * stars) continue;
      if (best == BITS_MAX || outlook->cost[bit] < outlook->cost[best]) best = bit;
    }
  }
  return best;
}

/* Splits every child by a bit. Children that are short enough are done: *done adds their cost. */
static uint32_t split_children(const struct mri_forest_builder *builder, const struct item *items,
                               uint32_t count, uint32_t leaf, unsigned bit, struct item *to,
                               uint64_t *done) {
  const struct mri_forest_scratch *scratch = builder->scratch;
  uint32_t made = 0;
  for (uint32_t from = 0, end; from < count; from = end) {
    end = child_end(items, count, from);
    for (uint32_t side = 0; side < 2; side++) {
      const uint32_t begin = made;
      for (uint32_t i = from; i < end && made < ITEMS; i++) {
        const uint32_t rule = items[i].rule;
        if (scratch->octets[side_offset(scratch, side ^ 1, rule, bit / VIEW) + bit % VIEW])
          continue;
        to[made++] = (struct item){(uint16_t)rule, (uint16_t)(items[i].child * 2 + side)};
      }
      if (made - begin > leaf) continue;
      *done += 2 * (uint64_t)(made - begin) * leaf;
      made = begin;
    }
  }
  return made;
}

static uint32_t useful_width(uint32_t count, uint32_t leaf, uint32_t limit) {
  uint32_t width = 2;
  while (width < limit && count >> width > leaf / 2)
    width++;
  return width + 1 < limit ? width + 2 : limit;
}

/* A node looks at two adjacent views: those that cannot go with the chosen ones are closed. */
static void close_views(const uint32_t chosen[MRI_FOREST_VIEWS_MAX],
                        struct candidates *candidates) {
  uint32_t used = 0, open = 0;
  for (unsigned view = 0; view < MRI_FOREST_VIEWS_MAX; view++)
    used |= (uint32_t)(chosen[view] != 0) << view;
  for (unsigned view = 0; view + 1 < MRI_FOREST_VIEWS_MAX; view++) {
    const uint32_t pair = 3u << view;
    if ((used & ~pair) == 0) open |= pair;
  }
  for (unsigned view = 0; view < MRI_FOREST_VIEWS_MAX; view++) {
    if (!(open >> view & 1)) candidates->bits[view] = 0;
  }
}

static struct mri_forest_cut cut_of(const uint32_t chosen[MRI_FOREST_VIEWS_MAX], uint32_t views,
                                    uint32_t width) {
  uint32_t view = 0;
  while (view + 2 < views && !chosen[view])
    view++;
  return (struct mri_forest_cut){
      .view = view, .mask = chosen[view] | (uint64_t)chosen[view + 1] << 32, .width = width};
}

static mri_forest_look_fn look_of(uint32_t isa) {
#if defined(__x86_64__)
  if (isa == MIRROR_ISA_AVX2 || isa == MIRROR_ISA_AVX512) return mri_forest_look_avx2;
#endif
  (void)isa;
  return mri_forest_look_scalar;
}

struct mri_forest_cut mri_forest_choose(const struct mri_forest_builder *builder,
                                        const uint32_t *members, uint32_t count, uint32_t depth) {
  const uint32_t limit =
      useful_width(count, builder->leaf, depth ? (uint32_t)NODE_BITS : (uint32_t)ROOT_BITS);
  const mri_forest_look_fn look = look_of(builder->build->isa);
  struct candidates candidates;
  uint32_t chosen[MRI_FOREST_VIEWS_MAX] = {0}, width = 0;
  uint32_t items = take_sample(builder, members, count, &candidates);
  uint64_t now = 2 * (uint64_t)items * items, done = 0;
  const uint32_t share = (uint32_t)((uint64_t)builder->leaf * items / count);
  const uint32_t leaf = share ? share : 1; /* as much of the sample as a leaf is of all rules */
  for (unsigned side = 0; width < limit && items; side ^= 1, width++) {
    struct item *from = builder->scratch->items[side], *to = builder->scratch->items[side ^ 1];
    struct outlook outlook;
    look(builder->scratch, from, items, leaf, &candidates, &outlook);
    const unsigned bit = best_bit(&outlook, &candidates, items, builder->stars);
    if (bit == BITS_MAX || (done + outlook.cost[bit]) * 1000 > now * GAIN) break;
    now = done + outlook.cost[bit];
    items = split_children(builder, from, items, leaf, bit, to, &done);
    candidates.bits[bit / VIEW] &= ~(1u << bit % VIEW);
    chosen[bit / VIEW] |= 1u << bit % VIEW;
    close_views(chosen, &candidates);
    if (items >= ITEMS / 2) {
      width++;
      break;
    }
  }
  return cut_of(chosen, builder->views, width);
}
