/* What the kernel says about a vxlan device, by netlink. */
#include "io/vxlan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

enum {
  PARTS_MOST = 1000, /* datagrams of one answer */
  NEWS_MOST = 64,    /* datagrams that are read at a time */
};

static int open_socket(uint32_t groups) {
  const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) == 0) return fd;
  int os_error = errno;
  close(fd);
  errno = os_error;
  return -1;
}

bool mri_vxlan_netlink_open(struct mri_vxlan *vxlan) {
  vxlan->questions = open_socket(0);
  if (vxlan->questions < 0) return false;
  vxlan->news = open_socket(RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_ROUTE | RTMGRP_IPV4_IFADDR |
                            RTMGRP_IPV6_ROUTE | RTMGRP_IPV6_IFADDR);
  return vxlan->news >= 0;
}

/* ---- announcements ---- */

/* Neighbours come and go all the time; entries of the device's database do not. */
static int may_matter(const struct nlmsghdr *message, void *matters) {
  const struct ndmsg *neighbour = mnl_nlmsg_get_payload(message);
  bool entry = message->nlmsg_type == RTM_NEWNEIGH || message->nlmsg_type == RTM_DELNEIGH;
  if (!entry || neighbour->ndm_family == AF_BRIDGE) *(bool *)matters = true;
  return MNL_CB_OK;
}

bool mri_vxlan_has_news(struct mri_vxlan *vxlan) {
  uint32_t *buffer = vxlan->batch->answer;
  bool matters = false;
  for (int i = 0; i < NEWS_MOST; i++) {
    ssize_t length = recv(vxlan->news, buffer, MRI_VXLAN_ANSWER, MSG_DONTWAIT);
    if (length < 0) return matters || (errno != EAGAIN && errno != EINTR); /* some were lost */
    if (!matters) mnl_cb_run(buffer, (size_t)length, 0, 0, may_matter, &matters);
  }
  return matters;
}

/* ---- questions ---- */

/* Whatever was left of a former answer is none to this question. */
static bool ask(const struct mri_vxlan *vxlan, struct nlmsghdr *question, mnl_cb_t take,
                void *data) {
  uint32_t *buffer = vxlan->batch->answer;
  const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  while (recv(vxlan->questions, buffer, MRI_VXLAN_ANSWER, MSG_DONTWAIT) >= 0) {
  }
  if (sendto(vxlan->questions, question, question->nlmsg_len, MSG_DONTWAIT,
             (const struct sockaddr *)&kernel, sizeof kernel) < 0)
    return false;
  for (int i = 0; i < PARTS_MOST; i++) {
    ssize_t length = recv(vxlan->questions, buffer, MRI_VXLAN_ANSWER, MSG_DONTWAIT);
    if (length < 0) return false;
    int more = mnl_cb_run(buffer, (size_t)length, question->nlmsg_seq, 0, take, data);
    if (more < 0) return false;
    if (more == MNL_CB_STOP) return true;
  }
  errno = EIO;
  return false;
}

struct attributes {
  const struct nlattr **by_type;
  uint16_t most;
};

static int keep(const struct nlattr *attribute, void *data) {
  struct attributes *to = data;
  uint16_t type = mnl_attr_get_type(attribute);
  if (type <= to->most) to->by_type[type] = attribute;
  return MNL_CB_OK;
}

/* An attribute's number; 0 if it is absent or too short. */
static uint32_t number(const struct nlattr *attribute, size_t octets) {
  if (!attribute || mnl_attr_get_payload_len(attribute) < octets) return 0;
  const void *at = mnl_attr_get_payload(attribute);
  uint8_t byte;
  uint16_t word;
  uint32_t number;
  switch (octets) {
    case sizeof byte:
      return *(const uint8_t *)at;
    case sizeof word:
      memcpy(&word, at, sizeof word);
      return word;
    default:
      memcpy(&number, at, sizeof number);
      return number;
  }
}

static bool is_set(const struct nlattr *attribute) {
  return number(attribute, 1) != 0;
}

static void read_address(const struct nlattr *attribute, uint8_t address[16]) {
  size_t length = attribute ? mnl_attr_get_payload_len(attribute) : 0;
  if (length == 4 || length == 16) memcpy(address, mnl_attr_get_payload(attribute), length);
}

/* GBP would put our mark into the header, remote checksums their bits; GPE has no Ethernet inside.
 * A proxy answers in the place of the target, and RSC writes other MAC addresses. */
static void read_tunnel(const struct nlattr *data, struct mri_vxlan_device *device) {
  const struct nlattr *at[IFLA_VXLAN_MAX + 1] = {NULL};
  struct attributes to = {at, IFLA_VXLAN_MAX};
  mnl_attr_parse_nested(data, keep, &to);
  device->vni = number(at[IFLA_VXLAN_ID], 4);
  device->udp_port = ntohs((uint16_t)number(at[IFLA_VXLAN_PORT], 2));
  device->link = number(at[IFLA_VXLAN_LINK], 4);
  device->external = is_set(at[IFLA_VXLAN_COLLECT_METADATA]);
  device->learning = is_set(at[IFLA_VXLAN_LEARNING]);
  device->changes = is_set(at[IFLA_VXLAN_PROXY]) || is_set(at[IFLA_VXLAN_RSC]) ||
                    at[IFLA_VXLAN_GBP] || at[IFLA_VXLAN_GPE] || is_set(at[IFLA_VXLAN_REMCSUM_TX]);
  read_address(at[IFLA_VXLAN_LOCAL], device->local);
  read_address(at[IFLA_VXLAN_LOCAL6], device->local);
}

