/*
 * Looking at the children of a node. Loops over the bits of a view have no branches: compilers make
 * vectors of them, so this is compiled once for each instruction set. LOOK names the function.
 */
#include "match/forest_look.h"

#include <string.h>

enum { CHUNK = 255 /* items that octets can count */ };

/* Of GCC and Clang: one register or several, as there are. */
typedef uint8_t octets __attribute__((vector_size(VIEW)));

static inline void add_octets(octets *sum, const uint8_t *at) {
  octets more;
  memcpy(&more, at, sizeof more);
  *sum += more;
}

static void count_chunk(const struct mri_forest_scratch *scratch, const struct item *items,
                        uint32_t count, unsigned view, struct tally *tally) {
  octets zero = {0}, one = {0};
  for (uint32_t i = 0; i < count; i++) {
    add_octets(&zero, scratch->octets + side_offset(scratch, 0, items[i].rule, view));
    add_octets(&one, scratch->octets + side_offset(scratch, 1, items[i].rule, view));
  }
  for (unsigned bit = 0; bit < VIEW; bit++) {
    tally->zero[bit] = (uint16_t)(tally->zero[bit] + zero[bit]);
    tally->one[bit] = (uint16_t)(tally->one[bit] + one[bit]);
  }
}

/*
 * Adds one child of `count` items. A packet goes either way as often as rules do, half of an open
 * one each, and meets all rules there.
 */
static void look(struct outlook *outlook, unsigned view, const struct tally *tally, uint32_t count,
                 uint32_t leaf) {
  uint32_t *cost = &outlook->cost[VIEW * view], *stars = &outlook->stars[VIEW * view];
  for (unsigned bit = 0; bit < VIEW; bit++) {
    const uint32_t zero = tally->zero[bit], one = tally->one[bit];
    const uint32_t left = count - one, right = count - zero;
    cost[bit] += (count + zero - one) * (left > leaf ? left : leaf) +
                 (count + one - zero) * (right > leaf ? right : leaf);
    stars[bit] += count - zero - one;
  }
}

static void look_at_child(const struct mri_forest_scratch *scratch, const struct item *items,
                          uint32_t count, uint32_t leaf, const struct candidates *candidates,
                          struct outlook *outlook) {
  for (unsigned view = 0; view < scratch->views; view++) {
    struct tally tally = {{0}, {0}};
    if (!candidates->bits[view]) continue;
    for (uint32_t at = 0; at < count; at += CHUNK)
      count_chunk(scratch, items + at, count - at < CHUNK ? count - at : CHUNK, view, &tally);
    look(outlook, view, &tally, count, leaf);
  }
}

void LOOK(const struct mri_forest_scratch *scratch, const struct item *items, uint32_t count,
          uint32_t leaf, const struct candidates *candidates, struct outlook *outlook) {
  memset(outlook, 0, sizeof *outlook);
  for (uint32_t from = 0, end; from < count; from = end) {
    end = child_end(items, count, from);
    look_at_child(scratch, items + from, end - from, leaf, candidates, outlook);
  }
}
