/* The inside of "afpacket:" inputs: a ring of blocks shared with the kernel, and the interface that
 * it follows by name. Linux only. */
#ifndef MRI_IO_AFPACKET_H
#define MRI_IO_AFPACKET_H

#include "io/io.h"
#include "io/wait.h"

#include <net/if.h>
#include <stdbool.h>

struct sockaddr_ll;
struct tpacket3_hdr;

/* What the URI says. */
struct mri_afpacket_options {
  char device[IFNAMSIZ];
  uint32_t blocks;
  uint32_t block_size;
  uint32_t retire_ms;
  uint32_t fanout; /* MIRROR_ABSENT: none */
  uint32_t promiscuous;
  uint32_t snaplen;
  uint32_t mark; /* of packets to be left out; 0: none */
  uint32_t low_latency;
};

/* ---- afpacket_device.c: the interface ---- */

struct mri_device {
  int index;
  uint32_t link_type; /* MIRROR_LINK_ */
};

enum mri_device_state { MRI_DEVICE_GONE, MRI_DEVICE_DOWN, MRI_DEVICE_UP };

/* MIRROR_LINK_ of a device's type (ARPHRD_); UINT16_MAX: packets that cannot be mirrored. */
uint16_t mri_link_of_device(uint32_t device_type);
/* By name, in the network namespace of the socket. MIRROR_E_NO_DEVICE, MIRROR_E_LINK_TYPE. */
int32_t mri_device_find(int fd, const char *name, struct mri_device *device, mirror_report *report);
/* Of the interface that a packet socket is bound to. */
enum mri_device_state mri_device_state(int fd);

/* ---- afpacket_socket.c: the socket ---- */

/* A packet socket that receives nothing yet. MIRROR_E_PERMISSION, MIRROR_E_OS. */
int32_t mri_afpacket_socket(const struct mri_afpacket_options *options, int *fd,
                            mirror_report *report);
/* Starts receiving from the device, in its fanout group, promiscuous if asked for. A socket that is
 * in no group may be attached again when its device is gone. */
int32_t mri_afpacket_attach(const struct mri_afpacket_options *options, int fd,
                            const struct mri_device *device, mirror_report *report);
/* Packets dropped since the last call: the kernel forgets what it has told. */
uint64_t mri_afpacket_drops(int fd);

/* ---- afpacket_frame.c: a captured frame ---- */

/* Octets in front of a frame: its virtio-net header, and before that room for the tag. */
enum { MRI_OFFLOADS_ROOM = 10, MRI_TAG_ROOM = 4 };

/* The outermost VLAN tag, which the kernel has taken out of the frame; status: TP_STATUS_. */
struct mri_tag {
  uint32_t status;
  uint32_t type;
  uint32_t control;
};

/* Completes a packet whose lengths and time are filled in, from what stands in front of the frame
 * and beside it. */
void mri_frame_complete(mirror_packet *packet, uint8_t *frame, const struct sockaddr_ll *from,
                        const struct mri_tag *tag, uint32_t snaplen);

/* ---- afpacket_ring.c: the blocks ---- */

struct mri_ring {
  int fd; /* owned; -1: closed */
  uint8_t *map;
  size_t map_size;
  uint32_t block_size;
  uint32_t blocks;
  uint32_t snaplen;
  uint32_t block;            /* the one being read */
  uint32_t left;             /* packets in it that are still to be read; 0: not begun */
  struct tpacket3_hdr *next; /* the first of them */
  uint32_t held;             /* blocks before it that are read and not yet given back */
};

/* Takes the socket, also on failure. MIRROR_E_NOMEM, MIRROR_E_OS. */
int32_t mri_ring_open(struct mri_ring *ring, int fd, const struct mri_afpacket_options *options,
                      mirror_report *report);
void mri_ring_close(struct mri_ring *ring);
/* Views of the packets that are there, at most `capacity`. They stay until mri_ring_release. */
uint32_t mri_ring_read(struct mri_ring *ring, mirror_packet *packets, uint32_t capacity);
void mri_ring_release(struct mri_ring *ring);

/* ---- afpacket_queue.c: one packet at a time, as soon as it is there ---- */

struct mri_queue;

/* Takes the socket, which has no ring then, also on failure; *ring is closed but for it.
 * MIRROR_E_NOMEM, MIRROR_E_OS. */
int32_t mri_queue_open(struct mri_ring *ring, int fd, const struct mri_afpacket_options *options,
                       mirror_report *report);
/* Buffers of an input, which outlive its sockets. NULL: out of memory. */
struct mri_queue *mri_queue_create(const struct mri_alloc *alloc, uint32_t snaplen);
/* As mri_ring_read; the views stay until the next call. With none, *os_error is why, or 0. */
uint32_t mri_queue_read(struct mri_queue *queue, int fd, mirror_packet *packets, uint32_t capacity,
                        int *os_error);

/* ---- afpacket.c ---- */

struct mri_raw;

struct mri_afpacket {
  struct mri_raw *output; /* NULL: an input, which the rest is about */
  mirror_context *context;
  struct mri_afpacket_options options;
  struct mri_wait wait;
  struct mri_ring ring;    /* owns the socket, also where there is a queue instead */
  struct mri_queue *queue; /* NULL: a ring */
  int timer;
  bool readable; /* as the last wait said */
  bool refusing; /* and yet a queue gave nothing */
  bool watching; /* the interface is down or gone: it is to be looked for */
  bool ticking;  /* the timer is set to do so */
  bool lost;     /* the interface is gone, as the log knows */
  uint32_t link_type;
  uint64_t drops;
};

/* ---- afpacket_output.c, in builds with libmnl ---- */

int32_t mri_afpacket_open_output(void *state, const mirror_open *open, mirror_report *report);
uint32_t mri_afpacket_layer(void *state);
int32_t mri_afpacket_send(void *state, const mirror_copy *copies, uint32_t count,
                          uint32_t *accepted, mirror_report *report);
int32_t mri_afpacket_send_each(void *state, const mirror_copy *copies, uint32_t count,
                               int32_t *statuses, mirror_report *report);
void mri_afpacket_close_output(void *state);

#endif
