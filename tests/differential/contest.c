#include "differential/contest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "match/isa.h"
#include "match/key.h"

enum { BATCH_MAX = 300, UNANSWERED = 0xeeeeeeee & INT32_MAX };

static const uint32_t structures[] = {MIRROR_STRUCTURE_NIBBLES, MIRROR_STRUCTURE_FOREST};

void contest_open(struct contest *contest) {
  memset(contest, 0, sizeof *contest);
  mri_alloc_default(&contest->alloc);
  contest->guard = guard_page_new(CONTEST_KEYS_MAX * (sizeof(mirror_key6) + 1));
  for (uint32_t isa = MIRROR_ISA_SCALAR; isa <= MIRROR_ISA_AVX512; isa++) {
    if (mri_isa_present(isa)) contest->isas[contest->isa_count++] = isa;
  }
}

void contest_close(struct contest *contest) {
  guard_page_free(contest->guard);
}

/* ---- lists ---- */

static struct mri_list *compile(struct contest *contest, const struct mri_match_rule *rules,
                                uint32_t count, uint32_t structure, uint32_t isa) {
  const struct mri_list_options options = {isa, structure, UINT64_MAX};
  struct mri_list *list = NULL;
  struct mri_list_facts facts;
  const int32_t status = mri_list_compile(&contest->alloc, rules, count, &options, &list, &facts);
  if (status)
    fail_msg("%s: %s for %s: %s", contest->name, mirror_structure_name(structure),
             mirror_isa_name(isa), mirror_status_name(status));
  contest->built[facts.structure[0]]++;
  contest->built[facts.structure[1]]++;
  return list;
}

static void add_variant(struct contest *contest, const struct mri_match_rule *rules, uint32_t count,
                        uint32_t structure, uint32_t isa) {
  struct mri_list *list = compile(contest, rules, count, structure, isa);
  contest->variants[contest->variant_count++] = (struct contest_variant){structure, isa, list};
}

void contest_begin(struct contest *contest, const char *name, const struct mri_match_rule *rules,
                   uint32_t count, uint32_t isa) {
  contest->name = name;
  contest->variant_count = 0;
  contest->scan = compile(contest, rules, count, MIRROR_STRUCTURE_SCAN, MIRROR_ISA_SCALAR);
  for (uint32_t i = 0; i < contest->isa_count; i++) {
    if (isa != MIRROR_ISA_AUTO && contest->isas[i] != isa) continue;
    for (uint32_t j = 0; j < sizeof structures / sizeof structures[0]; j++)
      add_variant(contest, rules, count, structures[j], contest->isas[i]);
  }
}

void contest_end(struct contest *contest) {
  mri_list_destroy(&contest->alloc, contest->scan);
  for (uint32_t i = 0; i < contest->variant_count; i++)
    mri_list_destroy(&contest->alloc, contest->variants[i].list);
}

/* ---- prepared keys ---- */

/* One key as octets; what is to be ignored is drawn. */
static uint32_t prepare(struct draw *draw, const mirror_key *key, uint8_t *to) {
  union {
    mirror_key4 ipv4;
    mirror_key6 ipv6;
  } made;
  if (key->family == 4)
    mri_key4_of(&made.ipv4, key);
  else
    mri_key6_of(&made.ipv6, key);
  const uint32_t size = key->family == 4 ? sizeof made.ipv4 : sizeof made.ipv6;
  const uint64_t noise = draw_bits(draw);
  memcpy(to, &made, size);
  memcpy(to + offsetof(mirror_key4, reserved), &noise, sizeof made.ipv4.reserved);
  if (!(key->present & MIRROR_KEY_PROTOCOL)) to[0] = (uint8_t)(noise >> 16);
  if (!(key->present & MIRROR_KEY_SOURCE_PORT)) mri_put16(to + size - 4, (uint16_t)(noise >> 24));
  if (!(key->present & MIRROR_KEY_DESTINATION_PORT))
    mri_put16(to + size - 2, (uint16_t)(noise >> 40));
  return size;
}

/* Keys at all alignments, one octet apart, in front of the inaccessible page. */
static void place(struct contest *contest, struct draw *draw, const mirror_key *keys,
                  uint32_t count, const void *pointers[]) {
  static uint8_t octets[CONTEST_KEYS_MAX * (sizeof(mirror_key6) + 1)];
  static uint32_t offset[CONTEST_KEYS_MAX];
  uint32_t at = 0;
  for (uint32_t i = 0; i < count; i++) {
    offset[i] = i ? ++at : at;
    at += prepare(draw, &keys[i], octets + at);
  }
  const uint8_t *placed = guard_page_at_end(contest->guard, octets, at);
  for (uint32_t i = 0; i < count; i++)
    pointers[i] = placed + offset[i];
}

