/* "udp:": copies as datagrams of UDP sockets. The kernel routes and resolves; no privilege needed.
 */
#include "io/udp.h"

#include "io/options.h"
#include "io/os_status.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <time.h>

/* ---- open ---- */

static int32_t read_options(struct mri_udp *udp, const mirror_open *open, mirror_report *report) {
  char name[2];
  udp->pool = 8;
  udp->mark = MIRROR_SOCKET_MARK;
  udp->join = 1;
  const struct mri_option known[] = {
      {"pool", &udp->pool, 1, MRI_UDP_POOL_MOST},
      {"mark", &udp->mark, 0, UINT32_MAX},
      {"sndbuf", &udp->send_buffer, 1 << 12, 1 << 30},
      {"gso", &udp->join, 0, 1},
  };
  size_t count = sizeof known / sizeof *known;
  int32_t status = mri_options_read(open, known, count, name, sizeof name, report);
  if (!status && *name)
    status =
        mri_fail(report, MIRROR_E_URI,
                 "\"%s\": expected udp: without an address, which is each target's", open->uri);
  if (!status && (udp->pool & (udp->pool - 1)))
    status = mri_fail(report, MIRROR_E_URI, "\"%s\": pool is %u, expected a power of two",
                      open->uri, udp->pool);
  return status;
}

static void close_output(void *state) {
  struct mri_udp *udp = state;
  mri_udp_sockets_close(udp);
  mri_free(&udp->context->alloc, udp->sockets);
  mri_free(&udp->context->alloc, udp->batch);
}

static int32_t open_all(struct mri_udp *udp, mirror_report *report) {
  udp->batch = mri_zalloc(&udp->context->alloc, 1, sizeof *udp->batch);
  udp->sockets = mri_zalloc(&udp->context->alloc, 2 * udp->pool, sizeof *udp->sockets);
  for (uint32_t i = 0; udp->sockets && i < 2 * udp->pool; i++)
    udp->sockets[i].fd = -1;
  if (!udp->batch || !udp->sockets)
    return mri_fail(report, MIRROR_E_NOMEM, "udp output: out of memory");
  return mri_udp_sockets_open(udp, report);
}

static int32_t open_output(void *state, const mirror_open *open, mirror_report *report) {
  struct mri_udp *udp = state;
  udp->context = open->context;
  int32_t status = read_options(udp, open, report);
  if (status) return status;
  status = open_all(udp, report);
  if (status) close_output(udp);
  return status;
}

static uint32_t layer(void *state) {
  (void)state;
  return MIRROR_LAYER_UDP;
}

/* ---- send ---- */

/* Both directions of a flow have one source port (V2), and so one socket. */
static uint32_t socket_of(const struct mri_udp *udp, const mirror_copy *copy) {
  uint32_t pool = copy->outer->family == 4 ? 0 : udp->pool;
  return pool + (copy->source_port & (udp->pool - 1));
}

static void begin(struct mri_udp *udp) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  udp->now_ns = time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
  udp->refused = NULL;
}

/* Says which copy was refused last, and why. */
static int32_t finish(const struct mri_udp *udp, mirror_report *report) {
  if (!udp->refused) return MIRROR_OK;
  const mirror_outer *outer = udp->refused->outer;
  char to[INET6_ADDRSTRLEN] = "";
  inet_ntop(outer->family == 4 ? AF_INET : AF_INET6, outer->destination, to, sizeof to);
  return mri_fail_os(report, mri_output_status(udp->refused_error), udp->refused_error,
                     "udp output: a copy of %u octets to %s port %u was not sent",
                     udp->refused->head_length + udp->refused->body_length, to, outer->udp_port);
}

/* All of one socket; how many were looked at. */
static uint32_t send_group(struct mri_udp *udp, struct mri_udp_job *job, uint32_t socket) {
  job->socket = &udp->sockets[socket];
  if (job->socket->fd >= 0) return mri_udp_send(udp, job);
  for (uint32_t i = 0; i < job->count; i++)
    job->statuses[job->order[i]] = mri_output_status(EAFNOSUPPORT);
  udp->refused = &job->copies[job->order[0]];
  udp->refused_error = EAFNOSUPPORT;
  return 1;
}

