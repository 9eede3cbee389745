/*
 * The scalar scan, the reference: every rule in order until one matches. Rules and keys are brought
 * into a form in which an absent field is a value that no rule asking for the field contains.
 */
#include "match/engine.h"
#include "packet/octets.h"

#include <libmirror/packet.h>
#include <stdbool.h>
#include <string.h>

enum {
  PROTOCOL_ABSENT = 256, /* no rule asks for this value: all others are below */
  PROTOCOL_MASK = 511,
  PORT_ABSENT = 65536,
  PORT_MAX = 65535,
};

/* The fields other than addresses: value & mask, and first <= port <= first + span. */
struct transport {
  uint16_t protocol;
  uint16_t protocol_mask;
  uint32_t source_first;
  uint32_t source_span;
  uint32_t destination_first;
  uint32_t destination_span;
};

/* Addresses and masks as they lie in memory: both sides are compared in the same octet order. */
struct rule4 {
  uint32_t number;
  uint32_t source, source_mask, destination, destination_mask;
  struct transport transport;
};

struct rule6 {
  uint32_t number;
  uint64_t source[2], source_mask[2], destination[2], destination_mask[2];
  struct transport transport;
};

struct scan {
  uint32_t count;
  union {
    struct rule4 *ipv4;
    struct rule6 *ipv6;
    void *any;
  } rules;
};

/* A key's fields, once per scan. */
struct fields {
  uint16_t protocol;
  uint32_t source_port;
  uint32_t destination_port;
};

/* ---- compile ---- */

/* All ports includes packets without readable ports (O5). */
static uint32_t port_span(uint16_t first, uint16_t last) {
  return first == 0 && last == PORT_MAX ? PORT_ABSENT : (uint32_t)last - first;
}

static struct transport compile_transport(const struct mri_match_rule *rule) {
  const bool all = rule->protocol == MIRROR_PROTOCOL_ALL;
  return (struct transport){
      .protocol = all ? 0 : rule->protocol,
      .protocol_mask = all ? 0 : PROTOCOL_MASK,
      .source_first = rule->source_first,
      .source_span = port_span(rule->source_first, rule->source_last),
      .destination_first = rule->destination_first,
      .destination_span = port_span(rule->destination_first, rule->destination_last),
  };
}

/* `length` one bits in front of zero bits. */
static void make_mask(void *mask, uint32_t octets, uint32_t length) {
  for (uint32_t i = 0; i < octets; i++) {
    const uint32_t before = i * 8, ones = length > before ? length - before : 0;
    ((uint8_t *)mask)[i] = (uint8_t)(0xff00u >> (ones < 8 ? ones : 8));
  }
}

static void compile4(struct rule4 *to, const struct mri_match_rule *rule, uint32_t number) {
  to->number = number;
  memcpy(&to->source, rule->source, sizeof to->source);
  memcpy(&to->destination, rule->destination, sizeof to->destination);
  make_mask(&to->source_mask, sizeof to->source_mask, rule->source_length);
  make_mask(&to->destination_mask, sizeof to->destination_mask, rule->destination_length);
  to->transport = compile_transport(rule);
}

static void compile6(struct rule6 *to, const struct mri_match_rule *rule, uint32_t number) {
  to->number = number;
  memcpy(to->source, rule->source, sizeof to->source);
  memcpy(to->destination, rule->destination, sizeof to->destination);
  make_mask(to->source_mask, sizeof to->source_mask, rule->source_length);
  make_mask(to->destination_mask, sizeof to->destination_mask, rule->destination_length);
  to->transport = compile_transport(rule);
}

/* ---- match ---- */

static struct fields fields_of(uint8_t absent, uint8_t protocol, const uint8_t source_port[2],
                               const uint8_t destination_port[2]) {
  const bool no_source = absent & MIRROR_KEY_SOURCE_PORT;
  const bool no_destination = absent & MIRROR_KEY_DESTINATION_PORT;
  return (struct fields){
      .protocol = absent & MIRROR_KEY_PROTOCOL ? PROTOCOL_ABSENT : protocol,
      .source_port = no_source ? PORT_ABSENT : mri_get16(source_port),
      .destination_port = no_destination ? PORT_ABSENT : mri_get16(destination_port),
  };
}

