/* Opening inputs and outputs by URI, and what is asked of an open one (include/libmirror/io.h). */
#include "io/registry.h"

#include <string.h>

/* Backends that a build may lack. */
static bool left_out(const char *name, size_t length) {
  static const char *const names[] = {
#ifndef MIRROR_WITH_PCAP
      "pcap",     "pcap-live",
#endif
#ifndef MIRROR_WITH_LIBNET
      "libnet",
#endif
#ifndef MIRROR_WITH_NETLINK
      "vxlan",    "xdp",
#endif
#ifndef __linux__
      "afpacket", "udp",
#endif
      "",
  };
  for (size_t i = 0; *names[i]; i++) {
    if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0) return true;
  }
  return false;
}

/* Here, as the backend may be left out. */
void mirror_pcap_output_init(mirror_pcap_output *output, uint32_t size) {
  const mirror_pcap_output defaults = {.size = sizeof defaults};
  mri_sized_defaults(output, size, &defaults, sizeof defaults);
}

static int32_t no_such_backend(const char *uri, size_t length, mirror_report *report) {
  if (left_out(uri, length))
    return mri_fail(report, MIRROR_E_UNSUPPORTED,
                    "\"%s\": this build has no %.*s backend; expected a build with it", uri,
                    (int)length, uri);
  return mri_fail(report, MIRROR_E_URI,
                  "\"%s\": there is no backend \"%.*s\", expected a registered one such as memory",
                  uri, (int)length, uri);
}

static int32_t find_backend(mirror_context *context, const char *uri, uint32_t capability,
                            mirror_backend *backend, mirror_report *report) {
  const char *colon = strchr(uri, ':');
  if (!colon || colon == uri)
    return mri_fail(report, MIRROR_E_URI, "\"%s\" is no URI, expected NAME:BODY such as pcap:FILE",
                    uri);
  size_t length = (size_t)(colon - uri);
  if (!mri_backend_find(context, uri, length, backend)) return no_such_backend(uri, length, report);
  if (!(backend->capabilities & capability))
    return mri_fail(report, MIRROR_E_UNSUPPORTED, "\"%s\": backend \"%s\" has no %s", uri,
                    backend->name, capability == MIRROR_CAN_INPUT ? "input" : "output");
  return MIRROR_OK;
}

typedef int32_t (*open_fn)(void *state, const mirror_open *open, mirror_report *report);

/* Allocates the private state and opens the instance; on failure nothing is left. */
static int32_t open_instance(mirror_context *context, const mirror_backend *backend, open_fn open,
                             const char *uri, const void *argument, void **state,
                             mirror_report *report) {
  void *fresh = mri_zalloc(&context->alloc, 1, backend->state_size);
  if (!fresh) return mri_fail(report, MIRROR_E_NOMEM, "\"%s\": out of memory", uri);
  const mirror_open how = {
      .size = sizeof how,
      .uri = uri,
      .body = strchr(uri, ':') + 1,
      .argument = argument,
      .context = context,
  };
  int32_t status = open(fresh, &how, report);
  if (status)
    mri_free(&context->alloc, fresh);
  else
    *state = fresh;
  return status;
}

static int32_t open_input(mirror_context *context, const char *uri, const void *argument,
                          mirror_input *fresh, mirror_report *report) {
  fresh->context = context;
  int32_t status = find_backend(context, uri, MIRROR_CAN_INPUT, &fresh->backend, report);
  if (status) return status;
  return open_instance(context, &fresh->backend, fresh->backend.open_input, uri, argument,
                       &fresh->state, report);
}

int32_t mirror_input_open(mirror_context *context, const char *uri, const void *argument,
                          mirror_input **input, mirror_report *report) {
  if (!context || !uri || !input)
    return mri_fail(report, MIRROR_E_ARGUMENT, "mirror_input_open: %s is NULL",
                    !context ? "context"
                    : !uri   ? "uri"
                             : "input");
  mirror_input *fresh = mri_zalloc(&context->alloc, 1, sizeof *fresh);
  if (!fresh) return mri_fail(report, MIRROR_E_NOMEM, "\"%s\": out of memory", uri);
  int32_t status = open_input(context, uri, argument, fresh, report);
  if (status) {
    mri_free(&context->alloc, fresh);
    return status;
  }
  mri_context_ref(context);
  *input = fresh;
  return MIRROR_OK;
}

