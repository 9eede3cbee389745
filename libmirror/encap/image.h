/*
 * The outer header image of a tunnel: written once when a plan is built, patched per packet
 * (lengths, checksums, UDP source port, IPv4 identification).
 */
#ifndef MRI_ENCAP_IMAGE_H
#define MRI_ENCAP_IMAGE_H

#include <libmirror/vxlan.h>
#include <stdbool.h>

struct mri_image {
  uint8_t octets[MIRROR_HEADER_MAX];     /* from the Ethernet header on */
  uint8_t start[MIRROR_LAYER_INNER + 1]; /* by layer: where its first header stands */
  uint8_t family;
  bool compute_udp_checksum;
  uint32_t ip_sum;     /* IPv4 header: sum of the words that never change */
  uint32_t pseudo_sum; /* UDP: sum of pseudo-header and VXLAN words that never change */
};

/* The inner frame, in one or two pieces; the first has an even length, or is all of it. */
struct mri_inner {
  const uint8_t *first;
  const uint8_t *rest;
  uint32_t first_length;
  uint32_t rest_length;
};

/* outer->layer is ignored: an image serves all layers. Errors: MIRROR_E_ARGUMENT, MIRROR_E_VNI,
 * MIRROR_E_UDP_PORT, MIRROR_E_TTL, MIRROR_E_UDP_CHECKSUM. */
int32_t mri_image_build(struct mri_image *image, const mirror_outer *outer);

/* The part of it that says where layers begin; `family` is 4 or 6. */
void mri_image_place(struct mri_image *image, uint32_t family);

/* Octets of header at a layer: LINK 50 or 70, IP 36 or 56, UDP 8, INNER 0. */
static inline uint32_t mri_image_length(const struct mri_image *image, uint32_t layer) {
  return (uint32_t)image->start[MIRROR_LAYER_INNER] - image->start[layer];
}

/* Writes mri_image_length octets to `header`. The inner frame must fit: see V3. */
void mri_image_write(const struct mri_image *image, uint32_t layer, const struct mri_inner *inner,
                     uint16_t source_port, uint16_t ip_id, uint8_t *header);

#endif
