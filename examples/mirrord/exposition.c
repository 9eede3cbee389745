/* The text format of Prometheus, version 0.0.4, from the JSON of a snapshot. */
#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Counters of objects, in the order in which they are written. */
static const struct {
  const char *name;
  const char *help;
} counters[] = {
    {"received", "taken from the input"},
    {"mirrored", "of which copies were made"},
    {"rejected", "that a rule rejected"},
    {"unmatched", "that no rule matched"},
    {"unparsable", "without a readable IP header"},
    {"own", "that are copies of ours"},
    {"blocked", "that the security group drops"},
    {"dropped_oversize", "whose copy would not fit, and the target wants no cut copies"},
    {"dropped_sampled", "left out by sampling"},
    {"dropped_rate", "above the rate limit"},
    {"cut_by_length", "in copies cut to the packet length of the session"},
    {"cut_by_mtu", "in copies cut to the MTU"},
    {"sent", "in copies that the output took"},
    {"failed_again", "in copies that found the queue of the output full"},
    {"failed_no_buffer", "in copies for which the system had no buffer"},
    {"failed_link_down", "in copies that found the link down"},
    {"failed_no_route", "in copies for whose target there was no route"},
    {"failed_too_long", "in copies that were too long for the way"},
    {"failed_other", "in copies that the output refused for another reason"},
    {"segments", "in copies of super-frames beyond the first of each"},
    {"not_segmented", "of super-frames that became one copy"},
    {"checksum_open", "with a checksum that could not be finished"},
};

/* What a kind of object counts. */
struct kind {
  const char *name;     /* of the metrics, and the label with the id */
  const char *array;    /* in the snapshot */
  const char *counters; /* names between blanks; NULL: all */
};

static const struct kind source_kind = {"source", "sources", NULL};
static const struct kind plain_kinds[] = {
    {"session", "sessions",
     " mirrored rejected dropped_oversize dropped_sampled dropped_rate sent failed_again "
     "failed_no_buffer failed_link_down failed_no_route failed_too_long failed_other "},
    {"target", "targets",
     " mirrored sent failed_again failed_no_buffer failed_link_down failed_no_route "
     "failed_too_long failed_other "},
};
static const struct kind rule_kind = {"rule", "filters", " mirrored rejected blocked "};

/* One metric family. */
struct family {
  FILE *out;
  const char *kind;
  const char *counter;
  const char *unit;  /* of the name */
  const char *field; /* of the JSON */
};

static const char *text_of(const json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  return text ? text : "";
}

static int64_t number_of(const json_t *object, const char *name) {
  return json_integer_value(json_object_get(object, name));
}

static void write_label(FILE *out, const char *before, const char *name, const char *value) {
  fprintf(out, "%s%s=\"", before, name);
  for (; *value; value++) {
    if (*value == '\n') {
      fputs("\\n", out);
      continue;
    }
    if (*value == '\\' || *value == '"') putc('\\', out);
    putc(*value, out);
  }
  putc('"', out);
}

static void write_name(const struct family *family) {
  fprintf(family->out, "mirrord_%s_%s_%s_total", family->kind, family->counter, family->unit);
}

static void write_value(const struct family *family, const json_t *all_counters) {
  const json_t *count = json_object_get(all_counters, family->counter);

  fprintf(family->out, "} %" PRId64 "\n", number_of(count, family->field));
}

/* ---- kinds ---- */

static void write_sources(const struct family *family, const json_t *root) {
  static const char *const directions[] = {"ingress", "egress"};
  const json_t *source;
  size_t i;

  json_array_foreach(json_object_get(root, source_kind.array), i, source) {
    for (int j = 0; j < 2; j++) {
      write_name(family);
      write_label(family->out, "{", "source", text_of(source, "id"));
      write_label(family->out, ",", "direction", directions[j]);
      write_value(family, json_object_get(source, directions[j]));
    }
  }
}

static void write_plain(const struct family *family, const struct kind *kind, const json_t *root) {
  const json_t *object;
  size_t i;

  json_array_foreach(json_object_get(root, kind->array), i, object) {
    write_name(family);
    write_label(family->out, "{", kind->name, text_of(object, "id"));
    write_value(family, json_object_get(object, "counters"));
  }
}

static void write_rule(const struct family *family, const char *filter, const json_t *rule) {
  write_name(family);
  write_label(family->out, "{", "filter", filter);
  write_label(family->out, ",", "direction", text_of(rule, "direction"));
  fprintf(family->out, ",priority=\"%" PRId64 "\"", number_of(rule, "priority"));
  write_label(family->out, ",", "rule", text_of(rule, "id"));
  write_value(family, json_object_get(rule, "counters"));
}

