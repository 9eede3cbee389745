#include "unit/shape_lists.h"

#include <libmirror/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "packet/octets.h"
#include "support/draw.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { TCP = 6, UDP = 17 };

/* What a list is made of. */
struct mix {
  uint32_t networks;  /* different first halves of addresses */
  uint32_t hosts;     /* different second halves */
  uint32_t any;       /* one in so many addresses is open */
  uint32_t all_ports; /* one in so many ports is open */
  bool specific;      /* prefixes are long */
};

typedef void (*make_fn)(struct draw *draw, const struct mix *mix, uint32_t i,
                        struct mri_match_rule *rule);

static void clear_behind(uint8_t address[16], uint32_t length, uint32_t bits) {
  for (uint32_t bit = length; bit < bits; bit++)
    address[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

static uint32_t bits_of(const struct mri_match_rule *rule) {
  return rule->family == 4 ? 32 : 128;
}

/* An address of few networks and hosts. */
static void put_address(const struct mri_match_rule *rule, uint8_t address[16], uint32_t network,
                        uint32_t host) {
  if (rule->family == 4) {
    mri_put32(address, (10u << 24 | network << 16) + host * 0x0101);
    return;
  }
  mri_put32(address, 0x20010db8);
  mri_put32(address + 4, network << 16);
  mri_put32(address + 8, host * UINT32_C(0x9e3779b1));
  mri_put32(address + 12, host);
}

static uint8_t draw_prefix(struct draw *draw, const struct mix *mix,
                           const struct mri_match_rule *rule, uint8_t address[16]) {
  static const uint8_t lengths[] = {8, 15, 16, 17, 20, 23, 24, 25, 28, 31, 32, 32, 32};
  const uint32_t bits = bits_of(rule);
  uint32_t length = mix->specific ? 24 + draw_below(draw, 9)
                                  : lengths[draw_below(draw, (uint32_t)COUNT(lengths))];
  const uint32_t host = draw_below(draw, mix->hosts), network = draw_below(draw, mix->networks);
  put_address(rule, address, network, host);
  if (bits == 128) length = length == 32 ? 128 : 24 + 2 * length;
  if (draw_one_in(draw, mix->any)) length = draw_below(draw, 3);
  clear_behind(address, length, bits);
  return (uint8_t)length;
}

static uint16_t draw_port(struct draw *draw) {
  static const uint16_t corners[] = {0,    1,    2,     79,    80,    81,   443,
                                     1023, 1024, 32767, 32768, 65534, 65535};
  return draw_one_in(draw, 4) ? (uint16_t)draw_below(draw, 65536)
                              : corners[draw_below(draw, (uint32_t)COUNT(corners))];
}

static void draw_range(struct draw *draw, const struct mix *mix, uint16_t *first, uint16_t *last) {
  const uint16_t one = draw_port(draw), other = draw_one_in(draw, 2) ? one : draw_port(draw);
  if (draw_one_in(draw, mix->all_ports)) return;
  *first = one < other ? one : other;
  *last = one < other ? other : one;
}

static void make_mixed(struct draw *draw, const struct mix *mix, uint32_t i,
                       struct mri_match_rule *rule) {
  static const uint16_t protocols[] = {0, TCP, TCP, UDP, 255, MIRROR_PROTOCOL_ALL};
  if (i && draw_one_in(draw, 20)) {
    *rule = rule[-1 - (int64_t)draw_below(draw, i)];
    return;
  }
  rule->source_length = draw_prefix(draw, mix, rule, rule->source);
  rule->destination_length = draw_prefix(draw, mix, rule, rule->destination);
  draw_range(draw, mix, &rule->source_first, &rule->source_last);
  draw_range(draw, mix, &rule->destination_first, &rule->destination_last);
  rule->protocol = protocols[draw_below(draw, (uint32_t)COUNT(protocols))];
}

/* A source of its own, so that no rule hides another one. */
static void make_unique(struct draw *draw, const struct mix *mix, uint32_t i,
                        struct mri_match_rule *rule) {
  (void)mix;
  put_address(rule, rule->source, 1, i * 40503 & UINT16_MAX);
  put_address(rule, rule->destination, draw_below(draw, 16), 0);
  rule->source_length = (uint8_t)bits_of(rule);
  rule->destination_length = (uint8_t)(bits_of(rule) / 4 * 3);
  rule->destination_first = rule->destination_last = (uint16_t)draw_below(draw, 64);
  rule->protocol = TCP;
}

/* Of every field one of two values, or it is open: most are hidden by an earlier rule. */
static void make_hidden(struct draw *draw, const struct mix *mix, uint32_t i,
                        struct mri_match_rule *rule) {
  (void)mix, (void)i;
  const uint32_t asks = draw_below(draw, 16);
  if (asks & 1) rule->source_length = (uint8_t)bits_of(rule);
  if (asks & 1) put_address(rule, rule->source, draw_below(draw, 2), 1);
  if (asks & 2) rule->destination_length = (uint8_t)bits_of(rule);
  if (asks & 2) put_address(rule, rule->destination, draw_below(draw, 2), 1);
  if (asks & 4) rule->protocol = draw_one_in(draw, 2) ? TCP : UDP;
  if (asks & 8) rule->source_last = (uint16_t)(UINT16_MAX - 1 + draw_below(draw, 2));
  if (asks & 8) rule->destination_first = (uint16_t)draw_below(draw, 2);
  rule->accept = (uint8_t)draw_below(draw, 2);
}

/* A quarter has one source, and is told apart by protocols: a second node, in three steps of four.
 */
static void make_deep(struct draw *draw, const struct mix *mix, uint32_t i,
                      struct mri_match_rule *rule) {
  (void)draw, (void)mix;
  put_address(rule, rule->source, 1, i % 4 ? i * 40503 & UINT16_MAX : 0);
  rule->source_length = (uint8_t)bits_of(rule);
  rule->protocol = (uint16_t)(i % 4 ? TCP : i);
}

static void make_protocols(struct draw *draw, const struct mix *mix, uint32_t i,
                           struct mri_match_rule *rule) {
  (void)draw, (void)mix;
  rule->protocol = (uint16_t)(i * 37 % 256);
}

/* Ranges inside each other, none of which tells bits. */
static void make_ranges(struct draw *draw, const struct mix *mix, uint32_t i,
                        struct mri_match_rule *rule) {
  (void)draw, (void)mix;
  rule->destination_first = (uint16_t)(30000 - i);
  rule->destination_last = (uint16_t)(30001 + i);
}

/* Prefixes of all lengths, in both addresses. */
static void make_lengths(struct draw *draw, const struct mix *mix, uint32_t i,
                         struct mri_match_rule *rule) {
  (void)draw, (void)mix;
  rule->source_length = (uint8_t)(i % 33);
  rule->destination_length = (uint8_t)(i / 33 % 33);
  rule->protocol = (uint16_t)(i / 33 / 33);
}

/* Specific in one address or the other, never in both. */
static void make_wild(struct draw *draw, const struct mix *mix, uint32_t i,
                      struct mri_match_rule *rule) {
  (void)draw, (void)mix;
  uint8_t *address = i & 1 ? rule->source : rule->destination;
  mri_put32(address, i * UINT32_C(2654435761));
  clear_behind(address, 24, 32);
  *(i & 1 ? &rule->source_length : &rule->destination_length) = 24;
}

static const struct mix wide = {4, 30, 4, 3, false}, broad = {200, 200, 8, 2, false},
                        narrow = {2, 3, 3, 2, false}, hosts = {250, 200, 50, 2, true},
                        half = {30, 200, 2, 2, true};

/* Counts around which the structure of a list changes are those of list.c and forest.c. */
static const struct shape {
  const char *name;
  uint32_t family; /* 0: both */
  uint32_t count;
  make_fn make;
  const struct mix *mix;
} shapes[SHAPES] = {
    {"unique4_1", 4, 1, make_unique, NULL},
    {"unique4_2", 4, 2, make_unique, NULL},
    {"unique4_3", 4, 3, make_unique, NULL},
    {"unique4_127", 4, 127, make_unique, NULL},
    {"unique4_252", 4, 252, make_unique, NULL},
    {"unique4_253", 4, 253, make_unique, NULL},
    {"unique4_599", 4, 599, make_unique, NULL},
    {"unique4_600", 4, 600, make_unique, NULL},
    {"unique4_601", 4, 601, make_unique, NULL},
    {"unique4_1400", 4, 1400, make_unique, NULL},
    {"unique4_1401", 4, 1401, make_unique, NULL},
    {"unique4_30000", 4, 30000, make_unique, NULL},
    {"unique6_499", 6, 499, make_unique, NULL},
    {"unique6_500", 6, 500, make_unique, NULL},
    {"unique6_501", 6, 501, make_unique, NULL},
    {"unique6_700", 6, 700, make_unique, NULL},
    {"unique6_701", 6, 701, make_unique, NULL},
    {"unique6_1000", 6, 1000, make_unique, NULL},
    {"unique6_1001", 6, 1001, make_unique, NULL},
    {"hidden4_200", 4, 200, make_hidden, NULL},
    {"hidden6_200", 6, 200, make_hidden, NULL},
    {"deep4_32", 4, 32, make_deep, NULL},
    {"deep6_32", 6, 32, make_deep, NULL},
    {"narrow6_71", 6, 71, make_mixed, &narrow},
    {"protocols4_128", 4, 128, make_protocols, NULL},
    {"protocols6_256", 6, 256, make_protocols, NULL},
    {"ranges4_3000", 4, 3000, make_ranges, NULL},
    {"lengths4_5000", 4, 5000, make_lengths, NULL},
    {"lengths6_3000", 6, 3000, make_lengths, NULL},
    {"wild4_4000", 4, 4000, make_wild, NULL},
    {"wide4_40", 4, 40, make_mixed, &wide},
    {"wide6_40", 6, 40, make_mixed, &wide},
    {"wide4_2000", 4, 2000, make_mixed, &wide},
    {"narrow4_300", 4, 300, make_mixed, &narrow},
    {"narrow4_1500", 4, 1500, make_mixed, &narrow},
    {"broad4_300", 4, 300, make_mixed, &broad},
    {"broad4_1030", 4, 1030, make_mixed, &broad},
    {"broad4_30000", 4, 30000, make_mixed, &broad},
    {"broad4_30001", 4, 30001, make_mixed, &broad},
    {"broad6_2000", 6, 2000, make_mixed, &broad},
    {"hosts4_3000", 4, 3000, make_mixed, &hosts},
    {"hosts6_3000", 6, 3000, make_mixed, &hosts},
    {"half4_3000", 4, 3000, make_mixed, &half},
    {"half6_1200", 6, 1200, make_mixed, &half},
    {"both_450", 0, 450, make_mixed, &hosts},
    {"both_2000", 0, 2000, make_mixed, &half},
};

void shape_list_make(uint32_t which, struct shape_list *list) {
  const struct shape *shape = &shapes[which];
  struct draw draw;
  draw_seed(&draw, shape->count);
  memset(list, 0, sizeof *list);
  list->name = shape->name;
  list->total = shape->count;
  list->family = shape->family ? shape->family : 4;
  for (uint32_t i = 0; i < shape->count; i++) {
    struct mri_match_rule *rule = &list->all[i];
    *rule = (struct mri_match_rule){
        .source_last = UINT16_MAX, .destination_last = UINT16_MAX, .protocol = MIRROR_PROTOCOL_ALL};
    rule->family = (uint8_t)(shape->family ? shape->family : i % 3 ? 4 : 6);
    shape->make(&draw, shape->mix, i, rule);
    if (rule->family != list->family) continue;
    list->number[list->count] = i;
    list->rules[list->count++] = *rule;
  }
}
