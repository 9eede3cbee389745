/* Calls that allocate nothing, whatever they are asked: the packet path, counters, names, headers.
 */
#include "memory/scenarios.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t frame[60] = {[12] = 8, [14] = 0x45, [23] = 17};

static mirror_packet packet_of_x1(struct model *model) {
  mirror_packet packet = {
      .data = frame, .caplen = 60, .length = 60, .link_type = 1, .direction = MIRROR_INGRESS};
  fine(mirror_source_handle(model->context, "x1", &packet.source, NULL));
  return packet;
}

/* ---- plans ---- */

static int32_t match(struct model *model) {
  mirror_packet packet = packet_of_x1(model);
  mirror_verdict verdict;
  mirror_plan_info info;
  mirror_list_info list;
  mirror_plan *plan;
  uint32_t first;
  const mirror_key4 key4 = {.protocol = 17};
  const mirror_key6 key6 = {.protocol = 17};
  const mirror_key4 *keys4[] = {&key4};
  const mirror_key6 *keys6[] = {&key6};
  fine(mirror_plan_acquire(model->context, &plan));
  assert_true(USE(mirror_plan_generation)(plan) > 0);
  USE(mirror_plan_info_init)(&info, sizeof info);
  fine(USE(mirror_plan_info_get)(plan, &info));
  USE(mirror_list_info_init)(&list, sizeof list);
  fine(USE(mirror_plan_list_info)(plan, packet.source, MIRROR_INGRESS, &list));
  fine(USE(mirror_plan_match)(plan, &packet, 1, &verdict));
  assert_int_equal(verdict.verdict, MIRROR_MIRRORED);
  fine(USE(mirror_plan_match_keys6)(plan, packet.source, MIRROR_INGRESS, keys6, 1, &first));
  fine(USE(mirror_plan_match_keys4)(plan, packet.source, MIRROR_INGRESS, keys4, 1, &first));
  fine(USE(mirror_plan_match_packets)(plan, packet.source, MIRROR_INGRESS, &packet, 1, &first));
  fine(USE(mirror_plan_rule_verdict)(plan, packet.source, MIRROR_INGRESS, first, &verdict));
  mirror_plan_release(plan);
  return MIRROR_OK;
}

/* ---- visits and counters ---- */

static int32_t see_filter(void *user, const mirror_filter *filter) {
  (void)user;
  return filter->id ? 0 : 1;
}
static int32_t see_rule(void *user, const mirror_rule *rule) {
  (void)user;
  return rule->priority ? 0 : 1;
}
static int32_t see_source(void *user, const mirror_source *source) {
  (void)user;
  return source->id ? 0 : 1;
}
static int32_t see_target(void *user, const mirror_target *target) {
  (void)user;
  return target->id ? 0 : 1;
}
static int32_t see_vpcs(void *user, const char *a, const char *b) {
  (void)user;
  return strcmp(a, b) ? 0 : 1;
}
static int32_t see_backend(void *user, const char *name, uint32_t capabilities) {
  (void)user;
  return name[0] && capabilities ? 0 : 1;
}
static int32_t see_constant(void *user, const char *name, int64_t value) {
  (void)user, (void)value;
  return name[0] == 'M' ? 0 : 1;
}

static int32_t look(struct model *model) {
  mirror_context *context = model->context;
  mirror_quotas quotas;
  mirror_stats stats;
  uint32_t isa;
  fine(USE(mirror_filters_visit)(context, NULL, see_filter, NULL));
  fine(USE(mirror_rules_visit)(context, "f1", see_rule, NULL));
  fine(USE(mirror_sources_visit)(context, NULL, see_source, NULL));
  fine(USE(mirror_targets_visit)(context, NULL, see_target, NULL));
  fine(USE(mirror_vpc_connections_visit)(context, see_vpcs, NULL));
  fine(USE(mirror_backends_visit)(context, see_backend, NULL));
  USE(mirror_quotas_init)(&quotas, sizeof quotas);
  fine(USE(mirror_quotas_get)(context, &quotas, &model->report));
  fine(USE(mirror_quotas_set)(model->tx, &quotas, &model->report));
  fine(USE(mirror_context_isa)(context, &isa));
  USE(mirror_stats_init)(&stats, sizeof stats);
  fine(USE(mirror_source_stats)(context, "x1", MIRROR_INGRESS, &stats));
  fine(USE(mirror_session_stats)(context, "s1", &stats));
  fine(USE(mirror_target_stats)(context, "t1", &stats));
  fine(USE(mirror_rule_stats)(context, "f1", MIRROR_INGRESS, 1, &stats));
  return MIRROR_OK;
}

/* ---- the packet path ---- */

static struct {
  mirror_memory_output memory;
  mirror_memory_copy copies[4];
  uint8_t room[1024];
  mirror_input *input;
  mirror_output *output;
  mirror_tap *tap;
  mirror_packet packet;
} path;

static void open_path(struct model *model) {
  mirror_memory_input in;
  mirror_tap_options options;
  mirror_memory_input_init(&in, sizeof in);
  path.packet = packet_of_x1(model);
  in.packets = &path.packet;
  in.count = 1;
  mirror_memory_output_init(&path.memory, sizeof path.memory);
  path.memory.buffer = path.room;
  path.memory.capacity = sizeof path.room;
  path.memory.copies = path.copies;
  path.memory.capacity_copies = 4;
  fine(mirror_input_open(model->context, "memory:", &in, &path.input, NULL));
  fine(mirror_output_open(model->context, "memory:", &path.memory, &path.output, NULL));
  mirror_tap_options_init(&options, sizeof options);
  options.source_id = "x1";
  options.input = path.input;
  options.output = path.output;
  fine(mirror_tap_create(model->context, &options, &path.tap, NULL));
}

