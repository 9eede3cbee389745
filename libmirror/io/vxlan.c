/* "vxlan:DEVICE": inner frames to a vxlan device of the system, which encapsulates them. Of a
 * super-frame it makes one large outer packet, which the network card, or the kernel as late as
 * possible, takes apart. */
#include "io/vxlan.h"

#include "io/options.h"
#include "io/os_status.h"
#include "io/virtio.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
  LOOK_AGAIN_NS = 1000 * 1000 * 1000, /* path MTUs change without announcement */
  LOOK_LEAST_NS = 10 * 1000 * 1000,   /* between two looks, however much changes */
};

/* ---- the device ---- */

static int32_t check_device(struct mri_vxlan *vxlan, const struct mri_vxlan_device *device,
                            mirror_report *report) {
  const char *problem = device->external       ? "is external, so that it has no target"
                        : device->learning     ? "learns other ways, expected nolearning"
                        : device->changes      ? "changes what it sends (proxy, rsc, gbp, gpe or "
                                                 "remcsumtx), expected none of these"
                        : device->elsewhere    ? "leads some frames elsewhere (bridge fdb)"
                        : device->entries != 1 ? "does not lead to exactly one remote address"
                                               : NULL;
  if (!problem) return MIRROR_OK;
  return mri_fail(report, MIRROR_E_UNSUPPORTED, "vxlan device \"%s\" %s", vxlan->name, problem);
}

static int32_t look_at_device(struct mri_vxlan *vxlan, mirror_report *report) {
  struct mri_vxlan_device *device = &vxlan->device;
  uint8_t before[sizeof vxlan->source];
  uint32_t mtu = 0;
  memcpy(before, vxlan->source, sizeof before);
  int32_t status = mri_vxlan_find(vxlan, device, report);
  if (!status) status = check_device(vxlan, device, report);
  if (!status) status = mri_vxlan_route(vxlan, device, &mtu, vxlan->source, report);
  if (status) return status;
  uint32_t overhead = device->family == 4 ? MIRROR_OVERHEAD_IPV4 : MIRROR_OVERHEAD_IPV6;
  vxlan->longest = mtu > overhead ? mtu - overhead : 0;
  vxlan->to.sll_ifindex = (int)device->index;
  if (memcmp(before, vxlan->source, sizeof before) != 0) vxlan->told = false;
  return MIRROR_OK;
}

static void look(struct mri_vxlan *vxlan, int64_t now) {
  vxlan->report = (mirror_report){.size = sizeof vxlan->report};
  vxlan->status = look_at_device(vxlan, &vxlan->report);
  if (vxlan->status == MIRROR_E_UNSUPPORTED) /* it was fit when it was opened */
    vxlan->status = vxlan->report.code = MIRROR_E_NO_DEVICE;
  vxlan->looked_ns = now;
  vxlan->stale = vxlan->status != MIRROR_OK;
}

static void keep_current(struct mri_vxlan *vxlan) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  int64_t now = time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
  if (mri_vxlan_has_news(vxlan)) vxlan->stale = true;
  int64_t since = now - vxlan->looked_ns;
  if (since >= LOOK_AGAIN_NS || (vxlan->stale && since >= LOOK_LEAST_NS)) look(vxlan, now);
}

/* ---- open ---- */

static int32_t read_options(struct mri_vxlan *vxlan, const mirror_open *open,
                            mirror_report *report) {
  vxlan->mark = MIRROR_SOCKET_MARK;
  vxlan->send_buffer = 1 << 22;
  const struct mri_option known[] = {
      {"mark", &vxlan->mark, 0, UINT32_MAX},
      {"sndbuf", &vxlan->send_buffer, 1 << 17, 1 << 30},
  };
  int32_t status = mri_options_read(open, known, sizeof known / sizeof *known, vxlan->name,
                                    sizeof vxlan->name, report);
  if (!status && !*vxlan->name)
    status =
        mri_fail(report, MIRROR_E_URI, "\"%s\" names no device, expected vxlan:DEVICE", open->uri);
  return status;
}

