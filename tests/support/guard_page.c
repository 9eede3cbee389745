#include "support/guard_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

struct guard_page {
  uint8_t *mapping; /* inaccessible page, room, inaccessible page */
  size_t page;
  size_t room;
};

struct guard_page *guard_page_new(size_t max) {
  struct guard_page *guard = malloc(sizeof *guard);
  assert_non_null(guard);
  guard->page = (size_t)sysconf(_SC_PAGESIZE);
  guard->room = (max / guard->page + 1) * guard->page;
  const size_t total = guard->room + 2 * guard->page;
  void *mapping = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(mapping != MAP_FAILED);
  guard->mapping = mapping;
  assert_int_equal(mprotect(guard->mapping + guard->page, guard->room, PROT_READ | PROT_WRITE), 0);
  return guard;
}

void guard_page_free(struct guard_page *guard) {
  assert_int_equal(munmap(guard->mapping, guard->room + 2 * guard->page), 0);
  free(guard);
}

static uint8_t *place(uint8_t *at, const void *bytes, size_t count) {
  if (!bytes) {
    memset(at, 0xa5, count);
  } else if (count > 0) {
    memcpy(at, bytes, count);
  }
  return at;
}

uint8_t *guard_page_at_end(struct guard_page *guard, const void *bytes, size_t count) {
  assert_true(count <= guard->room);
  return place(guard->mapping + guard->page + guard->room - count, bytes, count);
}

uint8_t *guard_page_at_start(struct guard_page *guard, const void *bytes, size_t count) {
  assert_true(count <= guard->room);
  return place(guard->mapping + guard->page, bytes, count);
}
