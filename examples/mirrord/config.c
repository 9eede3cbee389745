#include "config.h"

#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say_error(void *user, const mirror_report *report) {
  (void)user;
  complain(STATUS_CONFIGURATION, "%s", report->text);
}

bool config_load(mirror_context *context, const char *path) {
  mirror_report report;

  mirror_report_init(&report, sizeof report);
  if (mirror_configuration_load(context, path, say_error, NULL, &report) == MIRROR_OK) return true;
  if (report.line == 0)
    complain(STATUS_CONFIGURATION, "%s", report.text);
  else
    complain(STATUS_CONFIGURATION, "%s: %" PRIu32 " error%s", path, report.errors,
             report.errors == 1 ? "" : "s");
  return false;
}

static int32_t add_source(void *user, const mirror_source *source) {
  struct sources *sources = user;
  struct source *grown = realloc(sources->all, (sources->count + 1) * sizeof *grown);

  if (!grown) return MIRROR_E_NOMEM;
  sources->all = grown;
  struct source *added = &grown[sources->count++];
  *added = (struct source){.id = strdup(source->id), .has_mac = source->mac != NULL};
  if (source->interface_name) added->interface = strdup(source->interface_name);
  return added->id && (added->interface || !source->interface_name) ? MIRROR_OK : MIRROR_E_NOMEM;
}

bool config_sources(mirror_context *context, struct sources *sources) {
  *sources = (struct sources){0};
  if (mirror_sources_visit(context, NULL, add_source, sources) == MIRROR_OK) return true;
  config_sources_release(sources);
  return false;
}

void config_sources_release(struct sources *sources) {
  for (size_t i = 0; i < sources->count; i++) {
    free(sources->all[i].id);
    free(sources->all[i].interface);
  }
  free(sources->all);
  *sources = (struct sources){0};
}

const struct source *config_source(const struct sources *sources, const char *id) {
  for (size_t i = 0; i < sources->count; i++) {
    if (strcmp(sources->all[i].id, id) == 0) return &sources->all[i];
  }
  return NULL;
}

/* ---- summary ---- */

static int32_t print_source(void *user, const mirror_source *source) {
  (void)user;
  printf("source %s: interface %s\n", source->id,
         source->interface_name ? source->interface_name : "-");
  return 0;
}

static int32_t print_target(void *user, const mirror_target *target) {
  (void)user;
  printf("target %s: %s port %" PRIu32 "\n", target->id, target->address, target->udp_port);
  return 0;
}

static int32_t count_rule(void *user, const mirror_rule *rule) {
  unsigned *rules = user;

  rules[rule->direction == MIRROR_EGRESS]++;
  return 0;
}

/* A visitor must not ask the context: ids first. */
struct ids {
  char **all;
  size_t count;
};

static int32_t add_filter(void *user, const mirror_filter *filter) {
  struct ids *ids = user;
  char **grown = realloc(ids->all, (ids->count + 1) * sizeof *grown);

  if (!grown) return MIRROR_E_NOMEM;
  ids->all = grown;
  grown[ids->count] = strdup(filter->id);
  return grown[ids->count] ? (ids->count++, 0) : MIRROR_E_NOMEM;
}

static void print_filters(mirror_context *context) {
  struct ids ids = {0};

  mirror_filters_visit(context, NULL, add_filter, &ids);
  for (size_t i = 0; i < ids.count; i++) {
    unsigned rules[2] = {0};
    mirror_rules_visit(context, ids.all[i], count_rule, rules);
    printf("filter %s: %u ingress and %u egress rules\n", ids.all[i], rules[0], rules[1]);
    free(ids.all[i]);
  }
  free(ids.all);
}

static int32_t print_session(void *user, const mirror_session *session) {
  (void)user;
  printf("session %s: priority %" PRIu32 ", %s, VNI %" PRIu32 ", filter %s, target %s, sources",
         session->id, session->priority, session->enabled ? "enabled" : "disabled", session->vni,
         session->filter_id, session->target_id);
  for (uint32_t i = 0; i < session->source_count; i++)
    printf("%s %s", i ? "," : "", session->sources[i]);
  putchar('\n');
  return 0;
}

void config_summary(mirror_context *context, const char *path) {
  mirror_sources_visit(context, NULL, print_source, NULL);
  mirror_targets_visit(context, NULL, print_target, NULL);
  print_filters(context);
  mirror_sessions_visit(context, NULL, print_session, NULL);
  printf("%s: good\n", path);
}
