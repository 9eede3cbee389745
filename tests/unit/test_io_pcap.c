/* The pcap backend: formats, damage, pipes, writing, failures (F5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

#ifdef MIRROR_WITH_PCAP
#include "io/io.h"
#include "support/backend_contract.h"

enum { RECORDS = 3, FILE_HEADER = 24, CAPTURE = FILE_HEADER + RECORDS * 16 + 60 + 61 + 62 };

static mirror_context *context;
static mirror_report report;
static char path[] = "test_io_pcap.XXXXXX";
static char uri[64];

static int set_up(void **state) {
  (void)state;
  mirror_report_init(&report, sizeof report);
  return mirror_context_create(NULL, &context, NULL);
}

static int tear_down(void **state) {
  (void)state;
  mirror_context_destroy(context);
  return 0;
}

static size_t put32(uint8_t *to, uint32_t value, bool swapped) {
  if (swapped) value = __builtin_bswap32(value);
  memcpy(to, &value, 4);
  return 4;
}

/* Three records of 60, 61 and 62 octets; `snaplen` is what the file header says. */
static size_t make_capture(uint8_t *to, uint32_t magic, bool swapped, uint32_t snaplen,
                           uint32_t link_type) {
  const uint16_t version[2] = {swapped ? 0x200 : 2, swapped ? 0x400 : 4};
  size_t at = put32(to, magic, swapped);
  memcpy(to + at, version, 4);
  at += 4;
  const uint32_t rest[4] = {0, 0, snaplen, link_type};
  for (int i = 0; i < 4; i++)
    at += put32(to + at, rest[i], swapped);
  for (uint32_t i = 0; i < RECORDS; i++) {
    const uint32_t header[4] = {100 + i, 7 + i, 60 + i, 1500};
    for (int j = 0; j < 4; j++)
      at += put32(to + at, header[j], swapped);
    memset(to + at, (int)(0x40 + i), 60 + i);
    at += 60 + i;
  }
  return at;
}

static void write_file(const void *octets, size_t length) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(octets, 1, length, file), length);
  assert_int_equal(fclose(file), 0);
}

static mirror_input *open_file(void) {
  mirror_input *input;
  int32_t status = mirror_input_open(context, uri, NULL, &input, &report);
  if (status) print_error("%s\n", report.text);
  assert_int_equal(status, MIRROR_OK);
  return input;
}

static int32_t receive(mirror_input *input, mirror_packet packets[4], uint32_t *count) {
  return input->backend.receive(input->state, packets, 4, 0, count, &report);
}

static void expect_records(mirror_input *input, uint32_t expected, int64_t unit) {
  mirror_packet packets[4];
  uint32_t count = 0;
  if (expected) assert_int_equal(receive(input, packets, &count), MIRROR_OK);
  assert_int_equal(count, expected);
  for (uint32_t i = 0; i < count; i++) {
    assert_int_equal(packets[i].caplen, 60 + i);
    assert_int_equal(packets[i].length, 1500);
    assert_int_equal(packets[i].time_ns, (100 + i) * INT64_C(1000000000) + (7 + i) * unit);
    assert_int_equal(packets[i].data[59], 0x40 + i);
  }
}

/* The snapshot length of 31 is below every record: they come whole nevertheless. */
static void f5_classic_formats(void **state) {
  (void)state;
  uint8_t capture[CAPTURE];
  for (int swapped = 0; swapped < 2; swapped++)
    for (int nano = 0; nano < 2; nano++) {
      make_capture(capture, nano ? 0xa1b23c4d : 0xa1b2c3d4, swapped, 31, 1);
      write_file(capture, sizeof capture);
      mirror_input *input = open_file();
      expect_records(input, RECORDS, nano ? 1 : 1000);
      uint64_t done, total;
      assert_int_equal(mirror_input_progress(input, &done, &total), MIRROR_OK);
      assert_int_equal(done, CAPTURE);
      assert_int_equal(total, CAPTURE);
      mirror_input_close(input);
    }
}

