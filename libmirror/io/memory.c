/* "memory:": packets from and copies to the caller's memory, for tests and embedders. */
#include "io/io.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

struct memory {
  mirror_memory_input input;
  uint64_t next;                /* packet */
  mirror_memory_output *output; /* the caller's */
  atomic_bool interrupted;
};

void mirror_memory_input_init(mirror_memory_input *input, uint32_t size) {
  const mirror_memory_input defaults = {.size = sizeof defaults, .link_type = MIRROR_LINK_ETHERNET};
  mri_sized_defaults(input, size, &defaults, sizeof defaults);
}

void mirror_memory_output_init(mirror_memory_output *output, uint32_t size) {
  const mirror_memory_output defaults = {.size = sizeof defaults, .layer = MIRROR_LAYER_LINK};
  mri_sized_defaults(output, size, &defaults, sizeof defaults);
}

static int32_t open_input(void *state, const mirror_open *open, mirror_report *report) {
  struct memory *memory = state;
  mirror_memory_input_init(&memory->input, sizeof memory->input);
  int32_t status = mri_sized_read(&memory->input, sizeof memory->input, open->argument,
                                  sizeof memory->input, report);
  if (status) return status;
  if (memory->input.count && !memory->input.packets)
    return mri_fail(report, MIRROR_E_ARGUMENT,
                    "memory input: packets is NULL, expected %llu of them",
                    (unsigned long long)memory->input.count);
  return MIRROR_OK;
}

static int32_t receive(void *state, mirror_packet *packets, uint32_t capacity, int64_t timeout_ns,
                       uint32_t *count, mirror_report *report) {
  (void)timeout_ns, (void)report;
  struct memory *memory = state;
  *count = 0;
  if (atomic_exchange(&memory->interrupted, false)) return MIRROR_E_INTERRUPTED;
  uint64_t left = memory->input.count - memory->next;
  if (left == 0) return MIRROR_E_END;
  *count = left < capacity ? (uint32_t)left : capacity;
  memcpy(packets, memory->input.packets + memory->next, *count * sizeof *packets);
  memory->next += *count;
  return MIRROR_OK;
}

static void interrupt_receive(void *state) {
  atomic_store(&((struct memory *)state)->interrupted, true);
}

static int32_t link_type(void *state, uint32_t *type) {
  *type = ((struct memory *)state)->input.link_type;
  return MIRROR_OK;
}

/* The struct stays the caller's, so it is not read into one of ours: it must be of this release. */
static int32_t open_output(void *state, const mirror_open *open, mirror_report *report) {
  mirror_memory_output own = {.size = sizeof own};
  int32_t status = mri_sized_read(&own, sizeof own, open->argument, sizeof own, report);
  if (status) return status;
  if ((own.capacity && !own.buffer) || (own.capacity_copies && !own.copies))
    return mri_fail(report, MIRROR_E_ARGUMENT, "memory output: %s is NULL, expected memory",
                    own.capacity && !own.buffer ? "buffer" : "copies");
  ((struct memory *)state)->output = (mirror_memory_output *)open->argument;
  return MIRROR_OK;
}

static uint32_t layer(void *state) {
  return ((struct memory *)state)->output->layer;
}

static int32_t store(mirror_memory_output *output, const mirror_copy *copy, mirror_report *report) {
  uint64_t length = (uint64_t)copy->head_length + copy->body_length;
  if (output->used > output->capacity || length > output->capacity - output->used)
    return mri_fail(report, MIRROR_E_NO_BUFFER,
                    "memory output: a copy of %llu octets found %llu of %llu octets in use",
                    (unsigned long long)length, (unsigned long long)output->used,
                    (unsigned long long)output->capacity);
  if (output->count >= output->capacity_copies)
    return mri_fail(report, MIRROR_E_NO_BUFFER,
                    "memory output: there is room for %llu copies, expected more",
                    (unsigned long long)output->capacity_copies);
  uint8_t *to = output->buffer + output->used;
  memcpy(to, copy->head, copy->head_length);
  if (copy->body_length) memcpy(to + copy->head_length, copy->body, copy->body_length);
  output->copies[output->count++] = (mirror_memory_copy){
      .offset = output->used,
      .length = (uint32_t)length,
      .source_port = copy->source_port,
      .time_ns = copy->time_ns,
  };
  output->used += length;
  return MIRROR_OK;
}

static int32_t send_copies(void *state, const mirror_copy *copies, uint32_t count,
                           uint32_t *accepted, mirror_report *report) {
  int32_t status = MIRROR_OK;
  for (*accepted = 0; *accepted < count; ++*accepted) {
    status = store(((struct memory *)state)->output, &copies[*accepted], report);
    if (status) break;
  }
  return status;
}

static void close_memory(void *state) {
  (void)state;
}

const mirror_backend mri_backend_memory = {
    .size = sizeof mri_backend_memory,
    .abi = MIRROR_BACKEND_ABI,
    .name = "memory",
    .capabilities = MIRROR_CAN_INPUT | MIRROR_CAN_OUTPUT,
    .state_size = sizeof(struct memory),
    .open_input = open_input,
    .receive = receive,
    .open_output = open_output,
    .layer = layer,
    .send = send_copies,
    .interrupt = interrupt_receive,
    .link_type = link_type,
    .close = close_memory,
};
