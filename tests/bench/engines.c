/*
 * Plug-in for a benchmark that runs several packet classifiers in one process: our lists, built and
 * asked through the public API, one engine for each instruction set of the machine.
 *
 * The types below mirror the benchmark's interface: it loads the object, calls engines() and
 * expects an array that ends with an engine without a name.
 */
#include "bench/list.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "packet/octets.h"

/* Its rules: IPv4 in host byte order, ranges with both ends, any_protocol 1: every protocol. */
struct plugin_rule {
  uint32_t source;
  uint32_t destination;
  uint8_t source_length;
  uint8_t destination_length;
  uint8_t protocol;
  uint8_t any_protocol;
  uint16_t source_first;
  uint16_t source_last;
  uint16_t destination_first;
  uint16_t destination_last;
};

struct plugin_engine {
  const char *name;
  void *(*build)(const struct plugin_rule *rules, uint32_t count, size_t *memory);
  void (*classify)(void *state, const uint8_t *const *keys, uint32_t *first, uint32_t count);
  void (*destroy)(void *state);
};

/* Its keys are 16 octets: protocol, three of padding (zero), addresses, ports: our prepared key
 * with nothing absent. Its "no rule" is ours. */
_Static_assert(sizeof(mirror_key4) == 16 && offsetof(mirror_key4, source) == 4 &&
                   offsetof(mirror_key4, destination_port) == 14,
               "keys can be passed through");

static struct mri_match_rule convert(const struct plugin_rule *from) {
  struct mri_match_rule rule = {.family = 4,
                                .accept = 1,
                                .source_length = from->source_length,
                                .destination_length = from->destination_length,
                                .source_first = from->source_first,
                                .source_last = from->source_last,
                                .destination_first = from->destination_first,
                                .destination_last = from->destination_last};
  rule.protocol = from->any_protocol ? MIRROR_PROTOCOL_ALL : from->protocol;
  mri_put32(rule.source, from->source);
  mri_put32(rule.destination, from->destination);
  return rule;
}

static struct bench_list *build(const struct plugin_rule *rules, uint32_t count, size_t *memory,
                                uint32_t isa) {
  struct bench_list *list = malloc(sizeof *list);
  struct mri_match_rule *converted = calloc(count, sizeof *converted);
  const struct bench_options options = {.isa = isa};
  int32_t status = list && converted ? MIRROR_OK : MIRROR_E_NOMEM;
  for (uint32_t i = 0; i < count && !status; i++)
    converted[i] = convert(&rules[i]);
  if (!status) status = bench_list_open(list, converted, count, &options);
  free(converted);
  if (status) {
    free(list);
    return NULL;
  }
  *memory = list->info.memory;
  return list;
}

static void *build_scalar(const struct plugin_rule *rules, uint32_t count, size_t *memory) {
  return build(rules, count, memory, MIRROR_ISA_SCALAR);
}

static void *build_neon(const struct plugin_rule *rules, uint32_t count, size_t *memory) {
  return build(rules, count, memory, MIRROR_ISA_NEON);
}

static void *build_avx2(const struct plugin_rule *rules, uint32_t count, size_t *memory) {
  return build(rules, count, memory, MIRROR_ISA_AVX2);
}

static void *build_avx512(const struct plugin_rule *rules, uint32_t count, size_t *memory) {
  return build(rules, count, memory, MIRROR_ISA_AVX512);
}

static void classify(void *state, const uint8_t *const *keys, uint32_t *first, uint32_t count) {
  bench_list_match(state, (const void *const *)keys, count, first);
}

static void destroy(void *state) {
  bench_list_close(state);
  free(state);
}

MIRROR_API const struct plugin_engine *engines(void);

const struct plugin_engine *engines(void) {
  static const struct plugin_engine all[] = {
      [MIRROR_ISA_SCALAR] = {"libmirror-scalar", build_scalar, classify, destroy},
      [MIRROR_ISA_NEON] = {"libmirror-neon", build_neon, classify, destroy},
      [MIRROR_ISA_AVX2] = {"libmirror-avx2", build_avx2, classify, destroy},
      [MIRROR_ISA_AVX512] = {"libmirror-avx512", build_avx512, classify, destroy},
  };
  static struct plugin_engine available[MIRROR_ISA_AVX512 + 1];
  uint32_t count = 0;
  for (uint32_t isa = MIRROR_ISA_SCALAR; isa <= MIRROR_ISA_AVX512; isa++) {
    if (mirror_isa_check(isa) == MIRROR_OK) available[count++] = all[isa];
  }
  return available;
}
