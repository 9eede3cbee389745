/* "libnet:[IFNAME]": whole IP packets by libnet's raw sockets, with any source address. The kernel
 * routes and resolves. */
#include "io/io.h"
#include "io/options.h"
#include "io/os_status.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnet.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  PACKET_MOST = 65535,
  BIND_AGAIN_NS = 100 * 1000 * 1000, /* an interface that was made again has another index */
};

/* A socket of libnet's; IPv4 or IPv6. */
struct raw {
  libnet_t *libnet; /* NULL: the system lacks the family */
  int discover;     /* as IP_MTU_DISCOVER is set; -1: not yet */
  int64_t bound_ns; /* to the interface, or tried to */
};

struct mri_libnet {
  mirror_context *context;
  char device[IFNAMSIZ]; /* "": by route */
  uint32_t mark;
  struct raw raws[2];
  uint8_t *packet; /* libnet takes one piece */
};

/* ---- open ---- */

static int fd_of(const struct raw *raw) {
  return libnet_getfd(raw->libnet);
}

static bool set(const struct raw *raw, int level, int name, int value) {
  return setsockopt(fd_of(raw), level, name, &value, sizeof value) == 0;
}

static bool bind_to_device(const struct mri_libnet *output, const struct raw *raw) {
  return !*output->device || setsockopt(fd_of(raw), SOL_SOCKET, SO_BINDTODEVICE, output->device,
                                        (socklen_t)strlen(output->device)) == 0;
}

/* Nothing waits; a full queue is told; nothing is received, as IPPROTO_RAW has it. A mark is for
 * inputs. */
static bool prepare(const struct mri_libnet *output, const struct raw *raw, bool ipv6) {
  int on = 1;
  if (output->mark && !set(raw, SOL_SOCKET, SO_MARK, (int)output->mark) && errno != EPERM)
    return false;
  return ioctl(fd_of(raw), FIONBIO, &on) == 0 && bind_to_device(output, raw) &&
         (ipv6 ? set(raw, IPPROTO_IPV6, IPV6_RECVERR, 1) &&
                     set(raw, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO)
               : set(raw, IPPROTO_IP, IP_RECVERR, 1));
}

static int32_t fail(int os_error, const char *text, mirror_report *report) {
  int32_t code = os_error == EPERM || os_error == EACCES     ? MIRROR_E_PERMISSION
                 : os_error == ENOMEM || os_error == ENOBUFS ? MIRROR_E_NOMEM
                 : os_error == ENODEV                        ? MIRROR_E_NO_DEVICE
                                                             : MIRROR_E_OS;
  return mri_fail_os(report, code, os_error, "libnet output: %s", text);
}

static int32_t open_raw(struct mri_libnet *output, bool ipv6, mirror_report *report) {
  char text[LIBNET_ERRBUF_SIZE] = "";
  struct raw *raw = &output->raws[ipv6];
  raw->discover = -1;
  errno = 0;
  raw->libnet = libnet_init(ipv6 ? LIBNET_RAW6_ADV : LIBNET_RAW4_ADV, NULL, text);
  if (!raw->libnet && errno == EAFNOSUPPORT) return MIRROR_OK;
  if (!raw->libnet && (errno == EPERM || errno == EACCES))
    return fail(errno,
                "raw sockets need the capability CAP_NET_RAW, expected root or a program "
                "that has it",
                report);
  if (!raw->libnet) return fail(errno, text, report);
  if (prepare(output, raw, ipv6)) return MIRROR_OK;
  return fail(errno, *output->device ? output->device : "cannot prepare a socket", report);
}

static int32_t read_options(struct mri_libnet *output, const mirror_open *open,
                            mirror_report *report) {
  output->mark = MIRROR_SOCKET_MARK;
  const struct mri_option known[] = {{"mark", &output->mark, 0, UINT32_MAX}};
  return mri_options_read(open, known, 1, output->device, sizeof output->device, report);
}

static void close_output(void *state) {
  struct mri_libnet *output = state;
  for (int i = 0; i < 2; i++) {
    if (output->raws[i].libnet) libnet_destroy(output->raws[i].libnet);
  }
  mri_free(&output->context->alloc, output->packet);
}

static int32_t open_output(void *state, const mirror_open *open, mirror_report *report) {
  struct mri_libnet *output = state;
  output->context = open->context;
  int32_t status = read_options(output, open, report);
  if (status) return status;
  output->packet = mri_zalloc(&output->context->alloc, 1, PACKET_MOST);
  if (!output->packet) return mri_fail(report, MIRROR_E_NOMEM, "libnet output: out of memory");
  status = open_raw(output, false, report);
  if (!status) status = open_raw(output, true, report);
  if (status) close_output(output);
  return status;
}

