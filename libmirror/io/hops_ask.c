/* Asking the kernel for interface, routes and neighbours, and listening to it. Neither needs a
 * privilege. */
#include "io/hops.h"

#include "io/os_status.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  AGAIN_NS = 20 * 1000 * 1000, /* a tunnel is not asked for more often, however routes change */
  READS_MOST = 16,             /* datagrams at a time */
};

/* ---- requests ---- */

/* An answer, or a question on its way out. */
union message {
  struct nlmsghdr header;
  uint32_t align;
  uint8_t octets[MRI_NEWS];
};

static struct nlmsghdr *begin(union message *message, uint16_t type) {
  struct nlmsghdr *header = mnl_nlmsg_put_header(message);
  header->nlmsg_type = type;
  header->nlmsg_flags = NLM_F_REQUEST;
  return header;
}

/* 0, or the errno that the kernel answers with. */
static int error_in(const struct nlmsghdr *header) {
  int error;
  if (header->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(header) < sizeof error)
    return 0;
  memcpy(&error, mnl_nlmsg_get_payload(header), sizeof error);
  return error < 0 ? -error : EIO;
}

static bool is_answer(const union message *message, ssize_t length, const struct sockaddr_nl *from,
                      uint32_t sequence) {
  return from->nl_pid == 0 && mnl_nlmsg_ok(&message->header, (int)length) &&
         message->header.nlmsg_seq == sequence;
}

/* The kernel answers before sendto returns, so the answer is there: after some of earlier
 * questions, perhaps. 0, the errno that it is, or a negative one if there is none. */
static int exchange(struct mri_hops *hops, union message *message) {
  const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  uint32_t sequence = message->header.nlmsg_seq = ++hops->sequence;
  if (sendto(hops->questions, message, message->header.nlmsg_len, MSG_DONTWAIT,
             (const struct sockaddr *)&kernel, sizeof kernel) < 0)
    return -errno;
  for (int i = 0; i < READS_MOST; i++) {
    struct sockaddr_nl from = {0};
    socklen_t size = sizeof from;
    ssize_t length = recvfrom(hops->questions, message, sizeof *message, MSG_DONTWAIT,
                              (struct sockaddr *)&from, &size);
    if (length < 0 && errno != EINTR && errno != ENOBUFS) return -errno;
    if (length >= 0 && is_answer(message, length, &from, sequence))
      return error_in(&message->header);
  }
  return -EIO;
}

/* ---- the interface ---- */

/* By index while it lasts, then by name. */
static int ask_port(struct mri_hops *hops) {
  union message message;
  struct mri_port *port = &hops->port;
  struct nlmsghdr *header = begin(&message, RTM_GETLINK);
  struct ifinfomsg *link = mnl_nlmsg_put_extra_header(header, sizeof *link);
  link->ifi_index = (int)port->index;
  if (!port->index) mnl_attr_put_strz(header, IFLA_IFNAME, port->name);
  mnl_attr_put_u32(header, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  int error = exchange(hops, &message);
  if (error == 0) mri_hops_read_port(port, &message.header);
  if (error == ENODEV) port->index = 0;
  return error;
}

/* ---- routes ---- */

static void put_address(struct nlmsghdr *header, uint16_t type, uint32_t family,
                        const uint8_t *address) {
  mnl_attr_put(header, type, family == 4 ? 4 : MRI_IP_ADDRESS, address);
}

static int address_family(uint32_t family) {
  return family == 4 ? AF_INET : AF_INET6;
}

/* How a question for a route is put. */
enum { WITH_SOURCE = 1, TABLES_ONLY = 2 };

static void put_route(union message *message, const struct mri_hops *hops,
                      const struct mri_hop *hop, unsigned how) {
  struct nlmsghdr *header = begin(message, RTM_GETROUTE);
  struct rtmsg *route = mnl_nlmsg_put_extra_header(header, sizeof *route);
  route->rtm_family = (unsigned char)address_family(hop->family);
  route->rtm_dst_len = hop->family == 4 ? 32 : 128;
  if (how & TABLES_ONLY) route->rtm_flags = RTM_F_FIB_MATCH;
  put_address(header, RTA_DST, hop->family, hop->destination);
  if (how & WITH_SOURCE) {
    route->rtm_src_len = route->rtm_dst_len;
    put_address(header, RTA_SRC, hop->family, hop->source);
  }
  mnl_attr_put_u32(header, RTA_OIF, hops->port.index);
  if (hops->mark) mnl_attr_put_u32(header, RTA_MARK, hops->mark);
}

static bool is_group(const struct mri_hop *hop) {
  return hop->family == 4 ? hop->destination[0] >> 4 == 14 : hop->destination[0] == 0xff;
}

/*
 * Where no route leads out of an interface that is named, IPv4 takes the target to be on its link.
 * That is right for groups alone: for others the tables are looked at before.
 */
static int ask_route_as(struct mri_hops *hops, struct mri_hop *hop, unsigned how) {
  union message message;
  if (hop->family == 4 && !is_group(hop)) {
    put_route(&message, hops, hop, how | TABLES_ONLY);
    int error = exchange(hops, &message);
    if (error) return error;
  }
  put_route(&message, hops, hop, how);
  int error = exchange(hops, &message);
  if (error) return error;
  if (!mri_hop_read_route(&hops->port, hop, &message.header)) return -EIO;
  return hop->status ? ENETUNREACH : 0;
}

static bool has_source(const struct mri_hop *hop) {
  static const uint8_t none[MRI_IP_ADDRESS];
  return memcmp(hop->source, none, sizeof none) != 0;
}

/* Routing rules may look at the source; one that is no address of this host's is left out. */
static int ask_route(struct mri_hops *hops, struct mri_hop *hop) {
  if (has_source(hop) && ask_route_as(hops, hop, WITH_SOURCE) == 0) return 0;
  return ask_route_as(hops, hop, 0);
}

/* ---- neighbours ---- */

static int ask_neighbour(struct mri_hops *hops, struct mri_hop *hop) {
  union message message;
  struct nlmsghdr *header = begin(&message, RTM_GETNEIGH);
  struct ndmsg *neighbour = mnl_nlmsg_put_extra_header(header, sizeof *neighbour);
  neighbour->ndm_family = (unsigned char)address_family(hop->next_family);
  neighbour->ndm_ifindex = (int)hops->port.index;
  put_address(header, NDA_DST, hop->next_family, hop->next);
  int error = exchange(hops, &message);
  if (error == 0) mri_hop_read_neighbour(hop, &message.header);
  return error;
}

/* Static neighbours of devices without address resolution come first. */
static int resolve(struct mri_hops *hops, struct mri_hop *hop) {
  bool was_resolved = hop->resolved;
  hop->resolved = hop->lasting = false;
  int error = 0;
  if (mri_port_is_ethernet(&hops->port)) error = ask_neighbour(hops, hop);
  if (!hop->resolved && mri_hop_fixed_mac(&hops->port, hop->next_family, hop->next, hop->mac))
    hop->resolved = hop->lasting = true;
  if (was_resolved && !hop->resolved) hop->touch_ns = 0;
  return hop->resolved || error == ENOENT ? 0 : error;
}

/* Where no answer comes, the route stays as it was, and is asked for again. */
static void ask(struct mri_hops *hops, struct mri_hop *hop, int64_t now_ns) {
  bool first = hop->next_family == 0;
  hop->asked_ns = now_ns;
  int error = ask_route(hops, hop);
  if (!error) error = resolve(hops, hop);
  if (error > 0 || (error && first)) hop->status = mri_output_status(abs(error));
  hop->generation = error < 0 ? 0 : hops->generation;
}

struct mri_hop *mri_hops_way(struct mri_hops *hops, const mirror_outer *outer, int64_t now_ns) {
  struct mri_hop *hop = mri_hops_find(hops, outer);
  if (hop->generation != hops->generation && now_ns - hop->asked_ns >= AGAIN_NS)
    ask(hops, hop, now_ns);
  return hop;
}

/* ---- announcements ---- */

static const uint32_t groups[] = {
    RTNLGRP_LINK,       RTNLGRP_NEIGH,      RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
    RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE,
};

static bool bind_to_groups(int fd) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK};
  for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
    address.nl_groups |= 1u << (groups[i] - 1);
  return bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
}

