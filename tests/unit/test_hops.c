/* Next hops: what netlink messages say, also hostile and cut ones; frames and their ring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifndef MIRROR_WITH_NETLINK
int main(void) {
  return 77;
}
#else

#include "io/raw.h"

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_packet.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>

enum { INDEX = 7, OTHER = 8, MESSAGE = 512 };

static const uint8_t target[4] = {10, 9, 0, 2}, gateway[4] = {10, 9, 0, 254},
                     own[4] = {10, 9, 0, 1};
static const uint8_t mac_one[6] = {2, 0, 0, 0, 0, 1}, mac_two[6] = {2, 0, 0, 0, 0, 2};

static struct mri_hops *hops;
static struct mri_hop *hop;
static mirror_outer outer;

/* ---- messages ---- */

static union {
  struct nlmsghdr header;
  uint8_t octets[MESSAGE];
} message;

static void begin(uint16_t type, const void *fixed, size_t size) {
  memset(&message, 0, sizeof message);
  message.header.nlmsg_type = type;
  message.header.nlmsg_len = NLMSG_LENGTH((uint32_t)size);
  memcpy(NLMSG_DATA(&message.header), fixed, size);
}

static void put(uint16_t type, const void *data, size_t size) {
  struct rtattr *attribute = (struct rtattr *)(message.octets + message.header.nlmsg_len);
  attribute->rta_type = type;
  attribute->rta_len = (unsigned short)(RTA_LENGTH(0) + size);
  memcpy(RTA_DATA(attribute), data, size);
  message.header.nlmsg_len += (uint32_t)((RTA_LENGTH(0) + size + 3) & ~(size_t)3);
}

static void put32(uint16_t type, uint32_t value) {
  put(type, &value, sizeof value);
}

static void hear(void) {
  mri_hops_read(hops, &message, message.header.nlmsg_len);
}

static void link_message(uint16_t type, int index, unsigned char family, const char *name,
                         uint32_t mtu) {
  const struct ifinfomsg link = {.ifi_family = family,
                                 .ifi_type = ARPHRD_ETHER,
                                 .ifi_index = index,
                                 .ifi_flags = IFF_UP | IFF_LOWER_UP};
  begin(type, &link, sizeof link);
  put(IFLA_IFNAME, name, strlen(name) + 1);
  put32(IFLA_MTU, mtu);
  put(IFLA_ADDRESS, mac_one, sizeof mac_one);
}

static void route_message(unsigned char type, uint32_t index) {
  const struct rtmsg route = {.rtm_family = AF_INET, .rtm_type = type, .rtm_dst_len = 32};
  begin(RTM_NEWROUTE, &route, sizeof route);
  put32(RTA_OIF, index);
}

static void neighbour_message(uint16_t type, int index, const uint8_t *address, uint16_t state,
                              const uint8_t *mac) {
  const struct ndmsg neighbour = {.ndm_family = AF_INET, .ndm_ifindex = index, .ndm_state = state};
  begin(type, &neighbour, sizeof neighbour);
  put(NDA_DST, address, 4);
  if (mac) put(NDA_LLADDR, mac, 6);
}

static int set_up(void **state) {
  (void)state;
  hops = calloc(1, sizeof *hops);
  mri_hops_init(hops);
  hops->port = (struct mri_port){.name = "out",
                                 .index = INDEX,
                                 .type = ARPHRD_ETHER,
                                 .flags = IFF_UP | IFF_LOWER_UP,
                                 .mtu = 1500};
  mirror_outer_init(&outer, sizeof outer);
  outer.family = 4;
  memcpy(outer.destination, target, sizeof target);
  hop = mri_hops_find(hops, &outer);
  route_message(RTN_UNICAST, INDEX);
  assert_true(mri_hop_read_route(&hops->port, hop, &message.header));
  hop->generation = hops->generation;
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  free(hops);
  return 0;
}

/* ---- interfaces ---- */

