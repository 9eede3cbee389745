/*
 * The encapsulator: any outer header fields, then the inner frame. What it writes is taken apart
 * again by the strict decapsulator, with every bit compared; with less room it writes nothing.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = MIRROR_HEADER_MAX + 2, UNTOUCHED = 0xa5 };

static uint32_t nearly(struct fuzz *fuzz, uint32_t low, uint32_t high) {
  const uint32_t how = fuzz_below(fuzz, 16);
  if (how == 15) return (uint32_t)fuzz_number(fuzz, 4);
  return how == 14 ? high + 1 : low + (uint32_t)fuzz_number(fuzz, 3) % (high - low + 1);
}

static void draw_outer(struct fuzz *fuzz, mirror_outer *outer) {
  mirror_outer_init(outer, sizeof *outer);
  outer->layer = nearly(fuzz, MIRROR_LAYER_LINK, MIRROR_LAYER_UDP);
  outer->family = fuzz_one_in(fuzz, 16) ? fuzz_octet(fuzz) : fuzz_one_in(fuzz, 2) ? 6 : 4;
  outer->vni = nearly(fuzz, 0, 0xffffff);
  outer->udp_port = nearly(fuzz, 1, 65535);
  outer->ttl = nearly(fuzz, 1, 255);
  outer->dont_fragment = nearly(fuzz, 0, 1);
  outer->udp_checksum = nearly(fuzz, 0, 2);
  for (uint32_t i = 0; i < 16; i++) {
    outer->source[i] = fuzz_octet(fuzz);
    outer->destination[i] = fuzz_octet(fuzz);
  }
}

/* RFC 7348 section 5: I bit set, every reserved bit zero; and no field lost. */
static void check_datagram(const mirror_outer *outer, const uint8_t *datagram, uint32_t headers,
                           uint32_t inner, uint16_t source_port) {
  mirror_decapsulated out;
  mirror_decapsulated_init(&out, sizeof out);
  const int32_t status =
      mirror_vxlan_decode(outer->layer, outer->udp_port, datagram, headers + inner, &out);
  if (inner < 14) {
    FUZZ_CHECK(status == MIRROR_E_INNER_SHORT);
    return;
  }
  FUZZ_CHECK(status == MIRROR_OK);
  FUZZ_CHECK(out.vni == outer->vni && out.reserved_bits == 0);
  FUZZ_CHECK(out.inner == datagram + headers && out.inner_length == inner);
  if (outer->layer == MIRROR_LAYER_UDP) return;
  const uint32_t address = outer->family == 4 ? 4 : 16;
  FUZZ_CHECK(out.family == outer->family);
  FUZZ_CHECK(out.source_port == source_port && out.destination_port == outer->udp_port);
  FUZZ_CHECK(memcmp(out.source, outer->source, address) == 0);
  FUZZ_CHECK(memcmp(out.destination, outer->destination, address) == 0);
}

static void check_header(const mirror_outer *outer, const uint8_t *header, uint16_t ip_id) {
  const uint32_t link = outer->layer == MIRROR_LAYER_LINK ? 14 : 0;
  const uint8_t *ip = header + link;
  if (outer->layer == MIRROR_LAYER_UDP) return;
  if (outer->family == 4) {
    FUZZ_CHECK(ip[0] == 0x45 && ip[8] == outer->ttl);
    FUZZ_CHECK(ip[6] == (outer->dont_fragment ? 0x40 : 0) && ip[7] == 0);
    if (!outer->dont_fragment) FUZZ_CHECK(ip[4] * 256 + ip[5] == ip_id);
  } else {
    FUZZ_CHECK(ip[0] == 0x60 && ip[7] == outer->ttl);
  }
  const uint8_t *sum = ip + (outer->family == 4 ? 26 : 46);
  const bool zero = outer->udp_checksum == MIRROR_UDP_CHECKSUM_ZERO ||
                    (outer->udp_checksum == MIRROR_UDP_CHECKSUM_AUTO && outer->family == 4);
  FUZZ_CHECK((sum[0] == 0 && sum[1] == 0) == zero);
}

/* ROOM octets, of which only the first `written` may differ from what they were. */
static void check_untouched(const uint8_t *header, uint32_t written) {
  for (uint32_t i = written; i < ROOM; i++)
    FUZZ_CHECK(header[i] == UNTOUCHED);
}

static void check_less_room(const mirror_outer *outer, const uint8_t *inner, uint32_t length,
                            uint32_t needed) {
  uint8_t header[ROOM];
  uint32_t unused = 77;
  memset(header, UNTOUCHED, sizeof header);
  FUZZ_CHECK(mirror_vxlan_encode(outer, inner, length, 1, 1, header, needed - 1, &unused) ==
             MIRROR_E_BUFFER);
  FUZZ_CHECK(unused == 77);
  check_untouched(header, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length) {
  struct fuzz fuzz = {octets, length};
  mirror_outer outer;
  draw_outer(&fuzz, &outer);
  const uint16_t port = (uint16_t)fuzz_number(&fuzz, 2), ip_id = (uint16_t)fuzz_number(&fuzz, 2);
  size_t inner;
  const uint8_t *frame = fuzz_take(&fuzz, 65536, &inner);
  uint8_t *datagram = malloc(ROOM + inner);
  uint32_t headers = 0;
  if (!datagram) return 0;
  memset(datagram, UNTOUCHED, ROOM);
  const int32_t status = mirror_vxlan_encode(&outer, frame, (uint32_t)inner, port, ip_id, datagram,
                                             MIRROR_HEADER_MAX, &headers);
  if (status == MIRROR_OK) {
    FUZZ_CHECK(headers == mirror_vxlan_header_length(&outer));
    check_untouched(datagram, headers);
    check_header(&outer, datagram, ip_id);
    if (inner) memcpy(datagram + headers, frame, inner);
    check_datagram(&outer, datagram, headers, (uint32_t)inner, port);
    check_less_room(&outer, frame, (uint32_t)inner, headers);
  } else {
    check_untouched(datagram, 0);
    FUZZ_CHECK(headers == 0);
  }
  free(datagram);
  return 0;
}
