/* Classic captures: the first octet chooses a whole file header, or none; then the file. */
#include "fuzz/capture.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER = 24 };

/* Microseconds and nanoseconds, either byte order, Ethernet; snapshot length 65535. */
static size_t draw_header(uint8_t how, struct fuzz *fuzz, uint8_t header[HEADER]) {
  static const uint8_t magics[4][4] = {{0xa1, 0xb2, 0xc3, 0xd4},
                                       {0xd4, 0xc3, 0xb2, 0xa1},
                                       {0xa1, 0xb2, 0x3c, 0x4d},
                                       {0x4d, 0x3c, 0xb2, 0xa1}};
  if (!(how & 4)) return 0;
  const bool little = how & 1;
  memset(header, 0, HEADER);
  memcpy(header, magics[how % 4], 4);
  header[little ? 4 : 5] = 2;
  header[little ? 6 : 7] = 4;
  header[little ? 16 : 18] = header[little ? 17 : 19] = 0xff;
  header[little ? 20 : 23] = how & 8 ? fuzz_octet(fuzz) : 1;
  header[little ? 23 : 20] = how & 16 ? fuzz_octet(fuzz) : 0; /* frame check sequence */
  return HEADER;
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length) {
  struct fuzz fuzz = {octets, length};
  struct fuzz_memory memory = {0};
  fuzz_memory_draw(&memory, &fuzz);
  const uint8_t how = fuzz_octet(&fuzz);
  uint8_t header[HEADER];
  const size_t first = draw_header(how, &fuzz, header);
  size_t rest;
  const uint8_t *at = fuzz_take(&fuzz, SIZE_MAX, &rest);
  uint8_t *file = malloc(first + rest + 1);
  if (!file) return 0;
  memcpy(file, header, first);
  if (rest) memcpy(file + first, at, rest);
  capture_check(file, first + rest, &memory);
  free(file);
  return 0;
}
