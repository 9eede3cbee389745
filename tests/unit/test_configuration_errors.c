/* Spec section 7: every error names file, line, column, object and field; all of them in one run.
 */
#include "support/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef MIRROR_WITH_JSON

/* What on_error was given, in short: "line:column code id field value", one line each. */
struct errors {
  const char *of; /* the file's text */
  char text[4096];
  uint32_t count;
};

/* What stands at a line and column, counted here once more. */
static const char *at(const char *text, uint32_t line, uint32_t column) {
  while (--line)
    text = strchr(text, '\n') + 1;
  while (--column)
    do
      text++;
    while ((*text & 0xc0) == 0x80);
  return text;
}

static bool begins(const char *text, const char *quote, const char *word) {
  size_t quotes = strlen(quote), length = strlen(word);
  return strncmp(text, quote, quotes) == 0 && strncmp(text + quotes, word, length) == 0;
}

/* There must be the value, or the key of a field that is none; or the object or list around. */
static void check_place(const char *text, const mirror_report *report) {
  const char *place = at(text, report->line, report->column);
  bool is_key = report->code == MIRROR_E_UNKNOWN_FIELD;
  const char *wanted = is_key ? report->field : report->value;
  bool found = *place == '{' || *place == '[' || begins(place, "\"", wanted) ||
               (!is_key && begins(place, "", wanted));
  if (!found && report->code != MIRROR_E_JSON_SYNTAX && report->code != MIRROR_E_PROTOCOL_FAMILY &&
      report->code != MIRROR_E_PORTS_OF_PROTOCOL)
    fail_msg("not the place of \"%s\": %.20s", report->text, place);
}

static void note(void *user, const mirror_report *report) {
  struct errors *errors = user;
  char place[64];
  size_t used = strlen(errors->text);
  snprintf(place, sizeof place, "name.json:%u:%u: ", report->line, report->column);
  assert_ptr_equal(strstr(report->text, place), report->text);
  assert_string_equal(report->file, "name.json");
  assert_int_equal(report->errors, 1);
  check_place(errors->of, report);
  snprintf(errors->text + used, sizeof errors->text - used, "%u:%u %s %s|%s|%s\n", report->line,
           report->column, mirror_status_name(report->code) + strlen("MIRROR_E_"),
           report->object_id, report->field, report->value);
  errors->count++;
}

/* Fails unless loading `text` gives these errors, and nothing of it is in the context. */
static void expect(void **state, const char *text, const char *expected) {
  struct model *model = *state;
  struct errors errors = {.of = text};
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  int32_t status = mirror_configuration_parse(model->context, text, strlen(text), "name.json", note,
                                              &errors, &report);
  if (strcmp(errors.text, expected) != 0)
    print_error("of: %s\nfound:\n%sexpected:\n%s", text, errors.text, expected);
  assert_string_equal(errors.text, expected);
  assert_int_not_equal(status, MIRROR_OK);
  assert_int_equal(report.code, status);
  assert_int_equal(report.errors, errors.count);
  char *saved;
  uint64_t length;
  assert_int_equal(mirror_configuration_format(model->context, &saved, &length, NULL), MIRROR_OK);
  assert_null(strstr(saved, "\"id\""));
  mirror_configuration_free(model->context, saved);
}

/* One rule of filter f, its members given, in line 2. */
static void expect_rule(void **state, const char *members, const char *expected) {
  char text[1024];
  snprintf(text, sizeof text,
           "{\"traffic_mirror_filters\": [{\"id\": \"f\", \"egress_rules\": [\n{%s}]}]}", members);
  expect(state, text, expected);
}

#define RULE "\"priority\": 1, \"action\": \"accept\", \"ethertype\": \"IPv4\""

static void top_level(void **state) {
  expect(state, "[]", "1:1 JSON_TYPE ||a list of 0\n");
  expect(state, "{\"filters\": [],\n  \"traffic_mirror_filters\": {},\n \"quotas\": 5}",
         "1:2 UNKNOWN_FIELD |filters|\n"
         "2:29 JSON_TYPE |traffic_mirror_filters|an object\n"
         "3:12 JSON_TYPE |quotas|5\n");
}

/* Columns are characters, not octets. */
static void columns_of_wide_characters(void **state) {
  expect(state, "{\"x-\xe4\xb8\xad\xe6\x96\x87\": \"\xc3\xa9\", \"b\": 1}",
         "1:15 UNKNOWN_FIELD |b|\n");
}

