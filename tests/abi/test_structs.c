/* Structs that begin with their size: callers of older and of newer releases (ABI rules). */
#include "structs.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TAIL = 16 }; /* octets that a newer caller has and this library does not know */

/* In a block of exactly this size: AddressSanitizer sees an access behind it. */
static void *caller_of(struct model *model, const struct entry *entry, uint32_t size) {
  void *it = malloc(size);
  assert_non_null(it);
  entry->init(it, size);
  if (entry->fill) entry->fill(model, it);
  return it;
}

static uint32_t size_of(const void *it) {
  uint32_t size;
  memcpy(&size, it, sizeof size);
  return size;
}

static void assert_init_of_size(const struct entry *entry, const uint8_t *whole, uint32_t size) {
  uint8_t *it = malloc(size + !size);
  assert_non_null(it);
  memset(it, 0xa5, size + !size);
  entry->init(it, size);
  if (size < sizeof size) {
    for (uint32_t i = 0; i < size; i++)
      assert_int_equal(it[i], 0xa5);
  } else {
    assert_int_equal(size_of(it), size);
    for (uint32_t i = sizeof size; i < size; i++)
      assert_int_equal(it[i], i < entry->size ? whole[i] : 0);
  }
  free(it);
}

static void test_init_of_every_size(void **state) {
  (void)state;
  for (uint32_t i = 0; i < entry_count; i++) {
    const struct entry *entry = &entries[i];
    if (!entry->init) continue;
    uint8_t *whole = malloc(entry->size);
    assert_non_null(whole);
    entry->init(whole, entry->size);
    for (uint32_t size = 0; size <= entry->size + TAIL; size++)
      assert_init_of_size(entry, whole, size);
    free(whole);
  }
}

/* A struct of `size` octets gives `status`. */
static void assert_call(struct model *model, const struct entry *entry,
                        int32_t (*call)(struct model *, void *), uint32_t size, int32_t status) {
  void *it = caller_of(model, entry, size);
  int32_t found = call(model, it);
  if (found != status)
    fail_msg("%s of %u octets: %s, expected %s: %s", entry->name, size, mirror_status_name(found),
             mirror_status_name(status), model->report.text);
  assert_int_equal(size_of(it), size);
  free(it);
}

static void test_older_callers(void **state) {
  struct model *model = *state;
  model_base(model);
  for (uint32_t i = 0; i < entry_count; i++) {
    const struct entry *entry = &entries[i];
    assert_true(entry->first <= entry->size);
    int32_t (*const calls[])(struct model *, void *) = {entry->reads, entry->writes};
    for (size_t k = 0; k < 2 && entry->init; k++) {
      if (!calls[k]) continue;
      assert_call(model, entry, calls[k], entry->size, MIRROR_OK);
      assert_call(model, entry, calls[k], entry->first, MIRROR_OK);
    }
  }
}

/* Smaller than what the oldest callers had: refused, and nothing behind the size is read. */
static void test_nonsense_sizes(void **state) {
  struct model *model = *state;
  model_base(model);
  for (uint32_t i = 0; i < entry_count; i++) {
    const struct entry *entry = &entries[i];
    int32_t (*const calls[])(struct model *, void *) = {entry->reads, entry->writes};
    for (size_t k = 0; k < 2 && entry->init && strcmp(entry->name, "mirror_report"); k++) {
      for (uint32_t size = 0; calls[k] && size < entry->first; size += sizeof size) {
        uint32_t *it = malloc(size + sizeof *it);
        assert_non_null(it);
        memset(it, 0xa5, size + sizeof *it);
        *it = size;
        assert_int_equal(calls[k](model, it), MIRROR_E_STRUCT_SIZE);
        free(it);
      }
    }
  }
}

/* A size that would cut a pointer in two is refused, whatever the octets in front of it say. */
static void test_sizes_inside_a_member(void **state) {
  struct model *model = *state;
  model_base(model);
  for (uint32_t i = 0; i < entry_count; i++) {
    const struct entry *entry = &entries[i];
    for (uint32_t size = entry->first + 1; entry->reads && size < entry->size; size++) {
      if (size % sizeof(uint32_t)) /* no member is shorter, or ends there */
        assert_call(model, entry, entry->reads, size, MIRROR_E_STRUCT_SIZE);
    }
  }
}

static void test_newer_callers_that_set_nothing_new(void **state) {
  struct model *model = *state;
  model_base(model);
  for (uint32_t i = 0; i < entry_count; i++) {
    const struct entry *entry = &entries[i];
    if (entry->reads) assert_call(model, entry, entry->reads, entry->size + TAIL, MIRROR_OK);
  }
}

static void test_newer_callers_that_set_something_new(void **state) {
  struct model *model = *state;
  model_base(model);
  for (uint32_t i = 0; i < entry_count; i++) {
    const struct entry *entry = &entries[i];
    for (uint32_t at = 0; entry->reads && at < TAIL; at++) {
      uint8_t *it = caller_of(model, entry, entry->size + TAIL);
      it[entry->size + at] = 1;
      assert_int_equal(entry->reads(model, it), MIRROR_E_STRUCT_SIZE);
      free(it);
    }
  }
}

