/*
 * libmirror/source.h - sources: interfaces whose traffic is mirrored (spec section 2).
 *
 * Thread rule: calls with a transaction as transaction.h, calls with a context as context.h.
 */
#ifndef LIBMIRROR_SOURCE_H
#define LIBMIRROR_SOURCE_H

#include <libmirror/transaction.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mirror_source {
  uint32_t size;
  uint32_t mtu;               /* octets, 68-65535; default 1500; bounds the outer IP packet (V3) */
  const char *id;             /* 1-64 characters; required */
  const char *name;           /* O8; NULL = absent */
  const char *interface_name; /* the system's name for the interface; NULL = absent */
  const char *mac;            /* "02:00:00:00:00:01"; NULL = absent: no direction MIRROR_AUTO */
  const char *address;        /* outer source address of copies; NULL = unspecified */
  const char *vpc_id;         /* NULL = no reachability check (O10) */
  const char *security_group; /* id of a filter evaluated first (F6); NULL = none */
} mirror_source;

MIRROR_API void mirror_source_init(mirror_source *source, uint32_t size);

/*
 * Stage a new source, all fields of an existing one, or a removal. Copies. A source that a
 * session names cannot be removed: commit refuses.
 * Errors: MIRROR_E_EXISTS, MIRROR_E_NOT_FOUND, the code of the field refused.
 */
MIRROR_API int32_t mirror_source_add(mirror_transaction *transaction, const mirror_source *source,
                                     mirror_report *report);
MIRROR_API int32_t mirror_source_update(mirror_transaction *transaction,
                                        const mirror_source *source, mirror_report *report);
MIRROR_API int32_t mirror_source_remove(mirror_transaction *transaction, const char *source_id,
                                        mirror_report *report);

/* As mirror_filters_visit. source_id NULL: all sources. */
typedef int32_t (*mirror_source_visit_fn)(void *user, const mirror_source *source);
MIRROR_API int32_t mirror_sources_visit(mirror_context *context, const char *source_id,
                                        mirror_source_visit_fn visit, void *user);

/*
 * The number by which packets name a committed source (mirror_packet.source); never 0. It stays
 * the same while the source exists; a number of a removed source is not used again soon, and
 * packets that carry it are counted as unmatched. Errors: MIRROR_E_NOT_FOUND.
 */
MIRROR_API int32_t mirror_source_handle(mirror_context *context, const char *source_id,
                                        uint32_t *handle, mirror_report *report);

#ifdef __cplusplus
}
#endif

#endif
