/* The pcap backend: plain records, which are taken in place, beside those that libpcap reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#ifdef MIRROR_WITH_PCAP
#include "io/io.h"

#define MICROSECONDS 0xa1b2c3d4u
#define PATCHED 0xa1b2cd34u /* eight more octets in each record's header */
#define SECOND INT64_C(1000000000)

enum { LONGEST = 1 << 18, CAPTURE_MAX = 3 << 20 };

static mirror_context *context;
static mirror_report report;
static char path[] = "test_io_pcap_records.XXXXXX";
static char uri[64];
static uint8_t capture[CAPTURE_MAX];
static size_t length;
static bool swapped;

static void put16(uint16_t value) {
  if (swapped) value = __builtin_bswap16(value);
  memcpy(capture + length, &value, 2);
  length += 2;
}

static void put32(uint32_t value) {
  if (swapped) value = __builtin_bswap32(value);
  memcpy(capture + length, &value, 4);
  length += 4;
}

static void put_header(uint32_t magic, uint16_t minor) {
  length = 0;
  put32(magic);
  put16(2);
  put16(minor);
  for (int i = 0; i < 3; i++)
    put32(0);
  put32(1);
}

static void put_record(uint32_t seconds, uint32_t first_length, uint32_t second_length,
                       uint32_t octets) {
  put32(seconds);
  put32(5);
  put32(first_length);
  put32(second_length);
  memset(capture + length, (int)octets, octets);
  length += octets;
}

static mirror_input *open_capture(void) {
  mirror_input *input;
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(capture, 1, length, file), length);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(mirror_input_open(context, uri, NULL, &input, &report), MIRROR_OK);
  return input;
}

static int32_t receive_one(mirror_input *input, mirror_packet *packet) {
  uint32_t count;
  return input->backend.receive(input->state, packet, 1, 0, &count, &report);
}

static void expect(mirror_input *input, uint32_t seconds, uint32_t caplen) {
  mirror_packet packet;
  assert_int_equal(receive_one(input, &packet), MIRROR_OK);
  assert_int_equal(packet.caplen, caplen);
  assert_int_equal(packet.time_ns, seconds * SECOND + 5000);
  assert_int_equal(packet.data[0], (uint8_t)caplen);
  assert_int_equal(packet.data[caplen - 1], (uint8_t)caplen);
}

/* Of all lengths, so that a read ends in every part of a record. */
static void f5_records_across_reads(void **state) {
  (void)state;
  enum { RECORDS = 2000 };
  for (int order = 0; order < 2; order++) {
    swapped = order;
    put_header(MICROSECONDS, 4);
    for (uint32_t i = 1; i <= RECORDS; i++)
      put_record(i, i % 1999 + 1, 2000, i % 1999 + 1);
    mirror_input *input = open_capture();
    mirror_packet packets[256];
    uint32_t count, n = 0;
    while (input->backend.receive(input->state, packets, 256, 0, &count, &report) == MIRROR_OK)
      for (uint32_t i = 0; i < count; i++) {
        const uint32_t expected = ++n % 1999 + 1;
        assert_int_equal(packets[i].caplen, expected);
        assert_int_equal(packets[i].data[0], (uint8_t)expected);
        assert_int_equal(packets[i].data[expected - 1], (uint8_t)expected);
        assert_int_equal(packets[i].time_ns, n * SECOND + 5000);
      }
    assert_int_equal(n, RECORDS);
    mirror_input_close(input);
  }
}

static void f5_the_longest_record(void **state) {
  (void)state;
  mirror_packet packet;
  for (int order = 0; order < 2; order++) {
    swapped = order;
    put_header(MICROSECONDS, 4);
    put_record(1, 60, 60, 60);
    for (uint32_t i = 0; i < 5; i++)
      put_record(2 + i, LONGEST - i, LONGEST, LONGEST - i);
    const size_t damage = length;
    put_record(9, LONGEST + 1, LONGEST + 1, LONGEST + 1);
    mirror_input *input = open_capture();
    expect(input, 1, 60);
    for (uint32_t i = 0; i < 5; i++)
      expect(input, 2 + i, LONGEST - i);
    for (int again = 0; again < 2; again++) {
      assert_int_equal(receive_one(input, &packet), MIRROR_E_DAMAGED);
      assert_int_equal(report.offset, damage);
    }
    mirror_input_close(input);
  }
}

/* Seconds are unsigned: of the years from 2038 on, too. */
static void f5_late_seconds(void **state) {
  (void)state;
  for (int order = 0; order < 2; order++)
    for (int patched = 0; patched < 2; patched++) {
      swapped = order;
      put_header(patched ? PATCHED : MICROSECONDS, 4);
      put_record(UINT32_MAX, 60, 60, patched ? 8 : 60);
      for (int i = 0; patched && i < 60; i++)
        capture[length++] = 60;
      mirror_input *input = open_capture();
      expect(input, UINT32_MAX, 60);
      mirror_input_close(input);
    }
}

/* Before version 2.3 the lengths stood the other way round; in 2.3 nobody knows. */
static void f5_old_versions(void **state) {
  (void)state;
  for (int order = 0; order < 2; order++)
    for (uint16_t minor = 2; minor < 5; minor++) {
      swapped = order;
      put_header(MICROSECONDS, minor);
      for (uint32_t i = 0; i < 3; i++)
        put_record(i, minor == 2 ? 1500 : 60 + i, minor == 2 ? 60 + i : 1500, 60 + i);
      mirror_input *input = open_capture();
      for (uint32_t i = 0; i < 3; i++)
        expect(input, i, 60 + i);
      mirror_packet packet;
      assert_int_equal(receive_one(input, &packet), MIRROR_E_END);
      mirror_input_close(input);
    }
}

static int make_path(void **state) {
  (void)state;
  int fd = mkstemp(path);
  if (fd < 0) return -1;
  snprintf(uri, sizeof uri, "pcap:%s", path);
  close(fd);
  mirror_report_init(&report, sizeof report);
  return mirror_context_create(NULL, &context, NULL);
}

static int remove_path(void **state) {
  (void)state;
  mirror_context_destroy(context);
  return unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(f5_records_across_reads),
      cmocka_unit_test(f5_the_longest_record),
      cmocka_unit_test(f5_late_seconds),
      cmocka_unit_test(f5_old_versions),
  };
  return cmocka_run_group_tests(tests, make_path, remove_path);
}
#else
int main(void) {
  return 77;
}
#endif
