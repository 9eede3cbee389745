#include "bench/frames.h"

#include "bench/measure.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

enum { READ_MAX = 1 << 20 };

static void allocate(struct frames *frames, uint32_t count) {
  memset(frames, 0, sizeof *frames);
  frames->stride = FRAME_STRIDE;
  frames->size = (size_t)count * FRAME_STRIDE;
  frames->octets = bench_pages(frames->size);
  frames->length = calloc(count, sizeof *frames->length);
  if (!frames->octets || !frames->length) bench_fail("out of memory for %u frames", count);
}

static void add(struct frames *frames, const uint8_t *octets, uint32_t length) {
  const uint32_t kept = length < FRAME_MAX ? length : FRAME_MAX;
  memcpy((uint8_t *)(uintptr_t)frame_at(frames, frames->count), octets, kept);
  frames->length[frames->count++] = (uint16_t)kept;
}

static uint32_t count_frames(const char *path) {
  char error[PCAP_ERRBUF_SIZE];
  struct pcap_pkthdr *header;
  const uint8_t *octets;
  uint32_t count = 0;
  pcap_t *pcap = pcap_open_offline(path, error);
  if (!pcap) bench_fail("%s", error);
  if (pcap_datalink(pcap) != DLT_EN10MB) bench_fail("%s: no Ethernet frames", path);
  while (count < READ_MAX && pcap_next_ex(pcap, &header, &octets) == 1)
    count++;
  pcap_close(pcap);
  if (!count) bench_fail("%s: no frames", path);
  return count;
}

void frames_read(struct frames *frames, const char *path) {
  char error[PCAP_ERRBUF_SIZE];
  struct pcap_pkthdr *header;
  const uint8_t *octets;
  const uint32_t count = count_frames(path);
  allocate(frames, count);
  pcap_t *pcap = pcap_open_offline(path, error);
  if (!pcap) bench_fail("%s", error);
  while (frames->count < count && pcap_next_ex(pcap, &header, &octets) == 1)
    add(frames, octets, header->caplen);
  pcap_close(pcap);
}

void frames_spread(struct frames *frames, const struct frames *from, uint32_t count) {
  allocate(frames, count);
  for (uint32_t i = 0; i < count; i++)
    add(frames, frame_at(from, i % from->count), from->length[i % from->count]);
}

void frames_free(struct frames *frames) {
  bench_pages_free(frames->octets, frames->size);
  free(frames->length);
  memset(frames, 0, sizeof *frames);
}
