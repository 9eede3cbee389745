/* Copies that go the kernel's way: routed, resolved and queued by it. */
#include "io/raw.h"

#include "encap/headers.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* The outer headers up to the UDP one. */
enum { HEADERS_MOST = MRI_IPV6_LENGTH + MRI_UDP_LENGTH };

/* Such sockets take whole IP packets, whatever their source address. Nothing comes in by them but
 * packets of the protocol number 255. */
static int open_socket(int domain, uint32_t mark) {
  int fd = socket(domain, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
  if (fd >= 0 && mark) setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark);
  return fd;
}

static int32_t fail(mirror_report *report) {
  if (errno == EPERM || errno == EACCES)
    return mri_fail_os(report, MIRROR_E_PERMISSION, errno,
                       "sending frames needs the capability CAP_NET_RAW, expected root or a "
                       "program that has it");
  return mri_fail_os(report, errno == ENOMEM || errno == ENOBUFS ? MIRROR_E_NOMEM : MIRROR_E_OS,
                     errno, "no raw IP socket");
}

/* A system may lack IPv6. */
int32_t mri_kernel_way_open(struct mri_kernel_way *way, uint32_t mark, mirror_report *report) {
  way->ipv4 = open_socket(AF_INET, mark);
  if (way->ipv4 < 0) return fail(report);
  way->ipv6 = open_socket(AF_INET6, mark);
  return way->ipv6 < 0 && errno != EAFNOSUPPORT ? fail(report) : MIRROR_OK;
}

void mri_kernel_way_close(struct mri_kernel_way *way) {
  if (way->ipv4 >= 0) close(way->ipv4);
  if (way->ipv6 >= 0) close(way->ipv6);
  way->ipv4 = way->ipv6 = -1;
}

/* Where a message goes, and out of which interface. */
struct destination {
  union {
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
  } address;
  union {
    struct cmsghdr align;
    uint8_t octets[CMSG_SPACE(sizeof(struct in6_pktinfo))];
  } control;
};

static void put_control(struct msghdr *message, int level, int type, const void *data,
                        size_t length) {
  struct cmsghdr *header = message->msg_control;
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(length);
  memcpy(CMSG_DATA(header), data, length);
  message->msg_controllen = CMSG_SPACE(length);
}

static void put_destination(struct msghdr *message, struct destination *to, uint32_t index,
                            const mirror_outer *outer) {
  memset(to, 0, sizeof *to);
  message->msg_name = &to->address;
  message->msg_control = &to->control;
  if (outer->family == 4) {
    const struct in_pktinfo info = {.ipi_ifindex = (int)index};
    to->address.ipv4.sin_family = AF_INET;
    memcpy(&to->address.ipv4.sin_addr, outer->destination, 4);
    message->msg_namelen = sizeof to->address.ipv4;
    put_control(message, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
  } else {
    const struct in6_pktinfo info = {.ipi6_ifindex = index};
    to->address.ipv6.sin6_family = AF_INET6;
    memcpy(&to->address.ipv6.sin6_addr, outer->destination, MRI_IP_ADDRESS);
    message->msg_namelen = sizeof to->address.ipv6;
    put_control(message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
  }
}

int mri_kernel_way_send(const struct mri_kernel_way *way, uint32_t index, const mirror_copy *copy,
                        const uint8_t *source) {
  const uint32_t family = copy->outer->family;
  const uint32_t headers = HEADERS_MOST - (family == 4 ? MRI_IPV6_LENGTH - MRI_IPV4_LENGTH : 0);
  uint8_t start[HEADERS_MOST];
  int fd = family == 4 ? way->ipv4 : way->ipv6;
  if (fd < 0) return EAFNOSUPPORT;
  memcpy(start, copy->head, headers);
  if (source) mri_raw_put_source(start, family, source);
  /* sendmsg reads alone */
  struct iovec parts[] = {
      {start, headers},
      {(void *)(uintptr_t)(copy->head + headers), copy->head_length - headers},
      {(void *)(uintptr_t)copy->body, copy->body_length},
  };
  struct destination to;
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
  put_destination(&message, &to, index, copy->outer);
  return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
}
