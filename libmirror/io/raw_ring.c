/*
 * The transmit ring of a packet socket (TPACKET_V3). The kernel looks at it during sendto alone,
 * from the frame where it stopped last, and stops at the first one that it cannot send.
 */
#include "io/raw.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  /* Where a frame stands. As TPACKET3_HDRLEN without an address, whose macro mixes signs. */
  DATA = (sizeof(struct tpacket3_hdr) + TPACKET_ALIGNMENT - 1) & ~(TPACKET_ALIGNMENT - 1u),
  BLOCK_LEAST = 1 << 16,
  FRAME_LEAST = 1 << 11,
  FRAME_MOST = 1 << 14, /* jumbo frames; longer ones go the kernel's way */
};

static int32_t fail(const char *device, const char *what, mirror_report *report) {
  if (errno == EPERM || errno == EACCES)
    return mri_fail_os(report, MIRROR_E_PERMISSION, errno,
                       "sending on \"%s\" needs the capability CAP_NET_RAW, expected root or a "
                       "program that has it",
                       device);
  return mri_fail_os(report, errno == ENOMEM || errno == ENOBUFS ? MIRROR_E_NOMEM : MIRROR_E_OS,
                     errno, "interface \"%s\": %s", device, what);
}

static bool set(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

static uint32_t frame_size(uint32_t longest) {
  uint32_t size = FRAME_LEAST;
  while (size < FRAME_MOST && size < longest + DATA)
    size *= 2;
  return size;
}

static bool make_ring(struct mri_tx_ring *ring) {
  uint32_t block = (uint32_t)ring->map_size < BLOCK_LEAST ? (uint32_t)ring->map_size : BLOCK_LEAST;
  const struct tpacket_req3 request = {
      .tp_block_size = block,
      .tp_block_nr = (uint32_t)ring->map_size / block,
      .tp_frame_size = ring->frame_size,
      .tp_frame_nr = ring->frames,
  };
  return set(ring->fd, SOL_PACKET, PACKET_VERSION, TPACKET_V3) &&
         set(ring->fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1) &&
         setsockopt(ring->fd, SOL_PACKET, PACKET_TX_RING, &request, sizeof request) == 0;
}

/* Frames in flight are charged to the socket: as many as the ring has, where that is allowed. */
static void set_limits(const struct mri_tx_ring *ring, uint32_t mark) {
  int octets = (int)(ring->map_size < INT32_MAX / 2 ? ring->map_size : INT32_MAX / 2);
  if (!set(ring->fd, SOL_SOCKET, SO_SNDBUFFORCE, octets))
    set(ring->fd, SOL_SOCKET, SO_SNDBUF, octets);
  if (mark) set(ring->fd, SOL_SOCKET, SO_MARK, (int)mark);
}

int32_t mri_tx_ring_open(struct mri_tx_ring *ring, const char *device, uint32_t frames,
                         uint32_t longest, uint32_t mark, mirror_report *report) {
  ring->frames = frames;
  ring->frame_size = frame_size(longest);
  ring->map_size = (size_t)ring->frames * ring->frame_size;
  ring->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (ring->fd < 0) return fail(device, "no packet socket", report);
  set_limits(ring, mark);
  if (!make_ring(ring)) return fail(device, "no transmit ring", report);
  void *map = mmap(NULL, ring->map_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
  if (map == MAP_FAILED) return fail(device, "no memory for its transmit ring", report);
  ring->map = map;
  return MIRROR_OK;
}

void mri_tx_ring_close(struct mri_tx_ring *ring) {
  if (ring->map) munmap(ring->map, ring->map_size);
  if (ring->fd >= 0) close(ring->fd);
  *ring = (struct mri_tx_ring){.fd = -1};
}

/* Protocol 0: nothing is received. */
bool mri_tx_ring_bind(struct mri_tx_ring *ring, uint32_t index) {
  const struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = (int)index};
  return bind(ring->fd, (const struct sockaddr *)&address, sizeof address) == 0;
}

uint32_t mri_tx_ring_room(const struct mri_tx_ring *ring) {
  return ring->frame_size - DATA;
}

static struct tpacket3_hdr *frame_at(const struct mri_tx_ring *ring, uint32_t index) {
  return (struct tpacket3_hdr *)(ring->map +
                                 (size_t)(index & (ring->frames - 1)) * ring->frame_size);
}

/* The frame's status says who has it: AVAILABLE is ours. */
static uint32_t status_of(struct tpacket3_hdr *frame) {
  return __atomic_load_n(&frame->tp_status, __ATOMIC_ACQUIRE);
}

static void set_status(struct tpacket3_hdr *frame, uint32_t status) {
  __atomic_store_n(&frame->tp_status, status, __ATOMIC_RELEASE);
}

/* The kernel may leave bits that say when a frame was sent. */
static bool is_free(struct tpacket3_hdr *frame) {
  return !(status_of(frame) & (TP_STATUS_SEND_REQUEST | TP_STATUS_SENDING));
}

uint8_t *mri_tx_ring_next(struct mri_tx_ring *ring) {
  struct tpacket3_hdr *frame = frame_at(ring, ring->next);
  return ring->filled < ring->frames && is_free(frame) ? (uint8_t *)frame + DATA : NULL;
}

void mri_tx_ring_put(struct mri_tx_ring *ring, uint32_t length) {
  struct tpacket3_hdr *frame = frame_at(ring, ring->next++);
  frame->tp_len = length;
  frame->tp_snaplen = length;
  frame->tp_next_offset = 0;
  set_status(frame, TP_STATUS_SEND_REQUEST);
  ring->filled++;
}

static bool is_taken(struct tpacket3_hdr *frame) {
  return !(status_of(frame) & (TP_STATUS_SEND_REQUEST | TP_STATUS_WRONG_FORMAT));
}

/* Where the kernel stopped is where it goes on. */
static void withdraw(struct mri_tx_ring *ring, uint32_t first) {
  for (uint32_t i = first; i != ring->next; i++)
    set_status(frame_at(ring, i), TP_STATUS_AVAILABLE);
  ring->next = first;
}

/* What a call of sendto says is about the frame at which it stopped; it says nothing of that after
 * it has sent others, and then it lacked memory for it. */
uint32_t mri_tx_ring_send(struct mri_tx_ring *ring, int *os_error) {
  uint32_t first = ring->next - ring->filled, at = first;
  ssize_t sent = sendto(ring->fd, NULL, 0, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
  *os_error = sent < 0 ? errno : EAGAIN;
  while (at != ring->next && is_taken(frame_at(ring, at)))
    at++;
  withdraw(ring, at);
  ring->filled = 0;
  return at - first;
}
