#include "encap/image.h"

#include <string.h>

#include "encap/headers.h"
#include "packet/checksum.h"
#include "packet/octets.h"

static uint32_t ip_length(const struct mri_image *image) {
  return image->family == 4 ? MRI_IPV4_LENGTH : MRI_IPV6_LENGTH;
}

void mri_image_place(struct mri_image *image, uint32_t family) {
  image->family = (uint8_t)family;
  const uint32_t udp = MRI_ETHERNET_LENGTH + ip_length(image);
  image->start[MIRROR_LAYER_LINK] = 0;
  image->start[MIRROR_LAYER_IP] = MRI_ETHERNET_LENGTH;
  image->start[MIRROR_LAYER_UDP] = (uint8_t)(udp + MRI_UDP_LENGTH);
  image->start[MIRROR_LAYER_INNER] = (uint8_t)(udp + MRI_UDP_LENGTH + MRI_VXLAN_LENGTH);
}

static int32_t check_outer(const mirror_outer *outer) {
  if (outer->family != 4 && outer->family != 6) return MIRROR_E_ARGUMENT;
  if (outer->dont_fragment > 1) return MIRROR_E_ARGUMENT;
  if (outer->vni > 0xffffff) return MIRROR_E_VNI;
  if (outer->udp_port == 0 || outer->udp_port > 0xffff) return MIRROR_E_UDP_PORT;
  if (outer->ttl == 0 || outer->ttl > 0xff) return MIRROR_E_TTL;
  if (outer->udp_checksum > MIRROR_UDP_CHECKSUM_COMPUTED) return MIRROR_E_UDP_CHECKSUM;
  return MIRROR_OK;
}

static void build_ethernet(uint8_t *at, const mirror_outer *outer) {
  memcpy(at, outer->destination_mac, 6);
  memcpy(at + 6, outer->source_mac, 6);
  mri_put16(at + 12, outer->family == 4 ? MRI_ETHERTYPE_IPV4 : MRI_ETHERTYPE_IPV6);
}

/* Total length, identification and checksum stay 0. Returns the sum of what is there. */
static uint32_t build_ipv4(uint8_t *at, const mirror_outer *outer) {
  at[0] = 0x45;
  mri_put16(at + 6, outer->dont_fragment ? 0x4000 : 0);
  at[8] = (uint8_t)outer->ttl;
  at[9] = MRI_PROTOCOL_UDP;
  memcpy(at + 12, outer->source, 4);
  memcpy(at + 16, outer->destination, 4);
  return (uint32_t)mri_sum(0, at, MRI_IPV4_LENGTH);
}

/* The payload length stays 0; traffic class and flow label are 0. */
static void build_ipv6(uint8_t *at, const mirror_outer *outer) {
  at[0] = 0x60;
  at[6] = MRI_PROTOCOL_UDP;
  at[7] = (uint8_t)outer->ttl;
  memcpy(at + 8, outer->source, 16);
  memcpy(at + 24, outer->destination, 16);
}

/* Source port, length and checksum stay 0. RFC 7348 section 5: only the I bit is set. */
static void build_udp_vxlan(uint8_t *at, const mirror_outer *outer) {
  mri_put16(at + 2, outer->udp_port);
  at[MRI_UDP_LENGTH] = MRI_VXLAN_I_BIT;
  mri_put32(at + MRI_UDP_LENGTH + 4, outer->vni << 8);
}

/* The pseudo-header without its length, and what never changes in the UDP and VXLAN headers. */
static uint32_t sum_pseudo(const uint8_t *udp, const mirror_outer *outer) {
  const uint32_t address_length = outer->family == 4 ? 4 : 16;
  uint64_t sum = mri_sum(MRI_PROTOCOL_UDP, outer->source, address_length);
  sum = mri_sum(sum, outer->destination, address_length);
  return (uint32_t)mri_sum(sum, udp, MRI_UDP_LENGTH + MRI_VXLAN_LENGTH);
}