static uint32_t next_batch(struct contest *contest) {
  return contest->batch = contest->batch % BATCH_MAX + 1;
}

/* Nothing behind a batch may be written. */
static void ask(struct contest *contest, const struct mri_list *list, uint32_t family,
                const void *const *keys, uint32_t count, uint32_t *found) {
  for (uint32_t i = 0; i <= count; i++)
    found[i] = UNANSWERED;
  for (uint32_t i = 0, batch; i < count; i += batch) {
    batch = contest->whole ? count : next_batch(contest);
    if (batch > count - i) batch = count - i;
    mri_list_match_keys(list, family, keys + i, batch, found + i);
    assert_int_equal(found[i + batch], UNANSWERED);
  }
}

static void describe(const mirror_key *key, char text[160]) {
  char *at = text;
  const uint32_t octets = key->family == 4 ? 4 : 16;
  for (uint32_t i = 0; i < octets; i++)
    at += sprintf(at, "%02x", key->source[i]);
  *at++ = ' ';
  for (uint32_t i = 0; i < octets; i++)
    at += sprintf(at, "%02x", key->destination[i]);
  sprintf(at, " ports %u %u protocol %u present %u", key->source_port, key->destination_port,
          key->protocol, key->present);
}

static void compare(struct contest *contest, const struct contest_variant *variant,
                    const mirror_key *keys, uint32_t count, const uint32_t *expected,
                    const uint32_t *found) {
  contest->comparisons += count;
  for (uint32_t i = 0; i < count; i++) {
    char text[160];
    if (found[i] == expected[i]) continue;
    describe(&keys[i], text);
    fail_msg("%s: %s for %s: key %u of %u (IPv%u %s): rule %d, the scan says %d", contest->name,
             mirror_structure_name(variant->structure), mirror_isa_name(variant->isa), i, count,
             keys[i].family, text, (int)found[i], (int)expected[i]);
  }
}

void contest_keys(struct contest *contest, struct draw *draw, const mirror_key *keys,
                  uint32_t count) {
  static const void *pointers[CONTEST_KEYS_MAX];
  static uint32_t expected[CONTEST_KEYS_MAX], found[CONTEST_KEYS_MAX + 1];
  place(contest, draw, keys, count, pointers);
  mri_list_match_keys(contest->scan, keys->family, pointers, count, expected);
  for (uint32_t i = 0; i < contest->variant_count; i++) {
    const struct contest_variant *variant = &contest->variants[i];
    ask(contest, variant->list, keys->family, pointers, count, found);
    compare(contest, variant, keys, count, expected, found);
    for (uint32_t j = 0; j < count; j++)
      contest->matched += expected[j] != MRI_NO_RULE;
  }
}

void contest_mixed(struct contest *contest, const mirror_key *keys, uint32_t count) {
  static uint32_t expected[CONTEST_KEYS_MAX], found[CONTEST_KEYS_MAX];
  mri_list_match_batch(contest->scan, keys, sizeof keys[0], count, expected);
  for (uint32_t i = 0; i < contest->variant_count; i++) {
    const struct contest_variant *variant = &contest->variants[i];
    mri_list_match_batch(variant->list, keys, sizeof keys[0], count, found);
    compare(contest, variant, keys, count, expected, found);
    for (uint32_t j = 0; j < count; j++)
      contest->matched += expected[j] != MRI_NO_RULE;
  }
}

void contest_conclude(const struct contest *contest) {
  print_message("%llu comparisons, %llu of them of keys that match; engines:",
                (unsigned long long)contest->comparisons, (unsigned long long)contest->matched);
  for (uint32_t i = MIRROR_STRUCTURE_SCAN; i < CONTEST_STRUCTURES; i++)
    print_message(" %llu %s", (unsigned long long)contest->built[i], mirror_structure_name(i));
  print_message("; for");
  for (uint32_t i = 0; i < contest->isa_count; i++)
    print_message(" %s", mirror_isa_name(contest->isas[i]));
  print_message("\n");
  assert_true(contest->built[MIRROR_STRUCTURE_NIBBLES] > 0); /* or the scan met itself alone */
  assert_in_range(contest->matched, contest->comparisons / 5, contest->comparisons);
}
