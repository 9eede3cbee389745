#include "support/classbench.h"

#include "packet/octets.h"

#include <arpa/inet.h>
#include <libmirror/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One line as numbers and texts. */
struct line {
  char source[64], destination[64];
  unsigned source_length, destination_length;
  unsigned source_first, source_last, destination_first, destination_last;
  unsigned protocol, protocol_mask;
};

static bool split(const char *text, struct line *line) {
  return sscanf(text, "@%63[^/]/%u %63[^/]/%u %u : %u %u : %u %x/%x", line->source,
                &line->source_length, line->destination, &line->destination_length,
                &line->source_first, &line->source_last, &line->destination_first,
                &line->destination_last, &line->protocol, &line->protocol_mask) == 10;
}

static bool read_prefix(const char *text, unsigned length, uint32_t family, uint8_t address[16],
                        uint8_t *bits) {
  const unsigned all = family == 4 ? 32 : 128;
  if (length > all || inet_pton(family == 4 ? AF_INET : AF_INET6, text, address) != 1) return false;
  for (unsigned bit = length; bit < all; bit++)
    address[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
  *bits = (uint8_t)length;
  return true;
}

/* 1-65535 stands for all ports, as in the model (O5). */
static bool read_ports(unsigned first, unsigned last, uint16_t *from, uint16_t *to) {
  if (first > last || last > UINT16_MAX) return false;
  *from = (uint16_t)(first == 1 && last == UINT16_MAX ? 0 : first);
  *to = (uint16_t)last;
  return true;
}

/* ICMP of an IPv6 rule is read as ICMPv6: the model refuses the other (O3). */
static uint16_t read_protocol(const struct line *line, uint32_t family) {
  enum { ICMP = 1, ICMPV6 = 58 };
  if (!line->protocol_mask) return MIRROR_PROTOCOL_ALL;
  return (uint16_t)(family == 6 && line->protocol == ICMP ? ICMPV6 : line->protocol);
}

static bool read_rule(const char *text, struct mri_match_rule *rule) {
  struct line line;
  memset(rule, 0, sizeof *rule);
  if (!split(text, &line) || line.protocol > 255) return false;
  rule->accept = 1;
  rule->family = strchr(line.source, ':') ? 6 : 4;
  rule->protocol = read_protocol(&line, rule->family);
  return read_prefix(line.source, line.source_length, rule->family, rule->source,
                     &rule->source_length) &&
         read_prefix(line.destination, line.destination_length, rule->family, rule->destination,
                     &rule->destination_length) &&
         read_ports(line.source_first, line.source_last, &rule->source_first, &rule->source_last) &&
         read_ports(line.destination_first, line.destination_last, &rule->destination_first,
                    &rule->destination_last);
}

static struct mri_match_rule *next_rule(struct classbench *set, uint32_t *room) {
  if (set->count == *room) {
    *room = *room ? *room * 2 : 1024;
    struct mri_match_rule *larger = realloc(set->rules, *room * sizeof *larger);
    if (!larger) return NULL;
    set->rules = larger;
  }
  return &set->rules[set->count];
}

static bool read_lines(struct classbench *set, FILE *file, const char *path) {
  char text[512];
  uint32_t room = 0;
  while (fgets(text, sizeof text, file)) {
    if (text[0] != '@') continue;
    struct mri_match_rule *rule = next_rule(set, &room);
    if (!rule || !read_rule(text, rule)) {
      fprintf(stderr, "%s: rule %u: %s", path, set->count + 1, rule ? text : "out of memory\n");
      return false;
    }
    set->count++;
  }
  if (!set->count) fprintf(stderr, "%s: no rules\n", path);
  return set->count > 0;
}

bool classbench_read(struct classbench *set, const char *path) {
  memset(set, 0, sizeof *set);
  FILE *file = fopen(path, "r");
  if (!file) {
    perror(path);
    return false;
  }
  const bool good = read_lines(set, file, path);
  fclose(file);
  if (good)
    set->family = set->rules[0].family;
  else
    classbench_free(set);
  return good;
}

void classbench_free(struct classbench *set) {
  free(set->rules);
  memset(set, 0, sizeof *set);
}

static void widen_prefix(uint8_t address[16], uint8_t *length) {
  enum { HOST = 32 };
  if (!*length) return;
  const uint32_t prefix = mri_get32(address), mixed = prefix * UINT32_C(0x9e3779b1);
  mri_put32(address, 0x20010db8);
  mri_put32(address + 4, prefix);
  if (*length == HOST) {
    mri_put32(address + 8, mixed);
    mri_put32(address + 12, mixed ^ mixed >> 15);
  }
  *length = (uint8_t)(*length == HOST ? 128 : 32 + *length);
}

void classbench_widen(struct classbench *set) {
  enum { ICMP = 1, ICMPV6 = 58 };
  for (uint32_t i = 0; i < set->count; i++) {
    struct mri_match_rule *rule = &set->rules[i];
    rule->family = 6;
    if (rule->protocol == ICMP) rule->protocol = ICMPV6;
    widen_prefix(rule->source, &rule->source_length);
    widen_prefix(rule->destination, &rule->destination_length);
  }
  set->family = 6;
}

static bool read_trace(struct trace *trace, FILE *file) {
  char magic[4];
  uint32_t count;
  if (fread(magic, sizeof magic, 1, file) != 1 || memcmp(magic, "CBT1", sizeof magic) != 0 ||
      fread(&count, sizeof count, 1, file) != 1 || count == 0)
    return false;
  trace->count = count;
  trace->keys = calloc(count, sizeof *trace->keys);
  trace->expected = calloc(count, sizeof *trace->expected);
  return trace->keys && trace->expected &&
         fread(trace->keys, sizeof *trace->keys, count, file) == count &&
         fread(trace->expected, sizeof *trace->expected, count, file) == count;
}

bool trace_read(struct trace *trace, const char *path) {
  memset(trace, 0, sizeof *trace);
  FILE *file = fopen(path, "rb");
  if (!file) {
    perror(path);
    return false;
  }
  const bool good = read_trace(trace, file);
  fclose(file);
  if (good) return true;
  fprintf(stderr, "%s: no trace, or cut\n", path);
  trace_free(trace);
  return false;
}

void trace_free(struct trace *trace) {
  free(trace->keys);
  free(trace->expected);
  memset(trace, 0, sizeof *trace);
}
