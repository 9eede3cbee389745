/* A thread that runs a tap (include/libmirror/worker.h). */
#include "core/sized.h"
#include "tap/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <libmirror/worker.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NAME_MAX_LENGTH = 16, LOOK_NS = 100 * 1000 * 1000 };

struct mirror_worker {
  mirror_tap *tap;
  struct mri_alloc alloc;
  pthread_t thread;
  char name[NAME_MAX_LENGTH];
  int ended[2];         /* a pipe: its end for writing is closed when the run has ended */
  atomic_bool stopping; /* inputs that never wait need not look for interruptions */
  int32_t drops_status;
  _Atomic uint64_t drops;
  int64_t next_look_ns;
  pthread_mutex_t lock;        /* of the following one */
  mirror_report output_report; /* the last refusal of the output */
  int32_t status;              /* of the run; for who has joined the thread */
  mirror_report report;        /* likewise */
};

void mirror_worker_options_init(mirror_worker_options *options, uint32_t size) {
  const mirror_worker_options defaults = {.size = sizeof defaults, .cpu = MIRROR_ABSENT};
  mri_sized_defaults(options, size, &defaults, sizeof defaults);
}

/* ---- the thread ---- */

static int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Only the thread of the tap may ask its input. */
static void look_at_drops(mirror_worker *worker) {
  uint64_t drops;
  if (mirror_input_drops(worker->tap->input, &drops) == MIRROR_OK)
    atomic_store_explicit(&worker->drops, drops, memory_order_relaxed);
}

/* Who reads it may have been stopped by the scheduler: packets do not wait for that. */
static void look_at_output(mirror_worker *worker) {
  if (!worker->tap->output_report.code || pthread_mutex_trylock(&worker->lock)) return;
  worker->output_report = worker->tap->output_report;
  pthread_mutex_unlock(&worker->lock);
}

static void look(mirror_worker *worker) {
  if (worker->drops_status == MIRROR_OK) look_at_drops(worker);
  look_at_output(worker);
}

static void look_in_time(mirror_worker *worker) {
  int64_t now = now_ns();
  if (now < worker->next_look_ns) return;
  worker->next_look_ns = now + LOOK_NS;
  look(worker);
}

/* A flush that fails while the input goes on is seen at the next copy. */
static int32_t run_steps(mirror_worker *worker) {
  int32_t status = MIRROR_OK;
  while (status == MIRROR_OK || status == MIRROR_E_AGAIN) {
    if (atomic_load_explicit(&worker->stopping, memory_order_relaxed)) return MIRROR_E_INTERRUPTED;
    status = mirror_tap_step(worker->tap, LOOK_NS, NULL, &worker->report);
    if (status == MIRROR_E_AGAIN) mirror_output_flush(worker->tap->output, NULL);
    look_in_time(worker);
  }
  return status;
}

static void *run(void *user) {
  mirror_worker *worker = user;
#ifdef __linux__
  pthread_setname_np(pthread_self(), worker->name);
#endif
  int32_t status = run_steps(worker);
  if (status == MIRROR_E_INTERRUPTED)
    mri_fail(&worker->report, status, "the worker was stopped, or its tap interrupted");
  bool at_end = status == MIRROR_E_END;
  int32_t flushed = mirror_output_flush(worker->tap->output, at_end ? &worker->report : NULL);
  worker->status = at_end ? flushed : status;
  look(worker);
  close(worker->ended[1]);
  return NULL;
}

/* ---- start ---- */

static int32_t check_options(const mirror_worker_options *options, mirror_report *report) {
  if (!options->tap || !options->tap->input)
    return mri_fail(report, MIRROR_E_ARGUMENT, "worker options: %s, expected a tap with an input",
                    options->tap ? "the tap has no input" : "tap is NULL");
#ifndef __linux__
  if (options->cpu != MIRROR_ABSENT)
    return mri_fail(report, MIRROR_E_UNSUPPORTED,
                    "worker options: cpu is %u, but threads cannot be pinned on this system",
                    options->cpu);
#endif
  return MIRROR_OK;
}

static bool open_pipe(int ends[2]) {
  if (pipe(ends) < 0) return false;
  for (int i = 0; i < 2; i++)
    fcntl(ends[i], F_SETFD, FD_CLOEXEC);
  return true;
}

/* 0, or the error of the CPU's number. */
static int pin(pthread_attr_t *attributes, uint32_t cpu) {
#ifdef __linux__
  cpu_set_t cpus;
  if (cpu == MIRROR_ABSENT) return 0;
  if (cpu >= CPU_SETSIZE) return EINVAL;
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  return pthread_attr_setaffinity_np(attributes, sizeof cpus, &cpus);
#else
  (void)attributes, (void)cpu;
  return 0;
#endif
}