static void objects(void **state) {
  expect(state,
         "{\"traffic_mirror_filters\": [5, {\"id\": \"f\", \"nam\": \"n\"}, {\"name\": \"n\"}],\n"
         "\"traffic_mirror_targets\": [{\"id\": \"t\"}]}",
         "1:29 JSON_TYPE traffic_mirror_filters[0]||5\n"
         "1:44 UNKNOWN_FIELD f|nam|\n"
         "1:57 MISSING_FIELD traffic_mirror_filters[2]|id|\n"
         "2:28 MISSING_FIELD t|address|\n");
}

static void same_id_twice(void **state) {
  expect(state,
         "{\"traffic_mirror_sources\": [{\"id\": \"x\"},\n"
         " {\"id\": \"x\", \"mtu\": 1}]}",
         "2:9 EXISTS x|id|x\n"
         "2:21 MTU x|mtu|1\n");
}

static void o2_o3_rules(void **state) {
  expect_rule(state, "",
              "2:1 MISSING_FIELD traffic_mirror_filters[0].egress_rules[0]|priority|\n"
              "2:1 MISSING_FIELD traffic_mirror_filters[0].egress_rules[0]|action|\n"
              "2:1 MISSING_FIELD traffic_mirror_filters[0].egress_rules[0]|ethertype|\n");
  expect_rule(state, RULE ", \"protocol\": \"IGMP\"", "2:70 PROTOCOL f/egress/1|protocol|IGMP\n");
  expect_rule(state, RULE ", \"protocol\": 256", "2:70 PROTOCOL f/egress/1|protocol|256\n");
  expect_rule(state, RULE ", \"protocol\": -1", "2:70 PROTOCOL f/egress/1|protocol|-1\n");
  expect_rule(state, RULE ", \"protocol\": [6]",
              "2:70 JSON_TYPE f/egress/1|protocol|a list of 1\n");
  expect_rule(state, RULE ", \"protocol\": \"icmpv6\"",
              "2:70 PROTOCOL_FAMILY f/egress/1|protocol|ICMPV6\n");
  expect_rule(state, RULE "}, {" RULE, "2:72 DUPLICATE_RULE f/egress/1|priority|1\n");
  expect_rule(state, RULE ", \"id\": 5", "2:64 JSON_TYPE f/egress/1|id|5\n");
  expect_rule(state, RULE ", \"description\": \"<\"",
              "2:73 DESCRIPTION f/egress/1|description|<\n");
}

static void o4_cidr(void **state) {
  expect_rule(state, RULE ", \"source_cidr_block\": \"10.0.0.1/8\"",
              "2:79 CIDR_HOST_BITS f/egress/1|source_cidr_block|10.0.0.1/8\n");
  expect_rule(state, RULE ", \"destination_cidr_block\": \"10.0.0.0\"",
              "2:84 CIDR f/egress/1|destination_cidr_block|10.0.0.0\n");
  expect_rule(state, RULE ", \"source_cidr_block\": \"::/0\"",
              "2:79 CIDR_FAMILY f/egress/1|source_cidr_block|::/0\n");
}

static void o5_ports(void **state) {
  expect_rule(state, RULE ", \"protocol\": 6, \"source_port_range\": \"9-8\"",
              "2:94 PORT_RANGE f/egress/1|source_port_range|9-8\n");
  expect_rule(state, RULE ", \"protocol\": 6, \"destination_port_range\": 65536",
              "2:99 PORT_RANGE f/egress/1|destination_port_range|65536\n");
  expect_rule(state, RULE ", \"source_port_range\": 80",
              "2:79 PORTS_OF_PROTOCOL f/egress/1|source_port_range|80-80\n");
}

/* A refused field does not bring forth others: the family of nothing, ports of no protocol. */
static void no_consequences(void **state) {
  expect_rule(state,
              "\"priority\": 70000, \"action\": \"mirror\", \"ethertype\": \"IPX\", \"protocol\": "
              "\"SPX\", \"source_cidr_block\": \"::/0\", \"source_port_range\": 80",
              "2:14 RULE_PRIORITY f/egress/70000|priority|70000\n"
              "2:31 ACTION f/egress/70000|action|mirror\n"
              "2:54 ETHERTYPE f/egress/70000|ethertype|IPX\n"
              "2:73 PROTOCOL f/egress/70000|protocol|SPX\n");
}

