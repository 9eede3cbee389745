/* Calls that may need memory. */
#include "memory/scenarios.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#define SAMPLE SOURCE_DIR "/examples/samples/table2.pcap"

/* ---- contexts and transactions ---- */

static int32_t create_context(struct model *model) {
  mirror_context_options options;
  mirror_context *context = NULL;
  USE(mirror_context_options_init)(&options, sizeof options);
  malloc_is_memory(true);
  const int32_t status = USE(mirror_context_create)(&options, &context, &model->report);
  malloc_is_memory(false);
  USE(mirror_context_destroy)(context);
  return status;
}

static int32_t check_isas(struct model *model) {
  (void)model;
  malloc_is_memory(true);
  int32_t status = USE(mirror_isa_check)(MIRROR_ISA_SCALAR);
  malloc_is_memory(false);
  return status;
}

static int32_t force_isa(struct model *model) {
  (void)model;
  malloc_is_memory(true);
  int32_t status = USE(mirror_isa_force)(MIRROR_ISA_SCALAR);
  malloc_is_memory(false);
  fine(mirror_isa_force(MIRROR_ISA_AUTO));
  return status;
}

static void end_transaction(struct model *model) {
  USE(mirror_transaction_destroy)(model->tx);
  model->tx = NULL;
}

static int32_t begin(struct model *model) {
  return USE(mirror_transaction_begin)(model->context, &model->tx, &model->report);
}

/* ---- staging ---- */

static int32_t add_filter(struct model *model) {
  mirror_filter filter;
  USE(mirror_filter_init)(&filter, sizeof filter);
  filter.id = "f2";
  filter.name = "name";
  filter.description = "description";
  return USE(mirror_filter_add)(model->tx, &filter, &model->report);
}

static int32_t update_filter(struct model *model) {
  mirror_filter filter;
  mirror_filter_init(&filter, sizeof filter);
  filter.id = "f1";
  filter.name = "other";
  return USE(mirror_filter_update)(model->tx, &filter, &model->report);
}

static int32_t remove_filter(struct model *model) {
  return USE(mirror_filter_remove)(model->tx, "f1", &model->report);
}

static mirror_rule rule_of(uint32_t direction, uint32_t priority) {
  mirror_rule rule;
  USE(mirror_rule_init)(&rule, sizeof rule);
  rule.direction = direction;
  rule.priority = priority;
  rule.action = MIRROR_REJECT;
  rule.ethertype = MIRROR_ETHERTYPE_IPV4;
  rule.source_cidr = "10.0.0.0/8";
  rule.id = "id";
  rule.description = "description";
  return rule;
}

static int32_t add_rule(struct model *model) {
  const mirror_rule rule = rule_of(MIRROR_EGRESS, 2);
  return USE(mirror_rule_add)(model->tx, "f1", &rule, &model->report);
}

static int32_t update_rule(struct model *model) {
  const mirror_rule rule = rule_of(MIRROR_INGRESS, 1);
  return USE(mirror_rule_update)(model->tx, "f1", 1, &rule, &model->report);
}

static int32_t remove_rule(struct model *model) {
  return USE(mirror_rule_remove)(model->tx, "f1", MIRROR_INGRESS, 1, &model->report);
}

static mirror_source source_of(const char *id) {
  mirror_source source;
  USE(mirror_source_init)(&source, sizeof source);
  source.id = id;
  source.name = "name";
  source.interface_name = "eth0";
  source.mac = "02:00:00:00:00:01";
  source.address = "10.0.0.1";
  source.vpc_id = "v1";
  source.security_group = "f1";
  return source;
}

static int32_t add_source(struct model *model) {
  const mirror_source source = source_of("x3");
  return USE(mirror_source_add)(model->tx, &source, &model->report);
}

static int32_t update_source(struct model *model) {
  const mirror_source source = source_of("x1");
  return USE(mirror_source_update)(model->tx, &source, &model->report);
}

static int32_t remove_source(struct model *model) {
  return USE(mirror_source_remove)(model->tx, "x2", &model->report);
}

static mirror_target target_of(const char *id) {
  mirror_target target;
  USE(mirror_target_init)(&target, sizeof target);
  target.id = id;
  target.name = "name";
  target.address = "10.0.9.2";
  target.interface_name = "eth9";
  target.vpc_id = "v2";
  return target;
}

static int32_t add_target(struct model *model) {
  const mirror_target target = target_of("t2");
  return USE(mirror_target_add)(model->tx, &target, &model->report);
}

