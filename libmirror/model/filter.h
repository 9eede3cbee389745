/* Versions of filters while they are staged. Context lock held. */
#ifndef MRI_MODEL_FILTER_H
#define MRI_MODEL_FILTER_H

#include "model/rules.h"
#include "model/state.h"

/* The staged version of a visible filter, to be changed in place; NULL when out of memory. */
struct mri_filter *mri_filter_edit(struct mri_model *model, struct mri_entry *entry);
/* Before commit: shares with the current version what is equal, computes hashes of the rest. */
void mri_filter_seal(struct mri_model *model, struct mri_entry *entry);

#endif
