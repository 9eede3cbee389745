/*
 * AF_XDP transmission. No program is loaded, and the socket receives nothing. It copies frames into
 * the kernel's buffers (XDP_COPY) on purpose: zero copy would make drivers take the receive buffers
 * of the queue from this socket too, and the host would lose what arrives there.
 */
#include "io/raw.h"

#include <errno.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <xdp/xsk.h>

#ifndef XDP_MAX_TX_SKB_BUDGET /* Linux 6.17 */
#define XDP_MAX_TX_SKB_BUDGET 9
#endif

enum {
  FRAME_LEAST = 1 << 11,
  FRAME_MOST = 1 << 12, /* the system allows no more than a page */
  BUDGET = 32,          /* frames that one sendto sends, at least */
  FILL = 64,            /* the ring for received frames has to exist */
};

struct mri_xsk {
  struct xsk_umem *umem;
  struct xsk_socket *socket;
  struct xsk_ring_prod tx;
  struct xsk_ring_prod fill;
  struct xsk_ring_cons done;
  uint8_t *map;
  size_t map_size;
  uint32_t frames;
  uint32_t frame_size;
  uint32_t put;       /* frames that are still to be sent */
  uint32_t available; /* addresses in free[] */
  uint64_t free[];    /* the frame used last is used again first: it is in the cache */
};

static int32_t fail(const char *device, int os_error, const char *what, mirror_report *report) {
  int32_t code = os_error == EPERM || os_error == EACCES              ? MIRROR_E_PERMISSION
                 : os_error == ENOMEM || os_error == ENOBUFS          ? MIRROR_E_NOMEM
                 : os_error == EOPNOTSUPP || os_error == EAFNOSUPPORT ? MIRROR_E_UNSUPPORTED
                                                                      : MIRROR_E_OS;
  return mri_fail_os(report, code, os_error, "interface \"%s\": %s", device, what);
}

static int create_umem(struct mri_xsk *xsk) {
  const struct xsk_umem_config config = {
      .fill_size = FILL, .comp_size = xsk->frames, .frame_size = xsk->frame_size};
  void *map = mmap(NULL, xsk->map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return -errno;
  xsk->map = map;
  return xsk_umem__create(&xsk->umem, map, xsk->map_size, &xsk->fill, &xsk->done, &config);
}

/* A queue belongs to one socket; where all are taken, the system says of the next that it is none.
 */
static int create_socket(struct mri_xsk *xsk, const char *device) {
  const struct xsk_socket_config config = {
      .tx_size = xsk->frames,
      .libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
      .bind_flags = XDP_COPY | XDP_USE_NEED_WAKEUP,
  };
  int error = -EBUSY;
  for (uint32_t queue = 0; error == -EBUSY; queue++)
    error = xsk_socket__create(&xsk->socket, device, queue, xsk->umem, NULL, &xsk->tx, &config);
  return error;
}

/* As for the ring: see there. */
static void set_limits(const struct mri_xsk *xsk, uint32_t mark) {
  int fd = xsk_socket__fd(xsk->socket), octets = (int)xsk->map_size;
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &octets, sizeof octets) < 0)
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &octets, sizeof octets);
  if (mark) setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark);
  setsockopt(fd, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &xsk->frames, sizeof xsk->frames);
}

static int32_t create(struct mri_xsk *xsk, const char *device, uint32_t mark,
                      mirror_report *report) {
  int error = create_umem(xsk);
  if (error) return fail(device, -error, "no memory for AF_XDP", report);
  error = create_socket(xsk, device);
  if (error) return fail(device, -error, "no AF_XDP socket on any of its queues", report);
  set_limits(xsk, mark);
  for (uint32_t i = 0; i < xsk->frames; i++)
    xsk->free[xsk->available++] = (uint64_t)i * xsk->frame_size;
  return MIRROR_OK;
}

