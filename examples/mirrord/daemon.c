#include "daemon.h"

#include "config.h"
#include "fleet.h"
#include "log.h"
#include "metrics.h"
#include "notify.h"
#include "privileges.h"
#include "report.h"
#include "server.h"
#include "signals.h"
#include "snapshot.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct mirrord {
  const struct arguments *arguments;
  struct identity identity;
  struct loop loop;
  struct signals signals;
  int timer;
  struct watch tick;
  mirror_context *context;
  struct fleet fleet;
  struct reloads reloads;
  struct snapshots snapshots;
  struct server server;
  struct metrics metrics;
};

/* ---- events ---- */

static void notify_ready(const struct mirrord *mirrord) {
  notify("READY=1\nSTATUS=Mirroring %zu source%s", mirrord->fleet.count,
         mirrord->fleet.count == 1 ? "" : "s");
}

static void took(struct mirrord *mirrord) {
  mirrord->reloads.last_good = true;
  mirrord->reloads.last_good_time = time(NULL);
}

static void reload(struct mirrord *mirrord) {
  const char *path = mirrord->arguments->config;

  notify_reloading();
  if (config_load(mirrord->context, path)) {
    fleet_follow(&mirrord->fleet);
    mirrord->reloads.good++;
    took(mirrord);
    say(MIRROR_LOG_INFO, "%s is in force", path);
  } else {
    mirrord->reloads.bad++;
    mirrord->reloads.last_good = false;
    complain(STATUS_CONFIGURATION, "%s is not taken: what was in force before goes on", path);
  }
  snapshots_forget(&mirrord->snapshots);
  notify_ready(mirrord);
}

static void on_signal(void *user, int number) {
  struct mirrord *mirrord = user;

  if (number == SIGHUP)
    reload(mirrord);
  else
    mirrord->loop.ended = true;
}

static void on_tick(void *user, uint32_t events) {
  struct mirrord *mirrord = user;
  uint64_t ticks;

  (void)events;
  if (read(mirrord->timer, &ticks, sizeof ticks) < 0) return;
  server_tick(&mirrord->server);
  metrics_tick(&mirrord->metrics);
}

/* ---- start ---- */

/* A worker has some forty descriptors; rings of AF_XDP are locked memory. */
static void raise_limits(void) {
  struct rlimit limit;

  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_MEMLOCK, &limit);
  }
}

static bool open_timer(struct mirrord *mirrord) {
  const struct itimerspec second = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};

  mirrord->tick = (struct watch){.ready = on_tick, .user = mirrord};
  mirrord->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  return mirrord->timer >= 0 && timerfd_settime(mirrord->timer, 0, &second, NULL) == 0 &&
         loop_add(&mirrord->loop, mirrord->timer, EPOLLIN, &mirrord->tick);
}

static int open_loop(struct mirrord *mirrord) {
  if (loop_open(&mirrord->loop) && log_open(&mirrord->loop) &&
      signals_open(&mirrord->signals, &mirrord->loop, on_signal, mirrord) && open_timer(mirrord))
    return STATUS_DONE;
  return complain(STATUS_FAILED, "no descriptors for the event loop: %s", strerror(errno));
}

static int create_context(struct mirrord *mirrord) {
  mirror_context_options options;
  mirror_report report;

  mirror_report_init(&report, sizeof report);
  mirror_context_options_init(&options, sizeof options);
  options.log = log_line;
  if (mirror_context_create(&options, &mirrord->context, &report))
    return complain(STATUS_FAILED, "%s", report.text);
  if (!config_load(mirrord->context, mirrord->arguments->config)) return STATUS_CONFIGURATION;
  took(mirrord);
  return STATUS_DONE;
}

/* Without the socket of the default path there is less to see, but no less to do. */
static int open_server(struct mirrord *mirrord) {
  const char *path = mirrord->arguments->socket, *reason;

  if (!*path || server_open(&mirrord->server, path, &mirrord->identity, &reason))
    return STATUS_DONE;
  if (mirrord->arguments->socket_given)
    return complain(STATUS_FAILED, "--socket '%s': %s: %s", path, reason, strerror(errno));
  say(MIRROR_LOG_WARNING, "no status socket at '%s': %s: %s; --socket names another path", path,
      reason, strerror(errno));
  return STATUS_DONE;
}

