#include "fleet.h"

#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Fanout groups are known by number in the whole network namespace: those of two processes should
 * differ. */
static uint32_t first_group(void) {
  uint16_t group = 0;

  return getrandom(&group, sizeof group, 0) == sizeof group ? group : 1;
}

void fleet_init(struct fleet *fleet, mirror_context *context, struct loop *loop,
                const struct arguments *arguments) {
  *fleet = (struct fleet){
      .loop = loop,
      .arguments = arguments,
      .options = {.context = context,
                  .output = arguments->output,
                  .workers = arguments->workers,
                  .fragments = arguments->fragments,
                  .cpus = arguments->cpus,
                  .cpu_count = arguments->cpu_count,
                  .next_group = first_group()},
  };
}

static bool out_of_memory(void) {
  complain(STATUS_FAILED, "out of memory");
  return false;
}

/* Where a source's packets come from, to be freed; NULL: from nowhere. */
static char *input_of(const struct fleet *fleet, const struct source *source) {
  const char *chosen = arguments_input(fleet->arguments, source->id);
  char *uri = NULL;

  if (chosen) return strdup(chosen);
  if (!source->interface) return NULL;
  return asprintf(&uri, "afpacket:%s", source->interface) < 0 ? NULL : uri;
}

static bool add(struct fleet *fleet, const struct source *source, const char *uri) {
  struct capture **grown = realloc(fleet->captures, (fleet->count + 1) * sizeof *grown);

  if (!grown) return out_of_memory();
  fleet->captures = grown;
  grown[fleet->count] = capture_new(fleet->loop, source->id, uri);
  if (!grown[fleet->count]) return out_of_memory();
  return capture_open(grown[fleet->count++], &fleet->options, source->has_mac);
}

static void take_out(struct fleet *fleet, size_t index) {
  capture_free(fleet->captures[index]);
  fleet->captures[index] = fleet->captures[--fleet->count];
}

const struct capture *fleet_capture(const struct fleet *fleet, const char *source) {
  for (size_t i = 0; i < fleet->count; i++) {
    if (strcmp(fleet->captures[i]->source, source) == 0) return fleet->captures[i];
  }
  return NULL;
}

static void say_problem(const struct capture *capture) {
  complain(STATUS_FAILED, "source '%s': %s", capture->source, capture->problem);
}

/* ---- at the start ---- */

static bool choices_exist(const struct fleet *fleet, const struct sources *sources) {
  for (size_t i = 0; i < fleet->arguments->input_count; i++) {
    const char *id = fleet->arguments->inputs[i].source;
    if (config_source(sources, id)) continue;
    complain(STATUS_USAGE, "--input: source '%s' is not in %s", id, fleet->arguments->config);
    return false;
  }
  return true;
}

static bool open_all(struct fleet *fleet, const struct sources *sources) {
  for (size_t i = 0; i < sources->count; i++) {
    char *uri = input_of(fleet, &sources->all[i]);
    if (!uri) continue;
    size_t before = fleet->count;
    bool good = add(fleet, &sources->all[i], uri);
    free(uri);
    if (good) continue;
    if (fleet->count > before) say_problem(fleet->captures[before]);
    return false;
  }
  if (fleet->count == 0)
    say(MIRROR_LOG_WARNING,
        "nothing to mirror: no source in %s has an \"interface\", expected one, or --input "
        "SOURCE=URI",
        fleet->arguments->config);
  return true;
}

/* io.h says which inputs need a privilege later. */
static void warn_of_privileges(const struct fleet *fleet) {
  for (size_t i = 0; i < fleet->count; i++) {
    const char *uri = fleet->captures[i]->uri;
    bool reopens = strncmp(uri, "pcap-live:", 10) == 0;
    if (reopens || fleet->options.workers > 1)
      say(MIRROR_LOG_WARNING,
          "source '%s': if the interface of '%s' is deleted and made again, mirrord has to be "
          "restarted: %s needs CAP_NET_RAW then, which is given up now",
          fleet->captures[i]->source, uri, reopens ? "pcap-live" : "a fanout group (--workers)");
  }
}

bool fleet_open(struct fleet *fleet) {
  struct sources sources;

  if (!config_sources(fleet->options.context, &sources)) return out_of_memory();
  bool good = choices_exist(fleet, &sources) && open_all(fleet, &sources);
  config_sources_release(&sources);
  if (good) warn_of_privileges(fleet);
  return good;
}

bool fleet_start(struct fleet *fleet) {
  for (size_t i = 0; i < fleet->count; i++) {
    if (capture_start(fleet->captures[i], &fleet->options)) continue;
    say_problem(fleet->captures[i]);
    return false;
  }
  return true;
}

/* ---- later ---- */

/* Whether a capture is still what the configuration asks for. */
static bool wanted(const struct fleet *fleet, const struct capture *capture,
                   const struct sources *sources) {
  const struct source *source = config_source(sources, capture->source);
  char *uri = source ? input_of(fleet, source) : NULL;
  bool same = uri && strcmp(uri, capture->uri) == 0;

  free(uri);
  return same && capture->state != CAPTURE_FAILED;
}

static void drop_unwanted(struct fleet *fleet, const struct sources *sources) {
  for (size_t i = fleet->count; i-- > 0;) {
    if (wanted(fleet, fleet->captures[i], sources)) continue;
    say(MIRROR_LOG_INFO, "source '%s': '%s' is closed", fleet->captures[i]->source,
        fleet->captures[i]->uri);
    take_out(fleet, i);
  }
}

static void add_new(struct fleet *fleet, const struct source *source) {
  char *uri = fleet_capture(fleet, source->id) ? NULL : input_of(fleet, source);
  size_t index = fleet->count;

  if (!uri) return;
  bool good = add(fleet, source, uri) && capture_start(fleet->captures[index], &fleet->options);
  if (good)
    say(MIRROR_LOG_INFO, "source '%s': mirroring '%s'", source->id, uri);
  else if (fleet->count > index)
    say_problem(fleet->captures[index]);
  free(uri);
}

void fleet_follow(struct fleet *fleet) {
  struct sources sources;

  if (!config_sources(fleet->options.context, &sources)) {
    out_of_memory();
    return;
  }
  drop_unwanted(fleet, &sources);
  for (size_t i = 0; i < sources.count; i++)
    add_new(fleet, &sources.all[i]);
  config_sources_release(&sources);
}

void fleet_stop(struct fleet *fleet) {
  for (size_t i = 0; i < fleet->count; i++)
    capture_stop(fleet->captures[i]);
}

void fleet_release(struct fleet *fleet) {
  while (fleet->count)
    take_out(fleet, fleet->count - 1);
  free(fleet->captures);
  fleet->captures = NULL;
}