/* Fractions are unsigned, and may be above a second: what the file says is kept. */
static void f5_greatest_fraction_of_a_second(void **state) {
  (void)state;
  uint8_t capture[CAPTURE];
  mirror_packet packets[4];
  uint32_t count;
  for (int nano = 0; nano < 2; nano++) {
    make_capture(capture, nano ? 0xa1b23c4d : 0xa1b2c3d4, false, 0, 1);
    put32(capture + 28, UINT32_MAX, false);
    write_file(capture, sizeof capture);
    mirror_input *input = open_file();
    assert_int_equal(receive(input, packets, &count), MIRROR_OK);
    assert_int_equal(packets[0].time_ns,
                     100 * INT64_C(1000000000) + UINT32_MAX * (nano ? INT64_C(1) : INT64_C(1000)));
    mirror_input_close(input);
  }
}

static void f5_every_cut_yields_what_is_before_it(void **state) {
  (void)state;
  uint8_t capture[CAPTURE];
  const size_t ends[] = {24, 24 + 76, 24 + 76 + 77, CAPTURE};
  make_capture(capture, 0xa1b2c3d4, false, 65535, 1);
  for (size_t cut = 0; cut <= CAPTURE; cut++) {
    write_file(capture, cut);
    mirror_input *input;
    if (cut < FILE_HEADER) {
      assert_int_equal(mirror_input_open(context, uri, NULL, &input, &report), MIRROR_E_FORMAT);
      assert_string_equal(report.file, path);
      continue;
    }
    uint32_t whole = 0, count;
    while (whole < RECORDS && ends[whole + 1] <= cut)
      whole++;
    input = open_file();
    expect_records(input, whole, 1000);
    mirror_packet packets[4];
    for (int again = 0; again < 2; again++) {
      int32_t status = receive(input, packets, &count);
      assert_int_equal(count, 0);
      assert_int_equal(status, cut == ends[whole] ? MIRROR_E_END : MIRROR_E_DAMAGED);
      if (status == MIRROR_E_DAMAGED) assert_int_equal(report.offset, ends[whole]);
    }
    mirror_input_close(input);
  }
}

static size_t put_words(uint8_t *to, const uint32_t *words, size_t count, bool swapped) {
  for (size_t i = 0; i < count; i++)
    put32(to + 4 * i, words[i], swapped);
  return 4 * count;
}

/* A section, two interfaces of different snapshot lengths with nanosecond times, one packet on
 * each, and a simple packet that is cut at the first one's snapshot length of 16. */
static size_t make_pcapng(uint8_t *to, bool swapped, uint32_t second_link_type) {
  const bool big = swapped != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__); /* pairs of 16 bits */
  const uint32_t section[] = {0x0a0d0d0a, 28,         0x1a2b3c4d, big ? 0x10000 : 1,
                              0xffffffff, 0xffffffff, 28};
  size_t at = put_words(to, section, 7, swapped);
  for (uint32_t i = 0; i < 2; i++) {
    const uint32_t link_type = i ? second_link_type : 1;
    const uint32_t option = big ? 0x00090001 : 0x00010009;
    const uint32_t interface[] = {1, 32, big ? link_type << 16 : link_type, 16 + i, option, 9,
                                  0, 32};
    at += put_words(to + at, interface, 8, swapped);
    if (big) to[at - 12] = 9;
  }
  for (uint32_t i = 0; i < 2; i++) {
    const uint32_t packet[] = {6, 48, i, 0, 5 + i, 16, 60, 1, 2, 3, 4, 48};
    at += put_words(to + at, packet, 12, swapped);
  }
  const uint32_t simple[] = {3, 32, 60, 1, 2, 3, 4, 32};
  return at + put_words(to + at, simple, 8, swapped);
}

static void f5_pcapng_with_two_interfaces(void **state) {
  (void)state;
  uint8_t capture[512] = {0};
  mirror_packet packets[4];
  uint32_t count;
  for (int swapped = 0; swapped < 2; swapped++) {
    write_file(capture, make_pcapng(capture, swapped, 1));
    mirror_input *input = open_file();
    assert_int_equal(receive(input, packets, &count), MIRROR_OK);
    assert_int_equal(count, 3);
    for (uint32_t i = 0; i < 3; i++)
      assert_int_equal(packets[i].caplen, 16);
    assert_int_equal(packets[1].time_ns, 6);
    assert_int_equal(receive(input, packets, &count), MIRROR_E_END);
    mirror_input_close(input);
  }
}