int32_t mri_xsk_open(const struct mri_alloc *alloc, const struct mri_port *port, uint32_t frames,
                     uint32_t mark, struct mri_xsk **xsk, mirror_report *report) {
  *xsk = NULL;
  if (port->type != ARPHRD_ETHER)
    return mri_fail(report, MIRROR_E_UNSUPPORTED, "interface \"%s\" is not Ethernet", port->name);
  struct mri_xsk *fresh = mri_zalloc(alloc, 1, sizeof *fresh + frames * sizeof fresh->free[0]);
  if (!fresh) return mri_fail(report, MIRROR_E_NOMEM, "out of memory");
  fresh->frames = frames;
  fresh->frame_size = port->mtu + MRI_RAW_LINK <= FRAME_LEAST ? FRAME_LEAST : FRAME_MOST;
  fresh->map_size = (size_t)frames * fresh->frame_size;
  int32_t status = create(fresh, port->name, mark, report);
  if (status)
    mri_xsk_close(alloc, fresh);
  else
    *xsk = fresh;
  return status;
}

void mri_xsk_close(const struct mri_alloc *alloc, struct mri_xsk *xsk) {
  if (!xsk) return;
  if (xsk->socket) xsk_socket__delete(xsk->socket);
  if (xsk->umem) xsk_umem__delete(xsk->umem);
  if (xsk->map) munmap(xsk->map, xsk->map_size);
  mri_free(alloc, xsk);
}

uint32_t mri_xsk_room(const struct mri_xsk *xsk) {
  return xsk->frame_size;
}

/* Frames that the system is done with. */
static void reap(struct mri_xsk *xsk) {
  uint32_t at = 0, count = xsk_ring_cons__peek(&xsk->done, xsk->frames - xsk->available, &at);
  for (uint32_t i = 0; i < count; i++)
    xsk->free[xsk->available++] = *xsk_ring_cons__comp_addr(&xsk->done, at + i);
  if (count) xsk_ring_cons__release(&xsk->done, count);
}

uint8_t *mri_xsk_next(struct mri_xsk *xsk) {
  if (xsk->available == 0) reap(xsk);
  if (xsk->available == 0 || xsk_prod_nb_free(&xsk->tx, 1) == 0) return NULL;
  return xsk->map + xsk->free[xsk->available - 1];
}

void mri_xsk_put(struct mri_xsk *xsk, uint32_t length) {
  uint32_t at = 0;
  xsk_ring_prod__reserve(&xsk->tx, 1, &at); /* there was room, see mri_xsk_next */
  *xsk_ring_prod__tx_desc(&xsk->tx, at) =
      (struct xdp_desc){.addr = xsk->free[--xsk->available], .len = length};
  xsk->put++;
}

/*
 * The device has dropped the frame that the kernel took last, and it stopped there. Releases before
 * Linux 6.17 do not say at once where that is: then another one of these frames stands for it.
 * False: there is none left.
 */
static bool charge(const struct mri_xsk *xsk, int *errors, uint32_t count) {
  uint32_t first = xsk->tx.cached_prod - count;
  uint32_t dropped = __atomic_load_n(xsk->tx.consumer, __ATOMIC_ACQUIRE) - first - 1;
  if (dropped >= count || errors[dropped])
    for (dropped = 0; dropped < count && errors[dropped];)
      dropped++;
  if (dropped < count) errors[dropped] = ENOBUFS;
  return dropped < count;
}

/* The queue cannot go on now; what is in it stays there and is sent with what comes next. */
static bool is_passing(int os_error) {
  return os_error == EAGAIN || os_error == EINTR || os_error == ENOBUFS || os_error == ENOMEM ||
         os_error == ENETDOWN;
}

static void fail_all(int *errors, uint32_t count, int os_error) {
  for (uint32_t i = 0; i < count; i++)
    errors[i] = os_error;
}

bool mri_xsk_send(struct mri_xsk *xsk, int *errors) {
  uint32_t count = xsk->put, calls = count / BUDGET + 2;
  int fd = xsk_socket__fd(xsk->socket);
  xsk->put = 0;
  memset(errors, 0, count * sizeof *errors);
  xsk_ring_prod__submit(&xsk->tx, count);
  while (calls-- && sendto(fd, NULL, 0, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0) < 0) {
    if (errno == EBUSY) {
      if (charge(xsk, errors, count)) calls++; /* one frame less is left, so this ends */
    } else if (!is_passing(errno)) {
      fail_all(errors, count, errno);
      return false;
    } else if (errno != EAGAIN) {
      break;
    }
  }
  reap(xsk);
  return true;
}
