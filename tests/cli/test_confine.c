/* The system call filter of mirrord (examples/mirrord/seccomp.c): what it lets through, and that
 * anything else ends the process. Each call is made by a process of its own. */
#include "../../examples/mirrord/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { UNCONFINED = 99 };

/* The status of a process that is confined and then acts: 0 if it returns 0. */
static int act_confined(int (*act)(void)) {
  int status;
  pid_t child = fork();

  assert_true(child >= 0);
  if (child == 0) {
    alarm(20);
    if (setuid(65534) < 0 && geteuid() == 0) _exit(UNCONFINED);
    const struct identity self = {.uid = geteuid(), .gid = getegid()};
    if (!privileges_drop(&self) || !privileges_confine()) _exit(UNCONFINED);
    _exit(act());
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  return status;
}

static int run_program(void) {
  return execl("/bin/true", "true", (char *)NULL);
}

static int make_process(void) {
  return fork() < 0;
}

static int trace(void) {
  return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int change_user(void) {
  return (int)syscall(SYS_setuid, geteuid());
}

static int load_module(void) {
  return (int)syscall(SYS_init_module, NULL, 0, "");
}

static int change_root(void) {
  return (int)syscall(SYS_chroot, "/");
}

static int unshare_all(void) {
  return (int)syscall(SYS_unshare, 0);
}

static void test_ends_the_process(void **state) {
  int (*const acts[])(void) = {run_program, make_process, trace,      change_user,
                               load_module, change_root,  unshare_all};
  (void)state;
  for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
    int status = act_confined(acts[i]);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
      fail_msg("act %zu: status %d, expected SIGSYS", i, status);
  }
}

static void *note(void *noted) {
  *(int *)noted = 1;
  return NULL;
}

static int make_thread(void) {
  pthread_t thread;
  int noted = 0;

  if (pthread_create(&thread, NULL, note, &noted)) return 1;
  pthread_join(thread, NULL);
  return !noted;
}

static int open_sockets(void) {
  int udp = socket(AF_INET, SOCK_DGRAM, 0), netlink = socket(AF_NETLINK, SOCK_RAW, 0);

  return udp < 0 || netlink < 0 || socket(AF_PACKET, SOCK_RAW, 0) >= 0 || errno != EPERM;
}

static int read_file(void) {
  char octet;
  int fd = open("/proc/self/stat", O_RDONLY);

  return read(fd, &octet, 1) != 1;
}

/* libxdp may try; it is told that it may not. */
static int use_bpf(void) {
  return syscall(SYS_bpf, 0, NULL, 0) != -1 || errno != EPERM;
}

static int change_name(void) {
  return prctl(PR_SET_NAME, "name") || prctl(PR_SET_DUMPABLE, 0) != -1 || errno != EPERM;
}

static void test_lets_through(void **state) {
  int (*const acts[])(void) = {make_thread, open_sockets, read_file, use_bpf, change_name};
  (void)state;
  for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
    int status = act_confined(acts[i]);
    if (status) fail_msg("act %zu: status %d, expected 0", i, status);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ends_the_process),
      cmocka_unit_test(test_lets_through),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
