/* Workers: threads that run taps. What they are made of is wrapped, so that it can fail. */
#include "support/model.h"
#include "support/packets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

enum { MANY = 24, ROUNDS = 300, BATCH = 3 };

static int thread_error, pipe_error, attributes_error, affinity_error; /* 0: works */

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *user);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *user);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *user) {
  return thread_error ? thread_error : __real_pthread_create(thread, attributes, run, user);
}

int __real_pthread_attr_init(pthread_attr_t *attributes);
int __wrap_pthread_attr_init(pthread_attr_t *attributes);
int __wrap_pthread_attr_init(pthread_attr_t *attributes) {
  return attributes_error ? attributes_error : __real_pthread_attr_init(attributes);
}

int __real_pthread_attr_setaffinity_np(pthread_attr_t *attributes, size_t size,
                                       const cpu_set_t *cpus);
int __wrap_pthread_attr_setaffinity_np(pthread_attr_t *attributes, size_t size,
                                       const cpu_set_t *cpus);
int __wrap_pthread_attr_setaffinity_np(pthread_attr_t *attributes, size_t size,
                                       const cpu_set_t *cpus) {
  return affinity_error ? affinity_error
                        : __real_pthread_attr_setaffinity_np(attributes, size, cpus);
}

int __real_pipe(int ends[2]);
int __wrap_pipe(int ends[2]);
int __wrap_pipe(int ends[2]) {
  errno = pipe_error;
  return pipe_error ? -1 : __real_pipe(ends);
}

/* ---- an input under the test's control ---- */

static uint8_t octets[PACKET_MAX];
static uint32_t octet_count;

struct source {
  uint32_t left;     /* packets to come */
  int32_t end;       /* the status after them; MIRROR_E_AGAIN: wait */
  bool deaf;         /* never looks for interruptions */
  int wakeup;        /* eventfd */
  atomic_uint drops; /* what it says */
  atomic_uint flushed;
};

static int32_t wait_for_wakeup(struct source *source, int64_t timeout_ns) {
  struct pollfd polled = {.fd = source->wakeup, .events = POLLIN};
  uint64_t wakeups;
  int timeout = timeout_ns < 0 ? -1 : (int)(timeout_ns / 1000000);
  if (poll(&polled, 1, timeout) != 1) return MIRROR_E_AGAIN;
  assert_int_equal(read(source->wakeup, &wakeups, sizeof wakeups), sizeof wakeups);
  return MIRROR_E_INTERRUPTED;
}

static int32_t receive(void *state, mirror_packet *packets, uint32_t capacity, int64_t timeout_ns,
                       uint32_t *count, mirror_report *report) {
  struct source *source = *(struct source **)state;
  struct pollfd polled = {.fd = source->wakeup, .events = POLLIN};
  *count = 0;
  if (!source->deaf && poll(&polled, 1, 0) == 1) return wait_for_wakeup(source, 0);
  if (source->left == 0 && source->end == MIRROR_E_AGAIN)
    return wait_for_wakeup(source, timeout_ns);
  if (source->left == 0) {
    if (source->end != MIRROR_E_END && report) {
      report->code = source->end;
      strcpy(report->text, "the input broke");
    }
    return source->end;
  }
  *count = source->left < BATCH ? source->left : BATCH;
  if (*count > capacity) *count = capacity;
  for (uint32_t i = 0; i < *count; i++)
    packets[i] = packet_of(octets, octet_count, MIRROR_LINK_ETHERNET);
  if (source->left != UINT32_MAX) source->left -= *count; /* else: endless */
  return MIRROR_OK;
}

static int32_t open_source(void *state, const mirror_open *open, mirror_report *report) {
  (void)report;
  memcpy(state, &open->argument, sizeof open->argument);
  return MIRROR_OK;
}

static void interrupt(void *state) {
  const uint64_t one = 1;
  struct source *source = *(struct source **)state;
  if (!source->deaf) assert_int_equal(write(source->wakeup, &one, sizeof one), sizeof one);
}

