#include "model/chain.h"

#include "model/list.h"

#include <string.h>

struct wanted {
  const void *key;
  size_t length;
  mri_chain_key_fn key_of;
};

static bool has_key(const void *item, const void *key) {
  const struct wanted *wanted = key;
  size_t length;
  const void *own = wanted->key_of(((const struct mri_link *)item)->user, &length);
  return length == wanted->length && memcmp(own, wanted->key, length) == 0;
}

void mri_chains_init(struct mri_chains *chains, const struct mri_alloc *alloc,
                     mri_chain_key_fn key) {
  mri_map_init(&chains->map, alloc);
  chains->key = key;
}

bool mri_chains_reserve(struct mri_chains *chains, uint64_t more) {
  return mri_map_reserve(&chains->map, more);
}

struct mri_link *mri_chains_find(const struct mri_chains *chains, const void *key, size_t length) {
  struct wanted wanted = {key, length, chains->key};
  return mri_map_find(&chains->map, mri_hash(key, length, 0), has_key, &wanted);
}

void mri_chains_insert(struct mri_chains *chains, struct mri_link *link, void *version) {
  size_t length;
  const void *key = chains->key(version, &length);
  if (!key) return;
  struct mri_link *chain = mri_chains_find(chains, key, length);
  if (chain) {
    mri_list_append(chain, link, version);
    return;
  }
  link->user = version;
  mri_list_init(link);
  mri_map_insert(&chains->map, mri_hash(key, length, 0), link);
}

void mri_chains_remove(struct mri_chains *chains, struct mri_link *link) {
  if (!mri_list_linked(link)) return;
  size_t length;
  const void *key = chains->key(link->user, &length);
  uint64_t hash = mri_hash(key, length, 0);
  if (mri_chains_find(chains, key, length) == link) {
    mri_map_remove(&chains->map, hash, link);
    if (link->next != link) mri_map_insert(&chains->map, hash, link->next);
  }
  mri_list_remove(link);
}
