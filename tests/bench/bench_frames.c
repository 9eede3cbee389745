/*
 * bench_frames --capture FILE --rules FILE [--batch N] [--isa NAME] [--seconds S] [--cold MIB]
 *
 * Frames per second of mirror_plan_match, which parses and matches, beside a loop that only touches
 * the cache line in which a frame's headers begin, fetched ahead within a batch. Once for few
 * frames that stay in the caches, once for frames in more memory than the caches hold.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/frames.h"
#include "bench/list.h"
#include "bench/measure.h"
#include "support/classbench.h"

enum { BATCH_MAX = 1024, CACHED_FRAMES = 256, PASS_FRAMES = 1 << 18, ROUNDS_MIN = 5, AHEAD = 16 };

struct arguments {
  const char *capture;
  const char *rules;
  uint32_t batch;
  uint32_t isa;
  uint32_t cold_mib;
  double seconds;
};

static const char usage[] =
    "usage: bench_frames --capture FILE --rules FILE [--batch N] [--isa NAME] [--seconds S] "
    "[--cold MIB]";

static uint32_t number(const char *text) {
  return (uint32_t)strtoul(text, NULL, 10);
}

static void set_argument(struct arguments *arguments, int option) {
  switch (option) {
    case 'c':
      arguments->capture = optarg;
      break;
    case 'r':
      arguments->rules = optarg;
      break;
    case 'b':
      arguments->batch = number(optarg);
      break;
    case 'i':
      arguments->isa = bench_isa(optarg);
      break;
    case 's':
      arguments->seconds = strtod(optarg, NULL);
      break;
    case 'm':
      arguments->cold_mib = number(optarg);
      break;
    default:
      bench_fail("%s", usage);
  }
}

static struct arguments read_arguments(int argc, char **argv) {
  static const struct option options[] = {{"capture", required_argument, NULL, 'c'},
                                          {"rules", required_argument, NULL, 'r'},
                                          {"batch", required_argument, NULL, 'b'},
                                          {"isa", required_argument, NULL, 'i'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"cold", required_argument, NULL, 'm'},
                                          {NULL, 0, NULL, 0}};
  struct arguments arguments = {
      .batch = 256, .isa = MIRROR_ISA_AUTO, .cold_mib = 2048, .seconds = 1};
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
    set_argument(&arguments, option);
  if (!arguments.capture || !arguments.rules || optind != argc || !arguments.cold_mib ||
      !arguments.batch || arguments.batch > BATCH_MAX)
    bench_fail("%s", usage);
  return arguments;
}

/* What both loops do: take the next batch of frames, round and round. */
static uint32_t next_batch(const struct frames *frames, uint32_t source, uint32_t batch,
                           uint32_t *at, mirror_packet *packets) {
  if (*at == frames->count) *at = 0;
  uint32_t count = frames->count - *at < batch ? frames->count - *at : batch;
  for (uint32_t i = 0; i < count; i++, ++*at)
    packets[i] = (mirror_packet){.data = frame_at(frames, *at),
                                 .caplen = frames->length[*at],
                                 .length = frames->length[*at],
                                 .source = source,
                                 .link_type = MIRROR_LINK_ETHERNET,
                                 .direction = MIRROR_INGRESS};
  return count;
}

static uint32_t touch(const mirror_packet *packets, uint32_t count) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (i + AHEAD < count) __builtin_prefetch(packets[i + AHEAD].data);
    sum += packets[i].data[0];
  }
  return sum;
}

struct totals {
  uint64_t frames;
  uint64_t matched;
  uint32_t touched; /* only so that the loop is not left out */
};

/* Millions of frames per second, over PASS_FRAMES frames. */
static double pass(const struct bench_list *list, const struct frames *frames, uint32_t batch,
                   bool match, uint32_t *at, struct totals *totals) {
  mirror_packet packets[BATCH_MAX];
  uint32_t first[BATCH_MAX];
  uint32_t done = 0;
  const double start = bench_now();
  for (uint32_t count; done < PASS_FRAMES; done += count) {
    count = next_batch(frames, list->source, batch, at, packets);
    if (match)
      mirror_plan_match_packets(list->plan, list->source, MIRROR_INGRESS, packets, count, first);
    else
      totals->touched += touch(packets, count);
    for (uint32_t i = 0; match && i < count; i++)
      totals->matched += first[i] != MIRROR_NO_RULE;
  }
  const double rate = done / (bench_now() - start) / 1e6;
  totals->frames += match ? done : 0;
  return rate;
}

/* Both loops in turn, so that what disturbs one disturbs the other. */
static void measure(const char *name, const struct bench_list *list, const struct frames *frames,
                    const struct arguments *arguments) {
  static struct bench_series series[2];
  struct totals totals = {0};
  uint32_t at = 0;
  series[0].count = series[1].count = 0;
  for (unsigned match = 0; match < 2; match++)
    pass(list, frames, arguments->batch, match, &at, &totals);
  const double end = bench_now() + arguments->seconds;
  while (series[0].count < ROUNDS_MIN ||
         (bench_now() < end && series[0].count < BENCH_SAMPLES_MAX)) {
    for (unsigned match = 0; match < 2; match++)
      bench_add(&series[match], pass(list, frames, arguments->batch, match, &at, &totals));
  }
  const double touched = bench_quantile(&series[0], 0.5), matched = bench_quantile(&series[1], 0.5);
  printf("%-7s %8u frames  touch %8.2f (%.2f..%.2f)  match %8.2f (%.2f..%.2f) M/s  ratio %.3f",
         name, frames->count, touched, bench_quantile(&series[0], 0.1),
         bench_quantile(&series[0], 0.9), matched, bench_quantile(&series[1], 0.1),
         bench_quantile(&series[1], 0.9), matched / touched);
  printf("  %.1f%% matched", 100 * (double)totals.matched / (double)totals.frames);
  printf("%s\n", totals.touched == 1 ? " " : "");
}

int main(int argc, char **argv) {
  const struct arguments arguments = read_arguments(argc, argv);
  const struct bench_options options = {.isa = arguments.isa};
  struct classbench set;
  struct bench_list list;
  struct frames read, spread;
  if (!classbench_read(&set, arguments.rules)) return 2;
  if (bench_list_open(&list, set.rules, set.count, &options)) return 2;
  if (list.refused) bench_fail("%s: the model refuses this list (O3)", arguments.rules);
  frames_read(&read, arguments.capture);
  printf("%s, %u rules, %s, batches of %u\n", arguments.rules, set.count,
         mirror_isa_name(list.info.isa), arguments.batch);
  frames_spread(&spread, &read, CACHED_FRAMES);
  measure("cached", &list, &spread, &arguments);
  frames_free(&spread);
  frames_spread(&spread, &read, arguments.cold_mib * (1024 * 1024 / FRAME_STRIDE));
  measure("cold", &list, &spread, &arguments);
  frames_free(&spread);
  frames_free(&read);
  bench_list_close(&list);
  classbench_free(&set);
  return 0;
}
