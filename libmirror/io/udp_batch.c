/* Copies of one socket as messages: runs of equal size are joined, and what fails is found out. */
#include "io/os_status.h"
#include "io/udp.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

enum {
  SEGMENTS_MOST = 64, /* of every release of the system */
  JOINED_MOST = 65000 /* octets, with room for outer headers in 65535 */
};

static uint32_t length_of(const mirror_copy *copy) {
  return copy->head_length + copy->body_length;
}

static const mirror_copy *copy_at(const struct mri_udp_job *job, uint32_t at) {
  return &job->copies[job->order[at]];
}

static bool same_tunnel_end(const mirror_outer *a, const mirror_outer *b) {
  return a == b || (a->udp_port == b->udp_port &&
                    memcmp(a->destination, b->destination, sizeof a->destination) == 0 &&
                    memcmp(a->source, b->source, sizeof a->source) == 0);
}

/* How many copies from `at` on, all of one way, can be segments of one message: of one size, but
 * for the last, which may be shorter. */
static uint32_t run_length(const struct mri_udp_job *job, uint32_t at, uint32_t end) {
  const mirror_copy *first = copy_at(job, at);
  uint32_t size = length_of(first), sum = size, count = 1;
  while (at + count < end && count < SEGMENTS_MOST) {
    const mirror_copy *next = copy_at(job, at + count);
    uint32_t length = length_of(next);
    if (length > size || sum + length > JOINED_MOST || length == 0) break;
    if (!same_tunnel_end(first->outer, next->outer)) break;
    sum += length;
    count++;
    if (length < size) break;
  }
  return count;
}

static socklen_t put_address(union mri_udp_address *address, const mirror_outer *outer) {
  memset(address, 0, sizeof *address);
  if (outer->family == 4) {
    address->ipv4.sin_family = AF_INET;
    address->ipv4.sin_port = htons((uint16_t)outer->udp_port);
    memcpy(&address->ipv4.sin_addr, outer->destination, 4);
    return sizeof address->ipv4;
  }
  address->ipv6.sin6_family = AF_INET6;
  address->ipv6.sin6_port = htons((uint16_t)outer->udp_port);
  memcpy(&address->ipv6.sin6_addr, outer->destination, 16);
  return sizeof address->ipv6;
}

/* Appends a control message. */
static void put_control(struct msghdr *message, int level, int type, const void *data,
                        size_t length) {
  struct cmsghdr *header =
      (struct cmsghdr *)((uint8_t *)message->msg_control + message->msg_controllen);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(length);
  memcpy(CMSG_DATA(header), data, length);
  message->msg_controllen += CMSG_SPACE(length);
}

static void put_source(struct msghdr *message, const mirror_outer *outer) {
  if (outer->family == 4) {
    struct in_pktinfo from;
    memset(&from, 0, sizeof from);
    memcpy(&from.ipi_spec_dst, outer->source, 4);
    put_control(message, IPPROTO_IP, IP_PKTINFO, &from, sizeof from);
  } else {
    struct in6_pktinfo from;
    memset(&from, 0, sizeof from);
    memcpy(&from.ipi6_addr, outer->source, 16);
    put_control(message, IPPROTO_IPV6, IPV6_PKTINFO, &from, sizeof from);
  }
}

static void put_copy(struct iovec parts[2], const mirror_copy *copy) {
  /* sendmmsg reads alone */
  parts[0] = (struct iovec){(void *)(uintptr_t)copy->head, copy->head_length};
  parts[1] = (struct iovec){(void *)(uintptr_t)copy->body, copy->body_length};
}

/* Message `n` of copies [at, at + count). */
static void put_message(const struct mri_udp *udp, const struct mri_udp_job *job, uint32_t n,
                        uint32_t at, uint32_t count) {
  struct mri_udp_batch *batch = udp->batch;
  const mirror_copy *first = copy_at(job, at);
  struct msghdr *message = &batch->messages[n].msg_hdr;
  for (uint32_t i = 0; i < count; i++)
    put_copy(batch->parts[at + i], copy_at(job, at + i));
  *message = (struct msghdr){
      .msg_name = &batch->addresses[n],
      .msg_namelen = put_address(&batch->addresses[n], first->outer),
      .msg_iov = batch->parts[at],
      .msg_iovlen = 2 * count,
      .msg_control = &batch->controls[n],
  };
  if (!mri_udp_source_is_foreign(udp, first->outer)) put_source(message, first->outer);
  const uint16_t size = (uint16_t)length_of(first);
  if (count > 1) put_control(message, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size);
  if (message->msg_controllen == 0) message->msg_control = NULL;
  batch->copies[n] = count;
}

