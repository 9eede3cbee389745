/* Nanoseconds as system calls want them. */
#ifndef MRI_IO_DURATION_H
#define MRI_IO_DURATION_H

#include <stdint.h>
#include <time.h>

/* Of a negative time, 0. At most 68 years, which time_t holds where it has 32 bits. */
static inline struct timespec mri_timespec(int64_t ns) {
  const int64_t second = INT64_C(1000000000), most = INT32_MAX * second;
  if (ns < 0) ns = 0;
  if (ns > most) ns = most;
  return (struct timespec){.tv_sec = (time_t)(ns / second), .tv_nsec = (long)(ns % second)};
}

#endif
