/* Intrusive lists of users: a circle through the list's head. */
#ifndef MRI_MODEL_LIST_H
#define MRI_MODEL_LIST_H

#include "model/model.h"

static inline void mri_list_init(struct mri_link *head) {
  head->previous = head->next = head;
}

static inline bool mri_list_linked(const struct mri_link *link) {
  return link->next != NULL;
}

static inline void mri_list_append(struct mri_link *head, struct mri_link *link, void *user) {
  link->user = user;
  link->previous = head->previous;
  link->next = head;
  head->previous->next = link;
  head->previous = link;
}

static inline void mri_list_remove(struct mri_link *link) {
  link->previous->next = link->next;
  link->next->previous = link->previous;
  link->previous = link->next = NULL;
}

/* NULL at the end. */
static inline struct mri_link *mri_list_next(const struct mri_link *head,
                                             const struct mri_link *link) {
  return link->next == head ? NULL : link->next;
}

#define MRI_LIST_EACH(link, head) \
  for (struct mri_link *link = mri_list_next(head, head); link; link = mri_list_next(head, link))

#endif