static void place_of_a_rule(void **state) {
  expect_rule(state, RULE ", \"direction\": \"ingress\", \"traffic_mirror_filter_id\": \"g\"",
              "2:71 INCONSISTENT f/egress/1|direction|ingress\n"
              "2:110 INCONSISTENT f/egress/1|traffic_mirror_filter_id|g\n");
  expect(state, "{\"traffic_mirror_filter_rule\": {" RULE "}}",
         "1:32 MISSING_FIELD traffic_mirror_filter_rule|direction|\n"
         "1:32 MISSING_FIELD traffic_mirror_filter_rule|traffic_mirror_filter_id|\n");
  expect(state,
         "{\"traffic_mirror_filter_rule\": {" RULE
         ", \"direction\": \"egress\",\n\"traffic_mirror_filter_id\": \"g\", \"protocol\": 300}}",
         "2:29 UNKNOWN_FILTER traffic_mirror_filter_rule|traffic_mirror_filter_id|g\n"
         "2:46 PROTOCOL traffic_mirror_filter_rule|protocol|300\n");
}

static void sources_and_targets(void **state) {
  expect(state,
         "{\"traffic_mirror_sources\": [{\"id\": \"x\", \"mtu\": \"1500\",\n"
         "\"mac\": \"01:00:00:00:00:01\",\n\"address\": \"224.0.0.1\",\n\"interface\": \"a/b\",\n"
         "\"security_group\": \"g\"}]}",
         "1:48 JSON_TYPE x|mtu|1500\n"
         "2:8 MAC x|mac|01:00:00:00:00:01\n"
         "3:12 ADDRESS x|address|224.0.0.1\n"
         "4:14 INTERFACE x|interface|a/b\n"
         "5:19 UNKNOWN_FILTER x|security_group|g\n");
  expect(state,
         "{\"traffic_mirror_targets\": [{\"id\": \"t\", \"type\": \"nlb\",\n\"address\": \"::\",\n"
         "\"port\": 0,\n\"ttl\": 256,\n\"df\": 1,\n\"oversize\": \"fragment\",\n"
         "\"udp_checksum\": false}]}",
         "1:49 TARGET_KIND t|type|nlb\n"
         "2:12 ADDRESS t|address|::\n"
         "3:9 UDP_PORT t|port|0\n"
         "4:8 TTL t|ttl|256\n"
         "5:7 JSON_TYPE t|df|1\n"
         "6:13 OVERSIZE t|oversize|fragment\n"
         "7:17 JSON_TYPE t|udp_checksum|false\n");
}

#define REST                                                                                      \
  "\"traffic_mirror_filters\": [{\"id\": \"f\"}], \"traffic_mirror_sources\": [{\"id\": \"x\"}]," \
  "\"traffic_mirror_targets\": [{\"id\": \"t\", \"address\": \"10.0.0.1\"}],"

/* One session, in line 2, in a model with filter f, source x and target t. */
static void expect_session(void **state, const char *members, const char *expected) {
  char text[1024];
  snprintf(text, sizeof text, "{" REST "\"traffic_mirror_sessions\": [\n{%s}]}", members);
  expect(state, text, expected);
}

#define SESSION                                                           \
  "\"id\": \"s\", \"priority\": 1, \"traffic_mirror_filter_id\": \"f\", " \
  "\"traffic_mirror_sources\": [\"x\"],\n\"traffic_mirror_target_id\": \"t\""

static void sessions(void **state) {
  expect_session(state, "\"id\": \"s\"",
                 "2:1 MISSING_FIELD s|priority|\n"
                 "2:1 MISSING_FIELD s|traffic_mirror_filter_id|\n"
                 "2:1 MISSING_FIELD s|traffic_mirror_sources|\n"
                 "2:1 MISSING_FIELD s|traffic_mirror_target_id|\n");
  expect_session(state, SESSION ",\n\"virtual_network_id\": \"16777216\"",
                 "4:23 VNI s|virtual_network_id|16777216\n");
  expect_session(state, SESSION ",\n\"virtual_network_id\": 4294967297",
                 "4:23 VNI s|virtual_network_id|4294967297\n");
  expect_session(state, SESSION ",\n\"virtual_network_id\": \"\"",
                 "4:23 VNI s|virtual_network_id|\n");
  expect_session(state, SESSION ",\n\"virtual_network_id\": \"0x1\"",
                 "4:23 VNI s|virtual_network_id|0x1\n");
  expect_session(state, SESSION ",\n\"packet_length\": 13",
                 "4:18 PACKET_LENGTH s|packet_length|13\n");
  expect_session(state, SESSION ",\n\"packet_length\": 1000.0",
                 "4:18 JSON_TYPE s|packet_length|1000.0\n");
  expect_session(state, SESSION ",\n\"enabled\": 1", "4:12 JSON_TYPE s|enabled|1\n");
  expect_session(state,
                 SESSION ",\n\"sample_one_in\": 0, \"rate_limit_bps\": -1, \"rate_limit_pps\": 0",
                 "4:18 SAMPLE s|sample_one_in|0\n"
                 "4:39 RATE s|rate_limit_bps|-1\n"
                 "4:61 RATE s|rate_limit_pps|0\n");
  expect_session(state, SESSION ",\n\"type\": \"elb\", \"traffic_mirror_target_type\": \"elb\"",
                 "4:9 INCONSISTENT s|type|elb\n"
                 "4:46 INCONSISTENT s|traffic_mirror_target_type|elb\n");
}

