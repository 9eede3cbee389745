/* Lists of rules: copied once per transaction, then changed in place while only staged. */
#ifndef MRI_MODEL_RULES_H
#define MRI_MODEL_RULES_H

#include "model/model.h"

/* An empty list; NULL when out of memory. */
struct mri_rules *mri_rules_new(const struct mri_alloc *alloc);
/* Index of the first rule whose priority is not below this one. */
uint32_t mri_rules_at(const struct mri_rules *rules, uint32_t priority);
/* The rule with this priority, or NULL. */
struct mri_rule *mri_rules_find(const struct mri_rules *rules, uint32_t priority);
/* Makes *rules a list that nobody else uses, with room for one rule more. */
bool mri_rules_edit(mirror_context *context, struct mri_rules **rules);
/* Of an edited list. Insert takes the reference on the rule, remove drops it. */
void mri_rules_insert(struct mri_rules *rules, struct mri_rule *rule);
void mri_rules_remove(mirror_context *context, struct mri_rules *rules, uint32_t priority);
/* Before commit: takes `current` (may be NULL) instead of an equal list, else computes the hash. */
void mri_rules_seal(mirror_context *context, struct mri_rules **rules, struct mri_rules *current);

/* Equal but for the slot. */
bool mri_rule_same(const struct mri_rule *a, const struct mri_rule *b);
void mri_rule_unref(mirror_context *context, struct mri_rule *rule);

#endif
