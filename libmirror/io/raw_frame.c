/* From a copy to a frame. */
#include "io/raw.h"

#include "encap/headers.h"
#include "packet/checksum.h"
#include "packet/octets.h"

#include <string.h>

static uint8_t *write_link(const struct mri_port *port, const struct mri_hop *hop, uint8_t *to) {
  if (!mri_port_is_ethernet(port)) return to;
  memcpy(to, hop->mac, MRI_MAC);
  memcpy(to + MRI_MAC, port->mac, MRI_MAC);
  mri_put16(to + 2 * MRI_MAC, hop->family == 4 ? MRI_ETHERTYPE_IPV4 : MRI_ETHERTYPE_IPV6);
  return to + MRI_ETHERNET_LENGTH;
}

const uint8_t *mri_raw_source(const struct mri_hop *hop, const mirror_outer *outer) {
  static const uint8_t none[MRI_IP_ADDRESS];
  return memcmp(outer->source, none, sizeof none) == 0 ? hop->preferred : NULL;
}

/* RFC 1624: words that were 0 before are added to what the checksum is the complement of. */
static uint16_t correct(const uint8_t *checksum, const uint8_t *address, uint32_t length) {
  return mri_sum_finish(mri_sum((uint16_t)~mri_get16(checksum), address, length));
}

void mri_raw_put_source(uint8_t *ip, uint32_t family, const uint8_t *source) {
  const uint32_t length = family == 4 ? 4 : MRI_IP_ADDRESS;
  uint8_t *udp = ip + (family == 4 ? MRI_IPV4_LENGTH : MRI_IPV6_LENGTH);
  if (family == 4) mri_put16(ip + 10, correct(ip + 10, source, length));
  if (mri_get16(udp + 6)) {
    const uint16_t checksum = correct(udp + 6, source, length);
    mri_put16(udp + 6, checksum ? checksum : 0xffff);
  }
  memcpy(ip + (family == 4 ? 12 : 8), source, length);
}

uint32_t mri_raw_write(const struct mri_port *port, const struct mri_hop *hop,
                       const mirror_copy *copy, uint8_t *to) {
  uint8_t *ip = write_link(port, hop, to);
  memcpy(ip, copy->head, copy->head_length);
  if (copy->body_length) memcpy(ip + copy->head_length, copy->body, copy->body_length);
  const uint8_t *source = mri_raw_source(hop, copy->outer);
  if (source) mri_raw_put_source(ip, hop->family, source);
  return (uint32_t)(ip - to) + copy->head_length + copy->body_length;
}
