/* Sending copies as frames. */
#include "io/raw.h"

#include "io/os_status.h"

#include <arpa/inet.h>
#include <errno.h>
#include <time.h>

#define TRY_NS INT64_C(250000000)      /* how often a neighbour that is not known is tried */
#define CONFIRM_NS INT64_C(2000000000) /* how often one that is known is used by the kernel */

/* One chunk of copies. */
struct job {
  const mirror_copy *copies;
  int32_t *statuses;
};

static uint32_t length_of(const mirror_copy *copy) {
  return copy->head_length + copy->body_length;
}

/* ---- refusals ---- */

static void refuse(struct mri_raw *raw, const struct job *job, uint32_t copy, int32_t status,
                   int os_error) {
  job->statuses[copy] = status;
  raw->refused = &job->copies[copy];
  raw->refused_status = status;
  raw->refused_error = os_error;
}

/* By the system; perhaps because of something that it is about to announce. */
static void refuse_os(struct mri_raw *raw, const struct job *job, uint32_t copy, int os_error) {
  refuse(raw, job, copy, mri_output_status(os_error), os_error);
  raw->hops.waiting = true;
}

static const char *reason(int32_t status) {
  switch (status) {
    case MIRROR_E_NO_DEVICE:
      return "the interface is gone";
    case MIRROR_E_LINK_DOWN:
      return "the interface is down";
    case MIRROR_E_NO_ROUTE:
      return "no route by this interface, or its next hop does not answer";
    case MIRROR_E_TOO_LONG:
      return "it is longer than the MTU of interface or route";
    case MIRROR_E_NO_BUFFER:
      return "the ring is full";
    default:
      return "the route does not permit it";
  }
}

/* Says which copy was refused last, and why. */
static int32_t finish(const struct mri_raw *raw, mirror_report *report) {
  if (!raw->refused_status) return MIRROR_OK;
  const mirror_outer *outer = raw->refused->outer;
  char to[INET6_ADDRSTRLEN] = "";
  inet_ntop(outer->family == 4 ? AF_INET : AF_INET6, outer->destination, to, sizeof to);
  if (raw->refused_error)
    return mri_fail_os(report, raw->refused_status, raw->refused_error,
                       "%s output: a copy of %u octets to %s was not sent on \"%s\"", raw->what,
                       length_of(raw->refused), to, raw->hops.port.name);
  return mri_fail(report, raw->refused_status,
                  "%s output: a copy of %u octets to %s was not sent on \"%s\": %s", raw->what,
                  length_of(raw->refused), to, raw->hops.port.name, reason(raw->refused_status));
}

/* ---- rings ---- */

static void send_by_ring(struct mri_raw *raw, const struct job *job) {
  int error;
  uint32_t i = mri_tx_ring_send(&raw->ring, &error);
  for (; i < raw->pending_count; i++) {
    refuse_os(raw, job, raw->pending[i], error);
    if (error == EMSGSIZE) error = EAGAIN; /* it was about the first of them alone */
  }
}

static void send_by_xsk(struct mri_raw *raw, const struct job *job) {
  bool alive = mri_xsk_send(raw->xsk, raw->errors);
  for (uint32_t i = 0; i < raw->pending_count; i++) {
    if (raw->errors[i]) refuse_os(raw, job, raw->pending[i], raw->errors[i]);
  }
  if (!alive) mri_raw_lose_xsk(raw, "the system refuses to send by AF_XDP");
}

static void send_rings(struct mri_raw *raw, const struct job *job) {
  if (raw->xsk)
    send_by_xsk(raw, job);
  else
    send_by_ring(raw, job);
  raw->pending_count = 0;
}

static void send_pending(struct mri_raw *raw, const struct job *job) {
  if (raw->pending_count) send_rings(raw, job);
}

static uint8_t *next_frame(struct mri_raw *raw) {
  return raw->xsk ? mri_xsk_next(raw->xsk) : mri_tx_ring_next(&raw->ring);
}

/* The ring may have to take the place of AF_XDP at any time. */
static uint32_t room(const struct mri_raw *raw) {
  uint32_t ring = mri_tx_ring_room(&raw->ring), xsk = raw->xsk ? mri_xsk_room(raw->xsk) : ring;
  return xsk < ring ? xsk : ring;
}

static void put_frame(struct mri_raw *raw, uint32_t length) {
  if (raw->xsk)
    mri_xsk_put(raw->xsk, length);
  else
    mri_tx_ring_put(&raw->ring, length);
}