static int32_t drops(void *state, uint64_t *packets) {
  *packets = atomic_load(&(*(struct source **)state)->drops);
  return MIRROR_OK;
}

static void close_source(void *state) {
  (void)state;
}

static const mirror_backend backend = {
    .size = sizeof backend,
    .abi = MIRROR_BACKEND_ABI,
    .name = "source",
    .capabilities = MIRROR_CAN_INPUT,
    .state_size = sizeof(struct source *),
    .open_input = open_source,
    .receive = receive,
    .interrupt = interrupt,
    .drops = drops,
    .close = close_source,
};

static int32_t take_all(void *user, const mirror_copy *copies, uint32_t count, uint32_t *accepted,
                        mirror_report *report) {
  (void)user, (void)copies, (void)report;
  *accepted = count;
  return MIRROR_OK;
}

typedef int32_t (*send_fn)(void *user, const mirror_copy *copies, uint32_t count,
                           uint32_t *accepted, mirror_report *report);
static send_fn refuse; /* in the place of take_all, if not NULL */

static int32_t flush(void *user, mirror_report *report) {
  (void)report;
  atomic_fetch_add(&((struct source *)user)->flushed, 1);
  return MIRROR_OK;
}

/* ---- a tap with it ---- */

struct bench {
  struct source source;
  mirror_input *input;
  mirror_output *output;
  mirror_tap *tap;
  mirror_worker *worker;
};

static struct model *model;

static void bench_open(struct bench *bench, uint32_t packets, int32_t end,
                       mirror_packet_fn on_packet) {
  mirror_callback_output output;
  mirror_tap_options options;
  *bench = (struct bench){.source = {.left = packets, .end = end}};
  bench->source.wakeup = eventfd(0, EFD_NONBLOCK);
  mirror_callback_output_init(&output, sizeof output);
  output.user = &bench->source;
  output.send = refuse ? refuse : take_all;
  output.flush = flush;
  assert_int_equal(
      mirror_input_open(model->context, "source:", &bench->source, &bench->input, NULL), 0);
  assert_int_equal(mirror_output_open(model->context, "callback:", &output, &bench->output, NULL),
                   0);
  mirror_tap_options_init(&options, sizeof options);
  options.source_id = "x1";
  options.input = bench->input;
  options.output = bench->output;
  options.on_packet = on_packet;
  options.on_packet_user = bench;
  assert_int_equal(mirror_tap_create(model->context, &options, &bench->tap, NULL), MIRROR_OK);
}

static int32_t bench_start(struct bench *bench, uint32_t cpu, const char *name) {
  mirror_worker_options options;
  mirror_worker_options_init(&options, sizeof options);
  options.tap = bench->tap;
  options.cpu = cpu;
  options.name = name;
  mirror_report_init(&model->report, sizeof model->report);
  return mirror_worker_start(&options, &bench->worker, &model->report);
}

static int32_t bench_stop(struct bench *bench) {
  mirror_report_init(&model->report, sizeof model->report);
  return mirror_worker_stop(&bench->worker, &model->report);
}

static void bench_close(struct bench *bench) {
  mirror_tap_destroy(bench->tap);
  mirror_output_close(bench->output);
  mirror_input_close(bench->input);
  close(bench->source.wakeup);
}

static uint64_t received(const struct bench *bench) {
  mirror_stats stats;
  mirror_stats_init(&stats, sizeof stats);
  assert_int_equal(mirror_tap_stats(bench->tap, &stats), MIRROR_OK);
  return stats.received.packets;
}

/* Whether the worker says within the time that it has ended. */
static bool ended_within(const struct bench *bench, int milliseconds) {
  struct pollfd polled = {.events = POLLIN};
  assert_int_equal(mirror_worker_descriptor(bench->worker, &polled.fd), MIRROR_OK);
  return poll(&polled, 1, milliseconds) == 1;
}

static int setup(void **state) {
  if (model_setup(state)) return -1;
  model = *state;
  model_base(model);
  octet_count = packet_build(&(struct packet_parts){.family = 4, .protocol = 6}, octets);
  return mirror_backend_register(model->context, &backend, NULL);
}

