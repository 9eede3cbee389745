/* The inside of a context. */
#ifndef MRI_CORE_CONTEXT_H
#define MRI_CORE_CONTEXT_H

#include "core/alloc.h"
#include "core/slots.h"

#include <pthread.h>

struct mri_model;
struct mri_publisher;
struct mri_backends;

struct mirror_context {
  struct mri_alloc alloc;
  void *log_user;
  mirror_log_fn log;
  pthread_mutex_t lock; /* held by every control call */
  uint32_t refs;        /* the caller's handle, and each transaction, plan, tap, input, output */
  struct mri_slots slots[MRI_SLOT_CLASSES];
  struct mri_model *model;
  struct mri_publisher *publisher;
  struct mri_backends *backends;
  uint32_t isa; /* MIRROR_ISA_, not AUTO */
  uint64_t list_memory;
};

/* plan/context.c. With the lock NOT held; the last unref frees everything. */
void mri_context_ref(mirror_context *context);
void mri_context_unref(mirror_context *context);
void mri_context_lock(mirror_context *context);
void mri_context_unlock(mirror_context *context);
/* As unref with the lock held; unlocks. */
void mri_context_unlock_unref(mirror_context *context);
/* Hands a formatted line to the log hook. */
void mri_log(mirror_context *context, uint32_t severity, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* plan/counters.c. Called by the model, lock held, when the last user of a slot is gone: clears its
 * counters in every tap and gives the slot back. */
void mri_slot_release(mirror_context *context, enum mri_slot_class class, uint32_t slot);

#endif
