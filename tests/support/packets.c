#include "support/packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <libnet.h>

enum { NO_CHECKSUM = 0xbeef, TTL = 64, OTHER_LENGTH = 20 };

static const uint8_t destination_mac[6] = {2, 0, 0, 0, 0, 0x0b};
static const uint8_t source_mac[6] = {2, 0, 0, 0, 0, 0x0a};

/* Returns the length of the transport header, which is built first. */
static uint16_t build_transport(libnet_t *net, const struct packet_parts *parts) {
  const uint16_t from = parts->source_port, to = parts->destination_port;
  uint8_t other[OTHER_LENGTH] = {(uint8_t)(from >> 8), (uint8_t)from, (uint8_t)(to >> 8),
                                 (uint8_t)to};
  libnet_ptag_t tag;
  uint16_t length;
  if (parts->protocol == IPPROTO_TCP) {
    length = LIBNET_TCP_H;
    tag = libnet_build_tcp(from, to, 1, 2, TH_ACK, 1024, NO_CHECKSUM, 0, length, NULL, 0, net, 0);
  } else if (parts->protocol == IPPROTO_UDP) {
    length = LIBNET_UDP_H;
    tag = libnet_build_udp(from, to, length, NO_CHECKSUM, NULL, 0, net, 0);
  } else {
    length = OTHER_LENGTH;
    tag = libnet_build_data(other, length, net, 0);
  }
  assert_int_not_equal(tag, -1);
  return length;
}

static void build_ipv4(libnet_t *net, const struct packet_parts *parts) {
  char source[] = "255.255.255.255", destination[] = "255.255.255.255";
  strncpy(source, parts->source ? parts->source : "10.0.0.1", sizeof source - 1);
  strncpy(destination, parts->destination ? parts->destination : "192.168.1.2",
          sizeof destination - 1);
  uint16_t length = (uint16_t)(build_transport(net, parts) + LIBNET_IPV4_H + parts->middle_length);
  if (parts->middle_length > 0) {
    assert_int_not_equal(libnet_build_ipv4_options(parts->middle, parts->middle_length, net, 0),
                         -1);
  }
  assert_int_not_equal(
      libnet_build_ipv4(length, 0, parts->id, parts->fragment, TTL, parts->protocol, NO_CHECKSUM,
                        libnet_name2addr4(net, source, LIBNET_DONT_RESOLVE),
                        libnet_name2addr4(net, destination, LIBNET_DONT_RESOLVE), NULL, 0, net, 0),
      -1);
}

static void build_ipv6(libnet_t *net, const struct packet_parts *parts) {
  const char *source = parts->source ? parts->source : "2001:db8::1";
  const char *destination = parts->destination ? parts->destination : "2001:db8:1::2";
  uint16_t length = (uint16_t)(build_transport(net, parts) + parts->middle_length);
  if (parts->middle_length > 0) {
    assert_int_not_equal(libnet_build_data(parts->middle, parts->middle_length, net, 0), -1);
  }
  assert_int_not_equal(
      libnet_build_ipv6(0, 0, length, parts->middle_length > 0 ? parts->next : parts->protocol, TTL,
                        libnet_name2addr6(net, source, LIBNET_DONT_RESOLVE),
                        libnet_name2addr6(net, destination, LIBNET_DONT_RESOLVE), NULL, 0, net, 0),
      -1);
}

static uint32_t take_packet(libnet_t *net, uint8_t frame[PACKET_MAX]) {
  uint8_t *packet = NULL;
  uint32_t length = 0;
  assert_int_equal(libnet_pblock_coalesce(net, &packet, &length), 1);
  assert_true(length <= PACKET_MAX);
  memcpy(frame, packet, length);
  libnet_adv_free_packet(net, packet);
  return length;
}

/* Between the addresses and the ethertype; VLAN 5. */
static uint32_t insert_tag(uint8_t *frame, uint32_t length, uint32_t at, uint16_t tpid) {
  const uint8_t tag[4] = {(uint8_t)(tpid >> 8), (uint8_t)tpid, 0, 5};
  assert_true(length + sizeof tag <= PACKET_MAX);
  memmove(frame + at + sizeof tag, frame + at, length - at);
  memcpy(frame + at, tag, sizeof tag);
  return length + (uint32_t)sizeof tag;
}

uint32_t packet_build(const struct packet_parts *parts, uint8_t frame[PACKET_MAX]) {
  char error[LIBNET_ERRBUF_SIZE];
  libnet_t *net = libnet_init(LIBNET_NONE, NULL, error);
  assert_non_null(net);
  if (parts->family == 4) {
    build_ipv4(net, parts);
  } else {
    build_ipv6(net, parts);
  }
  const uint16_t ethertype = parts->family == 4 ? ETHERTYPE_IP : ETHERTYPE_IPV6;
  assert_int_not_equal(
      libnet_build_ethernet(destination_mac, source_mac, ethertype, NULL, 0, net, 0), -1);
  uint32_t length = take_packet(net, frame);
  libnet_destroy(net);
  for (uint32_t i = 0; i < 4 && parts->tags[i]; i++)
    length = insert_tag(frame, length, 12 + 4 * i, parts->tags[i]);
  return length;
}

uint32_t packet_chain(const uint8_t *kinds, uint32_t count, uint8_t protocol, uint8_t *chain) {
  uint32_t length = 0;
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t octets = kinds[i] == 51 ? 24 : kinds[i] == 43 ? 16 : 8;
    memset(chain + length, 0, octets);
    chain[length] = i + 1 < count ? kinds[i + 1] : protocol;
    if (kinds[i] != 44) {
      chain[length + 1] = (uint8_t)(kinds[i] == 51 ? octets / 4 - 2 : octets / 8 - 1);
    }
    length += octets;
  }
  return length;
}

mirror_packet packet_of(const uint8_t *data, uint32_t caplen, uint32_t link_type) {
  return (mirror_packet){
      .data = data, .caplen = caplen, .length = caplen, .link_type = (uint16_t)link_type};
}