static void send_frame(struct mri_raw *raw, const struct job *job, uint32_t i,
                       const struct mri_hop *hop) {
  uint8_t *frame = next_frame(raw);
  if (!frame && !raw->full) { /* AF_XDP may hold frames of earlier calls that can go now */
    send_rings(raw, job);
    frame = next_frame(raw);
  }
  raw->full = !frame;
  if (!frame) {
    refuse(raw, job, i, MIRROR_E_NO_BUFFER, 0);
    return;
  }
  put_frame(raw, mri_raw_write(&raw->hops.port, hop, &job->copies[i], frame));
  raw->pending[raw->pending_count++] = i;
}

/* ---- the kernel's way ---- */

/* In order behind the copies before. 0 or errno. */
static int send_by_kernel(struct mri_raw *raw, const struct job *job, uint32_t i,
                          const struct mri_hop *hop) {
  const mirror_copy *copy = &job->copies[i];
  send_pending(raw, job);
  return mri_kernel_way_send(&raw->kernel, raw->hops.port.index, copy,
                             mri_raw_source(hop, copy->outer));
}

static void try_neighbour(struct mri_raw *raw, const struct job *job, uint32_t i,
                          struct mri_hop *hop) {
  raw->hops.waiting = true; /* for the answer */
  if (raw->now_ns < hop->touch_ns) {
    refuse(raw, job, i, MIRROR_E_NO_ROUTE, 0);
    return;
  }
  hop->touch_ns = raw->now_ns + TRY_NS;
  int error = send_by_kernel(raw, job, i, hop);
  if (error) refuse_os(raw, job, i, error);
}

/* A firewall on the kernel's way does not stop copies. */
static void confirm_neighbour(struct mri_raw *raw, const struct job *job, uint32_t i,
                              struct mri_hop *hop) {
  hop->touch_ns = raw->now_ns + CONFIRM_NS;
  if (send_by_kernel(raw, job, i, hop) != 0) send_frame(raw, job, i, hop);
}

static void send_long(struct mri_raw *raw, const struct job *job, uint32_t i,
                      const struct mri_hop *hop) {
  int error = send_by_kernel(raw, job, i, hop);
  if (error) refuse_os(raw, job, i, error);
}

/* ---- copies ---- */

/* Frames that are longer than a device takes vanish without a word. */
static bool fits(const struct mri_raw *raw, const struct mri_hop *hop, uint32_t length) {
  return length <= raw->hops.port.mtu && (!hop->mtu || length <= hop->mtu);
}

static void send_copy(struct mri_raw *raw, const struct job *job, uint32_t i) {
  const mirror_copy *copy = &job->copies[i];
  struct mri_hop *hop = mri_hops_way(&raw->hops, copy->outer, raw->now_ns);
  job->statuses[i] = MIRROR_OK;
  if (hop->status != MIRROR_OK)
    refuse(raw, job, i, hop->status, 0);
  else if (!fits(raw, hop, length_of(copy)))
    refuse(raw, job, i, MIRROR_E_TOO_LONG, 0);
  else if (!hop->resolved)
    try_neighbour(raw, job, i, hop);
  else if (!hop->lasting && raw->now_ns >= hop->touch_ns)
    confirm_neighbour(raw, job, i, hop);
  else if (length_of(copy) + MRI_RAW_LINK > room(raw))
    send_long(raw, job, i, hop);
  else
    send_frame(raw, job, i, hop);
}

static void send_chunk(struct mri_raw *raw, const struct job *job, uint32_t count) {
  int32_t status = raw->bound_index ? mri_port_status(&raw->hops.port) : MIRROR_E_NO_DEVICE;
  for (uint32_t i = 0; i < count; i++) {
    if (status)
      refuse(raw, job, i, status, 0);
    else
      send_copy(raw, job, i);
  }
  send_pending(raw, job);
}

static void begin(struct mri_raw *raw) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  raw->now_ns = time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
  raw->refused_status = MIRROR_OK;
  raw->full = false;
  mri_hops_update(&raw->hops, raw->now_ns);
  mri_raw_follow_interface(raw);
}

int32_t mri_raw_send_each(struct mri_raw *raw, const mirror_copy *copies, uint32_t count,
                          int32_t *statuses, mirror_report *report) {
  begin(raw);
  for (uint32_t done = 0, chunk; done < count; done += chunk) {
    const struct job job = {.copies = copies + done, .statuses = statuses + done};
    chunk = count - done < MRI_RAW_CHUNK ? count - done : MRI_RAW_CHUNK;
    send_chunk(raw, &job, chunk);
  }
  return finish(raw, report);
}

/* One by one, because a frame in a ring cannot always be taken back. Taps send_each. */
int32_t mri_raw_send(struct mri_raw *raw, const mirror_copy *copies, uint32_t count,
                     uint32_t *accepted, mirror_report *report) {
  int32_t status = MIRROR_OK, one;
  for (*accepted = 0; *accepted < count; ++*accepted) {
    status = mri_raw_send_each(raw, &copies[*accepted], 1, &one, report);
    if (status) break;
  }
  return status;
}
