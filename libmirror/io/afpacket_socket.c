/* Packet sockets: made, filtered and bound. */
#include "io/afpacket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Protocol 0: nothing is received before mri_afpacket_attach. */
int32_t mri_afpacket_socket(const struct mri_afpacket_options *options, int *fd,
                            mirror_report *report) {
  *fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (*fd >= 0) return MIRROR_OK;
  if (errno == EPERM || errno == EACCES)
    return mri_fail_os(report, MIRROR_E_PERMISSION, errno,
                       "capturing on \"%s\" needs the capability CAP_NET_RAW, expected root or a "
                       "program that has it",
                       options->device);
  return mri_fail_os(report, errno == ENOMEM ? MIRROR_E_NOMEM : MIRROR_E_OS, errno,
                     "no packet socket for \"%s\"", options->device);
}

static bool set_filter(int fd, struct sock_filter *code, unsigned short length) {
  const struct sock_fprog program = {.len = length, .filter = code};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

static bool refuse_all(int fd) {
  struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  return set_filter(fd, code, 1);
}

/* F1: what our own outputs send carries their mark, and stays out of the ring. */
static bool accept_unmarked(const struct mri_afpacket_options *options, int fd) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_MARK)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, options->mark, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, options->snaplen),
  };
  unsigned short skip = options->mark ? 0 : 3;
  return set_filter(fd, code + skip, (unsigned short)(4 - skip));
}

static int32_t fail(const struct mri_afpacket_options *options, const char *what,
                    mirror_report *report) {
  int32_t code = errno == ENODEV    ? MIRROR_E_NO_DEVICE
                 : errno == EPERM   ? MIRROR_E_PERMISSION
                 : errno == ENOMEM  ? MIRROR_E_NOMEM
                 : errno == ENOBUFS ? MIRROR_E_NOMEM
                                    : MIRROR_E_OS;
  return mri_fail_os(report, code, errno, "interface \"%s\": %s", options->device, what);
}

static bool bind_to(int fd, int index) {
  const struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index};
  return bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
}

/* Both directions of a flow, and all fragments of a datagram, have one hash. */
static bool join_group(int fd, uint32_t group) {
  const int value = (int)(group | PACKET_FANOUT_HASH << 16);
  return setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &value, sizeof value) == 0;
}

/* Membership ends with the device. */
static bool be_promiscuous(int fd, int index) {
  const struct packet_mreq request = {.mr_ifindex = index, .mr_type = PACKET_MR_PROMISC};
  return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof request) == 0;
}

/* Between binding and joining, a socket gets what the others of its group get too: it must not. */
int32_t mri_afpacket_attach(const struct mri_afpacket_options *options, int fd,
                            const struct mri_device *device, mirror_report *report) {
  bool group = options->fanout != MIRROR_ABSENT;
  if (!(group ? refuse_all(fd) : accept_unmarked(options, fd)))
    return fail(options, "cannot filter", report);
  if (!bind_to(fd, device->index)) return fail(options, "cannot bind to it", report);
  if (group && !join_group(fd, options->fanout))
    return fail(options,
                "cannot join its fanout group, expected a number that other interfaces do not use",
                report);
  if (group && !accept_unmarked(options, fd)) return fail(options, "cannot filter", report);
  if (options->promiscuous && !be_promiscuous(fd, device->index))
    return fail(options, "cannot become promiscuous", report);
  return MIRROR_OK;
}

uint64_t mri_afpacket_drops(int fd) {
  struct tpacket_stats_v3 stats;
  socklen_t length = sizeof stats;
  memset(&stats, 0, sizeof stats);
  if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &length) < 0) return 0;
  return stats.tp_drops;
}
