/* Time, and what a series of measurements says. */
#ifndef TESTS_BENCH_MEASURE_H
#define TESTS_BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

/* Seconds of a clock that only goes forward. */
double bench_now(void);

enum { BENCH_SAMPLES_MAX = 4096 };

/* Of a series that is longer, the first BENCH_SAMPLES_MAX are kept. */
struct bench_series {
  uint32_t count;
  double samples[BENCH_SAMPLES_MAX];
};

void bench_add(struct bench_series *series, double sample);

/* The sample below which this share (0-1) of them lies; sorts the series. 0.5: the median. */
double bench_quantile(struct bench_series *series, double share);

/* Zeroed memory that begins at a page, in huge pages where the system gives them; NULL: none. */
void *bench_pages(size_t octets);
void bench_pages_free(void *pages, size_t octets);

/* Ends the program with status 2. */
_Noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The MIRROR_ISA_ of this name; ends the program if there is none, or none on this machine. */
uint32_t bench_isa(const char *name);

#endif