static bool transport_matches(const struct transport *rule, const struct fields *key) {
  return (key->protocol & rule->protocol_mask) == rule->protocol &&
         key->source_port - rule->source_first <= rule->source_span &&
         key->destination_port - rule->destination_first <= rule->destination_span;
}

static uint32_t scan4(const struct scan *scan, const mirror_key4 *key) {
  const struct fields fields =
      fields_of(key->absent, key->protocol, key->source_port, key->destination_port);
  uint32_t source, destination;
  memcpy(&source, key->source, sizeof source);
  memcpy(&destination, key->destination, sizeof destination);
  for (uint32_t i = 0; i < scan->count; i++) {
    const struct rule4 *rule = &scan->rules.ipv4[i];
    if ((source & rule->source_mask) == rule->source &&
        (destination & rule->destination_mask) == rule->destination &&
        transport_matches(&rule->transport, &fields))
      return rule->number;
  }
  return MRI_NO_RULE;
}

static bool in_prefix(const uint64_t address[2], const uint64_t prefix[2], const uint64_t mask[2]) {
  return (((address[0] & mask[0]) ^ prefix[0]) | ((address[1] & mask[1]) ^ prefix[1])) == 0;
}

static uint32_t scan6(const struct scan *scan, const mirror_key6 *key) {
  const struct fields fields =
      fields_of(key->absent, key->protocol, key->source_port, key->destination_port);
  uint64_t source[2], destination[2];
  memcpy(source, key->source, sizeof source);
  memcpy(destination, key->destination, sizeof destination);
  for (uint32_t i = 0; i < scan->count; i++) {
    const struct rule6 *rule = &scan->rules.ipv6[i];
    if (in_prefix(source, rule->source, rule->source_mask) &&
        in_prefix(destination, rule->destination, rule->destination_mask) &&
        transport_matches(&rule->transport, &fields))
      return rule->number;
  }
  return MRI_NO_RULE;
}

static void match4(const void *state, const void *const *keys, uint32_t count, uint32_t *first) {
  for (uint32_t i = 0; i < count; i++)
    first[i] = scan4(state, keys[i]);
}

static void match6(const void *state, const void *const *keys, uint32_t count, uint32_t *first) {
  for (uint32_t i = 0; i < count; i++)
    first[i] = scan6(state, keys[i]);
}

/* ---- build ---- */

static void scan_destroy(const struct mri_alloc *alloc, void *state) {
  struct scan *scan = state;
  mri_free(alloc, scan->rules.any);
  mri_free(alloc, scan);
}

static struct scan *scan_new(const struct mri_alloc *alloc, uint32_t count, size_t size) {
  struct scan *scan = mri_zalloc(alloc, 1, sizeof *scan);
  if (!scan) return NULL;
  scan->count = count;
  scan->rules.any = mri_zalloc(alloc, count, size);
  if (scan->rules.any) return scan;
  mri_free(alloc, scan);
  return NULL;
}

int32_t mri_scan_build(const struct mri_build *build, struct mri_engine *engine) {
  const bool ipv4 = build->family == 4;
  const size_t size = ipv4 ? sizeof(struct rule4) : sizeof(struct rule6);
  engine->memory = sizeof(struct scan) + build->count * (uint64_t)size;
  if (engine->memory > build->budget) return MIRROR_E_LIST_MEMORY;
  struct scan *scan = scan_new(build->alloc, build->count, size);
  if (!scan) return MIRROR_E_NOMEM;
  for (uint32_t i = 0; i < build->count; i++) {
    if (ipv4)
      compile4(&scan->rules.ipv4[i], &build->rules[i], build->number[i]);
    else
      compile6(&scan->rules.ipv6[i], &build->rules[i], build->number[i]);
  }
  engine->structure = MIRROR_STRUCTURE_SCAN;
  engine->state = scan;
  engine->match = ipv4 ? match4 : match6;
  engine->destroy = scan_destroy;
  return MIRROR_OK;
}
