/* The errors of one document, collected to be handed out in the order of the file. */
#ifndef MRI_CONFIG_ERRORS_H
#define MRI_CONFIG_ERRORS_H

#include "core/alloc.h"

#include <libmirror/transaction.h>
#include <stdbool.h>

struct mri_errors {
  const struct mri_alloc *alloc;
  struct mri_error **error;
  uint32_t count;
  uint32_t capacity;
};

/* Copies. False: out of memory. */
bool mri_errors_add(struct mri_errors *errors, const mirror_report *report);

/*
 * Sorts by line and column, errors of one place in the order they were added, and calls `on_error`
 * (may be NULL) for each. *first: the first of them, with the number of all. There is at least one.
 */
void mri_errors_hand_out(struct mri_errors *errors, mirror_error_fn on_error, void *user,
                         mirror_report *first);

void mri_errors_free(struct mri_errors *errors);

#endif