static void interfaces_change(void **state) {
  (void)state;
  assert_int_equal(mri_port_status(&hops->port), MIRROR_OK);
  link_message(RTM_NEWLINK, INDEX, AF_UNSPEC, "renamed", 900);
  hear();
  assert_int_equal(hops->port.mtu, 900);
  assert_memory_equal(hops->port.mac, mac_one, 6);
  assert_int_equal(hops->port.index, INDEX);
  assert_true(hop->generation != hops->generation);
  ((struct ifinfomsg *)NLMSG_DATA(&message.header))->ifi_flags = IFF_UP;
  hear();
  assert_int_equal(mri_port_status(&hops->port), MIRROR_E_LINK_DOWN);
}

static void interfaces_go_and_come(void **state) {
  (void)state;
  link_message(RTM_DELLINK, INDEX, AF_BRIDGE, "out", 1500); /* leaves a bridge, no more */
  hear();
  assert_int_equal(hops->port.index, INDEX);
  link_message(RTM_NEWLINK, OTHER, AF_UNSPEC, "out", 600); /* renamed, and another takes the name */
  hear();
  assert_int_equal(hops->port.index, INDEX);
  link_message(RTM_DELLINK, OTHER, AF_UNSPEC, "out", 1500);
  hear();
  assert_int_equal(hops->port.index, INDEX);
  link_message(RTM_DELLINK, INDEX, AF_UNSPEC, "out", 1500);
  hear();
  assert_int_equal(mri_port_status(&hops->port), MIRROR_E_NO_DEVICE);
  link_message(RTM_NEWLINK, OTHER, AF_UNSPEC, "out2", 1500);
  hear();
  assert_int_equal(hops->port.index, 0);
  link_message(RTM_NEWLINK, OTHER, AF_UNSPEC, "out", 600);
  hear();
  assert_int_equal(hops->port.index, OTHER);
  assert_int_equal(hops->port.mtu, 600);
}

static void answers_about_interfaces(void **state) {
  (void)state;
  struct mri_port port = {.name = "out"};
  link_message(RTM_NEWLINK, INDEX, AF_UNSPEC, "out", 1400);
  assert_true(mri_hops_read_port(&port, &message.header));
  assert_int_equal(port.index, INDEX);
  assert_int_equal(port.mtu, 1400);
  message.header.nlmsg_type = RTM_NEWADDR;
  assert_false(mri_hops_read_port(&port, &message.header));
}

/* ---- routes ---- */

static void routes_on_the_link(void **state) {
  (void)state;
  assert_int_equal(hop->status, MIRROR_OK);
  assert_memory_equal(hop->next, target, 4);
  assert_int_equal(hop->next_family, 4);
  assert_int_equal(hop->mtu, 0);
}

static void routes_by_a_gateway(void **state) {
  (void)state;
  const struct rtattr metric = {.rta_len = 8, .rta_type = RTAX_MTU};
  uint8_t metrics[8] = {0};
  const uint32_t mtu = 1400;
  memcpy(metrics, &metric, 4);
  memcpy(metrics + 4, &mtu, 4);
  route_message(RTN_UNICAST, INDEX);
  put(RTA_GATEWAY, gateway, 4);
  put(RTA_PREFSRC, own, 4);
  put(RTA_METRICS, metrics, sizeof metrics);
  assert_true(mri_hop_read_route(&hops->port, hop, &message.header));
  assert_int_equal(hop->status, MIRROR_OK);
  assert_memory_equal(hop->next, gateway, 4);
  assert_memory_equal(hop->preferred, own, 4);
  assert_int_equal(hop->mtu, 1400);
}

static void routes_by_a_gateway_of_ipv6(void **state) {
  (void)state;
  uint8_t via[18] = {0};
  const uint16_t family = AF_INET6;
  memcpy(via, &family, 2);
  via[2] = 0xfe, via[17] = 9;
  route_message(RTN_UNICAST, INDEX);
  put(RTA_VIA, via, sizeof via);
  assert_true(mri_hop_read_route(&hops->port, hop, &message.header));
  assert_int_equal(hop->next_family, 6);
  assert_memory_equal(hop->next, via + 2, 16);
}