static int take_link(const struct nlmsghdr *message, void *data) {
  struct mri_vxlan_device *device = data;
  const struct nlattr *at[IFLA_MAX + 1] = {NULL}, *info[IFLA_INFO_MAX + 1] = {NULL};
  struct attributes to = {at, IFLA_MAX}, into = {info, IFLA_INFO_MAX};
  const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
  if (message->nlmsg_type != RTM_NEWLINK) return MNL_CB_OK;
  device->index = (uint32_t)link->ifi_index;
  mnl_attr_parse(message, sizeof *link, keep, &to);
  if (at[IFLA_LINKINFO]) mnl_attr_parse_nested(at[IFLA_LINKINFO], keep, &into);
  if (info[IFLA_INFO_KIND] && info[IFLA_INFO_DATA] &&
      strncmp(mnl_attr_get_str(info[IFLA_INFO_KIND]), "vxlan",
              mnl_attr_get_payload_len(info[IFLA_INFO_KIND])) == 0)
    read_tunnel(info[IFLA_INFO_DATA], device);
  return MNL_CB_STOP;
}

/* The entry for all frames gives the remote address. One for certain frames, or with a port, VNI or
 * interface of its own, leads elsewhere. */
static int take_entry(const struct nlmsghdr *message, void *data) {
  static const uint8_t all[6] = {0};
  struct mri_vxlan_device *device = data;
  const struct nlattr *at[NDA_MAX + 1] = {NULL};
  struct attributes to = {at, NDA_MAX};
  const struct ndmsg *entry = mnl_nlmsg_get_payload(message);
  if (message->nlmsg_type != RTM_NEWNEIGH || entry->ndm_ifindex != (int)device->index)
    return MNL_CB_OK;
  mnl_attr_parse(message, sizeof *entry, keep, &to);
  size_t length = at[NDA_DST] ? mnl_attr_get_payload_len(at[NDA_DST]) : 0;
  bool plain = at[NDA_LLADDR] && mnl_attr_get_payload_len(at[NDA_LLADDR]) == sizeof all &&
               memcmp(mnl_attr_get_payload(at[NDA_LLADDR]), all, sizeof all) == 0 &&
               (length == 4 || length == 16) && !at[NDA_PORT] && !at[NDA_VNI] && !at[NDA_NH_ID];
  device->entries++;
  device->elsewhere += !plain;
  if (!plain) return MNL_CB_OK;
  device->family = length == 4 ? 4 : 6;
  memset(device->remote, 0, sizeof device->remote);
  read_address(at[NDA_DST], device->remote);
  return MNL_CB_OK;
}

static bool ask_for_link(const struct mri_vxlan *vxlan, struct mri_vxlan_device *device) {
  _Alignas(struct nlmsghdr) uint8_t buffer[256];
  struct nlmsghdr *question = mnl_nlmsg_put_header(buffer);
  question->nlmsg_type = RTM_GETLINK;
  question->nlmsg_flags = NLM_F_REQUEST;
  question->nlmsg_seq = 1;
  mnl_nlmsg_put_extra_header(question, sizeof(struct ifinfomsg));
  mnl_attr_put_strz(question, IFLA_IFNAME, vxlan->name);
  return ask(vxlan, question, take_link, device);
}

static bool ask_for_entries(const struct mri_vxlan *vxlan, struct mri_vxlan_device *device) {
  _Alignas(struct nlmsghdr) uint8_t buffer[256];
  struct nlmsghdr *question = mnl_nlmsg_put_header(buffer);
  question->nlmsg_type = RTM_GETNEIGH;
  question->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  question->nlmsg_seq = 2;
  struct ifinfomsg *of = mnl_nlmsg_put_extra_header(question, sizeof *of);
  of->ifi_family = AF_BRIDGE;
  of->ifi_index = (int)device->index;
  return ask(vxlan, question, take_entry, device);
}

int32_t mri_vxlan_find(struct mri_vxlan *vxlan, struct mri_vxlan_device *device,
                       mirror_report *report) {
  memset(device, 0, sizeof *device);
  if (!ask_for_link(vxlan, device))
    return mri_fail_os(
        report, errno == ENODEV ? MIRROR_E_NO_DEVICE : MIRROR_E_OS, errno,
        errno == ENODEV ? "there is no interface \"%s\"" : "interface \"%s\" cannot be asked for",
        vxlan->name);
  if (device->udp_port == 0)
    return mri_fail(report, MIRROR_E_UNSUPPORTED,
                    "interface \"%s\" is of another kind, expected a vxlan device", vxlan->name);
  if (!ask_for_entries(vxlan, device))
    return mri_fail_os(report, MIRROR_E_OS, errno,
                       "interface \"%s\": its forwarding database cannot be read", vxlan->name);
  return MIRROR_OK;
}
