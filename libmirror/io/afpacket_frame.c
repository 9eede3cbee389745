/* What the kernel keeps apart from a captured frame, and where it goes. */
#include "io/afpacket.h"
#include "io/virtio.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>

enum { TAG = MRI_TAG_ROOM, ADDRESSES = 12 };
_Static_assert(sizeof(struct virtio_net_hdr) == MRI_OFFLOADS_ROOM, "as afpacket.h says");

/* V6. What has no octets has no header either: it did not fit into a block. */
static void read_offloads(mirror_packet *packet, const uint8_t *frame) {
  struct virtio_net_hdr header;
  if (packet->caplen == 0) return;
  memcpy(&header, frame - sizeof header, sizeof header);
  mri_virtio_read(&header, packet);
}

/* The kernel has taken out the outermost tag: the addresses move into the room before them, over
 * the virtio-net header, and the tag comes back to its place. */
static void put_tag_back(mirror_packet *packet, uint8_t *frame, const struct mri_tag *tag) {
  if (packet->caplen < ADDRESSES || packet->link_type != MIRROR_LINK_ETHERNET) return;
  const uint32_t type = tag->status & TP_STATUS_VLAN_TPID_VALID ? tag->type : ETH_P_8021Q;
  const uint8_t octets[TAG] = {(uint8_t)(type >> 8), (uint8_t)type, (uint8_t)(tag->control >> 8),
                               (uint8_t)tag->control};
  memmove(frame - TAG, frame, ADDRESSES);
  memcpy(frame - TAG + ADDRESSES, octets, TAG);
  packet->data = frame - TAG;
  packet->length += TAG;
  packet->caplen += TAG;
  if (packet->flags & MIRROR_PACKET_NEEDS_CHECKSUM)
    packet->checksum_start = (uint16_t)(packet->checksum_start + TAG);
}

void mri_frame_complete(mirror_packet *packet, uint8_t *frame, const struct sockaddr_ll *from,
                        const struct mri_tag *tag, uint32_t snaplen) {
  packet->data = frame;
  packet->link_type = mri_link_of_device(from->sll_hatype);
  packet->direction = from->sll_pkttype == PACKET_OUTGOING ? MIRROR_EGRESS : MIRROR_INGRESS;
  read_offloads(packet, frame);
  if (tag->status & TP_STATUS_VLAN_VALID) put_tag_back(packet, frame, tag);
  if (packet->caplen > snaplen) packet->caplen = snaplen;
}