/* libpcap reads captures of one link type only. */
static void v7_interfaces_of_different_link_types(void **state) {
  (void)state;
  static const uint16_t expected[] = {MIRROR_LINK_ETHERNET, MIRROR_LINK_RAW, MIRROR_LINK_ETHERNET};
  uint8_t capture[512] = {0};
  mirror_packet packets[4];
  uint32_t count;
  for (int swapped = 0; swapped < 2; swapped++) {
    write_file(capture, make_pcapng(capture, swapped, 101));
    mirror_input *input = open_file();
    assert_int_equal(receive(input, packets, &count), MIRROR_OK);
    assert_int_equal(count, 3);
    for (uint32_t i = 0; i < 3; i++)
      assert_int_equal(packets[i].link_type, expected[i]);
    mirror_input_close(input);
  }
}

/* What can be mirrored before the first packet that cannot is delivered. */
static void v7_an_interface_that_cannot_be_mirrored(void **state) {
  (void)state;
  uint8_t capture[512] = {0};
  mirror_packet packets[4];
  uint32_t count;
  write_file(capture, make_pcapng(capture, false, 249)); /* USB */
  mirror_input *input = open_file();
  assert_int_equal(receive(input, packets, &count), MIRROR_OK);
  assert_int_equal(count, 1);
  for (int again = 0; again < 2; again++) {
    assert_int_equal(receive(input, packets, &count), MIRROR_E_LINK_TYPE);
    assert_int_equal(report.offset, 140);
    assert_non_null(strstr(report.text, "249"));
  }
  mirror_input_close(input);
}

/* Damage stands behind the last packet; before the first, behind the first interface. */
static void f5_pcapng_cut_anywhere(void **state) {
  (void)state;
  uint8_t capture[512] = {0};
  const size_t length = make_pcapng(capture, false, 1);
  const size_t ends[] = {92, 140, 188, 220};
  assert_int_equal(length, ends[3]);
  for (size_t cut = ends[0]; cut <= length; cut++) {
    uint32_t whole = 0, count;
    while (whole < 3 && ends[whole + 1] <= cut)
      whole++;
    write_file(capture, cut);
    mirror_input *input = open_file();
    mirror_packet packets[4];
    if (whole) assert_int_equal(receive(input, packets, &count), MIRROR_OK);
    if (whole) assert_int_equal(count, whole);
    int32_t status = receive(input, packets, &count);
    assert_int_equal(status, cut == ends[whole] ? MIRROR_E_END : MIRROR_E_DAMAGED);
    if (status == MIRROR_E_DAMAGED) assert_int_equal(report.offset, whole ? ends[whole] : 60);
    mirror_input_close(input);
  }
}

static void v7_link_types(void **state) {
  (void)state;
  static const uint32_t in_file[] = {0, 1, 12, 14, 101, 108, 113, 228, 229, 276};
  static const uint32_t expected[] = {0, 1, 101, 101, 101, 108, 113, 228, 229, 276};
  uint8_t capture[CAPTURE];
  uint32_t link_type;
  for (size_t i = 0; i < sizeof in_file / sizeof *in_file; i++) {
    make_capture(capture, 0xa1b2c3d4, false, 65535, in_file[i]);
    write_file(capture, sizeof capture);
    mirror_input *input = open_file();
    assert_int_equal(mirror_input_link_type(input, &link_type), MIRROR_OK);
    assert_int_equal(link_type, expected[i]);
    mirror_input_close(input);
  }
  make_capture(capture, 0xa1b2c3d4, false, 65535, 105);
  write_file(capture, sizeof capture);
  mirror_input *input;
  assert_int_equal(mirror_input_open(context, uri, NULL, &input, &report), MIRROR_E_LINK_TYPE);
  assert_non_null(strstr(report.text, "IEEE802_11"));
}

/* A sparse file: it is told how long it is, also where a long has 32 bits. */
static void f5_more_than_4_gib(void **state) {
  (void)state;
  const int64_t length = (INT64_C(4) << 30) + 1;
  uint8_t capture[CAPTURE];
  uint64_t done, total;
  make_capture(capture, 0xa1b2c3d4, false, 65535, 1);
  write_file(capture, sizeof capture);
  if (truncate(path, (off_t)length) != 0) skip(); /* this file system has no such files */
  mirror_input *input = open_file();
  mirror_packet packets[4];
  uint32_t count;
  assert_int_equal(receive(input, packets, &count), MIRROR_OK);
  assert_int_equal(mirror_input_progress(input, &done, &total), MIRROR_OK);
  assert_int_equal(total, length);
  mirror_input_close(input);
  write_file(capture, sizeof capture);
}

