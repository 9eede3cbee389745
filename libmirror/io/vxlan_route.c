/* The way of a vxlan device's packets: a connected socket like the device's own is asked for it. */
#include "io/os_status.h"
#include "io/vxlan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

union address {
  struct sockaddr any;
  struct sockaddr_in ipv4;
  struct sockaddr_in6 ipv6;
};

static socklen_t put_address(union address *to, uint32_t family, const uint8_t *octets,
                             uint32_t port) {
  memset(to, 0, sizeof *to);
  if (family == 4) {
    to->ipv4.sin_family = AF_INET;
    to->ipv4.sin_port = htons((uint16_t)port);
    memcpy(&to->ipv4.sin_addr, octets, 4);
    return sizeof to->ipv4;
  }
  to->ipv6.sin6_family = AF_INET6;
  to->ipv6.sin6_port = htons((uint16_t)port);
  memcpy(&to->ipv6.sin6_addr, octets, 16);
  return sizeof to->ipv6;
}

/* From the device's own address and through its link, as its packets leave; the mark may choose the
 * route. */
static bool connect_like(const struct mri_vxlan *vxlan, const struct mri_vxlan_device *device,
                         int fd) {
  union address from, to;
  socklen_t length = put_address(&from, device->family, device->local, 0);
  if (vxlan->mark)
    setsockopt(fd, SOL_SOCKET, SO_MARK, &vxlan->mark, sizeof vxlan->mark); /* not needed mostly */
  if (device->link &&
      setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &device->link, sizeof device->link) < 0)
    return false;
  if (bind(fd, &from.any, length) < 0) return false;
  length = put_address(&to, device->family, device->remote, device->udp_port);
  return connect(fd, &to.any, length) == 0;
}

static bool ask(int fd, uint32_t family, uint32_t *mtu, uint8_t source[16]) {
  union address from;
  socklen_t length = sizeof *mtu, address_length = sizeof from;
  memset(&from, 0, sizeof from);
  if (getsockopt(fd, family == 4 ? IPPROTO_IP : IPPROTO_IPV6, family == 4 ? IP_MTU : IPV6_MTU, mtu,
                 &length) < 0 ||
      getsockname(fd, &from.any, &address_length) < 0)
    return false;
  memset(source, 0, 16);
  if (family == 4)
    memcpy(source, &from.ipv4.sin_addr, 4);
  else
    memcpy(source, &from.ipv6.sin6_addr, 16);
  return true;
}

static int32_t fail(const struct mri_vxlan *vxlan, const struct mri_vxlan_device *device,
                    mirror_report *report) {
  char to[INET6_ADDRSTRLEN] = "";
  int os_error = errno;
  inet_ntop(device->family == 4 ? AF_INET : AF_INET6, device->remote, to, sizeof to);
  int32_t status = os_error == EADDRNOTAVAIL ? MIRROR_E_NO_ROUTE : mri_output_status(os_error);
  return mri_fail_os(report, status, os_error, "vxlan device \"%s\" has no way to %s", vxlan->name,
                     to);
}

int32_t mri_vxlan_route(const struct mri_vxlan *vxlan, const struct mri_vxlan_device *device,
                        uint32_t *mtu, uint8_t source[16], mirror_report *report) {
  int domain = device->family == 4 ? AF_INET : AF_INET6;
  int fd = socket(domain, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fail(vxlan, device, report);
  int32_t status = MIRROR_OK;
  if (!connect_like(vxlan, device, fd) || !ask(fd, device->family, mtu, source))
    status = fail(vxlan, device, report);
  close(fd);
  return status;
}