/* ---- ends ---- */

static void test_ends_with_its_input(void **state) {
  struct bench bench;
  (void)state;
  bench_open(&bench, 10, MIRROR_E_END, NULL);
  assert_int_equal(bench_start(&bench, MIRROR_ABSENT, NULL), MIRROR_OK);
  assert_true(ended_within(&bench, 10000));
  assert_int_equal(bench_stop(&bench), MIRROR_OK);
  assert_null(bench.worker);
  assert_int_equal(received(&bench), 10);
  assert_int_equal(bench.source.flushed, 1);
  bench_close(&bench);
}

static void test_fails_with_its_input(void **state) {
  struct bench bench;
  (void)state;
  bench_open(&bench, 10, MIRROR_E_DAMAGED, NULL);
  assert_int_equal(bench_start(&bench, MIRROR_ABSENT, NULL), MIRROR_OK);
  assert_true(ended_within(&bench, 10000));
  assert_int_equal(bench_stop(&bench), MIRROR_E_DAMAGED);
  model_assert_text(model, "the input broke");
  assert_int_equal(received(&bench), 10);
  assert_int_equal(bench.source.flushed, 1);
  bench_close(&bench);
}

static void test_stops_while_it_waits(void **state) {
  struct bench bench;
  (void)state;
  bench_open(&bench, 10, MIRROR_E_AGAIN, NULL);
  assert_int_equal(bench_start(&bench, MIRROR_ABSENT, NULL), MIRROR_OK);
  assert_false(ended_within(&bench, 250));
  assert_true(bench.source.flushed > 0); /* when idle */
  assert_int_equal(bench_stop(&bench), MIRROR_E_INTERRUPTED);
  assert_int_equal(model->report.code, MIRROR_E_INTERRUPTED);
  model_assert_text(model, "stopped");
  assert_int_equal(received(&bench), 10);
  bench_close(&bench);
}

static void test_stops_an_input_that_never_waits(void **state) {
  struct bench bench;
  (void)state;
  bench_open(&bench, UINT32_MAX, MIRROR_E_END, NULL);
  bench.source.deaf = true;
  assert_int_equal(bench_start(&bench, MIRROR_ABSENT, NULL), MIRROR_OK);
  while (received(&bench) < 100)
    sched_yield();
  assert_false(ended_within(&bench, 0));
  assert_int_equal(bench_stop(&bench), MIRROR_E_INTERRUPTED);
  bench_close(&bench);
}

static struct bench *interrupted_bench;

static void on_signal(int number) {
  (void)number;
  mirror_tap_interrupt(interrupted_bench->tap);
}

static void test_ends_when_a_signal_handler_interrupts(void **state) {
  struct bench bench;
  (void)state;
  bench_open(&bench, 0, MIRROR_E_AGAIN, NULL);
  assert_int_equal(bench_start(&bench, MIRROR_ABSENT, NULL), MIRROR_OK);
  interrupted_bench = &bench;
  signal(SIGUSR2, on_signal);
  raise(SIGUSR2);
  signal(SIGUSR2, SIG_DFL);
  assert_true(ended_within(&bench, 10000));
  assert_int_equal(bench_stop(&bench), MIRROR_E_INTERRUPTED);
  bench_close(&bench);
}

static void test_runs_again(void **state) {
  struct bench bench;
  (void)state;
  bench_open(&bench, 5, MIRROR_E_AGAIN, NULL);
  assert_int_equal(bench_start(&bench, MIRROR_ABSENT, NULL), MIRROR_OK);
  while (received(&bench) < 5)
    sched_yield();
  assert_int_equal(bench_stop(&bench), MIRROR_E_INTERRUPTED);
  wait_for_wakeup(&bench.source, 0); /* that of stop, if it came late */
  bench.source.left = 7;
  bench.source.end = MIRROR_E_END;
  assert_int_equal(bench_start(&bench, MIRROR_ABSENT, NULL), MIRROR_OK);
  assert_true(ended_within(&bench, 10000));
  assert_int_equal(bench_stop(&bench), MIRROR_OK);
  assert_int_equal(received(&bench), 12);
  bench_close(&bench);
}

