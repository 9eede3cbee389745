/*
 * One rule list behind the public API: a context with one source, whose ingress rules are the list.
 *
 * Some public rule sets narrow the ports of protocols that have none, which the model refuses (O3).
 * Such a list is compiled without a model, and matched by the call that the public one consists of;
 * `refused` says so.
 */
#ifndef TESTS_BENCH_LIST_H
#define TESTS_BENCH_LIST_H

#include "match/list.h"

#include <libmirror/libmirror.h>

struct bench_list {
  mirror_context *context;
  mirror_plan *plan;
  mirror_transaction *change; /* open, empty */
  uint32_t source;            /* handle */
  uint32_t family;
  bool refused;
  struct mri_list *direct; /* if refused */
  mirror_list_info info;
  double seconds; /* context, rules and commit */
};

struct bench_options {
  uint32_t isa;         /* MIRROR_ISA_ */
  uint64_t list_memory; /* octets; 0: as contexts have it by default */
};

/* MIRROR_OK, or an error with a message on the standard error and nothing left open. */
int32_t bench_list_open(struct bench_list *list, const struct mri_match_rule *rules, uint32_t count,
                        const struct bench_options *options);
void bench_list_close(struct bench_list *list);

/* Stages a rule of the list, by its place from 0; `add`: a new one, else another one instead. */
int32_t bench_list_stage(mirror_transaction *change, uint32_t place,
                         const struct mri_match_rule *rule, bool add, mirror_report *report);

/* mirror_key4 or mirror_key6, as the list's family is. */
static inline void bench_list_match(const struct bench_list *list, const void *const *keys,
                                    uint32_t count, uint32_t *first) {
  if (list->direct)
    mri_list_match_keys(list->direct, list->family, keys, count, first);
  else if (list->family == 4)
    mirror_plan_match_keys4(list->plan, list->source, MIRROR_INGRESS,
                            (const mirror_key4 *const *)keys, count, first);
  else
    mirror_plan_match_keys6(list->plan, list->source, MIRROR_INGRESS,
                            (const mirror_key6 *const *)keys, count, first);
}

#endif
