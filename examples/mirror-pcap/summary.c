#include "summary.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NUMBERS "%14" PRIu64 " %16" PRIu64 "\n"

struct session_line {
  uint32_t priority;
  uint32_t enabled;
  char *id;
  char *filter_id;
};

struct rule_line {
  uint32_t direction;
  uint32_t priority;
  uint32_t action;
  char *id;
};

/* Objects are copied while they are visited: the visitor must not ask for counters. */
struct lines {
  const char *source_id;
  char *security_group;
  struct session_line *sessions;
  size_t session_count;
  struct rule_line *rules;
  size_t rule_count;
};

/* Room for one more element; NULL when out of memory, and the line is left out. */
static void *grow(void *array, size_t count, size_t size) {
  return count & (count - 1) ? array : realloc(array, (count ? 2 * count : 1) * size);
}

static bool has_source(const mirror_session *session, const char *source_id) {
  for (uint32_t i = 0; i < session->source_count; i++) {
    if (strcmp(session->sources[i], source_id) == 0) return true;
  }
  return false;
}

static int32_t add_session(void *user, const mirror_session *session) {
  struct lines *lines = user;

  if (!has_source(session, lines->source_id)) return 0;
  void *grown = grow(lines->sessions, lines->session_count, sizeof *lines->sessions);
  if (!grown) return MIRROR_E_NOMEM;
  lines->sessions = grown;
  lines->sessions[lines->session_count++] = (struct session_line){
      session->priority, session->enabled, strdup(session->id), strdup(session->filter_id)};
  return 0;
}

static int32_t add_rule(void *user, const mirror_rule *rule) {
  struct lines *lines = user;
  void *grown = grow(lines->rules, lines->rule_count, sizeof *lines->rules);

  if (!grown) return MIRROR_E_NOMEM;
  lines->rules = grown;
  lines->rules[lines->rule_count++] = (struct rule_line){
      rule->direction, rule->priority, rule->action, rule->id ? strdup(rule->id) : NULL};
  return 0;
}

static int32_t keep_security_group(void *user, const mirror_source *source) {
  struct lines *lines = user;

  lines->security_group = source->security_group ? strdup(source->security_group) : NULL;
  return 0;
}

static int by_priority(const void *a, const void *b) {
  uint32_t left = ((const struct session_line *)a)->priority;
  uint32_t right = ((const struct session_line *)b)->priority;

  return (left > right) - (left < right);
}

static void print_counter(FILE *out, const char *name, mirror_count count) {
  fprintf(out, "%-24s" NUMBERS, name, count.packets, count.octets);
}

static void print_verdicts(FILE *out, const mirror_stats *stats) {
  fprintf(out, "%-24s%14s %16s\n", "verdict", "packets", "octets");
  for (uint32_t i = 0; i < MIRROR_COUNTERS; i++) {
    /* The verdicts are always shown, reasons and faults when there are any. */
    if (i <= MIRROR_COUNTER_BLOCKED || stats->counters[i].packets)
      print_counter(out, mirror_counter_name(i), stats->counters[i]);
    if (i == MIRROR_COUNTER_DROPPED_RATE) print_counter(out, "received", stats->received);
  }
}

/* What a session or rule decided about, whatever it decided. */
static mirror_count decided(const mirror_stats *stats) {
  mirror_count sum = {0, 0};

  for (uint32_t i = MIRROR_COUNTER_MIRRORED; i <= MIRROR_COUNTER_DROPPED_RATE; i++) {
    sum.packets += stats->counters[i].packets;
    sum.octets += stats->counters[i].octets;
  }
  return sum;
}