/* Sorts by socket, keeping the order of each; starts[i] is where socket i begins. */
static void sort(struct mri_udp *udp, const mirror_copy *copies, uint32_t count,
                 uint32_t starts[2 * MRI_UDP_POOL_MOST + 1]) {
  uint32_t sockets = 2 * udp->pool, next[2 * MRI_UDP_POOL_MOST];
  memset(starts, 0, (sockets + 1) * sizeof *starts);
  for (uint32_t i = 0; i < count; i++)
    starts[socket_of(udp, &copies[i]) + 1]++;
  for (uint32_t i = 0; i < sockets; i++)
    starts[i + 1] += starts[i];
  memcpy(next, starts, sockets * sizeof *next);
  for (uint32_t i = 0; i < count; i++)
    udp->batch->order[next[socket_of(udp, &copies[i])]++] = i;
}

static void send_chunk(struct mri_udp *udp, const mirror_copy *copies, uint32_t count,
                       int32_t *statuses) {
  uint32_t starts[2 * MRI_UDP_POOL_MOST + 1];
  sort(udp, copies, count, starts);
  for (uint32_t i = 0; i < 2 * udp->pool; i++) {
    struct mri_udp_job job = {
        .copies = copies,
        .order = udp->batch->order + starts[i],
        .count = starts[i + 1] - starts[i],
        .statuses = statuses,
    };
    if (job.count) send_group(udp, &job, i);
  }
}

static int32_t send_each(void *state, const mirror_copy *copies, uint32_t count, int32_t *statuses,
                         mirror_report *report) {
  struct mri_udp *udp = state;
  begin(udp);
  for (uint32_t done = 0, chunk; done < count; done += chunk) {
    chunk = count - done < MRI_UDP_CHUNK ? count - done : MRI_UDP_CHUNK;
    send_chunk(udp, copies + done, chunk, statuses + done);
  }
  return finish(udp, report);
}

/* The leading copies that have one socket. */
static uint32_t leading(const struct mri_udp *udp, const mirror_copy *copies, uint32_t count) {
  uint32_t same = 1;
  while (same < count && same < MRI_UDP_CHUNK &&
         socket_of(udp, &copies[same]) == socket_of(udp, &copies[0]))
    same++;
  return same;
}

/* In order, and so no more at a time than the leading copies of one socket. */
static int32_t send_in_order(void *state, const mirror_copy *copies, uint32_t count,
                             uint32_t *accepted, mirror_report *report) {
  struct mri_udp *udp = state;
  begin(udp);
  for (uint32_t i = 0; i < MRI_UDP_CHUNK; i++)
    udp->batch->order[i] = i;
  *accepted = 0;
  while (*accepted < count) {
    struct mri_udp_job job = {
        .copies = copies + *accepted,
        .order = udp->batch->order,
        .count = leading(udp, copies + *accepted, count - *accepted),
        .statuses = udp->batch->statuses,
        .stop = true,
    };
    uint32_t seen = send_group(udp, &job, socket_of(udp, job.copies));
    if (udp->refused) {
      *accepted += seen - 1;
      break;
    }
    *accepted += seen;
  }
  return finish(udp, report);
}

static void nothing_to_interrupt(void *state) {
  (void)state;
}

const mirror_backend mri_backend_udp = {
    .size = sizeof mri_backend_udp,
    .abi = MIRROR_BACKEND_ABI,
    .name = "udp",
    .capabilities = MIRROR_CAN_OUTPUT,
    .state_size = sizeof(struct mri_udp),
    .open_output = open_output,
    .layer = layer,
    .send = send_in_order,
    .interrupt = nothing_to_interrupt,
    .close = close_output,
    .send_each = send_each,
};
