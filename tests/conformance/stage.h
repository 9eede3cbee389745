/* A scene with a tap whose copies stay in memory. */
#ifndef TESTS_CONFORMANCE_STAGE_H
#define TESTS_CONFORMANCE_STAGE_H

#include "conformance/scene.h"
#include "support/packets.h"

enum { STAGE_COPIES = 8, STAGE_ROOM = STAGE_COPIES * PACKET_MAX };

struct stage {
  struct scene scene;
  mirror_output *output;
  mirror_tap *tap;
  mirror_memory_output memory;
  mirror_memory_copy copies[STAGE_COPIES];
  uint8_t octets[STAGE_ROOM];
};

/* `fragment_entries`: M7; 0 = off. */
void stage_open_tracking(struct stage *stage, uint32_t fragment_entries);
void stage_open(struct stage *stage);
void stage_close(struct stage *stage);

/* One packet of a source through the tap; stage->memory holds its copy, if there is one. */
mirror_verdict stage_pass_packet(struct stage *stage, const char *source, mirror_packet packet);
mirror_verdict stage_pass_frame(struct stage *stage, const char *source, uint32_t direction,
                                const uint8_t *frame, uint32_t length, uint32_t flags);
mirror_verdict stage_pass(struct stage *stage, const char *source, uint32_t direction,
                          const struct packet_parts *parts);

/* The only copy, taken apart. */
mirror_decapsulated stage_copy(const struct stage *stage);

#endif
