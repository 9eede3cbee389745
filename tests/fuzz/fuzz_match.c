/*
 * A rule list and keys that often meet its corners, from the input; every structure for every
 * instruction set of the machine against the naive matcher. Allocations fail as the input says:
 * then the compiler says so, and nothing is left.
 */
#include "fuzz/fuzz.h"
#include "match/isa.h"
#include "match/key.h"
#include "match/list.h"
#include "support/naive.h"

#include <string.h>

enum { RULES = 300, KEYS = 40, ADDRESSES = 4 };

struct case_ {
  struct mri_match_rule rules[RULES];
  uint32_t rule_count;
  mirror_key keys[KEYS];
  uint32_t key_count;
  uint8_t pool[ADDRESSES][16]; /* that rules and keys share */
};

/* ---- from the input ---- */

static void draw_address(struct case_ *drawn, struct fuzz *fuzz, uint8_t address[16]) {
  const uint8_t how = fuzz_octet(fuzz);
  memcpy(address, drawn->pool[how % ADDRESSES], 16);
  if (how & 0x10) address[how >> 5] ^= fuzz_octet(fuzz);
  if (how & 8) address[3] = fuzz_octet(fuzz);
}

static uint8_t draw_prefix(struct case_ *drawn, struct fuzz *fuzz, uint32_t bits,
                           uint8_t prefix[16]) {
  const uint32_t length = fuzz_below(fuzz, bits + 1);
  memset(prefix, 0, 16);
  if (length) draw_address(drawn, fuzz, prefix);
  for (uint32_t bit = length; bit < 128; bit++)
    prefix[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
  return (uint8_t)length;
}

static uint16_t draw_port(struct fuzz *fuzz) {
  static const uint16_t common[] = {0, 1, 53, 80, 443, 1023, 1024, 32768, 65534, 65535};
  const uint32_t how = fuzz_below(fuzz, 16);
  return how < 10 ? common[how] : (uint16_t)fuzz_number(fuzz, 2);
}

/* 1-65535 means all, and never reaches a list (O5). */
static void draw_range(struct fuzz *fuzz, uint16_t *first, uint16_t *last) {
  const uint32_t how = fuzz_below(fuzz, 4);
  *first = how ? draw_port(fuzz) : 0;
  *last = how == 1 ? *first : how ? draw_port(fuzz) : 65535;
  if (*last < *first) *last = 65535;
  if (*first == 1 && *last == 65535) *first = 0;
}

static uint16_t draw_protocol(struct fuzz *fuzz) {
  static const uint16_t common[] = {MIRROR_PROTOCOL_ALL, 6, 17, 1, 58, 0, 255};
  const uint32_t how = fuzz_below(fuzz, 8);
  return how < 7 ? common[how] : fuzz_octet(fuzz);
}

static void draw_rule(struct case_ *drawn, struct fuzz *fuzz, struct mri_match_rule *rule) {
  const uint8_t how = fuzz_octet(fuzz);
  memset(rule, 0, sizeof *rule);
  rule->family = how & 1 ? 6 : 4;
  rule->accept = how >> 1 & 1;
  const uint32_t bits = rule->family == 4 ? 32 : 128;
  rule->source_length = draw_prefix(drawn, fuzz, bits, rule->source);
  rule->destination_length = draw_prefix(drawn, fuzz, bits, rule->destination);
  rule->protocol = draw_protocol(fuzz);
  draw_range(fuzz, &rule->source_first, &rule->source_last);
  draw_range(fuzz, &rule->destination_first, &rule->destination_last);
}

/* Absent fields are 0; without source port there is no destination port. */
static void draw_key(struct case_ *drawn, struct fuzz *fuzz, mirror_key *key) {
  static const uint8_t presents[] = {7, 7, 7, 3, 1, 0};
  const uint8_t how = fuzz_octet(fuzz);
  memset(key, 0, sizeof *key);
  if (how == 0xff) return; /* unparsable */
  key->family = how & 1 ? 6 : 4;
  key->present = presents[(how >> 1) % 6];
  draw_address(drawn, fuzz, key->source);
  draw_address(drawn, fuzz, key->destination);
  if (key->family == 4) {
    memset(key->source + 4, 0, 12);
    memset(key->destination + 4, 0, 12);
  }
  if (key->present & MIRROR_KEY_PROTOCOL) key->protocol = (uint8_t)draw_protocol(fuzz);
  if (key->present & MIRROR_KEY_SOURCE_PORT) key->source_port = draw_port(fuzz);
  if (key->present & MIRROR_KEY_DESTINATION_PORT) key->destination_port = draw_port(fuzz);
}

/* Rules drawn once are repeated with other addresses, which makes long lists of short inputs. */
static void draw_case(struct case_ *drawn, struct fuzz *fuzz) {
  memset(drawn->pool, 0, sizeof drawn->pool);
  for (uint32_t i = 0; i < ADDRESSES; i++)
    for (uint32_t j = 0; j < 16; j++)
      drawn->pool[i][j] = (uint8_t)(j < 4 ? fuzz_octet(fuzz) : i * j);
  const uint32_t distinct = 1 + fuzz_below(fuzz, 32), repeats = 1 + fuzz_below(fuzz, 8);
  drawn->rule_count = 0;
  for (uint32_t i = 0; i < distinct; i++)
    draw_rule(drawn, fuzz, &drawn->rules[drawn->rule_count++]);
  for (uint32_t i = distinct; i < distinct * repeats; i++) {
    struct mri_match_rule *rule = &drawn->rules[drawn->rule_count++];
    *rule = drawn->rules[i % distinct];
    if (rule->source_length >= 32) rule->source[3] = (uint8_t)(rule->source[3] + i / distinct);
    if (rule->destination_first == rule->destination_last && rule->destination_first < 60000)
      rule->destination_first = rule->destination_last =
          (uint16_t)(rule->destination_first + i / distinct);
  }
  drawn->key_count = 1 + fuzz_below(fuzz, KEYS);
  for (uint32_t i = 0; i < drawn->key_count; i++)
    draw_key(drawn, fuzz, &drawn->keys[i]);
}

/* ---- the engines ---- */

static void ask(const struct case_ *drawn, const struct mri_list *list, const uint32_t *expected) {
  uint32_t found[KEYS];
  mri_list_match_batch(list, drawn->keys, sizeof drawn->keys[0], drawn->key_count, found);
  for (uint32_t i = 0; i < drawn->key_count; i++) {
    FUZZ_CHECK(found[i] == expected[i]);
    FUZZ_CHECK(mri_list_match(list, &drawn->keys[i]) == expected[i]);
  }
}

/* Prepared keys, one family at a time. */
static void ask_prepared(const struct case_ *drawn, const struct mri_list *list, uint32_t family,
                         const uint32_t *expected) {
  static mirror_key4 keys4[KEYS];
  static mirror_key6 keys6[KEYS];
  const void *pointers[KEYS] = {NULL};
  uint32_t wanted[KEYS] = {0}, found[KEYS], count = 0;
  for (uint32_t i = 0; i < drawn->key_count; i++) {
    if (drawn->keys[i].family != family) continue;
    if (family == 4)
      mri_key4_of(&keys4[count], &drawn->keys[i]);
    else
      mri_key6_of(&keys6[count], &drawn->keys[i]);
    pointers[count] = family == 4 ? (const void *)&keys4[count] : (const void *)&keys6[count];
    wanted[count++] = expected[i];
  }
  mri_list_match_keys(list, family, pointers, count, found);
  for (uint32_t i = 0; i < count; i++)
    FUZZ_CHECK(found[i] == wanted[i]);
}

static void contest(const struct case_ *drawn, struct fuzz_memory *memory,
                    const struct mri_alloc *alloc, const struct mri_list_options *options,
                    const uint32_t *expected) {
  struct mri_list *list = NULL;
  struct mri_list_facts facts;
  memory->calls = memory->failed = 0;
  const int32_t status =
      mri_list_compile(alloc, drawn->rules, drawn->rule_count, options, &list, &facts);
  if (status == MIRROR_OK) {
    FUZZ_CHECK(facts.memory <= options->budget);
    FUZZ_CHECK(facts.rules[0] + facts.rules[1] == drawn->rule_count);
    ask(drawn, list, expected);
    ask_prepared(drawn, list, 4, expected);
    ask_prepared(drawn, list, 6, expected);
    mri_list_destroy(alloc, list);
  } else if (status == MIRROR_E_NOMEM) {
    FUZZ_CHECK(memory->failed > 0);
  } else {
    FUZZ_CHECK(status == MIRROR_E_LIST_MEMORY && options->budget != UINT64_MAX);
  }
  FUZZ_CHECK(memory->blocks == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length) {
  static const uint32_t structures[] = {MIRROR_STRUCTURE_NONE, MIRROR_STRUCTURE_SCAN,
                                        MIRROR_STRUCTURE_NIBBLES, MIRROR_STRUCTURE_FOREST};
  static struct case_ drawn;
  struct fuzz fuzz = {octets, length};
  struct fuzz_memory memory = {0};
  mirror_context_options functions;
  fuzz_memory_use(&memory, &functions);
  const struct mri_alloc alloc = {functions.allocator_user, functions.allocate, functions.resize,
                                  functions.release};
  uint32_t expected[KEYS];
  fuzz_memory_draw(&memory, &fuzz);
  const uint64_t budget = fuzz_one_in(&fuzz, 8) ? fuzz_number(&fuzz, 3) : UINT64_MAX;
  draw_case(&drawn, &fuzz);
  for (uint32_t i = 0; i < drawn.key_count; i++)
    expected[i] = naive_match(drawn.rules, drawn.rule_count, &drawn.keys[i]);
  for (uint32_t isa = MIRROR_ISA_SCALAR; isa <= MIRROR_ISA_AVX512; isa++)
    for (uint32_t i = 0; mri_isa_present(isa) && i < 4; i++) {
      const struct mri_list_options options = {isa, structures[i], budget};
      contest(&drawn, &memory, &alloc, &options, expected);
    }
  return 0;
}