static bool set(int fd, int level, int name, uint32_t value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* Nothing is received, for want of a protocol. The mark goes on into the encapsulated packets,
 * which inputs know by it. More than the system's buffer needs CAP_NET_ADMIN. PACKET_QDISC_BYPASS
 * would lose super-frames that the device cannot take, such as those with two tags. */
static bool prepare(struct mri_vxlan *vxlan) {
  int fd = vxlan->fd;
  if (vxlan->mark && !set(fd, SOL_SOCKET, SO_MARK, vxlan->mark) && errno != EPERM) return false;
  if (!set(fd, SOL_SOCKET, SO_SNDBUFFORCE, vxlan->send_buffer) &&
      !set(fd, SOL_SOCKET, SO_SNDBUF, vxlan->send_buffer))
    return false;
  return set(fd, SOL_PACKET, PACKET_VNET_HDR, 1);
}

static int32_t open_sockets(struct mri_vxlan *vxlan, mirror_report *report) {
  vxlan->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (vxlan->fd < 0 && (errno == EPERM || errno == EACCES))
    return mri_fail_os(report, MIRROR_E_PERMISSION, errno,
                       "sending to \"%s\" needs the capability CAP_NET_RAW, expected root or a "
                       "program that has it",
                       vxlan->name);
  if (vxlan->fd >= 0 && prepare(vxlan) && mri_vxlan_netlink_open(vxlan)) return MIRROR_OK;
  int32_t code = errno == ENOMEM || errno == ENOBUFS ? MIRROR_E_NOMEM : MIRROR_E_OS;
  return mri_fail_os(report, code, errno, "vxlan device \"%s\": no sockets", vxlan->name);
}

static void close_output(void *state) {
  struct mri_vxlan *vxlan = state;
  const int fds[] = {vxlan->fd, vxlan->questions, vxlan->news};
  for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
    if (fds[i] >= 0) close(fds[i]);
  }
  mri_free(&vxlan->context->alloc, vxlan->batch);
}

/* A device that is there has to be fit; its way may be found later. */
static int32_t open_all(struct mri_vxlan *vxlan, mirror_report *report) {
  vxlan->batch = mri_zalloc(&vxlan->context->alloc, 1, sizeof *vxlan->batch);
  if (!vxlan->batch)
    return mri_fail(report, MIRROR_E_NOMEM, "vxlan device \"%s\": out of memory", vxlan->name);
  int32_t status = open_sockets(vxlan, report);
  if (!status) status = mri_vxlan_find(vxlan, &vxlan->device, report);
  return status ? status : check_device(vxlan, &vxlan->device, report);
}

static int32_t open_output(void *state, const mirror_open *open, mirror_report *report) {
  struct mri_vxlan *vxlan = state;
  vxlan->context = open->context;
  vxlan->fd = vxlan->questions = vxlan->news = -1;
  vxlan->to.sll_family = AF_PACKET;
  vxlan->stale = true;
  int32_t status = read_options(vxlan, open, report);
  if (status) return status;
  status = open_all(vxlan, report);
  if (status) close_output(vxlan);
  return status;
}

static uint32_t layer(void *state) {
  (void)state;
  return MIRROR_LAYER_INNER;
}

/* ---- send ---- */

static bool leads_to(const struct mri_vxlan_device *device, const mirror_outer *outer) {
  return outer->vni == device->vni && outer->udp_port == device->udp_port &&
         outer->family == device->family &&
         memcmp(outer->destination, device->remote, sizeof device->remote) == 0;
}

/* Of the longest packet that comes of it. */
static uint32_t length_of(const mirror_copy *copy) {
  return copy->gso_type ? copy->header_length + copy->gso_size
                        : copy->head_length + copy->body_length;
}

/* Copies with another source address are not known as ours by it (F1), only by their mark. */
static void tell_source(struct mri_vxlan *vxlan, const mirror_outer *outer) {
  static const uint8_t none[16] = {0};
  char there[INET6_ADDRSTRLEN] = "", expected[INET6_ADDRSTRLEN] = "";
  if (vxlan->told || memcmp(outer->source, vxlan->source, sizeof vxlan->source) == 0 ||
      memcmp(outer->source, none, sizeof none) == 0)
    return;
  int domain = outer->family == 4 ? AF_INET : AF_INET6;
  inet_ntop(domain, vxlan->source, there, sizeof there);
  inet_ntop(domain, outer->source, expected, sizeof expected);
  mri_log(vxlan->context, MIRROR_LOG_WARNING,
          "vxlan device \"%s\" sends from %s, expected %s, the source's address", vxlan->name,
          there, expected);
  vxlan->told = true;
}

