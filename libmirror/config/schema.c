#include "config/schema.h"

#include <stddef.h>
#include <string.h>

static const struct mri_named directions[] = {
    {"ingress", MIRROR_INGRESS}, {"egress", MIRROR_EGRESS}, {NULL, 0}};
static const struct mri_named actions[] = {
    {"accept", MIRROR_ACCEPT}, {"reject", MIRROR_REJECT}, {NULL, 0}};
static const struct mri_named ethertypes[] = {
    {"IPv4", MIRROR_ETHERTYPE_IPV4}, {"IPv6", MIRROR_ETHERTYPE_IPV6}, {NULL, 0}};
static const struct mri_named target_types[] = {
    {"eni", MIRROR_TARGET_ENI}, {"elb", MIRROR_TARGET_ELB}, {NULL, 0}};
static const struct mri_named source_types[] = {{"eni", MIRROR_TARGET_ENI}, {NULL, 0}};
static const struct mri_named oversizes[] = {
    {"truncate", MIRROR_OVERSIZE_TRUNCATE}, {"drop", MIRROR_OVERSIZE_DROP}, {NULL, 0}};
static const struct mri_named checksums[] = {{"auto", MIRROR_UDP_CHECKSUM_AUTO},
                                             {"zero", MIRROR_UDP_CHECKSUM_ZERO},
                                             {"computed", MIRROR_UDP_CHECKSUM_COMPUTED},
                                             {NULL, 0}};

#define AT(member) .offset = offsetof(union mri_object, member)
#define COUNT(fields) (sizeof(fields) / sizeof *(fields))
#define TEXT(key, member) \
  { .name = key, .type = MRI_TEXT, AT(member), .expected = "a string" }
#define ID(member) \
  { .name = "id", .type = MRI_TEXT, .required = true, AT(member), .expected = "a string" }

static const struct mri_field filter_fields[] = {
    ID(filter.id),
    TEXT("name", filter.name),
    TEXT("description", filter.description),
    {.name = "ingress_rules", .type = MRI_RULES, .expected = "a list of rules"},
    {.name = "egress_rules", .type = MRI_RULES, .expected = "a list of rules"},
};

static void fill_filter(union mri_object *object) {
  mirror_filter_init(&object->filter, sizeof object->filter);
}

static int32_t add_filter(mirror_transaction *transaction, const union mri_object *object,
                          mirror_report *report) {
  return mirror_filter_add(transaction, &object->filter, report);
}

static int32_t remove_filter(mirror_transaction *transaction, const union mri_object *object) {
  return mirror_filter_remove(transaction, object->filter.id, NULL);
}

const struct mri_schema mri_filter_schema = {
    .kind = MIRROR_OBJECT_FILTER,
    .list = "traffic_mirror_filters",
    .envelope = "traffic_mirror_filter",
    .fields = filter_fields,
    .field_count = COUNT(filter_fields),
    .fill = fill_filter,
    .add = add_filter,
    .remove = remove_filter,
};

#define PORTS(key, member)                                                       \
  {                                                                              \
    .name = key, .type = MRI_PORTS, AT(member), .code = MIRROR_E_PORT_RANGE,     \
    .expected = "\"start-end\" or one port, within 0-65535, end not below start" \
  }

static const struct mri_field rule_fields[] = {
    TEXT("id", rule.rule.id),
    {.name = "direction",
     .type = MRI_NAMED,
     .read_only = true,
     AT(rule.rule.direction),
     .code = MIRROR_E_DIRECTION,
     .expected = "\"ingress\" or \"egress\"",
     .names = directions},
    {.name = "priority",
     .type = MRI_NUMBER,
     .required = true,
     AT(rule.rule.priority),
     .code = MIRROR_E_RULE_PRIORITY,
     .expected = "1-65535"},
    {.name = "action",
     .type = MRI_NAMED,
     .required = true,
     AT(rule.rule.action),
     .code = MIRROR_E_ACTION,
     .expected = "\"accept\" or \"reject\"",
     .names = actions},
    {.name = "ethertype",
     .type = MRI_NAMED,
     .required = true,
     AT(rule.rule.ethertype),
     .code = MIRROR_E_ETHERTYPE,
     .expected = "\"IPv4\" or \"IPv6\"",
     .names = ethertypes},
    {.name = "protocol",
     .type = MRI_PROTOCOL,
     AT(rule.rule.protocol),
     .code = MIRROR_E_PROTOCOL,
     .expected = "TCP, UDP, ICMP, ICMPV6, ALL or a number 0-255"},
    TEXT("source_cidr_block", rule.rule.source_cidr),
    TEXT("destination_cidr_block", rule.rule.destination_cidr),
    PORTS("source_port_range", rule.rule.source_port_first),
    PORTS("destination_port_range", rule.rule.destination_port_first),
    TEXT("description", rule.rule.description),
    {.name = "traffic_mirror_filter_id",
     .type = MRI_TEXT,
     .read_only = true,
     AT(rule.filter_id),
     .expected = "a string"},
};

