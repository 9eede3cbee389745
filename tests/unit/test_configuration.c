/* Spec section 7: every field of every object, in every accepted form; save and load again. */
#include "support/model_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef MIRROR_WITH_JSON

static mirror_context *new_context(void) {
  mirror_context *context;
  assert_int_equal(mirror_context_create(NULL, &context, NULL), MIRROR_OK);
  return context;
}

static void load(mirror_context *context, const char *text) {
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  if (mirror_configuration_parse(context, text, strlen(text), "text", NULL, NULL, &report))
    fail_msg("%s", report.text);
}

static char *format(mirror_context *context) {
  char *text = NULL;
  uint64_t length = 0;
  assert_int_equal(mirror_configuration_format(context, &text, &length, NULL), MIRROR_OK);
  assert_int_equal(strlen(text), length);
  assert_int_equal(text[length - 1], '\n');
  return text;
}

/* What is saved loads as the same model, and is saved as the same text. */
static void check_round_trip(mirror_context *context) {
  mirror_context *other = new_context();
  char *saved = format(context), *model = model_text(context);
  load(other, saved);
  char *saved_again = format(other), *model_again = model_text(other);
  assert_string_equal(model, model_again);
  assert_string_equal(saved, saved_again);
  mirror_configuration_free(context, saved);
  mirror_configuration_free(other, saved_again);
  free(model);
  free(model_again);
  mirror_context_destroy(other);
}

/* Fails unless `text` loads as `model`, in the words of model_text; a part of it is enough. */
static void expect(const char *text, const char *model) {
  mirror_context *context = new_context();
  load(context, text);
  char *found = model_text(context);
  if (!strstr(found, model)) fail_msg("of: %s\nfound:\n%sexpected:\n%s", text, found, model);
  free(found);
  check_round_trip(context);
  mirror_context_destroy(context);
}

static const char everything[] =
    "{\"traffic_mirror_filters\": [{\"id\": \"f\", \"name\": \"\xe4\xb8\xad-f\", "
    "  \"description\": \"of \\\"f\\\"\","
    "  \"ingress_rules\": [{\"id\": \"r\", \"priority\": 65535, \"action\": \"reject\","
    "    \"ethertype\": \"IPv6\", \"protocol\": \"TCP\", \"source_cidr_block\": \"2001:db8::/32\","
    "    \"destination_cidr_block\": \"::1/128\", \"source_port_range\": \"0-1\","
    "    \"destination_port_range\": \"80-443\", \"description\": \"first\"}],"
    "  \"egress_rules\": [{\"priority\": 1, \"action\": \"accept\", \"ethertype\": \"IPv4\"}]}],"
    " \"traffic_mirror_sources\": ["
    "  {\"id\": \"x\", \"name\": \"x-name\", \"interface\": \"eth0\","
    "    \"mac\": \"02:00:00:00:00:01\", \"address\": \"10.0.0.1\", \"mtu\": 9000,"
    "    \"vpc_id\": \"v\", \"security_group\": \"f\"},"
    "  {\"id\": \"y\"}],"
    " \"traffic_mirror_targets\": ["
    "  {\"id\": \"t\", \"name\": \"t-name\", \"type\": \"elb\", \"address\": \"2001:db8::9\","
    "    \"port\": 4790, \"interface\": \"eth1\", \"mtu\": 1400, \"oversize\": \"drop\","
    "    \"vpc_id\": \"w\", \"ttl\": 255, \"df\": false, \"udp_checksum\": \"zero\"},"
    "  {\"id\": \"u\", \"address\": \"10.9.9.9\"}],"
    " \"traffic_mirror_sessions\": ["
    "  {\"id\": \"s\", \"name\": \"s-name\", \"description\": \"of s\", \"priority\": 32766,"
    "    \"enabled\": false, \"traffic_mirror_filter_id\": \"f\","
    "    \"traffic_mirror_sources\": [\"y\", \"x\"], \"traffic_mirror_target_id\": \"t\","
    "    \"traffic_mirror_target_type\": \"elb\", \"virtual_network_id\": 16777215,"
    "    \"packet_length\": 96, \"sample_one_in\": 4294967294,"
    "    \"rate_limit_bps\": 9223372036854775807, \"rate_limit_pps\": 4294967296},"
    "  {\"id\": \"q\", \"priority\": 1, \"traffic_mirror_filter_id\": \"f\","
    "    \"traffic_mirror_sources\": [\"y\"], \"traffic_mirror_target_id\": \"u\"}],"
    " \"vpc_connections\": [[\"v\", \"w\"], [\"w\", \"a\"]],"
    " \"quotas\": {\"sources_per_session\": 11, \"sessions_per_source\": 12,"
    "  \"sessions_per_eni_target\": 13, \"sessions_per_elb_target\": 0,"
    "  \"sessions_per_filter\": 15, \"ingress_rules_per_filter\": 16,"
    "  \"egress_rules_per_filter\": 17, \"sessions_per_context\": 4294967295}}";

