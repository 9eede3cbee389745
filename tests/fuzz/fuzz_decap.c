/*
 * The decapsulator (V8): layer and port, then the datagram; its lengths and checksums are repaired
 * when the input asks for it, since guesses never would. What is accepted lies inside the datagram
 * and is accepted again when it is wrapped anew.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { UDP = 17 };

static void put16(uint8_t *to, uint32_t value) {
  to[0] = (uint8_t)(value >> 8);
  to[1] = (uint8_t)value;
}

/* IPv4 without options, or IPv6, at `ip`: lengths, protocol and header checksum as they should be,
 * no UDP checksum. */
static void repair(uint8_t *ip, size_t length) {
  const bool ipv4 = length >= 28 && ip[0] == 0x45, ipv6 = length >= 48 && ip[0] >> 4 == 6;
  uint32_t sum = 0;
  if (!ipv4 && !ipv6) return;
  const uint32_t header = ipv4 ? 20 : 40;
  ip[ipv4 ? 9 : 6] = UDP;
  put16(ip + (ipv4 ? 2 : 4), (uint32_t)length - (ipv4 ? 0 : header));
  put16(ip + header + 4, (uint32_t)length - header);
  put16(ip + header + 6, 0);
  if (!ipv4) return;
  put16(ip + 10, 0);
  for (uint32_t i = 0; i < header; i += 2)
    sum += ip[i] * 256u + ip[i + 1];
  sum = (sum & 0xffff) + (sum >> 16);
  put16(ip + 10, ~((sum & 0xffff) + (sum >> 16)));
}

static void check_again(uint32_t layer, const mirror_decapsulated *out) {
  mirror_decapsulated again;
  mirror_outer outer;
  uint32_t headers;
  mirror_outer_init(&outer, sizeof outer);
  outer.layer = layer;
  outer.family = out->family ? out->family : 4;
  outer.vni = out->vni;
  if (out->destination_port) outer.udp_port = out->destination_port;
  memcpy(outer.source, out->source, 16);
  memcpy(outer.destination, out->destination, 16);
  uint8_t *datagram = malloc(MIRROR_HEADER_MAX + out->inner_length);
  if (!datagram) return;
  const int32_t status =
      mirror_vxlan_encode(&outer, out->inner, out->inner_length, out->source_port, 0, datagram,
                          MIRROR_HEADER_MAX, &headers);
  if (status == MIRROR_OK) {
    memcpy(datagram + headers, out->inner, out->inner_length);
    mirror_decapsulated_init(&again, sizeof again);
    FUZZ_CHECK(mirror_vxlan_decode(layer, 0, datagram, headers + out->inner_length, &again) ==
               MIRROR_OK);
    FUZZ_CHECK(again.vni == out->vni && again.inner_length == out->inner_length);
    FUZZ_CHECK(memcmp(again.source, out->source, 16) == 0);
  } else { /* of a UDP payload alone, one longer than an IP packet holds */
    FUZZ_CHECK(status == MIRROR_E_TOO_LONG && layer == MIRROR_LAYER_UDP);
  }
  free(datagram);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length) {
  struct fuzz fuzz = {octets, length};
  const uint8_t how = fuzz_octet(&fuzz);
  const uint32_t layer = how % 4; /* 0 is none */
  const uint32_t port = how & 4 ? MIRROR_VXLAN_PORT : how & 8 ? (uint32_t)fuzz_number(&fuzz, 3) : 0;
  size_t size;
  const uint8_t *data = fuzz_take(&fuzz, 70000, &size);
  uint8_t *own = malloc(size ? size : 1);
  mirror_decapsulated out, before;
  if (!own) return 0;
  if (size) memcpy(own, data, size);
  const size_t link = layer == MIRROR_LAYER_LINK ? 14 : 0;
  if ((how & 16) && size > link && size < 65536) repair(own + link, size - link);
  mirror_decapsulated_init(&out, sizeof out);
  before = out;
  const int32_t status = mirror_vxlan_decode(layer, port, own, (uint32_t)size, &out);
  if (status == MIRROR_OK) {
    FUZZ_CHECK(out.vni <= 0xffffff && out.inner_length >= 14);
    FUZZ_CHECK(out.inner >= own && out.inner + out.inner_length <= own + size);
    FUZZ_CHECK(layer == MIRROR_LAYER_UDP || !port || out.destination_port == port);
    FUZZ_CHECK((own + size - out.inner >= 0) && (out.inner[-8] & 8));
    check_again(layer, &out);
  } else {
    FUZZ_CHECK(memcmp(&out, &before, sizeof out) == 0);
  }
  free(own);
  return 0;
}
