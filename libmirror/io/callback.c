/* "callback:": the caller's functions. */
#include "io/io.h"

#include <stddef.h>

struct callback {
  mirror_callback_input input;
  mirror_callback_output output;
};

void mirror_callback_input_init(mirror_callback_input *input, uint32_t size) {
  const mirror_callback_input defaults = {.size = sizeof defaults,
                                          .link_type = MIRROR_LINK_ETHERNET};
  mri_sized_defaults(input, size, &defaults, sizeof defaults);
}

void mirror_callback_output_init(mirror_callback_output *output, uint32_t size) {
  const mirror_callback_output defaults = {.size = sizeof defaults, .layer = MIRROR_LAYER_LINK};
  mri_sized_defaults(output, size, &defaults, sizeof defaults);
}

static int32_t open_input(void *state, const mirror_open *open, mirror_report *report) {
  mirror_callback_input *input = &((struct callback *)state)->input;
  mirror_callback_input_init(input, sizeof *input);
  int32_t status = mri_sized_read(input, sizeof *input, open->argument,
                                  MRI_UP_TO(mirror_callback_input, interrupt), report);
  if (status) return status;
  if (!input->receive || !input->interrupt)
    return mri_fail(report, MIRROR_E_ARGUMENT, "callback input: %s is NULL, expected a function",
                    input->receive ? "interrupt" : "receive");
  return MIRROR_OK;
}

static int32_t receive(void *state, mirror_packet *packets, uint32_t capacity, int64_t timeout_ns,
                       uint32_t *count, mirror_report *report) {
  const mirror_callback_input *input = &((struct callback *)state)->input;
  return input->receive(input->user, packets, capacity, timeout_ns, count, report);
}

static void release(void *state) {
  const mirror_callback_input *input = &((struct callback *)state)->input;
  if (input->release) input->release(input->user);
}

/* Outputs have nothing that waits. */
static void interrupt_receive(void *state) {
  const mirror_callback_input *input = &((struct callback *)state)->input;
  if (input->interrupt) input->interrupt(input->user);
}

static int32_t descriptor(void *state, int32_t *fd) {
  const mirror_callback_input *input = &((struct callback *)state)->input;
  return input->descriptor ? input->descriptor(input->user, fd) : MIRROR_E_UNSUPPORTED;
}

static int32_t link_type(void *state, uint32_t *type) {
  *type = ((struct callback *)state)->input.link_type;
  return MIRROR_OK;
}

static int32_t open_output(void *state, const mirror_open *open, mirror_report *report) {
  mirror_callback_output *output = &((struct callback *)state)->output;
  mirror_callback_output_init(output, sizeof *output);
  int32_t status = mri_sized_read(output, sizeof *output, open->argument,
                                  MRI_UP_TO(mirror_callback_output, send), report);
  if (status) return status;
  if (!output->send)
    return mri_fail(report, MIRROR_E_ARGUMENT,
                    "callback output: send is NULL, expected a function");
  return MIRROR_OK;
}

static uint32_t layer(void *state) {
  return ((struct callback *)state)->output.layer;
}

static int32_t send_copies(void *state, const mirror_copy *copies, uint32_t count,
                           uint32_t *accepted, mirror_report *report) {
  const mirror_callback_output *output = &((struct callback *)state)->output;
  return output->send(output->user, copies, count, accepted, report);
}

static int32_t flush(void *state, mirror_report *report) {
  const mirror_callback_output *output = &((struct callback *)state)->output;
  return output->flush ? output->flush(output->user, report) : MIRROR_OK;
}

static void close_callback(void *state) {
  (void)state;
}

const mirror_backend mri_backend_callback = {
    .size = sizeof mri_backend_callback,
    .abi = MIRROR_BACKEND_ABI,
    .name = "callback",
    .capabilities = MIRROR_CAN_INPUT | MIRROR_CAN_OUTPUT,
    .state_size = sizeof(struct callback),
    .open_input = open_input,
    .receive = receive,
    .release = release,
    .open_output = open_output,
    .layer = layer,
    .send = send_copies,
    .flush = flush,
    .interrupt = interrupt_receive,
    .descriptor = descriptor,
    .link_type = link_type,
    .close = close_callback,
};