static void routes_that_are_none(void **state) {
  (void)state;
  route_message(RTN_UNICAST, OTHER);
  assert_true(mri_hop_read_route(&hops->port, hop, &message.header));
  assert_int_equal(hop->status, MIRROR_E_NO_ROUTE);
  route_message(RTN_UNICAST, INDEX);
  put(RTA_ENCAP, target, 4); /* labels or the like in between */
  assert_true(mri_hop_read_route(&hops->port, hop, &message.header));
  assert_int_equal(hop->status, MIRROR_E_NO_ROUTE);
  route_message(RTN_LOCAL, INDEX);
  assert_true(mri_hop_read_route(&hops->port, hop, &message.header));
  assert_int_equal(hop->status, MIRROR_E_NO_ROUTE);
  hops->port.flags |= IFF_LOOPBACK;
  assert_true(mri_hop_read_route(&hops->port, hop, &message.header));
  assert_int_equal(hop->status, MIRROR_OK);
}

static void what_changes_routes(void **state) {
  (void)state;
  const uint16_t types[] = {RTM_NEWROUTE, RTM_DELROUTE, RTM_NEWADDR,    RTM_DELADDR,
                            RTM_NEWRULE,  RTM_DELRULE,  RTM_NEWNEXTHOP, RTM_DELNEXTHOP};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    uint32_t before = hops->generation;
    route_message(RTN_UNICAST, OTHER);
    message.header.nlmsg_type = types[i];
    hear();
    assert_int_equal(hops->generation, before + 1);
  }
}

/* ---- neighbours ---- */

static void neighbours_change(void **state) {
  (void)state;
  neighbour_message(RTM_NEWNEIGH, OTHER, target, NUD_REACHABLE, mac_one);
  hear();
  assert_false(hop->resolved); /* on another interface */
  neighbour_message(RTM_NEWNEIGH, INDEX, gateway, NUD_REACHABLE, mac_one);
  hear();
  assert_false(hop->resolved); /* another one */
  neighbour_message(RTM_NEWNEIGH, INDEX, target, NUD_REACHABLE, mac_one);
  hear();
  assert_true(hop->resolved);
  assert_false(hop->lasting);
  assert_memory_equal(hop->mac, mac_one, 6);
  neighbour_message(RTM_NEWNEIGH, INDEX, target, NUD_STALE, mac_two);
  hear();
  assert_true(hop->resolved);
  assert_memory_equal(hop->mac, mac_two, 6);
  hop->touch_ns = 99;
  neighbour_message(RTM_NEWNEIGH, INDEX, target, NUD_FAILED, NULL);
  hear();
  assert_false(hop->resolved);
  assert_int_equal(hop->touch_ns, 0); /* is tried at once */
  neighbour_message(RTM_NEWNEIGH, INDEX, target, NUD_PERMANENT, mac_two);
  hear();
  assert_true(hop->resolved && hop->lasting);
  neighbour_message(RTM_DELNEIGH, INDEX, target, NUD_PERMANENT, mac_two);
  hear();
  assert_false(hop->resolved);
  assert_int_equal(hop->generation, 0); /* is asked for again */
}

static void neighbours_without_a_mac(void **state) {
  (void)state;
  neighbour_message(RTM_NEWNEIGH, INDEX, target, NUD_REACHABLE, NULL);
  assert_true(mri_hop_read_neighbour(hop, &message.header));
  assert_false(hop->resolved);
  put(NDA_LLADDR, mac_one, 4); /* of another kind of link */
  assert_true(mri_hop_read_neighbour(hop, &message.header));
  assert_false(hop->resolved);
}

