#include "faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#ifdef MIRROR_WITH_PCAP
#include <pcap/pcap.h>
#endif

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

#define WRAP_AS(call, result, name, parameters, arguments, failure) \
  result __real_##name parameters;                                  \
  result __wrap_##name parameters;                                  \
  result __wrap_##name parameters {                                 \
    if (fault_fails(call)) return failure;                          \
    return __real_##name arguments;                                 \
  }
#define WRAP(result, name, parameters, arguments, failure) \
  WRAP_AS(#name, result, name, parameters, arguments, failure)
#ifdef __GLIBC__ /* where files may be long, another name is called */
#define WRAP_LONG(result, name, parameters, arguments, failure) \
  WRAP(result, name, parameters, arguments, failure)            \
  WRAP_AS(#name, result, name##64, parameters, arguments, failure)
#else
#define WRAP_LONG WRAP
#endif

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
WRAP_LONG(void *, mmap, (void *at, size_t length, int protection, int flags, int fd, off_t offset),
          (at, length, protection, flags, fd, offset), MAP_FAILED)
WRAP_LONG(int, open, (const char *path, int flags, mode_t mode), (path, flags, mode), -1)
WRAP_LONG(int, fcntl, (int fd, int operation, void *argument), (fd, operation, argument), -1)
WRAP_LONG(int, fstat, (int fd, struct stat *status), (fd, status), -1)
WRAP_LONG(int, stat, (const char *path, struct stat *status), (path, status), -1)
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode), -1)
WRAP(int, fsync, (int fd), (fd), -1)
WRAP(int, rename, (const char *from, const char *to), (from, to), -1)
WRAP(int, unlink, (const char *path), (path), -1)
WRAP(FILE *, fopencookie, (void *cookie, const char *mode, cookie_io_functions_t functions),
     (cookie, mode, functions), NULL)
WRAP(FILE *, fmemopen, (void *octets, size_t size, const char *mode), (octets, size, mode), NULL)
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

/* A descriptor that could not be closed is closed all the same. */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
  const bool fails = fault_fails("close");
  const int os_error = errno, result = __real_close(fd);
  if (!fails) return result;
  errno = os_error;
  return -1;
}

#ifdef MIRROR_WITH_PCAP
static void *reason_in(char *text) {
  snprintf(text, PCAP_ERRBUF_SIZE, "%s", strerror(errno));
  return NULL;
}

WRAP(pcap_t *, pcap_open_dead_with_tstamp_precision, (int link, int snaplen, unsigned precision),
     (link, snaplen, precision), NULL)
WRAP(pcap_dumper_t *, pcap_dump_fopen, (pcap_t * pcap, FILE *file), (pcap, file), NULL)
WRAP(pcap_t *, pcap_fopen_offline_with_tstamp_precision,
     (FILE * file, unsigned precision, char *text), (file, precision, text), reason_in(text))
WRAP(pcap_t *, pcap_create, (const char *device, char *text), (device, text), reason_in(text))
WRAP(int, pcap_setnonblock, (pcap_t * pcap, int on, char *text), (pcap, on, text),
     (reason_in(text), PCAP_ERROR))
WRAP(int, pcap_get_selectable_fd, (pcap_t * pcap), (pcap), -1)
WRAP(int, pcap_next_ex, (pcap_t * pcap, struct pcap_pkthdr **header, const u_char **data),
     (pcap, header, data), PCAP_ERROR)
WRAP(int, pcap_stats, (pcap_t * pcap, struct pcap_stat *stats), (pcap, stats), PCAP_ERROR)

/* Told the number of a PCAP_ERROR_. What was opened is closed with the capture, once it is active:
 * before that libpcap forgets a descriptor. */
int __real_pcap_activate(pcap_t *pcap);
int __wrap_pcap_activate(pcap_t *pcap);
int __wrap_pcap_activate(pcap_t *pcap) {
  const int result = __real_pcap_activate(pcap);
  return fault_fails("pcap_activate") ? -errno : result;
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
