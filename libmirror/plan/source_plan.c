/* What packets of one source need: its sessions in order, compiled lists, outer headers. */
#include "core/report.h"
#include "packet/octets.h"
#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

static uint32_t smaller(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

/* What stands in files, where nobody resolves: the group's MAC (RFC 1112 section 6.4, RFC 2464
 * section 7), or a locally administered one with the end of the address. */
static void mac_of_address(const struct mri_address *address, uint8_t mac[6]) {
  const uint8_t *octets = address->octets;
  const bool group = address->family == 4 ? octets[0] >> 4 == 14 : octets[0] == 0xff;
  memcpy(mac + 2, octets + (address->family == 6 ? 12 : 0), 4);
  mac[0] = group ? 0x33 : 0x02;
  mac[1] = group ? 0x33 : 0;
  if (!group || address->family == 6) return;
  mac[0] = 0x01;
  mac[1] = 0;
  mac[2] = 0x5e;
  mac[3] &= 0x7f;
}

static void describe_outer(const struct mri_source *source, const struct mri_target *target,
                           const struct mri_session *session, mirror_outer *outer) {
  mirror_outer_init(outer, sizeof *outer);
  outer->layer = MIRROR_LAYER_LINK;
  outer->family = target->address.family;
  outer->vni = session->vni;
  outer->udp_port = target->udp_port;
  outer->ttl = target->ttl;
  outer->dont_fragment = target->dont_fragment;
  outer->udp_checksum = target->udp_checksum;
  memcpy(outer->destination, target->address.octets, sizeof outer->destination);
  mac_of_address(&target->address, outer->destination_mac);
  /* A source address of the other family cannot stand in this header: unspecified, like none. */
  struct mri_address own = {.family = target->address.family};
  if (source->address.family == own.family) own = source->address;
  memcpy(outer->source, own.octets, sizeof outer->source);
  if (source->has_mac)
    memcpy(outer->source_mac, source->mac, sizeof outer->source_mac);
  else
    mac_of_address(&own, outer->source_mac);
}

static void open_tunnel(struct mri_tunnel *tunnel, const struct mri_source *source,
                        struct mri_session *session) {
  tunnel->session = session;
  tunnel->target = (struct mri_target *)mri_entry_version(session->target);
  tunnel->filter = (struct mri_filter *)mri_entry_version(session->filter);
  mri_version_ref(&session->version);
  mri_version_ref(&tunnel->target->version);
  mri_version_ref(&tunnel->filter->version);
  describe_outer(source, tunnel->target, session, &tunnel->outer);
  uint32_t overhead = tunnel->outer.family == 4 ? MIRROR_OVERHEAD_IPV4 : MIRROR_OVERHEAD_IPV6;
  tunnel->mtu_limit = smaller(source->mtu, tunnel->target->mtu) - overhead;
}

static void source_plan_ref(void *item) {
  ((struct mri_source_plan *)item)->refs++;
}

static void source_plan_unref(mirror_context *context, void *item) {
  struct mri_source_plan *plan = item;
  if (--plan->refs) return;
  for (uint32_t i = 0; i < plan->tunnel_count; i++) {
    mri_version_unref(context, &plan->tunnels[i].session->version);
    mri_version_unref(context, &plan->tunnels[i].target->version);
    mri_version_unref(context, &plan->tunnels[i].filter->version);
  }
  for (unsigned d = 0; d < 2; d++) {
    mri_compiled_unref(context, plan->lists[d]);
    mri_compiled_unref(context, plan->groups[d]);
  }
  if (plan->group) mri_version_unref(context, &plan->group->version);
  mri_version_unref(context, &plan->source->version);
  mri_free(&context->alloc, plan);
}

const struct mri_item_class mri_source_plan_class = {source_plan_ref, source_plan_unref};

/* Enabled first, then by priority: the order of the walk (M1), the rest behind it for explain. */
static int compare_tunnels(const void *a, const void *b) {
  const struct mri_session *x = ((const struct mri_tunnel *)a)->session;
  const struct mri_session *y = ((const struct mri_tunnel *)b)->session;
  if (x->enabled != y->enabled) return x->enabled ? -1 : 1;
  return (x->priority > y->priority) - (x->priority < y->priority);
}

static int32_t open_tunnels(struct mri_source_plan *plan, const struct mri_entry *entry) {
  for (struct mri_link *at = entry->users.next; at != &entry->users; at = at->next) {
    open_tunnel(&plan->tunnels[plan->tunnel_count++], plan->source, at->user);
    plan->enabled += plan->tunnels[plan->tunnel_count - 1].session->enabled;
  }
  qsort(plan->tunnels, plan->tunnel_count, sizeof plan->tunnels[0], compare_tunnels);
  int32_t status = MIRROR_OK;
  for (uint32_t i = 0; i < plan->tunnel_count && !status; i++)
    status = mri_image_build(&plan->tunnels[i].image, &plan->tunnels[i].outer);
  return status;
}

static int32_t refuse_size(const mirror_context *context, const struct mri_source_plan *plan,
                           unsigned d, uint64_t needed, mirror_report *report) {
  return mri_fail(report, MIRROR_E_LIST_MEMORY,
                  "source \"%s\": the %s rules of its sessions and security group compile to %llu "
                  "octets, expected at most %llu (list_memory of the context)",
                  plan->source->version.entry->id, d ? "egress" : "ingress",
                  (unsigned long long)needed, (unsigned long long)context->list_memory);
}

static int32_t compile_lists(mirror_context *context, struct mri_source_plan *plan,
                             mirror_report *report) {
  struct mri_rules **rules = mri_zalloc(&context->alloc, plan->enabled, sizeof(void *));
  int32_t status = rules ? MIRROR_OK : MIRROR_E_NOMEM;
  uint64_t needed = 0;
  for (unsigned d = 0; d < 2 && !status; d++) {
    for (uint32_t i = 0; i < plan->enabled; i++)
      rules[i] = plan->tunnels[i].filter->rules[d];
    status = mri_compiled_get(context, rules, plan->enabled, &plan->lists[d], &needed);
    if (!status && plan->group)
      status = mri_compiled_get(context, &plan->group->rules[d], 1, &plan->groups[d], &needed);
    if (status == MIRROR_E_LIST_MEMORY) refuse_size(context, plan, d, needed, report);
  }
  mri_free(&context->alloc, rules);
  return status;
}

int32_t mri_source_plan_build(mirror_context *context, struct mri_entry *entry,
                              struct mri_source_plan **out, mirror_report *report) {
  size_t size = sizeof(struct mri_source_plan) + entry->user_count * sizeof(struct mri_tunnel);
  struct mri_source_plan *plan = mri_zalloc(&context->alloc, 1, size);
  if (!plan) return MIRROR_E_NOMEM;
  plan->refs = 1;
  plan->source = (struct mri_source *)mri_entry_version(entry);
  mri_version_ref(&plan->source->version);
  if (plan->source->group) {
    plan->group = (struct mri_filter *)mri_entry_version(plan->source->group);
    mri_version_ref(&plan->group->version);
  }
  int32_t status = open_tunnels(plan, entry);
  if (!status) status = compile_lists(context, plan, report);
  if (status) {
    source_plan_unref(context, plan);
    return status;
  }
  *out = plan;
  return MIRROR_OK;
}

const struct mri_source_plan *mri_plan_source(const mirror_plan *plan, uint32_t handle) {
  if (handle == 0) return NULL;
  const struct mri_source_plan *source = mri_vector_get(&plan->sources, mri_handle_slot(handle));
  return source && source->source->version.entry->handle == handle ? source : NULL;
}
