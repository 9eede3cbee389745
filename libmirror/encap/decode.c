#include <libmirror/vxlan.h>
#include <stdbool.h>
#include <string.h>

#include "core/sized.h"
#include "encap/headers.h"
#include "packet/checksum.h"
#include "packet/octets.h"

#define TAG_LENGTH 4u
#define TAGS_MAX 2
#define PROTOCOL_IPV6_FRAGMENT 44u

/* What is left of the datagram. Each function below takes its header off the front. */
struct span {
  const uint8_t *at;
  uint32_t length;
};

static void take(struct span *span, uint32_t octets) {
  span->at += octets;
  span->length -= octets;
}

static bool is_tag(uint32_t ethertype) {
  return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

static int32_t take_ethernet(struct span *span, mirror_decapsulated *out) {
  if (span->length < MRI_ETHERNET_LENGTH) return MIRROR_E_OUTER_SHORT;
  uint32_t ethertype = mri_get16(span->at + 12);
  take(span, MRI_ETHERNET_LENGTH);
  for (int tags = 0; tags < TAGS_MAX && is_tag(ethertype); tags++) {
    if (span->length < TAG_LENGTH) return MIRROR_E_OUTER_SHORT;
    ethertype = mri_get16(span->at + 2);
    take(span, TAG_LENGTH);
  }
  if (ethertype != MRI_ETHERTYPE_IPV4 && ethertype != MRI_ETHERTYPE_IPV6) return MIRROR_E_NOT_UDP;
  out->family = ethertype == MRI_ETHERTYPE_IPV4 ? 4 : 6;
  return MIRROR_OK;
}

static int32_t take_ipv4(struct span *span, mirror_decapsulated *out) {
  const uint8_t *ip = span->at;
  if (span->length < MRI_IPV4_LENGTH) return MIRROR_E_OUTER_SHORT;
  const uint32_t header_length = (ip[0] & 15u) * 4;
  if (header_length < MRI_IPV4_LENGTH) return MIRROR_E_OUTER_FORMAT;
  if (span->length < header_length) return MIRROR_E_OUTER_SHORT;
  if (mri_sum_finish(mri_sum(0, ip, header_length)) != 0) return MIRROR_E_OUTER_CHECKSUM;
  const uint32_t total_length = mri_get16(ip + 2);
  if (total_length < header_length || total_length > span->length) return MIRROR_E_OUTER_FORMAT;
  if (ip[9] != MRI_PROTOCOL_UDP) return MIRROR_E_NOT_UDP;
  if (mri_get16(ip + 6) & 0x3fff) return MIRROR_E_OUTER_FRAGMENT; /* MF or an offset */
  memcpy(out->source, ip + 12, 4);
  memcpy(out->destination, ip + 16, 4);
  span->length = total_length; /* Ethernet padding ends here */
  take(span, header_length);
  return MIRROR_OK;
}

static int32_t take_ipv6(struct span *span, mirror_decapsulated *out) {
  const uint8_t *ip = span->at;
  if (span->length < MRI_IPV6_LENGTH) return MIRROR_E_OUTER_SHORT;
  const uint32_t payload_length = mri_get16(ip + 4);
  if (payload_length > span->length - MRI_IPV6_LENGTH) return MIRROR_E_OUTER_FORMAT;
  if (ip[6] == PROTOCOL_IPV6_FRAGMENT) return MIRROR_E_OUTER_FRAGMENT;
  if (ip[6] != MRI_PROTOCOL_UDP) return MIRROR_E_NOT_UDP;
  memcpy(out->source, ip + 8, 16);
  memcpy(out->destination, ip + 24, 16);
  take(span, MRI_IPV6_LENGTH);
  span->length = payload_length; /* Ethernet padding ends here */
  return MIRROR_OK;
}

/* out->family is what the layer below promises; 0: the version decides. */
static int32_t take_ip(struct span *span, mirror_decapsulated *out) {
  if (span->length == 0) return MIRROR_E_OUTER_SHORT;
  const uint32_t version = span->at[0] >> 4;
  if (out->family == 0 && version != 4 && version != 6) return MIRROR_E_NOT_UDP;
  if (out->family != 0 && version != out->family) return MIRROR_E_OUTER_FORMAT;
  out->family = version;
  return version == 4 ? take_ipv4(span, out) : take_ipv6(span, out);
}

static bool udp_checksum_holds(const struct span *udp, const mirror_decapsulated *out) {
  const uint32_t address_length = out->family == 4 ? 4 : 16;
  uint64_t sum = (uint64_t)MRI_PROTOCOL_UDP + udp->length;
  sum = mri_sum(sum, out->source, address_length);
  sum = mri_sum(sum, out->destination, address_length);
  return mri_sum_finish(mri_sum(sum, udp->at, udp->length)) == 0;
}

static int32_t take_udp(struct span *span, uint32_t port, mirror_decapsulated *out) {
  const uint8_t *udp = span->at;
  if (span->length < MRI_UDP_LENGTH) return MIRROR_E_OUTER_SHORT;
  out->source_port = mri_get16(udp);
  out->destination_port = mri_get16(udp + 2);
  if (mri_get16(udp + 4) != span->length) return MIRROR_E_OUTER_FORMAT;
  if (port != 0 && out->destination_port != port) return MIRROR_E_NOT_VXLAN_PORT;
  if (mri_get16(udp + 6) != 0 && !udp_checksum_holds(span, out)) return MIRROR_E_OUTER_CHECKSUM;
  take(span, MRI_UDP_LENGTH);
  return MIRROR_OK;
}

static int32_t take_vxlan(struct span *span, mirror_decapsulated *out) {
  if (span->length < MRI_VXLAN_LENGTH) return MIRROR_E_OUTER_SHORT;
  const uint32_t valid = MRI_VXLAN_I_BIT << 24;
  const uint32_t flags = mri_get32(span->at);
  const uint32_t vni = mri_get32(span->at + 4);
  if (!(flags & valid)) return MIRROR_E_VXLAN_FLAGS;
  out->reserved_bits = flags != valid || (vni & 0xffu) != 0;
  out->vni = vni >> 8;
  take(span, MRI_VXLAN_LENGTH);
  if (span->length < MRI_ETHERNET_LENGTH) return MIRROR_E_INNER_SHORT;
  out->inner = span->at;
  out->inner_length = span->length;
  return MIRROR_OK;
}

static int32_t take_headers(uint32_t layer, uint32_t port, struct span *span,
                            mirror_decapsulated *out) {
  int32_t status = MIRROR_OK;
  if (layer == MIRROR_LAYER_LINK) status = take_ethernet(span, out);
  if (status == MIRROR_OK && layer != MIRROR_LAYER_UDP) status = take_ip(span, out);
  if (status == MIRROR_OK && layer != MIRROR_LAYER_UDP) status = take_udp(span, port, out);
  return status == MIRROR_OK ? take_vxlan(span, out) : status;
}

void mirror_decapsulated_init(mirror_decapsulated *out, uint32_t size) {
  mri_sized_init(out, size);
}

int32_t mirror_vxlan_decode(uint32_t layer, uint32_t udp_port, const uint8_t *bytes,
                            uint32_t length, mirror_decapsulated *out) {
  if (layer < MIRROR_LAYER_LINK || layer > MIRROR_LAYER_UDP) return MIRROR_E_ARGUMENT;
  if (udp_port > 0xffff || (!bytes && length > 0) || !out) return MIRROR_E_ARGUMENT;
  mirror_decapsulated own = {.size = sizeof own};
  struct span span = {bytes, length};
  const int32_t status = take_headers(layer, udp_port, &span, &own);
  if (status != MIRROR_OK) return status;
  return mri_sized_write(out, &own, sizeof own, MRI_UP_TO(mirror_decapsulated, inner));
}
