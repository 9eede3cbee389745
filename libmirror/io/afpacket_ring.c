/* The ring of blocks that the kernel fills and we empty (TPACKET_V3). */
#include "io/afpacket.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  FRAME = 2048, /* the kernel wants a number that divides the block; frames have any length */
  AHEAD = 1024, /* octets */
  LINE = 64,    /* of the processor's cache */
  /* TPACKET_ALIGN, which mixes signs */
  HEADER = (sizeof(struct tpacket3_hdr) + TPACKET_ALIGNMENT - 1) & ~(TPACKET_ALIGNMENT - 1u),
};

static int32_t fail(const struct mri_afpacket_options *options, mirror_report *report) {
  int os_error = errno;
  bool memory = os_error == ENOMEM || os_error == ENOBUFS;
  return mri_fail_os(report, memory ? MIRROR_E_NOMEM : MIRROR_E_OS, os_error,
                     "interface \"%s\": no ring of %u blocks of %u octets", options->device,
                     options->blocks, options->block_size);
}

static bool set_option(int fd, int name, const void *value, socklen_t length) {
  return setsockopt(fd, SOL_PACKET, name, value, length) == 0;
}

/* Room is reserved in front of each frame for the tag that the kernel took out, and right in front
 * of it stands its virtio-net header. */
static bool make_ring(int fd, const struct mri_afpacket_options *options) {
  const int version = TPACKET_V3, offloads = 1;
  const unsigned reserve = MRI_TAG_ROOM;
  const struct tpacket_req3 request = {
      .tp_block_size = options->block_size,
      .tp_block_nr = options->blocks,
      .tp_frame_size = FRAME,
      .tp_frame_nr = options->block_size / FRAME * options->blocks,
      .tp_retire_blk_tov = options->retire_ms,
  };
  return set_option(fd, PACKET_VERSION, &version, sizeof version) &&
         set_option(fd, PACKET_RESERVE, &reserve, sizeof reserve) &&
         set_option(fd, PACKET_VNET_HDR, &offloads, sizeof offloads) &&
         set_option(fd, PACKET_RX_RING, &request, sizeof request);
}

int32_t mri_ring_open(struct mri_ring *ring, int fd, const struct mri_afpacket_options *options,
                      mirror_report *report) {
  *ring = (struct mri_ring){
      .fd = fd,
      .map_size = (size_t)options->blocks * options->block_size,
      .block_size = options->block_size,
      .blocks = options->blocks,
      .snaplen = options->snaplen,
  };
  void *map = MAP_FAILED;
  if (make_ring(fd, options))
    map = mmap(NULL, ring->map_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (map != MAP_FAILED) {
    ring->map = map;
    return MIRROR_OK;
  }
  int32_t status = fail(options, report);
  mri_ring_close(ring);
  return status;
}

void mri_ring_close(struct mri_ring *ring) {
  if (ring->map) munmap(ring->map, ring->map_size);
  if (ring->fd >= 0) close(ring->fd);
  *ring = (struct mri_ring){.fd = -1}; /* nothing to read, nothing to give back */
}

static struct tpacket_block_desc *block_at(const struct mri_ring *ring, uint32_t index) {
  return (struct tpacket_block_desc *)(ring->map + (size_t)index * ring->block_size);
}

static void next_block(struct mri_ring *ring) {
  ring->block = ring->block + 1 == ring->blocks ? 0 : ring->block + 1;
  ring->held++;
}

/* Begins the next block that has packets; false if the kernel has handed over none. */
static bool begin_block(struct mri_ring *ring) {
  while (ring->held < ring->blocks) {
    struct tpacket_block_desc *block = block_at(ring, ring->block);
    if (!(__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
      return false;
    ring->left = block->hdr.bh1.num_pkts;
    ring->next = (struct tpacket3_hdr *)((uint8_t *)block + block->hdr.bh1.offset_to_first_pkt);
    if (ring->left) return true;
    next_block(ring);
  }
  return false;
}

/* The kernel has filled the block on another processor: from there each line takes a while, and one
 * packet says where the next one is. So what follows is asked for well before it is read. */
static void ask_ahead(const struct tpacket3_hdr *header) {
  for (uint32_t i = 0; i < header->tp_next_offset && i < AHEAD; i += LINE)
    __builtin_prefetch((const uint8_t *)header + AHEAD + i);
}

/* The view of one packet. Its own device is told: the ring may still have some of a former one. */
static void take(struct mri_ring *ring, mirror_packet *packet) {
  struct tpacket3_hdr *header = ring->next;
  ask_ahead(header);
  const struct mri_tag tag = {header->tp_status, header->hv1.tp_vlan_tpid, header->hv1.tp_vlan_tci};
  *packet = (mirror_packet){
      .caplen = header->tp_snaplen,
      .length = header->tp_len,
      .time_ns = (int64_t)header->tp_sec * 1000000000 + header->tp_nsec,
  };
  mri_frame_complete(packet, (uint8_t *)header + header->tp_mac,
                     (const struct sockaddr_ll *)((uint8_t *)header + HEADER), &tag, ring->snaplen);
  ring->next = (struct tpacket3_hdr *)((uint8_t *)header + header->tp_next_offset);
  if (--ring->left == 0) next_block(ring);
}

uint32_t mri_ring_read(struct mri_ring *ring, mirror_packet *packets, uint32_t capacity) {
  uint32_t count = 0;
  while (count < capacity && (ring->left || begin_block(ring)))
    take(ring, &packets[count++]);
  return count;
}

void mri_ring_release(struct mri_ring *ring) {
  for (; ring->held; ring->held--) {
    uint32_t index = (ring->block + ring->blocks - ring->held) % ring->blocks;
    __atomic_store_n(&block_at(ring, index)->hdr.bh1.block_status, TP_STATUS_KERNEL,
                     __ATOMIC_RELEASE);
  }
}
