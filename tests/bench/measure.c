#include "bench/measure.h"

#include <libmirror/engine.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

double bench_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void bench_add(struct bench_series *series, double sample) {
  if (series->count < BENCH_SAMPLES_MAX) series->samples[series->count++] = sample;
}

static int compare(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

double bench_quantile(struct bench_series *series, double share) {
  if (!series->count) return 0;
  qsort(series->samples, series->count, sizeof series->samples[0], compare);
  return series->samples[(uint32_t)(share * (series->count - 1) + 0.5)];
}

void *bench_pages(size_t octets) {
  void *pages = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return NULL;
  madvise(pages, octets, MADV_HUGEPAGE); /* slower without, but right */
  return pages;
}

void bench_pages_free(void *pages, size_t octets) {
  if (pages) munmap(pages, octets);
}

void bench_fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(2);
}

uint32_t bench_isa(const char *name) {
  for (uint32_t isa = MIRROR_ISA_AUTO; isa <= MIRROR_ISA_AVX512; isa++) {
    if (strcmp(mirror_isa_name(isa), name) != 0) continue;
    if (mirror_isa_check(isa)) bench_fail("no %s on this machine", name);
    return isa;
  }
  bench_fail("no instruction set \"%s\"", name);
}
