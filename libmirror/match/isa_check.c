/* The self-check of an instruction set, before it is picked. */
#include "match/isa.h"
#include "match/list.h"

#include <string.h>

enum { RULES = 48, KEYS = 96, STRUCTURES = 2 };

struct vectors {
  struct mri_match_rule rules[RULES];
  mirror_key keys[KEYS];
};

/* Numerical Recipes' linear congruence: the same vectors on every machine. */
static uint32_t draw(uint32_t *seed, uint32_t below) {
  *seed = *seed * 1664525u + 1013904223u;
  return (uint32_t)((uint64_t)*seed * below >> 32);
}

static void draw_address(uint32_t *seed, uint8_t address[16], uint32_t octets, uint32_t length) {
  for (uint32_t i = 0; i < octets; i++) {
    const uint32_t bits = length > 8 * i ? length - 8 * i : 0;
    const uint8_t octet = draw(seed, 4) ? 10 : (uint8_t)draw(seed, 256);
    address[i] = (uint8_t)(octet & (bits < 8 ? 0xff00u >> bits : 0xffu));
  }
}

static uint16_t draw_port(uint32_t *seed) {
  static const uint16_t corners[] = {0, 1, 80, 1023, 1024, 0x7fff, 0x8000, 65535};
  return corners[draw(seed, 8)];
}

/* One field in four is open: were it more, the first rules would decide about all keys. */
static bool draw_open(uint32_t *seed) {
  return !draw(seed, 4);
}

static uint8_t draw_length(uint32_t *seed, uint32_t octets) {
  return draw_open(seed) ? 0 : (uint8_t)(8 * octets - draw(seed, 7 * octets));
}

static void draw_range(uint32_t *seed, uint16_t *first, uint16_t *last) {
  const uint16_t one = draw_port(seed), other = draw_port(seed);
  const bool all = draw_open(seed);
  *first = all ? 0 : one < other ? one : other;
  *last = all ? UINT16_MAX : one < other ? other : one;
}

static void draw_rule(uint32_t *seed, struct mri_match_rule *rule) {
  const uint32_t octets = draw(seed, 2) ? 4 : 16;
  rule->family = octets == 4 ? 4 : 6;
  rule->source_length = draw_length(seed, octets);
  rule->destination_length = draw_length(seed, octets);
  draw_address(seed, rule->source, octets, rule->source_length);
  draw_address(seed, rule->destination, octets, rule->destination_length);
  rule->protocol = draw_open(seed) ? MIRROR_PROTOCOL_ALL : (uint16_t)(6 + 11 * draw(seed, 2));
  draw_range(seed, &rule->source_first, &rule->source_last);
  draw_range(seed, &rule->destination_first, &rule->destination_last);
}

/* An address that a prefix holds; once in eight times any. */
static void draw_inside(uint32_t *seed, uint8_t address[16], const uint8_t prefix[16],
                        uint32_t octets, uint32_t length) {
  if (!draw(seed, 8)) {
    draw_address(seed, address, octets, octets * 8);
    return;
  }
  for (uint32_t i = 0; i < octets; i++) {
    const uint32_t bits = length > 8 * i ? length - 8 * i : 0;
    address[i] = (uint8_t)(prefix[i] | (bits < 8 ? draw(seed, 256) & 0xffu >> bits : 0));
  }
}

/* A key that the rule matches in most fields, so that many rules decide, and some keys miss all. */
static void draw_key(uint32_t *seed, const struct mri_match_rule *rule, mirror_key *key) {
  const uint32_t octets = rule->family == 4 ? 4 : 16;
  const bool any = rule->protocol == MIRROR_PROTOCOL_ALL || !draw(seed, 8);
  *key = (mirror_key){.family = rule->family, .present = (uint8_t)(draw(seed, 6) ? 7 : 1)};
  draw_inside(seed, key->source, rule->source, octets, rule->source_length);
  draw_inside(seed, key->destination, rule->destination, octets, rule->destination_length);
  key->protocol = (uint8_t)(any ? draw(seed, 256) : rule->protocol);
  if (!(key->present & MIRROR_KEY_SOURCE_PORT)) return;
  key->source_port = draw(seed, 8) ? rule->source_last : draw_port(seed);
  key->destination_port = draw(seed, 8) ? rule->destination_first : draw_port(seed);
}

static void draw_vectors(struct vectors *vectors) {
  uint32_t seed = 1;
  memset(vectors, 0, sizeof *vectors);
  for (uint32_t i = 0; i < RULES; i++)
    draw_rule(&seed, &vectors->rules[i]);
  for (uint32_t i = 0; i < KEYS; i++)
    draw_key(&seed, &vectors->rules[i % RULES], &vectors->keys[i]);
}

static int32_t answers(const struct mri_alloc *alloc, const struct vectors *vectors, uint32_t isa,
                       uint32_t structure, uint32_t first[KEYS]) {
  const struct mri_list_options options = {isa, structure, UINT64_MAX};
  struct mri_list_facts facts;
  struct mri_list *list;
  const int32_t status = mri_list_compile(alloc, vectors->rules, RULES, &options, &list, &facts);
  if (status) return status;
  mri_list_match_batch(list, vectors->keys, sizeof vectors->keys[0], KEYS, first);
  mri_list_destroy(alloc, list);
  return MIRROR_OK;
}

int32_t mri_isa_check(const struct mri_alloc *alloc, uint32_t isa) {
  static const uint32_t structures[STRUCTURES] = {MIRROR_STRUCTURE_NIBBLES,
                                                  MIRROR_STRUCTURE_FOREST};
  if (!mri_isa_present(isa)) return MIRROR_E_UNSUPPORTED;
  struct vectors vectors;
  uint32_t expected[KEYS], found[KEYS];
  draw_vectors(&vectors);
  int32_t status = answers(alloc, &vectors, MIRROR_ISA_SCALAR, MIRROR_STRUCTURE_SCAN, expected);
  for (unsigned i = 0; i < STRUCTURES && !status; i++) {
    status = answers(alloc, &vectors, isa, structures[i], found);
    if (!status && memcmp(expected, found, sizeof found) != 0) status = MIRROR_E_UNSUPPORTED;
  }
  return status;
}
