/* R6: each call by which a configuration is saved or loaded fails, or moves less than it was asked
 * for. A file that is saved is the new one or the old one, and nothing else is left beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"

#ifdef MIRROR_WITH_JSON
#include <libmirror/libmirror.h>

enum { TEXT = 1 << 16, MODE = 0640, ATTEMPTS = 100, PIECE = 1000 };

static const int errors[] = {EINTR,    EAGAIN,      ENOBUFS,      ENOMEM,       EPERM,
                             ENETDOWN, ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, EMSGSIZE,
                             ENODEV,   EIO,         ENOSPC,       EDQUOT};
enum { ERRORS = sizeof errors / sizeof *errors };

static const char old_text[] = "what was there";
static mirror_context *context;
static mirror_report report;
static char folder[] = "test_faults_configuration.XXXXXX";
static char path[64];
static char *model; /* what a file that was saved holds */
static uint64_t model_length;

/* ---- files ---- */

static void write_file(const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(chmod(path, MODE), 0);
}

static void expect_file(const char *text) {
  static char found[TEXT];
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  found[fread(found, 1, TEXT - 1, file)] = '\0';
  fclose(file);
  assert_string_equal(found, text);
}

static unsigned files(void) {
  unsigned count = 0;
  DIR *entries = opendir(folder);
  assert_non_null(entries);
  for (struct dirent *entry; (entry = readdir(entries));)
    count += entry->d_name[0] != '.';
  closedir(entries);
  return count;
}

static unsigned mode(void) {
  struct stat status;
  assert_int_equal(stat(path, &status), 0);
  return status.st_mode & 0777;
}

static void expect_report(int32_t status, int os_error) {
  assert_int_equal(status, MIRROR_E_OS);
  assert_int_equal(report.code, status);
  assert_int_equal(report.os_error, os_error);
  assert_non_null(strstr(report.text, path));
  assert_non_null(strstr(report.text, strerror(os_error)));
}

/* ---- saving ---- */

/* What begins here ends as it should, whether there is a file already or not. */
static void begin(bool replaces) {
  fault_clear();
  unlink(path);
  if (replaces) write_file(old_text);
}

static void expect_saved(bool replaces) {
  expect_file(model);
  assert_int_equal(files(), 1);
  if (replaces) assert_int_equal(mode(), MODE);
}

static void expect_untouched(bool replaces) {
  assert_int_equal(files(), replaces);
  if (!replaces) return;
  expect_file(old_text);
  assert_int_equal(mode(), MODE);
}

static bool save_fails_at(const char *call, unsigned skip, unsigned times, int os_error,
                          bool replaces) {
  const unsigned before = fault_descriptors();
  begin(replaces);
  fault_set(call, skip, times, os_error);
  fault_short_octets(PIECE);
  int32_t status = mirror_configuration_save(context, path, &report);
  const bool hit = fault_hits() > 0;
  fault_clear();
  assert_int_equal(fault_descriptors(), before);
  if (hit) {
    expect_report(status, os_error);
    expect_untouched(replaces);
  } else {
    assert_int_equal(status, MIRROR_OK);
    expect_saved(replaces);
  }
  assert_int_equal(mirror_configuration_save(context, path, &report), MIRROR_OK);
  expect_saved(replaces);
  return hit;
}

/* The calls of which an interruption is no failure. */
static bool is_tried_again(const char *call) {
  return strcmp(call, "open") == 0 || strcmp(call, "write") == 0 || strcmp(call, "fsync") == 0 ||
         strcmp(call, "close") == 0;
}

static unsigned save_fails(const char *call, unsigned times, int os_error, bool replaces) {
  unsigned sites = 0;
  while (save_fails_at(call, sites, times, os_error, replaces))
    sites++;
  return sites;
}

