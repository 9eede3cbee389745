/* "afpacket:IFNAME": packets of an interface, both directions, from a ring shared with the kernel,
 * or for low latency from the socket's queue. Its output side is in afpacket_output.c. */
#include "io/afpacket.h"

#include "io/options.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
  TICK_NS = 100 * 1000 * 1000, /* how often a missing interface is looked for */
  BLOCK_LEAST = 1 << 17,       /* a super-frame must not be cut */
  BLOCK_MOST = 1 << 22,
  RETIRE_MOST_MS = 50,
};
_Static_assert(RETIRE_MOST_MS * 1000 * 1000 < TICK_NS,
               "what a lost interface left is handed over before it is looked for");

/* ---- open ---- */

static int32_t check_options(const mirror_open *open, const struct mri_afpacket_options *options,
                             mirror_report *report) {
  uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);
  if (!*options->device)
    return mri_fail(report, MIRROR_E_URI, "\"%s\" names no interface, expected afpacket:IFNAME",
                    open->uri);
  if (options->block_size % page)
    return mri_fail(report, MIRROR_E_URI, "\"%s\": block_size is %u, expected a multiple of %u",
                    open->uri, options->block_size, page);
  if ((uint64_t)options->blocks * options->block_size > INT32_MAX)
    return mri_fail(report, MIRROR_E_URI,
                    "\"%s\": %u blocks of %u octets are too much, expected less than 2 GiB",
                    open->uri, options->blocks, options->block_size);
  return MIRROR_OK;
}

static int32_t read_options(const mirror_open *open, struct mri_afpacket_options *options,
                            mirror_report *report) {
  *options = (struct mri_afpacket_options){
      .blocks = 64,
      .block_size = 1 << 18,
      .retire_ms = 1,
      .fanout = MIRROR_ABSENT,
      .snaplen = 1 << 18,
      .mark = MIRROR_SOCKET_MARK,
  };
  const struct mri_option known[] = {
      {"blocks", &options->blocks, 2, 1 << 15},
      {"block_size", &options->block_size, BLOCK_LEAST, BLOCK_MOST},
      {"retire_ms", &options->retire_ms, 1, RETIRE_MOST_MS},
      {"fanout", &options->fanout, 0, UINT16_MAX},
      {"promisc", &options->promiscuous, 0, 1},
      {"snaplen", &options->snaplen, 14, 1 << 18},
      {"mark", &options->mark, 0, UINT32_MAX},
      {"low_latency", &options->low_latency, 0, 1},
  };
  int32_t status = mri_options_read(open, known, sizeof known / sizeof *known, options->device,
                                    sizeof options->device, report);
  return status ? status : check_options(open, options, report);
}

/* A socket with a ring, or a queue, that receives from the interface. */
static int32_t open_ring(const struct mri_afpacket_options *options, struct mri_ring *ring,
                         uint32_t *link_type, mirror_report *report) {
  int fd;
  struct mri_device device;
  int32_t status = mri_afpacket_socket(options, &fd, report);
  if (status) return status;
  status = mri_device_find(fd, options->device, &device, report);
  if (status) {
    close(fd);
    return status;
  }
  status = (options->low_latency ? mri_queue_open : mri_ring_open)(ring, fd, options, report);
  if (status) return status;
  status = mri_afpacket_attach(options, fd, &device, report);
  if (status)
    mri_ring_close(ring);
  else
    *link_type = device.link_type;
  return status;
}

static void close_input(struct mri_afpacket *input) {
  mri_ring_close(&input->ring);
  if (input->timer >= 0) close(input->timer);
  mri_wait_close(&input->wait);
  mri_free(&input->context->alloc, input->queue);
}