/* Later than the others; without it, routes through such objects are seen when something else
 * changes. */
static void join_nexthops(int fd) {
  const int group = RTNLGRP_NEXTHOP;
  setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group);
}

static int open_socket(void) {
  return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
}

static int32_t fail(const struct mri_hops *hops, int os_error, mirror_report *report) {
  int32_t code = os_error == ENOMEM || os_error == ENOBUFS ? MIRROR_E_NOMEM : MIRROR_E_OS;
  return mri_fail_os(report, code, os_error,
                     "interface \"%s\": no netlink socket for routes and neighbours",
                     hops->port.name);
}

/* Listens before it asks, so that nothing is missed. */
int32_t mri_hops_open(struct mri_hops *hops, mirror_report *report) {
  hops->news = open_socket();
  if (hops->news < 0 || !bind_to_groups(hops->news)) return fail(hops, errno, report);
  join_nexthops(hops->news);
  hops->questions = open_socket();
  if (hops->questions < 0) return fail(hops, errno, report);
  int error = ask_port(hops);
  if (error == ENODEV)
    return mri_fail_os(report, MIRROR_E_NO_DEVICE, error, "there is no interface \"%s\"",
                       hops->port.name);
  return error ? fail(hops, abs(error), report) : MIRROR_OK;
}

void mri_hops_close(struct mri_hops *hops) {
  if (hops->news >= 0) close(hops->news);
  if (hops->questions >= 0) close(hops->questions);
  hops->news = hops->questions = -1;
}

/* What was lost may have been about anything. */
static void lose_news(struct mri_hops *hops) {
  hops->generation++;
  hops->port_unknown = true;
}

static void read_news(struct mri_hops *hops) {
  for (int i = 0; i < READS_MOST; i++) {
    struct sockaddr_nl from = {0};
    socklen_t size = sizeof from;
    ssize_t length = recvfrom(hops->news, hops->news_buffer, sizeof hops->news_buffer,
                              MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &size);
    if (length < 0 && errno == EAGAIN) return;
    if (length < 0 || (size_t)length > sizeof hops->news_buffer)
      lose_news(hops);
    else if (from.nl_pid == 0)
      mri_hops_read(hops, hops->news_buffer, (size_t)length);
  }
}

void mri_hops_update(struct mri_hops *hops, int64_t now_ns) {
  if (now_ns == hops->read_ns && !hops->waiting) return;
  hops->read_ns = now_ns;
  hops->waiting = false;
  read_news(hops);
  if (!hops->port_unknown) return;
  int error = ask_port(hops); /* once by index; if that is gone, by name */
  if (error == ENODEV) error = ask_port(hops);
  hops->port_unknown = error && error != ENODEV;
}
