/* R6: each call by which a capture is written or read fails, or moves less than it was asked for;
 * writing with and without a thread, reading from a file and from a pipe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"

#ifdef MIRROR_WITH_PCAP
#include "io/io.h"

enum { BODY = 60000, COPIES = 100, RECORD = 16 + BODY, FILE_HEADER = 24 };

static mirror_context *context;
static mirror_report report;
static char path[] = "test_faults_pcap.XXXXXX";
static char uri[64];
static uint8_t body[BODY];

static int32_t open_output(uint32_t thread, mirror_output **output) {
  mirror_pcap_output argument;
  mirror_pcap_output_init(&argument, sizeof argument);
  argument.thread = thread;
  return mirror_output_open(context, uri, &argument, output, &report);
}

static mirror_output *opened(uint32_t thread) {
  mirror_output *output;
  assert_int_equal(open_output(thread, &output), MIRROR_OK);
  return output;
}

/* Copy `n` is full of octets n. */
static int32_t send_copy(mirror_output *output, int n) {
  uint32_t accepted;
  memset(body, n, sizeof body);
  const mirror_copy copy = {.head = body, .body = body, .body_length = BODY};
  int32_t status = output->backend.send(output->state, &copy, 1, &accepted, &report);
  assert_int_equal(accepted, status == MIRROR_OK);
  return status;
}

static void expect_copies(int expected) {
  mirror_input *input;
  mirror_packet packets[4];
  uint32_t count;
  int n = 0;
  assert_int_equal(mirror_input_open(context, uri, NULL, &input, &report), MIRROR_OK);
  while (input->backend.receive(input->state, packets, 4, 0, &count, &report) == MIRROR_OK)
    for (uint32_t i = 0; i < count; i++, n++) {
      assert_int_equal(packets[i].caplen, BODY);
      assert_int_equal(packets[i].data[0], n);
      assert_int_equal(packets[i].data[BODY - 1], n);
    }
  assert_int_equal(n, expected);
  mirror_input_close(input);
}

static void r6_interrupted_and_short_writes(void **state) {
  (void)state;
  for (uint32_t thread = 0; thread < 2; thread++) {
    mirror_output *output = opened(thread);
    fault_set("write", 1, 5, EINTR);
    fault_short_octets(7919);
    for (int n = 0; n < COPIES; n++)
      assert_int_equal(send_copy(output, n), MIRROR_OK);
    assert_int_equal(mirror_output_flush(output, &report), MIRROR_OK);
    assert_int_equal(fault_hits(), 5);
    expect_copies(COPIES);
    mirror_output_close(output);
    fault_clear();
    expect_copies(COPIES);
  }
}

/* Nothing is written behind a write that failed, however often it is asked for. */
static void r6_each_error_of_a_write(void **state) {
  (void)state;
  static const int errors[] = {ENOSPC, EIO, EPIPE, EDQUOT, EFBIG, EAGAIN, ENOMEM};
  for (uint32_t i = 0; i < 2 * sizeof errors / sizeof *errors; i++) {
    mirror_output *output = opened(i % 2);
    fault_set("write", 1, 1, errors[i / 2]);
    int n = 0;
    while (n < COPIES && send_copy(output, n) == MIRROR_OK)
      n++;
    assert_in_range(n, 1, COPIES - 1);
    for (int again = 0; again < 2; again++) {
      assert_int_equal(send_copy(output, n), MIRROR_E_OS);
      assert_int_equal(report.os_error, errors[i / 2]);
      assert_int_equal(mirror_output_flush(output, &report), MIRROR_E_OS);
      assert_int_equal(report.os_error, errors[i / 2]);
    }
    mirror_output_close(output);
    assert_int_equal(fault_hits(), 1);
    fault_clear();
    struct stat file;
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_size % RECORD, FILE_HEADER);
    expect_copies((int)(file.st_size / RECORD));
  }
}

/* The last write, too, is seen: by the flush. */
static void r6_the_flush_fails(void **state) {
  (void)state;
  for (uint32_t thread = 0; thread < 2; thread++) {
    mirror_output *output = opened(thread);
    fault_set("write", 0, 1, ENOSPC);
    assert_int_equal(send_copy(output, 0), MIRROR_OK);
    assert_int_equal(mirror_output_flush(output, &report), MIRROR_E_OS);
    assert_int_equal(report.os_error, ENOSPC);
    mirror_output_close(output);
    fault_clear();
  }
}

/* A thread that writes gets no signal of a closed pipe; without one the program ignores it. */
static void f5_a_closed_pipe_is_an_error(void **state) {
  (void)state;
  int ends[2], saved = dup(STDOUT_FILENO);
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
  mirror_pcap_output argument;
  mirror_pcap_output_init(&argument, sizeof argument);
  argument.thread = 1;
  mirror_output *output;
  int32_t status = mirror_output_open(context, "pcap:-", &argument, &output, &report);
  dup2(saved, STDOUT_FILENO);
  assert_int_equal(status, MIRROR_OK);
  close(ends[0]);
  close(ends[1]);
  close(saved);
  assert_int_equal(send_copy(output, 0), MIRROR_OK);
  assert_int_equal(mirror_output_flush(output, &report), MIRROR_E_OS);
  assert_int_equal(report.os_error, EPIPE);
  mirror_output_close(output);
}

