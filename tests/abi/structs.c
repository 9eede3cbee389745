#include "structs.h"

#include "core/sized.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- the model's objects; each call starts with an empty transaction ---- */

static mirror_transaction *emptied(struct model *model) {
  assert_int_equal(mirror_transaction_clear(model->tx, NULL), MIRROR_OK);
  return model->tx;
}

static void fill_filter(struct model *model, void *it) {
  (void)model;
  ((mirror_filter *)it)->id = "f";
}

static int32_t read_filter(struct model *model, void *it) {
  return mirror_filter_add(emptied(model), it, &model->report);
}

static void fill_rule(struct model *model, void *it) {
  mirror_rule *rule = it;
  (void)model;
  rule->direction = MIRROR_INGRESS;
  rule->priority = 1;
  rule->action = MIRROR_ACCEPT;
  rule->ethertype = MIRROR_ETHERTYPE_IPV4;
}

static int32_t read_rule(struct model *model, void *it) {
  emptied(model);
  assert_int_equal(model_filter(model, "f"), MIRROR_OK);
  return mirror_rule_add(model->tx, "f", it, &model->report);
}

static void fill_source(struct model *model, void *it) {
  (void)model;
  ((mirror_source *)it)->id = "x";
}

static int32_t read_source(struct model *model, void *it) {
  return mirror_source_add(emptied(model), it, &model->report);
}

static void fill_target(struct model *model, void *it) {
  mirror_target *target = it;
  (void)model;
  target->id = "t";
  target->address = "10.0.0.9";
}

static int32_t read_target(struct model *model, void *it) {
  return mirror_target_add(emptied(model), it, &model->report);
}

static void fill_session(struct model *model, void *it) {
  static const char *const sources[] = {"x"};
  mirror_session *session = it;
  (void)model;
  session->id = "s";
  session->priority = 1;
  session->filter_id = "f";
  session->target_id = "t";
  session->sources = sources;
  session->source_count = 1;
}

static int32_t read_session(struct model *model, void *it) {
  return mirror_session_add(emptied(model), it, &model->report);
}

static int32_t read_quotas(struct model *model, void *it) {
  return mirror_quotas_set(emptied(model), it, &model->report);
}

static int32_t write_quotas(struct model *model, void *it) {
  return mirror_quotas_get(model->context, it, &model->report);
}

/* ---- contexts, inputs, outputs, taps ---- */

static int32_t read_context_options(struct model *model, void *it) {
  mirror_context *context = NULL;
  int32_t status = mirror_context_create(it, &context, &model->report);
  mirror_context_destroy(context);
  return status;
}

static int32_t open_and_close_input(struct model *model, const char *uri, const void *argument) {
  mirror_input *input = NULL;
  int32_t status = mirror_input_open(model->context, uri, argument, &input, &model->report);
  mirror_input_close(input);
  return status;
}

static int32_t open_and_close_output(struct model *model, const char *uri, const void *argument) {
  mirror_output *output = NULL;
  int32_t status = mirror_output_open(model->context, uri, argument, &output, &model->report);
  mirror_output_close(output);
  return status;
}

static int32_t read_memory_input(struct model *model, void *it) {
  return open_and_close_input(model, "memory:", it);
}

static int32_t read_memory_output(struct model *model, void *it) {
  return open_and_close_output(model, "memory:", it);
}

static int32_t read_pcap_output(struct model *model, void *it) {
  int32_t status = open_and_close_output(model, "pcap:/dev/null", it);
  return status == MIRROR_E_UNSUPPORTED ? MIRROR_OK : status; /* a build without it */
}

static int32_t receive(void *user, mirror_packet *packets, uint32_t capacity, int64_t timeout_ns,
                       uint32_t *count, mirror_report *report) {
  (void)user, (void)packets, (void)capacity, (void)timeout_ns, (void)report;
  *count = 0;
  return MIRROR_E_END;
}

static int32_t take_all(void *user, const mirror_copy *copies, uint32_t count, uint32_t *accepted,
                        mirror_report *report) {
  (void)user, (void)copies, (void)report;
  *accepted = count;
  return MIRROR_OK;
}

static void do_nothing(void *user) {
  (void)user;
}

static void fill_callback_input(struct model *model, void *it) {
  mirror_callback_input *input = it;
  (void)model;
  input->receive = receive;
  input->interrupt = do_nothing;
}

static int32_t read_callback_input(struct model *model, void *it) {
  return open_and_close_input(model, "callback:", it);
}

static void fill_callback_output(struct model *model, void *it) {
  (void)model;
  ((mirror_callback_output *)it)->send = take_all;
}

static int32_t read_callback_output(struct model *model, void *it) {
  return open_and_close_output(model, "callback:", it);
}

static mirror_output *open_output(struct model *model) {
  mirror_callback_output argument;
  mirror_output *output;
  mirror_callback_output_init(&argument, sizeof argument);
  argument.send = take_all;
  assert_int_equal(mirror_output_open(model->context, "callback:", &argument, &output, NULL), 0);
  return output;
}