static void r6_each_call_of_saving(void **state) {
  (void)state;
  const unsigned pieces = (unsigned)((model_length + PIECE - 1) / PIECE);
  const struct {
    const char *call;
    unsigned sites, sites_of_new; /* with a file that is replaced, and without */
  } calls[] = {{"open", 1, 1},  {"stat", 1, 1},  {"fchmod", 1, 0}, {"write", pieces, pieces},
               {"fsync", 1, 1}, {"close", 1, 1}, {"rename", 1, 1}};
  assert_in_range(pieces, 3, 20);
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    for (size_t j = 0; j < ERRORS; j++) {
      if (errors[j] == EINTR && is_tried_again(calls[i].call)) continue;
      for (unsigned times = 1; times; times = times == 1 ? UINT_MAX : 0) {
        assert_int_equal(save_fails(calls[i].call, times, errors[j], true), calls[i].sites);
        assert_int_equal(save_fails(calls[i].call, times, errors[j], false), calls[i].sites_of_new);
      }
    }
  }
}

static void r6_saving_goes_on_after_an_interruption(void **state) {
  (void)state;
  static const char *const calls[] = {"open", "write", "fsync", "close"};
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    assert_true(is_tried_again(calls[i]));
    const unsigned before = fault_descriptors();
    const unsigned times = strcmp(calls[i], "close") == 0 ? 1 : 5; /* there is one descriptor */
    begin(true);
    fault_set(calls[i], 0, times, EINTR);
    fault_short_octets(1);
    assert_int_equal(mirror_configuration_save(context, path, &report), MIRROR_OK);
    assert_int_equal(fault_hits(), times);
    fault_clear();
    assert_int_equal(fault_descriptors(), before);
    expect_saved(true);
  }
}

/* Names that others have are passed over, up to a limit. */
static void r6_names_that_are_taken(void **state) {
  (void)state;
  begin(true);
  fault_set("open", 0, ATTEMPTS - 1, EEXIST);
  assert_int_equal(mirror_configuration_save(context, path, &report), MIRROR_OK);
  assert_int_equal(fault_hits(), ATTEMPTS - 1);
  fault_clear();
  expect_saved(true);
  begin(true);
  fault_set("open", 0, UINT_MAX, EEXIST);
  expect_report(mirror_configuration_save(context, path, &report), EEXIST);
  assert_int_equal(fault_hits(), ATTEMPTS);
  fault_clear();
  expect_untouched(true);
}

/* The first error is told, though the new file cannot be removed either. A folder at the path
 * makes the renaming fail. */
static void r6_what_cannot_be_removed(void **state) {
  (void)state;
  for (size_t i = 0; i < ERRORS; i++) {
    char fresh[sizeof path + 8];
    const unsigned before = fault_descriptors();
    begin(false);
    assert_int_equal(mkdir(path, 0777), 0);
    fault_set("unlink", 0, UINT_MAX, errors[i]);
    expect_report(mirror_configuration_save(context, path, &report), EISDIR);
    assert_int_equal(fault_hits(), 1);
    fault_clear();
    assert_int_equal(fault_descriptors(), before);
    snprintf(fresh, sizeof fresh, "%s.0.tmp", path);
    assert_int_equal(unlink(fresh), 0);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(files(), 0);
  }
}

/* ---- loading ---- */

static void expect_model(void) {
  char *text;
  uint64_t length;
  assert_int_equal(mirror_configuration_format(context, &text, &length, &report), MIRROR_OK);
  assert_string_equal(text, model);
  mirror_configuration_free(context, text);
}

static bool load_fails_at(const char *call, unsigned skip, unsigned times, int os_error) {
  const unsigned before = fault_descriptors();
  fault_set(call, skip, times, os_error);
  fault_short_octets(PIECE);
  int32_t status = mirror_configuration_load(context, path, NULL, NULL, &report);
  const bool hit = fault_hits() > 0;
  fault_clear();
  assert_int_equal(fault_descriptors(), before);
  if (hit)
    expect_report(status, os_error);
  else
    assert_int_equal(status, MIRROR_OK);
  return hit;
}

/* The model stays as it was: the file, which would make it empty, is read by pieces of its blanks.
 * In the end it is loaded. */
