#include "match/classes.h"

#include <string.h>

/* Octets that tell most by themselves, among which pairs are tried. */
enum { CANDIDATES = 6, VALUES = 256 };

/* Rules that are looked at when choosing: every so many-th of a longer list. */
enum { SAMPLE = 1024 };

/* What telling keys apart costs beside looking up one block for one vector of packets, in
 * hundredths of that: measured on the AVX-512 kernel, about 5 and 28 cycles. */
enum { BLOCK_COST = 100, SORT_COST_PER_PACKET = 18 };

struct ruleset {
  const struct mri_octets *rules;
  uint32_t count;
  uint32_t step; /* from one rule that is looked at to the next */
  uint32_t block;
  uint32_t lanes;
};

/* Groups of an octet's values that a rule may match: its masks are prefixes, so they are a run. */
struct run {
  uint32_t first;
  uint32_t last;
};

static struct run values_of(const struct mri_octets *rule, uint32_t octet) {
  const uint32_t value = rule->value[octet], open = 0xff & ~(uint32_t)rule->mask[octet];
  return (struct run){value, value | open};
}

static struct run groups_of(const struct mri_classes *classes, unsigned which,
                            const struct mri_octets *rule) {
  const struct run values = values_of(rule, classes->octet[which]);
  const uint32_t step = which ? classes->groups[0] : 1;
  return (struct run){classes->group[which][values.first] / step,
                      classes->group[which][values.last] / step};
}

bool mri_classes_admit(const struct mri_classes *classes, uint32_t class,
                       const struct mri_octets *rule) {
  const uint32_t group[] = {class % classes->groups[0], class / classes->groups[0]};
  for (unsigned which = 0; which < MRI_CLASS_OCTETS; which++) {
    const struct run run = groups_of(classes, which, rule);
    if (group[which] < run.first || group[which] > run.last) return false;
  }
  return !rule->is_hole;
}

/* How many rules, in parts of 256, ask for each value of an octet; those that ask for none do not
 * count. Returns the sum. */
static uint64_t weigh_values(const struct ruleset *set, uint32_t octet, uint32_t weight[VALUES]) {
  uint64_t sum = 0;
  memset(weight, 0, VALUES * sizeof weight[0]);
  for (uint32_t i = 0; i < set->count; i += set->step) {
    if (set->rules[i].is_hole || !set->rules[i].mask[octet]) continue;
    const struct run run = values_of(&set->rules[i], octet);
    for (uint32_t value = run.first; value <= run.last; value++)
      weight[value] += VALUES / (run.last - run.first + 1);
    sum += VALUES;
  }
  return sum;
}

/* Splits an octet's values into runs of about equal weight. */
static void split(struct mri_classes *classes, unsigned which, const struct ruleset *set,
                  uint32_t octet, uint32_t groups) {
  uint32_t weight[VALUES];
  const uint64_t sum = weigh_values(set, octet, weight);
  uint64_t below = 0;
  classes->octet[which] = octet;
  classes->groups[which] = groups;
  for (uint32_t value = 0; value < VALUES; value++) {
    const uint64_t middle = below + weight[value] / 2;
    uint32_t group = sum ? (uint32_t)(middle * groups / sum) : 0;
    if (group >= groups) group = groups - 1;
    classes->group[which][value] = (uint8_t)(which ? group * classes->groups[0] : group);
    below += weight[value];
  }
}

/* Per class: rules, and the share of packets if each rule gets as many, in parts of 256 a rule. */
struct load {
  uint32_t rules[MRI_CLASSES_MAX];
  uint32_t packets[MRI_CLASSES_MAX];
  uint64_t all_packets;
};

static void add_load(struct load *load, const struct mri_classes *classes,
                     const struct mri_octets *rule) {
  const struct run a = groups_of(classes, 0, rule), b = groups_of(classes, 1, rule);
  const uint32_t touched = (a.last - a.first + 1) * (b.last - b.first + 1);
  for (uint32_t y = b.first; y <= b.last; y++) {
    for (uint32_t x = a.first; x <= a.last; x++) {
      load->rules[y * classes->groups[0] + x]++;
      load->packets[y * classes->groups[0] + x] += VALUES / touched;
    }
  }
  load->all_packets += VALUES;
}

