/*
 * The inside of outputs that put whole Ethernet frames on an interface: "afpacket:" and "xdp:".
 * Copies come as IP packets; the link header is that of their next hop. Linux only.
 *
 * Most copies go past the kernel's queues, through a ring shared with it. Some go the kernel's own
 * way, by a raw IP socket: one at times to each next hop, so that the kernel resolves its neighbour
 * and, seeing it used, keeps it fresh, which needs no privilege; and those that are too long for
 * the ring.
 */
#ifndef MRI_IO_RAW_H
#define MRI_IO_RAW_H

#include "io/hops.h"

enum {
  MRI_RAW_CHUNK = 256, /* copies that are sent at a time */
  MRI_RAW_LINK = 14,   /* octets of an Ethernet header */
  MRI_RAW_FRAMES_MOST = 1 << 15,
};

/* ---- raw_ring.c: the transmit ring of a packet socket ---- */

struct mri_tx_ring {
  int fd; /* -1: closed */
  uint8_t *map;
  size_t map_size;
  uint32_t frames;     /* a power of two */
  uint32_t frame_size; /* with the header that the kernel wants */
  uint32_t next;       /* the frame that is filled next */
  uint32_t filled;     /* frames before it that are still to be sent */
};

/* MIRROR_E_PERMISSION, MIRROR_E_NOMEM, MIRROR_E_OS; mri_tx_ring_close in any case. */
int32_t mri_tx_ring_open(struct mri_tx_ring *ring, const char *device, uint32_t frames,
                         uint32_t longest, uint32_t mark, mirror_report *report);
void mri_tx_ring_close(struct mri_tx_ring *ring);
/* To the interface with this index. False with errno. */
bool mri_tx_ring_bind(struct mri_tx_ring *ring, uint32_t index);
/* The longest frame. */
uint32_t mri_tx_ring_room(const struct mri_tx_ring *ring);
/* Where the next frame is to be written; NULL: the ring is full. */
uint8_t *mri_tx_ring_next(struct mri_tx_ring *ring);
void mri_tx_ring_put(struct mri_tx_ring *ring, uint32_t length);
/* Sends all frames that were put: how many the kernel took. The others are withdrawn; *os_error
 * says why the first of them was not taken. */
uint32_t mri_tx_ring_send(struct mri_tx_ring *ring, int *os_error);

/* ---- raw_xsk.c, or raw_no_xsk.c in builds without libxdp: an AF_XDP socket ---- */

struct mri_xsk;

/*
 * On the first queue of the interface that is free. *xsk is NULL, and the report says why, where
 * there is none: MIRROR_E_UNSUPPORTED, MIRROR_E_NOMEM, MIRROR_E_PERMISSION, MIRROR_E_OS.
 */
int32_t mri_xsk_open(const struct mri_alloc *alloc, const struct mri_port *port, uint32_t frames,
                     uint32_t mark, struct mri_xsk **xsk, mirror_report *report);
void mri_xsk_close(const struct mri_alloc *alloc, struct mri_xsk *xsk);
uint32_t mri_xsk_room(const struct mri_xsk *xsk);
/* NULL: full. */
uint8_t *mri_xsk_next(struct mri_xsk *xsk);
void mri_xsk_put(struct mri_xsk *xsk, uint32_t length);
/*
 * Sends what was put. errors[i] becomes the errno of the i-th frame put since the last call, or 0.
 * False: the socket has lost its interface for good.
 */
bool mri_xsk_send(struct mri_xsk *xsk, int *errors);

/* ---- raw_kernel.c: raw IP sockets ---- */

struct mri_kernel_way {
  int ipv4; /* -1: none */
  int ipv6;
};

int32_t mri_kernel_way_open(struct mri_kernel_way *way, uint32_t mark, mirror_report *report);
void mri_kernel_way_close(struct mri_kernel_way *way);
/* A copy that is an IP packet, out of the interface. 0 or errno. */
int mri_kernel_way_send(const struct mri_kernel_way *way, uint32_t index, const mirror_copy *copy,
                        const uint8_t *source);

/* ---- raw_frame.c ---- */

/* Writes the link header, and the copy behind it; its length. */
uint32_t mri_raw_write(const struct mri_port *port, const struct mri_hop *hop,
                       const mirror_copy *copy, uint8_t *to);
/* Puts a source address into outer IP and UDP headers without one, and corrects checksums. */
void mri_raw_put_source(uint8_t *ip, uint32_t family, const uint8_t *source);
/* The route's source address, if the copy has none; else NULL. */
const uint8_t *mri_raw_source(const struct mri_hop *hop, const mirror_outer *outer);

/* ---- raw.c ---- */

struct mri_raw {
  mirror_context *context;
  const char *what; /* "afpacket" or "xdp" */
  uint32_t frames;
  uint32_t mark;
  struct mri_hops hops;
  struct mri_tx_ring ring;
  struct mri_kernel_way kernel;
  struct mri_xsk *xsk;             /* NULL: the ring is used */
  uint32_t bound_index;            /* interface that the ring is bound to; 0: none */
  bool lost;                       /* the interface is gone, as the log knows */
  uint32_t pending[MRI_RAW_CHUNK]; /* copies whose frames were put and are not sent */
  uint32_t pending_count;
  int errors[MRI_RAW_CHUNK];
  bool full; /* the ring was, after all had been sent, in the present call */
  int64_t now_ns;
  const mirror_copy *refused; /* the last of the call, if refused_status is not 0 */
  int32_t refused_status;
  int refused_error; /* errno, or 0 */
};

/* Opens an output; with `xdp`, by AF_XDP where that is to be had. *raw: mri_raw_close. */
int32_t mri_raw_open(const mirror_open *open, bool xdp, struct mri_raw **raw,
                     mirror_report *report);
void mri_raw_close(struct mri_raw *raw);
/* Binds to the interface that is there now. */
void mri_raw_follow_interface(struct mri_raw *raw);
/* The ring takes the place of an AF_XDP socket, if there is one. */
void mri_raw_lose_xsk(struct mri_raw *raw, const char *why);

/* ---- raw_send.c: with the contracts of the slots of a backend ---- */

int32_t mri_raw_send(struct mri_raw *raw, const mirror_copy *copies, uint32_t count,
                     uint32_t *accepted, mirror_report *report);
int32_t mri_raw_send_each(struct mri_raw *raw, const mirror_copy *copies, uint32_t count,
                          int32_t *statuses, mirror_report *report);

#endif
