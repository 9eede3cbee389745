#include "conformance/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void scene_status(int32_t status, int32_t expected, const mirror_report *report) {
  if (status == expected) return;
  fail_msg("%s, expected %s: %s", mirror_status_name(status), mirror_status_name(expected),
           report ? report->text : "");
}

static void done(int32_t status, const mirror_report *report) {
  scene_status(status, MIRROR_OK, report);
}

void scene_open(struct scene *scene) {
  done(mirror_context_create(NULL, &scene->context, NULL), NULL);
  done(mirror_transaction_begin(scene->context, &scene->change, NULL), NULL);
}

void scene_close(struct scene *scene) {
  mirror_transaction_destroy(scene->change);
  mirror_context_destroy(scene->context);
}

void scene_commit(struct scene *scene) {
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  done(mirror_transaction_commit(scene->change, &report), &report);
}

void scene_filter(struct scene *scene, const char *id) {
  mirror_report report;
  mirror_filter filter;
  mirror_report_init(&report, sizeof report);
  mirror_filter_init(&filter, sizeof filter);
  filter.id = id;
  done(mirror_filter_add(scene->change, &filter, &report), &report);
}

static uint32_t protocol_number(const char *word) {
  static const struct {
    const char *name;
    uint32_t number;
  } names[] = {{"ALL", MIRROR_PROTOCOL_ALL}, {"TCP", 6}, {"UDP", 17}, {"ICMP", 1}, {"ICMPV6", 58}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(word, names[i].name) == 0) return names[i].number;
  return (uint32_t)strtoul(word, NULL, 10);
}

/* Splits "CIDR#PORTS" in place; NULL for any CIDR. */
static const char *read_end(char *word, uint32_t *first, uint32_t *last) {
  char *ports = strchr(word, '#');
  assert_non_null(ports);
  *ports++ = '\0';
  if (strcmp(ports, "any") != 0) assert_int_equal(sscanf(ports, "%u-%u", first, last), 2);
  return strcmp(word, "any") == 0 ? NULL : word;
}

void scene_rule(struct scene *scene, const char *filter, const char *words) {
  char direction[8], action[8], ethertype[8], protocol[8], source[64], destination[64];
  mirror_report report;
  mirror_rule rule;
  mirror_report_init(&report, sizeof report);
  mirror_rule_init(&rule, sizeof rule);
  assert_int_equal(sscanf(words, "%7s %u %7s %7s %7s %63s %63s", direction, &rule.priority, action,
                          ethertype, protocol, source, destination),
                   7);
  rule.direction = strcmp(direction, "ingress") == 0 ? MIRROR_INGRESS : MIRROR_EGRESS;
  rule.action = strcmp(action, "accept") == 0 ? MIRROR_ACCEPT : MIRROR_REJECT;
  rule.ethertype = strcmp(ethertype, "IPv4") == 0 ? MIRROR_ETHERTYPE_IPV4 : MIRROR_ETHERTYPE_IPV6;
  rule.protocol = protocol_number(protocol);
  rule.source_cidr = read_end(source, &rule.source_port_first, &rule.source_port_last);
  rule.destination_cidr =
      read_end(destination, &rule.destination_port_first, &rule.destination_port_last);
  done(mirror_rule_add(scene->change, filter, &rule, &report), &report);
}

void scene_source(struct scene *scene, const char *id, uint32_t mtu) {
  mirror_report report;
  mirror_source source;
  mirror_report_init(&report, sizeof report);
  mirror_source_init(&source, sizeof source);
  source.id = id;
  source.mtu = mtu;
  source.address = "10.9.0.1";
  done(mirror_source_add(scene->change, &source, &report), &report);
}

void scene_target(struct scene *scene, const char *id, uint32_t kind, const char *address) {
  mirror_report report;
  mirror_target target;
  mirror_report_init(&report, sizeof report);
  mirror_target_init(&target, sizeof target);
  target.id = id;
  target.kind = kind;
  target.address = address;
  done(mirror_target_add(scene->change, &target, &report), &report);
}

void scene_session(struct scene *scene, const char *id, uint32_t priority, const char *filter,
                   const char *target, const char *const *sources, uint32_t source_count) {
  mirror_report report;
  mirror_session session;
  mirror_report_init(&report, sizeof report);
  mirror_session_init(&session, sizeof session);
  session.id = id;
  session.priority = priority;
  session.filter_id = filter;
  session.target_id = target;
  session.sources = sources;
  session.source_count = source_count;
  done(mirror_session_add(scene->change, &session, &report), &report);
}

uint32_t scene_handle(const struct scene *scene, const char *source) {
  uint32_t handle = 0;
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  done(mirror_source_handle(scene->context, source, &handle, &report), &report);
  return handle;
}
