#include "support/model_text.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct writer {
  FILE *file;
  mirror_context *context;
};

/* Absent and empty are different (O9). */
static void put_text(FILE *file, const char *name, const char *text) {
  if (text)
    fprintf(file, " %s=\"%s\"", name, text);
  else
    fprintf(file, " %s=-", name);
}

static void put_number(FILE *file, const char *name, uint64_t number) {
  if (number == MIRROR_ABSENT || number == MIRROR_ABSENT_64)
    fprintf(file, " %s=-", name);
  else
    fprintf(file, " %s=%" PRIu64, name, number);
}

#define TEXT(object, field) put_text(file, #field, (object)->field)
#define NUMBER(object, field) put_number(file, #field, (object)->field)

static int32_t put_rule(void *user, const mirror_rule *rule) {
  FILE *file = ((struct writer *)user)->file;
  fprintf(file, "  rule");
  NUMBER(rule, direction);
  NUMBER(rule, priority);
  NUMBER(rule, action);
  NUMBER(rule, ethertype);
  NUMBER(rule, protocol);
  NUMBER(rule, source_port_first);
  NUMBER(rule, source_port_last);
  NUMBER(rule, destination_port_first);
  NUMBER(rule, destination_port_last);
  TEXT(rule, source_cidr);
  TEXT(rule, destination_cidr);
  TEXT(rule, id);
  TEXT(rule, description);
  fprintf(file, "\n");
  return 0;
}

static int32_t put_filter(void *user, const mirror_filter *filter) {
  struct writer *writer = user;
  FILE *file = writer->file;
  fprintf(file, "filter");
  TEXT(filter, id);
  TEXT(filter, name);
  TEXT(filter, description);
  fprintf(file, "\n");
  return mirror_rules_visit(writer->context, filter->id, put_rule, writer);
}

static int32_t put_source(void *user, const mirror_source *source) {
  FILE *file = ((struct writer *)user)->file;
  fprintf(file, "source");
  TEXT(source, id);
  TEXT(source, name);
  NUMBER(source, mtu);
  TEXT(source, interface_name);
  TEXT(source, mac);
  TEXT(source, address);
  TEXT(source, vpc_id);
  TEXT(source, security_group);
  fprintf(file, "\n");
  return 0;
}

static int32_t put_target(void *user, const mirror_target *target) {
  FILE *file = ((struct writer *)user)->file;
  fprintf(file, "target");
  TEXT(target, id);
  TEXT(target, name);
  NUMBER(target, kind);
  NUMBER(target, udp_port);
  NUMBER(target, mtu);
  NUMBER(target, oversize);
  NUMBER(target, ttl);
  NUMBER(target, dont_fragment);
  NUMBER(target, udp_checksum);
  TEXT(target, address);
  TEXT(target, interface_name);
  TEXT(target, vpc_id);
  fprintf(file, "\n");
  return 0;
}

static int32_t put_session(void *user, const mirror_session *session) {
  FILE *file = ((struct writer *)user)->file;
  fprintf(file, "session");
  TEXT(session, id);
  TEXT(session, name);
  TEXT(session, description);
  NUMBER(session, priority);
  NUMBER(session, enabled);
  NUMBER(session, vni);
  NUMBER(session, packet_length);
  NUMBER(session, sample_one_in);
  NUMBER(session, rate_limit_bps);
  NUMBER(session, rate_limit_pps);
  TEXT(session, filter_id);
  TEXT(session, target_id);
  for (uint32_t i = 0; i < session->source_count; i++)
    put_text(file, "source", session->sources[i]);
  fprintf(file, "\n");
  return 0;
}

static int32_t put_connection(void *user, const char *a, const char *b) {
  fprintf(((struct writer *)user)->file, "vpcs %s %s\n", a, b);
  return 0;
}

static void put_quotas(struct writer *writer) {
  FILE *file = writer->file;
  mirror_quotas quotas;
  mirror_quotas_init(&quotas, sizeof quotas);
  assert_int_equal(mirror_quotas_get(writer->context, &quotas, NULL), MIRROR_OK);
  fprintf(file, "quotas %u %u %u %u %u %u %u %u\n", quotas.sources_per_session,
          quotas.sessions_per_source, quotas.sessions_per_eni_target,
          quotas.sessions_per_elb_target, quotas.sessions_per_filter,
          quotas.ingress_rules_per_filter, quotas.egress_rules_per_filter,
          quotas.sessions_per_context);
}

char *model_text(mirror_context *context) {
  char *text = NULL;
  size_t length = 0;
  struct writer writer = {open_memstream(&text, &length), context};
  assert_non_null(writer.file);
  assert_int_equal(mirror_filters_visit(context, NULL, put_filter, &writer), 0);
  assert_int_equal(mirror_sources_visit(context, NULL, put_source, &writer), 0);
  assert_int_equal(mirror_targets_visit(context, NULL, put_target, &writer), 0);
  assert_int_equal(mirror_sessions_visit(context, NULL, put_session, &writer), 0);
  assert_int_equal(mirror_vpc_connections_visit(context, put_connection, &writer), 0);
  put_quotas(&writer);
  fclose(writer.file);
  return text;
}