/* Cost of a full batch; nothing but holes costs nothing. */
static uint64_t cost(const struct mri_classes *classes, const struct ruleset *set) {
  struct load load = {.all_packets = 0};
  for (uint32_t i = 0; i < set->count; i += set->step) {
    if (!set->rules[i].is_hole) add_load(&load, classes, &set->rules[i]);
  }
  if (!load.all_packets) return 0;
  uint64_t sum =
      classes->count > 1 ? (uint64_t)SORT_COST_PER_PACKET * MRI_NIBBLES_BATCH / set->lanes : 0;
  for (uint32_t class = 0; class < classes->count; class ++) {
    const uint64_t packets = (uint64_t)load.packets[class] * MRI_NIBBLES_BATCH / load.all_packets;
    const uint64_t half_vectors = packets * 2 / set->lanes + (classes->count > 1);
    const uint64_t blocks = (load.rules[class] * set->step + set->block - 1) / set->block;
    sum += half_vectors * blocks * BLOCK_COST / 2;
  }
  return sum;
}

struct choice {
  struct mri_classes best;
  uint64_t cost;
};

static void consider(struct choice *choice, const struct mri_classes *classes,
                     const struct ruleset *set) {
  const uint64_t here = cost(classes, set);
  if (here >= choice->cost) return;
  choice->cost = here;
  choice->best = *classes;
}

static void consider_pair(struct choice *choice, const struct ruleset *set, uint32_t a,
                          uint32_t groups_a, uint32_t b, uint32_t groups_b) {
  struct mri_classes classes = {.count = groups_a * groups_b};
  split(&classes, 0, set, a, groups_a);
  split(&classes, 1, set, b, groups_b);
  consider(choice, &classes, set);
}

struct ranked {
  uint64_t cost;
  uint32_t octet;
};

/* All octets, those whose four groups alone help most in front. */
static uint32_t rank_octets(const struct ruleset *set, uint32_t octets, struct ranked *ranked) {
  for (uint32_t octet = 0; octet < octets; octet++) {
    struct choice alone = {.cost = UINT64_MAX};
    consider_pair(&alone, set, octet, 4, octet, 1);
    uint32_t at = octet;
    for (; at > 0 && ranked[at - 1].cost > alone.cost; at--)
      ranked[at] = ranked[at - 1];
    ranked[at] = (struct ranked){alone.cost, octet};
  }
  return octets < CANDIDATES ? octets : CANDIDATES;
}

static void consider_octet(struct choice *choice, const struct ruleset *set, uint32_t octet) {
  for (uint32_t groups = 2; groups <= MRI_CLASSES_MAX; groups *= 2)
    consider_pair(choice, set, octet, groups, octet, 1);
}

static void consider_octets(struct choice *choice, const struct ruleset *set, uint32_t a,
                            uint32_t b) {
  for (uint32_t groups = 2; groups <= MRI_CLASSES_MAX / 2; groups *= 2) {
    for (uint32_t other = 2; groups * other <= MRI_CLASSES_MAX; other *= 2)
      consider_pair(choice, set, a, groups, b, other);
  }
}

void mri_classes_choose(struct mri_classes *classes, const struct mri_octets *rules, uint32_t count,
                        uint32_t family, uint32_t block, uint32_t lanes) {
  const struct ruleset set = {rules, count, (count + SAMPLE - 1) / SAMPLE, block, lanes};
  struct choice choice = {.cost = UINT64_MAX};
  struct ranked ranked[MRI_KEY_OCTETS];
  consider_pair(&choice, &set, 0, 1, 0, 1);
  const uint32_t found = rank_octets(&set, mri_ports_offset(family) + 4, ranked);
  for (uint32_t a = 0; a < found; a++) {
    consider_octet(&choice, &set, ranked[a].octet);
    for (uint32_t b = a + 1; b < found; b++)
      consider_octets(&choice, &set, ranked[a].octet, ranked[b].octet);
  }
  *classes = choice.best;
}
