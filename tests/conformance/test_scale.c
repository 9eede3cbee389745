/*
 * A2: 20,000 sessions, 1000 on one filter: load, commit, change one rule, commit, unload; twice the
 * sessions take about twice the time. What must hold on any machine is asserted by counts (lists
 * compiled); times are printed.
 */
#include "conformance/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* As many as the default quotas allow; each source has two sessions of one filter. */
enum {
  SESSIONS = 20000,
  PER_FILTER = 1000,
  PER_SOURCE = 2,
  PER_TARGET = 200,
  RULES = 10,
  RUNS = 3,
  DIRECTIONS = 2
};

struct id {
  char text[16];
};

static struct id id_of(const char *kind, uint32_t number) {
  struct id id;
  snprintf(id.text, sizeof id.text, "%.4s%u", kind, number % 100000);
  return id;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The best of several runs; 0 is none yet. */
static void keep_best(double *best, double seconds) {
  if (*best == 0 || seconds < *best) *best = seconds;
}

/* Times of one step at half and at full size. */
static void print_times(const char *step, const double seconds[2]) {
  print_message("  %-34s %9.1f ms %9.1f ms   x %.2f\n", step, 1e3 * seconds[0], 1e3 * seconds[1],
                seconds[1] / seconds[0]);
}

static void print_heading(const char *title) {
  print_message("%s\n  %-34s %9u    %9u\n", title, "sessions:", SESSIONS / 2, SESSIONS);
}

static mirror_plan_info plan_info(const struct scene *scene) {
  mirror_plan_info info;
  mirror_plan *plan;
  mirror_plan_info_init(&info, sizeof info);
  assert_int_equal(mirror_plan_acquire(scene->context, &plan), MIRROR_OK);
  assert_int_equal(mirror_plan_info_get(plan, &info), MIRROR_OK);
  mirror_plan_release(plan);
  return info;
}

/* No two filters and directions have a rule list in common. */
static void add_rule(struct scene *scene, const char *filter, const char *direction, uint32_t net,
                     uint32_t rule) {
  char words[96];
  snprintf(words, sizeof words, "%s %u accept IPv4 TCP 10.%u.%u.0/24#any any#%u-%u", direction,
           rule + 1, net, rule, rule, 1000 + rule);
  scene_rule(scene, filter, words);
}

static void add_filter(struct scene *scene, uint32_t filter) {
  struct id id = id_of("f", filter);
  scene_filter(scene, id.text);
  for (uint32_t rule = 0; rule < RULES; rule++) {
    add_rule(scene, id.text, "ingress", filter, rule);
    add_rule(scene, id.text, "egress", 100 + filter, rule);
  }
}

static void add_target(struct scene *scene, uint32_t target) {
  char address[16];
  snprintf(address, sizeof address, "10.200.%u.1", target);
  scene_target(scene, id_of("t", target).text, MIRROR_TARGET_ELB, address);
}

static void add_session(struct scene *scene, uint32_t session, uint32_t target) {
  struct id source = id_of("e", session / PER_SOURCE);
  const char *const sources[] = {source.text};
  scene_session(scene, id_of("s", session).text, session + 1, id_of("f", session / PER_FILTER).text,
                id_of("t", target).text, sources, 1);
}

/* Everything but the sessions. */
static void add_ends(struct scene *scene, uint32_t sessions, uint32_t targets) {
  for (uint32_t filter = 0; filter < sessions / PER_FILTER; filter++)
    add_filter(scene, filter);
  for (uint32_t source = 0; source < sessions / PER_SOURCE; source++)
    scene_source(scene, id_of("e", source).text, 1500);
  for (uint32_t target = 0; target < targets; target++)
    add_target(scene, target);
}

/* Ports of rule 1 of the first filter, which 1000 sessions use. */
static void change_rule(struct scene *scene, uint32_t port) {
  mirror_report report;
  mirror_rule rule;
  mirror_report_init(&report, sizeof report);
  mirror_rule_init(&rule, sizeof rule);
  rule.direction = MIRROR_INGRESS;
  rule.priority = 1;
  rule.action = MIRROR_ACCEPT;
  rule.ethertype = MIRROR_ETHERTYPE_IPV4;
  rule.protocol = 6;
  rule.destination_port_first = rule.destination_port_last = port;
  scene_status(mirror_rule_update(scene->change, "f0", 1, &rule, &report), MIRROR_OK, &report);
}

static void unload(struct scene *scene) {
  assert_int_equal(mirror_transaction_clear(scene->change, NULL), MIRROR_OK);
  scene_commit(scene);
  mirror_plan_info info = plan_info(scene);
  assert_int_equal(info.sources, 0);
  assert_int_equal(info.compiled_lists, 0);
}

/* One compilation for the one list that differs, whatever number of sessions use it. */
static void check_change(struct scene *scene, const mirror_plan_info *before) {
  mirror_plan_info after = plan_info(scene);
  assert_int_equal(after.compilations, before->compilations + 1);
  assert_int_equal(after.compiled_lists, before->compiled_lists);
}

/* Every source has the list of its filter twice: one list for each filter and direction. */
static mirror_plan_info check_loaded(struct scene *scene, uint32_t sessions) {
  mirror_plan_info info = plan_info(scene);
  uint32_t lists = DIRECTIONS * (sessions / PER_FILTER);
  assert_int_equal(info.sources, sessions / PER_SOURCE);
  assert_int_equal(info.compiled_lists, lists);
  assert_int_equal(info.compilations, lists);
  assert_int_equal(info.rules, lists * PER_SOURCE * RULES);
  return info;
}

enum { STAGE, COMMIT, CHANGE, UNLOAD, STEPS };

static void time_change(struct scene *scene, double *best, const mirror_plan_info *info) {
  double start = now();
  change_rule(scene, 443);
  scene_commit(scene);
  keep_best(best, now() - start);
  check_change(scene, info);
}

static void run_transaction(uint32_t sessions, uint32_t targets, double seconds[STEPS][2],
                            unsigned column) {
  struct scene scene;
  mirror_quotas quotas;
  scene_open(&scene);
  mirror_quotas_init(&quotas, sizeof quotas);
  quotas.sessions_per_elb_target = sessions / targets;
  assert_int_equal(mirror_quotas_set(scene.change, &quotas, NULL), MIRROR_OK);
  double start = now();
  add_ends(&scene, sessions, targets);
  for (uint32_t session = 0; session < sessions; session++)
    add_session(&scene, session, session / (sessions / targets));
  keep_best(&seconds[STAGE][column], now() - start);

  start = now();
  scene_commit(&scene);
  keep_best(&seconds[COMMIT][column], now() - start);
  mirror_plan_info info = check_loaded(&scene, sessions);
  time_change(&scene, &seconds[CHANGE][column], &info);

  start = now();
  unload(&scene);
  keep_best(&seconds[UNLOAD][column], now() - start);
  scene_close(&scene);
}

static void print_steps(const double seconds[STEPS][2]) {
  print_times("stage all objects", seconds[STAGE]);
  print_times("commit", seconds[COMMIT]);
  print_times("change a rule of 1000, commit", seconds[CHANGE]);
  print_times("unload: clear, commit", seconds[UNLOAD]);
}

static void test_a2_sessions_in_one_transaction(void **state) {
  double seconds[STEPS][2] = {{0}};
  (void)state;
  for (uint32_t run = 0; run < RUNS; run++) {
    run_transaction(SESSIONS / 2, SESSIONS / 2 / PER_TARGET, seconds, 0);
    run_transaction(SESSIONS, SESSIONS / PER_TARGET, seconds, 1);
  }
  print_heading("One transaction, default quotas");
  print_steps((const double(*)[2])seconds);
}

/* With a higher quota; all tunnels look alike from outside, which the loop guard (F1) must bear. */
static void test_a2_sessions_of_one_target(void **state) {
  double seconds[STEPS][2] = {{0}};
  (void)state;
  for (uint32_t run = 0; run < RUNS; run++) {
    run_transaction(SESSIONS / 2, 1, seconds, 0);
    run_transaction(SESSIONS, 1, seconds, 1);
  }
  print_heading("One transaction, all sessions to one target");
  print_steps((const double(*)[2])seconds);
}

static int32_t count_session(void *user, const mirror_session *session) {
  uint32_t *count = user;
  (void)session;
  ++*count;
  return 0;
}

static uint32_t committed_sessions(const struct scene *scene) {
  uint32_t count = 0;
  assert_int_equal(mirror_sessions_visit(scene->context, NULL, count_session, &count), MIRROR_OK);
  return count;
}

static double run_transactions(uint32_t sessions) {
  struct scene scene;
  scene_open(&scene);
  add_ends(&scene, sessions, sessions / PER_TARGET);
  scene_commit(&scene);
  double start = now();
  for (uint32_t session = 0; session < sessions; session++) {
    add_session(&scene, session, session / PER_TARGET);
    scene_commit(&scene);
  }
  double seconds = now() - start;
  assert_int_equal(committed_sessions(&scene), sessions);
  mirror_plan_info info = plan_info(&scene);
  assert_int_equal(info.compiled_lists, DIRECTIONS * (sessions / PER_FILTER));
  assert_int_equal(info.rules, info.compiled_lists * PER_SOURCE * RULES);
  scene_close(&scene);
  return seconds;
}

static void test_a2_sessions_in_a_transaction_each(void **state) {
  double seconds[2] = {0};
  (void)state;
  for (uint32_t run = 0; run < RUNS; run++) {
    keep_best(&seconds[0], run_transactions(SESSIONS / 2));
    keep_best(&seconds[1], run_transactions(SESSIONS));
  }
  print_heading("A transaction for each session");
  print_times("add and commit one by one", seconds);
}

static void write_rules(FILE *file, const char *direction, uint32_t net) {
  fprintf(file, "\"%s_rules\": [", direction);
  for (uint32_t rule = 0; rule < RULES; rule++)
    fprintf(file,
            "%s{\"priority\": %u, \"action\": \"accept\", \"ethertype\": \"IPv4\","
            "\"protocol\": \"TCP\", \"source_cidr_block\": \"10.%u.%u.0/24\","
            "\"destination_port_range\": \"%u-%u\"}",
            rule ? "," : "", rule + 1, net, rule, rule, 1000 + rule);
  fprintf(file, "]");
}

static void write_filters(FILE *file, uint32_t filters) {
  fprintf(file, "{\"traffic_mirror_filters\": [\n");
  for (uint32_t filter = 0; filter < filters; filter++) {
    fprintf(file, "%s{\"id\": \"f%u\", ", filter ? "," : "", filter);
    write_rules(file, "ingress", filter);
    fprintf(file, ", ");
    write_rules(file, "egress", 100 + filter);
    fprintf(file, "}\n");
  }
}

static void write_sources(FILE *file, uint32_t sources) {
  fprintf(file, "], \"traffic_mirror_sources\": [\n");
  for (uint32_t source = 0; source < sources; source++)
    fprintf(file, "%s{\"id\": \"e%u\"}\n", source ? "," : "", source);
}

static void write_targets(FILE *file, uint32_t targets) {
  fprintf(file, "], \"traffic_mirror_targets\": [\n");
  for (uint32_t target = 0; target < targets; target++)
    fprintf(file, "%s{\"id\": \"t%u\", \"type\": \"elb\", \"address\": \"10.200.%u.1\"}\n",
            target ? "," : "", target, target);
}

static void write_sessions(FILE *file, uint32_t sessions) {
  fprintf(file, "], \"traffic_mirror_sessions\": [\n");
  for (uint32_t session = 0; session < sessions; session++)
    fprintf(file,
            "%s{\"id\": \"s%u\", \"name\": \"s%u\", \"priority\": %u,"
            "\"traffic_mirror_filter_id\": \"f%u\", \"traffic_mirror_sources\": [\"e%u\"],"
            "\"traffic_mirror_target_id\": \"t%u\", \"traffic_mirror_target_type\": \"elb\"}\n",
            session ? "," : "", session, session, session + 1, session / PER_FILTER,
            session / PER_SOURCE, session / PER_TARGET);
  fprintf(file, "]}\n");
}

static char *write_configuration(uint32_t sessions, size_t *length) {
  char *text = NULL;
  FILE *file = open_memstream(&text, length);
  assert_non_null(file);
  write_filters(file, sessions / PER_FILTER);
  write_sources(file, sessions / PER_SOURCE);
  write_targets(file, sessions / PER_TARGET);
  write_sessions(file, sessions);
  assert_int_equal(fclose(file), 0);
  return text;
}

enum { LOAD, LOAD_AGAIN, SAVE, FILE_STEPS };

static double time_parse(struct scene *scene, const char *text, size_t length) {
  mirror_report report;
  mirror_report_init(&report, sizeof report);
  double start = now();
  scene_status(
      mirror_configuration_parse(scene->context, text, length, "scale.json", NULL, NULL, &report),
      MIRROR_OK, &report);
  return now() - start;
}

static void run_file(uint32_t sessions, double seconds[FILE_STEPS][2], unsigned column) {
  struct scene scene;
  size_t length;
  char *text = write_configuration(sessions, &length), *saved;
  uint64_t saved_length;
  scene_open(&scene);
  mirror_transaction_destroy(scene.change);
  scene.change = NULL;
  keep_best(&seconds[LOAD][column], time_parse(&scene, text, length));
  mirror_plan_info info = check_loaded(&scene, sessions);
  keep_best(&seconds[LOAD_AGAIN][column], time_parse(&scene, text, length));
  assert_int_equal(plan_info(&scene).compilations, info.compilations);

  double start = now();
  assert_int_equal(mirror_configuration_format(scene.context, &saved, &saved_length, NULL),
                   MIRROR_OK);
  keep_best(&seconds[SAVE][column], now() - start);
  mirror_configuration_free(scene.context, saved);
  scene_close(&scene);
  free(text);
}

static void test_a2_sessions_from_a_file(void **state) {
  double seconds[FILE_STEPS][2] = {{0}};
  (void)state;
#ifndef MIRROR_WITH_JSON
  skip();
#endif
  for (uint32_t run = 0; run < RUNS; run++) {
    run_file(SESSIONS / 2, seconds, 0);
    run_file(SESSIONS, seconds, 1);
  }
  print_heading("A configuration file");
  print_times("load: parse, check, commit", seconds[LOAD]);
  print_times("load the same again", seconds[LOAD_AGAIN]);
  print_times("save", seconds[SAVE]);
}

static int compare_doubles(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

/* A1: small commits stay small: 1000 changes of one rule among 10 that one source uses. */
static void test_a1_thousand_small_commits(void **state) {
  enum { COMMITS = 1000 };
  static double seconds[COMMITS];
  const char *const sources[] = {"e0"};
  struct scene scene;
  (void)state;
  scene_open(&scene);
  add_filter(&scene, 0);
  scene_source(&scene, "e0", 1500);
  add_target(&scene, 0);
  scene_session(&scene, "s0", 1, "f0", "t0", sources, 1);
  scene_commit(&scene);
  mirror_plan_info before = plan_info(&scene);
  for (uint32_t i = 0; i < COMMITS; i++) {
    double start = now();
    change_rule(&scene, 2000 + i);
    scene_commit(&scene);
    seconds[i] = now() - start;
  }
  mirror_plan_info after = plan_info(&scene);
  assert_int_equal(after.compilations, before.compilations + COMMITS);
  assert_int_equal(after.compiled_lists, before.compiled_lists);
  qsort(seconds, COMMITS, sizeof seconds[0], compare_doubles);
  print_message("One rule changed and committed, %d times: median %.1f us, highest %.1f us\n",
                COMMITS, 1e6 * seconds[COMMITS / 2], 1e6 * seconds[COMMITS - 1]);
  scene_close(&scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a2_sessions_in_one_transaction),
      cmocka_unit_test(test_a2_sessions_of_one_target),
      cmocka_unit_test(test_a2_sessions_in_a_transaction_each),
      cmocka_unit_test(test_a2_sessions_from_a_file),
      cmocka_unit_test(test_a1_thousand_small_commits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
