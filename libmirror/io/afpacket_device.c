/* What the kernel says about the interface of a packet socket. */
#include "io/afpacket.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef ARPHRD_RAWIP
#define ARPHRD_RAWIP 519
#endif

/* Tunnels of IP in IP have no link header, nor have tun devices, WireGuard and modems. */
uint16_t mri_link_of_device(uint32_t device_type) {
  switch (device_type) {
    case ARPHRD_ETHER:
    case ARPHRD_LOOPBACK:
      return MIRROR_LINK_ETHERNET;
    case ARPHRD_NONE:
    case ARPHRD_RAWIP:
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6:
    case ARPHRD_SIT:
      return MIRROR_LINK_RAW;
    default:
      return UINT16_MAX;
  }
}

static struct ifreq request_of(const char *name) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
  return request;
}

int32_t mri_device_find(int fd, const char *name, struct mri_device *device,
                        mirror_report *report) {
  struct ifreq request = request_of(name);
  if (ioctl(fd, SIOCGIFINDEX, &request) < 0)
    return mri_fail_os(report, MIRROR_E_NO_DEVICE, errno, "there is no interface \"%s\"", name);
  device->index = request.ifr_ifindex;
  if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
    return mri_fail_os(report, MIRROR_E_NO_DEVICE, errno, "interface \"%s\" is gone", name);
  uint32_t type = request.ifr_hwaddr.sa_family;
  device->link_type = mri_link_of_device(type);
  if (device->link_type != UINT16_MAX) return MIRROR_OK;
  return mri_fail(report, MIRROR_E_LINK_TYPE,
                  "packets of interface \"%s\", of type %u (ARPHRD_), cannot be mirrored, expected "
                  "Ethernet, loopback or raw IP",
                  name, type);
}

/* A socket that has lost its device has the index -1. A device may be renamed, so its present name
 * is asked for. */
enum mri_device_state mri_device_state(int fd) {
  struct sockaddr_ll bound;
  socklen_t length = sizeof bound;
  memset(&bound, 0, sizeof bound);
  if (getsockname(fd, (struct sockaddr *)&bound, &length) < 0 || bound.sll_ifindex <= 0)
    return MRI_DEVICE_GONE;
  struct ifreq request = request_of("");
  request.ifr_ifindex = bound.sll_ifindex;
  if (ioctl(fd, SIOCGIFNAME, &request) < 0) return MRI_DEVICE_GONE;
  if (ioctl(fd, SIOCGIFFLAGS, &request) < 0) return MRI_DEVICE_DOWN;
  return request.ifr_flags & IFF_UP ? MRI_DEVICE_UP : MRI_DEVICE_DOWN;
}