static void session_priorities(void **state) {
  expect_session(state, SESSION "},\n{" SESSION, "4:8 EXISTS s|id|s\n");
  expect_session(state,
                 SESSION
                 "},\n{\"id\": \"s2\", \"priority\": 1, \"traffic_mirror_filter_id\": \"f\", "
                 "\"traffic_mirror_sources\": [\"x\"], \"traffic_mirror_target_id\": \"t\"",
                 "4:26 DUPLICATE_SESSION s2|priority|1\n");
}

static void references(void **state) {
  expect_session(state,
                 "\"id\": \"s\", \"priority\": 1,\n\"traffic_mirror_filter_id\": \"g\",\n"
                 "\"traffic_mirror_sources\": [\"x\", \"y\",\n \"z\"],\n"
                 "\"traffic_mirror_target_id\": \"u\"",
                 "3:29 UNKNOWN_FILTER s|traffic_mirror_filter_id|g\n"
                 "4:33 UNKNOWN_SOURCE s|traffic_mirror_sources|y\n"
                 "5:2 UNKNOWN_SOURCE s|traffic_mirror_sources|z\n"
                 "6:29 UNKNOWN_TARGET s|traffic_mirror_target_id|u\n");
  expect_session(state,
                 "\"id\": \"s\", \"priority\": 0, \"traffic_mirror_filter_id\": \"g\",\n"
                 "\"traffic_mirror_sources\": [\"x\", \"x\", \"y\"],\n"
                 "\"traffic_mirror_target_id\": \"t\"",
                 "2:25 SESSION_PRIORITY s|priority|0\n"
                 "2:56 UNKNOWN_FILTER s|traffic_mirror_filter_id|g\n"
                 "3:33 DUPLICATE_SOURCE s|traffic_mirror_sources|x\n"
                 "3:38 UNKNOWN_SOURCE s|traffic_mirror_sources|y\n");
}

/* What is no id is not called unknown as well. */
static void references_that_are_no_ids(void **state) {
  expect_session(state,
                 "\"id\": \"s\", \"priority\": 1, \"traffic_mirror_filter_id\": \"\",\n"
                 "\"traffic_mirror_sources\": [\"\", \"z\"], \"traffic_mirror_target_id\": \"t\"",
                 "2:56 ID s|traffic_mirror_filter_id|\n"
                 "3:28 ID s|traffic_mirror_sources|\n"
                 "3:32 UNKNOWN_SOURCE s|traffic_mirror_sources|z\n");
}

/* What is in the file but was refused is not called unknown as well. */
static void no_unknown_references_to_refused_objects(void **state) {
  expect(state,
         "{\"traffic_mirror_filters\": [{\"id\": \"f\", \"name\": \"a b\"}],\n"
         "\"traffic_mirror_sources\": [{\"id\": \"x\", \"mtu\": 5}],\n"
         "\"traffic_mirror_targets\": [{\"id\": \"t\"}],\n"
         "\"traffic_mirror_sessions\": [{" SESSION "}]}",
         "1:49 NAME f|name|a b\n"
         "2:47 MTU x|mtu|5\n"
         "3:28 MISSING_FIELD t|address|\n");
}

static void quota_of_one(void **state) {
  expect_session(
      state,
      "\"id\": \"s\", \"priority\": 1, \"traffic_mirror_filter_id\": [\"f\", \"f\"],\n"
      "\"traffic_mirror_sources\": [\"x\"], \"traffic_mirror_target_id\": [\"t\", \"t\"]",
      "2:56 QUOTA_FILTERS_PER_SESSION s|traffic_mirror_filter_id|a list of 2\n"
      "3:62 QUOTA_TARGETS_PER_SESSION s|traffic_mirror_target_id|a list of 2\n");
  expect(state, "{\"quotas\": {\"filters_per_session\": 1, \"targets_per_session\": 2}}",
         "1:36 QUOTA_FIXED |filters_per_session|1\n"
         "1:62 QUOTA_FIXED |targets_per_session|2\n");
}

