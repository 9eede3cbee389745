/* R6: each call by which a capture is opened, written or read fails, or moves less than it was
 * asked for; writing with and without a thread, reading from a file and from a pipe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
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

static void write_capture(void) {
  mirror_output *output = opened(0);
  for (int n = 0; n < COPIES; n++)
    assert_int_equal(send_copy(output, n), MIRROR_OK);
  mirror_output_close(output);
}

/* ---- opening ---- */

static const int open_errors[] = {EINTR,    EAGAIN, ENOBUFS,     ENOMEM,       EPERM,
                                  ENETDOWN, EIO,    ENETUNREACH, EHOSTUNREACH, ECONNREFUSED,
                                  EMSGSIZE, ENODEV, ENOSPC,      EMFILE};
enum { OPEN_ERRORS = sizeof open_errors / sizeof *open_errors };

static int32_t open_and_close(bool reads, const char *what) {
  mirror_input *input = NULL;
  mirror_output *output = NULL;
  lseek(STDIN_FILENO, 0, SEEK_SET); /* if it is the file: from its beginning */
  const int32_t status = reads ? mirror_input_open(context, what, NULL, &input, &report)
                               : mirror_output_open(context, what, NULL, &output, &report);
  mirror_input_close(input);
  mirror_output_close(output);
  return status;
}

/* The report says which file, and why, but for what only a lack of memory makes fail. */
static void expect_report(int32_t status, int32_t expected, const char *what, int os_error) {
  assert_int_equal(status, expected);
  assert_int_equal(report.code, status);
  assert_non_null(strstr(report.text, what + strlen("pcap:")));
  if (expected == MIRROR_E_NOMEM) return;
  assert_non_null(strstr(report.text, strerror(os_error)));
  assert_int_equal(report.os_error, expected == MIRROR_E_OS ? os_error : 0);
}

/* Each call of this name fails in turn, once or for good: nothing is left open. How many there are.
 */
static unsigned opening_fails(bool reads, const char *what, const char *call, int32_t expected,
                              unsigned times, int os_error) {
  const unsigned before = fault_descriptors();
  for (unsigned sites = 0;; sites++) {
    fault_set(call, sites, times, os_error);
    const int32_t status = open_and_close(reads, what);
    const bool hit = fault_hits() > 0;
    fault_clear();
    assert_int_equal(fault_descriptors(), before);
    if (hit) {
      expect_report(status, expected, what, os_error);
      assert_int_equal(open_and_close(reads, what), MIRROR_OK);
    } else {
      assert_int_equal(status, MIRROR_OK);
      return sites;
    }
  }
}

static void opening_fails_in_each_way(bool reads, const char *what, const char *call,
                                      int32_t expected) {
  for (size_t i = 0; i < OPEN_ERRORS; i++) {
    assert_int_equal(opening_fails(reads, what, call, expected, 1, open_errors[i]), 1);
    assert_int_equal(opening_fails(reads, what, call, expected, UINT_MAX, open_errors[i]), 1);
  }
}

static void r6_opening_an_output_fails(void **state) {
  (void)state;
  opening_fails_in_each_way(false, uri, "open", MIRROR_E_OS);
  opening_fails_in_each_way(false, uri, "fmemopen", MIRROR_E_NOMEM);
  opening_fails_in_each_way(false, uri, "pcap_open_dead_with_tstamp_precision", MIRROR_E_NOMEM);
  opening_fails_in_each_way(false, uri, "pcap_dump_fopen", MIRROR_E_NOMEM);
}

/* Standard output is a file for this, that of the test. */
static void r6_opening_standard_output_fails(void **state) {
  (void)state;
  const int saved = dup(STDOUT_FILENO), file = open(path, O_WRONLY);
  assert_int_equal(dup2(file, STDOUT_FILENO), STDOUT_FILENO);
  opening_fails_in_each_way(false, "pcap:-", "fcntl", MIRROR_E_OS);
  dup2(saved, STDOUT_FILENO);
  close(file);
  close(saved);
}

