/* Short ways to build a model. Every call fails the test if the library refuses it. */
#ifndef TESTS_CONFORMANCE_SCENE_H
#define TESTS_CONFORMANCE_SCENE_H

#include <libmirror/libmirror.h>

struct scene {
  mirror_context *context;
  mirror_transaction *change;
};

/* An empty context with an open transaction. */
void scene_open(struct scene *scene);
void scene_close(struct scene *scene);
void scene_commit(struct scene *scene);

void scene_filter(struct scene *scene, const char *id);

/*
 * A rule as eight words: direction, priority, action, ethertype, protocol (a name of the
 * configuration file or a number), then source and destination, each "any" or CIDR, '#' and a port
 * range or "any":  "ingress 1 accept IPv4 TCP 172.16.0.0/24#10000-10001 10.0.0.3/32#80-80"
 */
void scene_rule(struct scene *scene, const char *filter, const char *words);

void scene_source(struct scene *scene, const char *id, uint32_t mtu);
void scene_target(struct scene *scene, const char *id, uint32_t kind, const char *address);
void scene_session(struct scene *scene, const char *id, uint32_t priority, const char *filter,
                   const char *target, const char *const *sources, uint32_t source_count);

/* The number of a committed source, for packets. */
uint32_t scene_handle(const struct scene *scene, const char *source);

/* Compares `status` with `expected` and shows the report if they differ. */
void scene_status(int32_t status, int32_t expected, const mirror_report *report);

#endif