static int32_t refuse_tunnel(const struct mri_vxlan *vxlan, const mirror_outer *outer,
                             mirror_report *report) {
  char to[INET6_ADDRSTRLEN] = "", there[INET6_ADDRSTRLEN] = "";
  const struct mri_vxlan_device *device = &vxlan->device;
  inet_ntop(outer->family == 4 ? AF_INET : AF_INET6, outer->destination, to, sizeof to);
  inet_ntop(device->family == 4 ? AF_INET : AF_INET6, device->remote, there, sizeof there);
  return mri_fail(report, MIRROR_E_NO_ROUTE,
                  "a copy to %s port %u with VNI %u was not sent: vxlan device \"%s\" leads to %s "
                  "port %u with VNI %u",
                  to, outer->udp_port, outer->vni, vxlan->name, there, device->udp_port,
                  device->vni);
}

/* MIRROR_OK, or why the device would not send it to where it belongs. */
static int32_t check(const struct mri_vxlan *vxlan, const mirror_copy *copy,
                     mirror_report *report) {
  if (!leads_to(&vxlan->device, copy->outer)) return refuse_tunnel(vxlan, copy->outer, report);
  if (length_of(copy) <= vxlan->longest) return MIRROR_OK;
  return mri_fail(report, MIRROR_E_TOO_LONG,
                  "a copy of %u octets was not sent: on the way of vxlan device \"%s\" at most %u "
                  "are not fragmented",
                  length_of(copy), vxlan->name, vxlan->longest);
}

static void put_message(struct mri_vxlan *vxlan, uint32_t n, const mirror_copy *copy) {
  struct mri_vxlan_batch *batch = vxlan->batch;
  struct iovec *parts = batch->parts[n];
  mri_virtio_write(copy, &batch->headers[n]);
  /* sendmmsg reads alone */
  parts[0] = (struct iovec){&batch->headers[n], sizeof batch->headers[n]};
  parts[1] = (struct iovec){(void *)(uintptr_t)copy->head, copy->head_length};
  parts[2] = (struct iovec){(void *)(uintptr_t)copy->body, copy->body_length};
  batch->messages[n].msg_hdr = (struct msghdr){
      .msg_name = &vxlan->to, .msg_namelen = sizeof vxlan->to, .msg_iov = parts, .msg_iovlen = 3};
}

static int32_t fail(struct mri_vxlan *vxlan, const mirror_copy *copy, int os_error,
                    mirror_report *report) {
  vxlan->stale = true; /* perhaps the device */
  return mri_fail_os(report, mri_output_status(os_error), os_error,
                     "vxlan device \"%s\": a copy of %u octets was not sent", vxlan->name,
                     copy->head_length + copy->body_length);
}

/* The leading copies that can be sent, as messages; if there are none, *status is why. */
static uint32_t build(struct mri_vxlan *vxlan, const mirror_copy *copies, uint32_t count,
                      int32_t *status, mirror_report *report) {
  uint32_t n = 0;
  *status = check(vxlan, &copies[0], report);
  if (*status) return 0;
  do
    put_message(vxlan, n, &copies[n]);
  while (++n < count && n < MRI_VXLAN_CHUNK && check(vxlan, &copies[n], NULL) == MIRROR_OK);
  return n;
}

static int32_t send_copies(void *state, const mirror_copy *copies, uint32_t count,
                           uint32_t *accepted, mirror_report *report) {
  struct mri_vxlan *vxlan = state;
  *accepted = 0;
  keep_current(vxlan);
  if (count == 0) return MIRROR_OK;
  if (vxlan->status) {
    if (report) *report = vxlan->report;
    return vxlan->status;
  }
  if (leads_to(&vxlan->device, copies[0].outer)) tell_source(vxlan, copies[0].outer);
  while (*accepted < count) {
    int32_t status;
    const mirror_copy *next = copies + *accepted;
    uint32_t messages = build(vxlan, next, count - *accepted, &status, report);
    if (messages == 0) return status;
    int sent = sendmmsg(vxlan->fd, vxlan->batch->messages, messages, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent <= 0) return fail(vxlan, next, sent < 0 ? errno : EAGAIN, report);
    *accepted += (uint32_t)sent;
  }
  return MIRROR_OK;
}

static void nothing_to_interrupt(void *state) {
  (void)state;
}

const mirror_backend mri_backend_vxlan = {
    .size = sizeof mri_backend_vxlan,
    .abi = MIRROR_BACKEND_ABI,
    .name = "vxlan",
    .capabilities = MIRROR_CAN_OUTPUT,
    .state_size = sizeof(struct mri_vxlan),
    .open_output = open_output,
    .layer = layer,
    .send = send_copies,
    .interrupt = nothing_to_interrupt,
    .close = close_output,
};
