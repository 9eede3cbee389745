#include "fuzz/document.h"

#include <stdio.h>
#include <string.h>

enum { OBJECTS_MAX = 6, RULES_MAX = 6, VALUES = 8 };

struct field {
  const char *name;
  const char *values[VALUES]; /* as JSON, up to the first NULL; none: rules */
};

static const struct field rule_fields[] = {
    {"priority", {"1", "2", "3", "4", "5", "65535", "\"6\""}},
    {"action", {"\"accept\"", "\"reject\"", "\"ACCEPT\""}},
    {"ethertype", {"\"IPv4\"", "\"IPv6\"", "\"ipv4\""}},
    {"protocol", {"\"ALL\"", "\"TCP\"", "\"UDP\"", "\"ICMP\"", "\"icmpv6\"", "132", "0", "\"17\""}},
    {"source_cidr_block",
     {"\"10.0.0.0/8\"", "\"2001:db8::/32\"", "\" 0.0.0.0/0 \"", "\"::/0\"", "\"10.1.2.3/32\""}},
    {"destination_cidr_block", {"\"192.168.0.0/16\"", "\"::1/128\"", "\"10.0.0.0/8\""}},
    {"source_port_range", {"\"1-65535\"", "\"80\"", "\"0-65535\"", "\"1000-2000\"", "\"\""}},
    {"destination_port_range", {"\"443-443\"", "\"53\"", "\"0-0\"", "\"1-65535\""}},
    {"id", {"\"r1\"", "\"r2\""}},
    {"description", {"\"words\"", "\"\"", "\"\\u4e2d\\u6587\""}},
    {"direction", {"\"ingress\"", "\"egress\""}},
    {"x-note", {"[1, {\"a\": null}]"}},
};

static const struct field filter_fields[] = {
    {"id", {"\"f1\"", "\"f2\"", "\"f3\""}},
    {"name", {"\"name\"", "\"\xe4\xb8\xad\"", "\"a.b-c_d\""}},
    {"description", {"\"\"", "\"text\""}},
    {"ingress_rules", {NULL}},
    {"egress_rules", {NULL}},
    {"project_id", {"\"p\""}},
};

static const struct field source_fields[] = {
    {"id", {"\"e1\"", "\"e2\"", "\"e3\"", "\"e4\""}},
    {"name", {"\"name\""}},
    {"interface", {"\"eth0\"", "\"eth1\"", "\"eth2\""}},
    {"mac", {"\"02:00:00:00:00:01\"", "\"02:00:00:00:00:02\""}},
    {"address", {"\"10.0.0.1\"", "\"2001:db8::1\""}},
    {"mtu", {"1500", "68", "65535", "\"9000\""}},
    {"vpc_id", {"\"v1\"", "\"v2\""}},
    {"security_group", {"\"f1\"", "\"f3\""}},
};

static const struct field target_fields[] = {
    {"id", {"\"t1\"", "\"t2\"", "\"t3\""}},
    {"name", {"\"name\""}},
    {"type", {"\"eni\"", "\"elb\"", "\"ELB\""}},
    {"address", {"\"10.0.9.1\"", "\"2001:db8:9::1\"", "\"239.1.1.1\"", "\"ff02::1\""}},
    {"port", {"4789", "\"1\"", "65535"}},
    {"interface", {"\"eth8\"", "\"eth9\"", "\"eth0\""}},
    {"mtu", {"1500", "9000"}},
    {"oversize", {"\"truncate\"", "\"drop\""}},
    {"vpc_id", {"\"v1\"", "\"v2\""}},
    {"ttl", {"1", "255"}},
    {"df", {"true", "false"}},
    {"udp_checksum", {"\"auto\"", "\"zero\"", "\"computed\""}},
};

static const struct field session_fields[] = {
    {"id", {"\"s1\"", "\"s2\"", "\"s3\"", "\"s4\""}},
    {"priority", {"1", "2", "3", "\"4\"", "32766"}},
    {"traffic_mirror_filter_id", {"\"f1\"", "\"f2\"", "\"f3\""}},
    {"traffic_mirror_sources", {"[\"e1\"]", "[\"e1\", \"e2\"]", "[\"e3\"]", "[\"e4\",\"e2\"]"}},
    {"traffic_mirror_target_id", {"\"t1\"", "\"t2\"", "\"t3\""}},
    {"traffic_mirror_target_type", {"\"eni\"", "\"elb\""}},
    {"name", {"\"name\""}},
    {"description", {"\"text\""}},
    {"enabled", {"true", "false", "\"true\"", "\"false\""}},
    {"virtual_network_id", {"0", "1", "16777215", "\"5\""}},
    {"packet_length", {"14", "96", "65535", "\"128\""}},
    {"sample_one_in", {"1", "10"}},
    {"rate_limit_bps", {"1", "1000000000"}},
    {"rate_limit_pps", {"1", "1000"}},
    {"created_at", {"\"2024-01-01T00:00:00Z\""}},
};

static const struct field quota_fields[] = {
    {"sources_per_session", {"1", "2", "100"}},
    {"sessions_per_source", {"1", "10"}},
    {"sessions_per_filter", {"1", "10"}},
    {"ingress_rules_per_filter", {"2", "100"}},
    {"egress_rules_per_filter", {"100"}},
    {"sessions_per_context", {"1", "4294967295"}},
    {"sessions_per_eni_target", {"1", "5"}},
    {"sessions_per_elb_target", {"1"}},
    {"targets_per_session", {"1"}},
};

