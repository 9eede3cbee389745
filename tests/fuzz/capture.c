#include "fuzz/capture.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BATCH = 7 };

struct reading {
  uint64_t digest;
  uint64_t packets;
  uint64_t octets;
  int32_t end;
  uint64_t offset; /* of the damage */
};

static void absorb(struct reading *reading, const void *data, size_t length) {
  const uint8_t *at = data;
  for (size_t i = 0; i < length; i++)
    reading->digest = (reading->digest ^ at[i]) * UINT64_C(0x100000001b3);
}

static void see(struct reading *reading, const mirror_packet *packet) {
  mirror_key key;
  reading->packets++;
  reading->octets += packet->caplen;
  absorb(reading, &packet->time_ns, sizeof packet->time_ns);
  absorb(reading, &packet->length, sizeof packet->length);
  absorb(reading, &packet->link_type, sizeof packet->link_type);
  absorb(reading, packet->data, packet->caplen);
  FUZZ_CHECK(mirror_packet_key(packet, &key, NULL) == MIRROR_OK);
}

static void read_all(mirror_input *input, uint32_t capacity, struct reading *reading) {
  mirror_packet packets[BATCH];
  mirror_report report;
  uint32_t count;
  mirror_report_init(&report, sizeof report);
  for (;;) {
    reading->end = mirror_input_receive(input, packets, capacity, -1, &count, &report);
    if (reading->end) break;
    FUZZ_CHECK(count >= 1 && count <= capacity);
    for (uint32_t i = 0; i < count; i++)
      see(reading, &packets[i]);
    mirror_input_release(input);
  }
  FUZZ_CHECK(count == 0);
  reading->offset = report.offset;
  FUZZ_CHECK(mirror_input_receive(input, packets, capacity, -1, &count, NULL) == reading->end);
}

static mirror_context *open_context(struct fuzz_memory *memory) {
  mirror_context_options options;
  mirror_context *context = NULL;
  mirror_context_options_init(&options, sizeof options);
  options.isa = MIRROR_ISA_SCALAR;
  fuzz_memory_use(memory, &options);
  FUZZ_CHECK(mirror_context_create(&options, &context, NULL) == MIRROR_OK);
  return context;
}

/* The context is made once: it has no part in this. */
static struct fuzz_memory *reader_memory(mirror_context **context) {
  static struct fuzz_memory memory;
  static mirror_context *made;
  if (!made) made = open_context(&memory);
  *context = made;
  return &memory;
}

static bool read_file(const char *uri, uint32_t capacity, struct reading *reading) {
  mirror_context *context;
  mirror_input *input;
  struct fuzz_memory *memory = reader_memory(&context);
  const long blocks = memory->blocks;
  uint64_t done = 0, total = 0;
  *reading = (struct reading){.digest = 1};
  reading->end = mirror_input_open(context, uri, NULL, &input, NULL);
  if (reading->end == MIRROR_OK) {
    read_all(input, capacity, reading);
    if (mirror_input_progress(input, &done, &total) == MIRROR_OK) FUZZ_CHECK(done <= total);
    mirror_input_close(input);
  }
  FUZZ_CHECK(memory->blocks == blocks);
  return reading->end != MIRROR_E_NOMEM;
}

static void read_without_memory(const char *uri, const struct fuzz_memory *how) {
  mirror_context *context;
  struct reading reading;
  struct fuzz_memory *memory = reader_memory(&context);
  if (!how->failing) return;
  memory->calls = memory->failed = 0;
  memory->failing = how->failing;
  memory->onwards = how->onwards;
  const bool had_memory = read_file(uri, BATCH, &reading);
  FUZZ_CHECK(had_memory || memory->failed > 0);
  memory->failing = 0;
}

void capture_check(const uint8_t *octets, size_t length, struct fuzz_memory *memory) {
  struct reading single, batches;
  char uri[64];
  const int fd = memfd_create("capture", MFD_CLOEXEC);
  if (fd < 0 || write(fd, octets, length) != (ssize_t)length) {
    if (fd >= 0) close(fd);
    return;
  }
  snprintf(uri, sizeof uri, "pcap:/proc/self/fd/%d", fd);
  FUZZ_CHECK(read_file(uri, 1, &single));
  FUZZ_CHECK(read_file(uri, BATCH, &batches));
  FUZZ_CHECK(memcmp(&single, &batches, sizeof single) == 0);
  FUZZ_CHECK(single.octets <= length && single.offset <= length);
  read_without_memory(uri, memory);
  close(fd);
}
