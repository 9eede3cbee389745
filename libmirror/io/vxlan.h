/*
 * The inside of "vxlan:" outputs: inner frames for a vxlan device of the system, which encapsulates
 * them as it is set up, and has them segmented where that costs least. The device is followed by
 * name; what the kernel says about it is asked again when something changes. Linux only.
 */
#ifndef MRI_IO_VXLAN_H
#define MRI_IO_VXLAN_H

#include "io/io.h"

#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
  MRI_VXLAN_CHUNK = 64,
  MRI_VXLAN_ANSWER = 1 << 15, /* octets of one datagram of the kernel's */
};

/* Where a vxlan device leads to. Addresses as in mirror_outer. */
struct mri_vxlan_device {
  uint32_t index;
  uint32_t vni;
  uint32_t udp_port;
  uint32_t family; /* 4 or 6; 0: no remote address */
  uint32_t link;   /* index of the device that its packets leave through; 0: by route */
  uint8_t remote[16];
  uint8_t local[16]; /* all 0: the route's */
  bool external;     /* each packet says where to, as ours cannot */
  bool learning;
  bool changes;     /* ARP proxy, short circuits, or bits in the header that are to be 0 */
  uint32_t entries; /* of its forwarding database, and how many lead elsewhere */
  uint32_t elsewhere;
};

struct mri_vxlan_batch {
  struct mmsghdr messages[MRI_VXLAN_CHUNK];
  struct virtio_net_hdr headers[MRI_VXLAN_CHUNK];
  struct iovec parts[MRI_VXLAN_CHUNK][3];
  uint32_t answer[MRI_VXLAN_ANSWER / 4];
};

struct mri_vxlan {
  mirror_context *context;
  char name[IFNAMSIZ];
  uint32_t mark;
  uint32_t send_buffer; /* octets */
  int fd;               /* packet socket */
  int questions;        /* netlink socket of requests */
  int news;             /* netlink socket of announcements */
  bool stale;           /* something has changed since the device was looked at */
  int64_t looked_ns;
  int32_t status; /* MIRROR_OK: copies can be sent; else why not, with its report */
  mirror_report report;
  struct mri_vxlan_device device;
  uint8_t source[16];    /* of the encapsulated packets */
  bool told;             /* the log knows that it is not the tunnel's */
  uint32_t longest;      /* inner frame that is neither lost nor fragmented on its way out */
  struct sockaddr_ll to; /* the device */
  struct mri_vxlan_batch *batch;
};

/* ---- vxlan_device.c: what the kernel says; netlink ---- */

/* False with errno. */
bool mri_vxlan_netlink_open(struct mri_vxlan *vxlan);
/* Whether announcements have come, since the last call, that may be about the device or its route.
 */
bool mri_vxlan_has_news(struct mri_vxlan *vxlan);
/* Asks for the device, its tunnel and its forwarding database. MIRROR_E_NO_DEVICE,
 * MIRROR_E_UNSUPPORTED: it is no vxlan device. */
int32_t mri_vxlan_find(struct mri_vxlan *vxlan, struct mri_vxlan_device *device,
                       mirror_report *report);

/* ---- vxlan_route.c: the way that its packets take ---- */

/* Octets of outer IP packet that the way takes, and the source address it gives them. Statuses of
 * send. */
int32_t mri_vxlan_route(const struct mri_vxlan *vxlan, const struct mri_vxlan_device *device,
                        uint32_t *mtu, uint8_t source[16], mirror_report *report);

#endif