/* What this library does not know is zero in what it tells newer callers. */
static void test_newer_callers_are_told_zeros(void **state) {
  struct model *model = *state;
  model_base(model);
  for (uint32_t i = 0; i < entry_count; i++) {
    const struct entry *entry = &entries[i];
    if (!entry->writes || !entry->init) continue;
    uint8_t *it = caller_of(model, entry, entry->size + TAIL);
    memset(it + entry->size, 0xa5, TAIL);
    assert_int_equal(entry->writes(model, it), MIRROR_OK);
    for (uint32_t at = 0; at < TAIL; at++)
      assert_int_equal(it[entry->size + at], 0);
    free(it);
  }
}

/* The fields that an older caller lacks have the values of the init function. */
static int32_t look_at_rule(void *user, const mirror_rule *rule) {
  (void)user;
  assert_int_equal(rule->source_port_last, 65535);
  assert_int_equal(rule->destination_port_last, 65535);
  assert_null(rule->source_cidr);
  assert_null(rule->description);
  return 1;
}

static void test_older_callers_get_defaults(void **state) {
  struct model *model = *state;
  const mirror_rule whole = model_rule_of(MIRROR_EGRESS, 7);
  const uint32_t older = offsetof(mirror_rule, source_port_first);
  void *rule = malloc(older);
  assert_non_null(rule);
  memcpy(rule, &whole, older);
  memcpy(rule, &older, sizeof older); /* the size member */
  assert_int_equal(model_filter(model, "f"), MIRROR_OK);
  assert_int_equal(mirror_rule_add(model->tx, "f", rule, &model->report), MIRROR_OK);
  free(rule);
  assert_int_equal(model_commit(model), MIRROR_OK);
  assert_int_equal(mirror_rules_visit(model->context, "f", look_at_rule, NULL), 1);
}

static void test_structs_that_the_library_makes(void **state) {
  struct model *model = *state;
  for (uint32_t i = 0; i < entry_count; i++) {
    if (!entries[i].init) assert_int_equal(entries[i].writes(model, NULL), MIRROR_OK);
  }
}

static void test_no_hidden_padding(void **state) {
  (void)state;
  for (uint32_t i = 0; i < entry_count; i++) {
    if (entries[i].end != entries[i].size)
      fail_msg("%s: %u octets, but its last member ends at %u", entries[i].name, entries[i].size,
               entries[i].end);
  }
}

static bool has_entry(const char *name, size_t length) {
  for (uint32_t i = 0; i < entry_count; i++) {
    if (strlen(entries[i].name) == length && !strncmp(entries[i].name, name, length)) return true;
  }
  return false;
}

/* Looks for "typedef struct NAME {\n  uint32_t size;" and returns how many there are. */
static uint32_t check_header(const char *path) {
  static char text[1 << 17];
  const char *const opening = "typedef struct ", *const member = " {\n  uint32_t size;";
  uint32_t found = 0;
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  assert_true(feof(file));
  fclose(file);
  for (const char *at = text; (at = strstr(at, opening)) != NULL;) {
    at += strlen(opening);
    size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (strncmp(at + length, member, strlen(member))) continue;
    if (!has_entry(at, length))
      fail_msg("%.*s of %s has no entry in tests/abi/structs.c", (int)length, at, path);
    found++;
  }
  return found;
}

static uint32_t check_folder(const char *folder) {
  char path[4096];
  uint32_t found = 0;
  DIR *files = opendir(folder);
  assert_non_null(files);
  for (const struct dirent *file; (file = readdir(files)) != NULL;) {
    size_t length = strlen(file->d_name);
    if (length < 2 || strcmp(file->d_name + length - 2, ".h")) continue;
    snprintf(path, sizeof path, "%s/%s", folder, file->d_name);
    found += check_header(path);
  }
  closedir(files);
  return found;
}

static void test_every_struct_is_here(void **state) {
  (void)state;
  uint32_t found = check_folder(SOURCE_DIR "/include/libmirror") +
                   check_folder(SOURCE_DIR "/include/libmirror/ext");
  assert_int_equal(found, entry_count);
}

#define WITH_MODEL(test) cmocka_unit_test_setup_teardown(test, model_setup, model_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_init_of_every_size),
      WITH_MODEL(test_older_callers),
      WITH_MODEL(test_nonsense_sizes),
      WITH_MODEL(test_sizes_inside_a_member),
      WITH_MODEL(test_newer_callers_that_set_nothing_new),
      WITH_MODEL(test_newer_callers_that_set_something_new),
      WITH_MODEL(test_newer_callers_are_told_zeros),
      WITH_MODEL(test_older_callers_get_defaults),
      WITH_MODEL(test_structs_that_the_library_makes),
      cmocka_unit_test(test_no_hidden_padding),
      cmocka_unit_test(test_every_struct_is_here),
  };
  if (sizeof(void *) != 8) return 77; /* the sizes in the table are of such machines */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
