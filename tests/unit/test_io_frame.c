/* What an afpacket input makes of a captured frame and of what the kernel says beside it (V6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#ifdef __linux__

#include "io/afpacket.h"
#include "io/virtio.h"

#include <linux/if_packet.h>
#include <net/if_arp.h>

enum { FRAME = 60, ROOM = 16, SNAPLEN = 1000, TPID = 0x88a8, TCI = 0x2005 };

/* Room for the tag, the virtio-net header, the frame. */
static struct {
  uint8_t room[ROOM];
  struct virtio_net_hdr header;
  uint8_t frame[FRAME];
} captured;

static mirror_packet complete(uint32_t caplen, uint32_t status, uint32_t snaplen) {
  const struct sockaddr_ll from = {.sll_hatype = ARPHRD_ETHER, .sll_pkttype = PACKET_OUTGOING};
  const struct mri_tag tag = {status, TPID, TCI};
  mirror_packet packet = {.caplen = caplen, .length = FRAME};
  for (uint32_t i = 0; i < FRAME; i++)
    captured.frame[i] = (uint8_t)i;
  mri_frame_complete(&packet, captured.frame, &from, &tag, snaplen);
  return packet;
}

static void set_header(uint8_t flags, uint8_t type, uint16_t size, uint16_t start) {
  captured.header = (struct virtio_net_hdr){
      .flags = flags, .gso_type = type, .gso_size = size, .csum_start = start, .csum_offset = 16};
}

static void test_v6_offloads_are_passed_on(void **state) {
  (void)state;
  set_header(VIRTIO_NET_HDR_F_NEEDS_CSUM, MIRROR_GSO_TCPV4 | MIRROR_GSO_ECN, 1448, 34);
  const mirror_packet packet = complete(FRAME, 0, SNAPLEN);
  assert_ptr_equal(packet.data, captured.frame);
  assert_int_equal(packet.flags, MIRROR_PACKET_NEEDS_CHECKSUM);
  assert_int_equal(packet.gso_type, MIRROR_GSO_TCPV4 | MIRROR_GSO_ECN);
  assert_int_equal(packet.gso_size, 1448);
  assert_int_equal(packet.checksum_start, 34);
  assert_int_equal(packet.checksum_offset, 16);
  assert_int_equal(packet.direction, MIRROR_EGRESS);
  assert_int_equal(packet.link_type, MIRROR_LINK_ETHERNET);
}

/* "Data valid" is none of our business. */
static void test_v6_nothing_undone_is_an_ordinary_packet(void **state) {
  (void)state;
  set_header(VIRTIO_NET_HDR_F_DATA_VALID, 0, 0, 34);
  const mirror_packet packet = complete(FRAME, 0, SNAPLEN);
  assert_int_equal(packet.flags, 0);
  assert_int_equal(packet.gso_type, 0);
  assert_int_equal(packet.checksum_start, 0);
}

static void test_m5_the_tag_comes_back_over_the_header(void **state) {
  (void)state;
  static const uint32_t status[] = {TP_STATUS_VLAN_VALID,
                                    TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID};
  for (uint32_t i = 0; i < 2; i++) {
    set_header(VIRTIO_NET_HDR_F_NEEDS_CSUM, MIRROR_GSO_TCPV4, 1448, 34);
    const mirror_packet packet = complete(FRAME, status[i], SNAPLEN);
    const uint8_t tag[4] = {i ? 0x88 : 0x81, i ? 0xa8 : 0, 0x20, 0x05};
    assert_int_equal(packet.caplen, FRAME + 4);
    assert_int_equal(packet.length, FRAME + 4);
    assert_int_equal(packet.checksum_start, 38);
    assert_int_equal(packet.gso_size, 1448);
    for (uint32_t k = 0; k < 12; k++)
      assert_int_equal(packet.data[k], k);
    assert_memory_equal(packet.data + 12, tag, sizeof tag);
    assert_ptr_equal(packet.data + 16, captured.frame + 12);
    assert_int_equal(complete(FRAME, status[i], 50).caplen, 50);
  }
}

/* What stands there in spite of that belongs to another packet. */
static void test_v6_no_octets_have_no_header(void **state) {
  (void)state;
  set_header(VIRTIO_NET_HDR_F_NEEDS_CSUM, MIRROR_GSO_UDP_L4, 1448, 34);
  const mirror_packet packet = complete(0, TP_STATUS_VLAN_VALID, SNAPLEN);
  assert_int_equal(packet.caplen, 0);
  assert_int_equal(packet.flags, 0);
  assert_int_equal(packet.gso_type, 0);
}

/* The tap judges what makes no sense; here it only has to stay within its bounds. */
static void test_v6_nonsense_is_passed_on(void **state) {
  (void)state;
  set_header(VIRTIO_NET_HDR_F_NEEDS_CSUM, 0x7f, 0xffff, 0xfffe);
  const mirror_packet packet = complete(FRAME, TP_STATUS_VLAN_VALID, SNAPLEN);
  assert_int_equal(packet.gso_type, 0x7f);
  assert_int_equal(packet.gso_size, 0xffff);
  assert_int_equal(packet.checksum_start, 2); /* in front of any IP header: not finished */
}

/* A copy's header says the same as that of the packet. */
static void test_v6_headers_are_written_as_they_are_read(void **state) {
  (void)state;
  struct virtio_net_hdr header;
  const mirror_copy copy = {.gso_type = MIRROR_GSO_TCPV6,
                            .gso_size = 1400,
                            .header_length = 74,
                            .flags = MIRROR_PACKET_NEEDS_CHECKSUM,
                            .checksum_start = 54,
                            .checksum_offset = 16};
  mirror_packet packet = {0};
  mri_virtio_write(&copy, &header);
  assert_int_equal(header.hdr_len, 74);
  mri_virtio_read(&header, &packet);
  assert_int_equal(packet.gso_type, copy.gso_type);
  assert_int_equal(packet.gso_size, copy.gso_size);
  assert_int_equal(packet.flags, copy.flags);
  assert_int_equal(packet.checksum_start, copy.checksum_start);
  assert_int_equal(packet.checksum_offset, copy.checksum_offset);
  mri_virtio_write(&(mirror_copy){.checksum_start = 9}, &header);
  static const struct virtio_net_hdr none;
  assert_memory_equal(&header, &none, sizeof none);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_v6_offloads_are_passed_on),
      cmocka_unit_test(test_v6_nothing_undone_is_an_ordinary_packet),
      cmocka_unit_test(test_m5_the_tag_comes_back_over_the_header),
      cmocka_unit_test(test_v6_no_octets_have_no_header),
      cmocka_unit_test(test_v6_nonsense_is_passed_on),
      cmocka_unit_test(test_v6_headers_are_written_as_they_are_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) {
  puts("skipped: packet sockets of Linux");
  return 77;
}
#endif
