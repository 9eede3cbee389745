/*
 * URIs of inputs and outputs, and what can be asked of what they open: in a network namespace of
 * its own where nothing is up, and in a folder where no file can be made. The first octets choose a
 * scheme, or none, and which allocation fails.
 */
#include "fuzz/fuzz.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { URI_MAX = 300 };

struct visitor {
  const char *names[32];
  uint32_t count;
};

static int32_t see_backend(void *user, const char *name, uint32_t capabilities) {
  struct visitor *visitor = user;
  (void)capabilities;
  if (visitor->count < sizeof visitor->names / sizeof *visitor->names)
    visitor->names[visitor->count++] = name;
  return 0;
}

/* No interface but an idle loopback, and a folder in which nothing is or can be made. Who is not
 * root, and may make no namespace, can open no interface either. */
static bool isolate(void) {
  char folder[] = "/tmp/fuzz_uri.XXXXXX";
  static int done; /* 1 yes, -1 not possible */
  if (done) return done > 0;
  const bool alone = unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
  done = alone || geteuid() != 0 ? 1 : -1;
  if (done > 0 && (!mkdtemp(folder) || chdir(folder) != 0 || rmdir(folder) != 0)) done = -1;
  return done > 0;
}

static size_t draw_uri(struct fuzz *fuzz, const struct visitor *visitor, char uri[URI_MAX]) {
  const uint8_t how = fuzz_octet(fuzz);
  size_t length = 0, taken;
  if (how < visitor->count) length = (size_t)snprintf(uri, URI_MAX, "%s:", visitor->names[how]);
  const uint8_t *at = fuzz_take(fuzz, URI_MAX - 1 - length, &taken);
  if (taken) memcpy(uri + length, at, taken);
  uri[length + taken] = '\0';
  return length + taken;
}

/* Files outside are not to be read for ever, or written; "-" is the fuzzer's own. */
static bool leads_outside(const char *uri) {
  const char *body = strchr(uri, ':');
  return body && (strchr(body, '/') || strcmp(body + 1, "-") == 0);
}

static void check_report(int32_t status, const mirror_report *report) {
  if (status == MIRROR_OK) return;
  FUZZ_CHECK(status < 0 && report->code == status);
  FUZZ_CHECK(report->text[0] && memchr(report->text, 0, sizeof report->text));
}

static void use_input(mirror_input *input) {
  mirror_packet packets[4];
  uint32_t count, link;
  uint64_t number, total;
  int32_t fd;
  mirror_input_descriptor(input, &fd);
  mirror_input_link_type(input, &link);
  mirror_input_progress(input, &number, &total);
  mirror_input_drops(input, &number);
  mirror_input_interrupt(input);
  for (uint32_t i = 0; i < 3; i++) {
    const int32_t status = mirror_input_receive(input, packets, 4, 0, &count, NULL);
    FUZZ_CHECK((status == MIRROR_OK) == (count > 0));
    mirror_input_release(input);
  }
  mirror_input_close(input);
}

static void try_uri(mirror_context *context, const char *uri, const void *in, const void *out) {
  mirror_report report;
  mirror_input *input = NULL;
  mirror_output *output = NULL;
  mirror_report_init(&report, sizeof report);
  int32_t status = mirror_input_open(context, uri, in, &input, &report);
  check_report(status, &report);
  if (status == MIRROR_OK) use_input(input);
  mirror_report_init(&report, sizeof report);
  status = mirror_output_open(context, uri, out, &output, &report);
  check_report(status, &report);
  if (status == MIRROR_OK) mirror_output_flush(output, NULL);
  mirror_output_close(output);
}

static void run(struct fuzz *fuzz) {
  struct fuzz_memory memory = {0};
  struct visitor visitor = {.count = 0};
  mirror_context_options options;
  mirror_context *context = NULL;
  mirror_memory_input in;
  mirror_memory_output out;
  char uri[URI_MAX];
  mirror_context_options_init(&options, sizeof options);
  options.isa = MIRROR_ISA_SCALAR;
  fuzz_memory_use(&memory, &options);
  FUZZ_CHECK(mirror_context_create(&options, &context, NULL) == MIRROR_OK);
  mirror_backends_visit(context, see_backend, &visitor);
  mirror_memory_input_init(&in, sizeof in);
  mirror_memory_output_init(&out, sizeof out);
  fuzz_memory_draw(&memory, fuzz);
  draw_uri(fuzz, &visitor, uri);
  const bool has_argument = strncmp(uri, "memory:", 7) == 0;
  if (!leads_outside(uri))
    try_uri(context, uri, has_argument ? &in : NULL, has_argument ? &out : NULL);
  memory.failing = 0;
  mirror_context_destroy(context);
  FUZZ_CHECK(memory.blocks == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length) {
  struct fuzz fuzz = {octets, length};
  if (isolate()) run(&fuzz);
  return 0;
}
