/*
 * bench_match --rules FILE [--trace FILE] [--batch N] [--isa NAME] [--seconds S] [--json]
 *
 * Lookups per second of one rule list, asked through the public API with prepared keys, and what
 * the list was compiled into. Without a trace (IPv6) keys are drawn from the rules. Exit status 1
 * if an answer is wrong, 2 if it could not be measured.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/keys.h"
#include "bench/list.h"
#include "bench/measure.h"

enum { KEYS = 262144, PASSES_MIN = 5 };

struct arguments {
  const char *rules;
  const char *trace;
  uint32_t batch;
  uint32_t isa;
  double seconds;
  bool json;
};

static const char usage[] =
    "usage: bench_match --rules FILE [--trace FILE] [--batch N] [--isa NAME] [--seconds S] "
    "[--json]";

static void set_argument(struct arguments *arguments, int option) {
  switch (option) {
    case 'r':
      arguments->rules = optarg;
      break;
    case 't':
      arguments->trace = optarg;
      break;
    case 'b':
      arguments->batch = (uint32_t)strtoul(optarg, NULL, 10);
      break;
    case 'i':
      arguments->isa = bench_isa(optarg);
      break;
    case 's':
      arguments->seconds = strtod(optarg, NULL);
      break;
    case 'j':
      arguments->json = true;
      break;
    default:
      bench_fail("%s", usage);
  }
}

static struct arguments read_arguments(int argc, char **argv) {
  static const struct option options[] = {{"rules", required_argument, NULL, 'r'},
                                          {"trace", required_argument, NULL, 't'},
                                          {"batch", required_argument, NULL, 'b'},
                                          {"isa", required_argument, NULL, 'i'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"json", no_argument, NULL, 'j'},
                                          {NULL, 0, NULL, 0}};
  struct arguments arguments = {.batch = 256, .isa = MIRROR_ISA_AUTO, .seconds = 1};
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
    set_argument(&arguments, option);
  if (!arguments.rules || !arguments.batch || optind != argc) bench_fail("%s", usage);
  return arguments;
}

/* Seconds for one pass over all keys. */
static double pass(const struct bench_list *list, const struct bench_keys *keys, uint32_t batch) {
  const double start = bench_now();
  for (uint32_t i = 0; i < keys->count; i += batch) {
    const uint32_t count = keys->count - i < batch ? keys->count - i : batch;
    bench_list_match(list, keys->pointer + i, count, keys->found + i);
  }
  return bench_now() - start;
}

/* Millions of lookups per second, pass by pass; the first pass, which warms up, does not count. */
static void measure(const struct bench_list *list, const struct bench_keys *keys,
                    const struct arguments *arguments, struct bench_series *series) {
  pass(list, keys, arguments->batch);
  const double end = bench_now() + arguments->seconds;
  while (series->count < PASSES_MIN || (bench_now() < end && series->count < BENCH_SAMPLES_MAX))
    bench_add(series, keys->count / pass(list, keys, arguments->batch) / 1e6);
}

struct result {
  double median, low, high; /* millions of lookups a second; p10 and p90 */
  uint32_t passes;
  uint32_t wrong;
  uint32_t rules;
  const char *structure;
};

static struct result conclude(const struct bench_list *list, const struct bench_keys *keys,
                              struct bench_series *series) {
  const mirror_list_info *info = &list->info;
  return (struct result){.median = bench_quantile(series, 0.5),
                         .low = bench_quantile(series, 0.1),
                         .high = bench_quantile(series, 0.9),
                         .passes = series->count,
                         .wrong = bench_keys_wrong(keys),
                         .rules = info->rules_ipv4 + info->rules_ipv6,
                         .structure = mirror_structure_name(
                             list->family == 4 ? info->structure_ipv4 : info->structure_ipv6)};
}

static void print_text(const struct arguments *arguments, const struct bench_list *list,
                       const struct bench_keys *keys, const struct result *result) {
  const mirror_list_info *info = &list->info;
  printf("%s: %u IPv%u rules, %u shadowed, %s, %s%s\n", arguments->rules, result->rules,
         list->family, info->shadowed, result->structure, mirror_isa_name(info->isa),
         list->refused ? ", refused by the model (O3): compiled without it" : "");
  printf("build     %.2f ms (with context, rules and commit: %.2f ms)\n",
         1e-6 * (double)info->build_ns, 1e3 * list->seconds);
  printf("memory    %.1f KiB, %.0f octets a rule\n", (double)info->memory / 1024,
         (double)info->memory / result->rules);
  printf("lookups   %.2f M/s (%.2f..%.2f), batches of %u, %u passes of %u keys\n", result->median,
         result->low, result->high, arguments->batch, result->passes, keys->count);
  printf("wrong     %u\n", result->wrong);
}

static void print_json(const struct arguments *arguments, const struct bench_list *list,
                       const struct bench_keys *keys, const struct result *result) {
  const mirror_list_info *info = &list->info;
  printf(
      "{\"rules_file\": \"%s\", \"family\": %u, \"rules\": %u, \"shadowed\": %u, "
      "\"structure\": \"%s\", \"isa\": \"%s\", \"model\": %s, ",
      arguments->rules, list->family, result->rules, info->shadowed, result->structure,
      mirror_isa_name(info->isa), list->refused ? "false" : "true");
  printf("\"build_s\": %.6f, \"whole_build_s\": %.6f, \"memory\": %llu, ",
         1e-9 * (double)info->build_ns, list->seconds, (unsigned long long)info->memory);
  printf(
      "\"batch\": %u, \"passes\": %u, \"keys\": %u, \"mlookups\": %.3f, \"p10\": %.3f, "
      "\"p90\": %.3f, \"mismatches\": %u}\n",
      arguments->batch, result->passes, keys->count, result->median, result->low, result->high,
      result->wrong);
}

int main(int argc, char **argv) {
  static struct bench_series series;
  const struct arguments arguments = read_arguments(argc, argv);
  struct classbench set;
  struct bench_keys keys;
  struct bench_list list;
  const struct bench_options options = {.isa = arguments.isa};
  if (!classbench_read(&set, arguments.rules)) return 2;
  bench_keys_open(&keys, arguments.trace, &set, KEYS);
  if (bench_list_open(&list, set.rules, set.count, &options)) return 2;
  measure(&list, &keys, &arguments, &series);
  const struct result result = conclude(&list, &keys, &series);
  (arguments.json ? print_json : print_text)(&arguments, &list, &keys, &result);
  bench_list_close(&list);
  bench_keys_close(&keys);
  classbench_free(&set);
  return result.wrong ? 1 : 0;
}
