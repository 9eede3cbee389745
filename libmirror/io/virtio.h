/* virtio-net headers, in which packet sockets say and are told what is left undone (V6). Linux
 * only.
 */
#ifndef MRI_IO_VIRTIO_H
#define MRI_IO_VIRTIO_H

#include <libmirror/ext/backend.h>
#include <linux/virtio_net.h>

/* What a header says, as the offload fields of a packet. Nonsense is passed on: the tap judges. */
void mri_virtio_read(const struct virtio_net_hdr *header, mirror_packet *packet);

/* The header of a copy's inner frame. */
void mri_virtio_write(const mirror_copy *copy, struct virtio_net_hdr *header);

#endif