static void print_session(FILE *out, mirror_context *context, const struct session_line *session) {
  mirror_stats stats;

  mirror_stats_init(&stats, sizeof stats);
  if (mirror_session_stats(context, session->id, &stats)) return;
  const mirror_count *mirrored = &stats.counters[MIRROR_COUNTER_MIRRORED];
  fprintf(out, "%8" PRIu32 "  %-22s %-22s %14" PRIu64 " %14" PRIu64 NUMBERS, session->priority,
          session->id, session->filter_id, decided(&stats).packets,
          stats.counters[MIRROR_COUNTER_REJECTED].packets, mirrored->packets, mirrored->octets);
  if (!session->enabled) fprintf(out, "%10s(disabled)\n", "");
}

static void print_sessions(FILE *out, mirror_context *context, const struct lines *lines) {
  fprintf(out, "\n%8s  %-22s %-22s %14s %14s%14s %16s\n", "priority", "session", "filter",
          "decided", "rejected", "mirrored", "octets");
  for (size_t i = 0; i < lines->session_count; i++)
    print_session(out, context, &lines->sessions[i]);
}

static void print_rule(FILE *out, mirror_context *context, const char *filter_id,
                       const struct rule_line *rule) {
  mirror_stats stats;

  mirror_stats_init(&stats, sizeof stats);
  if (mirror_rule_stats(context, filter_id, rule->direction, rule->priority, &stats)) return;
  mirror_count sum = decided(&stats);
  fprintf(out, "%-22s %-9s %7" PRIu32 "  %-22s %-6s" NUMBERS, filter_id,
          rule->direction == MIRROR_EGRESS ? "egress" : "ingress", rule->priority,
          rule->id ? rule->id : "-", rule->action == MIRROR_REJECT ? "reject" : "accept",
          sum.packets, sum.octets);
}

static void print_filter(FILE *out, mirror_context *context, struct lines *lines,
                         const char *filter_id) {
  lines->rule_count = 0;
  mirror_rules_visit(context, filter_id, add_rule, lines);
  for (size_t i = 0; i < lines->rule_count; i++) {
    print_rule(out, context, filter_id, &lines->rules[i]);
    free(lines->rules[i].id);
  }
  free(lines->rules);
  lines->rules = NULL;
}

/* A filter that several sessions share is shown once: its rules count for all of them. */
static bool shown_before(const struct lines *lines, size_t session) {
  const char *filter_id = lines->sessions[session].filter_id;

  if (lines->security_group && strcmp(lines->security_group, filter_id) == 0) return true;
  for (size_t i = 0; i < session; i++) {
    if (strcmp(lines->sessions[i].filter_id, filter_id) == 0) return true;
  }
  return false;
}

static void print_rules(FILE *out, mirror_context *context, struct lines *lines) {
  fprintf(out, "\n%-22s %-9s %7s  %-22s %-6s%14s %16s\n", "filter", "direction", "rule", "id",
          "action", "packets", "octets");
  if (lines->security_group) print_filter(out, context, lines, lines->security_group);
  for (size_t i = 0; i < lines->session_count; i++) {
    if (!shown_before(lines, i)) print_filter(out, context, lines, lines->sessions[i].filter_id);
  }
}

static void lines_free(struct lines *lines) {
  for (size_t i = 0; i < lines->session_count; i++) {
    free(lines->sessions[i].id);
    free(lines->sessions[i].filter_id);
  }
  free(lines->sessions);
  free(lines->security_group);
}

void summary_print(mirror_context *context, const mirror_tap *tap, const char *source_id,
                   FILE *out) {
  struct lines lines = {.source_id = source_id};
  mirror_stats stats;

  mirror_stats_init(&stats, sizeof stats);
  if (mirror_tap_stats(tap, &stats) == MIRROR_OK) print_verdicts(out, &stats);
  mirror_sources_visit(context, source_id, keep_security_group, &lines);
  mirror_sessions_visit(context, NULL, add_session, &lines);
  if (lines.session_count) {
    qsort(lines.sessions, lines.session_count, sizeof *lines.sessions, by_priority);
    print_sessions(out, context, &lines);
  }
  print_rules(out, context, &lines);
  lines_free(&lines);
}
