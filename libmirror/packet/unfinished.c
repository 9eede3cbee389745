#include "packet/unfinished.h"

#include "packet/checksum.h"
#include "packet/octets.h"

#include <string.h>

enum { IPV4_HEADER = 20, IPV6_HEADER = 40, CHECKSUM = 2 };

uint64_t mri_wire_end(const struct mri_view *view, const mirror_packet *packet) {
  const uint8_t *ip = packet->data + view->network;
  const uint32_t declared = view->key.family == 4 ? mri_get16(ip + 2) : mri_get16(ip + 4);
  if (declared) return view->network + declared + (view->key.family == 4 ? 0 : IPV6_HEADER);
  return packet->length > packet->caplen ? packet->length : packet->caplen;
}

static uint32_t synthesized(const struct mri_view *view) {
  return view->synthesized ? MRI_ETHERNET : 0;
}

uint32_t mri_unfinished_block(const struct mri_view *view, const mirror_packet *packet) {
  const uint32_t ip_header = view->key.family == 4 ? IPV4_HEADER : IPV6_HEADER;
  const uint32_t place = (uint32_t)packet->checksum_start + packet->checksum_offset;
  if (packet->checksum_start < view->network + ip_header || place + CHECKSUM > view->end) return 0;
  if (mri_wire_end(view, packet) > view->end) return 0;
  const uint32_t length = place + CHECKSUM - view->skip + synthesized(view);
  /* Pieces of a sum but the last are even. */
  const uint32_t even = length + (length & 1), whole = mri_view_inner_length(view, packet);
  return even > MIRROR_GSO_HEADERS_MAX ? 0 : even > whole ? whole : even;
}

void mri_unfinished_write(const struct mri_view *view, const mirror_packet *packet, uint32_t length,
                          uint8_t *block) {
  const uint32_t first = synthesized(view), start = packet->checksum_start;
  const uint32_t place = start + packet->checksum_offset - view->skip + first;
  memcpy(block, view->ethernet, first);
  memcpy(block + first, packet->data + view->skip, length - first);
  const uint16_t checksum = mri_sum_finish(mri_sum(0, packet->data + start, view->end - start));
  /* RFC 768: 0 would mean "no checksum"; elsewhere the two are the same number. */
  mri_put16(block + place, checksum ? checksum : 0xffff);
}
