#include "io/pcap_adapt.h"

#include <string.h>

enum {
  FILE_MAJOR_AT = 4, /* in a classic file header */
  FILE_MINOR_AT = 6,
  FILE_SNAPLEN_AT = 16,
  FILE_LINK_AT = 20,
  BLOCK_BEGINNING = 16, /* all that is looked at */
  LENGTH_AT = 4,
  BYTE_ORDER_AT = 8,      /* section header block */
  ORIGINAL_LENGTH_AT = 8, /* simple packet block */
  LINK_TYPE_AT = 8,       /* interface description block */
  SNAPLEN_AT = 12,
  OPTIONS_AT = 16,
  OPTIONS_WAIT = 1 << 16, /* a longer interface block is not waited for */
  INTERFACE_AT = 8,       /* packet blocks */
  AHEAD = 1 << MRI_PCAPNG_AHEAD_LOG2,
};

#define SECTION 0x0a0d0d0au /* block types */
#define INTERFACE 1u
#define OLD_PACKET 2u
#define SIMPLE_PACKET 3u
#define ENHANCED_PACKET 6u
#define BYTE_ORDER 0x1a2b3c4du
#define MAGIC 0xa1b2c3d4u
#define NANOSECOND_MAGIC 0xa1b23c4du
#define FCS_IS_KNOWN 0x04000000u /* in a classic link type, with the length in its upper 4 bits */
#define FCS_SHIFT 28
#define FCS_OPTION 13u /* if_fcslen */

static uint16_t get16(const uint8_t *at, bool swapped) {
  uint16_t value;
  memcpy(&value, at, sizeof value);
  return swapped ? __builtin_bswap16(value) : value;
}

static uint32_t get(const uint8_t *at, bool swapped) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return swapped ? __builtin_bswap32(value) : value;
}

static void put16(uint8_t *at, uint16_t value, bool swapped) {
  if (swapped) value = __builtin_bswap16(value);
  memcpy(at, &value, sizeof value);
}

static void put(uint8_t *at, uint32_t value, bool swapped) {
  if (swapped) value = __builtin_bswap32(value);
  memcpy(at, &value, sizeof value);
}

static bool is_plain(const uint8_t *header, uint32_t magic, bool swapped) {
  return (magic == MAGIC || magic == NANOSECOND_MAGIC) &&
         get16(header + FILE_MAJOR_AT, swapped) == 2 && get16(header + FILE_MINOR_AT, swapped) == 4;
}

bool mri_pcap_adapt(uint8_t *header, struct mri_pcap_classic *classic) {
  static const uint32_t magics[] = {NANOSECOND_MAGIC, MAGIC, 0xa1b2cd34, 0xa1b234cd, 0xa12b3c4d};
  for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
    const bool swapped = get(header, false) != magics[i];
    if (get(header, swapped) != magics[i]) continue;
    put(header + FILE_SNAPLEN_AT, 0, false);
    uint32_t link = get(header + FILE_LINK_AT, swapped);
    classic->plain = is_plain(header, magics[i], swapped);
    classic->swapped = swapped;
    classic->fcs = link & FCS_IS_KNOWN ? (uint16_t)(2 * (link >> FCS_SHIFT)) : 0;
    classic->unit_ns = magics[i] == NANOSECOND_MAGIC ? 1 : 1000;
    return true;
  }
  return false;
}

bool mri_is_pcapng(const uint8_t *header) {
  return get(header, false) == SECTION;
}

bool mri_pcapng_start(struct mri_pcapng *pcapng, const struct mri_alloc *alloc) {
  pcapng->alloc = alloc;
  pcapng->packet = mri_zalloc(alloc, AHEAD, sizeof *pcapng->packet);
  return pcapng->packet != NULL;
}

void mri_pcapng_stop(struct mri_pcapng *pcapng) {
  if (!pcapng->alloc) return;
  mri_free(pcapng->alloc, pcapng->packet);
  mri_free(pcapng->alloc, pcapng->interface);
}

static void begin_section(struct mri_pcapng *pcapng, const uint8_t *block) {
  pcapng->swapped = get(block + BYTE_ORDER_AT, false) != BYTE_ORDER;
  pcapng->interfaces = 0;
}

static bool reserve_interface(struct mri_pcapng *pcapng) {
  if (pcapng->interfaces < pcapng->capacity) return true;
  uint32_t capacity = pcapng->capacity ? pcapng->capacity * 2 : 8;
  struct mri_pcap_frames *grown =
      mri_resize(pcapng->alloc, pcapng->interface, capacity, sizeof *pcapng->interface);
  if (!grown) return false;
  pcapng->interface = grown;
  pcapng->capacity = capacity;
  return true;
}

