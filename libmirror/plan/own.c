#include "plan/own.h"

#include "packet/octets.h"

#include <string.h>

/* No padding, so that keys compare and hash as octets. */
struct own_key {
  uint8_t source[16];
  uint8_t destination[16];
  uint32_t vni;
  uint16_t udp_port;
  uint16_t family;
};

struct own_entry {
  struct own_key key;
  uint32_t tunnels; /* that look alike from outside */
};

/* Immutable once published. */
struct mri_own_bucket {
  uint32_t refs;
  uint32_t count;
  struct own_entry entry[];
};

enum { BUCKETS = 1 << 15 };

static void bucket_ref(void *item) {
  ((struct mri_own_bucket *)item)->refs++;
}

static void bucket_unref(mirror_context *context, void *item) {
  struct mri_own_bucket *bucket = item;
  if (--bucket->refs == 0) mri_free(&context->alloc, bucket);
}

const struct mri_item_class mri_own_bucket_class = {bucket_ref, bucket_unref};

static uint32_t bucket_of(const struct own_key *key) {
  return (uint32_t)mri_hash(key, sizeof *key, 0) & (BUCKETS - 1);
}

static struct own_key tunnel_key(const struct mri_tunnel *tunnel) {
  struct own_key key = {.vni = tunnel->outer.vni,
                        .udp_port = (uint16_t)tunnel->outer.udp_port,
                        .family = (uint16_t)tunnel->outer.family};
  memcpy(key.source, tunnel->outer.source, sizeof key.source);
  memcpy(key.destination, tunnel->outer.destination, sizeof key.destination);
  return key;
}

static bool same_key(const struct own_key *a, const struct own_key *b) {
  return memcmp(a, b, sizeof *a) == 0;
}

/* The bucket with one tunnel more, or one less, of this key; NULL in *fresh for none left. */
static int32_t changed_bucket(mirror_context *context, const struct mri_own_bucket *old,
                              const struct own_key *key, bool add, struct mri_own_bucket **fresh) {
  uint32_t had = old ? old->count : 0;
  struct mri_own_bucket *bucket =
      mri_zalloc(&context->alloc, 1, sizeof *bucket + (had + 1) * sizeof bucket->entry[0]);
  if (!bucket) return MIRROR_E_NOMEM;
  bucket->refs = 1;
  bool known = false;
  for (uint32_t i = 0; i < had; i++) {
    struct own_entry entry = old->entry[i];
    if (same_key(&entry.key, key)) {
      known = true;
      entry.tunnels = add ? entry.tunnels + 1 : entry.tunnels - 1;
    }
    if (entry.tunnels) bucket->entry[bucket->count++] = entry;
  }
  if (!known) bucket->entry[bucket->count++] = (struct own_entry){.key = *key, .tunnels = 1};
  *fresh = bucket;
  if (bucket->count == 0) {
    bucket_unref(context, bucket);
    *fresh = NULL;
  }
  return MIRROR_OK;
}

static int32_t change(mirror_plan *plan, const struct own_key *key, bool add) {
  uint32_t index = bucket_of(key);
  struct mri_own_bucket *fresh = NULL;
  int32_t status =
      changed_bucket(plan->context, mri_vector_get(&plan->own, index), key, add, &fresh);
  if (!status) status = mri_vector_set(&plan->own, plan->generation, index, fresh);
  if (status && fresh) bucket_unref(plan->context, fresh);
  return status;
}

/* A change of rules alone leaves the tunnels as they are. */
static bool same_tunnels(const struct mri_source_plan *a, const struct mri_source_plan *b) {
  if (!a || !b || a->enabled != b->enabled) return false;
  for (uint32_t i = 0; i < a->enabled; i++) {
    struct own_key x = tunnel_key(&a->tunnels[i]), y = tunnel_key(&b->tunnels[i]);
    if (!same_key(&x, &y)) return false;
  }
  return true;
}

static int32_t change_all(mirror_plan *plan, const struct mri_source_plan *source, bool add) {
  int32_t status = MIRROR_OK;
  for (uint32_t i = 0; source && i < source->enabled && !status; i++) {
    struct own_key key = tunnel_key(&source->tunnels[i]);
    status = change(plan, &key, add);
  }
  return status;
}

int32_t mri_own_replace(mirror_plan *plan, const struct mri_source_plan *old,
                        const struct mri_source_plan *fresh) {
  if (same_tunnels(old, fresh)) return MIRROR_OK;
  int32_t status = change_all(plan, old, false);
  return status ? status : change_all(plan, fresh, true);
}

/* ---- recognising ---- */