static void fill_rule(union mri_object *object) {
  mirror_rule *rule = &object->rule.rule;
  mirror_rule_init(rule, sizeof *rule);
  object->rule.filter_id = NULL;
  rule->priority = 1;
  rule->action = MIRROR_ACCEPT;
  rule->ethertype = MIRROR_ETHERTYPE_IPV4;
}

static int32_t add_rule(mirror_transaction *transaction, const union mri_object *object,
                        mirror_report *report) {
  return mirror_rule_add(transaction, object->rule.filter_id, &object->rule.rule, report);
}

static int32_t remove_rule(mirror_transaction *transaction, const union mri_object *object) {
  return mirror_rule_remove(transaction, object->rule.filter_id, object->rule.rule.direction,
                            object->rule.rule.priority, NULL);
}

const struct mri_schema mri_rule_schema = {
    .kind = MIRROR_OBJECT_RULE,
    .envelope = "traffic_mirror_filter_rule",
    .fields = rule_fields,
    .field_count = COUNT(rule_fields),
    .fill = fill_rule,
    .add = add_rule,
    .remove = remove_rule,
};

#define MTU(member) \
  { .name = "mtu", .type = MRI_NUMBER, AT(member), .code = MIRROR_E_MTU, .expected = "68-65535" }

static const struct mri_field source_fields[] = {
    ID(source.id),
    TEXT("name", source.name),
    TEXT("interface", source.interface_name),
    TEXT("mac", source.mac),
    TEXT("address", source.address),
    MTU(source.mtu),
    TEXT("vpc_id", source.vpc_id),
    TEXT("security_group", source.security_group),
};

static void fill_source(union mri_object *object) {
  mirror_source_init(&object->source, sizeof object->source);
}

static int32_t add_source(mirror_transaction *transaction, const union mri_object *object,
                          mirror_report *report) {
  return mirror_source_add(transaction, &object->source, report);
}

static int32_t remove_source(mirror_transaction *transaction, const union mri_object *object) {
  return mirror_source_remove(transaction, object->source.id, NULL);
}

const struct mri_schema mri_source_schema = {
    .kind = MIRROR_OBJECT_SOURCE,
    .list = "traffic_mirror_sources",
    .envelope = "traffic_mirror_source",
    .fields = source_fields,
    .field_count = COUNT(source_fields),
    .fill = fill_source,
    .add = add_source,
    .remove = remove_source,
};

static const struct mri_field target_fields[] = {
    ID(target.id),
    TEXT("name", target.name),
    {.name = "type",
     .type = MRI_NAMED,
     AT(target.kind),
     .code = MIRROR_E_TARGET_KIND,
     .expected = "\"eni\" or \"elb\"",
     .names = target_types},
    {.name = "address",
     .type = MRI_TEXT,
     .required = true,
     AT(target.address),
     .expected = "an IPv4 or IPv6 address"},
    {.name = "port",
     .type = MRI_NUMBER,
     AT(target.udp_port),
     .code = MIRROR_E_UDP_PORT,
     .expected = "1-65535"},
    TEXT("interface", target.interface_name),
    MTU(target.mtu),
    {.name = "oversize",
     .type = MRI_NAMED,
     AT(target.oversize),
     .code = MIRROR_E_OVERSIZE,
     .expected = "\"truncate\" or \"drop\"",
     .names = oversizes},
    TEXT("vpc_id", target.vpc_id),
    {.name = "ttl", .type = MRI_NUMBER, AT(target.ttl), .code = MIRROR_E_TTL, .expected = "1-255"},
    {.name = "df", .type = MRI_FLAG, AT(target.dont_fragment), .expected = "true or false"},
    {.name = "udp_checksum",
     .type = MRI_NAMED,
     AT(target.udp_checksum),
     .code = MIRROR_E_UDP_CHECKSUM,
     .expected = "\"auto\", \"zero\" or \"computed\"",
     .names = checksums},
};

static void fill_target(union mri_object *object) {
  mirror_target_init(&object->target, sizeof object->target);
  object->target.address = "192.0.2.1";
}

static int32_t add_target(mirror_transaction *transaction, const union mri_object *object,
                          mirror_report *report) {
  return mirror_target_add(transaction, &object->target, report);
}

static int32_t remove_target(mirror_transaction *transaction, const union mri_object *object) {
  return mirror_target_remove(transaction, object->target.id, NULL);
}

const struct mri_schema mri_target_schema = {
    .kind = MIRROR_OBJECT_TARGET,
    .list = "traffic_mirror_targets",
    .envelope = "traffic_mirror_target",
    .fields = target_fields,
    .field_count = COUNT(target_fields),
    .fill = fill_target,
    .add = add_target,
    .remove = remove_target,
};

#define RATE(key, member)                                                   \
  {                                                                         \
    .name = key, .type = MRI_BIG_NUMBER, AT(member), .code = MIRROR_E_RATE, \
    .expected = "1 or more"                                                 \
  }

