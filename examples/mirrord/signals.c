#include "signals.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void ready(void *user, uint32_t events) {
  struct signals *signals = user;
  struct signalfd_siginfo info;

  (void)events;
  if (read(signals->fd, &info, sizeof info) == (ssize_t)sizeof info)
    signals->caught(signals->user, (int)info.ssi_signo);
}

bool signals_open(struct signals *signals, struct loop *loop,
                  void (*caught)(void *user, int number), void *user) {
  sigset_t set;

  *signals = (struct signals){.fd = -1, .caught = caught, .user = user};
  signals->watch = (struct watch){.ready = ready, .user = signals};
  signal(SIGPIPE, SIG_IGN);
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return false;
  signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return signals->fd >= 0 && loop_add(loop, signals->fd, EPOLLIN, &signals->watch);
}

void signals_close(struct signals *signals) {
  if (signals->fd >= 0) close(signals->fd);
}