static int open_metrics(struct mirrord *mirrord) {
  const char *address = mirrord->arguments->metrics;

  if (!address) return STATUS_DONE;
  return metrics_open(&mirrord->metrics, &mirrord->loop, &mirrord->snapshots, address)
             ? STATUS_DONE
             : STATUS_FAILED;
}

static void init(struct mirrord *mirrord, const struct arguments *arguments) {
  *mirrord = (struct mirrord){.arguments = arguments, .loop.epoll = -1, .timer = -1};
  mirrord->signals.fd = -1;
  mirrord->reloads.start_time = time(NULL);
  mirrord->snapshots.fleet = &mirrord->fleet;
  mirrord->snapshots.reloads = &mirrord->reloads;
  server_init(&mirrord->server, &mirrord->loop, &mirrord->snapshots);
}

/* Everything that may need a privilege is opened; nothing runs. */
static int prepare(struct mirrord *mirrord) {
  raise_limits();
  if (!privileges_find(mirrord->arguments->user, &mirrord->identity)) return STATUS_USAGE;
  notify_open();
  int status = open_loop(mirrord);
  if (!status) status = create_context(mirrord);
  if (status) return status;
  fleet_init(&mirrord->fleet, mirrord->context, &mirrord->loop, mirrord->arguments);
  if (!fleet_open(&mirrord->fleet)) return STATUS_FAILED;
  status = open_server(mirrord);
  return status ? status : open_metrics(mirrord);
}

/* The file that is read again on SIGHUP is read by whom we are then. */
static void warn_of_file(const struct mirrord *mirrord) {
  const char *path = mirrord->arguments->config;

  if (access(path, R_OK) < 0)
    say(MIRROR_LOG_WARNING,
        "%s cannot be read again on SIGHUP, without the privileges of the start: %s; let the user "
        "mirrord runs as read it (--user)",
        path, strerror(errno));
}

static int confine(struct mirrord *mirrord) {
  if (!privileges_drop(&mirrord->identity)) return STATUS_FAILED;
  mirrord->fleet.options.privileges_given = true;
  warn_of_file(mirrord);
  return privileges_confine() ? STATUS_DONE : STATUS_FAILED;
}

/* ---- end ---- */

static int print_accounts(struct mirrord *mirrord) {
  snapshots_forget(&mirrord->snapshots);
  struct snapshot *last = snapshot_take(&mirrord->snapshots);
  if (!last) return complain(STATUS_FAILED, "out of memory for the final accounts");
  report_print(stdout, last->root, NULL);
  snapshot_release(last);
  return fflush(stdout) ? complain(STATUS_FAILED, "cannot write the final accounts") : STATUS_DONE;
}

static int run(struct mirrord *mirrord) {
  int status = prepare(mirrord);

  if (!status) status = confine(mirrord);
  if (status) return status;
  if (!fleet_start(&mirrord->fleet)) return STATUS_FAILED;
  say(MIRROR_LOG_INFO, "mirroring %zu source%s", mirrord->fleet.count,
      mirrord->fleet.count == 1 ? "" : "s");
  notify_ready(mirrord);
  loop_run(&mirrord->loop);
  notify("STOPPING=1");
  fleet_stop(&mirrord->fleet);
  log_drain();
  return print_accounts(mirrord);
}

static void release(struct mirrord *mirrord) {
  server_close(&mirrord->server);
  metrics_close(&mirrord->metrics);
  snapshots_forget(&mirrord->snapshots);
  fleet_release(&mirrord->fleet);
  mirror_context_destroy(mirrord->context);
  signals_close(&mirrord->signals);
  if (mirrord->timer >= 0) close(mirrord->timer);
  loop_close(&mirrord->loop);
  notify_close();
}

int daemon_run(const struct arguments *arguments) {
  struct mirrord mirrord;

  init(&mirrord, arguments);
  int status = run(&mirrord);
  release(&mirrord);
  return status;
}

int daemon_check(const struct arguments *arguments) {
  struct mirrord mirrord;

  init(&mirrord, arguments);
  int status = create_context(&mirrord);
  if (!status) config_summary(mirrord.context, arguments->config);
  if (!status && fflush(stdout)) status = complain(STATUS_FAILED, "cannot write the summary");
  release(&mirrord);
  return status;
}