static int32_t update_target(struct model *model) {
  const mirror_target target = target_of("t1");
  return USE(mirror_target_update)(model->tx, &target, &model->report);
}

static int32_t remove_target(struct model *model) {
  return USE(mirror_target_remove)(model->tx, "t1", &model->report);
}

static const char *const both[] = {"x1", "x2"};

static mirror_session session_of(const char *id, uint32_t priority) {
  mirror_session session;
  USE(mirror_session_init)(&session, sizeof session);
  session.id = id;
  session.name = "name";
  session.description = "description";
  session.priority = priority;
  session.filter_id = "f1";
  session.target_id = "t1";
  session.sources = both;
  session.source_count = 2;
  return session;
}

static int32_t add_session(struct model *model) {
  const mirror_session session = session_of("s2", 20);
  return USE(mirror_session_add)(model->tx, &session, &model->report);
}

static int32_t update_session(struct model *model) {
  const mirror_session session = session_of("s1", 30);
  return USE(mirror_session_update)(model->tx, &session, &model->report);
}

static int32_t remove_session(struct model *model) {
  return USE(mirror_session_remove)(model->tx, "s1", &model->report);
}

static int32_t connect_vpcs(struct model *model) {
  return USE(mirror_vpc_connect)(model->tx, "v1", "v2", &model->report);
}

static void are_connected(struct model *model) {
  fine(connect_vpcs(model));
  fine(model_commit(model));
}

static int32_t disconnect_vpcs(struct model *model) {
  return USE(mirror_vpc_disconnect)(model->tx, "v1", "v2", &model->report);
}

static int32_t clear(struct model *model) {
  return USE(mirror_transaction_clear)(model->tx, &model->report);
}

/* ---- checking and committing ---- */

static void stage_much(struct model *model) {
  fine(add_filter(model));
  fine(add_rule(model));
  fine(add_source(model));
  fine(connect_vpcs(model));
  fine(add_target(model));
  fine(add_session(model));
  for (uint32_t i = 2; i < 8; i++)
    fine(model_rule(model, "f1", MIRROR_INGRESS, i));
}

static int32_t check(struct model *model) {
  return USE(mirror_transaction_check)(model->tx, NULL, NULL, &model->report);
}

static int32_t commit(struct model *model) {
  return USE(mirror_transaction_commit)(model->tx, &model->report);
}

/* ---- looking ---- */

static int32_t see_session(void *user, const mirror_session *session) {
  (void)user;
  return session->source_count > 0 ? 0 : 1;
}

static int32_t visit_sessions(struct model *model) {
  return USE(mirror_sessions_visit)(model->context, NULL, see_session, NULL);
}

static int32_t explain(struct model *model) {
  static const uint8_t frame[60] = {[12] = 8, [14] = 0x45};
  mirror_packet packet = {.data = frame, .caplen = 60, .link_type = 1, .direction = MIRROR_INGRESS};
  mirror_plan *plan;
  mirror_explanation *explanation = NULL;
  mirror_verdict verdict;
  mirror_step step;
  fine(USE(mirror_plan_acquire)(model->context, &plan));
  fine(USE(mirror_source_handle)(model->context, "x1", &packet.source, NULL));
  const int32_t status = USE(mirror_plan_explain)(plan, &packet, &explanation, &model->report);
  if (status == MIRROR_OK) {
    fine(USE(mirror_explanation_verdict)(explanation, &verdict));
    assert_true(USE(mirror_explanation_steps)(explanation) > 0);
    USE(mirror_step_init)(&step, sizeof step);
    fine(USE(mirror_explanation_step)(explanation, 0, &step));
    assert_non_null(strstr(USE(mirror_explanation_text)(explanation), "s1"));
  }
  USE(mirror_explanation_destroy)(explanation);
  USE(mirror_plan_release)(plan);
  return status;
}

/* ---- inputs, outputs, taps ---- */

static int32_t open_input(struct model *model, const char *uri, const void *argument) {
  mirror_input *input = NULL;
  const int32_t status =
      USE(mirror_input_open)(model->context, uri, argument, &input, &model->report);
  USE(mirror_input_close)(input);
  return status;
}

static int32_t open_output(struct model *model, const char *uri, const void *argument) {
  mirror_output *output = NULL;
  const int32_t status =
      USE(mirror_output_open)(model->context, uri, argument, &output, &model->report);
  USE(mirror_output_close)(output);
  return status;
}