/* Messages of copies [at, end), those before `singly` one by one; how many. */
static uint32_t build(const struct mri_udp *udp, const struct mri_udp_job *job, uint32_t at,
                      uint32_t end, uint32_t singly) {
  bool join = udp->join && mri_udp_may_join(job->socket->way);
  uint32_t messages = 0;
  while (at < end) {
    uint32_t count = join && at >= singly ? run_length(job, at, end) : 1;
    put_message(udp, job, messages++, at, count);
    at += count;
  }
  return messages;
}

/* Gives copies [at, at + count) a status. */
static void settle(struct mri_udp *udp, const struct mri_udp_job *job, uint32_t at, uint32_t count,
                   int os_error) {
  for (uint32_t i = at; i < at + count; i++)
    job->statuses[job->order[i]] = os_error ? mri_output_status(os_error) : MIRROR_OK;
  if (!os_error) return;
  udp->refused = copy_at(job, at);
  udp->refused_error = os_error;
}

/* Errors that a joined run may have where its copies, one by one, would have none, or others. */
static bool may_split(int os_error) {
  return os_error == EINVAL || os_error == EMSGSIZE || os_error == EIO || os_error == EOPNOTSUPP;
}

/* Errors that may be about copies sent before, which a closed port or a router reported. */
static bool may_be_late(int os_error) {
  return os_error != EAGAIN && os_error != ENOBUFS && os_error != ENOMEM && os_error != EINVAL;
}

/* Where sending stands. */
struct place {
  uint32_t at;     /* copy: all before have their status */
  uint32_t singly; /* copies before this one are not joined */
  bool retried;    /* the copy at `at` was offered twice */
  bool suspected;  /* and now without its source address */
  bool stopped;
};

/*
 * What to do about the first message, which was refused. Afterwards either a status was given to
 * copies, or something was changed that is tried once: no message is offered for ever.
 */
static void handle(struct mri_udp *udp, const struct mri_udp_job *job, uint32_t copies,
                   int os_error, struct place *place) {
  const mirror_outer *outer = copy_at(job, place->at)->outer;
  if (!place->retried && may_be_late(os_error)) {
    mri_udp_forget_errors(job->socket->fd);
    place->retried = true;
  } else if (copies > 1 && may_split(os_error)) {
    place->singly = place->at + copies;
    place->retried = false;
  } else if (!place->suspected && mri_udp_source_suspect(udp, outer, os_error)) {
    place->suspected = true;
    place->retried = false;
  } else {
    if (place->suspected) mri_udp_source_judge(udp, outer, false);
    /* A full queue is full for the rest too; they are not offered. */
    uint32_t refused = job->stop ? 1 : os_error == EAGAIN ? job->count - place->at : copies;
    settle(udp, job, place->at, refused, os_error);
    place->at += refused;
    place->retried = place->suspected = false;
    place->stopped = job->stop;
  }
}

/* Sends messages until one is refused, which changes what is to be built. */
static void transmit(struct mri_udp *udp, const struct mri_udp_job *job, uint32_t messages,
                     struct place *place) {
  struct mri_udp_batch *batch = udp->batch;
  uint32_t done = 0;
  while (done < messages) {
    int sent = sendmmsg(job->socket->fd, batch->messages + done, messages - done,
                        MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent <= 0) {
      handle(udp, job, batch->copies[done], sent < 0 ? errno : EAGAIN, place);
      return;
    }
    if (place->suspected) mri_udp_source_judge(udp, copy_at(job, place->at)->outer, true);
    for (uint32_t end = done + (uint32_t)sent; done < end; done++) {
      settle(udp, job, place->at, batch->copies[done], 0);
      place->at += batch->copies[done];
    }
    place->retried = place->suspected = false;
  }
}

/* The end of the copies from `at` on that are sent the same way. */
static uint32_t end_of_way(const struct mri_udp_job *job, uint32_t at, uint32_t way) {
  while (at < job->count && mri_udp_way(copy_at(job, at)->outer) == way)
    at++;
  return at;
}

uint32_t mri_udp_send(struct mri_udp *udp, const struct mri_udp_job *job) {
  struct place place = {0};
  while (place.at < job->count && !place.stopped) {
    const mirror_outer *outer = copy_at(job, place.at)->outer;
    uint32_t way = mri_udp_way(outer), end = end_of_way(job, place.at, way);
    if (mri_udp_set_way(job->socket, outer->family, way)) {
      transmit(udp, job, build(udp, job, place.at, end, place.singly), &place);
    } else {
      uint32_t refused = job->stop ? 1 : end - place.at;
      settle(udp, job, place.at, refused, errno);
      place.at += refused;
      place.stopped = job->stop;
    }
  }
  return place.at;
}
