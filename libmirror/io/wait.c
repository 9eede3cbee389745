#include "io/wait.h"

#include "io/duration.h"

#include <errno.h>
#include <libmirror/base.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define NANOSECONDS INT64_C(1000000000)
/* What stands in for a wait that the system refuses. */
#define NAP_NS INT64_C(1000000)

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * NANOSECONDS + time.tv_nsec;
}

bool mri_wait_open(struct mri_wait *wait) {
  wait->wakeup = -1;
  wait->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (wait->epoll < 0) return false;
  wait->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return wait->wakeup >= 0 && mri_wait_add(wait, wait->wakeup);
}

void mri_wait_close(struct mri_wait *wait) {
  if (wait->wakeup >= 0) close(wait->wakeup);
  if (wait->epoll >= 0) close(wait->epoll);
}

bool mri_wait_add(struct mri_wait *wait, int fd) {
  struct epoll_event event = {.events = EPOLLIN};
  return epoll_ctl(wait->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void mri_wait_interrupt(struct mri_wait *wait) {
  int saved = errno;
  const uint64_t one = 1;
  atomic_store(&wait->interrupted, true);
  if (write(wait->wakeup, &one, sizeof one) < 0) errno = 0; /* woken already */
  errno = saved;
}

bool mri_wait_interrupted(struct mri_wait *wait) {
  if (!atomic_load_explicit(&wait->interrupted, memory_order_relaxed)) return false;
  uint64_t wakeups;
  if (read(wait->wakeup, &wakeups, sizeof wakeups) < 0) errno = 0; /* the write is still to come */
  return atomic_exchange(&wait->interrupted, false);
}

int64_t mri_wait_deadline(int64_t timeout_ns) {
  int64_t deadline;
  if (timeout_ns == 0) return 0;
  if (timeout_ns < 0 || __builtin_add_overflow(now(), timeout_ns, &deadline)) return INT64_MAX;
  return deadline;
}

static struct timespec time_left(int64_t deadline) {
  if (deadline == INT64_MAX) return (struct timespec){.tv_sec = INT32_MAX};
  int64_t left = deadline ? deadline - now() : 0;
  return mri_timespec(left);
}

/* A wait may fail for want of memory. The input goes on, looking once in a while: it neither ends
 * nor spins (R6). */
static void nap(struct timespec left) {
  const struct timespec longest = {0, NAP_NS};
  nanosleep(left.tv_sec || left.tv_nsec > NAP_NS ? &longest : &left, NULL);
}

bool mri_wait_nap(int64_t deadline) {
  struct timespec left = time_left(deadline);
  nap(left);
  return left.tv_sec || left.tv_nsec;
}

/* After a poll that failed: everything may be ready. */
static int32_t look_everywhere(struct mri_wait *wait, struct timespec left, struct pollfd *polled,
                               uint32_t count) {
  if (errno != EINTR) nap(left);
  for (uint32_t i = 0; i < count; i++)
    polled[i].revents = POLLERR;
  if (mri_wait_interrupted(wait)) return MIRROR_E_INTERRUPTED;
  return left.tv_sec == 0 && left.tv_nsec == 0 ? MIRROR_E_AGAIN : MIRROR_OK;
}

int32_t mri_wait_until(struct mri_wait *wait, int64_t deadline, struct pollfd *polled,
                       uint32_t count) {
  polled[count] = (struct pollfd){.fd = wait->wakeup, .events = POLLIN};
  struct timespec left = time_left(deadline);
  int ready = ppoll(polled, count + 1, &left, NULL);
  if (ready < 0) return look_everywhere(wait, left, polled, count);
  uint64_t wakeups;
  if (polled[count].revents && read(wait->wakeup, &wakeups, sizeof wakeups) < 0) errno = 0;
  if (mri_wait_interrupted(wait)) return MIRROR_E_INTERRUPTED;
  return ready ? MIRROR_OK : MIRROR_E_AGAIN;
}
