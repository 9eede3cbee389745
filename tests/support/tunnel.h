/* Tunnels and datagrams for the tests of the encapsulator and the decapsulator. */
#ifndef TESTS_SUPPORT_TUNNEL_H
#define TESTS_SUPPORT_TUNNEL_H

#include <libmirror/vxlan.h>

#define TUNNEL_SOURCE_PORT 49153u
#define TUNNEL_IP_ID 0xabcdu
#define TUNNEL_DATAGRAM_MAX (14u + 65535u)

/* 10.0.0.3 to 10.0.9.9, or 2001:db8::3 to 2001:db8::9:9; VNI 0x123456, all else by default. */
void tunnel_outer(mirror_outer *outer, uint32_t layer, uint32_t family);

/* A frame whose octets follow from their place: two lengths have a common beginning. */
void tunnel_inner(uint8_t *inner, uint32_t length);

/* Headers and inner frame in `datagram`; returns their length. Fails the test on an error. */
uint32_t tunnel_datagram(const mirror_outer *outer, const uint8_t *inner, uint32_t inner_length,
                         uint8_t *datagram);

/* The same from the IP header on, built by libnet, with every checksum computed. */
uint32_t tunnel_libnet(const mirror_outer *outer, const uint8_t *inner, uint32_t inner_length,
                       uint8_t *datagram);

#endif
