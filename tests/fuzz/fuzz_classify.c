/*
 * Reading packets (M4-M8): link type, offload fields, then the frame, cut at every drawn place. The
 * naive reader is the judge of the key; the source port of a copy is the same for both directions
 * (V2).
 */
#include "fuzz/fuzz.h"
#include "packet/segment.h"
#include "packet/unfinished.h"
#include "support/naive.h"

#include <stdlib.h>
#include <string.h>

static const uint16_t links[] = {MIRROR_LINK_ETHERNET,   MIRROR_LINK_RAW,       MIRROR_LINK_NULL,
                                 MIRROR_LINK_LOOP,       MIRROR_LINK_LINUX_SLL, MIRROR_LINK_IPV4,
                                 MIRROR_LINK_LINUX_SLL2, MIRROR_LINK_IPV6};

static mirror_packet draw_packet(struct fuzz *fuzz) {
  mirror_packet packet = {.source = 1, .direction = MIRROR_INGRESS};
  const uint8_t what = fuzz_octet(fuzz);
  packet.link_type = what & 8 ? (uint16_t)fuzz_number(fuzz, 2) : links[what & 7];
  if (what & 16) {
    packet.flags = fuzz_octet(fuzz);
    packet.gso_type = fuzz_octet(fuzz);
    packet.gso_size = (uint16_t)fuzz_number(fuzz, 2);
    packet.checksum_start = (uint16_t)fuzz_number(fuzz, 2);
    packet.checksum_offset = (uint16_t)fuzz_number(fuzz, 2);
  }
  return packet;
}

static void check_key(const mirror_packet *packet) {
  mirror_key key, judged;
  uint32_t why = 0;
  FUZZ_CHECK(mirror_packet_key(packet, &key, &why) == MIRROR_OK);
  FUZZ_CHECK(naive_key(packet, &judged) == why);
  FUZZ_CHECK(memcmp(&key, &judged, sizeof key) == 0);
  FUZZ_CHECK((key.family == 0) == (why != 0));
}

/* Ethernet and IPv4 without tags, turned round: addresses and ports change places. */
static void check_other_direction(const mirror_packet *packet) {
  mirror_key key;
  uint8_t turned[14 + 60 + 4];
  uint16_t port = 0, back = 0;
  FUZZ_CHECK(mirror_packet_source_port(packet, &port) == MIRROR_OK);
  FUZZ_CHECK(port >= 49152);
  naive_key(packet, &key);
  if (key.family != 4 || packet->link_type != MIRROR_LINK_ETHERNET ||
      packet->caplen > sizeof turned || packet->data[12] != 8)
    return;
  memcpy(turned, packet->data, packet->caplen);
  memcpy(turned + 26, packet->data + 30, 4);
  memcpy(turned + 30, packet->data + 26, 4);
  if (key.present & MIRROR_KEY_DESTINATION_PORT) {
    uint8_t *ports = turned + 14 + (turned[14] & 15) * 4;
    const uint8_t source[2] = {ports[0], ports[1]};
    memcpy(ports, ports + 2, 2);
    memcpy(ports + 2, source, 2);
  }
  mirror_packet other = *packet;
  other.data = turned;
  FUZZ_CHECK(mirror_packet_source_port(&other, &back) == MIRROR_OK);
  FUZZ_CHECK(port == back);
}

/* V6: segments lie inside the frame, and there are no more of them than the bound. */
static void check_offload(const mirror_packet *packet) {
  struct mri_view view;
  struct mri_super super;
  uint8_t head[MIRROR_GSO_HEADERS_MAX];
  mri_view_read(&view, packet);
  if (view.key.family == 0) return;
  if (packet->flags & MIRROR_PACKET_NEEDS_CHECKSUM) {
    const uint32_t block = mri_unfinished_block(&view, packet);
    FUZZ_CHECK(block <= sizeof head);
    if (block) mri_unfinished_write(&view, packet, block, head);
  }
  if (mri_super_read(&super, &view, packet) != MRI_SUPER_YES) return;
  FUZZ_CHECK(super.count >= 1 && super.count <= MRI_SEGMENTS_MAX);
  FUZZ_CHECK(super.block <= sizeof head);
  uint64_t captured = 0;
  for (uint32_t k = 0; k < super.count; k++) {
    mri_super_write(&super, &view, packet, k, head);
    captured += mri_super_captured(&super, packet, k);
  }
  FUZZ_CHECK(captured <= packet->caplen + (uint64_t)super.count * MIRROR_GSO_HEADERS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length) {
  struct fuzz fuzz = {octets, length};
  mirror_packet packet = draw_packet(&fuzz);
  size_t frame;
  const uint8_t *data = fuzz_take(&fuzz, UINT32_MAX, &frame);
  uint8_t *own = malloc(frame ? frame : 1); /* so that its end is the end of the memory */
  if (!own) return 0;
  if (frame) memcpy(own, data, frame);
  packet.data = own;
  packet.caplen = packet.length = (uint32_t)frame;
  check_key(&packet);
  check_other_direction(&packet);
  check_offload(&packet);
  free(own);
  return 0;
}