/* Of an interface block of which `length` octets are there. */
static uint16_t fcs_of(const struct mri_pcapng *pcapng, const uint8_t *block, size_t length) {
  size_t at = OPTIONS_AT;
  while (at + 5 <= length) {
    uint32_t code = get16(block + at, pcapng->swapped);
    uint32_t octets = get16(block + at + 2, pcapng->swapped);
    if (code == 0) break;
    if (code == FCS_OPTION && octets == 1) return block[at + 4];
    at += 4 + (octets + 3) / 4 * 4;
  }
  return 0;
}

static void see_interface(struct mri_pcapng *pcapng, uint8_t *block, size_t there) {
  uint32_t length = get(block + LENGTH_AT, pcapng->swapped);
  uint16_t link = get16(block + LINK_TYPE_AT, pcapng->swapped);
  pcapng->out_of_memory = !reserve_interface(pcapng);
  if (pcapng->out_of_memory) return;
  if (!pcapng->has_link) pcapng->first_link = link;
  pcapng->has_link = true;
  if (pcapng->interfaces == 0) pcapng->snaplen = get(block + SNAPLEN_AT, pcapng->swapped);
  uint16_t fcs = fcs_of(pcapng, block, length < there ? length : there);
  pcapng->interface[pcapng->interfaces++] = (struct mri_pcap_frames){link, fcs};
  put16(block + LINK_TYPE_AT, pcapng->first_link, pcapng->swapped);
  put(block + SNAPLEN_AT, 0, false);
}

/* Of an interface that is not there libpcap makes an error. */
static void see_packet(struct mri_pcapng *pcapng, uint32_t interface) {
  struct mri_pcap_frames frames = {0, 0};
  if (interface < pcapng->interfaces) frames = pcapng->interface[interface];
  pcapng->packet[pcapng->seen++ % AHEAD] = frames;
}

/* A simple packet does not say what was captured: it follows from the first snapshot length. */
static void see_simple_packet(struct mri_pcapng *pcapng, uint8_t *block) {
  uint32_t original = get(block + ORIGINAL_LENGTH_AT, pcapng->swapped);
  if (pcapng->snaplen != 0 && original > pcapng->snaplen)
    put(block + ORIGINAL_LENGTH_AT, pcapng->snaplen, pcapng->swapped);
  see_packet(pcapng, 0);
}

static void see_block(struct mri_pcapng *pcapng, uint8_t *block, size_t there) {
  uint32_t type = get(block, pcapng->swapped);
  if (type == SECTION) begin_section(pcapng, block);
  if (type == INTERFACE) see_interface(pcapng, block, there);
  if (type == OLD_PACKET) see_packet(pcapng, get16(block + INTERFACE_AT, pcapng->swapped));
  if (type == SIMPLE_PACKET) see_simple_packet(pcapng, block);
  if (type == ENHANCED_PACKET) see_packet(pcapng, get(block + INTERFACE_AT, pcapng->swapped));
  uint32_t length = get(block + LENGTH_AT, pcapng->swapped);
  pcapng->lost = length < MRI_PCAPNG_LEAST_BLOCK;
  pcapng->next += length;
}

/* Enough of a block is there to be seen; of an interface, the options too. */
static bool can_see(const struct mri_pcapng *pcapng, const uint8_t *block, size_t there) {
  if (there < BLOCK_BEGINNING) return false;
  uint32_t length = get(block + LENGTH_AT, pcapng->swapped);
  bool waits = get(block, pcapng->swapped) == INTERFACE && length <= OPTIONS_WAIT;
  return !waits || length <= there;
}

size_t mri_pcapng_adapt(struct mri_pcapng *pcapng, uint8_t *octets, uint64_t base, size_t end) {
  while (!pcapng->lost && !pcapng->out_of_memory && pcapng->next <= base + end) {
    size_t at = (size_t)(pcapng->next - base);
    if (!can_see(pcapng, octets + at, end - at)) break;
    see_block(pcapng, octets + at, end - at);
  }
  return pcapng->lost || pcapng->next >= base + end ? end : (size_t)(pcapng->next - base);
}

struct mri_pcap_frames mri_pcapng_next(struct mri_pcapng *pcapng) {
  return pcapng->packet[pcapng->read++ % AHEAD];
}
