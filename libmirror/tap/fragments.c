#include "tap/fragments.h"

#include <string.h>

enum { WAYS = 4, OWN_ENTRIES = 64 };

/* As long as receivers wait for a datagram's rest (RFC 8200 section 4.5): then ids are reused. */
static const uint64_t lifetime_ns = 60ull * 1000 * 1000 * 1000;

/* What all fragments of a datagram share. No padding: keys compare and hash as octets. */
struct fragment_key {
  uint8_t source[16];
  uint8_t destination[16];
  uint32_t id;
  uint32_t handle;
  uint8_t family;
  uint8_t direction;
  uint8_t protocol; /* IPv4 only: IPv6 ids count per address pair */
  uint8_t reserved[5];
};

struct mri_fragment {
  struct fragment_key key;
  uint64_t generation; /* 0 = free */
  int64_t seen_ns;
  uint32_t verdict;
  uint32_t reserved;
  const struct mri_tunnel *tunnel; /* of the plan with that generation */
  const struct mri_rule *rule;
};

int32_t mri_fragments_create(const struct mri_alloc *alloc, struct mri_fragments *fragments,
                             uint32_t entries) {
  fragments->track_all = entries > 0;
  uint32_t wanted = entries ? entries : OWN_ENTRIES;
  fragments->sets = 1;
  while (fragments->sets * WAYS < wanted)
    fragments->sets *= 2;
  fragments->entries = mri_zalloc(alloc, fragments->sets * WAYS, sizeof *fragments->entries);
  return fragments->entries ? MIRROR_OK : MIRROR_E_NOMEM;
}

void mri_fragments_free(const struct mri_alloc *alloc, struct mri_fragments *fragments) {
  mri_free(alloc, fragments->entries);
}

static struct fragment_key key_of(const mirror_packet *packet, const struct mri_view *view,
                                  const struct mri_decision *decision) {
  struct fragment_key key = {
      .id = view->fragment_id,
      .handle = packet->source,
      .family = view->key.family,
      .direction = (uint8_t)decision->direction,
      .protocol = view->key.family == 4 ? view->key.protocol : 0,
  };
  memcpy(key.source, view->key.source, sizeof key.source);
  memcpy(key.destination, view->key.destination, sizeof key.destination);
  return key;
}

static struct mri_fragment *set_of(const struct mri_fragments *fragments,
                                   const struct fragment_key *key) {
  uint32_t set = (uint32_t)mri_hash(key, sizeof *key, 0) & (fragments->sets - 1);
  return &fragments->entries[set * WAYS];
}

/* Verdicts point into the plan of their generation; that a datagram is our own copy points nowhere,
 * and stays true whatever is committed between two of its fragments. */
static bool usable(const struct mri_fragment *entry, uint64_t generation, int64_t now_ns) {
  bool valid = entry->verdict == MIRROR_OWN || entry->generation == generation;
  return valid && now_ns >= entry->seen_ns &&
         (uint64_t)now_ns - (uint64_t)entry->seen_ns <= lifetime_ns;
}

/* The entry of this datagram, usable or not, or NULL. */
static struct mri_fragment *find(struct mri_fragment *set, const struct fragment_key *key) {
  for (unsigned i = 0; i < WAYS; i++) {
    if (memcmp(&set[i].key, key, sizeof *key) == 0) return &set[i];
  }
  return NULL;
}

/* The entry to give up: one that is of no use, else the oldest. */
static struct mri_fragment *victim(struct mri_fragment *set, uint64_t generation, int64_t now_ns) {
  struct mri_fragment *oldest = set;
  for (unsigned i = 0; i < WAYS; i++) {
    if (!usable(&set[i], generation, now_ns)) return &set[i];
    if (set[i].seen_ns < oldest->seen_ns) oldest = &set[i];
  }
  return oldest;
}

static void remember(const struct mri_fragments *fragments, uint64_t generation, int64_t now_ns,
                     const struct fragment_key *key, const struct mri_decision *decision) {
  struct mri_fragment *set = set_of(fragments, key), *place = find(set, key);
  if (!place) place = victim(set, generation, now_ns);
  *place = (struct mri_fragment){.key = *key,
                                 .generation = generation,
                                 .seen_ns = now_ns,
                                 .verdict = decision->verdict,
                                 .tunnel = decision->tunnel,
                                 .rule = decision->rule};
}

/* An id that is used again, for a datagram that is not remembered: what was known of it is over. */
static void forget(const struct mri_fragments *fragments, const struct fragment_key *key) {
  struct mri_fragment *entry = find(set_of(fragments, key), key);
  if (entry) *entry = (struct mri_fragment){.generation = 0};
}

static void recall(const struct mri_fragments *fragments, uint64_t generation, int64_t now_ns,
                   const struct fragment_key *key, struct mri_decision *decision) {
  const struct mri_fragment *entry = find(set_of(fragments, key), key);
  if (!entry || !usable(entry, generation, now_ns)) return;
  decision->verdict = entry->verdict;
  decision->reason = 0;
  decision->tunnel = entry->tunnel;
  decision->rule = entry->rule;
  decision->flags |= MIRROR_BY_FRAGMENT;
}

void mri_fragments_apply(struct mri_fragments *fragments, uint64_t generation,
                         const mirror_packet *packet, const struct mri_view *view,
                         struct mri_decision *decision) {
  bool first = view->key.notes & MIRROR_KEY_FIRST_FRAGMENT;
  bool later = view->key.notes & MIRROR_KEY_LATER_FRAGMENT;
  if (!first && !later) return;
  struct fragment_key key = key_of(packet, view, decision);
  if (later && !(packet->flags & MIRROR_PACKET_BLOCKED))
    recall(fragments, generation, packet->time_ns, &key, decision);
  else if (first && (fragments->track_all || decision->verdict == MIRROR_OWN))
    remember(fragments, generation, packet->time_ns, &key, decision);
  else if (first)
    forget(fragments, &key);
}
