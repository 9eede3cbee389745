/* Packets from a socket's queue, for an input that must not wait until a block is full or its time
 * is over. Each packet costs more than in a ring. */
#include "io/afpacket.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  BATCH = 32,
  ROOM = 16, /* for the tag, so that the virtio-net header behind it is aligned */
};

/* Time stamp and tag. */
union control {
  struct cmsghdr align;
  uint8_t octets[CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(struct tpacket_auxdata))];
};

struct mri_queue {
  uint32_t snaplen;
  uint32_t stride; /* octets from one buffer to the next */
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH];
  struct sockaddr_ll from[BATCH];
  union control controls[BATCH];
  uint8_t buffers[];
};

static bool set(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* What a ring of these options holds may wait here. Beyond the system's limit that needs
 * CAP_NET_ADMIN; without, the queue is as long as the limit. */
static bool set_length(int fd, const struct mri_afpacket_options *options) {
  const int octets = (int)(options->blocks * options->block_size);
  return set(fd, SOL_SOCKET, SO_RCVBUFFORCE, octets) || set(fd, SOL_SOCKET, SO_RCVBUF, octets);
}

int32_t mri_queue_open(struct mri_ring *ring, int fd, const struct mri_afpacket_options *options,
                       mirror_report *report) {
  *ring = (struct mri_ring){.fd = fd};
  if (set(fd, SOL_PACKET, PACKET_VNET_HDR, 1) && set(fd, SOL_PACKET, PACKET_AUXDATA, 1) &&
      set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1) && set_length(fd, options))
    return MIRROR_OK;
  int32_t code = errno == ENOMEM || errno == ENOBUFS ? MIRROR_E_NOMEM : MIRROR_E_OS;
  int32_t status = mri_fail_os(report, code, errno, "interface \"%s\": cannot prepare the queue",
                               options->device);
  mri_ring_close(ring);
  return status;
}

struct mri_queue *mri_queue_create(const struct mri_alloc *alloc, uint32_t snaplen) {
  uint32_t stride = (ROOM + MRI_OFFLOADS_ROOM + snaplen + ROOM - 1) / ROOM * ROOM;
  struct mri_queue *queue = mri_zalloc(alloc, 1, sizeof *queue + (size_t)BATCH * stride);
  if (!queue) return NULL;
  queue->snaplen = snaplen;
  queue->stride = stride;
  return queue;
}

static uint8_t *buffer_at(struct mri_queue *queue, uint32_t i) {
  return queue->buffers + (size_t)i * queue->stride + ROOM;
}

static void prepare(struct mri_queue *queue, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    queue->parts[i] = (struct iovec){buffer_at(queue, i), MRI_OFFLOADS_ROOM + queue->snaplen};
    queue->messages[i].msg_hdr = (struct msghdr){
        .msg_name = &queue->from[i],
        .msg_namelen = sizeof queue->from[i],
        .msg_iov = &queue->parts[i],
        .msg_iovlen = 1,
        .msg_control = &queue->controls[i],
        .msg_controllen = sizeof queue->controls[i],
    };
  }
}

/* What the kernel tells beside the frame. */
static void read_control(struct msghdr *message, mirror_packet *packet, struct mri_tag *tag) {
  for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
    if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_TIMESTAMPNS) {
      struct timespec time;
      memcpy(&time, CMSG_DATA(at), sizeof time);
      packet->time_ns = time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
    } else if (at->cmsg_level == SOL_PACKET && at->cmsg_type == PACKET_AUXDATA) {
      struct tpacket_auxdata data;
      memcpy(&data, CMSG_DATA(at), sizeof data);
      *tag = (struct mri_tag){data.tp_status, data.tp_vlan_tpid, data.tp_vlan_tci};
      packet->length = data.tp_len;
    }
  }
}

static void take(struct mri_queue *queue, uint32_t i, mirror_packet *packet) {
  struct mri_tag tag = {0};
  uint32_t octets = queue->messages[i].msg_len;
  uint32_t captured = octets > MRI_OFFLOADS_ROOM ? octets - MRI_OFFLOADS_ROOM : 0;
  *packet = (mirror_packet){.caplen = captured, .length = captured};
  read_control(&queue->messages[i].msg_hdr, packet, &tag);
  mri_frame_complete(packet, buffer_at(queue, i) + MRI_OFFLOADS_ROOM, &queue->from[i], &tag,
                     queue->snaplen);
}

uint32_t mri_queue_read(struct mri_queue *queue, int fd, mirror_packet *packets, uint32_t capacity,
                        int *os_error) {
  *os_error = 0;
  if (capacity > BATCH) capacity = BATCH;
  prepare(queue, capacity);
  int count = fd < 0 ? 0 : recvmmsg(fd, queue->messages, capacity, MSG_DONTWAIT, NULL);
  if (count < 0 && errno != EAGAIN) *os_error = errno;
  if (count < 0) return 0;
  for (uint32_t i = 0; i < (uint32_t)count; i++)
    take(queue, i, &packets[i]);
  return (uint32_t)count;
}
