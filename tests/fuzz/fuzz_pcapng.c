/*
 * pcapng: a file as it is, or blocks put together from the input, whose two lengths agree unless
 * the input says otherwise (a guess would never agree).
 */
#include "fuzz/capture.h"

#include <string.h>

enum { FILE_MAX = 1 << 16, BLOCKS_MAX = 64 };

struct file {
  uint8_t octets[FILE_MAX];
  size_t length;
  bool big_endian;
};

static void put(struct file *file, uint64_t value, uint32_t octets) {
  for (uint32_t i = 0; i < octets && file->length < FILE_MAX; i++) {
    const uint32_t place = file->big_endian ? octets - 1 - i : i;
    file->octets[file->length++] = (uint8_t)(value >> 8 * place);
  }
}

static void copy(struct file *file, struct fuzz *fuzz, size_t wanted) {
  size_t taken;
  const uint8_t *at = fuzz_take(fuzz, wanted, &taken);
  if (taken > FILE_MAX - file->length) taken = FILE_MAX - file->length;
  if (taken) memcpy(file->octets + file->length, at, taken);
  file->length += taken;
  while (taken++ < wanted)
    put(file, 0, 1);
}

static uint32_t draw_type(struct fuzz *fuzz) {
  static const uint32_t types[] = {6, 1, 0x0a0d0d0a, 3, 2, 5, 4, 0x0bad};
  const uint8_t how = fuzz_octet(fuzz);
  return how & 0x80 ? (uint32_t)fuzz_number(fuzz, 4) : types[how % 8];
}

/* The fixed part of a block, so that what follows is options or a packet. */
static void put_fixed(struct file *file, struct fuzz *fuzz, uint32_t type, uint32_t packet) {
  if (type == 0x0a0d0d0a) { /* section header: byte order, version, unknown length */
    put(file, 0x1a2b3c4d, 4);
    put(file, 1, 2);
    put(file, 0, 2);
    put(file, UINT64_MAX, 8);
  } else if (type == 1) { /* interface: link type, snapshot length */
    put(file, fuzz_one_in(fuzz, 4) ? fuzz_number(fuzz, 2) : 1, 2);
    put(file, 0, 2);
    put(file, fuzz_one_in(fuzz, 4) ? fuzz_number(fuzz, 4) : 65535, 4);
  } else if (type == 6) { /* enhanced packet: interface, time, lengths */
    put(file, fuzz_below(fuzz, 4) & 1, 4);
    put(file, fuzz_number(fuzz, 4), 8);
    put(file, packet, 4);
    put(file, packet, 4);
  } else if (type == 3) { /* simple packet: length */
    put(file, packet, 4);
  }
}

static void put_block(struct file *file, struct fuzz *fuzz) {
  const uint32_t type = draw_type(fuzz), body = fuzz_octet(fuzz);
  const size_t start = file->length;
  put(file, type, 4);
  put(file, 0, 4);
  put_fixed(file, fuzz, type, body);
  copy(file, fuzz, body);
  while ((file->length - start) % 4)
    put(file, 0, 1);
  uint32_t length = (uint32_t)(file->length - start) + 4;
  if (fuzz_one_in(fuzz, 16)) length += fuzz_octet(fuzz);
  put(file, length, 4);
  const size_t end = file->length;
  file->length = start + 4;
  if (file->length + 4 <= FILE_MAX) put(file, length, 4);
  file->length = end;
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length) {
  static struct file file;
  struct fuzz fuzz = {octets, length};
  struct fuzz_memory memory = {0};
  fuzz_memory_draw(&memory, &fuzz);
  const uint8_t how = fuzz_octet(&fuzz);
  file.length = 0;
  file.big_endian = how & 2;
  if (how & 1) {
    copy(&file, &fuzz, fuzz.left);
  } else {
    put(&file, 0x0a0d0d0a, 4);
    put(&file, 28, 4);
    put_fixed(&file, &fuzz, 0x0a0d0d0a, 0);
    put(&file, 28, 4);
    for (uint32_t i = 0; i < BLOCKS_MAX && fuzz.left; i++)
      put_block(&file, &fuzz);
  }
  capture_check(file.octets, file.length, &memory);
  return 0;
}