static void write_rules(const struct family *family, const json_t *root) {
  const json_t *filter, *rule;
  size_t i, j;

  json_array_foreach(json_object_get(root, rule_kind.array), i, filter) {
    json_array_foreach(json_object_get(filter, "rules"), j, rule) {
      write_rule(family, text_of(filter, "id"), rule);
    }
  }
}

static bool has_counter(const struct kind *kind, const char *name) {
  char wanted[40];

  if (!kind->counters) return true;
  snprintf(wanted, sizeof wanted, " %s ", name);
  return strstr(kind->counters, wanted) != NULL;
}

static void write_samples(const struct family *family, const struct kind *kind,
                          const json_t *root) {
  if (kind == &source_kind)
    write_sources(family, root);
  else if (kind == &rule_kind)
    write_rules(family, root);
  else
    write_plain(family, kind, root);
}

static void write_kind(FILE *out, const struct kind *kind, const json_t *root) {
  static const char *const units[][2] = {{"packets", "packets"}, {"bytes", "octets"}};

  for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
    if (!has_counter(kind, counters[i].name)) continue;
    for (int j = 0; j < 2; j++) {
      const struct family family = {out, kind->name, counters[i].name, units[j][0], units[j][1]};
      fputs("# HELP ", out);
      write_name(&family);
      fprintf(out, " %s %s, by %s.\n# TYPE ", j ? "Bytes of packets" : "Packets", counters[i].help,
              kind->name);
      write_name(&family);
      fputs(" counter\n", out);
      write_samples(&family, kind, root);
    }
  }
}

/* ---- the rest ---- */

static void write_head(FILE *out, const char *name, const char *type, const char *help) {
  fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_inputs(FILE *out, const json_t *root) {
  const json_t *source;
  size_t i;

  write_head(out, "mirrord_source_up", "gauge", "Whether packets of the source are taken.");
  json_array_foreach(json_object_get(root, source_kind.array), i, source) {
    fputs("mirrord_source_up", out);
    write_label(out, "{", "source", text_of(source, "id"));
    fprintf(out, "} %d\n", strcmp(text_of(source, "state"), "running") == 0);
  }
  write_head(out, "mirrord_source_system_dropped_packets_total", "counter",
             "Packets that the system dropped before they could be taken, by source.");
  json_array_foreach(json_object_get(root, source_kind.array), i, source) {
    fputs("mirrord_source_system_dropped_packets_total", out);
    write_label(out, "{", "source", text_of(source, "id"));
    fprintf(out, "} %" PRId64 "\n", number_of(source, "kernel_drops"));
  }
}

static void write_number(FILE *out, const char *name, const char *type, const char *help,
                         int64_t value) {
  write_head(out, name, type, help);
  fprintf(out, "%s %" PRId64 "\n", name, value);
}

static void write_process(FILE *out, const json_t *root) {
  const json_t *configuration = json_object_get(root, "configuration");

  write_head(out, "mirrord_build_info", "gauge", "The version of mirrord.");
  fputs("mirrord_build_info", out);
  write_label(out, "{", "version", text_of(root, "version"));
  fputs("} 1\n", out);
  write_number(out, "mirrord_start_time_seconds", "gauge", "When mirrord was started.",
               number_of(root, "start_time"));
  write_number(out, "mirrord_config_reloads_total", "counter", "Reloads that were taken.",
               number_of(configuration, "reloads"));
  write_number(out, "mirrord_config_reloads_refused_total", "counter", "Reloads that were refused.",
               number_of(configuration, "reloads_refused"));
  write_number(out, "mirrord_config_last_reload_successful", "gauge",
               "Whether the last reload was taken.",
               json_is_true(json_object_get(configuration, "last_reload_good")));
  write_number(out, "mirrord_config_last_reload_success_timestamp_seconds", "gauge",
               "When the configuration in force was read.", number_of(configuration, "time"));
}

static bool write_all(FILE *out, const json_t *root) {
  write_process(out, root);
  write_inputs(out, root);
  write_kind(out, &source_kind, root);
  for (size_t i = 0; i < sizeof plain_kinds / sizeof *plain_kinds; i++)
    write_kind(out, &plain_kinds[i], root);
  write_kind(out, &rule_kind, root);
  return fclose(out) == 0;
}

bool exposition_write(struct snapshot *snapshot) {
  FILE *out = open_memstream(&snapshot->metrics, &snapshot->metrics_length);
  int64_t begin_ms = loop_now_ms();

  if (!out) return false;
  bool good = write_all(out, snapshot->root);
  snapshot_extend(snapshot, loop_now_ms() - begin_ms);
  if (!good) {
    free(snapshot->metrics);
    snapshot->metrics = NULL;
  }
  return good;
}
