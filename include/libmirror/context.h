/*
 * libmirror/context.h - the context: everything that belongs together.
 *
 * A context owns a model (filters, sources, targets, sessions), the published plan that is
 * compiled from it, and the table of I/O backends. Contexts share nothing.
 *
 * Functions on a context are control calls and may allocate. Packet threads never wait for them.
 *
 * Thread rule: any thread; a function on a context locks it for the time of the call, and
 * mirror_context_destroy is the last one.
 */
#ifndef LIBMIRROR_CONTEXT_H
#define LIBMIRROR_CONTEXT_H

#include <libmirror/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mirror_context mirror_context;

/* Severity of a log line. */
#define MIRROR_LOG_ERROR 1u
#define MIRROR_LOG_WARNING 2u
#define MIRROR_LOG_INFO 3u

/* The library prints nothing; it hands `text` (borrowed) to this. May be called on any thread. */
typedef void (*mirror_log_fn)(void *user, uint32_t severity, const char *text);

/* Memory functions with the contract of malloc, realloc and free. Called on control threads. */
typedef void *(*mirror_allocate_fn)(void *user, uint64_t octets);
typedef void *(*mirror_resize_fn)(void *user, void *block, uint64_t octets);
typedef void (*mirror_free_fn)(void *user, void *block);

typedef struct mirror_context_options {
  uint32_t size;
  uint32_t isa; /* MIRROR_ISA_ (engine.h) that rule lists are compiled for; AUTO (default) */
  void *allocator_user;
  mirror_allocate_fn allocate; /* all three, or none for malloc, realloc and free */
  mirror_resize_fn resize;
  mirror_free_fn release;
  void *log_user;
  mirror_log_fn log;    /* NULL: no log */
  uint64_t list_memory; /* octets that one compiled rule list may occupy; default 256 MiB. A list
                           that would need more gets a slower structure, or commit refuses it */
} mirror_context_options;

MIRROR_API void mirror_context_options_init(mirror_context_options *options, uint32_t size);

/*
 * Creates an empty context with default quotas. `options` may be NULL.
 * *context: returns-owned, to be given to mirror_context_destroy.
 * Errors: MIRROR_E_ARGUMENT, MIRROR_E_STRUCT_SIZE, MIRROR_E_UNSUPPORTED (the instruction set),
 * MIRROR_E_NOMEM.
 */
MIRROR_API int32_t mirror_context_create(const mirror_context_options *options,
                                         mirror_context **context, mirror_report *report);

/*
 * Destroys a context; NULL is allowed. Destroy its transactions, taps, inputs and outputs and
 * release its plans first: a context that is still in use stays alive until the last of them
 * is gone, and can no longer be reached by the caller.
 */
MIRROR_API void mirror_context_destroy(mirror_context *context);

#ifdef __cplusplus
}
#endif

#endif