static void quotas(void **state) {
  expect(state,
         "{" REST
         "\"quotas\": {\"sessions_per_source\": 0},\n"
         "\"traffic_mirror_sessions\": [{" SESSION "}]}",
         "1:70 QUOTA_SESSIONS_PER_SOURCE x|sessions_per_source|1\n");
  /* What would be a consequence of the quota that cannot be read is not reported. */
  expect(state,
         "{" REST
         "\"quotas\": {\"sessions_per_source\": \"none\"},\n"
         "\"traffic_mirror_sessions\": [{" SESSION "}]}",
         "1:180 JSON_TYPE |sessions_per_source|none\n");
}

/* Nor do a flag or type that cannot be read use up a quota. */
static void quotas_of_refused_fields(void **state) {
  expect_session(state,
                 SESSION
                 ",\n\"enabled\": \"off\"}],\n\"quotas\": {\"sessions_per_filter\": 0}, \"x-\": [{",
                 "4:12 JSON_TYPE s|enabled|off\n");
  expect(state,
         "{\"traffic_mirror_filters\": [{\"id\": \"f\"}], \"traffic_mirror_sources\": [{\"id\": "
         "\"x\"}],\n"
         "\"traffic_mirror_targets\": [{\"id\": \"t\", \"address\": \"10.0.0.1\", \"type\": \"e l "
         "b\"}],\n"
         "\"traffic_mirror_sessions\": [{" SESSION
         "}], \"quotas\": {\"sessions_per_eni_target\": 0}}",
         "2:71 TARGET_KIND t|type|e l b\n");
}

static void o10_vpc_connections(void **state) {
  expect(state,
         "{\"vpc_connections\": [[\"a\", \"b\"], [\"a\"], [\"a\", 5], \"ab\",\n [\"c\", \"c\"]]}",
         "1:34 JSON_TYPE |vpc_connections|a list of 1\n"
         "1:41 JSON_TYPE |vpc_connections|a list of 2\n"
         "1:51 JSON_TYPE |vpc_connections|ab\n"
         "2:2 VPC_ID c|vpc_connections|c\n");
  expect(state, "{\"vpc_connections\": [[\"a\", \"b\"], [\"b\", \"a\"], [\"\", \"b\"]]}",
         "1:34 EXISTS b|vpc_connections|a\n"
         "1:46 VPC_ID |vpc_connections|\n");
  expect(state,
         "{\"traffic_mirror_filters\": [{\"id\": \"f\"}],\n"
         "\"traffic_mirror_sources\": [{\"id\": \"x\", \"vpc_id\": \"v\"}],\n"
         "\"traffic_mirror_targets\": [{\"id\": \"t\", \"address\": \"::1\", \"vpc_id\": \"w\"}],\n"
         "\"traffic_mirror_sessions\": [\n{" SESSION "}]}",
         "5:1 VPC_UNREACHABLE s|vpc_connections|v\n");
}

static void o7_interface_conflict(void **state) {
  expect(state,
         "{\"traffic_mirror_filters\": [{\"id\": \"f\"}],\n"
         "\"traffic_mirror_sources\": [{\"id\": \"x\", \"interface\": \"eth0\"}],\n"
         "\"traffic_mirror_targets\": [{\"id\": \"t\", \"address\": \"10.0.0.1\",\n"
         "\"interface\": \"eth0\"}],\n"
         "\"traffic_mirror_sessions\": [\n{" SESSION "}]}",
         "4:14 INTERFACE_CONFLICT t|interface|eth0\n");
}

static int setup(void **state) {
  if (model_setup(state)) return -1;
  struct model *model = *state;
  mirror_transaction_destroy(model->tx);
  model->tx = NULL;
  return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, model_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(top_level),
      TEST(columns_of_wide_characters),
      TEST(objects),
      TEST(same_id_twice),
      TEST(o2_o3_rules),
      TEST(o4_cidr),
      TEST(o5_ports),
      TEST(no_consequences),
      TEST(place_of_a_rule),
      TEST(sources_and_targets),
      TEST(sessions),
      TEST(session_priorities),
      TEST(references),
      TEST(references_that_are_no_ids),
      TEST(no_unknown_references_to_refused_objects),
      TEST(quota_of_one),
      TEST(quotas),
      TEST(quotas_of_refused_fields),
      TEST(o10_vpc_connections),
      TEST(o7_interface_conflict),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) {
  return 77;
}
#endif