static int32_t ask_layer(mirror_output *fresh, const char *uri, mirror_report *report) {
  fresh->layer = fresh->backend.layer(fresh->state);
  if (fresh->layer >= MIRROR_LAYER_LINK && fresh->layer <= MIRROR_LAYER_INNER) return MIRROR_OK;
  fresh->backend.close(fresh->state);
  mri_free(&fresh->context->alloc, fresh->state);
  return mri_fail(report, MIRROR_E_BACKEND,
                  "\"%s\": backend \"%s\" says its layer is %u, expected a MIRROR_LAYER_ (1-4)",
                  uri, fresh->backend.name, fresh->layer);
}

static int32_t open_output(mirror_context *context, const char *uri, const void *argument,
                           mirror_output *fresh, mirror_report *report) {
  fresh->context = context;
  int32_t status = find_backend(context, uri, MIRROR_CAN_OUTPUT, &fresh->backend, report);
  if (!status)
    status = open_instance(context, &fresh->backend, fresh->backend.open_output, uri, argument,
                           &fresh->state, report);
  return status ? status : ask_layer(fresh, uri, report);
}

int32_t mirror_output_open(mirror_context *context, const char *uri, const void *argument,
                           mirror_output **output, mirror_report *report) {
  if (!context || !uri || !output)
    return mri_fail(report, MIRROR_E_ARGUMENT, "mirror_output_open: %s is NULL",
                    !context ? "context"
                    : !uri   ? "uri"
                             : "output");
  mirror_output *fresh = mri_zalloc(&context->alloc, 1, sizeof *fresh);
  if (!fresh) return mri_fail(report, MIRROR_E_NOMEM, "\"%s\": out of memory", uri);
  int32_t status = open_output(context, uri, argument, fresh, report);
  if (status) {
    mri_free(&context->alloc, fresh);
    return status;
  }
  mri_context_ref(context);
  *output = fresh;
  return MIRROR_OK;
}

void mirror_input_close(mirror_input *input) {
  if (!input) return;
  mirror_context *context = input->context;
  mirror_input_release(input);
  input->backend.close(input->state);
  mri_free(&context->alloc, input->state);
  mri_free(&context->alloc, input);
  mri_context_unref(context);
}

void mirror_output_close(mirror_output *output) {
  if (!output) return;
  mirror_context *context = output->context;
  output->backend.close(output->state);
  mri_free(&context->alloc, output->state);
  mri_free(&context->alloc, output);
  mri_context_unref(context);
}

void mirror_input_interrupt(mirror_input *input) {
  if (input) input->backend.interrupt(input->state);
}

int32_t mirror_input_descriptor(mirror_input *input, int32_t *fd) {
  return input && fd ? input->backend.descriptor(input->state, fd) : MIRROR_E_ARGUMENT;
}

int32_t mirror_input_link_type(mirror_input *input, uint32_t *link_type) {
  return input && link_type ? input->backend.link_type(input->state, link_type) : MIRROR_E_ARGUMENT;
}

int32_t mirror_input_progress(mirror_input *input, uint64_t *done, uint64_t *total) {
  return input && done && total ? input->backend.progress(input->state, done, total)
                                : MIRROR_E_ARGUMENT;
}

int32_t mirror_input_drops(mirror_input *input, uint64_t *packets) {
  return input && packets ? input->backend.drops(input->state, packets) : MIRROR_E_ARGUMENT;
}

int32_t mirror_output_flush(mirror_output *output, mirror_report *report) {
  if (!output) return mri_fail(report, MIRROR_E_ARGUMENT, "mirror_output_flush: output is NULL");
  return output->backend.flush(output->state, report);
}
