#include "io/virtio.h"

void mri_virtio_read(const struct virtio_net_hdr *header, mirror_packet *packet) {
  packet->gso_type = header->gso_type;
  packet->gso_size = header->gso_size;
  if (!(header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)) return;
  packet->flags |= MIRROR_PACKET_NEEDS_CHECKSUM;
  packet->checksum_start = header->csum_start;
  packet->checksum_offset = header->csum_offset;
}

void mri_virtio_write(const mirror_copy *copy, struct virtio_net_hdr *header) {
  *header = (struct virtio_net_hdr){
      .gso_type = copy->gso_type,
      .gso_size = copy->gso_size,
      .hdr_len = copy->header_length,
  };
  if (!(copy->flags & MIRROR_PACKET_NEEDS_CHECKSUM)) return;
  header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
  header->csum_start = copy->checksum_start;
  header->csum_offset = copy->checksum_offset;
}
