/* The parts of bench_change. Each prints what it found. */
#ifndef TESTS_BENCH_CHANGE_H
#define TESTS_BENCH_CHANGE_H

#include <stdint.h>

/* One rule of the list in this file after the other is changed and committed. */
void change_list(const char *path, uint32_t isa);

/* 20,000 sessions of 20,000 sources share 20 filters: one rule of one filter is changed. */
void change_shared_filter(uint32_t isa);

/* A packet thread's batches while nothing is committed, and during 1000 commits. */
void change_under_traffic(const char *path, uint32_t isa);

#endif
