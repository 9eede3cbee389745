/* Targets (include/libmirror/target.h). */
#include "core/sized.h"
#include "model/state.h"

#include <string.h>

static const mirror_target target_defaults = {.size = sizeof(mirror_target),
                                              .kind = MIRROR_TARGET_ENI,
                                              .udp_port = 4789,
                                              .mtu = MIRROR_ABSENT,
                                              .oversize = MIRROR_OVERSIZE_TRUNCATE,
                                              .ttl = 64,
                                              .dont_fragment = 1,
                                              .udp_checksum = MIRROR_UDP_CHECKSUM_AUTO};

void mirror_target_init(mirror_target *target, uint32_t size) {
  mri_sized_defaults(target, size, &target_defaults, sizeof target_defaults);
}

static int32_t check_enumerations(const struct mri_subject *subject, const mirror_target *target) {
  if (target->kind != MIRROR_TARGET_ENI && target->kind != MIRROR_TARGET_ELB)
    return mri_refuse_number(subject, MIRROR_E_TARGET_KIND, "type", target->kind,
                             "1 (eni) or 2 (elb)");
  if (target->oversize != MIRROR_OVERSIZE_TRUNCATE && target->oversize != MIRROR_OVERSIZE_DROP)
    return mri_refuse_number(subject, MIRROR_E_OVERSIZE, "oversize", target->oversize,
                             "1 (truncate) or 2 (drop)");
  if (target->udp_checksum > MIRROR_UDP_CHECKSUM_COMPUTED)
    return mri_refuse_number(subject, MIRROR_E_UDP_CHECKSUM, "udp_checksum", target->udp_checksum,
                             "0 (auto), 1 (zero) or 2 (computed)");
  return mri_check_flag(subject, "df", target->dont_fragment);
}

static int32_t check_numbers(const struct mri_subject *subject, const mirror_target *target) {
  int32_t status = mri_check_range(subject, MIRROR_E_UDP_PORT, "port", target->udp_port, 1, 65535);
  if (!status && target->mtu != MIRROR_ABSENT)
    status = mri_check_range(subject, MIRROR_E_MTU, "mtu", target->mtu, 68, 65535);
  if (!status) status = mri_check_range(subject, MIRROR_E_TTL, "ttl", target->ttl, 1, 255);
  return status;
}

static int32_t check_target(const struct mri_subject *subject, const mirror_target *target) {
  int32_t status = mri_check_common(subject, target->name, NULL);
  if (!status) status = check_enumerations(subject, target);
  if (!status) status = check_numbers(subject, target);
  if (!status) status = mri_check_interface(subject, target->interface_name);
  if (!status) status = mri_check_optional_id(subject, MIRROR_E_VPC_ID, "vpc_id", target->vpc_id);
  return status;
}

static int32_t fill_target(const struct mri_alloc *alloc, const struct mri_subject *subject,
                           const void *input, struct mri_version *version) {
  const mirror_target *target = input;
  struct mri_target *fresh = (struct mri_target *)version;
  fresh->target_kind = target->kind;
  fresh->udp_port = target->udp_port;
  fresh->mtu = target->mtu;
  fresh->oversize = target->oversize;
  fresh->ttl = target->ttl;
  fresh->udp_checksum = target->udp_checksum;
  fresh->dont_fragment = target->dont_fragment != 0;
  int32_t status =
      mri_check_address(subject, target->address, MRI_ADDRESS_MULTICAST_TOO, &fresh->address);
  if (status) return status;
  bool copied = mri_text_set(alloc, &version->name, target->name) &&
                mri_text_set(alloc, &fresh->interface_name, target->interface_name) &&
                mri_text_set(alloc, &fresh->vpc_id, target->vpc_id);
  return copied ? MIRROR_OK : MIRROR_E_NOMEM;
}

static bool same_target(const struct mri_version *a, const struct mri_version *b) {
  const struct mri_target *x = (const struct mri_target *)a, *y = (const struct mri_target *)b;
  return mri_text_same(a->name, b->name) &&
         memcmp(&x->address, &y->address, sizeof x->address) == 0 &&
         x->target_kind == y->target_kind && x->udp_port == y->udp_port && x->mtu == y->mtu &&
         x->oversize == y->oversize && x->ttl == y->ttl && x->udp_checksum == y->udp_checksum &&
         x->dont_fragment == y->dont_fragment &&
         mri_text_same(x->interface_name, y->interface_name) && mri_text_same(x->vpc_id, y->vpc_id);
}

static int32_t put_target(mirror_transaction *transaction, const mirror_target *caller,
                          enum mri_put put, mirror_report *report) {
  mirror_target target = target_defaults;
  if (!transaction) return mri_fail(report, MIRROR_E_ARGUMENT, "transaction is NULL");
  int32_t status =
      mri_sized_read(&target, sizeof target, caller, MRI_UP_TO(mirror_target, address), report);
  if (status) return status;
  const struct mri_subject subject = {MIRROR_OBJECT_TARGET, target.id, report};
  status = check_target(&subject, &target);
  if (status) return status;
  const struct mri_draft draft = {&subject, put,         sizeof(struct mri_target),
                                  &target,  fill_target, same_target};
  return mri_draft_put(transaction, &draft);
}

int32_t mirror_target_add(mirror_transaction *transaction, const mirror_target *target,
                          mirror_report *report) {
  return put_target(transaction, target, MRI_ADD, report);
}

int32_t mirror_target_update(mirror_transaction *transaction, const mirror_target *target,
                             mirror_report *report) {
  return put_target(transaction, target, MRI_UPDATE, report);
}

int32_t mirror_target_remove(mirror_transaction *transaction, const char *target_id,
                             mirror_report *report) {
  return mri_entry_remove(transaction, MIRROR_OBJECT_TARGET, target_id, report);
}

static int32_t show_target(const struct mri_version *version, const void *visit, void *user) {
  const struct mri_target *own = (const struct mri_target *)version;
  char address[64];
  mri_format_address(&own->address, address);
  const mirror_target target = {.size = sizeof target,
                                .kind = own->target_kind,
                                .udp_port = own->udp_port,
                                .mtu = own->mtu,
                                .oversize = own->oversize,
                                .ttl = own->ttl,
                                .dont_fragment = own->dont_fragment,
                                .udp_checksum = own->udp_checksum,
                                .id = version->entry->id,
                                .name = version->name,
                                .address = address,
                                .interface_name = own->interface_name,
                                .vpc_id = own->vpc_id};
  return (*(const mirror_target_visit_fn *)visit)(user, &target);
}

int32_t mirror_targets_visit(mirror_context *context, const char *target_id,
                             mirror_target_visit_fn visit, void *user) {
  return mri_visit(context, MIRROR_OBJECT_TARGET, target_id, show_target, visit ? &visit : NULL,
                   user);
}
