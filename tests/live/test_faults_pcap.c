/* R6: each call by which a capture is written fails, or takes less than it was given; with and
 * without a thread that writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
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
    fault_short_writes(7919);
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
  };
  return cmocka_run_group_tests(tests, make_path, remove_path);
}
#else
int main(void) {
  return 77;
}
#endif
