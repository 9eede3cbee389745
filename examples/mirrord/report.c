#include "report.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

enum { RATES = 26 };

struct report {
  FILE *out;
  double seconds; /* since `before`; 0: no rates */
};

static const char *text_of(const json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  return text ? text : "";
}

static int64_t number_of(const json_t *object, const char *name) {
  return json_integer_value(json_object_get(object, name));
}

/* ---- counters ---- */

static void print_rates(const struct report *report, const json_t *now, const json_t *before) {
  double packets = (double)(number_of(now, "packets") - number_of(before, "packets"));
  double octets = (double)(number_of(now, "octets") - number_of(before, "octets"));

  if (report->seconds <= 0) return;
  if (before)
    fprintf(report->out, " %12.0f %12.3f", packets / report->seconds,
            octets * 8 / report->seconds / 1e6);
  else
    fprintf(report->out, " %*s", RATES - 1, "");
}

static void print_counters(const struct report *report, const json_t *now, const json_t *before) {
  const char *name;
  json_t *count;

  json_object_foreach((json_t *)now, name, count) {
    fprintf(report->out, "    %-20s", name);
    print_rates(report, count, json_object_get(before, name));
    fprintf(report->out, " %16" PRId64 " %18" PRId64 "\n", number_of(count, "packets"),
            number_of(count, "octets"));
  }
}

/* The object that was at the same place, if it is the same one. */
static const json_t *same(const json_t *before, size_t index, const json_t *now) {
  const json_t *object = json_array_get(before, index);

  if (object && strcmp(text_of(object, "id"), text_of(now, "id")) == 0 &&
      number_of(object, "priority") == number_of(now, "priority"))
    return object;
  return NULL;
}

/* ---- objects ---- */

static void print_head(const struct report *report) {
  fprintf(report->out, "    %-20s", "");
  if (report->seconds > 0) fprintf(report->out, " %12s %12s", "packets/s", "Mbit/s");
  fprintf(report->out, " %16s %18s\n", "packets", "octets");
}

static void print_source(const struct report *report, const json_t *now, const json_t *before) {
  static const char *const directions[] = {"ingress", "egress"};

  fprintf(report->out, "source %s: %s", text_of(now, "id"), text_of(now, "state"));
  if (*text_of(now, "input"))
    fprintf(report->out, ", %s, %" PRId64 " worker%s, %" PRId64 " dropped by the system",
            text_of(now, "input"), number_of(now, "workers"),
            number_of(now, "workers") == 1 ? "" : "s", number_of(now, "kernel_drops"));
  fprintf(report->out, "\n");
  if (*text_of(now, "problem")) fprintf(report->out, "  %s\n", text_of(now, "problem"));
  if (*text_of(now, "last_refusal"))
    fprintf(report->out, "  the output's last refusal: %s\n", text_of(now, "last_refusal"));
  for (int i = 0; i < 2; i++) {
    fprintf(report->out, "  %s\n", directions[i]);
    print_counters(report, json_object_get(now, directions[i]),
                   json_object_get(before, directions[i]));
  }
}

static void print_session(const struct report *report, const json_t *now, const json_t *before) {
  fprintf(report->out, "session %s: priority %" PRId64 ", %s, VNI %" PRId64 ", filter %s to %s\n",
          text_of(now, "id"), number_of(now, "priority"),
          json_is_true(json_object_get(now, "enabled")) ? "enabled" : "disabled",
          number_of(now, "vni"), text_of(now, "filter"), text_of(now, "target"));
  print_counters(report, json_object_get(now, "counters"), json_object_get(before, "counters"));
}

static void print_target(const struct report *report, const json_t *now, const json_t *before) {
  fprintf(report->out, "target %s: %s port %" PRId64 "\n", text_of(now, "id"),
          text_of(now, "address"), number_of(now, "port"));
  print_counters(report, json_object_get(now, "counters"), json_object_get(before, "counters"));
}

static void print_rule(const struct report *report, const json_t *now, const json_t *before) {
  fprintf(report->out, "  %s rule %" PRId64 "%s%s: %s\n", text_of(now, "direction"),
          number_of(now, "priority"), *text_of(now, "id") ? " " : "", text_of(now, "id"),
          text_of(now, "action"));
  print_counters(report, json_object_get(now, "counters"), json_object_get(before, "counters"));
}

typedef void (*print_fn)(const struct report *report, const json_t *now, const json_t *before);

static void print_all(const struct report *report, print_fn print, const json_t *now,
                      const json_t *before) {
  const json_t *object;
  size_t i;

  json_array_foreach(now, i, object) {
    print(report, object, same(before, i, object));
  }
}

static void print_filter(const struct report *report, const json_t *now, const json_t *before) {
  fprintf(report->out, "filter %s\n", text_of(now, "id"));
  print_all(report, print_rule, json_object_get(now, "rules"), json_object_get(before, "rules"));
}

void report_print(FILE *out, const json_t *now, const json_t *before) {
  static const struct {
    const char *name;
    print_fn print;
  } parts[] = {{"sources", print_source},
               {"targets", print_target},
               {"sessions", print_session},
               {"filters", print_filter}};
  const json_t *configuration = json_object_get(now, "configuration");
  int64_t milliseconds =
      before ? number_of(now, "monotonic_ms") - number_of(before, "monotonic_ms") : 0;
  struct report report = {out, (double)milliseconds / 1000};

  fprintf(out, "mirrord %s: %s to %s; %" PRId64 " reloads, %" PRId64 " refused%s\n",
          text_of(now, "version"), text_of(configuration, "file"), text_of(now, "output"),
          number_of(configuration, "reloads"), number_of(configuration, "reloads_refused"),
          json_is_false(json_object_get(configuration, "last_reload_good"))
              ? ", also the last one: see the log"
              : "");
  print_head(&report);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    print_all(&report, parts[i].print, json_object_get(now, parts[i].name),
              json_object_get(before, parts[i].name));
}