static int32_t open_all(struct mri_afpacket *input, mirror_report *report) {
  if (!mri_wait_open(&input->wait) ||
      (input->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) < 0 ||
      !mri_wait_add(&input->wait, input->timer))
    return mri_fail_os(report, MIRROR_E_OS, errno, "interface \"%s\": no descriptors to wait with",
                       input->options.device);
  if (input->options.low_latency)
    input->queue = mri_queue_create(&input->context->alloc, input->options.snaplen);
  if (input->options.low_latency && !input->queue)
    return mri_fail(report, MIRROR_E_NOMEM, "interface \"%s\": out of memory",
                    input->options.device);
  int32_t status = open_ring(&input->options, &input->ring, &input->link_type, report);
  if (!status && !mri_wait_add(&input->wait, input->ring.fd))
    status = mri_fail_os(report, MIRROR_E_OS, errno, "interface \"%s\": cannot wait for it",
                         input->options.device);
  return status;
}

static int32_t open_input(void *state, const mirror_open *open, mirror_report *report) {
  struct mri_afpacket *input = state;
  input->context = open->context;
  input->ring.fd = input->timer = -1;
  int32_t status = read_options(open, &input->options, report);
  if (status) return status;
  status = open_all(input, report);
  if (status) close_input(input);
  return status;
}

/* ---- the interface comes and goes ---- */

/*
 * The kernel tells once that the interface is down, and takes the socket up again with it. It does
 * not tell that an interface which was down is gone: so that is looked for from then on.
 */
static void set_ticking(struct mri_afpacket *input) {
  if (input->ticking == input->watching) return;
  const struct timespec tick = {0, input->watching ? TICK_NS : 0};
  const struct itimerspec ticks = {.it_interval = tick, .it_value = tick};
  if (timerfd_settime(input->timer, 0, &ticks, NULL) == 0) input->ticking = input->watching;
}

/*
 * Members of a fanout group cannot be bound again: a new socket takes the place of the old. The old
 * one leaves first, because a group looks at one device, and this one's lasts until all have left.
 */
static bool replace_ring(struct mri_afpacket *input) {
  input->drops += mri_afpacket_drops(input->ring.fd);
  mri_ring_close(&input->ring);
  if (open_ring(&input->options, &input->ring, &input->link_type, NULL) != MIRROR_OK) return false;
  if (mri_wait_add(&input->wait, input->ring.fd)) return true;
  mri_ring_close(&input->ring);
  return false;
}

/* The same socket needs no privilege, which the program may have given up. */
static bool attach_again(struct mri_afpacket *input) {
  struct mri_device device;
  if (input->options.fanout != MIRROR_ABSENT) return replace_ring(input);
  if (mri_device_find(input->ring.fd, input->options.device, &device, NULL) != MIRROR_OK ||
      mri_afpacket_attach(&input->options, input->ring.fd, &device, NULL) != MIRROR_OK)
    return false;
  input->link_type = device.link_type;
  return true;
}

static void look_for_interface(struct mri_afpacket *input) {
  enum mri_device_state device = mri_device_state(input->ring.fd);
  if (device == MRI_DEVICE_GONE && !input->lost) {
    mri_log(input->context, MIRROR_LOG_WARNING, "interface \"%s\" is gone: waiting for it",
            input->options.device);
    input->lost = true;
  }
  if (input->lost && attach_again(input)) {
    mri_log(input->context, MIRROR_LOG_INFO, "interface \"%s\" is back", input->options.device);
    input->lost = false;
    device = mri_device_state(input->ring.fd);
  }
  input->watching = input->lost || device != MRI_DEVICE_UP;
}

/* ---- receive ---- */

/* True once for each error that the socket has to tell. */
static bool has_error(int fd) {
  int pending = 0;
  socklen_t length = sizeof pending;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &length) < 0 || pending;
}