static int32_t open_memory_input(struct model *model) {
  mirror_memory_input input;
  USE(mirror_memory_input_init)(&input, sizeof input);
  return open_input(model, "memory:", &input);
}

static int32_t open_memory_output(struct model *model) {
  mirror_memory_output output;
  USE(mirror_memory_output_init)(&output, sizeof output);
  return open_output(model, "memory:", &output);
}

static int32_t open_udp(struct model *model) {
  return open_output(model, "udp:?pool=2&mark=0", NULL);
}

#ifdef MIRROR_WITH_PCAP
static int32_t open_capture(struct model *model) {
  return open_input(model, "pcap:" SAMPLE, NULL);
}

static int32_t write_capture(struct model *model) {
  mirror_pcap_output writing;
  USE(mirror_pcap_output_init)(&writing, sizeof writing);
  writing.thread = 1;
  const int32_t status = open_output(model, "pcap:test_out_of_memory.pcap", &writing);
  unlink("test_out_of_memory.pcap");
  return status;
}
#endif

static int32_t receive_nothing(void *state, mirror_packet *packets, uint32_t capacity,
                               int64_t timeout_ns, uint32_t *count, mirror_report *report) {
  (void)state, (void)packets, (void)capacity, (void)timeout_ns, (void)report;
  *count = 0;
  return MIRROR_E_END;
}

static int32_t open_nothing(void *state, const mirror_open *open, mirror_report *report) {
  (void)state, (void)open, (void)report;
  return MIRROR_OK;
}

static void do_nothing(void *state) {
  (void)state;
}

static int32_t register_backend(struct model *model) {
  const mirror_backend backend = {.size = sizeof backend,
                                  .abi = MIRROR_BACKEND_ABI,
                                  .name = "nothing",
                                  .capabilities = MIRROR_CAN_INPUT,
                                  .open_input = open_nothing,
                                  .receive = receive_nothing,
                                  .interrupt = do_nothing,
                                  .close = do_nothing};
  return USE(mirror_backend_register)(model->context, &backend, &model->report);
}

static int32_t create_tap(struct model *model) {
  mirror_memory_output memory;
  mirror_tap_options options;
  mirror_tap *tap = NULL;
  mirror_memory_output_init(&memory, sizeof memory);
  USE(mirror_tap_options_init)(&options, sizeof options);
  options.source_id = "x1";
  options.fragment_entries = 64;
  const long failing = model->memory.failing;
  model->memory.failing = 0; /* the output is another scenario's */
  fine(mirror_output_open(model->context, "memory:", &memory, &options.output, NULL));
  model->memory.failing = failing;
  model->memory.calls = 0;
  const int32_t status = USE(mirror_tap_create)(model->context, &options, &tap, &model->report);
  model->memory.failing = 0;
  USE(mirror_tap_destroy)(tap);
  mirror_output_close(options.output);
  return status;
}

static int32_t start_worker(struct model *model) {
  const long failing = model->memory.failing;
  mirror_memory_input packets;
  mirror_memory_output copies;
  mirror_tap_options options;
  mirror_worker_options how;
  mirror_tap *tap;
  mirror_worker *worker = NULL;
  uint64_t drops;
  int32_t fd;
  mirror_memory_input_init(&packets, sizeof packets);
  mirror_memory_output_init(&copies, sizeof copies);
  mirror_tap_options_init(&options, sizeof options);
  USE(mirror_worker_options_init)(&how, sizeof how);
  model->memory.failing = 0; /* these are other scenarios' */
  fine(mirror_input_open(model->context, "memory:", &packets, &options.input, NULL));
  fine(mirror_output_open(model->context, "memory:", &copies, &options.output, NULL));
  fine(mirror_tap_create(model->context, &options, &tap, NULL));
  model->memory.failing = failing;
  model->memory.calls = 0;
  how.tap = tap;
  const int32_t status = USE(mirror_worker_start)(&how, &worker, &model->report);
  model->memory.failing = 0;
  if (!status) {
    fine(USE(mirror_worker_descriptor)(worker, &fd));
    struct pollfd ended = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&ended, 1, 10000), 1); /* there is nothing to mirror */
    assert_int_equal(USE(mirror_worker_drops)(worker, &drops), MIRROR_E_UNSUPPORTED);
    fine(USE(mirror_worker_output_status)(worker, NULL));
    fine(USE(mirror_worker_stop)(&worker, NULL));
  }
  mirror_tap_destroy(tap);
  mirror_input_close(options.input);
  mirror_output_close(options.output);
  return status;
}

