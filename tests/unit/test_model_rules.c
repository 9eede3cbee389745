/* Rules: O2 (unique priorities), O3 (protocols), O4 (CIDR blocks), O5 (ports). */
#include "support/model.h"

#include "model/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int32_t add_rule(struct model *model, const mirror_rule *rule) {
  return mirror_rule_add(model->tx, "f1", rule, &model->report);
}

static void refuse(struct model *model, const mirror_rule *rule, int32_t code, const char *field,
                   const char *value) {
  assert_int_equal(add_rule(model, rule), code);
  model_assert_report(model, code, MIRROR_OBJECT_RULE, "f1/ingress/9", field, value);
  model_assert_text(model, "f1/ingress/9");
}

static void test_rule_of_no_filter(void **state) {
  struct model *model = *state;
  assert_int_equal(model_rule(model, "f9", MIRROR_INGRESS, 1), MIRROR_E_NOT_FOUND);
  model_assert_report(model, MIRROR_E_NOT_FOUND, MIRROR_OBJECT_FILTER, "f9", "id", "f9");
  assert_int_equal(model_rule(model, NULL, MIRROR_INGRESS, 1), MIRROR_E_ARGUMENT);
}

static void test_enumerations(void **state) {
  struct model *model = *state;
  model_base(model);
  static const struct {
    size_t offset;
    uint32_t value;
    int32_t code;
    const char *field;
    const char *text;
  } rows[] = {
      {offsetof(mirror_rule, action), 0, MIRROR_E_ACTION, "action", "0"},
      {offsetof(mirror_rule, action), 3, MIRROR_E_ACTION, "action", "3"},
      {offsetof(mirror_rule, ethertype), 0x0806, MIRROR_E_ETHERTYPE, "ethertype", "2054"},
      {offsetof(mirror_rule, protocol), 257, MIRROR_E_PROTOCOL, "protocol", "257"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    mirror_rule rule = model_rule_of(MIRROR_INGRESS, 9);
    memcpy((char *)&rule + rows[i].offset, &rows[i].value, sizeof rows[i].value);
    refuse(model, &rule, rows[i].code, rows[i].field, rows[i].text);
  }
  assert_int_equal(model_rule(model, "f1", 3, 9), MIRROR_E_DIRECTION);
  model_assert_report(model, MIRROR_E_DIRECTION, MIRROR_OBJECT_RULE, "f1/unknown/9", "direction",
                      "3");
  assert_int_equal(model_rule(model, "f1", MIRROR_INGRESS, 65536), MIRROR_E_RULE_PRIORITY);
  assert_int_equal(model_rule(model, "f1", MIRROR_INGRESS, 0), MIRROR_E_RULE_PRIORITY);
  model_assert_report(model, MIRROR_E_RULE_PRIORITY, MIRROR_OBJECT_RULE, "f1/ingress/0", "priority",
                      "0");
  assert_int_equal(model_rule(model, "f1", MIRROR_INGRESS, 65535), MIRROR_OK);
}

static void test_o2_duplicate_rule_names_both_holders(void **state) {
  struct model *model = *state;
  model_base(model);
  mirror_rule rule = model_rule_of(MIRROR_EGRESS, 7);
  rule.id = "older";
  assert_int_equal(add_rule(model, &rule), MIRROR_OK);
  rule.id = "newer";
  assert_int_equal(add_rule(model, &rule), MIRROR_E_DUPLICATE_RULE);
  model_assert_report(model, MIRROR_E_DUPLICATE_RULE, MIRROR_OBJECT_RULE, "f1/egress/7", "priority",
                      "7");
  model_assert_text(model, "\"older\"");
  model_assert_text(model, "\"newer\"");
  rule.direction = MIRROR_INGRESS;
  assert_int_equal(add_rule(model, &rule), MIRROR_OK); /* the other direction has its own order */
}

static void test_o2_rule_moves_to_a_free_priority_only(void **state) {
  struct model *model = *state;
  model_base(model);
  assert_int_equal(model_rule(model, "f1", MIRROR_INGRESS, 2), MIRROR_OK);
  mirror_rule moved = model_rule_of(MIRROR_INGRESS, 2);
  assert_int_equal(mirror_rule_update(model->tx, "f1", 1, &moved, NULL), MIRROR_E_DUPLICATE_RULE);
  moved.priority = 3;
  assert_int_equal(mirror_rule_update(model->tx, "f1", 1, &moved, NULL), MIRROR_OK);
  assert_int_equal(mirror_rule_update(model->tx, "f1", 1, &moved, &model->report),
                   MIRROR_E_NOT_FOUND);
  model_assert_report(model, MIRROR_E_NOT_FOUND, MIRROR_OBJECT_RULE, "f1/ingress/1", "priority",
                      "1");
  assert_int_equal(mirror_rule_update(model->tx, "f1", 0, &moved, NULL), MIRROR_E_RULE_PRIORITY);
  assert_int_equal(mirror_rule_remove(model->tx, "f1", MIRROR_INGRESS, 1, NULL),
                   MIRROR_E_NOT_FOUND);
  assert_int_equal(mirror_rule_remove(model->tx, "f1", MIRROR_AUTO, 1, NULL), MIRROR_E_DIRECTION);
  assert_int_equal(mirror_rule_remove(model->tx, "f1", MIRROR_INGRESS, 3, NULL), MIRROR_OK);
}

static void test_o3_icmp_belongs_to_a_family(void **state) {
  struct model *model = *state;
  model_base(model);
  mirror_rule rule = model_rule_of(MIRROR_INGRESS, 9);
  rule.protocol = 58;
  refuse(model, &rule, MIRROR_E_PROTOCOL_FAMILY, "protocol", "ICMPV6");
  rule.ethertype = MIRROR_ETHERTYPE_IPV6;
  rule.protocol = 1;
  refuse(model, &rule, MIRROR_E_PROTOCOL_FAMILY, "protocol", "ICMP");
  rule.protocol = 58;
  assert_int_equal(add_rule(model, &rule), MIRROR_OK);
}

static void test_o3_ports_only_where_there_are_ports(void **state) {
  struct model *model = *state;
  model_base(model);
  uint32_t priority = 100;
  for (uint32_t protocol = 0; protocol <= MIRROR_PROTOCOL_ALL; protocol++) {
    bool ports =
        protocol == 6 || protocol == 17 || protocol == 33 || protocol == 132 || protocol == 136;
    mirror_rule rule = model_rule_of(MIRROR_INGRESS, priority++);
    rule.protocol = protocol;
    if (protocol == 58) rule.ethertype = MIRROR_ETHERTYPE_IPV6;
    rule.destination_port_first = rule.destination_port_last = 80;
    assert_int_equal(add_rule(model, &rule), ports ? MIRROR_OK : MIRROR_E_PORTS_OF_PROTOCOL);
    rule.priority = priority++;
    rule.destination_port_first = 1;
    rule.destination_port_last = 65535;
    assert_int_equal(add_rule(model, &rule), MIRROR_OK);
  }
  mirror_rule rule = model_rule_of(MIRROR_INGRESS, 9);
  rule.source_port_last = 7;
  refuse(model, &rule, MIRROR_E_PORTS_OF_PROTOCOL, "source_port_range", "0-7");
}

static void test_o4_cidr_blocks(void **state) {
  struct model *model = *state;
  model_base(model);
  static const struct {
    const char *text;
    int32_t code;
  } rows[] = {{"10.0.0.0", MIRROR_E_CIDR},
              {"10.0.0.0/", MIRROR_E_CIDR},
              {"10.0.0.0/33", MIRROR_E_CIDR},
              {"10.0.0.0/-1", MIRROR_E_CIDR},
              {"10.0.0/8", MIRROR_E_CIDR},
              {"10.0.0.0/8x", MIRROR_E_CIDR},
              {"", MIRROR_E_CIDR},
              {"/8", MIRROR_E_CIDR},
              {"10.0.0.0 /8", MIRROR_E_CIDR},
              {"2001:db8::/32", MIRROR_E_CIDR_FAMILY},
              {"2001:db8::/129", MIRROR_E_CIDR},
              {"10.0.0.1/8", MIRROR_E_CIDR_HOST_BITS},
              {"1.2.3.4/0", MIRROR_E_CIDR_HOST_BITS}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    mirror_rule rule = model_rule_of(MIRROR_INGRESS, 9);
    rule.source_cidr = rows[i].text;
    refuse(model, &rule, rows[i].code, "source_cidr_block", rows[i].text);
    rule.source_cidr = NULL;
    rule.destination_cidr = rows[i].text;
    refuse(model, &rule, rows[i].code, "destination_cidr_block", rows[i].text);
  }
}

static void test_o4_host_bits_error_prints_the_masked_form(void **state) {
  struct model *model = *state;
  model_base(model);
  mirror_rule rule = model_rule_of(MIRROR_INGRESS, 9);
  rule.source_cidr = "172.16.5.7/20";
  refuse(model, &rule, MIRROR_E_CIDR_HOST_BITS, "source_cidr_block", "172.16.5.7/20");
  model_assert_text(model, "172.16.0.0/20");
  rule.ethertype = MIRROR_ETHERTYPE_IPV6;
  rule.source_cidr = "2001:db8::1/64";
  refuse(model, &rule, MIRROR_E_CIDR_HOST_BITS, "source_cidr_block", "2001:db8::1/64");
  model_assert_text(model, "2001:db8::/64");
  rule.source_cidr = " 2001:db8::/64\t";
  assert_int_equal(add_rule(model, &rule), MIRROR_OK);
}

static void test_o5_port_ranges(void **state) {
  struct model *model = *state;
  model_base(model);
  mirror_rule rule = model_rule_of(MIRROR_INGRESS, 9);
  rule.protocol = 6;
  rule.source_port_first = 81;
  rule.source_port_last = 80;
  refuse(model, &rule, MIRROR_E_PORT_RANGE, "source_port_range", "81-80");
  rule.source_port_last = 65536;
  refuse(model, &rule, MIRROR_E_PORT_RANGE, "source_port_range", "81-65536");
  rule.source_port_first = rule.source_port_last = 0;
  assert_int_equal(add_rule(model, &rule), MIRROR_OK);
}

static void test_o5_port_texts(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int32_t code;
    uint32_t first, last;
  } rows[] = {{"", MIRROR_OK, 0, 65535},
              {"  ", MIRROR_OK, 0, 65535},
              {"80", MIRROR_OK, 80, 80},
              {" 10000-10001 ", MIRROR_OK, 10000, 10001},
              {"0-65535", MIRROR_OK, 0, 65535},
              {"65536", MIRROR_E_PORT_RANGE, 0, 0},
              {"9-8", MIRROR_E_PORT_RANGE, 0, 0},
              {"-", MIRROR_E_PORT_RANGE, 0, 0},
              {"1-", MIRROR_E_PORT_RANGE, 0, 0},
              {"1-2-3", MIRROR_E_PORT_RANGE, 0, 0},
              {"0x50", MIRROR_E_PORT_RANGE, 0, 0},
              {"+80", MIRROR_E_PORT_RANGE, 0, 0},
              {"4294967376", MIRROR_E_PORT_RANGE, 0, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint32_t first, last;
    assert_int_equal(mri_parse_ports(rows[i].text, &first, &last), rows[i].code);
    if (rows[i].code) continue;
    assert_int_equal(first, rows[i].first);
    assert_int_equal(last, rows[i].last);
  }
}

static void test_o3_protocol_texts(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int32_t code;
    uint32_t protocol;
  } rows[] = {
      {"TCP", MIRROR_OK, 6},      {" udp ", MIRROR_OK, 17},       {"Icmp", MIRROR_OK, 1},
      {"icmpv6", MIRROR_OK, 58},  {"all", MIRROR_OK, 256},        {"132", MIRROR_OK, 132},
      {"0", MIRROR_OK, 0},        {"255", MIRROR_OK, 255},        {"256", MIRROR_E_PROTOCOL, 0},
      {"", MIRROR_E_PROTOCOL, 0}, {"tcpx", MIRROR_E_PROTOCOL, 0}, {"-1", MIRROR_E_PROTOCOL, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint32_t protocol;
    assert_int_equal(mri_parse_protocol(rows[i].text, &protocol), rows[i].code);
    if (!rows[i].code) assert_int_equal(protocol, rows[i].protocol);
  }
  assert_string_equal(mri_protocol_name(58), "ICMPV6");
  assert_null(mri_protocol_name(132));
}

static void test_rule_id_and_description(void **state) {
  struct model *model = *state;
  model_base(model);
  mirror_rule rule = model_rule_of(MIRROR_INGRESS, 9);
  rule.id = "";
  refuse(model, &rule, MIRROR_E_ID, "id", "");
  rule.id = "same for two";
  rule.description = "<";
  refuse(model, &rule, MIRROR_E_DESCRIPTION, "description", "<");
  rule.description = "d";
  assert_int_equal(add_rule(model, &rule), MIRROR_OK);
  rule.priority = 10;
  assert_int_equal(add_rule(model, &rule), MIRROR_OK);
}

struct seen {
  uint32_t count;
  uint32_t places[8]; /* direction * 100000 + priority */
  mirror_rule last;
};

static int32_t note_rule(void *user, const mirror_rule *rule) {
  struct seen *seen = user;
  seen->places[seen->count++] = rule->direction * 100000 + rule->priority;
  seen->last = *rule;
  if (rule->priority == 4) {
    assert_string_equal(rule->source_cidr, "10.0.0.0/8");
    assert_string_equal(rule->id, "r4");
  }
  return 0;
}

/* By direction, then priority; 1-65535 is shown as what it means, all ports. */
static void test_visit_shows_rules_in_order(void **state) {
  struct model *model = *state;
  model_base(model);
  mirror_rule rule = model_rule_of(MIRROR_EGRESS, 4);
  rule.source_cidr = " 10.0.0.0/8";
  rule.source_port_first = 1;
  rule.action = MIRROR_REJECT;
  rule.id = "r4";
  assert_int_equal(model_rule(model, "f1", MIRROR_INGRESS, 9), MIRROR_OK);
  assert_int_equal(model_rule(model, "f1", MIRROR_INGRESS, 5), MIRROR_OK);
  assert_int_equal(add_rule(model, &rule), MIRROR_OK);
  assert_int_equal(model_rule(model, "f1", MIRROR_INGRESS, 7), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  struct seen seen = {0};
  assert_int_equal(mirror_rules_visit(model->context, "f1", note_rule, &seen), 0);
  const uint32_t order[] = {100001, 100005, 100007, 100009, 200004};
  assert_int_equal(seen.count, 5);
  assert_memory_equal(seen.places, order, sizeof order);
  assert_int_equal(seen.last.source_port_first, 0);
  assert_int_equal(seen.last.source_port_last, 65535);
  assert_int_equal(seen.last.action, MIRROR_REJECT);
  assert_int_equal(seen.last.protocol, MIRROR_PROTOCOL_ALL);
  assert_null(seen.last.destination_cidr);
  assert_null(seen.last.description);
}

/* A2: 20,000 rules in one transaction, ascending, then every second one out again. */
static void test_a2_many_rules_in_one_transaction(void **state) {
  struct model *model = *state;
  model_base(model);
  mirror_quotas quotas;
  mirror_quotas_init(&quotas, sizeof quotas);
  quotas.ingress_rules_per_filter = 20001;
  assert_int_equal(mirror_quotas_set(model->tx, &quotas, NULL), MIRROR_OK);
  for (uint32_t priority = 2; priority <= 20001; priority++)
    assert_int_equal(model_rule(model, "f1", MIRROR_INGRESS, priority), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  for (uint32_t priority = 2; priority <= 20001; priority += 2)
    assert_int_equal(mirror_rule_remove(model->tx, "f1", MIRROR_INGRESS, priority, NULL),
                     MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  const struct mri_filter *filter =
      (const struct mri_filter *)model_entry(model, MIRROR_OBJECT_FILTER, "f1")->current;
  assert_int_equal(filter->rules[0]->count, 10001);
  for (uint32_t i = 0; i < filter->rules[0]->count; i++)
    assert_int_equal(filter->rules[0]->rule[i]->priority, 2 * i + 1);
}

#define WITH_MODEL(test) cmocka_unit_test_setup_teardown(test, model_setup, model_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_MODEL(test_rule_of_no_filter),
      WITH_MODEL(test_enumerations),
      WITH_MODEL(test_o2_duplicate_rule_names_both_holders),
      WITH_MODEL(test_o2_rule_moves_to_a_free_priority_only),
      WITH_MODEL(test_o3_icmp_belongs_to_a_family),
      WITH_MODEL(test_o3_ports_only_where_there_are_ports),
      WITH_MODEL(test_o4_cidr_blocks),
      WITH_MODEL(test_o4_host_bits_error_prints_the_masked_form),
      WITH_MODEL(test_o5_port_ranges),
      cmocka_unit_test(test_o5_port_texts),
      cmocka_unit_test(test_o3_protocol_texts),
      WITH_MODEL(test_rule_id_and_description),
      WITH_MODEL(test_visit_shows_rules_in_order),
      WITH_MODEL(test_a2_many_rules_in_one_transaction),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
