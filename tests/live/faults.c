#include "faults.h"

#include <dirent.h>
#include <errno.h>
#include <libnet.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static struct {
  const char *call;
  unsigned skip, times, hits, sends, messages;
  size_t octets;
  int os_error;
} fault;

static unsigned long failures; /* of all tests */

__attribute__((destructor)) static void tell(void) {
  printf("%lu calls were made to fail\n", failures);
}

void fault_set(const char *call, unsigned skip, unsigned times, int os_error) {
  unsigned messages = fault.messages;
  size_t octets = fault.octets;
  memset(&fault, 0, sizeof fault);
  fault.call = call;
  fault.skip = skip;
  fault.times = times;
  fault.os_error = os_error;
  fault.messages = messages;
  fault.octets = octets;
}

void fault_short(unsigned messages) {
  fault.messages = messages;
}

void fault_short_octets(size_t octets) {
  fault.octets = octets;
}

void fault_clear(void) {
  memset(&fault, 0, sizeof fault);
}

unsigned fault_hits(void) {
  return fault.hits;
}

unsigned fault_sends(void) {
  return fault.sends;
}

bool fault_fails(const char *call) {
  if (!fault.call || strcmp(call, fault.call) != 0) return false;
  if (fault.skip) {
    fault.skip--;
    return false;
  }
  if (fault.hits == fault.times) return false;
  fault.hits++;
  failures++;
  errno = fault.os_error;
  return true;
}

#define WRAP(result, name, parameters, arguments, failure) \
  result __real_##name parameters;                         \
  result __wrap_##name parameters;                         \
  result __wrap_##name parameters {                        \
    if (fault_fails(#name)) return failure;                \
    return __real_##name arguments;                        \
  }

WRAP(int, socket, (int domain, int type, int protocol), (domain, type, protocol), -1)
WRAP(int, bind, (int fd, const struct sockaddr *address, socklen_t length), (fd, address, length),
     -1)
WRAP(int, ioctl, (int fd, unsigned long request, void *argument), (fd, request, argument), -1)
WRAP(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t length),
     (fd, level, name, value, length), -1)
WRAP(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *length),
     (fd, level, name, value, length), -1)
WRAP(int, getsockname, (int fd, struct sockaddr *address, socklen_t *length), (fd, address, length),
     -1)
WRAP(void *, mmap, (void *at, size_t length, int protection, int flags, int fd, off_t offset),
     (at, length, protection, flags, fd, offset), MAP_FAILED)
WRAP(int, epoll_create1, (int flags), (flags), -1)
WRAP(int, epoll_ctl, (int epoll, int operation, int fd, struct epoll_event *event),
     (epoll, operation, fd, event), -1)
WRAP(int, eventfd, (unsigned count, int flags), (count, flags), -1)
WRAP(int, timerfd_create, (int clock, int flags), (clock, flags), -1)
WRAP(int, timerfd_settime,
     (int fd, int flags, const struct itimerspec *fresh, struct itimerspec *old),
     (fd, flags, fresh, old), -1)
WRAP(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *user),
     (thread, attributes, run, user), errno)
WRAP(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags), -1)
WRAP(ssize_t, recv, (int fd, void *to, size_t size, int flags), (fd, to, size, flags), -1)
WRAP(ssize_t, sendto,
     (int fd, const void *from, size_t size, int flags, const struct sockaddr *to,
      socklen_t length),
     (fd, from, size, flags, to, length), -1)
WRAP(int, connect, (int fd, const struct sockaddr *address, socklen_t length),
     (fd, address, length), -1)
WRAP(libnet_t *, libnet_init, (int type, const char *device, char *text), (type, device, text),
     NULL)
WRAP(int, libnet_adv_write_raw_ipv4, (libnet_t * libnet, const uint8_t *packet, uint32_t size),
     (libnet, packet, size), -1)
WRAP(int, libnet_write_raw_ipv6, (libnet_t * libnet, const uint8_t *packet, uint32_t size),
     (libnet, packet, size), -1)
WRAP(int, recvmmsg,
     (int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *time),
     (fd, messages, count, flags, time), -1)
WRAP(ssize_t, recvfrom,
     (int fd, void *octets, size_t length, int flags, struct sockaddr *from, socklen_t *size),
     (fd, octets, length, flags, from, size), -1)
WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags), -1)
WRAP(int, ppoll,
     (struct pollfd * polled, nfds_t count, const struct timespec *time, const sigset_t *mask),
     (polled, count, time, mask), -1)

#ifdef __GLIBC__ /* so it is called where files may be long */
void *__real_mmap64(void *at, size_t length, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t length, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
  if (fault_fails("mmap")) return MAP_FAILED;
  return __real_mmap64(at, length, protection, flags, fd, offset);
}
#endif

ssize_t __real_read(int fd, void *to, size_t size);
ssize_t __wrap_read(int fd, void *to, size_t size);
ssize_t __wrap_read(int fd, void *to, size_t size) {
  if (fault_fails("read")) return -1;
  if (fault.octets && size > fault.octets) size = fault.octets;
  return __real_read(fd, to, size);
}

ssize_t __real_write(int fd, const void *octets, size_t size);
ssize_t __wrap_write(int fd, const void *octets, size_t size);
ssize_t __wrap_write(int fd, const void *octets, size_t size) {
  if (fault_fails("write")) return -1;
  if (fault.octets && size > fault.octets) size = fault.octets;
  return __real_write(fd, octets, size);
}

int __real_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags) {
  fault.sends++;
  if (fault_fails("sendmmsg")) return -1;
  if (fault.messages && count > fault.messages) count = fault.messages;
  return __real_sendmmsg(fd, messages, count, flags);
}

unsigned fault_descriptors(void) {
  unsigned count = 0;
  DIR *folder = opendir("/proc/self/fd");
  if (!folder) return 0;
  while (readdir(folder))
    count++;
  closedir(folder);
  return count;
}

bool fault_namespace(void) {
  if (unshare(CLONE_NEWNET)) return false;
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  int fd = __real_socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bool up = fd >= 0 && __real_ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  close(fd);
  return up;
}