static uint32_t layer(void *state) {
  (void)state;
  return MIRROR_LAYER_IP;
}

/* ---- send ---- */

/* Never fragmented by us (V3): with DF the way's MTU counts, without the interface's. */
static bool set_discover(struct raw *raw, const mirror_outer *outer) {
  int discover = outer->dont_fragment ? IP_PMTUDISC_DO : IP_PMTUDISC_INTERFACE;
  if (outer->family == 6 || raw->discover == discover) return true;
  raw->discover = set(raw, IPPROTO_IP, IP_MTU_DISCOVER, discover) ? discover : -1;
  return raw->discover == discover;
}

static bool write_packet(const struct mri_libnet *output, const struct raw *raw, bool ipv6,
                         uint32_t length) {
  errno = 0;
  int written = ipv6 ? libnet_write_raw_ipv6(raw->libnet, output->packet, length)
                     : libnet_adv_write_raw_ipv4(raw->libnet, output->packet, length);
  if (errno == 0) errno = EIO; /* if it was not all, or libnet says no reason */
  return written == (int)length;
}

/* What an interface's index says that is no more. */
static bool may_be_gone(int os_error) {
  return os_error == ENODEV || os_error == ENXIO || os_error == ENETUNREACH;
}

/* True once in a while: the named interface is there, perhaps anew. */
static bool found_again(const struct mri_libnet *output, struct raw *raw, int os_error) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  int64_t now = time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
  if (!*output->device || !may_be_gone(os_error) || now - raw->bound_ns < BIND_AGAIN_NS)
    return false;
  raw->bound_ns = now;
  return bind_to_device(output, raw);
}

/* 0, or the system's error. */
static int send_packet(const struct mri_libnet *output, struct raw *raw, const mirror_outer *outer,
                       uint32_t length) {
  const bool ipv6 = outer->family == 6;
  if (!raw->libnet) return EAFNOSUPPORT;
  if (!set_discover(raw, outer)) return errno;
  if (write_packet(output, raw, ipv6, length)) return 0;
  int os_error = errno;
  if (!found_again(output, raw, os_error)) return os_error;
  return write_packet(output, raw, ipv6, length) ? 0 : errno;
}

static int32_t refuse(const mirror_copy *copy, int os_error, mirror_report *report) {
  char to[INET6_ADDRSTRLEN] = "";
  inet_ntop(copy->outer->family == 4 ? AF_INET : AF_INET6, copy->outer->destination, to, sizeof to);
  return mri_fail_os(report, mri_output_status(os_error), os_error,
                     "libnet output: a copy of %u octets to %s was not sent",
                     copy->head_length + copy->body_length, to);
}

/* The kernel would put its own into an IPv4 header, and cannot into a UDP checksum over IPv6. */
static int32_t refuse_source(mirror_report *report) {
  return mri_fail(report, MIRROR_E_NO_ROUTE,
                  "libnet output: a copy was not sent, its source has no IPv6 address");
}

static bool lacks_source(const mirror_outer *outer) {
  static const uint8_t none[sizeof outer->source] = {0};
  return outer->family == 6 && memcmp(outer->source, none, sizeof none) == 0;
}

static int32_t send_copy(struct mri_libnet *output, const mirror_copy *copy,
                         mirror_report *report) {
  uint64_t length = (uint64_t)copy->head_length + copy->body_length;
  if (lacks_source(copy->outer)) return refuse_source(report);
  if (length > PACKET_MOST) return refuse(copy, EMSGSIZE, report);
  memcpy(output->packet, copy->head, copy->head_length);
  if (copy->body_length) memcpy(output->packet + copy->head_length, copy->body, copy->body_length);
  int os_error =
      send_packet(output, &output->raws[copy->outer->family == 6], copy->outer, (uint32_t)length);
  return os_error ? refuse(copy, os_error, report) : MIRROR_OK;
}

static int32_t send_copies(void *state, const mirror_copy *copies, uint32_t count,
                           uint32_t *accepted, mirror_report *report) {
  int32_t status = MIRROR_OK;
  for (*accepted = 0; *accepted < count; ++*accepted) {
    status = send_copy(state, &copies[*accepted], report);
    if (status) break;
  }
  return status;
}

static void nothing_to_interrupt(void *state) {
  (void)state;
}

const mirror_backend mri_backend_libnet = {
    .size = sizeof mri_backend_libnet,
    .abi = MIRROR_BACKEND_ABI,
    .name = "libnet",
    .capabilities = MIRROR_CAN_OUTPUT,
    .state_size = sizeof(struct mri_libnet),
    .open_output = open_output,
    .layer = layer,
    .send = send_copies,
    .interrupt = nothing_to_interrupt,
    .close = close_output,
};
