/* Fields of filters, sources, targets and sessions: what is refused, and how it is said (O8, O9).
 */
#include "support/model.h"

#include "model/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *repeat(const char *character, size_t count) {
  static char text[2048];
  text[0] = '\0';
  for (size_t i = 0; i < count; i++)
    strcat(text, character);
  return text;
}

static int32_t add_named(struct model *model, const char *id, const char *name,
                         const char *description) {
  mirror_filter filter;
  mirror_filter_init(&filter, sizeof filter);
  filter.id = id;
  filter.name = name;
  filter.description = description;
  return mirror_filter_add(model->tx, &filter, &model->report);
}

static void test_o8_legal_names(void **state) {
  struct model *model = *state;
  const char *names[] = {"a",
                         "Az09_-.",
                         "\xe4\xb8\xad\xe6\x96\x87",
                         "\xe3\x81\x82\xe3\x82\xa2",
                         "\xed\x95\x9c\xea\xb5\xad",
                         "\xf0\xa0\x80\x80"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    assert_int_equal(add_named(model, names[i], names[i], NULL), MIRROR_OK);
  assert_int_equal(add_named(model, "64 of them", repeat("\xe4\xb8\xad", 64), NULL), MIRROR_OK);
}

static void test_o8_illegal_names(void **state) {
  struct model *model = *state;
  const char *names[] = {"",    "a b",  "a/b",         "\xc3\xa9", "\xe3\x80\x82",
                         "a\n", "\xff", "\xed\xa0\x80"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    assert_int_equal(add_named(model, "f", names[i], NULL), MIRROR_E_NAME);
  assert_int_equal(add_named(model, "f", "a b", NULL), MIRROR_E_NAME);
  model_assert_report(model, MIRROR_E_NAME, MIRROR_OBJECT_FILTER, "f", "name", "a b");
  assert_int_equal(add_named(model, "f", repeat("\xe4\xb8\xad", 65), NULL), MIRROR_E_NAME);
}

static void test_o8_descriptions(void **state) {
  struct model *model = *state;
  assert_int_equal(add_named(model, "f1", NULL, ""), MIRROR_OK);
  assert_int_equal(add_named(model, "f2", NULL, repeat("\xc3\xa9", 255)), MIRROR_OK);
  assert_int_equal(add_named(model, "f3", NULL, repeat("\xc3\xa9", 256)), MIRROR_E_DESCRIPTION);
  assert_int_equal(add_named(model, "f3", NULL, "a\tb"), MIRROR_E_DESCRIPTION);
  assert_int_equal(add_named(model, "f3", NULL, "a>b"), MIRROR_E_DESCRIPTION);
  assert_int_equal(add_named(model, "f3", NULL, "a<b"), MIRROR_E_DESCRIPTION);
  model_assert_report(model, MIRROR_E_DESCRIPTION, MIRROR_OBJECT_FILTER, "f3", "description",
                      "a<b");
}

static void test_ids(void **state) {
  struct model *model = *state;
  assert_int_equal(model_filter(model, repeat("\xc3\xa9", 64)), MIRROR_OK);
  assert_int_equal(model_filter(model, "with blank, <any> sign"), MIRROR_OK);
  const char *ids[] = {NULL, "", "a\tb", "a\n", "\x7f", "\xc2\x85", "\xff"};
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
    assert_int_equal(model_filter(model, ids[i]), MIRROR_E_ID);
  assert_int_equal(model_filter(model, repeat("i", 65)), MIRROR_E_ID);
  model_assert_report(model, MIRROR_E_ID, MIRROR_OBJECT_FILTER, repeat("i", 65), "id",
                      repeat("i", 65));
}

static void test_null_and_short_structs(void **state) {
  struct model *model = *state;
  assert_int_equal(mirror_filter_add(model->tx, NULL, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_source_add(NULL, NULL, NULL), MIRROR_E_ARGUMENT);
  mirror_target target = model_target_of("t", "10.0.0.1");
  target.size = 8;
  assert_int_equal(mirror_target_add(model->tx, &target, &model->report), MIRROR_E_STRUCT_SIZE);
  mirror_session session = {.size = 0};
  assert_int_equal(mirror_session_add(model->tx, &session, NULL), MIRROR_E_STRUCT_SIZE);
  mirror_rule rule = {.size = 4};
  assert_int_equal(mirror_rule_add(model->tx, "f", &rule, NULL), MIRROR_E_STRUCT_SIZE);
}

static void refuse_source(struct model *model, const mirror_source *source, int32_t code,
                          const char *field, const char *value) {
  assert_int_equal(mirror_source_add(model->tx, source, &model->report), code);
  model_assert_report(model, code, MIRROR_OBJECT_SOURCE, "x", field, value);
}

static void test_source_mtu(void **state) {
  struct model *model = *state;
  mirror_source source = model_source_of("x");
  assert_int_equal(source.mtu, 1500);
  source.mtu = 67;
  refuse_source(model, &source, MIRROR_E_MTU, "mtu", "67");
  source.mtu = 65536;
  refuse_source(model, &source, MIRROR_E_MTU, "mtu", "65536");
  source.mtu = 0;
  refuse_source(model, &source, MIRROR_E_MTU, "mtu", "0");
  source.mtu = 65535;
  assert_int_equal(mirror_source_add(model->tx, &source, NULL), MIRROR_OK);
  source.mtu = 68;
  assert_int_equal(mirror_source_update(model->tx, &source, NULL), MIRROR_OK);
}

static void test_source_mac(void **state) {
  struct model *model = *state;
  const char *illegal[] = {"",
                           "02:00:00:00:00",
                           "02:00:00:00:00:0g",
                           "01:00:5e:00:00:01",
                           "00:00:00:00:00:00",
                           "ff:ff:ff:ff:ff:ff",
                           "02:00-00:00:00:01",
                           "02.00.00.00.00.01",
                           "02:00:00:00:00:01:"};
  mirror_source source = model_source_of("x");
  for (size_t i = 0; i < sizeof illegal / sizeof *illegal; i++) {
    source.mac = illegal[i];
    refuse_source(model, &source, MIRROR_E_MAC, "mac", illegal[i]);
  }
  source.mac = "02-AB-cd-00-00-01";
  assert_int_equal(mirror_source_add(model->tx, &source, NULL), MIRROR_OK);
}

static void test_source_address(void **state) {
  struct model *model = *state;
  const char *illegal[] = {"",          "10.0.0",     "10.0.0.256",      "0.0.0.0",
                           "224.0.0.1", "::",         "255.255.255.255", "ff02::1",
                           "host",      "10.0.0.1/8", "fe80::1%eth0"};
  mirror_source source = model_source_of("x");
  for (size_t i = 0; i < sizeof illegal / sizeof *illegal; i++) {
    source.address = illegal[i];
    refuse_source(model, &source, MIRROR_E_ADDRESS, "address", illegal[i]);
  }
  source.address = " 2001:DB8::1 ";
  assert_int_equal(mirror_source_add(model->tx, &source, NULL), MIRROR_OK);
}

static void test_source_interface_vpc_and_group(void **state) {
  struct model *model = *state;
  const char *illegal[] = {"", "eth0/1", "eth 0", "sixteen-octets16", ".", "..", "a\n", "\xff"};
  mirror_source source = model_source_of("x");
  for (size_t i = 0; i < sizeof illegal / sizeof *illegal; i++) {
    source.interface_name = illegal[i];
    assert_int_equal(mirror_source_add(model->tx, &source, NULL), MIRROR_E_INTERFACE);
  }
  source.interface_name = "eth 0";
  refuse_source(model, &source, MIRROR_E_INTERFACE, "interface", "eth 0");
  source.interface_name = "fifteen-octets1";
  source.vpc_id = "";
  refuse_source(model, &source, MIRROR_E_VPC_ID, "vpc_id", "");
  source.vpc_id = NULL;
  source.security_group = "";
  refuse_source(model, &source, MIRROR_E_ID, "security_group", "");
  source.security_group = NULL;
  assert_int_equal(mirror_source_add(model->tx, &source, NULL), MIRROR_OK);
}

static void refuse_target(struct model *model, const mirror_target *target, int32_t code,
                          const char *field, const char *value) {
  assert_int_equal(mirror_target_add(model->tx, target, &model->report), code);
  model_assert_report(model, code, MIRROR_OBJECT_TARGET, "t", field, value);
}

static void test_target_fields(void **state) {
  struct model *model = *state;
  static const struct {
    size_t offset;
    uint32_t value;
    int32_t code;
    const char *field;
    const char *text;
  } rows[] = {
      {offsetof(mirror_target, kind), 0, MIRROR_E_TARGET_KIND, "type", "0"},
      {offsetof(mirror_target, kind), 3, MIRROR_E_TARGET_KIND, "type", "3"},
      {offsetof(mirror_target, udp_port), 0, MIRROR_E_UDP_PORT, "port", "0"},
      {offsetof(mirror_target, udp_port), 65536, MIRROR_E_UDP_PORT, "port", "65536"},
      {offsetof(mirror_target, mtu), 0, MIRROR_E_MTU, "mtu", "0"},
      {offsetof(mirror_target, mtu), 67, MIRROR_E_MTU, "mtu", "67"},
      {offsetof(mirror_target, oversize), 0, MIRROR_E_OVERSIZE, "oversize", "0"},
      {offsetof(mirror_target, oversize), 3, MIRROR_E_OVERSIZE, "oversize", "3"},
      {offsetof(mirror_target, ttl), 0, MIRROR_E_TTL, "ttl", "0"},
      {offsetof(mirror_target, ttl), 256, MIRROR_E_TTL, "ttl", "256"},
      {offsetof(mirror_target, udp_checksum), 3, MIRROR_E_UDP_CHECKSUM, "udp_checksum", "3"},
      {offsetof(mirror_target, dont_fragment), 2, MIRROR_E_FLAG, "df", "2"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    mirror_target target = model_target_of("t", "10.0.0.1");
    memcpy((char *)&target + rows[i].offset, &rows[i].value, sizeof rows[i].value);
    refuse_target(model, &target, rows[i].code, rows[i].field, rows[i].text);
  }
}

static void test_target_addresses(void **state) {
  struct model *model = *state;
  mirror_target target = model_target_of("t", NULL);
  refuse_target(model, &target, MIRROR_E_ADDRESS, "address", "");
  target.address = "0.0.0.0";
  refuse_target(model, &target, MIRROR_E_ADDRESS, "address", "0.0.0.0");
  target.address = "::";
  refuse_target(model, &target, MIRROR_E_ADDRESS, "address", "::");
  target.address = "239.1.1.1";
  assert_int_equal(mirror_target_add(model->tx, &target, NULL), MIRROR_OK);
}

static void refuse_session(struct model *model, const mirror_session *session, int32_t code,
                           const char *field, const char *value) {
  assert_int_equal(mirror_session_add(model->tx, session, &model->report), code);
  model_assert_report(model, code, MIRROR_OBJECT_SESSION, "s", field, value);
}

/* O9: absent and zero are different things. */
static void test_o9_session_numbers(void **state) {
  struct model *model = *state;
  static const struct {
    size_t offset;
    uint32_t value;
    int32_t code;
    const char *field;
    const char *text;
  } rows[] = {
      {offsetof(mirror_session, priority), 0, MIRROR_E_SESSION_PRIORITY, "priority", "0"},
      {offsetof(mirror_session, priority), 32767, MIRROR_E_SESSION_PRIORITY, "priority", "32767"},
      {offsetof(mirror_session, vni), 1u << 24, MIRROR_E_VNI, "virtual_network_id", "16777216"},
      {offsetof(mirror_session, packet_length), 0, MIRROR_E_PACKET_LENGTH, "packet_length", "0"},
      {offsetof(mirror_session, packet_length), 13, MIRROR_E_PACKET_LENGTH, "packet_length", "13"},
      {offsetof(mirror_session, packet_length), 65536, MIRROR_E_PACKET_LENGTH, "packet_length",
       "65536"},
      {offsetof(mirror_session, sample_one_in), 0, MIRROR_E_SAMPLE, "sample_one_in", "0"},
      {offsetof(mirror_session, enabled), 2, MIRROR_E_FLAG, "enabled", "2"},
      {offsetof(mirror_session, source_count), 0, MIRROR_E_NO_SOURCES, "traffic_mirror_sources",
       ""},
  };
  const char *source = "x";
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    mirror_session session = model_session_of("s", 1, &source);
    memcpy((char *)&session + rows[i].offset, &rows[i].value, sizeof rows[i].value);
    refuse_session(model, &session, rows[i].code, rows[i].field, rows[i].text);
  }
  mirror_session session = model_session_of("s", 32766, &source);
  assert_int_equal(session.vni, 1);
  session.vni = 0;
  session.packet_length = 14;
  session.sample_one_in = 1;
  session.rate_limit_bps = 1;
  session.rate_limit_pps = MIRROR_ABSENT_64;
  assert_int_equal(mirror_session_add(model->tx, &session, NULL), MIRROR_OK);
}

static void test_session_rates_and_references(void **state) {
  struct model *model = *state;
  const char *sources[] = {"x", "y", "x"};
  mirror_session session = model_session_of("s", 1, sources);
  session.rate_limit_bps = 0;
  refuse_session(model, &session, MIRROR_E_RATE, "rate_limit_bps", "0");
  session.rate_limit_bps = MIRROR_ABSENT_64;
  session.rate_limit_pps = 1ull << 63;
  refuse_session(model, &session, MIRROR_E_RATE, "rate_limit_pps", "9223372036854775808");
  session.rate_limit_pps = 7;
  session.source_count = 3;
  refuse_session(model, &session, MIRROR_E_DUPLICATE_SOURCE, "traffic_mirror_sources", "x");
  session.source_count = 2;
  session.filter_id = NULL;
  refuse_session(model, &session, MIRROR_E_ID, "traffic_mirror_filter_id", "");
  session.filter_id = "f";
  session.target_id = "";
  refuse_session(model, &session, MIRROR_E_ID, "traffic_mirror_target_id", "");
  session.target_id = "t";
  sources[1] = "";
  refuse_session(model, &session, MIRROR_E_ID, "traffic_mirror_sources", "");
  session.sources = NULL;
  refuse_session(model, &session, MIRROR_E_ARGUMENT, "traffic_mirror_sources", "");
}

static int32_t keep_session(void *user, const mirror_session *session) {
  mirror_session *kept = user;
  *kept = *session;
  assert_string_equal(session->id, "s");
  assert_string_equal(session->name, "n");
  assert_string_equal(session->description, "d");
  assert_string_equal(session->filter_id, "f1");
  assert_string_equal(session->target_id, "t1");
  assert_int_equal(session->source_count, 1);
  assert_string_equal(session->sources[0], "x2");
  return 42;
}

static int32_t check_source(void *user, const mirror_source *source) {
  (void)user;
  assert_string_equal(source->mac, "02:ab:cd:00:00:01");
  assert_string_equal(source->address, "2001:db8::1");
  assert_string_equal(source->interface_name, "eth3");
  assert_string_equal(source->vpc_id, "v");
  assert_null(source->security_group);
  assert_int_equal(source->mtu, 9000);
  return 0;
}

static int32_t check_target(void *user, const mirror_target *target) {
  (void)user;
  assert_string_equal(target->address, "10.0.9.1");
  assert_int_equal(target->udp_port, 4789);
  assert_int_equal(target->mtu, MIRROR_ABSENT);
  assert_int_equal(target->ttl, 64);
  assert_int_equal(target->dont_fragment, 1);
  assert_int_equal(target->kind, MIRROR_TARGET_ENI);
  assert_null(target->name);
  return 0;
}

static void test_visit_shows_what_was_set(void **state) {
  struct model *model = *state;
  model_base(model);
  mirror_source source = model_source_of("x1");
  source.mac = "02-AB-cd-00-00-01";
  source.address = "2001:DB8::1";
  source.interface_name = "eth3";
  source.vpc_id = "v";
  source.mtu = 9000;
  assert_int_equal(mirror_source_update(model->tx, &source, NULL), MIRROR_OK);
  const char *x2 = "x2";
  mirror_session session = model_session_of("s", 3, &x2), kept;
  session.name = "n";
  session.description = "d";
  session.vni = 0;
  session.enabled = 0;
  session.packet_length = 100;
  assert_int_equal(mirror_session_add(model->tx, &session, NULL), MIRROR_OK);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(mirror_sessions_visit(model->context, "s", keep_session, &kept), 42);
  assert_int_equal(kept.vni, 0);
  assert_int_equal(kept.enabled, 0);
  assert_int_equal(kept.priority, 3);
  assert_int_equal(kept.packet_length, 100);
  assert_int_equal(kept.sample_one_in, MIRROR_ABSENT);
  assert_true(kept.rate_limit_bps == MIRROR_ABSENT_64);
  assert_int_equal(mirror_sources_visit(model->context, "x1", check_source, NULL), 0);
  assert_int_equal(mirror_targets_visit(model->context, NULL, check_target, NULL), 0);
  assert_int_equal(mirror_targets_visit(model->context, "t9", check_target, NULL),
                   MIRROR_E_NOT_FOUND);
}

static void test_masks_of_every_length(void **state) {
  (void)state;
  char text[64], masked[64];
  for (unsigned length = 0; length <= 128; length++) {
    uint8_t address[16];
    memset(address, 0xff, sizeof address);
    mri_format_cidr(address, 6, length, text);
    uint8_t parsed[16], read = 0;
    int32_t status = mri_parse_cidr(text, 6, parsed, &read, masked);
    assert_int_equal(status, length == 128 ? MIRROR_OK : MIRROR_E_CIDR_HOST_BITS);
    if (status) assert_int_equal(mri_parse_cidr(masked, 6, parsed, &read, text), MIRROR_OK);
    assert_int_equal(read, length);
    unsigned bits = 0;
    for (unsigned i = 0; i < 128; i++)
      bits += parsed[i / 8] >> (7 - i % 8) & 1;
    assert_int_equal(bits, length);
  }
}

#define WITH_MODEL(test) cmocka_unit_test_setup_teardown(test, model_setup, model_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_MODEL(test_o8_legal_names),
      WITH_MODEL(test_o8_illegal_names),
      WITH_MODEL(test_o8_descriptions),
      WITH_MODEL(test_ids),
      WITH_MODEL(test_null_and_short_structs),
      WITH_MODEL(test_source_mtu),
      WITH_MODEL(test_source_mac),
      WITH_MODEL(test_source_address),
      WITH_MODEL(test_source_interface_vpc_and_group),
      WITH_MODEL(test_target_fields),
      WITH_MODEL(test_target_addresses),
      WITH_MODEL(test_o9_session_numbers),
      WITH_MODEL(test_session_rates_and_references),
      WITH_MODEL(test_visit_shows_what_was_set),
      cmocka_unit_test(test_masks_of_every_length),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
