/*
 * libmirror/session.h - sessions: one filter, 1..n sources and one target (spec section 2, M1).
 *
 * Updating a session swaps filter, target and sources in place: no packet is judged under a
 * mixture of old and new (O6, A1).
 *
 * Thread rule: calls with a transaction as transaction.h, calls with a context as context.h.
 */
#ifndef LIBMIRROR_SESSION_H
#define LIBMIRROR_SESSION_H

#include <libmirror/transaction.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mirror_session {
  uint32_t size;
  uint32_t priority;          /* 1-32766, unique in the context (O2); required */
  uint32_t enabled;           /* 0 or 1 (default) */
  uint32_t vni;               /* 0-16777215; default 1 */
  uint32_t packet_length;     /* inner octets kept, 14-65535; MIRROR_ABSENT: whole frame (V3) */
  uint32_t sample_one_in;     /* F4: mirror one flow in N >= 1, or MIRROR_ABSENT */
  uint64_t rate_limit_bps;    /* F4: bits/s of inner frames >= 1, or MIRROR_ABSENT_64 */
  uint64_t rate_limit_pps;    /* F4: packets/s >= 1, or MIRROR_ABSENT_64 */
  const char *id;             /* 1-64 characters; required */
  const char *name;           /* O8; NULL = absent */
  const char *description;    /* O8; NULL = absent */
  const char *filter_id;      /* required */
  const char *target_id;      /* required */
  const char *const *sources; /* source_count ids, none twice; at least one */
  uint32_t source_count;
  uint32_t reserved;
} mirror_session;

MIRROR_API void mirror_session_init(mirror_session *session, uint32_t size);

/*
 * Stage a new session, all fields of an existing one, or a removal. Copies.
 * Errors: MIRROR_E_EXISTS, MIRROR_E_NOT_FOUND, the code of the field refused. What depends on
 * other objects is checked by commit.
 */
MIRROR_API int32_t mirror_session_add(mirror_transaction *transaction,
                                      const mirror_session *session, mirror_report *report);
MIRROR_API int32_t mirror_session_update(mirror_transaction *transaction,
                                         const mirror_session *session, mirror_report *report);
MIRROR_API int32_t mirror_session_remove(mirror_transaction *transaction, const char *session_id,
                                         mirror_report *report);

/* As mirror_filters_visit. session_id NULL: all sessions. */
typedef int32_t (*mirror_session_visit_fn)(void *user, const mirror_session *session);
MIRROR_API int32_t mirror_sessions_visit(mirror_context *context, const char *session_id,
                                         mirror_session_visit_fn visit, void *user);

#ifdef __cplusplus
}
#endif

#endif
