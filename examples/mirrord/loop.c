#include "loop.h"

#include <stddef.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

bool loop_open(struct loop *loop) {
  *loop = (struct loop){.epoll = epoll_create1(EPOLL_CLOEXEC)};
  return loop->epoll >= 0;
}

void loop_close(struct loop *loop) {
  if (loop->epoll >= 0) close(loop->epoll);
}

static bool control(struct loop *loop, int operation, int fd, uint32_t events,
                    struct watch *watch) {
  struct epoll_event event = {.events = events, .data.ptr = watch};

  return epoll_ctl(loop->epoll, operation, fd, &event) == 0;
}

bool loop_add(struct loop *loop, int fd, uint32_t events, struct watch *watch) {
  return control(loop, EPOLL_CTL_ADD, fd, events, watch);
}

bool loop_change(struct loop *loop, int fd, uint32_t events, struct watch *watch) {
  return control(loop, EPOLL_CTL_MOD, fd, events, watch);
}

void loop_remove(struct loop *loop, int fd) {
  control(loop, EPOLL_CTL_DEL, fd, 0, NULL);
}

/* One event a round: a handler may free what another event of the same round would mean. */
void loop_run(struct loop *loop) {
  struct epoll_event event;

  while (!loop->ended) {
    if (epoll_wait(loop->epoll, &event, 1, -1) != 1) continue;
    struct watch *watch = event.data.ptr;
    watch->ready(watch->user, event.events);
  }
}

int64_t loop_now_ms(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
