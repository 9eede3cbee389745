#include <stddef.h>

#include "core/sized.h"
#include "encap/image.h"

#define IP_PACKET_MAX 65535u

static const mirror_outer outer_defaults = {
    .size = sizeof(mirror_outer),
    .udp_port = MIRROR_VXLAN_PORT,
    .ttl = 64,
    .dont_fragment = 1,
};

void mirror_outer_init(mirror_outer *outer, uint32_t size) {
  mri_sized_defaults(outer, size, &outer_defaults, sizeof outer_defaults);
}

static int32_t read_outer(mirror_outer *own, const mirror_outer *outer) {
  *own = outer_defaults;
  const int32_t status =
      mri_sized_read(own, sizeof *own, outer, MRI_UP_TO(mirror_outer, destination), NULL);
  if (status != MIRROR_OK) return status;
  const bool known_layer = own->layer >= MIRROR_LAYER_LINK && own->layer <= MIRROR_LAYER_UDP;
  return known_layer ? MIRROR_OK : MIRROR_E_ARGUMENT;
}

uint32_t mirror_vxlan_header_length(const mirror_outer *outer) {
  mirror_outer own;
  if (read_outer(&own, outer) != MIRROR_OK) return 0;
  if (own.family != 4 && own.family != 6) return 0;
  struct mri_image image;
  mri_image_place(&image, own.family);
  return mri_image_length(&image, own.layer);
}

int32_t mirror_vxlan_encode(const mirror_outer *outer, const uint8_t *inner, uint32_t inner_length,
                            uint16_t source_port, uint16_t ip_id, uint8_t *header,
                            uint32_t capacity, uint32_t *header_length) {
  mirror_outer own;
  struct mri_image image;
  if (!header || !header_length) return MIRROR_E_ARGUMENT;
  int32_t status = read_outer(&own, outer);
  if (status == MIRROR_OK) status = mri_image_build(&image, &own);
  if (status != MIRROR_OK) return status;
  if (inner_length > IP_PACKET_MAX - mri_image_length(&image, MIRROR_LAYER_IP)) {
    return MIRROR_E_TOO_LONG;
  }
  const bool reads_inner = image.compute_udp_checksum && own.layer != MIRROR_LAYER_UDP;
  if (reads_inner && !inner && inner_length > 0) return MIRROR_E_ARGUMENT;
  const uint32_t length = mri_image_length(&image, own.layer);
  if (capacity < length) return MIRROR_E_BUFFER;
  const struct mri_inner whole = {.first = inner, .first_length = inner_length};
  mri_image_write(&image, own.layer, &whole, source_port, ip_id, header);
  *header_length = length;
  return MIRROR_OK;
}