/* ---- the thread ---- */

struct looks {
  sigset_t blocked;
  cpu_set_t cpus;
  char name[16];
};
static struct looks looks;

static void look(void *user, const mirror_packet *packet, const mirror_verdict *verdict) {
  (void)user, (void)packet, (void)verdict;
  pthread_sigmask(SIG_BLOCK, NULL, &looks.blocked);
  pthread_getaffinity_np(pthread_self(), sizeof looks.cpus, &looks.cpus);
  pthread_getname_np(pthread_self(), looks.name, sizeof looks.name);
}

static uint32_t some_cpu(void) {
  cpu_set_t cpus;
  uint32_t cpu = CPU_SETSIZE;
  assert_int_equal(sched_getaffinity(0, sizeof cpus, &cpus), 0);
  while (!CPU_ISSET(--cpu, &cpus))
    ;
  return cpu;
}

static void test_thread_is_as_asked(void **state) {
  struct bench bench;
  sigset_t before, after;
  uint32_t cpu = some_cpu();
  (void)state;
  bench_open(&bench, 1, MIRROR_E_END, look);
  pthread_sigmask(SIG_BLOCK, NULL, &before);
  assert_int_equal(bench_start(&bench, cpu, "a name of many octets"), MIRROR_OK);
  pthread_sigmask(SIG_BLOCK, NULL, &after);
  assert_true(ended_within(&bench, 10000));
  assert_int_equal(bench_stop(&bench), MIRROR_OK);
  const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGALRM, SIGCHLD};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    assert_true(sigismember(&looks.blocked, signals[i]));
    assert_int_equal(sigismember(&after, signals[i]), sigismember(&before, signals[i]));
  }
  assert_int_equal(CPU_COUNT(&looks.cpus), 1);
  assert_true(CPU_ISSET(cpu, &looks.cpus));
  assert_string_equal(looks.name, "a name of many ");
  bench_close(&bench);
}

static void test_drops_are_told_while_it_runs(void **state) {
  struct bench bench;
  uint64_t packets = 0;
  (void)state;
  bench_open(&bench, 1, MIRROR_E_AGAIN, NULL);
  bench.source.drops = 3;
  assert_int_equal(bench_start(&bench, MIRROR_ABSENT, NULL), MIRROR_OK);
  assert_int_equal(mirror_worker_drops(bench.worker, &packets), MIRROR_OK);
  assert_int_equal(packets, 3);
  atomic_store(&bench.source.drops, 8);
  for (int i = 0; i < 1000 && packets != 8; i++) {
    usleep(10000);
    assert_int_equal(mirror_worker_drops(bench.worker, &packets), MIRROR_OK);
  }
  assert_int_equal(packets, 8);
  bench_stop(&bench);
  bench_close(&bench);
}

static int32_t refuse_all(void *user, const mirror_copy *copies, uint32_t count, uint32_t *accepted,
                          mirror_report *refusal) {
  (void)user, (void)copies, (void)count;
  *accepted = 0;
  if (refusal) refusal->code = MIRROR_E_PERMISSION;
  if (refusal) strcpy(refusal->text, "a firewall");
  return MIRROR_E_PERMISSION;
}

static void test_refusals_are_told_while_it_runs(void **state) {
  struct bench bench;
  int32_t status = MIRROR_OK;
  (void)state;
  refuse = refuse_all;
  bench_open(&bench, 3, MIRROR_E_AGAIN, NULL);
  refuse = NULL;
  assert_int_equal(bench_start(&bench, MIRROR_ABSENT, NULL), MIRROR_OK);
  for (int i = 0; i < 1000 && !status; i++) {
    usleep(10000);
    status = mirror_worker_output_status(bench.worker, &model->report);
  }
  assert_int_equal(status, MIRROR_E_PERMISSION);
  model_assert_text(model, "a firewall");
  assert_int_equal(mirror_worker_output_status(bench.worker, NULL), MIRROR_E_PERMISSION);
  bench_stop(&bench);
  bench_close(&bench);
}

