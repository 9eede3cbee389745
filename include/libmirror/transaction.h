/*
 * libmirror/transaction.h - change the model: all or nothing (spec A1).
 *
 *   mirror_transaction *tx;
 *   mirror_transaction_begin(context, &tx, &report);
 *   mirror_filter_add(tx, &filter, &report);      // see filter.h, source.h, target.h, session.h
 *   ...
 *   mirror_transaction_commit(tx, &report);
 *   mirror_transaction_destroy(tx);
 *
 * Changes are staged: each call checks the fields it is given; what concerns several objects
 * (references, unique session priorities, quotas, O7, O10) is checked by commit, so the order
 * of calls within a transaction is free. A refused call stages nothing and leaves the
 * transaction usable. Until commit nothing of it is visible elsewhere.
 *
 * Thread rule: one thread at a time for one transaction; mirror_quotas_get and
 * mirror_vpc_connections_visit as context.h.
 */
#ifndef LIBMIRROR_TRANSACTION_H
#define LIBMIRROR_TRANSACTION_H

#include <libmirror/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mirror_transaction mirror_transaction;

/*
 * Opens a transaction; a context has at most one at a time.
 * *transaction: returns-owned, to be given to mirror_transaction_destroy.
 * Errors: MIRROR_E_BUSY, MIRROR_E_NOMEM, MIRROR_E_ARGUMENT.
 */
MIRROR_API int32_t mirror_transaction_begin(mirror_context *context,
                                            mirror_transaction **transaction,
                                            mirror_report *report);

/* Called by mirror_transaction_check for each error; `report` is borrowed. */
typedef void (*mirror_error_fn)(void *user, const mirror_report *report);

/*
 * Checks the staged state without committing it and calls `on_error` (may be NULL) for every
 * error found. Returns MIRROR_OK, or the code of the first error; `report` holds that error and
 * in `errors` the number of all.
 */
MIRROR_API int32_t mirror_transaction_check(mirror_transaction *transaction,
                                            mirror_error_fn on_error, void *user,
                                            mirror_report *report);

/*
 * Checks, compiles and publishes all staged changes, or none of them. After success the
 * transaction is empty and may be used for further changes; after failure it is as before the
 * call, and the published plan goes on. Packet threads never wait for it (A1).
 * Errors: what mirror_transaction_check finds, MIRROR_E_LIST_MEMORY (rules of a source compile to
 * more than the context's list_memory), MIRROR_E_NOMEM, MIRROR_E_ARGUMENT.
 */
MIRROR_API int32_t mirror_transaction_commit(mirror_transaction *transaction,
                                             mirror_report *report);

/* Stages the removal of every object, VPC connection and quota setting. */
MIRROR_API int32_t mirror_transaction_clear(mirror_transaction *transaction, mirror_report *report);

/* Drops what was not committed and closes the transaction; NULL is allowed. */
MIRROR_API void mirror_transaction_destroy(mirror_transaction *transaction);

/* O10: declares two VPCs connected (peering or router), or takes that back. Copies the ids. */
MIRROR_API int32_t mirror_vpc_connect(mirror_transaction *transaction, const char *vpc_a,
                                      const char *vpc_b, mirror_report *report);
MIRROR_API int32_t mirror_vpc_disconnect(mirror_transaction *transaction, const char *vpc_a,
                                         const char *vpc_b, mirror_report *report);

/*
 * Quotas (spec table). Targets per session and filters per session are 1 by construction.
 * Lowering a quota below what exists is refused by commit. A source, target or filter counts its
 * enabled sessions: a disabled one is as if absent (M3). The context counts all.
 */
typedef struct mirror_quotas {
  uint32_t size;
  uint32_t sources_per_session;      /* 10 */
  uint32_t sessions_per_source;      /* 3 */
  uint32_t sessions_per_eni_target;  /* 10 */
  uint32_t sessions_per_elb_target;  /* 200 */
  uint32_t sessions_per_filter;      /* 1000 */
  uint32_t ingress_rules_per_filter; /* 10 */
  uint32_t egress_rules_per_filter;  /* 10 */
  uint32_t sessions_per_context;     /* 20000 */
} mirror_quotas;

/* Fills in the defaults given above. */
MIRROR_API void mirror_quotas_init(mirror_quotas *quotas, uint32_t size);
/* Stages all quotas. Copies. */
MIRROR_API int32_t mirror_quotas_set(mirror_transaction *transaction, const mirror_quotas *quotas,
                                     mirror_report *report);
/* Reads the committed quotas; call mirror_quotas_init on `quotas` first. */
MIRROR_API int32_t mirror_quotas_get(mirror_context *context, mirror_quotas *quotas,
                                     mirror_report *report);

/* Calls `visit` for each declared VPC connection; stops and returns its first non-zero value. */
typedef int32_t (*mirror_vpc_visit_fn)(void *user, const char *vpc_a, const char *vpc_b);
MIRROR_API int32_t mirror_vpc_connections_visit(mirror_context *context, mirror_vpc_visit_fn visit,
                                                void *user);

#ifdef __cplusplus
}
#endif

#endif
