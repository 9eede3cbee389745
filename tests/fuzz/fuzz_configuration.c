/*
 * Configuration files: a text as it is, or a document by the grammar (document.h), loaded over a
 * model that is there already, with allocations that fail as the input says. What loads is saved,
 * loaded again and saved again without a difference; what is refused has reasons with a place, and
 * changes nothing.
 */
#include "fuzz/document.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#ifdef MIRROR_WITH_JSON
#include <jansson.h>

static const char before[] =
    "{\"traffic_mirror_filters\": [{\"id\": \"f1\", \"ingress_rules\": [{\"priority\": 9,"
    " \"action\": \"reject\", \"ethertype\": \"IPv6\"}]}, {\"id\": \"old\"}],"
    " \"traffic_mirror_sources\": [{\"id\": \"e1\"}, {\"id\": \"e9\"}],"
    " \"traffic_mirror_targets\": [{\"id\": \"t1\", \"address\": \"10.0.0.1\"}],"
    " \"traffic_mirror_sessions\": [{\"id\": \"s9\", \"priority\": 1,"
    "   \"traffic_mirror_filter_id\": \"f1\", \"traffic_mirror_sources\": [\"e1\", \"e9\"],"
    "   \"traffic_mirror_target_id\": \"t1\"}]}";

/* jansson's allocations fail as the library's do. */
static struct fuzz_memory *memory;
static mirror_context_options functions;

static void *allocate(size_t octets) {
  return functions.allocate(memory, octets);
}

static void release(void *block) {
  if (block) functions.release(memory, block);
}

struct errors {
  uint32_t count;
  int32_t first;
};

static void on_error(void *user, const mirror_report *report) {
  struct errors *errors = user;
  if (errors->count++ == 0) errors->first = report->code;
  FUZZ_CHECK(report->code < 0 && report->text[0]);
  FUZZ_CHECK(report->line >= 1 && report->column >= 1);
}

static char *saved(mirror_context *context) {
  char *text = NULL;
  uint64_t length = 0;
  FUZZ_CHECK(mirror_configuration_format(context, &text, &length, NULL) == MIRROR_OK);
  FUZZ_CHECK(strlen(text) == length);
  return text;
}

static void check_same(mirror_context *context, char *a, char *b) {
  FUZZ_CHECK(strcmp(a, b) == 0);
  mirror_configuration_free(context, a);
  mirror_configuration_free(context, b);
}

/* What was saved gives the same model. */
static void check_again(mirror_context *context) {
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  char *first = saved(context);
  FUZZ_CHECK(mirror_configuration_parse(context, first, strlen(first), "again", NULL, NULL,
                                        &report) == MIRROR_OK);
  check_same(context, first, saved(context));
}

static void load(mirror_context *context, const char *text, size_t length, struct fuzz *fuzz) {
  struct errors errors = {0};
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  char *unchanged = saved(context);
  fuzz_memory_draw(memory, fuzz);
  const int32_t status =
      mirror_configuration_parse(context, text, length, "fuzz", on_error, &errors, &report);
  memory->failing = 0;
  if (status == MIRROR_OK) {
    FUZZ_CHECK(errors.count == 0);
    mirror_configuration_free(context, unchanged);
    check_again(context);
    return;
  }
  FUZZ_CHECK(status == report.code && report.text[0]);
  FUZZ_CHECK(errors.count ? errors.first == status && report.errors == errors.count
                          : status == MIRROR_E_NOMEM && memory->failed);
  check_same(context, unchanged, saved(context));
}

static void run(const char *text, size_t length, struct fuzz *fuzz) {
  struct fuzz_memory own = {0};
  mirror_context *context = NULL;
  mirror_context_options_init(&functions, sizeof functions);
  functions.isa = MIRROR_ISA_SCALAR;
  memory = &own;
  fuzz_memory_use(memory, &functions);
  json_set_alloc_funcs(allocate, release);
  FUZZ_CHECK(mirror_context_create(&functions, &context, NULL) == MIRROR_OK);
  FUZZ_CHECK(mirror_configuration_parse(context, before, sizeof before - 1, "before", NULL, NULL,
                                        NULL) == MIRROR_OK);
  load(context, text, length, fuzz);
  mirror_context_destroy(context);
  FUZZ_CHECK(own.blocks == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length) {
  static struct document document;
  struct fuzz fuzz = {octets, length};
  const uint8_t how = fuzz_octet(&fuzz);
  if (how & 1) { /* the text is in front, what fails behind it */
    struct fuzz faults = {octets, how & 2 ? length : 0};
    size_t size;
    const uint8_t *at = fuzz_take(&fuzz, SIZE_MAX, &size);
    char *text = malloc(size + 1);
    if (!text) return 0;
    if (size) memcpy(text, at, size);
    run(text, size, &faults);
    free(text);
  } else {
    document_draw(&document, &fuzz);
    run(document.text, document.length, &fuzz);
  }
  return 0;
}

#else

/* Without JSON there is nothing to read. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length) {
  (void)octets, (void)length;
  return 0;
}

#endif
