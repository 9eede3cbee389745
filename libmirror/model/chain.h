/*
 * Chains: all versions with an equal key (an interface name, an address, a VPC id). The map holds
 * one link of each chain, the others hang on it in a circle, so that any number of equal keys costs
 * the same as one.
 */
#ifndef MRI_MODEL_CHAIN_H
#define MRI_MODEL_CHAIN_H

#include "model/model.h"

/* The octets of a version's key; NULL = it is in no chain. */
typedef const void *(*mri_chain_key_fn)(const void *version, size_t *length);

struct mri_chains {
  struct mri_map map; /* struct mri_link */
  mri_chain_key_fn key;
};

void mri_chains_init(struct mri_chains *chains, const struct mri_alloc *alloc,
                     mri_chain_key_fn key);
/* Room for `more` further versions: false when out of memory. */
bool mri_chains_reserve(struct mri_chains *chains, uint64_t more);
/* Never fails after a reserve. */
void mri_chains_insert(struct mri_chains *chains, struct mri_link *link, void *version);
/* No effect on a link that is in no chain. */
void mri_chains_remove(struct mri_chains *chains, struct mri_link *link);
/* Any link of the chain, or NULL; follow `next` until it comes again. */
struct mri_link *mri_chains_find(const struct mri_chains *chains, const void *key, size_t length);

#endif