static int32_t wait_for_packets(struct mri_afpacket *input, int64_t deadline) {
  set_ticking(input);
  struct pollfd polled[3] = {{.fd = input->ring.fd, .events = POLLIN},
                             {.fd = input->timer, .events = POLLIN}};
  int32_t status = mri_wait_until(&input->wait, deadline, polled, 2);
  if (status) return status;
  if (polled[0].revents & POLLERR && has_error(input->ring.fd)) input->watching = true;
  input->readable = polled[0].revents & POLLIN;
  uint64_t ticks; /* which can wait until what is there is delivered */
  if (!(polled[0].revents & POLLIN) && polled[1].revents &&
      read(input->timer, &ticks, sizeof ticks) == (ssize_t)sizeof ticks)
    look_for_interface(input);
  return MIRROR_OK;
}

/*
 * A queue tells errors in the place of packets: that the interface is down, or that it had one
 * which no virtio-net header can describe, lost like those that a ring has no room for.
 */
static void learn(struct mri_afpacket *input, int os_error) {
  if (os_error == EINVAL) input->drops++;
  if (os_error == ENETDOWN) input->watching = true;
}

static uint32_t read_packets(struct mri_afpacket *input, mirror_packet *packets,
                             uint32_t capacity) {
  int os_error;
  if (!input->queue) return mri_ring_read(&input->ring, packets, capacity);
  uint32_t count = mri_queue_read(input->queue, input->ring.fd, packets, capacity, &os_error);
  learn(input, os_error);
  input->refusing = count == 0 && input->readable;
  return count;
}

static int32_t receive(void *state, mirror_packet *packets, uint32_t capacity, int64_t timeout_ns,
                       uint32_t *count, mirror_report *report) {
  (void)report;
  struct mri_afpacket *input = state;
  *count = 0;
  if (mri_wait_interrupted(&input->wait)) return MIRROR_E_INTERRUPTED;
  int64_t deadline = mri_wait_deadline(timeout_ns);
  for (;;) {
    *count = read_packets(input, packets, capacity);
    if (*count) return MIRROR_OK;
    if (input->refusing && !mri_wait_nap(deadline)) return MIRROR_E_AGAIN;
    mri_ring_release(&input->ring); /* blocks that were empty */
    int32_t status = wait_for_packets(input, deadline);
    if (status) return status;
  }
}

static void release(void *state) {
  mri_ring_release(&((struct mri_afpacket *)state)->ring);
}

static void interrupt_receive(void *state) {
  struct mri_afpacket *input = state;
  if (!input->output) mri_wait_interrupt(&input->wait);
}

static int32_t descriptor(void *state, int32_t *fd) {
  *fd = ((struct mri_afpacket *)state)->wait.epoll;
  return MIRROR_OK;
}

static int32_t link_type(void *state, uint32_t *type) {
  *type = ((struct mri_afpacket *)state)->link_type;
  return MIRROR_OK;
}

static int32_t drops(void *state, uint64_t *packets) {
  struct mri_afpacket *input = state;
  input->drops += mri_afpacket_drops(input->ring.fd);
  *packets = input->drops;
  return MIRROR_OK;
}

static void close_either(void *state) {
#ifdef MIRROR_WITH_NETLINK
  if (((struct mri_afpacket *)state)->output) {
    mri_afpacket_close_output(state);
    return;
  }
#endif
  close_input(state);
}

const mirror_backend mri_backend_afpacket = {
    .size = sizeof mri_backend_afpacket,
    .abi = MIRROR_BACKEND_ABI,
    .name = "afpacket",
#ifdef MIRROR_WITH_NETLINK
    .capabilities = MIRROR_CAN_INPUT | MIRROR_CAN_OUTPUT,
    .open_output = mri_afpacket_open_output,
    .layer = mri_afpacket_layer,
    .send = mri_afpacket_send,
    .send_each = mri_afpacket_send_each,
#else
    .capabilities = MIRROR_CAN_INPUT,
#endif
    .state_size = sizeof(struct mri_afpacket),
    .open_input = open_input,
    .receive = receive,
    .release = release,
    .interrupt = interrupt_receive,
    .descriptor = descriptor,
    .link_type = link_type,
    .drops = drops,
    .close = close_either,
};