/* ---- configuration files ---- */

#ifdef MIRROR_WITH_JSON
static const char text[] =
    "{\"traffic_mirror_filters\": [{\"id\": \"f\", \"egress_rules\": [{\"priority\": 1,"
    " \"action\": \"accept\", \"ethertype\": \"IPv4\"}]}]}";

static int32_t parse(struct model *model) {
  return USE(mirror_configuration_parse)(model->context, text, strlen(text), "text", NULL, NULL,
                                         &model->report);
}

static void write_file(struct model *model) {
  FILE *file = fopen("test_out_of_memory.json", "w");
  end_transaction(model);
  assert_non_null(file);
  fputs(text, file);
  assert_int_equal(fclose(file), 0);
}

static int32_t load(struct model *model) {
  return USE(mirror_configuration_load)(model->context, "test_out_of_memory.json", NULL, NULL,
                                        &model->report);
}

static int32_t format(struct model *model) {
  char *formatted = NULL;
  uint64_t length;
  const int32_t status =
      USE(mirror_configuration_format)(model->context, &formatted, &length, &model->report);
  USE(mirror_configuration_free)(model->context, formatted);
  return status;
}

static int32_t save(struct model *model) {
  const int32_t status =
      USE(mirror_configuration_save)(model->context, "test_out_of_memory.json", &model->report);
  unlink("test_out_of_memory.json");
  return status;
}
#endif

#if defined(MIRROR_WITH_PCAP) && defined(MIRROR_WITH_JSON)
static int32_t run_once(struct model *model) {
  mirror_stats stats;
  mirror_stats_init(&stats, sizeof stats);
  malloc_is_memory(true);
  const int32_t status =
      USE(mirror_run)(SOURCE_DIR "/examples/samples/table2.json", "eni-03", MIRROR_AUTO,
                      "pcap:" SAMPLE, "pcap:test_out_of_memory.pcap", &stats, &model->report);
  malloc_is_memory(false);
  unlink("test_out_of_memory.pcap");
  return status;
}
#endif

const struct scenario scenarios[] = {
    {"a context", NULL, create_context, false},
    {"checking an instruction set", NULL, check_isas, false},
    {"forcing an instruction set", NULL, force_isa, false},
    {"a transaction", end_transaction, begin, false},
    {"adding a filter", NULL, add_filter, false},
    {"updating a filter", NULL, update_filter, false},
    {"removing a filter", NULL, remove_filter, true},
    {"adding a rule", NULL, add_rule, false},
    {"updating a rule", NULL, update_rule, false},
    {"removing a rule", NULL, remove_rule, false},
    {"adding a source", NULL, add_source, false},
    {"updating a source", NULL, update_source, false},
    {"removing a source", NULL, remove_source, true},
    {"adding a target", NULL, add_target, false},
    {"updating a target", NULL, update_target, false},
    {"removing a target", NULL, remove_target, true},
    {"adding a session", NULL, add_session, false},
    {"updating a session", NULL, update_session, false},
    {"removing a session", NULL, remove_session, true},
    {"connecting VPCs", NULL, connect_vpcs, false},
    {"disconnecting VPCs", are_connected, disconnect_vpcs, true},
    {"clearing the model", NULL, clear, true},
    {"checking changes", stage_much, check, true},
    {"committing changes", stage_much, commit, false},
    {"visiting sessions", NULL, visit_sessions, false},
    {"an explanation", NULL, explain, false},
    {"a memory input", NULL, open_memory_input, false},
    {"a memory output", NULL, open_memory_output, false},
    {"a UDP output", NULL, open_udp, false},
    {"a backend", NULL, register_backend, false},
    {"a tap", NULL, create_tap, false},
    {"a worker", NULL, start_worker, false},
#ifdef MIRROR_WITH_PCAP
    {"reading a capture", NULL, open_capture, false},
    {"writing a capture", NULL, write_capture, false},
#endif
#ifdef MIRROR_WITH_JSON
    {"parsing a configuration", end_transaction, parse, false},
    {"loading a configuration", write_file, load, false},
    {"formatting a configuration", NULL, format, false},
    {"saving a configuration", NULL, save, false},
#endif
#if defined(MIRROR_WITH_PCAP) && defined(MIRROR_WITH_JSON)
    {"a mirror in one call", NULL, run_once, false},
#endif
};
const uint32_t scenario_count = sizeof scenarios / sizeof scenarios[0];