static void macs_that_need_no_neighbour(void **state) {
  (void)state;
  const uint8_t group[4] = {239, 129, 2, 3}, all[4] = {255, 255, 255, 255};
  const uint8_t group6[16] = {0xff, 2, [12] = 1, 2, 3, 4};
  uint8_t mac[6];
  struct mri_port port = hops->port;
  memcpy(port.mac, mac_one, 6);
  assert_false(mri_hop_fixed_mac(&port, 4, target, mac));
  assert_true(mri_hop_fixed_mac(&port, 4, group, mac));
  assert_memory_equal(mac, "\x01\0\x5e\x01\x02\x03", 6);
  assert_true(mri_hop_fixed_mac(&port, 6, group6, mac));
  assert_memory_equal(mac, "\x33\x33\x01\x02\x03\x04", 6);
  assert_true(mri_hop_fixed_mac(&port, 4, all, mac));
  assert_memory_equal(mac, "\xff\xff\xff\xff\xff\xff", 6);
  port.flags = IFF_POINTOPOINT;
  assert_true(mri_hop_fixed_mac(&port, 4, target, mac));
  assert_memory_equal(mac, "\xff\xff\xff\xff\xff\xff", 6);
  port.flags = IFF_NOARP;
  assert_true(mri_hop_fixed_mac(&port, 4, target, mac));
  assert_memory_equal(mac, mac_one, 6);
  port.flags = 0;
  port.type = ARPHRD_NONE;
  assert_true(mri_hop_fixed_mac(&port, 4, target, mac));
}

/* ---- hostile messages ---- */

/* In memory of just that size, which sanitizers watch. */
static void hear_octets(const uint8_t *octets, size_t length) {
  uint8_t *exact = malloc(length ? length : 1);
  memcpy(exact, octets, length);
  mri_hops_read(hops, exact, length);
  free(exact);
}

static void make_message(unsigned kind) {
  switch (kind) {
    case 0:
      link_message(RTM_NEWLINK, INDEX, AF_UNSPEC, "out", 1500);
      break;
    case 1:
      neighbour_message(RTM_NEWNEIGH, INDEX, target, NUD_REACHABLE, mac_one);
      break;
    case 2:
      neighbour_message(RTM_DELNEIGH, INDEX, target, NUD_REACHABLE, mac_one);
      break;
    default:
      route_message(RTN_UNICAST, INDEX);
      put(RTA_GATEWAY, gateway, 4);
      break;
  }
}

static void cut_messages_say_nothing(void **state) {
  (void)state;
  for (unsigned kind = 0; kind < 4; kind++) {
    make_message(kind);
    for (size_t length = 0; length < message.header.nlmsg_len; length++) {
      struct mri_port port = hops->port;
      uint32_t generation = hops->generation;
      hear_octets(message.octets, length);
      assert_int_equal(hops->generation, generation);
      assert_memory_equal(&hops->port, &port, sizeof port);
      assert_false(hop->resolved);
    }
  }
}

/* The header's length is cut as well: attributes end somewhere. */
static void short_messages_are_bounded(void **state) {
  (void)state;
  for (unsigned kind = 0; kind < 4; kind++) {
    make_message(kind);
    for (uint32_t length = 0; length < message.header.nlmsg_len; length++) {
      uint8_t octets[MESSAGE];
      memcpy(octets, &message, sizeof octets);
      memcpy(octets, &length, sizeof length);
      hear_octets(octets, length);
      struct mri_hop copy = *hop;
      struct nlmsghdr *exact = malloc(MESSAGE);
      memcpy(exact, octets, MESSAGE);
      mri_hop_read_route(&hops->port, &copy, exact);
      mri_hop_read_neighbour(&copy, exact);
      free(exact);
    }
  }
}

static void random_messages_are_bounded(void **state) {
  (void)state;
  uint32_t seed = 1;
  for (unsigned round = 0; round < 200000; round++) {
    make_message(round % 4);
    uint32_t length = message.header.nlmsg_len;
    for (unsigned n = 0; n < 3; n++) {
      seed = seed * 1664525u + 1013904223u;
      message.octets[(seed >> 8) % length] = (uint8_t)(seed >> 24);
    }
    hear_octets(message.octets, length);
  }
}

