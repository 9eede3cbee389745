#include "conformance/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void stage_open_tracking(struct stage *stage, uint32_t fragment_entries) {
  mirror_tap_options options;
  memset(stage, 0, sizeof *stage);
  scene_open(&stage->scene);
  mirror_memory_output_init(&stage->memory, sizeof stage->memory);
  stage->memory.buffer = stage->octets;
  stage->memory.capacity = sizeof stage->octets;
  stage->memory.copies = stage->copies;
  stage->memory.capacity_copies = STAGE_COPIES;
  scene_status(
      mirror_output_open(stage->scene.context, "memory:", &stage->memory, &stage->output, NULL),
      MIRROR_OK, NULL);
  mirror_tap_options_init(&options, sizeof options);
  options.output = stage->output;
  options.fragment_entries = fragment_entries;
  scene_status(mirror_tap_create(stage->scene.context, &options, &stage->tap, NULL), MIRROR_OK,
               NULL);
}

void stage_open(struct stage *stage) {
  stage_open_tracking(stage, 0);
}

void stage_close(struct stage *stage) {
  mirror_tap_destroy(stage->tap);
  mirror_output_close(stage->output);
  scene_close(&stage->scene);
}

mirror_verdict stage_pass_packet(struct stage *stage, const char *source, mirror_packet packet) {
  mirror_verdict verdict;
  packet.source = scene_handle(&stage->scene, source);
  stage->memory.used = stage->memory.count = 0;
  assert_int_equal(mirror_tap_submit(stage->tap, &packet, 1, &verdict), MIRROR_OK);
  assert_int_equal(verdict.output_status, MIRROR_OK);
  assert_int_equal(stage->memory.count, verdict.verdict == MIRROR_MIRRORED);
  return verdict;
}

mirror_verdict stage_pass_frame(struct stage *stage, const char *source, uint32_t direction,
                                const uint8_t *frame, uint32_t length, uint32_t flags) {
  mirror_packet packet = packet_of(frame, length, MIRROR_LINK_ETHERNET);
  packet.direction = (uint8_t)direction;
  packet.flags = (uint8_t)flags;
  return stage_pass_packet(stage, source, packet);
}

mirror_verdict stage_pass(struct stage *stage, const char *source, uint32_t direction,
                          const struct packet_parts *parts) {
  uint8_t frame[PACKET_MAX];
  uint32_t length = packet_build(parts, frame);
  return stage_pass_frame(stage, source, direction, frame, length, 0);
}

mirror_decapsulated stage_copy(const struct stage *stage) {
  mirror_decapsulated copy;
  mirror_decapsulated_init(&copy, sizeof copy);
  assert_int_equal(stage->memory.count, 1);
  assert_int_equal(
      mirror_vxlan_decode(MIRROR_LAYER_LINK, 0, stage->octets, stage->copies[0].length, &copy),
      MIRROR_OK);
  return copy;
}
