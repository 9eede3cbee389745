/* mirror-target-rules: what the targets of a configuration must let in. See
 * docs/mirror-target-rules.1. */
#include <libmirror/libmirror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DONE = 0, FAILED = 1, USAGE = 2, CONFIGURATION = 3 };

/* Copies of this source go to this target. */
struct pair {
  char *target;
  char *source;
};

struct pairs {
  struct pair *at;
  size_t count;
};

static char *copy_of(const char *text) {
  char *copy = malloc(strlen(text) + 1);
  return copy ? strcpy(copy, text) : NULL;
}

/* Collected first: while it is visited, a context may not be asked for anything else. */
static int32_t collect(void *user, const mirror_session *session) {
  struct pairs *pairs = user;
  if (!session->enabled) return 0;
  struct pair *grown = realloc(pairs->at, (pairs->count + session->source_count) * sizeof *grown);
  if (!grown) return MIRROR_E_NOMEM;
  pairs->at = grown;
  for (uint32_t i = 0; i < session->source_count; i++) {
    struct pair *pair = &pairs->at[pairs->count++];
    pair->target = copy_of(session->target_id);
    pair->source = copy_of(session->sources[i]);
    if (!pair->target || !pair->source) return MIRROR_E_NOMEM;
  }
  return 0;
}

static int compare(const void *a, const void *b) {
  const struct pair *one = a, *other = b;
  int order = strcmp(one->target, other->target);
  return order ? order : strcmp(one->source, other->source);
}

static int32_t copy_target(void *user, const mirror_target *target) {
  const char **any = user;
  printf("%s\t%s\t%u\t", target->id, target->address, target->udp_port);
  *any = strchr(target->address, ':') ? "::/0" : "0.0.0.0/0";
  return 0;
}

/* `user`: the network that stands for any address, if the source has none of its own. */
static int32_t print_source(void *user, const mirror_source *source) {
  const char *any = *(const char **)user;
  if (source->address)
    printf("%s/%d", source->address, strchr(source->address, ':') ? 128 : 32);
  else
    printf("%s", any);
  printf("\t%s\n", source->id);
  return 0;
}

static void print_rules(mirror_context *context, const struct pairs *pairs) {
  puts("target\taddress\tudp_port\tallow_from\tsource");
  for (size_t i = 0; i < pairs->count; i++) {
    const char *any = "";
    if (i > 0 && compare(&pairs->at[i - 1], &pairs->at[i]) == 0) continue;
    mirror_targets_visit(context, pairs->at[i].target, copy_target, &any);
    mirror_sources_visit(context, pairs->at[i].source, print_source, &any);
  }
}

static int rules_of(mirror_context *context) {
  struct pairs pairs = {NULL, 0};
  int32_t status = mirror_sessions_visit(context, NULL, collect, &pairs);
  if (status == MIRROR_OK && pairs.count) qsort(pairs.at, pairs.count, sizeof *pairs.at, compare);
  if (status == MIRROR_OK) print_rules(context, &pairs);
  for (size_t i = 0; i < pairs.count; i++) {
    free(pairs.at[i].target);
    free(pairs.at[i].source);
  }
  free(pairs.at);
  if (status || fflush(stdout)) {
    fprintf(stderr, "mirror-target-rules: %s\n",
            status ? mirror_strerror(status) : "standard output cannot be written");
    return FAILED;
  }
  return DONE;
}

static void complain(void *user, const mirror_report *report) {
  (void)user;
  fprintf(stderr, "mirror-target-rules: %s\n", report->text);
}

static int run(const char *path) {
  mirror_report report;
  mirror_context *context;
  int result = CONFIGURATION;
  mirror_report_init(&report, sizeof report);
  if (mirror_context_create(NULL, &context, &report)) return complain(NULL, &report), FAILED;
  if (mirror_configuration_load(context, path, complain, NULL, &report) == MIRROR_OK)
    result = rules_of(context);
  else if (report.line == 0) /* the file as a whole */
    complain(NULL, &report);
  mirror_context_destroy(context);
  return result;
}

int main(int argc, char **argv) {
  static const char usage[] = "usage: mirror-target-rules FILE\n";
  if (argc == 2 && !strcmp(argv[1], "--help")) return fputs(usage, stdout), DONE;
  if (argc == 2 && !strcmp(argv[1], "--version"))
    return printf("mirror-target-rules %s\n", mirror_version_text()), DONE;
  if (argc != 2 || argv[1][0] == '-') return fputs(usage, stderr), USAGE;
  return run(argv[1]);
}
