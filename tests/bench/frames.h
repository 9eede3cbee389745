/* The frames of a capture in memory, as many times over as asked for. */
#ifndef TESTS_BENCH_FRAMES_H
#define TESTS_BENCH_FRAMES_H

#include <stddef.h>
#include <stdint.h>

/* Frames stand 2 KiB apart behind some headroom, as in the buffers of network cards. */
enum { FRAME_STRIDE = 2048, FRAME_HEADROOM = 128, FRAME_MAX = FRAME_STRIDE - FRAME_HEADROOM };

struct frames {
  uint8_t *octets;
  size_t size;
  uint32_t stride;
  uint32_t count;
  uint16_t *length; /* captured octets of each, at most FRAME_MAX */
};

/* All frames of an Ethernet capture, one after the other. Ends the program if it cannot. */
void frames_read(struct frames *frames, const char *path);

/* `count` of these frames, repeated or the first few, in buffers of their own. */
void frames_spread(struct frames *frames, const struct frames *from, uint32_t count);
void frames_free(struct frames *frames);

static inline const uint8_t *frame_at(const struct frames *frames, uint32_t i) {
  return frames->octets + (size_t)i * frames->stride + FRAME_HEADROOM;
}

#endif
