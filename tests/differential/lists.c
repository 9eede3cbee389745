#include "differential/lists.h"

#include <libmirror/filter.h>
#include <string.h>

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof *(array)))

enum { TAIL_RULES = 2, RULES_DRAWN_MAX = LIST_RULES_MAX - TAIL_RULES };

/* How the addresses of a list relate to each other. */
enum {
  SIMILAR,  /* octets of few values: prefixes of all lengths overlap */
  NESTED,   /* prefixes of one address, the last bit perhaps the other */
  APART,    /* any address, mostly of whole octets or a single host */
  SUBNETS,  /* hosts and blocks of few networks */
  SERVICES, /* few hosts: ports and protocols tell rules apart */
  ADDRESS_STYLES
};

struct style {
  uint32_t addresses;
  uint32_t ipv6_of_4; /* of 4 rules so many are IPv6 */
  uint32_t open_of_8; /* of 8 fields so many are left open */
  uint8_t base[16];
};

/* ---- addresses ---- */

static void octets_of_few_values(struct draw *draw, uint8_t address[16], uint32_t octets) {
  static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
  for (uint32_t i = 0; i < octets; i++)
    address[i] = i % 4 < 2 ? 10 : values[draw_below(draw, COUNT(values))];
}

static void any_octets(struct draw *draw, uint8_t address[16], uint32_t octets) {
  for (uint32_t i = 0; i < octets; i++)
    address[i] = (uint8_t)draw_below(draw, 256);
}

