/* Octets that touch inaccessible memory: a read or write one octet outside them is a fault. */
#ifndef TESTS_SUPPORT_GUARD_PAGE_H
#define TESTS_SUPPORT_GUARD_PAGE_H

#include <stddef.h>
#include <stdint.h>

struct guard_page;

/* Room for at most `max` octets. Fails the test if there is no memory. */
struct guard_page *guard_page_new(size_t max);
void guard_page_free(struct guard_page *guard);

/*
 * Copies `count` octets so that they end where (start where) the accessible memory ends (starts);
 * valid until the next call. With `bytes` NULL the octets are 0xa5. `count` may be 0.
 */
uint8_t *guard_page_at_end(struct guard_page *guard, const void *bytes, size_t count);
uint8_t *guard_page_at_start(struct guard_page *guard, const void *bytes, size_t count);

#endif
