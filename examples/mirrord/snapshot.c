#include "snapshot.h"

#include <stdlib.h>
#include <string.h>

enum { FRESH_MS = 100, SHARE = 10, ALIVE_MOST = 8 };

/* ---- counters ---- */

static json_t *count_json(mirror_count count) {
  return json_pack("{sIsI}", "packets", (json_int_t)count.packets, "octets",
                   (json_int_t)count.octets);
}

/* Counters that are 0 are left out, but for those that everybody looks at. Rules send nothing. */
static json_t *counters_json(const mirror_stats *stats, bool sends) {
  json_t *counters = json_object();

  json_object_set_new(counters, "received", count_json(stats->received));
  for (uint32_t i = 0; i < MIRROR_COUNTERS; i++) {
    bool always = i == MIRROR_COUNTER_MIRRORED || (i == MIRROR_COUNTER_SENT && sends);
    if (always || stats->counters[i].packets)
      json_object_set_new(counters, mirror_counter_name(i), count_json(stats->counters[i]));
  }
  return counters;
}

static const char *id_of(const json_t *object) {
  return json_string_value(json_object_get(object, "id"));
}

static void set_counters(json_t *object, const char *name, int32_t status,
                         const mirror_stats *stats) {
  bool is_rule = json_object_get(object, "action");
  if (status == MIRROR_OK) json_object_set_new(object, name, counters_json(stats, !is_rule));
}

/* ---- objects: a visitor must not ask for counters, so they come after it ---- */

static int32_t append(json_t *array, json_t *object) {
  return json_array_append_new(array, object) ? MIRROR_E_NOMEM : MIRROR_OK;
}

static int32_t add_source(void *user, const mirror_source *source) {
  return append(
      user, json_pack("{ssssss*}", "id", source->id, "interface",
                      source->interface_name ? source->interface_name : "", "name", source->name));
}

static const char *state_name(const struct capture *capture) {
  static const char *const names[] = {"running", "ended", "failed", "stopped"};

  return capture ? names[capture->state] : "idle";
}

static void add_refusal(json_t *source, const struct capture *capture) {
  mirror_report report;

  mirror_report_init(&report, sizeof report);
  if (capture_refusal(capture, &report))
    json_object_set_new(source, "last_refusal", json_string(report.text));
}

static void add_capture(json_t *source, const struct capture *capture) {
  json_object_set_new(source, "state", json_string(state_name(capture)));
  if (!capture) return;
  json_object_set_new(source, "input", json_string(capture->uri));
  json_object_set_new(source, "workers", json_integer(capture->lane_count));
  json_object_set_new(source, "kernel_drops", json_integer((json_int_t)capture_drops(capture)));
  add_refusal(source, capture);
  if (capture->state == CAPTURE_FAILED)
    json_object_set_new(source, "problem", json_string(capture->problem));
}

static json_t *sources_json(const struct fleet *fleet) {
  json_t *sources = json_array(), *source;
  mirror_context *context = fleet->options.context;
  mirror_stats stats;
  size_t i;

  mirror_stats_init(&stats, sizeof stats);
  mirror_sources_visit(context, NULL, add_source, sources);
  json_array_foreach(sources, i, source) {
    add_capture(source, fleet_capture(fleet, id_of(source)));
    set_counters(source, "ingress",
                 mirror_source_stats(context, id_of(source), MIRROR_INGRESS, &stats), &stats);
    set_counters(source, "egress",
                 mirror_source_stats(context, id_of(source), MIRROR_EGRESS, &stats), &stats);
  }
  return sources;
}

static int32_t add_session(void *user, const mirror_session *session) {
  return append(
      user, json_pack("{sssisbsIssss}", "id", session->id, "priority", (int)session->priority,
                      "enabled", (int)session->enabled, "vni", (json_int_t)session->vni, "filter",
                      session->filter_id, "target", session->target_id));
}

static json_t *sessions_json(mirror_context *context) {
  json_t *sessions = json_array(), *session;
  mirror_stats stats;
  size_t i;

  mirror_stats_init(&stats, sizeof stats);
  mirror_sessions_visit(context, NULL, add_session, sessions);
  json_array_foreach(sessions, i, session) {
    set_counters(session, "counters", mirror_session_stats(context, id_of(session), &stats),
                 &stats);
  }
  return sessions;
}

static int32_t add_target(void *user, const mirror_target *target) {
  return append(user, json_pack("{sssssi}", "id", target->id, "address", target->address, "port",
                                (int)target->udp_port));
}

