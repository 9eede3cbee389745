/* The event loop of the main thread: descriptors that are waited for, and a tick. */
#ifndef MIRRORD_LOOP_H
#define MIRRORD_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* Who is called when a descriptor is ready. It may remove itself, and no other. */
struct watch {
  void (*ready)(void *user, uint32_t events); /* EPOLL... */
  void *user;
};

struct loop {
  int epoll;
  bool ended; /* loop_run returns after the present round */
};

/* False with errno. */
bool loop_open(struct loop *loop);
void loop_close(struct loop *loop);
/* `watch` is borrowed until the descriptor is removed or closed. */
bool loop_add(struct loop *loop, int fd, uint32_t events, struct watch *watch);
bool loop_change(struct loop *loop, int fd, uint32_t events, struct watch *watch);
void loop_remove(struct loop *loop, int fd);
/* Until loop->ended. */
void loop_run(struct loop *loop);

int64_t loop_now_ms(void);

#endif
