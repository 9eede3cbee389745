#include "support/tunnel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <libnet.h>
#include <stdlib.h>

static const uint8_t source6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 3};
static const uint8_t destination6[16] = {0x20, 0x01, 0x0d, 0xb8, [13] = 9, [15] = 9};

void tunnel_outer(mirror_outer *outer, uint32_t layer, uint32_t family) {
  mirror_outer_init(outer, sizeof *outer);
  outer->layer = layer;
  outer->family = family;
  outer->vni = 0x123456;
  memcpy(outer->source_mac, "\x02\x00\x00\x00\x00\x03", 6);
  memcpy(outer->destination_mac, "\x02\x00\x00\x00\x09\x09", 6);
  if (family == 4) {
    memcpy(outer->source, "\x0a\x00\x00\x03", 4);
    memcpy(outer->destination, "\x0a\x00\x09\x09", 4);
  } else {
    memcpy(outer->source, source6, sizeof source6);
    memcpy(outer->destination, destination6, sizeof destination6);
  }
}

void tunnel_inner(uint8_t *inner, uint32_t length) {
  for (uint32_t at = 0; at < length; at++)
    inner[at] = (uint8_t)(at * 167 + (at >> 8) + 1);
}

uint32_t tunnel_datagram(const mirror_outer *outer, const uint8_t *inner, uint32_t inner_length,
                         uint8_t *datagram) {
  uint32_t header = 0;
  assert_int_equal(mirror_vxlan_encode(outer, inner, inner_length, TUNNEL_SOURCE_PORT, TUNNEL_IP_ID,
                                       datagram, MIRROR_HEADER_MAX, &header),
                   MIRROR_OK);
  memcpy(datagram + header, inner, inner_length);
  return header + inner_length;
}

static libnet_ptag_t build_ipv4(libnet_t *net, const mirror_outer *outer, uint32_t udp_length) {
  uint32_t source;
  uint32_t destination;
  memcpy(&source, outer->source, sizeof source);
  memcpy(&destination, outer->destination, sizeof destination);
  return libnet_build_ipv4((uint16_t)(20 + udp_length), 0, TUNNEL_IP_ID,
                           outer->dont_fragment ? 0x4000 : 0, (uint8_t)outer->ttl, 17, 0, source,
                           destination, NULL, 0, net, 0);
}

static libnet_ptag_t build_ipv6(libnet_t *net, const mirror_outer *outer, uint32_t udp_length) {
  struct libnet_in6_addr source;
  struct libnet_in6_addr destination;
  memcpy(&source, outer->source, sizeof source);
  memcpy(&destination, outer->destination, sizeof destination);
  return libnet_build_ipv6(0, 0, (uint16_t)udp_length, 17, (uint8_t)outer->ttl, source, destination,
                           NULL, 0, net, 0);
}

uint32_t tunnel_libnet(const mirror_outer *outer, const uint8_t *inner, uint32_t inner_length,
                       uint8_t *datagram) {
  char error[LIBNET_ERRBUF_SIZE];
  libnet_t *net = libnet_init(LIBNET_NONE, NULL, error);
  assert_non_null(net);
  const uint32_t payload_length = 8 + inner_length;
  const uint32_t udp_length = 8 + payload_length;
  uint8_t *payload = malloc(payload_length);
  assert_non_null(payload);
  const uint8_t vxlan[8] = {8, [4] = (uint8_t)(outer->vni >> 16), (uint8_t)(outer->vni >> 8),
                            (uint8_t)outer->vni};
  memcpy(payload, vxlan, sizeof vxlan);
  memcpy(payload + sizeof vxlan, inner, inner_length);
  assert_int_not_equal(libnet_build_udp(TUNNEL_SOURCE_PORT, (uint16_t)outer->udp_port,
                                        (uint16_t)udp_length, 0, payload, payload_length, net, 0),
                       -1);
  assert_int_not_equal(
      outer->family == 4 ? build_ipv4(net, outer, udp_length) : build_ipv6(net, outer, udp_length),
      -1);
  uint8_t *packet = NULL;
  uint32_t length = 0;
  assert_int_equal(libnet_pblock_coalesce(net, &packet, &length), 1);
  memcpy(datagram, packet, length);
  libnet_adv_free_packet(net, packet);
  libnet_destroy(net);
  free(payload);
  return length;
}
