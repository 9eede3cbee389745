/* Wraps an Ethernet frame in VXLAN, and takes it out again. */
#include <libmirror/libmirror.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  static const uint8_t frame[64] = {0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2, 0x08, 0x00};
  uint8_t datagram[MIRROR_HEADER_MAX + sizeof frame];
  uint32_t header;
  mirror_outer tunnel;
  mirror_decapsulated copy;

  mirror_outer_init(&tunnel, sizeof tunnel);
  tunnel.layer = MIRROR_LAYER_UDP; /* what a UDP socket sends */
  tunnel.family = 4;
  tunnel.vni = 7;
  if (mirror_vxlan_encode(&tunnel, frame, sizeof frame, 0, 0, datagram, sizeof datagram, &header))
    return 1;
  memcpy(datagram + header, frame, sizeof frame);

  mirror_decapsulated_init(&copy, sizeof copy);
  if (mirror_vxlan_decode(MIRROR_LAYER_UDP, 0, datagram, header + sizeof frame, &copy)) return 1;
  printf("libmirror %s: a frame of %u octets in VNI %u\n", mirror_version_text(), copy.inner_length,
         copy.vni);
  return 0;
}
