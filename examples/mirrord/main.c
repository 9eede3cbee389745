/* mirrord: mirrors the interfaces of a host. See docs/mirrord.8. */
#include "arguments.h"
#include "client.h"
#include "daemon.h"

#include <fcntl.h>
#include <unistd.h>

/* What is opened must not become standard error because that was closed: see mirror-pcap. */
static void hold_standard_descriptors(void) {
  for (int fd = 0; fd <= STDERR_FILENO; fd++) {
    if (fcntl(fd, F_GETFD) < 0) (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

static int act(const struct arguments *arguments) {
  switch (arguments->mode) {
    case MODE_CHECK:
      return daemon_check(arguments);
    case MODE_ONCE:
      return client_once(arguments);
    case MODE_TOP:
      return client_top(arguments);
    default:
      return daemon_run(arguments);
  }
}

int main(int argc, char **argv) {
  struct arguments arguments;
  int status;

  hold_standard_descriptors();
  if (arguments_read(&arguments, argc, argv, &status)) status = act(&arguments);
  arguments_release(&arguments);
  return status;
}