/* Signals are the host's: its threads get them. */
static int create_thread(mirror_worker *worker, uint32_t cpu) {
  pthread_attr_t attributes;
  sigset_t all, before;
  int error = pthread_attr_init(&attributes);
  if (error) return error;
  error = pin(&attributes, cpu);
  if (!error) {
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    error = pthread_create(&worker->thread, &attributes, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  pthread_attr_destroy(&attributes);
  return error;
}

static int32_t no_thread(int error, uint32_t cpu, mirror_report *report) {
  if (error == EINVAL && cpu != MIRROR_ABSENT)
    return mri_fail_os(report, MIRROR_E_OS, error,
                       "a worker cannot run on CPU %u, expected one that this process may use",
                       cpu);
  return mri_fail_os(report, MIRROR_E_OS, error, "no thread for a worker");
}

static mirror_worker *worker_new(const mirror_worker_options *options) {
  const struct mri_alloc *alloc = &options->tap->context->alloc;
  mirror_worker *worker = mri_zalloc(alloc, 1, sizeof *worker);
  if (!worker) return NULL;
  worker->tap = options->tap;
  worker->alloc = *alloc;
  strncpy(worker->name, options->name ? options->name : "mirror", sizeof worker->name - 1);
  mirror_report_init(&worker->report, sizeof worker->report);
  mirror_report_init(&worker->output_report, sizeof worker->output_report);
  pthread_mutex_init(&worker->lock, NULL);
  uint64_t drops = 0;
  worker->drops_status = mirror_input_drops(options->tap->input, &drops);
  atomic_init(&worker->drops, drops);
  return worker;
}

static void worker_free(mirror_worker *worker) {
  const struct mri_alloc alloc = worker->alloc;
  pthread_mutex_destroy(&worker->lock);
  mri_free(&alloc, worker);
}

static int32_t start(mirror_worker *worker, uint32_t cpu, mirror_report *report) {
  if (!open_pipe(worker->ended))
    return mri_fail_os(report, MIRROR_E_OS, errno, "no pipe for a worker");
  int error = create_thread(worker, cpu);
  if (!error) return MIRROR_OK;
  close(worker->ended[0]);
  close(worker->ended[1]);
  return no_thread(error, cpu, report);
}

int32_t mirror_worker_start(const mirror_worker_options *options, mirror_worker **worker,
                            mirror_report *report) {
  if (!worker) return mri_fail(report, MIRROR_E_ARGUMENT, "mirror_worker_start: worker is NULL");
  mirror_worker_options own;
  mirror_worker_options_init(&own, sizeof own);
  int32_t status =
      mri_sized_read(&own, sizeof own, options, MRI_UP_TO(mirror_worker_options, tap), report);
  if (!status) status = check_options(&own, report);
  if (status) return status;
  mirror_worker *fresh = worker_new(&own);
  if (!fresh) return mri_fail(report, MIRROR_E_NOMEM, "out of memory for a worker");
  status = start(fresh, own.cpu, report);
  if (status)
    worker_free(fresh);
  else
    *worker = fresh;
  return status;
}

/* ---- stop ---- */

static int32_t join(mirror_worker *worker, mirror_report *report) {
  atomic_store(&worker->stopping, true);
  mirror_tap_interrupt(worker->tap);
  pthread_join(worker->thread, NULL);
  if (report && worker->status) mri_report_copy(report, &worker->report);
  return worker->status;
}

int32_t mirror_worker_stop(mirror_worker **worker, mirror_report *report) {
  if (!worker) return mri_fail(report, MIRROR_E_ARGUMENT, "mirror_worker_stop: worker is NULL");
  mirror_worker *taken = __atomic_exchange_n(worker, NULL, __ATOMIC_ACQ_REL);
  if (!taken) return mri_fail(report, MIRROR_E_STATE, "the worker is stopped already");
  int32_t status = join(taken, report);
  close(taken->ended[0]);
  worker_free(taken);
  return status;
}

/* ---- look ---- */

int32_t mirror_worker_descriptor(const mirror_worker *worker, int32_t *fd) {
  if (!worker || !fd) return MIRROR_E_ARGUMENT;
  *fd = worker->ended[0];
  return MIRROR_OK;
}

int32_t mirror_worker_drops(const mirror_worker *worker, uint64_t *packets) {
  if (!worker || !packets) return MIRROR_E_ARGUMENT;
  if (worker->drops_status) return worker->drops_status;
  *packets = atomic_load_explicit(&worker->drops, memory_order_relaxed);
  return MIRROR_OK;
}

int32_t mirror_worker_output_status(mirror_worker *worker, mirror_report *report) {
  if (!worker) return MIRROR_E_ARGUMENT;
  pthread_mutex_lock(&worker->lock);
  int32_t status = worker->output_report.code;
  if (report && status) mri_report_copy(report, &worker->output_report);
  pthread_mutex_unlock(&worker->lock);
  return status;
}