static json_t *targets_json(mirror_context *context) {
  json_t *targets = json_array(), *target;
  mirror_stats stats;
  size_t i;

  mirror_stats_init(&stats, sizeof stats);
  mirror_targets_visit(context, NULL, add_target, targets);
  json_array_foreach(targets, i, target) {
    set_counters(target, "counters", mirror_target_stats(context, id_of(target), &stats), &stats);
  }
  return targets;
}

static int32_t add_filter(void *user, const mirror_filter *filter) {
  return append(user, json_pack("{ss}", "id", filter->id));
}

static int32_t add_rule(void *user, const mirror_rule *rule) {
  return append(user, json_pack("{sssissss}", "direction",
                                rule->direction == MIRROR_EGRESS ? "egress" : "ingress", "priority",
                                (int)rule->priority, "action",
                                rule->action == MIRROR_REJECT ? "reject" : "accept", "id",
                                rule->id ? rule->id : ""));
}

static json_t *rules_json(mirror_context *context, const char *filter) {
  json_t *rules = json_array(), *rule;
  mirror_stats stats;
  size_t i;

  mirror_stats_init(&stats, sizeof stats);
  mirror_rules_visit(context, filter, add_rule, rules);
  json_array_foreach(rules, i, rule) {
    bool egress = *json_string_value(json_object_get(rule, "direction")) == 'e';
    json_int_t priority = json_integer_value(json_object_get(rule, "priority"));
    set_counters(rule, "counters",
                 mirror_rule_stats(context, filter, egress ? MIRROR_EGRESS : MIRROR_INGRESS,
                                   (uint32_t)priority, &stats),
                 &stats);
  }
  return rules;
}

static json_t *filters_json(mirror_context *context) {
  json_t *filters = json_array(), *filter;
  size_t i;

  mirror_filters_visit(context, NULL, add_filter, filters);
  json_array_foreach(filters, i, filter) {
    json_object_set_new(filter, "rules", rules_json(context, id_of(filter)));
  }
  return filters;
}

/* ---- all ---- */

static json_t *configuration_json(const struct arguments *arguments,
                                  const struct reloads *reloads) {
  return json_pack("{sssIsIsbsI}", "file", arguments->config, "reloads", (json_int_t)reloads->good,
                   "reloads_refused", (json_int_t)reloads->bad, "last_reload_good",
                   (int)reloads->last_good, "time", (json_int_t)reloads->last_good_time);
}

static json_t *root_json(const struct snapshots *snapshots) {
  const struct fleet *fleet = snapshots->fleet;
  mirror_context *context = fleet->options.context;

  return json_pack("{sssIsIsssosososo so}", "version", mirror_version_text(), "start_time",
                   (json_int_t)snapshots->reloads->start_time, "monotonic_ms",
                   (json_int_t)loop_now_ms(), "output", fleet->arguments->output, "configuration",
                   configuration_json(fleet->arguments, snapshots->reloads), "sources",
                   sources_json(fleet), "sessions", sessions_json(context), "filters",
                   filters_json(context), "targets", targets_json(context));
}

static struct snapshot *take(struct snapshots *snapshots, int64_t now_ms) {
  struct snapshot *fresh = calloc(1, sizeof *fresh);

  if (!fresh) return NULL;
  snapshots->alive++;
  fresh->owner = snapshots;
  fresh->users = 1;
  fresh->root = root_json(snapshots);
  fresh->text = fresh->root ? json_dumps(fresh->root, JSON_COMPACT) : NULL;
  if (!fresh->text) {
    snapshot_release(fresh);
    return NULL;
  }
  fresh->length = strlen(fresh->text);
  int64_t end_ms = loop_now_ms(), share_ms = SHARE * (end_ms - now_ms);
  fresh->fresh_until_ms = end_ms + (share_ms > FRESH_MS ? share_ms : FRESH_MS);
  return fresh;
}

struct snapshot *snapshot_take(struct snapshots *snapshots) {
  int64_t now = loop_now_ms();

  if (!snapshots->last || now >= snapshots->last->fresh_until_ms) {
    snapshots_forget(snapshots);
    if (snapshots->alive < ALIVE_MOST) snapshots->last = take(snapshots, now);
  }
  if (snapshots->last) snapshots->last->users++;
  return snapshots->last;
}

void snapshot_extend(struct snapshot *snapshot, int64_t milliseconds) {
  snapshot->fresh_until_ms += (SHARE + 1) * milliseconds;
}

void snapshot_release(struct snapshot *snapshot) {
  if (!snapshot || --snapshot->users) return;
  snapshot->owner->alive--;
  json_decref(snapshot->root);
  free(snapshot->text);
  free(snapshot->metrics);
  free(snapshot);
}

void snapshots_forget(struct snapshots *snapshots) {
  snapshot_release(snapshots->last);
  snapshots->last = NULL;
}
