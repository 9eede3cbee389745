/* V3: a frame check sequence that a capture says its frames end with is no part of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef MIRROR_WITH_PCAP
#include "io/io.h"

enum { FRAMES = 4, WIRE = 64, FCS = 4, CAPTURE_MAX = 1024 };

/* Captured octets of frames of 64 octets, and what is left without their last 4. */
static const uint32_t captured[FRAMES] = {64, 62, 60, 50};
static const uint32_t left[FRAMES] = {60, 60, 60, 50};

struct capture {
  uint8_t octets[CAPTURE_MAX];
  size_t length;
  bool swapped;
};

static void put32(struct capture *capture, uint32_t value) {
  if (capture->swapped) value = __builtin_bswap32(value);
  memcpy(capture->octets + capture->length, &value, 4);
  capture->length += 4;
}

static void put16(struct capture *capture, uint16_t value) {
  if (capture->swapped) value = __builtin_bswap16(value);
  memcpy(capture->octets + capture->length, &value, 2);
  capture->length += 2;
}

/* Octets of a frame, up to a multiple of `unit`. */
static void put_frame(struct capture *capture, uint32_t length, uint32_t unit) {
  length = (length + unit - 1) / unit * unit;
  memset(capture->octets + capture->length, 0x5a, length);
  capture->length += length;
}

static void put_classic(struct capture *capture, uint32_t link_type) {
  put32(capture, 0xa1b2c3d4);
  put16(capture, 2);
  put16(capture, 4);
  for (uint32_t i = 0; i < 3; i++)
    put32(capture, 0);
  put32(capture, link_type);
  for (uint32_t i = 0; i < FRAMES; i++) {
    put32(capture, 1);
    put32(capture, 0);
    put32(capture, captured[i]);
    put32(capture, WIRE);
    put_frame(capture, captured[i], 1);
  }
}

/* A name of 5 octets, the FCS length if there is one, and the end of the options. */
static void put_interface(struct capture *capture, uint8_t fcs) {
  const uint32_t length = 20 + 12 + (fcs ? 8 : 0) + 4;
  put32(capture, 1);
  put32(capture, length);
  put16(capture, 1);
  put16(capture, 0);
  put32(capture, 0);
  put16(capture, 2);
  put16(capture, 5);
  put_frame(capture, 5, 4);
  if (fcs) {
    const uint8_t value[4] = {fcs};
    put16(capture, 13);
    put16(capture, 1);
    memcpy(capture->octets + capture->length, value, 4);
    capture->length += 4;
  }
  put32(capture, 0);
  put32(capture, length);
}

static void put_packet(struct capture *capture, uint32_t interface, uint32_t caplen) {
  const uint32_t length = 32 + (caplen + 3) / 4 * 4;
  const uint32_t head[] = {6, length, interface, 0, 0, caplen, WIRE};
  for (size_t i = 0; i < sizeof head / sizeof head[0]; i++)
    put32(capture, head[i]);
  put_frame(capture, caplen, 4);
  put32(capture, length);
}

/* Interface 0 says nothing, interface 1 says 4 octets. */
static void put_pcapng(struct capture *capture, uint32_t interface) {
  const uint32_t section[] = {0x0a0d0d0a, 28, 0x1a2b3c4d};
  for (size_t i = 0; i < 3; i++)
    put32(capture, section[i]);
  put16(capture, 1);
  put16(capture, 0);
  put32(capture, UINT32_MAX);
  put32(capture, UINT32_MAX);
  put32(capture, 28);
  put_interface(capture, 0);
  put_interface(capture, FCS);
  for (uint32_t i = 0; i < FRAMES; i++)
    put_packet(capture, interface, captured[i]);
}

static void assert_frames(const struct capture *capture, const uint32_t expected[FRAMES],
                          uint32_t length) {
  char path[] = "test_io_fcs.XXXXXX", uri[64];
  mirror_packet packets[FRAMES];
  mirror_context *context;
  mirror_input *input;
  uint32_t count = 0;
  int fd = mkstemp(path);
  assert_int_equal(write(fd, capture->octets, capture->length), capture->length);
  close(fd);
  snprintf(uri, sizeof uri, "pcap:%s", path);
  assert_int_equal(mirror_context_create(NULL, &context, NULL), MIRROR_OK);
  assert_int_equal(mirror_input_open(context, uri, NULL, &input, NULL), MIRROR_OK);
  unlink(path);
  assert_int_equal(input->backend.receive(input->state, packets, FRAMES, 0, &count, NULL),
                   MIRROR_OK);
  assert_int_equal(count, FRAMES);
  for (uint32_t i = 0; i < FRAMES; i++) {
    assert_int_equal(packets[i].caplen, expected[i]);
    assert_int_equal(packets[i].length, length);
  }
  mirror_input_close(input);
  mirror_context_destroy(context);
}

static void v3_classic_captures_that_tell_their_fcs(void **state) {
  (void)state;
  for (int swapped = 0; swapped < 2; swapped++) {
    struct capture told = {.swapped = swapped}, untold = {.swapped = swapped};
    put_classic(&told, 0x24000001);
    assert_frames(&told, left, WIRE - FCS);
    put_classic(&untold, 0x20000001); /* a length, but not the bit that says it counts */
    assert_frames(&untold, captured, WIRE);
  }
}

static void v3_pcapng_interfaces_that_tell_their_fcs(void **state) {
  (void)state;
  for (int swapped = 0; swapped < 2; swapped++) {
    struct capture told = {.swapped = swapped}, untold = {.swapped = swapped};
    put_pcapng(&told, 1);
    assert_frames(&told, left, WIRE - FCS);
    put_pcapng(&untold, 0);
    assert_frames(&untold, captured, WIRE);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(v3_classic_captures_that_tell_their_fcs),
      cmocka_unit_test(v3_pcapng_interfaces_that_tell_their_fcs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void) {
  return 77;
}

#endif