static void r6_each_call_of_loading(void **state) {
  (void)state;
  static const char *const calls[] = {"open", "read"};
  char blanks[4 * PIECE] = "";
  memset(blanks, ' ', sizeof blanks - 1);
  memcpy(blanks, "{}", 2);
  for (size_t i = 0; i < 2 * ERRORS * 2; i++) {
    const char *call = calls[i % 2];
    const int os_error = errors[i / 4];
    const unsigned times = i / 2 % 2 ? UINT_MAX : 1;
    unsigned sites = 0;
    if (i % 2 && os_error == EINTR) continue;
    begin(false);
    write_file(model);
    assert_int_equal(mirror_configuration_load(context, path, NULL, NULL, &report), MIRROR_OK);
    write_file(blanks);
    expect_model();
    while (load_fails_at(call, sites, times, os_error)) {
      expect_model();
      sites++;
    }
    assert_int_equal(sites, i % 2 ? 5 : 1); /* the last read finds the end */
  }
  write_file(model);
  assert_int_equal(mirror_configuration_load(context, path, NULL, NULL, &report), MIRROR_OK);
}

static void r6_loading_goes_on_after_an_interruption(void **state) {
  (void)state;
  begin(false);
  write_file(model);
  for (unsigned skip = 0; skip < 3; skip++) {
    fault_set("read", skip, 5, EINTR);
    fault_short_octets(PIECE);
    assert_int_equal(mirror_configuration_load(context, path, NULL, NULL, &report), MIRROR_OK);
    assert_int_equal(fault_hits(), 5);
    fault_clear();
    expect_model();
  }
}

/* What was read is there, so this is no failure. */
static void r6_a_file_that_was_read_cannot_be_closed(void **state) {
  (void)state;
  const unsigned before = fault_descriptors();
  begin(false);
  write_file(model);
  for (size_t i = 0; i < ERRORS; i++) {
    fault_set("close", 0, 1, errors[i]);
    assert_int_equal(mirror_configuration_load(context, path, NULL, NULL, &report), MIRROR_OK);
    assert_int_equal(fault_hits(), 1);
    fault_clear();
    expect_model();
    assert_int_equal(fault_descriptors(), before);
  }
}

/* ---- the scene ---- */

/* A model of which the text takes several writes. */
static int32_t make_model(void) {
  enum { SOURCES = 30 };
  mirror_transaction *change;
  int32_t status = mirror_transaction_begin(context, &change, &report);
  for (int i = 0; i < SOURCES && !status; i++) {
    char id[16];
    mirror_source source;
    mirror_source_init(&source, sizeof source);
    snprintf(id, sizeof id, "source-%d", i);
    source.id = id;
    source.name = id;
    status = mirror_source_add(change, &source, &report);
  }
  if (!status) status = mirror_transaction_commit(change, &report);
  mirror_transaction_destroy(change);
  return status ? status : mirror_configuration_format(context, &model, &model_length, &report);
}

static int set_up(void **state) {
  (void)state;
  mirror_report_init(&report, sizeof report);
  if (!mkdtemp(folder) || mirror_context_create(NULL, &context, NULL)) return -1;
  snprintf(path, sizeof path, "%s/saved.json", folder);
  return make_model();
}

static int tear_down(void **state) {
  (void)state;
  fault_clear();
  mirror_configuration_free(context, model);
  mirror_context_destroy(context);
  unlink(path);
  return rmdir(folder); /* nothing else was left there */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(r6_each_call_of_saving),
      cmocka_unit_test(r6_saving_goes_on_after_an_interruption),
      cmocka_unit_test(r6_names_that_are_taken),
      cmocka_unit_test(r6_what_cannot_be_removed),
      cmocka_unit_test(r6_each_call_of_loading),
      cmocka_unit_test(r6_loading_goes_on_after_an_interruption),
      cmocka_unit_test(r6_a_file_that_was_read_cannot_be_closed),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
#else
int main(void) {
  return 77;
}
#endif