static void f5_open_errors(void **state) {
  (void)state;
  mirror_input *input;
  mirror_output *output;
  assert_int_equal(mirror_input_open(context, "pcap:", NULL, &input, &report), MIRROR_E_URI);
  assert_int_equal(mirror_input_open(context, "pcap:/none/x", NULL, &input, &report), MIRROR_E_OS);
  assert_int_equal(report.os_error, ENOENT);
  assert_int_equal(mirror_input_open(context, "pcap:.", NULL, &input, &report), MIRROR_E_OS);
  assert_int_equal(report.os_error, EISDIR);
  assert_int_equal(mirror_output_open(context, "pcap:/none/x", NULL, &output, &report),
                   MIRROR_E_OS);
  assert_int_equal(report.os_error, ENOENT);
  write_file("This is a text, and surely no capture.", 38);
  assert_int_equal(mirror_input_open(context, uri, NULL, &input, &report), MIRROR_E_FORMAT);
}

/* A pipe as standard input, written piece by piece: no record is lost at a timeout or interruption
 * in the middle of one. */
static void f5_standard_input(void **state) {
  (void)state;
  uint8_t capture[CAPTURE];
  make_capture(capture, 0xa1b2c3d4, false, 65535, 1);
  int ends[2], saved = dup(STDIN_FILENO);
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
  assert_int_equal(write(ends[1], capture, 50), 50);
  mirror_input *input;
  mirror_packet packets[4];
  uint32_t count;
  uint64_t done, total;
  assert_int_equal(mirror_input_open(context, "pcap:-", NULL, &input, &report), MIRROR_OK);
  assert_int_equal(mirror_input_progress(input, &done, &total), MIRROR_E_UNSUPPORTED);
  assert_int_equal(receive(input, packets, &count), MIRROR_E_AGAIN);
  assert_int_equal(input->backend.receive(input->state, packets, 4, 1000000, &count, &report),
                   MIRROR_E_AGAIN);
  mirror_input_interrupt(input);
  assert_int_equal(input->backend.receive(input->state, packets, 4, -1, &count, &report),
                   MIRROR_E_INTERRUPTED);
  assert_int_equal(write(ends[1], capture + 50, 60), 60);
  expect_records(input, 1, 1000);
  assert_int_equal(write(ends[1], capture + 110, CAPTURE - 111), CAPTURE - 111);
  close(ends[1]);
  assert_int_equal(receive(input, packets, &count), MIRROR_OK);
  assert_int_equal(count, 1);
  assert_int_equal(receive(input, packets, &count), MIRROR_E_DAMAGED);
  assert_int_equal(report.offset, 24 + 76 + 77);
  mirror_input_close(input);
  dup2(saved, STDIN_FILENO);
  close(saved);
  close(ends[0]);
}

static void f5_what_is_written_can_be_read(void **state) {
  (void)state;
  static uint8_t body[70000];
  const mirror_copy copies[2] = {
      {.head = body, .head_length = 50, .body = body, .body_length = 65000, .time_ns = 1234567891},
      {.head = body, .head_length = 70, .time_ns = INT64_C(1700000000999999999)}};
  mirror_output *output;
  uint32_t accepted, count;
  assert_int_equal(mirror_output_open(context, uri, NULL, &output, &report), MIRROR_OK);
  for (int i = 0; i < 40; i++) /* more than a batch has room for */
    assert_int_equal(output->backend.send(output->state, copies, 2, &accepted, &report), MIRROR_OK);
  assert_int_equal(mirror_output_flush(output, &report), MIRROR_OK);
  mirror_output_close(output);
  mirror_input *input = open_file();
  mirror_packet packets[64];
  uint32_t sum = 0;
  while (input->backend.receive(input->state, packets, 64, 0, &count, &report) == MIRROR_OK)
    for (uint32_t i = 0; i < count; i++, sum++) {
      assert_int_equal(packets[i].caplen, sum % 2 ? 70 : 65050);
      assert_int_equal(packets[i].length, packets[i].caplen);
      assert_int_equal(packets[i].time_ns, copies[sum % 2].time_ns);
    }
  assert_int_equal(sum, 80);
  mirror_input_close(input);
}