/* ---- what goes wrong ---- */

static int descriptors(void) {
  int count = 0;
  for (int fd = 0; fd < 1024; fd++)
    count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

static void refused(struct bench *bench, uint32_t cpu, int32_t status, int os_error,
                    const char *text) {
  int before = descriptors();
  assert_int_equal(bench_start(bench, cpu, NULL), status);
  assert_null(bench->worker);
  assert_int_equal(model->report.os_error, os_error);
  model_assert_text(model, text);
  assert_int_equal(descriptors(), before);
}

static void test_nothing_runs_after_a_failure(void **state) {
  struct bench bench;
  static const struct {
    int *error;
    const char *text;
  } calls[] = {{&thread_error, "no thread for a worker"},
               {&attributes_error, "no thread for a worker"},
               {&affinity_error, "no thread for a worker"},
               {&pipe_error, "no pipe for a worker"}};
  static const int errors[] = {EAGAIN, ENOMEM, EPERM, EMFILE, ENFILE};
  (void)state;
  bench_open(&bench, 1, MIRROR_E_END, NULL);
  for (size_t i = 0; i < 4 * sizeof errors / sizeof *errors; i++) {
    *calls[i % 4].error = errors[i / 4];
    refused(&bench, some_cpu(), MIRROR_E_OS, errors[i / 4], calls[i % 4].text);
    *calls[i % 4].error = 0;
  }
  refused(&bench, CPU_SETSIZE - 1, MIRROR_E_OS, EINVAL, "cannot run on CPU 1023");
  refused(&bench, CPU_SETSIZE, MIRROR_E_OS, EINVAL, "cannot run on CPU 1024");
  model->memory.failing = model->memory.calls + 1;
  refused(&bench, MIRROR_ABSENT, MIRROR_E_NOMEM, 0, "out of memory for a worker");
  model->memory.failing = 0;
  assert_int_equal(received(&bench), 0);
  assert_int_equal(bench_start(&bench, some_cpu(), NULL), MIRROR_OK);
  assert_true(ended_within(&bench, 10000));
  assert_int_equal(bench_stop(&bench), MIRROR_OK);
  assert_int_equal(received(&bench), 1);
  bench_close(&bench);
}

static void test_arguments(void **state) {
  mirror_worker_options options;
  mirror_worker *worker = NULL;
  struct bench bench;
  uint64_t packets;
  int32_t fd;
  (void)state;
  mirror_worker_options_init(&options, sizeof options);
  assert_int_equal(options.cpu, MIRROR_ABSENT);
  assert_int_equal(mirror_worker_start(&options, &worker, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_worker_start(NULL, &worker, NULL), MIRROR_E_ARGUMENT);
  bench_open(&bench, 1, MIRROR_E_END, NULL);
  options.tap = bench.tap;
  assert_int_equal(mirror_worker_start(&options, NULL, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_worker_stop(NULL, NULL), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_worker_stop(&worker, NULL), MIRROR_E_STATE);
  assert_int_equal(mirror_worker_descriptor(NULL, &fd), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_worker_drops(NULL, &packets), MIRROR_E_ARGUMENT);
  assert_int_equal(mirror_worker_output_status(NULL, NULL), MIRROR_E_ARGUMENT);
  bench_close(&bench);
}

static void test_a_tap_without_input(void **state) {
  mirror_tap_options options;
  mirror_worker_options how;
  mirror_worker *worker = NULL;
  struct bench bench;
  mirror_tap *tap;
  (void)state;
  bench_open(&bench, 1, MIRROR_E_END, NULL);
  mirror_tap_options_init(&options, sizeof options);
  options.output = bench.output;
  assert_int_equal(mirror_tap_create(model->context, &options, &tap, NULL), MIRROR_OK);
  mirror_worker_options_init(&how, sizeof how);
  how.tap = tap;
  assert_int_equal(mirror_worker_start(&how, &worker, &model->report), MIRROR_E_ARGUMENT);
  model_assert_text(model, "no input");
  mirror_tap_destroy(tap);
  bench_close(&bench);
}

/* ---- several threads ---- */

static void *stop_bench(void *user) {
  struct bench *bench = user;
  return (void *)(intptr_t)mirror_worker_stop(&bench->worker, NULL);
}

static void test_one_of_several_stops_it(void **state) {
  (void)state;
  for (int round = 0; round < ROUNDS; round++) {
    struct bench bench;
    pthread_t threads[3];
    int stopped = 0;
    bench_open(&bench, 5, round & 1 ? MIRROR_E_AGAIN : MIRROR_E_END, NULL);
    assert_int_equal(bench_start(&bench, MIRROR_ABSENT, NULL), MIRROR_OK);
    for (int i = 0; i < 3; i++)
      assert_int_equal(pthread_create(&threads[i], NULL, stop_bench, &bench), 0);
    for (int i = 0; i < 3; i++) {
      void *status;
      pthread_join(threads[i], &status);
      stopped += (intptr_t)status != MIRROR_E_STATE;
    }
    assert_int_equal(stopped, 1);
    bench_close(&bench);
  }
}

static void test_many_under_changes(void **state) {
  struct bench benches[MANY];
  mirror_stats stats;
  uint64_t sum = 0;
  (void)state;
  for (int i = 0; i < MANY; i++) {
    bench_open(&benches[i], UINT32_MAX, MIRROR_E_END, NULL);
    assert_int_equal(bench_start(&benches[i], MIRROR_ABSENT, "one of many"), MIRROR_OK);
  }
  mirror_stats_init(&stats, sizeof stats);
  for (int i = 0; i < 50; i++) {
    const char *const source = "x1";
    mirror_session session = model_session_of("s1", 10, &source);
    session.vni = (uint32_t)i;
    assert_int_equal(mirror_session_update(model->tx, &session, NULL), MIRROR_OK);
    assert_int_equal(model_commit(model), MIRROR_OK);
    assert_int_equal(mirror_source_stats(model->context, "x1", MIRROR_INGRESS, &stats), 0);
  }
  for (int i = 0; i < MANY; i++) {
    assert_int_equal(bench_stop(&benches[i]), MIRROR_E_INTERRUPTED);
    sum += received(&benches[i]);
    bench_close(&benches[i]);
  }
  assert_int_equal(mirror_source_stats(model->context, "x1", MIRROR_INGRESS, &stats), 0);
  assert_int_equal(stats.received.packets, sum);
  assert_int_equal(stats.counters[MIRROR_COUNTER_MIRRORED].packets, sum);
}

static void test_started_and_stopped_at_once(void **state) {
  struct bench bench;
  int before = descriptors();
  (void)state;
  bench_open(&bench, UINT32_MAX, MIRROR_E_END, NULL);
  bench.source.deaf = true;
  for (int round = 0; round < ROUNDS; round++) {
    assert_int_equal(bench_start(&bench, MIRROR_ABSENT, NULL), MIRROR_OK);
    assert_int_equal(bench_stop(&bench), MIRROR_E_INTERRUPTED);
  }
  bench_close(&bench);
  assert_int_equal(descriptors(), before);
}

#define CASE(name) cmocka_unit_test_setup_teardown(test_##name, setup, model_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(ends_with_its_input),
      CASE(fails_with_its_input),
      CASE(stops_while_it_waits),
      CASE(stops_an_input_that_never_waits),
      CASE(ends_when_a_signal_handler_interrupts),
      CASE(runs_again),
      CASE(thread_is_as_asked),
      CASE(drops_are_told_while_it_runs),
      CASE(refusals_are_told_while_it_runs),
      CASE(nothing_runs_after_a_failure),
      CASE(arguments),
      CASE(a_tap_without_input),
      CASE(one_of_several_stops_it),
      CASE(many_under_changes),
      CASE(started_and_stopped_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
