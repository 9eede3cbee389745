#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench/change.h"
#include "bench/list.h"
#include "bench/measure.h"
#include "support/classbench.h"
#include "support/draw.h"

enum {
  CHANGES_MIN = 30,
  CHANGES_MAX = 1000,
  SECONDS_MAX = 10,
  COMMITS = 1000,
  PAUSE_US = 1000,
  BATCH = 64,
  BATCHES_MAX = 8 << 20,
};

static struct bench_list open_list(const char *path, uint32_t isa, struct classbench *set) {
  const struct bench_options options = {.isa = isa};
  struct bench_list list;
  if (!classbench_read(set, path)) exit(2);
  if (bench_list_open(&list, set->rules, set->count, &options)) exit(2);
  if (list.refused) bench_fail("%s: the model refuses this list (O3)", path);
  return list;
}

/* Another destination for a rule; returns the seconds that the commit took. */
static double change_one(struct bench_list *list, const struct classbench *set, struct draw *draw) {
  const uint32_t place = draw_below(draw, set->count);
  struct mri_match_rule rule = set->rules[place];
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  const uint32_t octets = rule.family == 4 ? 4 : 16;
  for (uint32_t i = 0; i < octets; i++)
    rule.destination[i] = (uint8_t)draw_below(draw, 256);
  rule.destination_length = (uint8_t)(octets * 8);
  int32_t status = bench_list_stage(list->change, place, &rule, false, &report);
  const double start = bench_now();
  if (!status) status = mirror_transaction_commit(list->change, &report);
  if (status) bench_fail("%s", report.text);
  return bench_now() - start;
}

/* The marks that changes have to meet: a list of about 10,000, and one of about 30. */
static const char *mark(uint32_t rules, double seconds) {
  if (rules >= 7000 && rules <= 13000) return seconds <= 20e-3 ? "  <= 20 ms" : "  OVER 20 ms";
  if (rules >= 20 && rules <= 40) return seconds <= 50e-6 ? "  <= 50 us" : "  OVER 50 us";
  return "";
}

void change_list(const char *path, uint32_t isa) {
  static struct bench_series series;
  struct classbench set;
  struct draw draw;
  struct bench_list list = open_list(path, isa, &set);
  draw_seed(&draw, 1);
  series.count = 0;
  const double end = bench_now() + SECONDS_MAX;
  while (series.count < CHANGES_MIN || (series.count < CHANGES_MAX && bench_now() < end))
    bench_add(&series, change_one(&list, &set, &draw));
  const double median = bench_quantile(&series, 0.5);
  printf("%s: %u rules, %s: %u changes, commit %.1f us (%.1f..%.1f, at most %.1f)%s\n", path,
         set.count, mirror_isa_name(list.info.isa), series.count, 1e6 * median,
         1e6 * bench_quantile(&series, 0.1), 1e6 * bench_quantile(&series, 0.9),
         1e6 * bench_quantile(&series, 1), mark(set.count, median));
  bench_list_close(&list);
  classbench_free(&set);
}

/* ---- under traffic ---- */

/*
 * A packet thread with a tap; the time of every batch is kept. What the system takes the processor
 * away for is in that time; waiting shows in the other two: a lock lets the thread sleep of its own
 * accord, and a loop that waits uses processor time.
 */
struct traffic {
  mirror_tap *tap;
  mirror_packet packets[BATCH];
  uint8_t frames[BATCH][64];
  float *seconds;
  uint32_t batches;
  double slowest_cpu; /* seconds of processor time */
  long sleeps;
  atomic_bool stop;
};

static int32_t take_copies(void *user, const mirror_copy *copies, uint32_t count,
                           uint32_t *accepted, mirror_report *report) {
  (void)user, (void)copies, (void)report;
  *accepted = count;
  return MIRROR_OK;
}

/* TCP over IPv4, inside rules of the list. */
static void make_frames(struct traffic *traffic, const struct classbench *set) {
  static const uint8_t head[24] = {[0] = 2, [6] = 2, [12] = 8, [14] = 0x45, [17] = 50, [22] = 64};
  struct draw draw;
  draw_seed(&draw, 2);
  for (uint32_t i = 0; i < BATCH; i++) {
    uint8_t *frame = traffic->frames[i];
    mirror_key key;
    draw_inside(&draw, &set->rules[draw_below(&draw, set->count)], &key);
    memcpy(frame, head, sizeof head);
    frame[23] = key.protocol;
    memcpy(frame + 26, key.source, 4);
    memcpy(frame + 30, key.destination, 4);
    frame[34] = (uint8_t)(key.source_port >> 8);
    frame[35] = (uint8_t)key.source_port;
    frame[36] = (uint8_t)(key.destination_port >> 8);
    frame[37] = (uint8_t)key.destination_port;
    traffic->packets[i] = (mirror_packet){
        .data = frame, .caplen = 64, .length = 64, .link_type = MIRROR_LINK_ETHERNET};
  }
}