/* Runs the tap to its end and gives everything back. */
static int32_t run_path(struct model *model) {
  mirror_verdict verdict;
  mirror_stats stats;
  uint32_t packets, link;
  uint64_t done, total;
  int32_t fd;
  USE(mirror_tap_interrupt)(path.tap);
  assert_int_equal(USE(mirror_tap_step)(path.tap, 0, &packets, NULL), MIRROR_E_INTERRUPTED);
  fine(USE(mirror_tap_submit)(path.tap, &path.packet, 1, &verdict));
  fine(USE(mirror_tap_run)(path.tap, &model->report));
  fine(USE(mirror_tap_output_status)(path.tap, &model->report));
  mirror_stats_init(&stats, sizeof stats);
  fine(USE(mirror_tap_stats)(path.tap, &stats));
  assert_int_equal(stats.counters[MIRROR_COUNTER_SENT].packets, 2);
  fine(USE(mirror_output_flush)(path.output, NULL));
  fine(USE(mirror_input_link_type)(path.input, &link));
  assert_int_equal(USE(mirror_input_descriptor)(path.input, &fd), MIRROR_E_UNSUPPORTED);
  assert_int_equal(USE(mirror_input_progress)(path.input, &done, &total), MIRROR_E_UNSUPPORTED);
  assert_int_equal(USE(mirror_input_drops)(path.input, &total), MIRROR_E_UNSUPPORTED);
  USE(mirror_input_interrupt)(path.input);
  assert_int_equal(USE(mirror_input_receive)(path.input, &path.packet, 1, 0, &packets, NULL),
                   MIRROR_E_INTERRUPTED);
  USE(mirror_input_release)(path.input);
  mirror_tap_destroy(path.tap);
  mirror_input_close(path.input);
  mirror_output_close(path.output);
  return MIRROR_OK;
}

/* ---- functions of the caller's memory alone ---- */

static int32_t read_packet(struct model *model) {
  const mirror_packet packet = packet_of_x1(model);
  mirror_key key;
  uint32_t why;
  uint16_t port;
  fine(USE(mirror_packet_key)(&packet, &key, &why));
  fine(USE(mirror_packet_source_port)(&packet, &port));
  return MIRROR_OK;
}

static int32_t wrap_and_unwrap(struct model *model) {
  uint8_t datagram[MIRROR_HEADER_MAX + sizeof frame];
  mirror_outer outer;
  mirror_decapsulated out;
  uint32_t length;
  (void)model;
  USE(mirror_outer_init)(&outer, sizeof outer);
  outer.layer = MIRROR_LAYER_IP;
  outer.family = 4;
  assert_int_equal(USE(mirror_vxlan_header_length)(&outer), 36);
  fine(USE(mirror_vxlan_encode)(&outer, frame, sizeof frame, 50000, 1, datagram, MIRROR_HEADER_MAX,
                                &length));
  memcpy(datagram + length, frame, sizeof frame);
  datagram[2] = 0;
  USE(mirror_decapsulated_init)(&out, sizeof out);
  assert_int_equal(
      USE(mirror_vxlan_decode)(MIRROR_LAYER_UDP, 0, datagram + 28, 8 + sizeof frame, &out),
      MIRROR_OK);
  return MIRROR_OK;
}

static int32_t ask_names(struct model *model) {
  int64_t value;
  (void)model;
  assert_non_null(USE(mirror_strerror)(MIRROR_E_VNI));
  assert_string_equal(USE(mirror_status_name)(MIRROR_E_VNI), "MIRROR_E_VNI");
  assert_non_null(USE(mirror_isa_name)(MIRROR_ISA_AUTO));
  assert_non_null(USE(mirror_structure_name)(MIRROR_STRUCTURE_SCAN));
  assert_non_null(USE(mirror_counter_name)(MIRROR_COUNTER_SENT));
  assert_non_null(USE(mirror_verdict_name)(MIRROR_OWN));
  assert_non_null(USE(mirror_drop_reason_name)(MIRROR_DROP_RATE));
  assert_non_null(USE(mirror_unparsable_text)(MIRROR_UNPARSABLE_TAGS));
  assert_non_null(USE(mirror_link_type_name)(MIRROR_LINK_RAW));
  assert_non_null(USE(mirror_version_text)());
  assert_true(USE(mirror_version)() > 0);
  fine(USE(mirror_constant)("MIRROR_VXLAN_PORT", &value));
  assert_int_equal(value, 4789);
  return USE(mirror_constants_visit)(see_constant, NULL);
}

static int32_t init_structs(struct model *model) {
  mirror_callback_input input;
  mirror_callback_output output;
  USE(mirror_report_init)(&model->report, sizeof model->report);
  USE(mirror_callback_input_init)(&input, sizeof input);
  USE(mirror_callback_output_init)(&output, sizeof output);
  assert_int_equal(output.layer, MIRROR_LAYER_LINK);
  return MIRROR_OK;
}

const struct scenario quiet_scenarios[] = {
    {"matching", NULL, match, true},
    {"visits, quotas and counters", NULL, look, true},
    {"the packet path", open_path, run_path, true},
    {"a packet's key", NULL, read_packet, true},
    {"headers", NULL, wrap_and_unwrap, true},
    {"names and constants", NULL, ask_names, true},
    {"init functions", NULL, init_structs, true},
};
const uint32_t quiet_count = sizeof quiet_scenarios / sizeof quiet_scenarios[0];