#define SECTION(name, envelope, fields) \
  { name, envelope, fields, sizeof fields / sizeof *fields }
static const struct section {
  const char *name;
  const char *envelope; /* of a single object; NULL: the section is an object, not a list */
  const struct field *fields;
  uint32_t count;
} sections[] = {
    SECTION("traffic_mirror_filters", "traffic_mirror_filter", filter_fields),
    SECTION("traffic_mirror_sources", "traffic_mirror_source", source_fields),
    SECTION("traffic_mirror_targets", "traffic_mirror_target", target_fields),
    SECTION("traffic_mirror_sessions", "traffic_mirror_session", session_fields),
    SECTION("quotas", NULL, quota_fields),
};
static const struct section rules = SECTION("rules", NULL, rule_fields);

static void put(struct document *document, const char *text) {
  const size_t length = strlen(text);
  if (length > DOCUMENT_MAX - document->length) return;
  memcpy(document->text + document->length, text, length);
  document->length += length;
}

static void put_key(struct document *document, const char *key) {
  put(document, "\"");
  put(document, key);
  put(document, "\": ");
}

/* Of a wrong type, out of every range, or octets of the input as they are. */
static void put_mistake(struct document *document, struct fuzz *fuzz) {
  static const char *const mistakes[] = {
      "null", "true",   "-1",   "0",     "4294967296",  "1e3",    "\"\"",
      "[]",   "{}",     "0.5",  "\"x\"", "\"\\u0000\"", "\"<>\"", "99999999999999999999",
      "[[]]", "\"1 \"", "65536"};
  const uint32_t which = fuzz_below(fuzz, sizeof mistakes / sizeof *mistakes + 1);
  char raw[16];
  size_t taken;
  if (which < sizeof mistakes / sizeof *mistakes) {
    put(document, mistakes[which]);
    return;
  }
  const uint8_t *at = fuzz_take(fuzz, sizeof raw - 1, &taken);
  if (taken) memcpy(raw, at, taken);
  raw[taken] = '\0';
  put(document, "\"");
  put(document, raw);
  put(document, "\"");
}

static void put_object(struct document *document, struct fuzz *fuzz, const struct section *section,
                       uint32_t number);

static void put_list(struct document *document, struct fuzz *fuzz, const struct section *section,
                     uint32_t count) {
  put(document, "[");
  for (uint32_t i = 0; i < count; i++) {
    if (i) put(document, ",\n");
    put_object(document, fuzz, section, i);
  }
  put(document, "]");
}

/* Value `first` unless the input wants another one. */
static void put_value(struct document *document, struct fuzz *fuzz, const struct field *field,
                      uint32_t first) {
  uint32_t count = 0;
  const uint8_t how = fuzz_octet(fuzz);
  while (count < VALUES && field->values[count])
    count++;
  if (how >= 0xf8)
    put_mistake(document, fuzz);
  else if (count == 0)
    put_list(document, fuzz, &rules, fuzz_below(fuzz, RULES_MAX));
  else
    put(document, field->values[(first + how) % count]);
}

/* Which fields there are is a bit set; those in front are needed and there unless it says not. */
static void put_object(struct document *document, struct fuzz *fuzz, const struct section *section,
                       uint32_t number) {
  const uint32_t needed = section->envelope || section == &rules ? 7 : 0;
  const uint32_t present = (uint32_t)fuzz_number(fuzz, 2) ^ (needed << 0) ^
                           (section->fields == session_fields ? 0x18u : 0) ^
                           (section->fields == target_fields ? 8u : 0);
  bool first = true;
  put(document, "{");
  for (uint32_t i = 0; i < section->count; i++) {
    if (!(present >> i & 1)) continue;
    if (!first) put(document, ", ");
    first = false;
    put_key(document, section->fields[i].name);
    put_value(document, fuzz, &section->fields[i], i == 0 || i == 1 ? number : 0);
  }
  put(document, "}");
}

static void put_section(struct document *document, struct fuzz *fuzz,
                        const struct section *section) {
  const uint8_t how = fuzz_octet(fuzz);
  if (!section->envelope) {
    put_key(document, section->name);
    put_object(document, fuzz, section, 0);
  } else if (how == 0xff) {
    put_key(document, section->envelope);
    put_object(document, fuzz, section, 0);
  } else {
    put_key(document, section->name);
    put_list(document, fuzz, section, 1 + how % OBJECTS_MAX);
  }
}

void document_draw(struct document *document, struct fuzz *fuzz) {
  const uint8_t which = fuzz_octet(fuzz) ^ 0x0f; /* nothing drawn: all but the quotas */
  bool first = true;
  document->length = 0;
  put(document, "{");
  for (uint32_t i = 0; i < sizeof sections / sizeof *sections; i++) {
    if (!(which >> i & 1)) continue;
    if (!first) put(document, ",\n");
    first = false;
    put_section(document, fuzz, &sections[i]);
  }
  if (which & 0x20) {
    put(document, first ? "" : ",\n");
    put(document, "\"vpc_connections\": [[\"v1\", \"v2\"]]");
  }
  put(document, "}");
}
