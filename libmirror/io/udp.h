/*
 * The inside of "udp:" outputs. One UDP socket has one source port; so that copies have source
 * ports by flow (V2), a pool of them shares the flows. Linux only.
 */
#ifndef MRI_IO_UDP_H
#define MRI_IO_UDP_H

#include "io/io.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
  MRI_UDP_CHUNK = 256,     /* copies that are sorted by socket at a time */
  MRI_UDP_POOL_MOST = 256, /* sockets of a pool */
  MRI_UDP_FOREIGN = 64,    /* addresses remembered */
};

struct mri_udp_socket {
  int fd;
  uint32_t way; /* mri_udp_way of the copies it sends now */
};

/* A source address that may be none of this host's. */
struct mri_udp_foreign {
  uint8_t address[16];
  uint32_t family;          /* 0: no entry */
  bool told;                /* the log knows */
  int64_t until_ns;         /* not used before */
  int64_t trusted_until_ns; /* not suspected before */
};

union mri_udp_address {
  struct sockaddr any;
  struct sockaddr_in ipv4;
  struct sockaddr_in6 ipv6;
};

/* A source address and a segment size. */
union mri_udp_control {
  struct cmsghdr align;
  uint8_t octets[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
};

/* What one call of sendmmsg needs. */
struct mri_udp_batch {
  struct mmsghdr messages[MRI_UDP_CHUNK];
  struct iovec parts[MRI_UDP_CHUNK][2]; /* of each copy */
  union mri_udp_address addresses[MRI_UDP_CHUNK];
  union mri_udp_control controls[MRI_UDP_CHUNK];
  uint32_t copies[MRI_UDP_CHUNK]; /* in each message: more than one are segments */
  uint32_t order[MRI_UDP_CHUNK];  /* indices of copies, sorted by socket */
  int32_t statuses[MRI_UDP_CHUNK];
};

struct mri_udp {
  mirror_context *context;
  uint32_t pool; /* sockets of each family: a power of two */
  uint32_t mark;
  uint32_t send_buffer; /* octets; 0: the system's default */
  uint32_t join;        /* runs of equal size may be joined (UDP_SEGMENT) */
  bool marked;
  struct mri_udp_socket *sockets; /* IPv4, then IPv6: `pool` of each; fd -1 where there is none */
  struct mri_udp_batch *batch;
  struct mri_udp_foreign foreign[MRI_UDP_FOREIGN];
  int64_t quiet_until_ns;     /* the log hears of foreign addresses once a second */
  int64_t now_ns;             /* of the present call */
  const mirror_copy *refused; /* the last copy of the call that was, or NULL; and why */
  int refused_error;
};

/* ---- udp_socket.c ---- */

/* All sockets of both pools. A family that the system lacks is left out. */
int32_t mri_udp_sockets_open(struct mri_udp *udp, mirror_report *report);
void mri_udp_sockets_close(struct mri_udp *udp);

/* What a socket has to be set to for copies of a tunnel. */
uint32_t mri_udp_way(const mirror_outer *outer);
/* False with errno. */
bool mri_udp_set_way(struct mri_udp_socket *socket, uint32_t family, uint32_t way);
/* Whether copies sent this way can be segments of one message. */
bool mri_udp_may_join(uint32_t way);
/* Takes away what ICMP said about copies that were sent before. */
void mri_udp_forget_errors(int fd);

/* ---- udp_source.c ---- */

/* Whether the system would refuse to send from the tunnel's own source address. */
bool mri_udp_source_is_foreign(const struct mri_udp *udp, const mirror_outer *outer);
/* It has refused something: perhaps that. False: no. Holds for a while: addresses come and go. */
bool mri_udp_source_suspect(struct mri_udp *udp, const mirror_outer *outer, int os_error);
/* A suspicion that was right, or wrong: without the address a copy was sent, or refused as well. */
void mri_udp_source_judge(struct mri_udp *udp, const mirror_outer *outer, bool right);

/* ---- udp_batch.c ---- */

/* Copies order[0..count) of `copies`, all of one socket. */
struct mri_udp_job {
  const mirror_copy *copies;
  const uint32_t *order;
  uint32_t count;
  int32_t *statuses; /* by index of copy */
  bool stop;         /* at the first copy that is refused */
  struct mri_udp_socket *socket;
};

/* Sends them; how many were looked at: all, or those up to and with the one that was refused. */
uint32_t mri_udp_send(struct mri_udp *udp, const struct mri_udp_job *job);

#endif
