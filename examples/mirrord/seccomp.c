/*
 * The system calls that mirrord needs once everything is open: waiting, reading and sending,
 * opening files and unprivileged sockets at a reload, threads of workers. Any other ends it.
 */
#include "log.h"
#include "privileges.h"

#include <errno.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>

static const char *const allowed[] = {
    /* waiting and events */
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2", "poll",
    "ppoll", "ppoll_time64", "select", "pselect6", "pselect6_time64", "timerfd_create",
    "timerfd_settime", "timerfd_settime64", "timerfd_gettime", "signalfd4", "pipe", "pipe2",
    /* time */
    "clock_gettime", "clock_gettime64", "clock_getres", "clock_nanosleep", "clock_nanosleep_time64",
    "nanosleep", "gettimeofday", "time",
    /* sockets: of the outputs, netlink, the status socket, metrics, the log */
    "socket", "socketpair", "bind", "connect", "listen", "accept", "accept4", "getsockname",
    "getpeername", "getsockopt", "setsockopt", "sendto", "sendmsg", "sendmmsg", "recvfrom",
    "recvmsg", "recvmmsg", "recvmmsg_time64", "send", "recv", "shutdown", "socketcall", "ioctl",
    "sendfile", "sendfile64",
    /* files: configuration, captures */
    "open", "openat", "close", "read", "pread64", "readv", "preadv", "write", "pwrite64", "writev",
    "pwritev", "lseek", "_llseek", "fstat", "fstat64", "stat", "stat64", "lstat", "lstat64",
    "newfstatat", "fstatat64", "statx", "access", "faccessat", "faccessat2", "readlink",
    "readlinkat", "getdents64", "fcntl", "fcntl64", "dup", "dup2", "dup3", "ftruncate",
    "ftruncate64", "fsync", "fdatasync", "fallocate", "unlink", "unlinkat", "uname", "getcwd",
    /* memory */
    "brk", "mmap", "mmap2", "munmap", "mremap", "mprotect", "madvise", "mlock", "munlock",
    /* threads */
    "futex", "futex_time64", "futex_waitv", "set_robust_list", "get_robust_list", "rseq",
    "set_tid_address", "arch_prctl", "sched_yield", "sched_setaffinity", "sched_getaffinity",
    "sched_getparam", "sched_getscheduler", "getcpu", "membarrier", "gettid", "getpid", "getppid",
    "tgkill", "exit", "exit_group", "restart_syscall",
    /* signals */
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn", "rt_sigtimedwait", "sigaltstack",
    /* what there is to ask */
    "getrandom", "getuid", "geteuid", "getgid", "getegid", "getuid32", "geteuid32", "getgid32",
    "getegid32", "getrlimit", "ugetrlimit", "prlimit64", "getrusage", "sysinfo", "capget"};

/* Refused, not fatal: the C library tries these and does without, and a socket that is bound again
 * would need BPF, which takes a capability anyway. */
static const struct {
  const char *name;
  int error;
} refused[] = {{"clone3", ENOSYS}, {"bpf", EPERM}};

static int allow_all(scmp_filter_ctx filter) {
  for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
    int number = seccomp_syscall_resolve_name(allowed[i]);
    if (number == __NR_SCMP_ERROR) continue; /* an older libseccomp does not know it */
    int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
    if (result < 0) return result;
  }
  return 0;
}

static int refuse_all(scmp_filter_ctx filter) {
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    int number = seccomp_syscall_resolve_name(refused[i].name);
    if (number == __NR_SCMP_ERROR) continue;
    int result = seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint32_t)refused[i].error), number, 0);
    if (result < 0) return result;
  }
  return 0;
}

/* Threads, but no processes. The flags of clone are its first argument, but on s390. */
static int allow_threads(scmp_filter_ctx filter) {
#ifdef __s390__
  const unsigned flags = 1;
#else
  const unsigned flags = 0;
#endif
  return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                          SCMP_CMP(flags, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
}

/* The name of a thread. The C library may want to name memory, too, and does without. */
static int allow_names(scmp_filter_ctx filter) {
  int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                                SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0));
  if (result < 0) return result;
  return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prctl), 1,
                          SCMP_A0(SCMP_CMP_NE, PR_SET_NAME, 0));
}

static int load(scmp_filter_ctx filter) {
  int result = allow_all(filter);
  if (!result) result = refuse_all(filter);
  if (!result) result = allow_threads(filter);
  if (!result) result = allow_names(filter);
  return result ? result : seccomp_load(filter);
}

bool privileges_confine(void) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
  int result = filter ? load(filter) : -ENOMEM;

  seccomp_release(filter);
  if (result >= 0) return true;
  complain(STATUS_FAILED, "system calls cannot be filtered: %s", strerror(-result));
  return false;
}
