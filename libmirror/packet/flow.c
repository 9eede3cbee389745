#include "packet/octets.h"
#include "packet/view.h"

/* Odd, with well mixed bits. */
#define SEED UINT64_C(0x9e3779b97f4a7c15)
#define FACTOR UINT64_C(0xd6e8feb86659fd93)

static uint64_t absorb(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * FACTOR;
  return hash ^ hash >> 32;
}

static uint64_t get64(const uint8_t *at) {
  return (uint64_t)mri_get32(at) << 32 | mri_get32(at + 4);
}

static uint64_t endpoint(const uint8_t address[16], uint16_t port) {
  return absorb(absorb(absorb(SEED, get64(address)), get64(address + 8)), port);
}

/* Only whole datagrams hash with their ports: a later fragment could not. */
static bool hashes_ports(const mirror_key *key) {
  const uint8_t both = MIRROR_KEY_SOURCE_PORT | MIRROR_KEY_DESTINATION_PORT;
  return key->notes == 0 && (key->present & both) == both;
}

/* The sum of the two ends is the same from either side. */
uint32_t mri_flow_hash(const struct mri_view *view) {
  const mirror_key *key = &view->key;
  const bool ports = hashes_ports(key);
  const uint64_t ends = endpoint(key->source, ports ? key->source_port : 0) +
                        endpoint(key->destination, ports ? key->destination_port : 0);
  return (uint32_t)absorb(absorb(ends, view->hash_protocol), SEED);
}

int32_t mirror_packet_source_port(const mirror_packet *packet, uint16_t *port) {
  if (!packet || !port || !mri_packets_have_data(packet, 1)) return MIRROR_E_ARGUMENT;
  struct mri_view view;
  mri_view_read(&view, packet);
  *port = mri_flow_port(mri_flow_hash(&view));
  return MIRROR_OK;
}