static const char model_of_everything[] =
    "filter id=\"f\" name=\"\xe4\xb8\xad-f\" description=\"of \"f\"\"\n"
    "  rule direction=1 priority=65535 action=2 ethertype=34525 protocol=6 source_port_first=0"
    " source_port_last=1 destination_port_first=80 destination_port_last=443"
    " source_cidr=\"2001:db8::/32\" destination_cidr=\"::1/128\" id=\"r\" description=\"first\"\n"
    "  rule direction=2 priority=1 action=1 ethertype=2048 protocol=256 source_port_first=0"
    " source_port_last=65535 destination_port_first=0 destination_port_last=65535"
    " source_cidr=- destination_cidr=- id=- description=-\n"
    "source id=\"x\" name=\"x-name\" mtu=9000 interface_name=\"eth0\" mac=\"02:00:00:00:00:01\""
    " address=\"10.0.0.1\" vpc_id=\"v\" security_group=\"f\"\n"
    "source id=\"y\" name=- mtu=1500 interface_name=- mac=- address=- vpc_id=- security_group=-\n"
    "target id=\"t\" name=\"t-name\" kind=2 udp_port=4790 mtu=1400 oversize=2 ttl=255"
    " dont_fragment=0 udp_checksum=1 address=\"2001:db8::9\" interface_name=\"eth1\""
    " vpc_id=\"w\"\n"
    "target id=\"u\" name=- kind=1 udp_port=4789 mtu=- oversize=1 ttl=64 dont_fragment=1"
    " udp_checksum=0 address=\"10.9.9.9\" interface_name=- vpc_id=-\n"
    "session id=\"s\" name=\"s-name\" description=\"of s\" priority=32766 enabled=0 vni=16777215"
    " packet_length=96 sample_one_in=4294967294 rate_limit_bps=9223372036854775807"
    " rate_limit_pps=4294967296 filter_id=\"f\" target_id=\"t\" source=\"y\" source=\"x\"\n"
    "session id=\"q\" name=- description=- priority=1 enabled=1 vni=1 packet_length=-"
    " sample_one_in=- rate_limit_bps=- rate_limit_pps=- filter_id=\"f\" target_id=\"u\""
    " source=\"y\"\n"
    "vpcs v w\nvpcs w a\n"
    "quotas 11 12 13 0 15 16 17 4294967295\n";

static void every_field(void **state) {
  (void)state;
  expect(everything, model_of_everything);
}

static void nothing(void **state) {
  (void)state;
  static const char model[] = "quotas 10 3 10 200 1000 10 10 20000\n";
  expect("{}", model);
  expect("\xef\xbb\xbf {\"quotas\": {}, \"vpc_connections\": [], \"traffic_mirror_filters\": null}",
         model);
}

/* One session in a model that has what it needs. */
static void expect_session(const char *members, const char *model) {
  char text[1024];
  snprintf(
      text, sizeof text,
      "{\"traffic_mirror_filters\": [{\"id\": \"f\"}],"
      " \"traffic_mirror_sources\": [{\"id\": \"x\"}],"
      " \"traffic_mirror_targets\": [{\"id\": \"t\", \"address\": \"::1\", \"type\": \"ELB\"}],"
      " \"traffic_mirror_sessions\": [{\"id\": \"s\", \"priority\": 1, %s,"
      " \"traffic_mirror_filter_id\": \"f\", \"traffic_mirror_sources\": [\"x\"],"
      " \"traffic_mirror_target_id\": \"t\"}]}",
      members);
  expect(text, model);
}

/* The provider's create calls send strings. */
static void strings_for_numbers_and_flags(void **state) {
  (void)state;
  expect_session(
      "\"virtual_network_id\": \"77\", \"packet_length\": \"96\", \"enabled\": \"false\"",
      "enabled=0 vni=77 packet_length=96");
  expect_session("\"virtual_network_id\": \"16777215\", \"enabled\": \" True\"",
                 "enabled=1 vni=16777215 packet_length=-");
  expect_session("\"virtual_network_id\": \"00000001\"", "vni=1 ");
}

static void absent_and_zero(void **state) {
  (void)state;
  expect_session("\"virtual_network_id\": 0", "vni=0 packet_length=-");
  expect_session("\"virtual_network_id\": \"0\"", "vni=0 ");
  expect_session("\"virtual_network_id\": null, \"packet_length\": null, \"enabled\": null",
                 "enabled=1 vni=1 packet_length=-");
  expect_session("\"description\": \"\"", "name=- description=\"\"");
  expect_session("\"description\": null, \"name\": null", "name=- description=-");
}

