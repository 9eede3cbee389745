/* Rule sets and traces in the formats of ClassBench and of the traces made for it. */
#ifndef TESTS_SUPPORT_CLASSBENCH_H
#define TESTS_SUPPORT_CLASSBENCH_H

#include "core/rule.h"

#include <libmirror/packet.h>
#include <stdbool.h>

/*
 * A rule a line, the first has the highest priority:
 * "@SOURCE/LENGTH DESTINATION/LENGTH FIRST : LAST FIRST : LAST 0xPROTOCOL/0xMASK", IPv4 or IPv6,
 * what follows is ignored. All rules accept.
 */
struct classbench {
  struct mri_match_rule *rules;
  uint32_t count;
  uint32_t family; /* of the first rule; a file has rules of one family */
};

/* False: a message is on the standard error, and nothing is allocated. */
bool classbench_read(struct classbench *set, const char *path);
void classbench_free(struct classbench *set);

/*
 * Makes IPv6 rules of IPv4 ones that relate to each other as these do: prefixes in 2001:db8::/32,
 * hosts with an interface identifier each.
 */
void classbench_widen(struct classbench *set);

/* "CBT1", a count, as many IPv4 keys, and the index of the first matching rule for each. */
struct trace {
  mirror_key4 *keys;
  uint32_t *expected; /* UINT32_MAX: none */
  uint32_t count;
};

/* As classbench_read. */
bool trace_read(struct trace *trace, const char *path);
void trace_free(struct trace *trace);

#endif