static void r6_no_thread(void **state) {
  (void)state;
  const unsigned before = fault_descriptors();
  mirror_output *output;
  fault_set("pthread_create", 0, 1, EAGAIN);
  assert_int_equal(open_output(1, &output), MIRROR_E_OS);
  assert_int_equal(report.os_error, EAGAIN);
  assert_non_null(strstr(report.text, "thread"));
  fault_clear();
  assert_int_equal(fault_descriptors(), before);
}

/* ---- reading ---- */

static void write_capture(void) {
  mirror_output *output = opened(0);
  for (int n = 0; n < COPIES; n++)
    assert_int_equal(send_copy(output, n), MIRROR_OK);
  mirror_output_close(output);
}

static void r6_short_reads(void **state) {
  (void)state;
  static const size_t most[] = {1021, 7919, 65536};
  write_capture();
  for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
    fault_short_octets(most[i]);
    expect_copies(COPIES);
    fault_clear();
  }
}

/* The status behind the packets, which stays; *packets: how many there were, each once. */
static int32_t read_on(mirror_input *input, int *packets) {
  mirror_packet batch[4];
  uint32_t count;
  int32_t status;
  *packets = 0;
  while (!(status = input->backend.receive(input->state, batch, 4, 0, &count, &report)))
    for (uint32_t i = 0; i < count; i++, ++*packets)
      assert_int_equal(batch[i].data[0], *packets);
  assert_int_equal(count, 0);
  assert_int_equal(input->backend.receive(input->state, batch, 4, 0, &count, &report), status);
  return status;
}

/* At each place: the packets in front of it, then the error. */
static void r6_each_error_of_a_read(void **state) {
  (void)state;
  static const int errors[] = {EINTR, EAGAIN, ENOBUFS, ENOMEM, EPERM, EIO, ESTALE, EISDIR};
  write_capture();
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    const unsigned before = fault_descriptors();
    unsigned hits = 1;
    for (unsigned skip = 0; hits > 0; skip++) {
      mirror_input *input;
      int packets = 0;
      fault_set("read", skip, 1, errors[i]);
      int32_t status = mirror_input_open(context, uri, NULL, &input, &report);
      if (status == MIRROR_OK) {
        status = read_on(input, &packets);
        mirror_input_close(input);
      }
      hits = fault_hits();
      const bool fails = hits && errors[i] != EINTR;
      assert_int_equal(status, fails ? MIRROR_E_OS : MIRROR_E_END);
      if (fails) assert_int_equal(report.os_error, errors[i]);
      assert_true(fails || packets == COPIES); /* the read that finds the end may fail, too */
      assert_int_equal(fault_descriptors(), before);
    }
    fault_clear();
  }
}

/* A pipe is waited for. */
static void r6_waiting_for_a_pipe_fails(void **state) {
  (void)state;
  static const int errors[] = {EINTR, ENOMEM, EINVAL, EIO};
  int ends[2], saved = dup(STDIN_FILENO);
  write_capture();
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    const unsigned before = fault_descriptors();
    mirror_input *input;
    mirror_packet packets[4];
    uint32_t count;
    uint8_t header[FILE_HEADER];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(header, 1, sizeof header, file), sizeof header);
    fclose(file);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], header, sizeof header), sizeof header);
    dup2(ends[0], STDIN_FILENO);
    fault_set("eventfd", 0, 1, errors[i]);
    assert_int_equal(mirror_input_open(context, "pcap:-", NULL, &input, &report), MIRROR_E_OS);
    assert_int_equal(report.os_error, errors[i]);
    fault_clear();
    assert_int_equal(mirror_input_open(context, "pcap:-", NULL, &input, &report), MIRROR_OK);
    fault_set("ppoll", 0, 2, errors[i]);
    for (unsigned call = 0; call < 2; call++)
      assert_int_equal(input->backend.receive(input->state, packets, 4, 0, &count, &report),
                       MIRROR_E_AGAIN);
    assert_int_equal(fault_hits(), 2);
    fault_set("ppoll", 0, UINT_MAX, errors[i] == EINTR ? ENOMEM : errors[i]); /* for good */
    mirror_input_interrupt(input);
    assert_int_equal(input->backend.receive(input->state, packets, 4, -1, &count, &report),
                     MIRROR_E_INTERRUPTED);
    assert_int_equal(input->backend.receive(input->state, packets, 4, 100000000, &count, &report),
                     MIRROR_E_AGAIN);
    assert_in_range(fault_hits(), 2, 100); /* without spinning */
    fault_set("ppoll", 0, 3, errors[i]);
    close(ends[1]);
    assert_int_equal(input->backend.receive(input->state, packets, 4, -1, &count, &report),
                     MIRROR_E_END);
    fault_clear();
    mirror_input_close(input);
    close(ends[0]);
    dup2(saved, STDIN_FILENO);
    assert_int_equal(fault_descriptors(), before);
  }
  close(saved);
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
      cmocka_unit_test(r6_interrupted_and_short_writes),
      cmocka_unit_test(r6_each_error_of_a_write),
      cmocka_unit_test(r6_the_flush_fails),
      cmocka_unit_test(f5_a_closed_pipe_is_an_error),
      cmocka_unit_test(r6_no_thread),
      cmocka_unit_test(r6_short_reads),
      cmocka_unit_test(r6_each_error_of_a_read),
      cmocka_unit_test(r6_waiting_for_a_pipe_fails),
  };
  return cmocka_run_group_tests(tests, make_path, remove_path);
}
#else
int main(void) {
  return 77;
}
#endif
