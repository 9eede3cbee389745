#include "io/pcap_snaplen.h"

#include <string.h>

enum {
  FILE_SNAPLEN_AT = 16, /* in a classic file header */
  BLOCK_LEAST = 12,
  BLOCK_BEGINNING = 16, /* all that is looked at */
  LENGTH_AT = 4,
  BYTE_ORDER_AT = 8,      /* section header block */
  ORIGINAL_LENGTH_AT = 8, /* simple packet block */
  SNAPLEN_AT = 12,        /* interface description block */
};

#define SECTION 0x0a0d0d0au /* block types */
#define INTERFACE 1u
#define SIMPLE_PACKET 3u
#define BYTE_ORDER 0x1a2b3c4du

static uint32_t get(const uint8_t *at, bool swapped) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return swapped ? __builtin_bswap32(value) : value;
}

static void put(uint8_t *at, uint32_t value, bool swapped) {
  if (swapped) value = __builtin_bswap32(value);
  memcpy(at, &value, sizeof value);
}

bool mri_pcap_remove_snaplen(uint8_t *header) {
  static const uint32_t magics[] = {0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34, 0xa1b234cd, 0xa12b3c4d};
  for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
    if (get(header, false) != magics[i] && get(header, true) != magics[i]) continue;
    put(header + FILE_SNAPLEN_AT, 0, false);
    return true;
  }
  return false;
}

bool mri_is_pcapng(const uint8_t *header) {
  return get(header, false) == SECTION;
}

static void begin_section(struct mri_pcapng *pcapng, const uint8_t *block) {
  pcapng->swapped = get(block + BYTE_ORDER_AT, false) != BYTE_ORDER;
  pcapng->has_interface = false;
}

static void remove_snaplen(struct mri_pcapng *pcapng, uint8_t *block) {
  if (!pcapng->has_interface) pcapng->snaplen = get(block + SNAPLEN_AT, pcapng->swapped);
  pcapng->has_interface = true;
  put(block + SNAPLEN_AT, 0, false);
}

/* A simple packet does not say what was captured: it follows from the first snapshot length. */
static void cut_simple_packet(const struct mri_pcapng *pcapng, uint8_t *block) {
  uint32_t original = get(block + ORIGINAL_LENGTH_AT, pcapng->swapped);
  if (pcapng->snaplen != 0 && original > pcapng->snaplen)
    put(block + ORIGINAL_LENGTH_AT, pcapng->snaplen, pcapng->swapped);
}

static void see_block(struct mri_pcapng *pcapng, uint8_t *block) {
  uint32_t type = get(block, pcapng->swapped);
  if (type == SECTION) begin_section(pcapng, block);
  if (type == INTERFACE) remove_snaplen(pcapng, block);
  if (type == SIMPLE_PACKET) cut_simple_packet(pcapng, block);
  uint32_t length = get(block + LENGTH_AT, pcapng->swapped);
  pcapng->lost = length < BLOCK_LEAST;
  pcapng->next += length;
}

size_t mri_pcapng_remove_snaplen(struct mri_pcapng *pcapng, uint8_t *octets, uint64_t base,
                                 size_t end) {
  while (!pcapng->lost && pcapng->next + BLOCK_BEGINNING <= base + end)
    see_block(pcapng, octets + (pcapng->next - base));
  return pcapng->lost || pcapng->next >= base + end ? end : (size_t)(pcapng->next - base);
}