static void r6_opening_an_input_fails(void **state) {
  (void)state;
  write_capture();
  opening_fails_in_each_way(true, uri, "open", MIRROR_E_OS);
  opening_fails_in_each_way(true, uri, "fstat", MIRROR_E_OS);
  opening_fails_in_each_way(true, uri, "fopencookie", MIRROR_E_OS);
  opening_fails_in_each_way(true, uri, "pcap_fopen_offline_with_tstamp_precision", MIRROR_E_FORMAT);
}

static void r6_opening_standard_input_fails(void **state) {
  (void)state;
  write_capture();
  const int saved = dup(STDIN_FILENO), file = open(path, O_RDONLY);
  assert_int_equal(dup2(file, STDIN_FILENO), STDIN_FILENO);
  opening_fails_in_each_way(true, "pcap:-", "fcntl", MIRROR_E_OS);
  opening_fails_in_each_way(true, "pcap:-", "fstat", MIRROR_E_OS);
  dup2(saved, STDIN_FILENO);
  close(file);
  close(saved);
}

/* Closing says nothing: what was not written is told by the flush. */
static void r6_what_cannot_be_closed(void **state) {
  (void)state;
  for (size_t i = 0; i < OPEN_ERRORS; i++) {
    const unsigned before = fault_descriptors();
    fault_set("close", 0, UINT_MAX, open_errors[i]);
    write_capture();
    expect_copies(COPIES);
    assert_int_equal(fault_hits(), 2);
    fault_clear();
    assert_int_equal(fault_descriptors(), before);
  }
}

/* ---- writing ---- */

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

/* At each place, once or for good: the packets in front of it, then the error. */
static void r6_each_error_of_a_read(void **state) {
  (void)state;
  static const int errors[] = {EINTR, EAGAIN, ENOBUFS, ENOMEM, EPERM, EIO, ESTALE, EISDIR};
  write_capture();
  for (size_t i = 1; i < 2 * sizeof errors / sizeof *errors; i++) { /* no interruption for good */
    const unsigned before = fault_descriptors();
    const int os_error = errors[i / 2];
    unsigned hits = 1;
    for (unsigned skip = 0; hits > 0; skip++) {
      mirror_input *input;
      int packets = 0;
      fault_set("read", skip, i % 2 ? 1 : UINT_MAX, os_error);
      int32_t status = mirror_input_open(context, uri, NULL, &input, &report);
      if (status == MIRROR_OK) {
        status = read_on(input, &packets);
        mirror_input_close(input);
      }
      hits = fault_hits();
      const bool fails = hits && os_error != EINTR;
      assert_int_equal(status, fails ? MIRROR_E_OS : MIRROR_E_END);
      if (fails) expect_report(status, MIRROR_E_OS, uri, os_error);
      assert_true(hits <= 1);                  /* it is not read on */
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
    for (size_t j = 0; j < OPEN_ERRORS; j++) {
      fault_set("eventfd", 0, 1, open_errors[j]);
      expect_report(open_and_close(true, "pcap:-"), MIRROR_E_OS, "pcap:-", open_errors[j]);
    }
    fault_clear();
    assert_int_equal(mirror_input_open(context, "pcap:-", NULL, &input, &report), MIRROR_OK);
    fault_set("ppoll", 0, 2, errors[i]);
    for (unsigned call = 0; call < 2; call++)
      assert_int_equal(input->backend.receive(input->state, packets, 4, 0, &count, &report),
                       MIRROR_E_AGAIN);
    assert_int_equal(fault_hits(), 2);
    fault_set("write", 0, 1, errors[i]); /* nobody is woken, but it is seen */
    mirror_input_interrupt(input);
    assert_int_equal(fault_hits(), 1);
    fault_set("ppoll", 0, UINT_MAX, errors[i] == EINTR ? ENOMEM : errors[i]); /* for good */
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
      cmocka_unit_test(r6_opening_an_output_fails),
      cmocka_unit_test(r6_opening_standard_output_fails),
      cmocka_unit_test(r6_opening_an_input_fails),
      cmocka_unit_test(r6_opening_standard_input_fails),
      cmocka_unit_test(r6_what_cannot_be_closed),
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
