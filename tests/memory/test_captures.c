/*
 * Damaged captures ask for no memory that they do not fill (R13): whatever the lengths in a file
 * say, no allocation is larger than the file and a constant. malloc and its like are those of this
 * program, so that what libpcap asks for is seen as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if defined(MIRROR_WITH_PCAP) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#include <libmirror/libmirror.h>
#include <unistd.h>

enum { CONSTANT = 18 << 20 }; /* octets: libpcap takes 16 MiB at most for a pcapng block, unread */

void *__libc_malloc(size_t octets);
void *__libc_calloc(size_t count, size_t octets);
void *__libc_realloc(void *block, size_t octets);

static size_t largest, sum; /* since the last reset */

static void see(size_t octets) {
  if (octets > largest) largest = octets;
  sum += octets;
}

void *malloc(size_t octets) {
  see(octets);
  return __libc_malloc(octets);
}

void *calloc(size_t count, size_t octets) {
  see(count * octets);
  return __libc_calloc(count, octets);
}

void *realloc(void *block, size_t octets) {
  see(octets);
  return __libc_realloc(block, octets);
}

/* Two numbers of 16 bits in a word of the machine's byte order. */
static uint32_t pair(uint32_t first, uint32_t second) {
  return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? first << 16 | second : second << 16 | first;
}

static char path[] = "test_captures.XXXXXX";

/* Reads to the end; returns the status there, and the packets in front of it. */
static int32_t read_all(const uint8_t *octets, size_t length, uint32_t *packets) {
  mirror_packet batch[8];
  mirror_context *context;
  mirror_input *input;
  uint32_t count;
  char uri[64];
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(octets, 1, length, file), length);
  fclose(file);
  snprintf(uri, sizeof uri, "pcap:%s", path);
  assert_int_equal(mirror_context_create(NULL, &context, NULL), MIRROR_OK);
  largest = sum = 0;
  int32_t status = mirror_input_open(context, uri, NULL, &input, NULL);
  *packets = 0;
  while (status == MIRROR_OK) {
    status = mirror_input_receive(input, batch, 8, -1, &count, NULL);
    *packets += count;
    mirror_input_release(input);
    if (status) mirror_input_close(input);
  }
  mirror_context_destroy(context);
  return status;
}

static void check_memory(const char *what, size_t length) {
  if (largest > length + CONSTANT)
    fail_msg("%s: %zu octets at once for a file of %zu", what, largest, length);
  if (sum > 2 * (length + CONSTANT))
    fail_msg("%s: %zu octets in all for a file of %zu", what, sum, length);
}

/* A whole record, and one whose captured length is a lie. */
static void r13_records_that_lie(void **state) {
  static const uint32_t lies[] = {61,      65536,   262144,     262145,
                                  1 << 24, 1 << 30, 0x7fffffff, UINT32_MAX};
  (void)state;
  for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
    const uint32_t header[6] = {0xa1b2c3d4, pair(2, 4), 0, 0, UINT32_MAX, 1};
    const uint32_t records[2][4] = {{1, 0, 60, 60}, {2, 0, lies[i], lies[i]}};
    uint8_t file[24 + 2 * (16 + 60)] = {0};
    uint32_t packets;
    memcpy(file, header, 24);
    memcpy(file + 24, records[0], 16);
    memcpy(file + 24 + 76, records[1], 16);
    assert_int_equal(read_all(file, sizeof file, &packets), MIRROR_E_DAMAGED);
    assert_int_equal(packets, 1);
    check_memory("a record", sizeof file);
  }
}

/* A section, an interface, a packet, and a block whose length is a lie. */
static void r13_blocks_that_lie(void **state) {
  static const uint32_t lies[] = {96, 65536, 1 << 20, 1 << 24, 1 << 30, 0x7ffffffc, 0xfffffffc};
  (void)state;
  for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
    const uint32_t blocks[] = {0x0a0d0d0a,
                               28,
                               0x1a2b3c4d,
                               pair(1, 0),
                               UINT32_MAX,
                               UINT32_MAX,
                               28, /* section */
                               1,
                               20,
                               pair(1, 0),
                               0,
                               20, /* interface */
                               6,
                               36,
                               0,
                               0,
                               0,
                               4,
                               4,
                               0,
                               36, /* packet */
                               6,
                               lies[i],
                               0,
                               0,
                               0,
                               lies[i] - 32,
                               lies[i] - 32,
                               0};
    uint32_t packets;
    const int32_t status = read_all((const uint8_t *)blocks, sizeof blocks, &packets);
    assert_int_equal(status, MIRROR_E_DAMAGED);
    assert_int_equal(packets, 1);
    check_memory("a block", sizeof blocks);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(r13_records_that_lie),
      cmocka_unit_test(r13_blocks_that_lie),
  };
  const int fd = mkstemp(path);
  if (fd < 0) return 1;
  close(fd);
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  unlink(path);
  return failed;
}

#else

int main(void) {
  return 77;
}

#endif