static void what_providers_add(void **state) {
  (void)state;
  expect_session(
      "\"project_id\": \"p\", \"created_at\": \"2026-01-01T00:00:00.000+00:00\","
      "\"updated_at\": 5, \"type\": \"ENI\", \"traffic_mirror_target_type\": \"Elb\","
      "\"x-note\": [{}], \"x-\": {\"id\": 1}",
      "session id=\"s\"");
}

/* One rule of filter f, ingress. */
static void expect_rule(const char *members, const char *model) {
  char text[1024];
  snprintf(text, sizeof text,
           "{\"traffic_mirror_filters\": [{\"id\": \"f\", \"ingress_rules\": [{\"priority\": 1, %s}"
           "]}]}",
           members);
  expect(text, model);
}

static void forms_of_rules(void **state) {
  (void)state;
  static const char *const all = "source_port_first=0 source_port_last=65535";
  static const char *const ranges[] = {"\"\"", "\"0-65535\"", "\"1-65535\"", "null"};
  char rule[256];
  for (size_t i = 0; i < 4; i++) {
    snprintf(rule, sizeof rule,
             "\"action\": \"accept\", \"ethertype\": \"IPv4\", \"source_port_range\": %s",
             ranges[i]);
    expect_rule(rule, all);
  }
  expect_rule("\"action\": \" ACCEPT \", \"ethertype\": \"ipv6\", \"protocol\": \"icmpV6\"",
              "action=1 ethertype=34525 protocol=58");
  expect_rule("\"action\": \"Reject\", \"ethertype\": \"IPV4\", \"protocol\": \"all\"",
              "action=2 ethertype=2048 protocol=256");
  expect_rule("\"action\": \"accept\", \"ethertype\": \"IPv4\", \"protocol\": 0", "protocol=0 ");
  expect_rule("\"action\": \"accept\", \"ethertype\": \"IPv4\", \"protocol\": \"255\"",
              "protocol=255 ");
  expect_rule(
      "\"action\": \"accept\", \"ethertype\": \"IPv4\", \"protocol\": \"udp\","
      "\"source_port_range\": 0, \"destination_port_range\": \" 53 \"",
      "source_port_first=0 source_port_last=0 destination_port_first=53"
      " destination_port_last=53");
  expect_rule(
      "\"action\": \"accept\", \"ethertype\": \"IPv4\","
      "\"source_cidr_block\": \" 10.0.0.0/8 \", \"destination_cidr_block\": \"0.0.0.0/0\"",
      "source_cidr=\"10.0.0.0/8\" destination_cidr=-");
}

/* Rules as providers give them out say where they stand. */
static void places_of_rules(void **state) {
  (void)state;
  expect_rule(
      "\"action\": \"accept\", \"ethertype\": \"IPv4\", \"direction\": \"Ingress\","
      "\"traffic_mirror_filter_id\": \"f\", \"project_id\": \"p\"",
      "rule direction=1 priority=1");
  expect(
      "{\"traffic_mirror_filter_rule\": {\"traffic_mirror_filter_id\": \"f\", \"priority\": 7,"
      "\"direction\": \"egress\", \"action\": \"reject\", \"ethertype\": \"IPv4\"},"
      "\"traffic_mirror_filter\": {\"id\": \"f\"}}",
      "filter id=\"f\" name=- description=-\n  rule direction=2 priority=7 action=2");
}

static void envelopes(void **state) {
  (void)state;
  static const char model[] = "session id=\"s\" name=- description=- priority=5";
  expect(
      "{\"traffic_mirror_filter\": {\"id\": \"f\"},"
      "\"traffic_mirror_source\": {\"id\": \"x\"},"
      "\"traffic_mirror_target\": {\"id\": \"t\", \"address\": \"::1\"},"
      "\"traffic_mirror_session\": {\"id\": \"s\", \"priority\": 5,"
      "\"traffic_mirror_filter_id\": \"f\", \"traffic_mirror_sources\": [\"x\"],"
      "\"traffic_mirror_target_id\": \"t\"}}",
      model);
  expect(
      "{\"traffic_mirror_filters\": [{\"traffic_mirror_filter\": {\"id\": \"f\","
      "\"ingress_rules\": [{\"traffic_mirror_filter_rule\": {\"priority\": 1,"
      "\"action\": \"accept\", \"ethertype\": \"IPv4\"}}]}}],"
      "\"traffic_mirror_sources\": [{\"traffic_mirror_source\": {\"id\": \"x\"}}],"
      "\"traffic_mirror_targets\": [{\"traffic_mirror_target\": {\"id\": \"t\","
      "\"address\": \"::1\"}}],"
      "\"traffic_mirror_sessions\": [{\"traffic_mirror_session\": {\"id\": \"s\","
      "\"priority\": 5, \"traffic_mirror_filter_id\": \"f\","
      "\"traffic_mirror_sources\": [\"x\"], \"traffic_mirror_target_id\": \"t\"}}]}",
      model);
}

