/* mirrord: mirrors the interfaces of a host. See docs/mirrord.8. */
#include "arguments.h"
#include "config.h"
#include "fleet.h"
#include "log.h"
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

struct daemon {
  struct arguments arguments;
  struct loop loop;
  mirror_context *context;
  struct fleet fleet;
  struct signals signals;
};

/* ---- signals ---- */

static void reload(struct daemon *daemon) {
  if (config_load(daemon->context, daemon->arguments.config)) {
    fleet_follow(&daemon->fleet);
    say(MIRROR_LOG_INFO, "%s is in force", daemon->arguments.config);
  } else {
    complain(STATUS_CONFIGURATION, "%s is not taken: what was in force before goes on",
             daemon->arguments.config);
  }
}

static void on_signal(void *user, int number) {
  struct daemon *daemon = user;

  if (number == SIGHUP)
    reload(daemon);
  else
    daemon->loop.ended = true;
}

/* ---- start and end ---- */

/* A worker has some forty descriptors. */
static void allow_descriptors(void) {
  struct rlimit limit;

  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static int create_context(struct daemon *daemon) {
  mirror_context_options options;
  mirror_report report;

  mirror_report_init(&report, sizeof report);
  mirror_context_options_init(&options, sizeof options);
  options.log = log_line;
  if (mirror_context_create(&options, &daemon->context, &report))
    return complain(STATUS_FAILED, "%s", report.text);
  return config_load(daemon->context, daemon->arguments.config) ? STATUS_DONE
                                                                : STATUS_CONFIGURATION;
}

static int check(struct daemon *daemon) {
  int status = create_context(daemon);

  if (!status) config_summary(daemon->context, daemon->arguments.config);
  if (!status && fflush(stdout)) status = complain(STATUS_FAILED, "cannot write the summary");
  return status;
}

static int open_loop(struct daemon *daemon) {
  if (loop_open(&daemon->loop) && log_open(&daemon->loop) &&
      signals_open(&daemon->signals, &daemon->loop, on_signal, daemon))
    return STATUS_DONE;
  return complain(STATUS_FAILED, "no descriptors for the event loop: %s", strerror(errno));
}

/* Everything that needs a privilege is opened; nothing runs. */
static int prepare(struct daemon *daemon) {
  allow_descriptors();
  int status = open_loop(daemon);
  if (!status) status = create_context(daemon);
  if (status) return status;
  fleet_init(&daemon->fleet, daemon->context, &daemon->loop, &daemon->arguments);
  return fleet_open(&daemon->fleet) ? STATUS_DONE : STATUS_FAILED;
}

static int run(struct daemon *daemon) {
  int status = prepare(daemon);

  if (status) return status;
  if (!fleet_start(&daemon->fleet)) return STATUS_FAILED;
  say(MIRROR_LOG_INFO, "mirroring %zu source%s", daemon->fleet.count,
      daemon->fleet.count == 1 ? "" : "s");
  loop_run(&daemon->loop);
  return STATUS_DONE;
}

static void release(struct daemon *daemon) {
  fleet_release(&daemon->fleet);
  log_drain();
  mirror_context_destroy(daemon->context);
  signals_close(&daemon->signals);
  loop_close(&daemon->loop);
  arguments_release(&daemon->arguments);
}

int main(int argc, char **argv) {
  struct daemon daemon = {.loop.epoll = -1, .signals.fd = -1};
  int status;

  if (arguments_read(&daemon.arguments, argc, argv, &status))
    status = daemon.arguments.mode == MODE_CHECK ? check(&daemon) : run(&daemon);
  release(&daemon);
  return status;
}