static bool wants_udp_checksum(const mirror_outer *outer) {
  if (outer->udp_checksum == MIRROR_UDP_CHECKSUM_AUTO) return outer->family == 6;
  return outer->udp_checksum == MIRROR_UDP_CHECKSUM_COMPUTED;
}

int32_t mri_image_build(struct mri_image *image, const mirror_outer *outer) {
  const int32_t status = check_outer(outer);
  if (status != MIRROR_OK) return status;
  memset(image, 0, sizeof *image);
  mri_image_place(image, outer->family);
  image->compute_udp_checksum = wants_udp_checksum(outer);
  uint8_t *ip = image->octets + MRI_ETHERNET_LENGTH;
  uint8_t *udp = ip + ip_length(image);
  build_ethernet(image->octets, outer);
  if (image->family == 4) {
    image->ip_sum = build_ipv4(ip, outer);
  } else {
    build_ipv6(ip, outer);
  }
  build_udp_vxlan(udp, outer);
  image->pseudo_sum = sum_pseudo(udp, outer);
  return MIRROR_OK;
}

/* From the Ethernet or IP header on, which is 36 octets at least and 70 at most: two copies of one
 * constant length that meet or overlap. A variable length takes twice as long. */
static void copy_headers(const struct mri_image *image, uint32_t layer, uint8_t *to) {
  enum { PIECE = MRI_IPV4_LENGTH + MRI_UDP_LENGTH + MRI_VXLAN_LENGTH };
  _Static_assert(2 * PIECE >= MIRROR_HEADER_MAX, "the pieces meet");
  const uint8_t *from = image->octets + image->start[layer];
  const uint32_t last = mri_image_length(image, layer) - PIECE;
  memcpy(to, from, PIECE);
  memcpy(to + last, from + last, PIECE);
}

static void patch_ipv4(const struct mri_image *image, uint32_t total_length, uint16_t ip_id,
                       uint8_t *ip) {
  mri_put16(ip + 2, total_length);
  mri_put16(ip + 4, ip_id);
  mri_put16(ip + 10, mri_sum_finish((uint64_t)image->ip_sum + total_length + ip_id));
}

/* The length stands in the pseudo-header and in the UDP header. */
static uint16_t udp_checksum(const struct mri_image *image, const struct mri_inner *inner,
                             uint16_t source_port, uint32_t udp_length) {
  uint64_t sum = (uint64_t)image->pseudo_sum + source_port + udp_length + udp_length;
  sum = mri_sum(sum, inner->first, inner->first_length);
  sum = mri_sum(sum, inner->rest, inner->rest_length);
  const uint16_t checksum = mri_sum_finish(sum);
  return checksum ? checksum : 0xffff; /* RFC 768: 0 on the wire means "not computed" */
}

void mri_image_write(const struct mri_image *image, uint32_t layer, const struct mri_inner *inner,
                     uint16_t source_port, uint16_t ip_id, uint8_t *header) {
  if (layer == MIRROR_LAYER_UDP) /* what is there never changes */
    memcpy(header, image->octets + image->start[layer], MRI_VXLAN_LENGTH);
  if (layer >= MIRROR_LAYER_UDP) return;

  copy_headers(image, layer, header);
  const uint32_t udp_length =
      MRI_UDP_LENGTH + MRI_VXLAN_LENGTH + inner->first_length + inner->rest_length;
  uint8_t *ip = layer == MIRROR_LAYER_LINK ? header + MRI_ETHERNET_LENGTH : header;
  uint8_t *udp = ip + ip_length(image);
  if (image->family == 4) {
    patch_ipv4(image, MRI_IPV4_LENGTH + udp_length, ip_id, ip);
  } else {
    mri_put16(ip + 4, udp_length);
  }
  mri_put16(udp, source_port);
  mri_put16(udp + 4, udp_length);
  if (image->compute_udp_checksum) {
    mri_put16(udp + 6, udp_checksum(image, inner, source_port, udp_length));
  }
}
