/*
 * libmirror/filter.h - filters and their rules (spec section 2, O1-O5, O8).
 *
 * A filter is two lists of rules, one for ingress (what a source receives) and one for egress
 * (what it sends). Within a list rules are walked in ascending priority number.
 *
 * Thread rule: calls with a transaction as transaction.h, calls with a context as context.h.
 */
#ifndef LIBMIRROR_FILTER_H
#define LIBMIRROR_FILTER_H

#include <libmirror/transaction.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Directions (O1). AUTO is for packets only, see packet.h. */
#define MIRROR_INGRESS 1u
#define MIRROR_EGRESS 2u
#define MIRROR_AUTO 3u

#define MIRROR_ACCEPT 1u
#define MIRROR_REJECT 2u

#define MIRROR_ETHERTYPE_IPV4 0x0800u
#define MIRROR_ETHERTYPE_IPV6 0x86ddu

/* Every IP protocol of the rule's ethertype (O3); else 0-255. */
#define MIRROR_PROTOCOL_ALL 256u

typedef struct mirror_filter {
  uint32_t size;
  uint32_t reserved;
  const char *id;          /* 1-64 characters, no control characters; required */
  const char *name;        /* O8; NULL = absent */
  const char *description; /* O8; NULL = absent */
} mirror_filter;

typedef struct mirror_rule {
  uint32_t size;
  uint32_t direction; /* MIRROR_INGRESS or MIRROR_EGRESS; required */
  uint32_t priority;  /* 1-65535, unique in (filter, direction); required */
  uint32_t action;    /* MIRROR_ACCEPT or MIRROR_REJECT; required */
  uint32_t ethertype; /* MIRROR_ETHERTYPE_IPV4 or _IPV6; required */
  uint32_t protocol;  /* 0-255 or MIRROR_PROTOCOL_ALL (default) */
  /* O5: 0-65535 (default) and 1-65535 mean all, packets without readable ports included. */
  uint32_t source_port_first;
  uint32_t source_port_last;
  uint32_t destination_port_first;
  uint32_t destination_port_last;
  const char *source_cidr;      /* O4: "addr/len"; NULL = any */
  const char *destination_cidr; /* as source_cidr */
  const char *id;               /* a label, 1-64 characters; NULL = absent */
  const char *description;      /* O8; NULL = absent */
} mirror_rule;

MIRROR_API void mirror_filter_init(mirror_filter *filter, uint32_t size);
MIRROR_API void mirror_rule_init(mirror_rule *rule, uint32_t size);

/*
 * Stage a new filter without rules, new fields for an existing one (its rules stay), or a
 * removal (with its rules). Copies. A filter in use cannot be removed: commit refuses (O6).
 * Errors: MIRROR_E_EXISTS, MIRROR_E_NOT_FOUND, MIRROR_E_ID, MIRROR_E_NAME,
 * MIRROR_E_DESCRIPTION, MIRROR_E_STRUCT_SIZE, MIRROR_E_ARGUMENT, MIRROR_E_NOMEM.
 */
MIRROR_API int32_t mirror_filter_add(mirror_transaction *transaction, const mirror_filter *filter,
                                     mirror_report *report);
MIRROR_API int32_t mirror_filter_update(mirror_transaction *transaction,
                                        const mirror_filter *filter, mirror_report *report);
MIRROR_API int32_t mirror_filter_remove(mirror_transaction *transaction, const char *filter_id,
                                        mirror_report *report);

/*
 * Stage one rule of a filter: a new one, one in the place of the rule that has
 * (rule->direction, priority) now, or the removal of one. Copies.
 * Errors: MIRROR_E_NOT_FOUND (filter or rule), MIRROR_E_DUPLICATE_RULE (names both holders),
 * and the MIRROR_E_ code of the field refused.
 */
MIRROR_API int32_t mirror_rule_add(mirror_transaction *transaction, const char *filter_id,
                                   const mirror_rule *rule, mirror_report *report);
MIRROR_API int32_t mirror_rule_update(mirror_transaction *transaction, const char *filter_id,
                                      uint32_t priority, const mirror_rule *rule,
                                      mirror_report *report);
MIRROR_API int32_t mirror_rule_remove(mirror_transaction *transaction, const char *filter_id,
                                      uint32_t direction, uint32_t priority, mirror_report *report);

/*
 * Visit committed objects in the order they were added (rules: by direction, then priority).
 * Structs and strings are borrowed for the callback, which must not call the context. A
 * callback that returns non-zero ends the visit, which returns that value. filter_id NULL: all
 * filters. Errors: MIRROR_E_NOT_FOUND.
 */
typedef int32_t (*mirror_filter_visit_fn)(void *user, const mirror_filter *filter);
typedef int32_t (*mirror_rule_visit_fn)(void *user, const mirror_rule *rule);
MIRROR_API int32_t mirror_filters_visit(mirror_context *context, const char *filter_id,
                                        mirror_filter_visit_fn visit, void *user);
MIRROR_API int32_t mirror_rules_visit(mirror_context *context, const char *filter_id,
                                      mirror_rule_visit_fn visit, void *user);

#ifdef __cplusplus
}
#endif

#endif
