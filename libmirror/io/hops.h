/*
 * Next hops: which link header takes a copy to its target, as the kernel's routes and neighbours
 * say. The kernel is asked once for each tunnel; what it announces afterwards keeps the answers
 * current, so that sending reads a table. Linux only.
 */
#ifndef MRI_IO_HOPS_H
#define MRI_IO_HOPS_H

#include "io/io.h"

#include <net/if.h>
#include <stdbool.h>

enum {
  MRI_HOPS = 4096,     /* tunnels remembered: a power of two */
  MRI_HOPS_NEAR = 8,   /* places where one of them may stand */
  MRI_NEWS = 1 << 15,  /* octets of one datagram of the kernel's */
  MRI_MAC = 6,         /* octets */
  MRI_IP_ADDRESS = 16, /* octets; IPv4 in the first 4 */
};

/* The interface, followed by its index while it lasts, then by its name. */
struct mri_port {
  char name[IFNAMSIZ];
  uint32_t index; /* 0: there is none */
  uint32_t type;  /* ARPHRD_ */
  uint32_t flags; /* IFF_ */
  uint32_t mtu;
  uint8_t mac[MRI_MAC];
};

/* How copies of one pair of outer addresses leave. */
struct mri_hop {
  uint32_t family; /* 4, 6; 0: no entry */
  uint8_t destination[MRI_IP_ADDRESS];
  uint8_t source[MRI_IP_ADDRESS];
  uint32_t generation; /* of the answer; another one than that of mri_hops: to be asked again */
  int64_t asked_ns;

  int32_t status;                    /* MIRROR_OK: there is a route */
  uint32_t mtu;                      /* of the route; 0: none of its own */
  uint8_t preferred[MRI_IP_ADDRESS]; /* source address; all 0: unknown */
  uint32_t next_family;              /* of the gateway, or of the target on the link */
  uint8_t next[MRI_IP_ADDRESS];

  bool resolved;
  bool lasting;     /* the MAC needs no confirmation */
  int64_t touch_ns; /* then a copy goes the kernel's way, which resolves or confirms */
  uint8_t mac[MRI_MAC];
};

struct mri_hops {
  struct mri_port port;
  uint32_t generation; /* grows when routes, addresses or links change */
  uint32_t mark;       /* of the copies, for routing rules */
  int news;            /* netlink socket of announcements; -1: closed */
  int questions;       /* netlink socket of requests; -1: closed */
  uint32_t sequence;
  bool port_unknown; /* announcements were lost: the interface has to be asked for */
  bool waiting;      /* announcements are expected: they are read at once */
  int64_t read_ns;   /* when they were read last */
  struct mri_hop *last;
  struct mri_hop table[MRI_HOPS];
  uint32_t news_buffer[MRI_NEWS / 4];
};

/* ---- hops.c: the table ---- */

void mri_hops_init(struct mri_hops *hops);
/* The entry of a tunnel, perhaps a new one in the place of another. */
struct mri_hop *mri_hops_find(struct mri_hops *hops, const mirror_outer *outer);
/* The MAC that needs no neighbour: of a group, or on devices without address resolution. */
bool mri_hop_fixed_mac(const struct mri_port *port, uint32_t family, const uint8_t *address,
                       uint8_t mac[MRI_MAC]);
/* Copies have an Ethernet header on this interface. */
bool mri_port_is_ethernet(const struct mri_port *port);
/* MIRROR_OK, MIRROR_E_NO_DEVICE or MIRROR_E_LINK_DOWN. */
int32_t mri_port_status(const struct mri_port *port);

/* ---- hops_news.c: what netlink messages say; any octets are allowed ---- */

struct nlmsghdr;

/* A datagram of announcements. */
void mri_hops_read(struct mri_hops *hops, const void *octets, size_t length);
/* Answers to questions. False: the message is something else. */
bool mri_hops_read_port(struct mri_port *port, const struct nlmsghdr *message);
/* A route that does not leave by the port is none. */
bool mri_hop_read_route(const struct mri_port *port, struct mri_hop *hop,
                        const struct nlmsghdr *message);
bool mri_hop_read_neighbour(struct mri_hop *hop, const struct nlmsghdr *message);

/* ---- hops_ask.c: the kernel ---- */

/* Opens the sockets and finds the interface hops->port.name. MIRROR_E_NO_DEVICE, MIRROR_E_OS,
 * MIRROR_E_NOMEM. mri_hops_close in any case. */
int32_t mri_hops_open(struct mri_hops *hops, mirror_report *report);
void mri_hops_close(struct mri_hops *hops);
/* Reads announcements that are there, if the time is another one or they are waited for. */
void mri_hops_update(struct mri_hops *hops, int64_t now_ns);
/* The entry of a tunnel, asked for if need be. */
struct mri_hop *mri_hops_way(struct mri_hops *hops, const mirror_outer *outer, int64_t now_ns);

#endif
