/*
 * libmirror/target.h - targets: where copies go (spec section 2, V1, V3).
 *
 * Thread rule: calls with a transaction as transaction.h, calls with a context as context.h.
 */
#ifndef LIBMIRROR_TARGET_H
#define LIBMIRROR_TARGET_H

#include <libmirror/transaction.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MIRROR_TARGET_ENI 1u /* one NIC */
#define MIRROR_TARGET_ELB 2u /* a load balancer's address */

/* What to do with a copy that does not fit the MTU (V3). */
#define MIRROR_OVERSIZE_TRUNCATE 1u
#define MIRROR_OVERSIZE_DROP 2u

/* The outer UDP checksum (V1). */
#define MIRROR_UDP_CHECKSUM_AUTO 0u /* zero over IPv4, computed over IPv6 */
#define MIRROR_UDP_CHECKSUM_ZERO 1u
#define MIRROR_UDP_CHECKSUM_COMPUTED 2u

typedef struct mirror_target {
  uint32_t size;
  uint32_t kind;              /* MIRROR_TARGET_ENI (default) or MIRROR_TARGET_ELB */
  uint32_t udp_port;          /* 1-65535; default 4789 */
  uint32_t mtu;               /* octets, 68-65535; MIRROR_ABSENT: the source's MTU counts */
  uint32_t oversize;          /* MIRROR_OVERSIZE_TRUNCATE (default) or MIRROR_OVERSIZE_DROP */
  uint32_t ttl;               /* outer TTL or hop limit, 1-255; default 64 */
  uint32_t dont_fragment;     /* 0 or 1 (default): DF of the outer IPv4 header */
  uint32_t udp_checksum;      /* MIRROR_UDP_CHECKSUM_ */
  const char *id;             /* 1-64 characters; required */
  const char *name;           /* O8; NULL = absent */
  const char *address;        /* IPv4 or IPv6, unicast or multicast; required */
  const char *interface_name; /* the target's own interface, for O7; NULL = absent */
  const char *vpc_id;         /* NULL = no reachability check (O10) */
} mirror_target;

MIRROR_API void mirror_target_init(mirror_target *target, uint32_t size);

/* As the functions of source.h. */
MIRROR_API int32_t mirror_target_add(mirror_transaction *transaction, const mirror_target *target,
                                     mirror_report *report);
MIRROR_API int32_t mirror_target_update(mirror_transaction *transaction,
                                        const mirror_target *target, mirror_report *report);
MIRROR_API int32_t mirror_target_remove(mirror_transaction *transaction, const char *target_id,
                                        mirror_report *report);

typedef int32_t (*mirror_target_visit_fn)(void *user, const mirror_target *target);
MIRROR_API int32_t mirror_targets_visit(mirror_context *context, const char *target_id,
                                        mirror_target_visit_fn visit, void *user);

#ifdef __cplusplus
}
#endif

#endif
