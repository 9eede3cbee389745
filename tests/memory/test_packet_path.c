/*
 * The packet path allocates nothing: ten million packets of all kinds through a tap, with every
 * option that could need memory, and not one call of an allocator, the context's or the system's
 * (linker option wrap).
 */
#include "conformance/scene.h"
#include "support/super.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PACKETS = 10000000, POOL = 64, SUPERS = 4, RULES = 100, FRAME_MAX = 2048 };

static uint64_t allocations;
static bool armed;

#define WRAP(result, function, parameters, arguments) \
  result __real_##function parameters;                \
  result __wrap_##function parameters;                \
  result __wrap_##function parameters {               \
    allocations += armed;                             \
    return __real_##function arguments;               \
  }

WRAP(void *, malloc, (size_t octets), (octets))
WRAP(void *, calloc, (size_t count, size_t octets), (count, octets))
WRAP(void *, realloc, (void *block, size_t octets), (block, octets))
WRAP(void *, aligned_alloc, (size_t alignment, size_t octets), (alignment, octets))
WRAP(int, posix_memalign, (void **block, size_t alignment, size_t octets),
     (block, alignment, octets))
WRAP(void *, mmap, (void *at, size_t octets, int protection, int flags, int fd, long offset),
     (at, octets, protection, flags, fd, offset))

static uint8_t frames[POOL][FRAME_MAX], super_frames[SUPERS][SUPER_MAX];
static mirror_packet packets[POOL];

/* Whole packets, cut ones, fragments, tagged ones, and some that are blocked. */
static mirror_packet ordinary(uint32_t i) {
  static const uint8_t protocols[] = {6, 17, 1, 58};
  const struct packet_parts parts = {.family = i % 3 ? 4 : 6,
                                     .protocol = protocols[i % 4],
                                     .tags = {i % 5 ? 0 : 0x8100},
                                     .source_port = (uint16_t)(1000 + i),
                                     .destination_port = (uint16_t)(i % 3 * 40),
                                     .fragment = (uint16_t)(i % 7   ? 0
                                                            : i % 2 ? 0x2000
                                                                    : 5),
                                     .id = 77};
  uint8_t *frame = frames[i];
  const uint32_t length = packet_build(&parts, frame) + i * 20 % 1400;
  mirror_packet packet = packet_of(frame, i % 9 ? length : i % 40, MIRROR_LINK_ETHERNET);
  if (i % 13 == 0) packet.flags = MIRROR_PACKET_BLOCKED;
  return packet;
}

static void build_packets(uint32_t source) {
  for (uint32_t i = 0; i < POOL; i++) {
    const struct super_parts parts = {
        .packet = {.family = i % 2 ? 4 : 6, .protocol = 6}, .payload = 20000, .gso_size = 1400};
    packets[i] = i < SUPERS ? super_build(&parts, super_frames[i]) : ordinary(i);
    packets[i].source = source;
    packets[i].direction = (uint8_t)(MIRROR_INGRESS + i % 3);
  }
}

/* A list that becomes a structure of its own, behind a security group; samples and rates. */
static void set_scene(struct scene *scene) {
  const char *const sources[] = {"eni"};
  mirror_quotas quotas;
  mirror_source source;
  mirror_session session;
  mirror_quotas_init(&quotas, sizeof quotas);
  quotas.ingress_rules_per_filter = quotas.egress_rules_per_filter = RULES + 2;
  scene_status(mirror_quotas_set(scene->change, &quotas, NULL), MIRROR_OK, NULL);
  for (uint32_t i = 1; i <= RULES; i++) {
    char words[100];
    if (i == 1) scene_filter(scene, "filter");
    snprintf(words, sizeof words, "%s %u %s IPv4 TCP 10.0.%u.0/24#any any#%u-%u",
             i % 2 ? "ingress" : "egress", i, i % 3 ? "accept" : "reject", i, i, 2 * i);
    scene_rule(scene, "filter", words);
  }
  scene_rule(scene, "filter", "ingress 1000 accept IPv4 ALL any#any any#any");
  scene_rule(scene, "filter", "ingress 1001 accept IPv6 ALL any#any any#any");
  scene_rule(scene, "filter", "egress 1000 accept IPv4 ALL any#any any#any");
  mirror_source_init(&source, sizeof source);
  source.id = "eni";
  source.mac = "02:00:00:00:00:0a";
  source.address = "10.9.0.1";
  source.security_group = "filter";
  scene_status(mirror_source_add(scene->change, &source, NULL), MIRROR_OK, NULL);
  scene_target(scene, "target", MIRROR_TARGET_ENI, "2001:db8:9::2");
  mirror_session_init(&session, sizeof session);
  session.id = "session";
  session.priority = 1;
  session.filter_id = "filter";
  session.target_id = "target";
  session.sources = sources;
  session.source_count = 1;
  session.packet_length = 1000;
  session.sample_one_in = 2;
  session.rate_limit_pps = 1000000;
  session.rate_limit_bps = UINT64_C(10000000000);
  scene_status(mirror_session_add(scene->change, &session, NULL), MIRROR_OK, NULL);
  scene_commit(scene);
}

static int32_t take(void *user, const mirror_copy *copies, uint32_t count, uint32_t *accepted,
                    mirror_report *report) {
  uint64_t *taken = user;
  (void)report, (void)copies;
  *accepted = count;
  *taken += count;
  return MIRROR_OK;
}

static void test_ten_million_packets(void **state) {
  static mirror_verdict verdicts[POOL];
  mirror_callback_output callback;
  mirror_tap_options options;
  struct scene scene;
  mirror_tap *tap;
  uint64_t taken = 0, done = 0;
  (void)state;
  scene_open(&scene);
  set_scene(&scene);
  build_packets(scene_handle(&scene, "eni"));
  mirror_callback_output_init(&callback, sizeof callback);
  callback.user = &taken;
  callback.send = take;
  mirror_tap_options_init(&options, sizeof options);
  options.fragment_entries = 1024;
  scene_status(mirror_output_open(scene.context, "callback:", &callback, &options.output, NULL),
               MIRROR_OK, NULL);
  scene_status(mirror_tap_create(scene.context, &options, &tap, NULL), MIRROR_OK, NULL);
  armed = true;
  void *volatile probe = malloc(16);
  assert_int_equal(allocations, 1); /* the counter counts */
  allocations = 0;
  for (; done < PACKETS; done += POOL) {
    for (uint32_t i = 0; i < POOL; i++)
      packets[i].time_ns += 1000000;
    if (mirror_tap_submit(tap, packets, POOL, verdicts) != MIRROR_OK) break;
  }
  armed = false;
  free(probe);
  print_message("%ju packets, %ju copies, %ju allocations\n", (uintmax_t)done, (uintmax_t)taken,
                (uintmax_t)allocations);
  assert_true(done >= PACKETS);
  assert_true(taken > PACKETS / 4);
  assert_int_equal(allocations, 0);
  mirror_tap_destroy(tap);
  mirror_output_close(options.output);
  scene_close(&scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_ten_million_packets)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