static int32_t read_tap_options(struct model *model, void *it) {
  mirror_tap_options *options = it;
  mirror_tap *tap = NULL;
  mirror_output *output = open_output(model);
  if (options->size >= MRI_UP_TO(mirror_tap_options, output)) options->output = output;
  int32_t status = mirror_tap_create(model->context, options, &tap, &model->report);
  mirror_tap_destroy(tap);
  mirror_output_close(output);
  return status;
}

static mirror_input *open_empty_input(struct model *model) {
  mirror_callback_input argument;
  mirror_input *input;
  mirror_callback_input_init(&argument, sizeof argument);
  fill_callback_input(model, &argument);
  assert_int_equal(mirror_input_open(model->context, "callback:", &argument, &input, NULL), 0);
  return input;
}

static int32_t read_worker_options(struct model *model, void *it) {
  mirror_worker_options *options = it;
  mirror_worker *worker = NULL;
  mirror_tap_options tap;
  mirror_tap_options_init(&tap, sizeof tap);
  tap.input = open_empty_input(model);
  tap.output = open_output(model);
  mirror_tap *fresh = NULL;
  assert_int_equal(mirror_tap_create(model->context, &tap, &fresh, NULL), MIRROR_OK);
  if (options->size >= MRI_UP_TO(mirror_worker_options, tap)) options->tap = fresh;
  int32_t status = mirror_worker_start(options, &worker, &model->report);
  if (!status) status = mirror_worker_stop(&worker, &model->report);
  mirror_tap_destroy(fresh);
  mirror_output_close(tap.output);
  mirror_input_close(tap.input);
  return status == MIRROR_E_INTERRUPTED ? MIRROR_OK : status;
}

/* ---- backends ---- */

/* The library makes a mirror_open: it must be of this release. */
static int32_t open_input(void *state, const mirror_open *open, mirror_report *report) {
  (void)state, (void)report;
  assert_int_equal(open->size, sizeof *open);
  assert_int_equal(open->reserved, 0);
  assert_string_equal(open->uri, "mine:body");
  assert_string_equal(open->body, "body");
  return MIRROR_OK;
}

static void backend_init(void *it, uint32_t size) {
  mri_sized_init(it, size);
}

static void fill_backend(struct model *model, void *it) {
  mirror_backend *backend = it;
  (void)model;
  backend->abi = MIRROR_BACKEND_ABI;
  backend->name = "mine";
  backend->capabilities = MIRROR_CAN_INPUT;
  backend->open_input = open_input;
  backend->receive = receive;
  backend->interrupt = do_nothing;
  backend->close = do_nothing;
}

static int32_t read_backend(struct model *model, void *it) {
  mirror_context *context;
  assert_int_equal(mirror_context_create(NULL, &context, NULL), MIRROR_OK);
  int32_t status = mirror_backend_register(context, it, &model->report);
  mirror_context_destroy(context);
  return status;
}

static int32_t write_open(struct model *model, void *it) {
  mirror_backend backend = {.size = sizeof backend};
  mirror_input *input;
  (void)it;
  fill_backend(model, &backend);
  assert_int_equal(mirror_backend_register(model->context, &backend, NULL), MIRROR_OK);
  assert_int_equal(mirror_input_open(model->context, "mine:body", NULL, &input, NULL), 0);
  mirror_input_close(input);
  return MIRROR_OK;
}

/* ---- what is told ---- */

static int32_t write_report(struct model *model, void *it) {
  mirror_input *input;
  assert_int_equal(mirror_input_open(model->context, "none:", NULL, &input, it), MIRROR_E_URI);
  return MIRROR_OK;
}

static int32_t write_plan_info(struct model *model, void *it) {
  mirror_plan *plan;
  assert_int_equal(mirror_plan_acquire(model->context, &plan), MIRROR_OK);
  int32_t status = mirror_plan_info_get(plan, it);
  mirror_plan_release(plan);
  return status;
}

static uint32_t handle_of_x1(struct model *model) {
  uint32_t handle;
  assert_int_equal(mirror_source_handle(model->context, "x1", &handle, NULL), MIRROR_OK);
  return handle;
}

static int32_t write_list_info(struct model *model, void *it) {
  mirror_plan *plan;
  assert_int_equal(mirror_plan_acquire(model->context, &plan), MIRROR_OK);
  int32_t status = mirror_plan_list_info(plan, handle_of_x1(model), MIRROR_INGRESS, it);
  mirror_plan_release(plan);
  return status;
}

static int32_t write_step(struct model *model, void *it) {
  static const uint8_t ipv4[34] = {[12] = 8, [14] = 0x45, [17] = 20, [23] = 17};
  const mirror_packet packet = {.data = ipv4,
                                .caplen = sizeof ipv4,
                                .source = handle_of_x1(model),
                                .link_type = MIRROR_LINK_ETHERNET,
                                .direction = MIRROR_INGRESS};
  mirror_plan *plan;
  mirror_explanation *explanation;
  assert_int_equal(mirror_plan_acquire(model->context, &plan), MIRROR_OK);
  assert_int_equal(mirror_plan_explain(plan, &packet, &explanation, NULL), MIRROR_OK);
  int32_t status = mirror_explanation_step(explanation, 0, it);
  mirror_explanation_destroy(explanation);
  mirror_plan_release(plan);
  return status;
}

