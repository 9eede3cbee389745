#include "bench/keys.h"

#include "bench/measure.h"
#include "match/key.h"
#include "match/list.h"
#include "support/draw.h"

#include <stdlib.h>
#include <string.h>

static size_t key_size(uint32_t family) {
  return family == 4 ? sizeof(mirror_key4) : sizeof(mirror_key6);
}

static void allocate(struct bench_keys *keys, uint32_t count, uint32_t family) {
  keys->count = count;
  keys->family = family;
  keys->octets = count * key_size(family);
  keys->keys = bench_pages(keys->octets);
  keys->pointer = calloc(count, sizeof *keys->pointer);
  keys->expected = calloc(count, sizeof *keys->expected);
  keys->found = calloc(count, sizeof *keys->found);
  if (!keys->keys || !keys->pointer || !keys->expected || !keys->found)
    bench_fail("out of memory for %u keys", count);
  for (uint32_t i = 0; i < count; i++)
    keys->pointer[i] = (const uint8_t *)keys->keys + i * key_size(family);
}

static void take_trace(struct bench_keys *keys, const char *path) {
  struct trace trace;
  if (!trace_read(&trace, path)) exit(2);
  allocate(keys, trace.count, 4);
  memcpy(keys->keys, trace.keys, keys->octets);
  memcpy(keys->expected, trace.expected, trace.count * sizeof *trace.expected);
  trace_free(&trace);
}

/* One bit of each address, and the destination port. */
static void move_away(struct draw *draw, mirror_key *key) {
  const uint32_t octets = key->family == 4 ? 4 : 16;
  key->source[draw_below(draw, octets)] ^= (uint8_t)(1 << draw_below(draw, 8));
  key->destination[draw_below(draw, octets)] ^= (uint8_t)(1 << draw_below(draw, 8));
  key->destination_port = (uint16_t)draw_below(draw, 65536);
}

static void draw_keys(struct bench_keys *keys, const struct classbench *set) {
  struct draw draw;
  draw_seed(&draw, 7);
  for (uint32_t i = 0; i < keys->count; i++) {
    mirror_key key;
    draw_inside(&draw, &set->rules[draw_below(&draw, set->count)], &key);
    if (draw_one_in(&draw, 10)) move_away(&draw, &key);
    if (keys->family == 4)
      mri_key4_of((mirror_key4 *)keys->keys + i, &key);
    else
      mri_key6_of((mirror_key6 *)keys->keys + i, &key);
  }
}

/* By looking at every rule in order. */
static void answer(struct bench_keys *keys, const struct classbench *set) {
  const struct mri_list_options options = {MIRROR_ISA_SCALAR, MIRROR_STRUCTURE_SCAN, UINT64_MAX};
  struct mri_alloc alloc;
  struct mri_list *list;
  struct mri_list_facts facts;
  mri_alloc_default(&alloc);
  if (mri_list_compile(&alloc, set->rules, set->count, &options, &list, &facts))
    bench_fail("out of memory for %u rules", set->count);
  mri_list_match_keys(list, keys->family, keys->pointer, keys->count, keys->expected);
  mri_list_destroy(&alloc, list);
}

void bench_keys_open(struct bench_keys *keys, const char *path, const struct classbench *set,
                     uint32_t count) {
  memset(keys, 0, sizeof *keys);
  if (path) {
    take_trace(keys, path);
    if (set->family != keys->family) bench_fail("%s: IPv4 keys for IPv6 rules", path);
    return;
  }
  allocate(keys, count, set->family);
  draw_keys(keys, set);
  answer(keys, set);
}

void bench_keys_close(struct bench_keys *keys) {
  bench_pages_free(keys->keys, keys->octets);
  free(keys->pointer);
  free(keys->expected);
  free(keys->found);
  memset(keys, 0, sizeof *keys);
}

uint32_t bench_keys_wrong(const struct bench_keys *keys) {
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < keys->count; i++)
    wrong += keys->found[i] != keys->expected[i];
  return wrong;
}