/* ---- the table ---- */

static void tunnels_are_remembered(void **state) {
  (void)state;
  mirror_outer other = outer;
  struct mri_hop *first = mri_hops_find(hops, &outer);
  other.source[3] = 1;
  struct mri_hop *second = mri_hops_find(hops, &other);
  other.family = 6;
  struct mri_hop *third = mri_hops_find(hops, &other);
  assert_true(first != second && second != third && first != third);
  assert_ptr_equal(mri_hops_find(hops, &outer), first);
  other.family = 4;
  assert_ptr_equal(mri_hops_find(hops, &other), second);
}

/* More than there is room for: some are asked for again, none is mistaken for another. */
static void more_tunnels_than_places(void **state) {
  (void)state;
  uint32_t again = 0;
  for (unsigned round = 0; round < 2; round++) {
    for (uint32_t i = 0; i < MRI_HOPS / 2; i++) {
      memcpy(outer.destination, &i, sizeof i);
      struct mri_hop *found = mri_hops_find(hops, &outer);
      assert_memory_equal(found->destination, outer.destination, 16);
      again += round && found->asked_ns == 0;
      found->asked_ns = 1 + i;
    }
  }
  assert_in_range(again, 0, MRI_HOPS / 40);
  for (uint32_t i = 0; i < 3 * MRI_HOPS; i++) {
    memcpy(outer.destination, &i, sizeof i);
    assert_memory_equal(mri_hops_find(hops, &outer)->destination, outer.destination, 16);
  }
}

/* ---- frames ---- */

/* The same headers as with the source address from the beginning. */
static void source_addresses_are_put_in(void **state) {
  (void)state;
  uint8_t inner[101], with[MIRROR_HEADER_MAX], without[MIRROR_HEADER_MAX];
  for (uint32_t i = 0; i < 4000; i++) {
    mirror_outer bare = {0}, full;
    uint32_t length;
    mirror_outer_init(&bare, sizeof bare);
    bare.layer = MIRROR_LAYER_IP;
    bare.family = i % 2 ? 4 : 6;
    bare.udp_checksum = i % 3 ? MIRROR_UDP_CHECKSUM_COMPUTED : i % 2 ? MIRROR_UDP_CHECKSUM_ZERO : 0;
    memset(inner, (int)(i * 7), sizeof inner);
    full = bare;
    uint32_t address = i * 2654435761u;
    for (unsigned n = 0; n < (i % 2 ? 4 : 16); n++)
      full.source[n] = (uint8_t)(address >> n % 4 * 8);
    uint16_t port = (uint16_t)(i * 40503u), id = (uint16_t)(i * 977u);
    assert_int_equal(
        mirror_vxlan_encode(&bare, inner, sizeof inner, port, id, without, sizeof without, &length),
        MIRROR_OK);
    assert_int_equal(
        mirror_vxlan_encode(&full, inner, sizeof inner, port, id, with, sizeof with, &length),
        MIRROR_OK);
    mri_raw_put_source(without, bare.family, full.source);
    assert_memory_equal(without, with, length);
  }
}