static double cpu_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static long sleeps_now(void) {
  struct rusage usage;
  return getrusage(RUSAGE_THREAD, &usage) ? -1 : usage.ru_nvcsw;
}

static void *run_traffic(void *user) {
  struct traffic *traffic = user;
  const long sleeps = sleeps_now();
  while (!atomic_load_explicit(&traffic->stop, memory_order_relaxed)) {
    const double cpu = cpu_now(), start = bench_now();
    mirror_tap_submit(traffic->tap, traffic->packets, BATCH, NULL);
    const double seconds = bench_now() - start, cpu_seconds = cpu_now() - cpu;
    if (traffic->batches < BATCHES_MAX) traffic->seconds[traffic->batches++] = (float)seconds;
    if (cpu_seconds > traffic->slowest_cpu) traffic->slowest_cpu = cpu_seconds;
  }
  traffic->sleeps = sleeps_now() - sleeps;
  return NULL;
}

static int compare(const void *a, const void *b) {
  const float *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static void print_traffic(const char *name, const struct traffic *traffic) {
  const uint32_t count = traffic->batches;
  if (!count) bench_fail("the packet thread did not run");
  qsort(traffic->seconds, count, sizeof traffic->seconds[0], compare);
  printf(
      "  %-18s %8u batches of %d: median %.2f us, 99.9 %% %.2f us, slowest %.1f us "
      "(%.1f us of processor time), slept %ld times\n",
      name, count, BATCH, 1e6 * (double)traffic->seconds[count / 2],
      1e6 * (double)traffic->seconds[(uint64_t)count * 999 / 1000],
      1e6 * (double)traffic->seconds[count - 1], 1e6 * traffic->slowest_cpu, traffic->sleeps);
}

/* As long in both cases: with each pause a commit, or none. */
static void run_phase(const char *name, struct traffic *traffic, struct bench_list *list,
                      const struct classbench *set, bool commit) {
  pthread_t thread;
  struct draw draw;
  draw_seed(&draw, 3);
  traffic->batches = 0;
  traffic->slowest_cpu = 0;
  atomic_store(&traffic->stop, false);
  if (pthread_create(&thread, NULL, run_traffic, traffic)) bench_fail("no thread");
  for (uint32_t i = 0; i < COMMITS; i++) {
    if (commit) change_one(list, set, &draw);
    usleep(PAUSE_US);
  }
  atomic_store(&traffic->stop, true);
  pthread_join(thread, NULL);
  print_traffic(name, traffic);
}

static mirror_output *open_output(mirror_context *context) {
  mirror_callback_output callback;
  mirror_output *output;
  mirror_callback_output_init(&callback, sizeof callback);
  callback.send = take_copies;
  if (mirror_output_open(context, "callback:", &callback, &output, NULL)) bench_fail("no output");
  return output;
}

void change_under_traffic(const char *path, uint32_t isa) {
  static struct traffic traffic;
  struct classbench set;
  struct bench_list list = open_list(path, isa, &set);
  mirror_output *output = open_output(list.context);
  mirror_tap_options options;
  mirror_tap_options_init(&options, sizeof options);
  options.direction = MIRROR_INGRESS;
  options.source_id = "source";
  options.output = output;
  if (mirror_tap_create(list.context, &options, &traffic.tap, NULL)) bench_fail("no tap");
  traffic.seconds = bench_pages(BATCHES_MAX * sizeof *traffic.seconds);
  if (!traffic.seconds) bench_fail("out of memory for times");
  memset(traffic.seconds, 0, BATCHES_MAX * sizeof *traffic.seconds);
  if (set.family == 4) make_frames(&traffic, &set);
  printf("%s: a packet thread\n", path);
  run_phase("without commits", &traffic, &list, &set, false);
  run_phase("during 1000", &traffic, &list, &set, true);
  bench_pages_free(traffic.seconds, BATCHES_MAX * sizeof *traffic.seconds);
  mirror_tap_destroy(traffic.tap);
  mirror_output_close(output);
  bench_list_close(&list);
  classbench_free(&set);
}
