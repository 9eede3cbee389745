/*
 * Waiting of live inputs: until a descriptor is ready, the time is over, or an interruption. One
 * epoll descriptor stands for all of them, for the host's own event loop.
 */
#ifndef MRI_IO_WAIT_H
#define MRI_IO_WAIT_H

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct mri_wait {
  int epoll;  /* polls readable when one of the descriptors added does, or after an interruption */
  int wakeup; /* eventfd */
  atomic_bool interrupted;
};

/* False with errno; mri_wait_close in any case. */
bool mri_wait_open(struct mri_wait *wait);
void mri_wait_close(struct mri_wait *wait);

/* False with errno. A descriptor that is closed leaves by itself. */
bool mri_wait_add(struct mri_wait *wait, int fd);

/* Async-signal-safe. */
void mri_wait_interrupt(struct mri_wait *wait);
/* True once for each interruption. */
bool mri_wait_interrupted(struct mri_wait *wait);

/* The end of a wait that begins now; timeout_ns as in receive (ext/backend.h). */
int64_t mri_wait_deadline(int64_t timeout_ns);

/*
 * Polls `count` descriptors, and for interruptions in polled[count], until the deadline. MIRROR_OK:
 * look at the revents, which say POLLERR of all if the system could not wait; MIRROR_E_AGAIN: the
 * time is over; MIRROR_E_INTERRUPTED.
 */
int32_t mri_wait_until(struct mri_wait *wait, int64_t deadline, struct pollfd *polled,
                       uint32_t count);

/* A millisecond at most, after a call failed that would fail again at once. False: the deadline was
 * over already. */
bool mri_wait_nap(int64_t deadline);

#endif