enum { ETHERNET_LEAST = 14, UDP = 8, VXLAN = 8, ICMP = 8 };

/* How many mirrors may have wrapped one of our copies; as many fit into 1500 octets. */
enum { LEVELS = 32 };

/* What is carried within a packet, with its headers read. */
struct level {
  mirror_packet packet;
  struct mri_view view;
};

/* Whether the payload `offset` octets behind the first UDP payload could be VXLAN. */
static bool is_vxlan(const mirror_packet *packet, const struct mri_view *view, uint32_t offset) {
  if (view->key.protocol != 17 || !view->has_transport ||
      !(view->key.present & MIRROR_KEY_DESTINATION_PORT) ||
      view->end - view->transport < UDP + offset + VXLAN)
    return false;
  return packet->data[view->transport + UDP + offset] & 8;
}

/* The VXLAN header is as only our encapsulator writes it, just the I bit and a VNI, and one of our
 * tunnels has it. */
static bool is_tunnel(const mirror_plan *plan, const mirror_packet *packet,
                      const struct mri_view *view, uint32_t offset) {
  const uint8_t *header = packet->data + view->transport + UDP + offset;
  if (mri_get32(header) != 0x08000000 || header[7] != 0) return false;
  struct own_key key = {.vni = mri_get32(header + 4) >> 8,
                        .udp_port = view->key.destination_port,
                        .family = view->key.family};
  memcpy(key.source, view->key.source, sizeof key.source);
  memcpy(key.destination, view->key.destination, sizeof key.destination);
  const struct mri_own_bucket *bucket = mri_vector_get(&plan->own, bucket_of(&key));
  for (uint32_t i = 0; bucket && i < bucket->count; i++) {
    if (same_key(&bucket->entry[i].key, &key)) return true;
  }
  return false;
}

/* Errors quote the packet that they are about from its IP header on (RFC 792, RFC 4443). */
static bool is_icmp_error(const mirror_packet *packet, const struct mri_view *view) {
  if (!view->has_transport || view->end - view->transport < ICMP) return false;
  const uint8_t type = packet->data[view->transport];
  if (view->key.protocol == 58) return type >= 1 && type <= 4;
  return view->key.protocol == 1 && (type == 3 || type == 11 || type == 12);
}

/* Reads the packet that begins `offset` octets behind the transport header. */
static bool descend(struct level *to, const mirror_packet *packet, const struct mri_view *view,
                    uint32_t offset, uint16_t link_type) {
  const uint32_t start = view->transport + offset, length = view->end - start;
  if (length < ETHERNET_LEAST) return false;
  to->packet =
      (mirror_packet){.data = packet->data + start, .caplen = length, .link_type = link_type};
  mri_view_read(&to->view, &to->packet);
  return to->view.key.family != 0;
}

/* One level further in. False: nothing is carried that could be a copy of ours. */
static bool unwrap(struct level *to, const mirror_packet *packet, const struct mri_view *view,
                   bool wrapped, uint32_t offset) {
  if (wrapped) return descend(to, packet, view, UDP + offset + VXLAN, MIRROR_LINK_ETHERNET);
  return is_icmp_error(packet, view) && descend(to, packet, view, ICMP, MIRROR_LINK_RAW);
}

/* The datagram whose payload begins `offset` octets behind the UDP header. */
static bool is_own(const mirror_plan *plan, const mirror_packet *packet,
                   const struct mri_view *view, uint32_t offset) {
  struct level levels[2]; /* the one that is read, and the one before it */
  for (uint32_t i = 0; i < LEVELS; i++, offset = 0) {
    struct level *next = &levels[i % 2];
    const bool wrapped = is_vxlan(packet, view, offset);
    if (wrapped && is_tunnel(plan, packet, view, offset)) return true;
    if (!unwrap(next, packet, view, wrapped, offset)) return false;
    packet = &next->packet;
    view = &next->view;
  }
  return false;
}

/* Joined datagrams (V6) are of one flow. If one of them is ours, all are of a mirror's. */
bool mri_own_copy(const mirror_plan *plan, const mirror_packet *packet,
                  const struct mri_view *view) {
  if (is_own(plan, packet, view, 0)) return true;
  if (packet->gso_type != MIRROR_GSO_UDP_L4 || packet->gso_size < MIRROR_GSO_SIZE_MIN ||
      !is_vxlan(packet, view, 0))
    return false;
  const uint32_t end = view->end - view->transport;
  for (uint32_t offset = packet->gso_size; UDP + offset < end; offset += packet->gso_size) {
    if (is_own(plan, packet, view, offset)) return true;
  }
  return false;
}
