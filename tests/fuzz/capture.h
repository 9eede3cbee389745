/* A capture in memory, read through the pcap backend: what both harnesses of captures check. */
#ifndef TESTS_FUZZ_CAPTURE_H
#define TESTS_FUZZ_CAPTURE_H

#include "fuzz/fuzz.h"

/*
 * Reads it one packet at a time and in batches, which must give the same packets and the same end,
 * and once more with allocations that fail. Packets lie inside the file: all of them together are
 * no longer than it is. A fault stays, with its offset inside the file.
 */
void capture_check(const uint8_t *octets, size_t length, struct fuzz_memory *memory);

#endif