static void a_bad_file_changes_nothing(void **state) {
  (void)state;
  static const char *const bad[] = {
      "{\"traffic_mirror_filters\": []",
      "{\"traffic_mirror_filters\": [], \"quotas\": {\"none\": 1}}",
      "{\"traffic_mirror_filters\": [{\"id\": \"g\"}], \"traffic_mirror_sources\": [{}]}",
      "{\"traffic_mirror_sources\": [{\"id\": \"z\", \"security_group\": \"none\"}]}",
      "{\"traffic_mirror_filters\": [{\"id\": \"f\", \"ingress_rules\": [{\"priority\": 1,"
      "\"action\": \"accept\", \"ethertype\": \"IPv4\"}]}],"
      "\"quotas\": {\"ingress_rules_per_filter\": 0}}"};
  mirror_context *context = new_context();
  load(context, everything);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_not_equal(
        mirror_configuration_parse(context, bad[i], strlen(bad[i]), "bad", NULL, NULL, NULL), 0);
    char *model = model_text(context);
    assert_string_equal(model, model_of_everything);
    free(model);
  }
  load(context, "{}");
  char *model = model_text(context);
  assert_string_equal(model, "quotas 10 3 10 200 1000 10 10 20000\n");
  free(model);
  mirror_context_destroy(context);
}

static void load_file(const char *path) {
  mirror_context *context = new_context();
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  if (mirror_configuration_load(context, path, NULL, NULL, &report)) fail_msg("%s", report.text);
  char *model = model_text(context);
  assert_non_null(strstr(model, "session id="));
  free(model);
  check_round_trip(context);
  mirror_context_destroy(context);
}

static void the_sample(void **state) {
  (void)state;
  load_file(SOURCE_DIR "/examples/samples/table2.json");
}

static void oracle_configurations(void **state) {
  (void)state;
  static const char *const names[] = {"all", "ports", "three-sessions", "truncate", "v6-heavy"};
  const char *shared = getenv("MIRROR_SHARED");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/data/oracle/configs/%s.json",
             shared ? shared : SOURCE_DIR "/../shared", names[i]);
    if (access(path, F_OK) != 0) skip();
    load_file(path);
  }
}

/* A new file, then one in the place of another, which keeps its permissions. */
static void saving_to_a_file(void **state) {
  (void)state;
  char directory[] = "/tmp/test_configuration_XXXXXX", path[64], *model;
  mirror_context *context = new_context();
  struct stat status;
  assert_non_null(mkdtemp(directory));
  snprintf(path, sizeof path, "%s/saved.json", directory);
  assert_int_equal(mirror_configuration_save(context, path, NULL), MIRROR_OK);
  assert_int_equal(chmod(path, 0640), 0);
  load(context, everything);
  assert_int_equal(mirror_configuration_save(context, path, NULL), MIRROR_OK);
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0640);
  load(context, "{}");
  assert_int_equal(mirror_configuration_load(context, path, NULL, NULL, NULL), MIRROR_OK);
  model = model_text(context);
  assert_string_equal(model, model_of_everything);
  free(model);
  mirror_context_destroy(context);
  unlink(path);
  assert_int_equal(rmdir(directory), 0); /* nothing else was left there */
}

static void saving_where_it_is_not_possible(void **state) {
  (void)state;
  char directory[] = "/tmp/test_configuration_XXXXXX", inside[64];
  mirror_context *context = new_context();
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  assert_non_null(mkdtemp(directory));
  snprintf(inside, sizeof inside, "%s/none/saved.json", directory);
  assert_int_equal(mirror_configuration_save(context, inside, &report), MIRROR_E_OS);
  assert_non_null(strstr(report.text, inside));
  assert_int_not_equal(report.os_error, 0);
  assert_int_equal(mirror_configuration_save(context, directory, &report), MIRROR_E_OS);
  assert_non_null(strstr(report.text, directory));
  assert_int_equal(rmdir(directory), 0);
  mirror_context_destroy(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_field),
      cmocka_unit_test(nothing),
      cmocka_unit_test(strings_for_numbers_and_flags),
      cmocka_unit_test(absent_and_zero),
      cmocka_unit_test(what_providers_add),
      cmocka_unit_test(forms_of_rules),
      cmocka_unit_test(places_of_rules),
      cmocka_unit_test(envelopes),
      cmocka_unit_test(a_bad_file_changes_nothing),
      cmocka_unit_test(the_sample),
      cmocka_unit_test(oracle_configurations),
      cmocka_unit_test(saving_to_a_file),
      cmocka_unit_test(saving_where_it_is_not_possible),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) {
  return 77;
}
#endif