static const struct mri_field session_fields[] = {
    ID(session.session.id),
    TEXT("name", session.session.name),
    TEXT("description", session.session.description),
    {.name = "type",
     .type = MRI_NAMED,
     .read_only = true,
     AT(session.source_type),
     .code = MIRROR_E_INCONSISTENT,
     .expected = "\"eni\"",
     .names = source_types},
    {.name = "priority",
     .type = MRI_NUMBER,
     .required = true,
     AT(session.session.priority),
     .code = MIRROR_E_SESSION_PRIORITY,
     .expected = "1-32766"},
    {.name = "enabled", .type = MRI_FLAG, AT(session.session.enabled), .expected = "true or false"},
    {.name = "traffic_mirror_filter_id",
     .type = MRI_REFERENCE,
     .required = true,
     AT(session.session.filter_id),
     .code = MIRROR_E_QUOTA_FILTERS_PER_SESSION,
     .expected = "the id of one filter"},
    {.name = "traffic_mirror_sources",
     .type = MRI_SOURCES,
     .required = true,
     AT(session.session.sources),
     .expected = "a list of ids of sources"},
    {.name = "traffic_mirror_target_id",
     .type = MRI_REFERENCE,
     .required = true,
     AT(session.session.target_id),
     .code = MIRROR_E_QUOTA_TARGETS_PER_SESSION,
     .expected = "the id of one target"},
    {.name = "traffic_mirror_target_type",
     .type = MRI_NAMED,
     AT(session.target_type),
     .code = MIRROR_E_TARGET_KIND,
     .expected = "\"eni\" or \"elb\"",
     .names = target_types},
    {.name = "virtual_network_id",
     .type = MRI_NUMBER_OR_DIGITS,
     AT(session.session.vni),
     .code = MIRROR_E_VNI,
     .expected = "0-16777215"},
    {.name = "packet_length",
     .type = MRI_NUMBER_OR_DIGITS,
     AT(session.session.packet_length),
     .code = MIRROR_E_PACKET_LENGTH,
     .expected = "14-65535"},
    {.name = "sample_one_in",
     .type = MRI_NUMBER,
     AT(session.session.sample_one_in),
     .code = MIRROR_E_SAMPLE,
     .expected = "1 or more"},
    RATE("rate_limit_bps", session.session.rate_limit_bps),
    RATE("rate_limit_pps", session.session.rate_limit_pps),
};

static void fill_session(union mri_object *object) {
  static const char *const source = "none";
  mirror_session *session = &object->session.session;
  mirror_session_init(session, sizeof *session);
  object->session.source_type = object->session.target_type = 0;
  session->priority = 1;
  session->filter_id = session->target_id = source;
  session->sources = &source;
  session->source_count = 1;
}

static int32_t add_session(mirror_transaction *transaction, const union mri_object *object,
                           mirror_report *report) {
  return mirror_session_add(transaction, &object->session.session, report);
}

static int32_t remove_session(mirror_transaction *transaction, const union mri_object *object) {
  return mirror_session_remove(transaction, object->session.session.id, NULL);
}

const struct mri_schema mri_session_schema = {
    .kind = MIRROR_OBJECT_SESSION,
    .list = "traffic_mirror_sessions",
    .envelope = "traffic_mirror_session",
    .fields = session_fields,
    .field_count = COUNT(session_fields),
    .fill = fill_session,
    .add = add_session,
    .remove = remove_session,
};

#define QUOTA(key)                                                               \
  {                                                                              \
    .name = #key, .type = MRI_QUOTA, AT(quotas.key), .code = MIRROR_E_JSON_TYPE, \
    .expected = "0-4294967295"                                                   \
  }
#define FIXED(key)                                                                         \
  {                                                                                        \
    .name = key, .type = MRI_FIXED_QUOTA, .read_only = true, .code = MIRROR_E_QUOTA_FIXED, \
    .expected = "no such field: it is 1 and cannot be set"                                 \
  }

static const struct mri_field quotas_fields[] = {
    QUOTA(sources_per_session),     QUOTA(sessions_per_source),      FIXED("targets_per_session"),
    QUOTA(sessions_per_eni_target), QUOTA(sessions_per_elb_target),  FIXED("filters_per_session"),
    QUOTA(sessions_per_filter),     QUOTA(ingress_rules_per_filter), QUOTA(egress_rules_per_filter),
    QUOTA(sessions_per_context),
};

static void fill_quotas(union mri_object *object) {
  mirror_quotas_init(&object->quotas, sizeof object->quotas);
}

static int32_t add_quotas(mirror_transaction *transaction, const union mri_object *object,
                          mirror_report *report) {
  return mirror_quotas_set(transaction, &object->quotas, report);
}

const struct mri_schema mri_quotas_schema = {
    .kind = MIRROR_OBJECT_QUOTA,
    .fields = quotas_fields,
    .field_count = COUNT(quotas_fields),
    .fill = fill_quotas,
    .add = add_quotas,
};

uint32_t mri_schema_field(const struct mri_schema *schema, const char *name) {
  uint32_t field = 0;
  while (field < schema->field_count && strcmp(schema->fields[field].name, name) != 0)
    field++;
  return field;
}

void *mri_field_of(union mri_object *object, const struct mri_field *field) {
  return (char *)object + field->offset;
}

const void *mri_field_in(const union mri_object *object, const struct mri_field *field) {
  return (const char *)object + field->offset;
}
