/* The sockets of "udp:" outputs. */
#include "io/udp.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

enum {
  PORT_FIRST = 49152, /* V2 */
  PORTS = 16384,
  ERRORS_MOST = 16, /* the receive buffer holds fewer */
};

static bool set(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* Nothing is ever read from these sockets. */
static bool refuse_all(int fd) {
  struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  const struct sock_fprog program = {.len = 1, .filter = code};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 &&
         set(fd, SOL_SOCKET, SO_RCVBUF, 1); /* the least there is */
}

/* Only with RECVERR does the system say that its queue was full. It then also says what ICMP
 * brought in: see mri_udp_forget_errors. */
static bool tell_errors(int fd, int domain) {
  if (domain == AF_INET) return set(fd, IPPROTO_IP, IP_RECVERR, 1);
  return set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) && set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1) &&
         set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO);
}

/* A mark needs CAP_NET_RAW or CAP_NET_ADMIN; an unprivileged output does without. */
static bool prepare(struct mri_udp *udp, int fd, int domain) {
  udp->marked = udp->mark && set(fd, SOL_SOCKET, SO_MARK, (int)udp->mark);
  if (udp->send_buffer && !set(fd, SOL_SOCKET, SO_SNDBUFFORCE, (int)udp->send_buffer) &&
      !set(fd, SOL_SOCKET, SO_SNDBUF, (int)udp->send_buffer))
    return false;
  return refuse_all(fd) && tell_errors(fd, domain);
}

static bool bind_to(int fd, int domain, uint32_t port) {
  union mri_udp_address address;
  memset(&address, 0, sizeof address);
  address.any.sa_family = (sa_family_t)domain;
  if (domain == AF_INET)
    address.ipv4.sin_port = htons((uint16_t)port);
  else
    address.ipv6.sin6_port = htons((uint16_t)port);
  return bind(fd, &address.any, domain == AF_INET ? sizeof address.ipv4 : sizeof address.ipv6) == 0;
}

/* The sockets' ports are spread evenly, the same after each start; one that is taken gives way to
 * the next. */
static bool bind_near(int fd, int domain, uint32_t wanted) {
  for (uint32_t i = 0; i < PORTS; i++) {
    if (bind_to(fd, domain, PORT_FIRST + (wanted + i) % PORTS)) return true;
    if (errno != EADDRINUSE) return false;
  }
  return false;
}

static int32_t fail(int os_error, const char *what, mirror_report *report) {
  int32_t code = os_error == EPERM    ? MIRROR_E_PERMISSION
                 : os_error == ENOMEM ? MIRROR_E_NOMEM
                                      : MIRROR_E_OS;
  return mri_fail_os(report, code, os_error, "udp output: %s", what);
}

static int32_t open_socket(struct mri_udp *udp, int domain, uint32_t index,
                           struct mri_udp_socket *to, mirror_report *report) {
  to->way = UINT32_MAX;
  to->fd = socket(domain, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (to->fd < 0) return fail(errno, "no socket", report);
  if (!prepare(udp, to->fd, domain)) return fail(errno, "cannot prepare a socket", report);
  if (!bind_near(to->fd, domain, index * (PORTS / udp->pool)))
    return fail(errno, "cannot bind to a port of 49152-65535", report);
  return MIRROR_OK;
}

static bool lacks_family(int domain) {
  int fd = socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) close(fd);
  return fd < 0 && errno == EAFNOSUPPORT;
}

static bool can_join(int fd) {
  int size;
  socklen_t length = sizeof size;
  return getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, &length) == 0;
}

int32_t mri_udp_sockets_open(struct mri_udp *udp, mirror_report *report) {
  const int domains[] = {AF_INET, AF_INET6};
  bool lacks[] = {false, lacks_family(AF_INET6)};
  int32_t status = MIRROR_OK;
  for (uint32_t i = 0; i < 2 * udp->pool && !status; i++) {
    uint32_t family = i / udp->pool;
    if (!lacks[family])
      status = open_socket(udp, domains[family], i % udp->pool, &udp->sockets[i], report);
  }
  if (!status && udp->join) udp->join = can_join(udp->sockets[0].fd);
  return status;
}

void mri_udp_sockets_close(struct mri_udp *udp) {
  for (uint32_t i = 0; udp->sockets && i < 2 * udp->pool; i++) {
    if (udp->sockets[i].fd >= 0) close(udp->sockets[i].fd);
  }
}

enum { WAY_TTL = 0xff, WAY_DONT_FRAGMENT = 0x100, WAY_NO_CHECKSUM = 0x200 };

uint32_t mri_udp_way(const mirror_outer *outer) {
  uint32_t way = outer->ttl & WAY_TTL;
  if (outer->dont_fragment) way |= WAY_DONT_FRAGMENT;
  if (outer->udp_checksum == MIRROR_UDP_CHECKSUM_ZERO) way |= WAY_NO_CHECKSUM;
  return way;
}

/* The checksums of segments are the system's to make. */
bool mri_udp_may_join(uint32_t way) {
  return !(way & WAY_NO_CHECKSUM);
}

/* INTERFACE leaves DF clear and, unlike DONT, never fragments here (V3). */
static bool set_way_ipv4(int fd, uint32_t way) {
  int ttl = way & WAY_TTL;
  int discover = way & WAY_DONT_FRAGMENT ? IP_PMTUDISC_DO : IP_PMTUDISC_INTERFACE;
  return set(fd, IPPROTO_IP, IP_TTL, ttl) && set(fd, IPPROTO_IP, IP_MULTICAST_TTL, ttl) &&
         set(fd, IPPROTO_IP, IP_MTU_DISCOVER, discover) &&
         set(fd, SOL_SOCKET, SO_NO_CHECK, (way & WAY_NO_CHECKSUM) != 0);
}

static bool set_way_ipv6(int fd, uint32_t way) {
  int hops = way & WAY_TTL;
  return set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops) &&
         set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops) &&
         set(fd, IPPROTO_UDP, UDP_NO_CHECK6_TX, (way & WAY_NO_CHECKSUM) != 0);
}

bool mri_udp_set_way(struct mri_udp_socket *socket, uint32_t family, uint32_t way) {
  if (socket->way == way) return true;
  socket->way = UINT32_MAX;
  if (!(family == 4 ? set_way_ipv4(socket->fd, way) : set_way_ipv6(socket->fd, way))) return false;
  socket->way = way;
  return true;
}

void mri_udp_forget_errors(int fd) {
  struct msghdr message;
  for (int i = 0; i < ERRORS_MOST; i++) {
    memset(&message, 0, sizeof message);
    if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) break;
  }
  int pending;
  socklen_t length = sizeof pending;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &length); /* reading it takes it away */
}