static void frames_are_put_together(void **state) {
  (void)state;
  uint8_t frame[100];
  const uint8_t head[40] = {0x45}, body[20] = {9};
  const mirror_copy copy = {
      .head = head, .head_length = 40, .body = body, .body_length = 20, .outer = &outer};
  memcpy(outer.source, own, 4);
  memcpy(hop->mac, mac_two, 6);
  memcpy(hops->port.mac, mac_one, 6);
  assert_int_equal(mri_raw_write(&hops->port, hop, &copy, frame), 74);
  assert_memory_equal(frame, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0\x45", 15);
  assert_int_equal(frame[54], 9);
  hops->port.type = ARPHRD_NONE;
  assert_int_equal(mri_raw_write(&hops->port, hop, &copy, frame), 60);
  assert_int_equal(frame[0], 0x45);
}

/* ---- the ring ---- */

enum { FRAMES = 4, FRAME = 256 };
static uint8_t memory[FRAMES * FRAME];

static struct tpacket3_hdr *frame_at(uint32_t index) {
  return (struct tpacket3_hdr *)(memory + index * FRAME);
}

static void rings_are_full_while_the_kernel_has_frames(void **state) {
  (void)state;
  struct mri_tx_ring ring = {.fd = -1, .map = memory, .frames = FRAMES, .frame_size = FRAME};
  int error;
  memset(memory, 0, sizeof memory);
  for (uint32_t i = 0; i < FRAMES; i++) {
    uint8_t *data = mri_tx_ring_next(&ring);
    assert_ptr_equal(data, (uint8_t *)frame_at(i) + FRAME - mri_tx_ring_room(&ring));
    mri_tx_ring_put(&ring, 60 + i);
    assert_int_equal(frame_at(i)->tp_status, TP_STATUS_SEND_REQUEST);
    assert_int_equal(frame_at(i)->tp_len, 60 + i);
  }
  assert_null(mri_tx_ring_next(&ring));
  frame_at(0)->tp_status = TP_STATUS_SENDING; /* the kernel took two */
  frame_at(1)->tp_status = TP_STATUS_AVAILABLE;
  frame_at(2)->tp_status = TP_STATUS_WRONG_FORMAT; /* and stopped here */
  assert_int_equal(mri_tx_ring_send(&ring, &error), 2);
  assert_int_equal(frame_at(2)->tp_status, TP_STATUS_AVAILABLE);
  assert_int_equal(frame_at(3)->tp_status, TP_STATUS_AVAILABLE);
  for (uint32_t i = 2; i < 4; i++) { /* it goes on where it stopped */
    assert_ptr_equal(mri_tx_ring_next(&ring),
                     (uint8_t *)frame_at(i) + FRAME - mri_tx_ring_room(&ring));
    mri_tx_ring_put(&ring, 60);
  }
  assert_null(mri_tx_ring_next(&ring)); /* the first is still on its way */
  assert_int_equal(mri_tx_ring_send(&ring, &error), 0);
  frame_at(0)->tp_status = (uint32_t)TP_STATUS_TS_SOFTWARE; /* and is sent */
  assert_non_null(mri_tx_ring_next(&ring));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(interfaces_change, set_up, tear_down),
      cmocka_unit_test_setup_teardown(interfaces_go_and_come, set_up, tear_down),
      cmocka_unit_test_setup_teardown(answers_about_interfaces, set_up, tear_down),
      cmocka_unit_test_setup_teardown(routes_on_the_link, set_up, tear_down),
      cmocka_unit_test_setup_teardown(routes_by_a_gateway, set_up, tear_down),
      cmocka_unit_test_setup_teardown(routes_by_a_gateway_of_ipv6, set_up, tear_down),
      cmocka_unit_test_setup_teardown(routes_that_are_none, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_changes_routes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(neighbours_change, set_up, tear_down),
      cmocka_unit_test_setup_teardown(neighbours_without_a_mac, set_up, tear_down),
      cmocka_unit_test_setup_teardown(macs_that_need_no_neighbour, set_up, tear_down),
      cmocka_unit_test_setup_teardown(cut_messages_say_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(short_messages_are_bounded, set_up, tear_down),
      cmocka_unit_test_setup_teardown(random_messages_are_bounded, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tunnels_are_remembered, set_up, tear_down),
      cmocka_unit_test_setup_teardown(more_tunnels_than_places, set_up, tear_down),
      cmocka_unit_test_setup_teardown(source_addresses_are_put_in, set_up, tear_down),
      cmocka_unit_test_setup_teardown(frames_are_put_together, set_up, tear_down),
      cmocka_unit_test(rings_are_full_while_the_kernel_has_frames),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
