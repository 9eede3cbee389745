/*
 * Classes of keys, told by one or two of their octets, so that each class has a shorter list of
 * rules. A rule belongs to every class whose keys it may match; within a class the order stays.
 */
#ifndef MRI_MATCH_CLASSES_H
#define MRI_MATCH_CLASSES_H

#include "match/nibbles.h"

enum { MRI_CLASSES_MAX = 8, MRI_CLASS_OCTETS = 2 };

struct mri_classes {
  uint32_t count;                       /* 1: keys are not told apart */
  uint32_t groups[MRI_CLASS_OCTETS];    /* of values of each octet; count is their product */
  uint32_t octet[MRI_CLASS_OCTETS];     /* offsets in the key */
  uint8_t group[MRI_CLASS_OCTETS][256]; /* by the octet's value, ascending; of the second octet
                                           multiplied by the groups of the first */
};

/*
 * Chooses classes for these rules so that a batch takes least time, where `block` rules are looked
 * up at once for `lanes` packets. Holes are left out of account.
 */
void mri_classes_choose(struct mri_classes *classes, const struct mri_octets *rules, uint32_t count,
                        uint32_t family, uint32_t block, uint32_t lanes);

/* True if the rule may match keys of this class. */
bool mri_classes_admit(const struct mri_classes *classes, uint32_t class,
                       const struct mri_octets *rule);

static inline uint32_t mri_class_of(const struct mri_classes *classes, const void *key) {
  const uint8_t *octets = key;
  return (uint32_t)classes->group[0][octets[classes->octet[0]]] +
         classes->group[1][octets[classes->octet[1]]];
}

#endif