static int32_t write_stats(struct model *model, void *it) {
  return mirror_source_stats(model->context, "x1", MIRROR_INGRESS, it);
}

/* ---- VXLAN ---- */

static void fill_outer(struct model *model, void *it) {
  mirror_outer *outer = it;
  (void)model;
  outer->layer = MIRROR_LAYER_IP;
  outer->family = 4;
}

static int32_t read_outer(struct model *model, void *it) {
  uint8_t header[MIRROR_HEADER_MAX];
  uint32_t length;
  (void)model;
  return mirror_vxlan_encode(it, NULL, 60, 50000, 0, header, sizeof header, &length);
}

static int32_t write_decapsulated(struct model *model, void *it) {
  static const uint8_t payload[8 + 14] = {8};
  (void)model;
  return mirror_vxlan_decode(MIRROR_LAYER_UDP, 0, payload, sizeof payload, it);
}

/* ---- the table ---- */

#define INIT(name)                                       \
  static void name##_init_any(void *it, uint32_t size) { \
    name##_init(it, size);                               \
  }
INIT(mirror_report)
INIT(mirror_context_options)
INIT(mirror_filter)
INIT(mirror_rule)
INIT(mirror_source)
INIT(mirror_target)
INIT(mirror_session)
INIT(mirror_quotas)
INIT(mirror_memory_input)
INIT(mirror_memory_output)
INIT(mirror_callback_input)
INIT(mirror_callback_output)
INIT(mirror_tap_options)
INIT(mirror_pcap_output)
INIT(mirror_worker_options)
INIT(mirror_plan_info)
INIT(mirror_list_info)
INIT(mirror_step)
INIT(mirror_stats)
INIT(mirror_outer)
INIT(mirror_decapsulated)

#define SIZES(type, first, last) #type, sizeof(type), first, MRI_UP_TO(type, last)

/* name, size of the oldest callers, last member, init, fill, reads, writes */
const struct entry entries[] = {
    {SIZES(mirror_report, 8, text), mirror_report_init_any, NULL, NULL, write_report},
    {SIZES(mirror_context_options, 8, list_memory), mirror_context_options_init_any, NULL,
     read_context_options, NULL},
    {SIZES(mirror_filter, 16, description), mirror_filter_init_any, fill_filter, read_filter, NULL},
    {SIZES(mirror_rule, 24, description), mirror_rule_init_any, fill_rule, read_rule, NULL},
    {SIZES(mirror_source, 16, security_group), mirror_source_init_any, fill_source, read_source,
     NULL},
    {SIZES(mirror_target, 56, vpc_id), mirror_target_init_any, fill_target, read_target, NULL},
    {SIZES(mirror_session, 92, reserved), mirror_session_init_any, fill_session, read_session,
     NULL},
    {SIZES(mirror_quotas, 8, sessions_per_context), mirror_quotas_init_any, NULL, read_quotas,
     write_quotas},
    {SIZES(mirror_memory_input, 24, count), mirror_memory_input_init_any, NULL, read_memory_input,
     NULL},
    {SIZES(mirror_memory_output, 56, count), mirror_memory_output_init_any, NULL,
     read_memory_output, NULL},
    {SIZES(mirror_pcap_output, 8, thread), mirror_pcap_output_init_any, NULL, read_pcap_output,
     NULL},
    {SIZES(mirror_callback_input, 40, descriptor), mirror_callback_input_init_any,
     fill_callback_input, read_callback_input, NULL},
    {SIZES(mirror_callback_output, 24, flush), mirror_callback_output_init_any,
     fill_callback_output, read_callback_output, NULL},
    {SIZES(mirror_tap_options, 32, batch), mirror_tap_options_init_any, NULL, read_tap_options,
     NULL},
    {SIZES(mirror_worker_options, 16, name), mirror_worker_options_init_any, NULL,
     read_worker_options, NULL},
    {SIZES(mirror_backend, 128, send_each), backend_init, fill_backend, read_backend, NULL},
    {SIZES(mirror_open, sizeof(mirror_open), context), NULL, NULL, NULL, write_open},
    {SIZES(mirror_plan_info, 8, memory), mirror_plan_info_init_any, NULL, NULL, write_plan_info},
    {SIZES(mirror_list_info, 8, build_ns), mirror_list_info_init_any, NULL, NULL, write_list_info},
    {SIZES(mirror_step, 12, rule_id), mirror_step_init_any, NULL, NULL, write_step},
    {SIZES(mirror_stats, 24, counters), mirror_stats_init_any, NULL, NULL, write_stats},
    {SIZES(mirror_outer, 64, reserved), mirror_outer_init_any, fill_outer, read_outer, NULL},
    {SIZES(mirror_decapsulated, 24, reserved_bits), mirror_decapsulated_init_any, NULL, NULL,
     write_decapsulated},
};
const uint32_t entry_count = sizeof entries / sizeof *entries;