static void f2_a_full_disk_is_reported(void **state) {
  (void)state;
  static const uint8_t octets[60000];
  const mirror_copy copy = {.head = octets, .head_length = sizeof octets};
  mirror_output *output;
  uint32_t accepted, sent = 0;
  assert_int_equal(mirror_output_open(context, "pcap:/dev/full", NULL, &output, &report),
                   MIRROR_OK);
  int32_t status = MIRROR_OK;
  while (sent++ < 100 && !status)
    status = output->backend.send(output->state, &copy, 1, &accepted, &report);
  assert_int_equal(status, MIRROR_E_OS);
  assert_int_equal(accepted, 0);
  assert_int_equal(report.os_error, ENOSPC);
  assert_int_equal(mirror_output_flush(output, &report), MIRROR_E_OS);
  mirror_output_close(output);
}

static void f5_contract(void **state) {
  (void)state;
  uint8_t capture[CAPTURE];
  make_capture(capture, 0xa1b2c3d4, false, 65535, 1);
  write_file(capture, sizeof capture);
  backend_contract_input(context, uri, NULL, RECORDS);
  backend_contract_output(context, uri, NULL);
}

static uint64_t allowed;

static void *allocate(void *user, uint64_t octets) {
  (void)user;
  return allowed == 0 ? NULL : (allowed--, malloc((size_t)octets));
}
static void *resize(void *user, void *block, uint64_t octets) {
  (void)user;
  return allowed == 0 ? NULL : (allowed--, realloc(block, (size_t)octets));
}
static void release(void *user, void *block) {
  (void)user;
  free(block);
}

/* With the Nth allocation failing, for each N: the status says so and nothing leaks. */
static void f5_allocations_that_fail(void **state) {
  (void)state;
  uint8_t capture[CAPTURE];
  make_capture(capture, 0xa1b2c3d4, false, 65535, 1);
  write_file(capture, sizeof capture);
  mirror_context_options options;
  mirror_context_options_init(&options, sizeof options);
  options.allocate = allocate;
  options.resize = resize;
  options.release = release;
  mirror_context *frugal;
  allowed = UINT64_MAX;
  assert_int_equal(mirror_context_create(&options, &frugal, NULL), MIRROR_OK);
  mirror_input *input = NULL;
  mirror_output *output = NULL;
  uint64_t n = 0;
  for (; !input; n++) {
    allowed = n;
    if (mirror_input_open(frugal, uri, NULL, &input, &report))
      assert_int_equal(report.code, MIRROR_E_NOMEM);
  }
  assert_int_equal(n, 6);
  mirror_input_close(input);
  for (n = 0; !output; n++) {
    allowed = n;
    if (mirror_output_open(frugal, uri, NULL, &output, &report))
      assert_int_equal(report.code, MIRROR_E_NOMEM);
  }
  assert_int_equal(n, 5);
  mirror_output_close(output);
  mirror_context_destroy(frugal);
}

static int make_path(void **state) {
  (void)state;
  int fd = mkstemp(path);
  if (fd < 0) return -1;
  snprintf(uri, sizeof uri, "pcap:%s", path);
  return close(fd);
}

static int remove_path(void **state) {
  (void)state;
  return unlink(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(f5_classic_formats),
      TEST(f5_greatest_fraction_of_a_second),
      TEST(f5_every_cut_yields_what_is_before_it),
      TEST(f5_pcapng_with_two_interfaces),
      TEST(v7_interfaces_of_different_link_types),
      TEST(v7_an_interface_that_cannot_be_mirrored),
      TEST(f5_pcapng_cut_anywhere),
      TEST(v7_link_types),
      TEST(f5_more_than_4_gib),
      TEST(f5_open_errors),
      TEST(f5_standard_input),
      TEST(f5_what_is_written_can_be_read),
      TEST(f2_a_full_disk_is_reported),
      TEST(f5_contract),
      TEST(f5_allocations_that_fail),
  };
  return cmocka_run_group_tests(tests, make_path, remove_path);
}
#else
int main(void) {
  return 77;
}
#endif
