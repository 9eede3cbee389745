/* Creating and destroying contexts (include/libmirror/context.h). */
#include "core/context.h"

#include "core/report.h"
#include "core/sized.h"
#include "io/io.h"
#include "plan/isa.h"
#include "plan/publish.h"

#include <stdarg.h>
#include <stdio.h>

void mirror_context_options_init(mirror_context_options *options, uint32_t size) {
  mirror_context_options defaults = {.size = sizeof defaults, .list_memory = UINT64_C(256) << 20};
  mri_sized_defaults(options, size, &defaults, sizeof defaults);
}

void mri_context_lock(mirror_context *context) {
  pthread_mutex_lock(&context->lock);
}

void mri_context_unlock(mirror_context *context) {
  pthread_mutex_unlock(&context->lock);
}

/* Takes any state between "just allocated" and complete. */
static void context_free(mirror_context *context) {
  struct mri_alloc alloc = context->alloc;
  if (context->publisher) mri_publisher_destroy(context, context->publisher);
  context->publisher = NULL;
  if (context->model) mri_model_destroy(context->model);
  if (context->backends) mri_backends_destroy(&context->alloc, context->backends);
  for (unsigned class = 0; class < MRI_SLOT_CLASSES; class ++)
    mri_slots_free(&context->slots[class]);
  pthread_mutex_destroy(&context->lock);
  mri_free(&alloc, context);
}

void mri_context_ref(mirror_context *context) {
  mri_context_lock(context);
  context->refs++;
  mri_context_unlock(context);
}

void mri_context_unlock_unref(mirror_context *context) {
  bool last = --context->refs == 0;
  mri_context_unlock(context);
  if (last) context_free(context);
}

void mri_context_unref(mirror_context *context) {
  mri_context_lock(context);
  mri_context_unlock_unref(context);
}

static int32_t read_options(const mirror_context_options *caller, mirror_context_options *own,
                            mirror_report *report) {
  mirror_context_options_init(own, sizeof *own);
  if (!caller) return MIRROR_OK;
  int32_t status =
      mri_sized_read(own, sizeof *own, caller, MRI_UP_TO(mirror_context_options, isa), report);
  int functions = !!own->allocate + !!own->resize + !!own->release;
  if (!status && functions != 0 && functions != 3)
    return mri_fail(
        report, MIRROR_E_ARGUMENT,
        "context options: %d of the three memory functions are set, expected all or none",
        functions);
  return status;
}

static int32_t fill(mirror_context *context, const mirror_context_options *options) {
  context->log = options->log;
  context->log_user = options->log_user;
  context->list_memory = options->list_memory;
  for (unsigned class = 0; class < MRI_SLOT_CLASSES; class ++)
    mri_slots_init(&context->slots[class], &context->alloc);
  int32_t status = mri_isa_choose(&context->alloc, options->isa, &context->isa);
  if (!status) status = mri_backends_create(&context->alloc, &context->backends);
  if (!status) status = mri_model_create(context, &context->model);
  if (!status) status = mri_publisher_create(context, &context->publisher);
  return status;
}

static int32_t explain_failure(int32_t status, uint32_t isa, mirror_report *report) {
  if (status == MIRROR_E_NOMEM) return mri_fail(report, status, "out of memory for a context");
  return mri_fail(report, status,
                  "context options: isa is %u (%s), expected an instruction set that this machine "
                  "and this build have (see mirror_isa_check)",
                  isa, mirror_isa_name(isa));
}

/* Recursive, so that one call can be made of several: a saved configuration is one model. Neither
 * function can fail with these arguments. */
static void init_lock(pthread_mutex_t *lock) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(lock, &attributes);
  pthread_mutexattr_destroy(&attributes);
}

int32_t mirror_context_create(const mirror_context_options *options, mirror_context **context,
                              mirror_report *report) {
  if (!context)
    return mri_fail(report, MIRROR_E_ARGUMENT, "mirror_context_create: context is NULL");
  mirror_context_options own;
  int32_t status = read_options(options, &own, report);
  if (status) return status;
  struct mri_alloc alloc = {own.allocator_user, own.allocate, own.resize, own.release};
  if (!own.allocate) mri_alloc_default(&alloc);
  mirror_context *fresh = mri_zalloc(&alloc, 1, sizeof *fresh);
  if (!fresh) return mri_fail(report, MIRROR_E_NOMEM, "out of memory for a context");
  fresh->alloc = alloc;
  fresh->refs = 1;
  init_lock(&fresh->lock);
  status = fill(fresh, &own);
  if (status) {
    context_free(fresh);
    return explain_failure(status, own.isa, report);
  }
  *context = fresh;
  return MIRROR_OK;
}

void mirror_context_destroy(mirror_context *context) {
  if (context) mri_context_unref(context);
}

void mri_log(mirror_context *context, uint32_t severity, const char *format, ...) {
  if (!context->log) return;
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  context->log(context->log_user, severity, text);
}