static void clear_behind(uint8_t address[16], uint32_t length, uint32_t bits) {
  for (uint32_t bit = length; bit < bits; bit++)
    address[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

static uint32_t octet_length(struct draw *draw, uint32_t bits) {
  return draw_one_in(draw, 2) ? bits : 8 * (1 + draw_below(draw, bits / 8));
}

static uint32_t draw_address(struct draw *draw, const struct style *style, uint8_t address[16],
                             uint32_t octets) {
  const uint32_t bits = octets * 8;
  uint32_t length = draw_below(draw, bits + 1);
  memcpy(address, style->base, octets);
  switch (style->addresses) {
    case SIMILAR:
      octets_of_few_values(draw, address, octets);
      break;
    case NESTED:
      if (length && draw_one_in(draw, 3))
        address[(length - 1) / 8] ^= (uint8_t)(0x80u >> (length - 1) % 8);
      break;
    case SERVICES:
      address[octets - 1] = (uint8_t)(style->base[octets - 1] ^ draw_below(draw, 2));
      length = bits;
      break;
    case APART:
      any_octets(draw, address, octets);
      length = octet_length(draw, bits);
      break;
    default:
      address[octets - 2] = (uint8_t)draw_below(draw, 3);
      address[octets - 1] = (uint8_t)draw_below(draw, 256);
      length = draw_one_in(draw, 2) ? bits : bits - draw_below(draw, 17);
  }
  return length;
}

static uint8_t draw_prefix(struct draw *draw, const struct style *style, uint8_t address[16],
                           uint32_t octets) {
  const uint32_t open_of_8 = style->addresses == SERVICES ? 0 : style->open_of_8;
  if (draw_below(draw, 8) < open_of_8) return 0;
  const uint32_t length = draw_address(draw, style, address, octets);
  clear_behind(address, length, octets * 8);
  return (uint8_t)length;
}

/* ---- protocol and ports ---- */

static uint16_t draw_port(struct draw *draw) {
  static const uint16_t corners[] = {0,    1,    2,      53,     79,     80,    81,   443,
                                     1023, 1024, 0x7fff, 0x8000, 0xff00, 65534, 65535};
  return draw_one_in(draw, 3) ? (uint16_t)draw_below(draw, 65536)
                              : corners[draw_below(draw, COUNT(corners))];
}

static void draw_range(struct draw *draw, const struct style *style, uint16_t *first,
                       uint16_t *last) {
  const uint16_t one = draw_port(draw), other = draw_port(draw);
  const uint32_t shape = draw_below(draw, 4);
  *first = shape == 0 ? 0 : one < other && shape != 3 ? one : other;
  *last = shape == 1 ? UINT16_MAX : shape == 0 || shape == 3 ? other : one < other ? other : one;
  /* 1-65535 stands for all ports (O5) and never reaches a list. */
  const bool open = draw_below(draw, 8) < style->open_of_8;
  if (open || (*first <= 1 && *last == UINT16_MAX)) {
    *first = 0;
    *last = UINT16_MAX;
  }
}

/* Mostly one port, so that many of a list are told apart by it. */
static void draw_service(struct draw *draw, const struct style *style, uint16_t *first,
                         uint16_t *last) {
  draw_range(draw, style, first, last);
  if (style->addresses != SERVICES || draw_one_in(draw, 3)) return;
  *first = (uint16_t)draw_below(draw, 4096);
  *last = (uint16_t)(*first | (draw_one_in(draw, 4) ? 15 : 0));
}

static uint16_t draw_protocol(struct draw *draw, const struct style *style) {
  static const uint8_t common[] = {0, 1, 6, 6, 6, 17, 17, 58, 132, 255};
  if (draw_below(draw, 8) < style->open_of_8) return MIRROR_PROTOCOL_ALL;
  return draw_one_in(draw, 8) ? (uint16_t)draw_below(draw, 256)
                              : common[draw_below(draw, COUNT(common))];
}

/* ---- lists ---- */

static struct mri_match_rule draw_rule(struct draw *draw, const struct style *style) {
  struct mri_match_rule rule = {.accept = draw_one_in(draw, 2)};
  rule.family = draw_below(draw, 4) < style->ipv6_of_4 ? 6 : 4;
  const uint32_t octets = rule.family == 4 ? 4 : 16;
  rule.source_length = draw_prefix(draw, style, rule.source, octets);
  rule.destination_length = draw_prefix(draw, style, rule.destination, octets);
  draw_range(draw, style, &rule.source_first, &rule.source_last);
  draw_service(draw, style, &rule.destination_first, &rule.destination_last);
  rule.protocol = draw_protocol(draw, style);
  return rule;
}

/* An earlier rule once more, as it is or with one field more or less open. */
static struct mri_match_rule draw_again(struct draw *draw, const struct style *style,
                                        const struct mri_match_rule *earlier) {
  struct mri_match_rule rule = *earlier;
  rule.accept = draw_one_in(draw, 2);
  const uint32_t octets = rule.family == 4 ? 4 : 16;
  switch (draw_below(draw, 6)) {
    case 0:
      rule.protocol = draw_protocol(draw, style);
      break;
    case 1:
      draw_range(draw, style, &rule.destination_first, &rule.destination_last);
      break;
    case 2:
      rule.source_length = (uint8_t)draw_below(draw, rule.source_length + 1u);
      clear_behind(rule.source, rule.source_length, octets * 8);
      break;
    default:
      break;
  }
  return rule;
}

static struct mri_match_rule everything(uint8_t family, uint8_t accept) {
  return (struct mri_match_rule){.family = family,
                                 .accept = accept,
                                 .source_last = UINT16_MAX,
                                 .destination_last = UINT16_MAX,
                                 .protocol = MIRROR_PROTOCOL_ALL};
}

static struct style draw_style(struct draw *draw) {
  static const uint32_t ipv6_of_4[] = {0, 0, 4, 2}, open_of_8[] = {0, 1, 2, 4};
  struct style style = {.addresses = draw_below(draw, ADDRESS_STYLES)};
  style.ipv6_of_4 = ipv6_of_4[draw_below(draw, COUNT(ipv6_of_4))];
  style.open_of_8 = open_of_8[draw_below(draw, COUNT(open_of_8))];
  any_octets(draw, style.base, 16);
  return style;
}

/* Often around the widths of vectors, where the structures have their seams. */
static uint32_t draw_count(struct draw *draw) {
  static const uint32_t widths[] = {8, 16, 32, 64, 128, 256, 512, 1024};
  switch (draw_below(draw, 8)) {
    case 0:
      return 1 + draw_below(draw, RULES_DRAWN_MAX);
    case 1:
    case 2:
      return widths[draw_below(draw, COUNT(widths))] - 1 + draw_below(draw, 3);
    case 3:
      return 1 + draw_below(draw, 4);
    default:
      return 1 + draw_below(draw, 200);
  }
}

uint32_t list_draw(struct draw *draw, struct mri_match_rule rules[LIST_RULES_MAX]) {
  const struct style style = draw_style(draw);
  uint32_t count = draw_count(draw);
  for (uint32_t i = 0; i < count; i++)
    rules[i] = i && draw_one_in(draw, 12) ? draw_again(draw, &style, &rules[draw_below(draw, i)])
                                          : draw_rule(draw, &style);
  const uint32_t tail = draw_below(draw, 4); /* 1 accepts, 2 rejects, else there is none */
  for (uint8_t family = 4; (tail == 1 || tail == 2) && family <= 6; family = (uint8_t)(family + 2))
    rules[count++] = everything(family, tail == 1);
  return count;
}

/* ---- keys ---- */

static void draw_anywhere(struct draw *draw, mirror_key *key, uint32_t family) {
  const struct style style = {.addresses = SIMILAR};
  const struct mri_match_rule rule = everything((uint8_t)family, 1);
  draw_inside(draw, &rule, key);
  if (draw_one_in(draw, 2)) return;
  draw_address(draw, &style, key->source, family == 4 ? 4 : 16);
  draw_address(draw, &style, key->destination, family == 4 ? 4 : 16);
  key->destination_port = draw_port(draw);
}

void list_draw_key(struct draw *draw, const struct mri_match_rule *rules, uint32_t count,
                   uint32_t family, mirror_key *key) {
  const struct mri_match_rule *rule = &rules[draw_below(draw, count)];
  const uint32_t how = draw_below(draw, 8);
  if (rule->family != family || how == 0)
    draw_anywhere(draw, key, family);
  else if (how < 5)
    draw_corner(draw, rule, key);
  else if (how == 5)
    draw_beside(draw, rule, key);
  else
    draw_inside(draw, rule, key);
  if (draw_one_in(draw, 6)) draw_absent(draw, key);
}
