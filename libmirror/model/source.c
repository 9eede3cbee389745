/* Sources (include/libmirror/source.h). */
#include "core/sized.h"
#include "model/state.h"
#include "model/validate.h"

#include <string.h>

static const mirror_source source_defaults = {.size = sizeof(mirror_source), .mtu = 1500};

void mirror_source_init(mirror_source *source, uint32_t size) {
  mri_sized_defaults(source, size, &source_defaults, sizeof source_defaults);
}

static int32_t read_mac(const struct mri_subject *subject, const char *text,
                        struct mri_source *source) {
  source->has_mac = text != NULL;
  if (!text || mri_parse_mac(text, source->mac) == MIRROR_OK) return MIRROR_OK;
  return mri_refuse_field(subject, MIRROR_E_MAC, "mac", text,
                          "a unicast MAC address such as 02:00:00:00:00:01");
}

static int32_t check_source(const struct mri_subject *subject, const mirror_source *source) {
  int32_t status = mri_check_common(subject, source->name, NULL);
  if (!status) status = mri_check_interface(subject, source->interface_name);
  if (!status) status = mri_check_range(subject, MIRROR_E_MTU, "mtu", source->mtu, 68, 65535);
  if (!status) status = mri_check_optional_id(subject, MIRROR_E_VPC_ID, "vpc_id", source->vpc_id);
  if (!status)
    status = mri_check_optional_id(subject, MIRROR_E_ID, "security_group", source->security_group);
  return status;
}

static int32_t fill_source(const struct mri_alloc *alloc, const struct mri_subject *subject,
                           const void *input, struct mri_version *version) {
  const mirror_source *source = input;
  struct mri_source *fresh = (struct mri_source *)version;
  fresh->mtu = source->mtu;
  int32_t status = read_mac(subject, source->mac, fresh);
  if (!status && source->address)
    status = mri_check_address(subject, source->address, MRI_ADDRESS_UNICAST, &fresh->address);
  if (status) return status;
  bool copied = mri_text_set(alloc, &version->name, source->name) &&
                mri_text_set(alloc, &fresh->interface_name, source->interface_name) &&
                mri_text_set(alloc, &fresh->vpc_id, source->vpc_id) &&
                mri_text_set(alloc, &fresh->security_group, source->security_group);
  return copied ? MIRROR_OK : MIRROR_E_NOMEM;
}

static bool same_source(const struct mri_version *a, const struct mri_version *b) {
  const struct mri_source *x = (const struct mri_source *)a, *y = (const struct mri_source *)b;
  return mri_text_same(a->name, b->name) && x->mtu == y->mtu && x->has_mac == y->has_mac &&
         memcmp(x->mac, y->mac, sizeof x->mac) == 0 &&
         memcmp(&x->address, &y->address, sizeof x->address) == 0 &&
         mri_text_same(x->interface_name, y->interface_name) &&
         mri_text_same(x->vpc_id, y->vpc_id) && mri_text_same(x->security_group, y->security_group);
}

static int32_t put_source(mirror_transaction *transaction, const mirror_source *caller,
                          enum mri_put put, mirror_report *report) {
  mirror_source source = source_defaults;
  if (!transaction) return mri_fail(report, MIRROR_E_ARGUMENT, "transaction is NULL");
  int32_t status =
      mri_sized_read(&source, sizeof source, caller, MRI_UP_TO(mirror_source, id), report);
  if (status) return status;
  const struct mri_subject subject = {MIRROR_OBJECT_SOURCE, source.id, report};
  status = check_source(&subject, &source);
  if (status) return status;
  const struct mri_draft draft = {&subject, put,         sizeof(struct mri_source),
                                  &source,  fill_source, same_source};
  return mri_draft_put(transaction, &draft);
}

int32_t mirror_source_add(mirror_transaction *transaction, const mirror_source *source,
                          mirror_report *report) {
  return put_source(transaction, source, MRI_ADD, report);
}

int32_t mirror_source_update(mirror_transaction *transaction, const mirror_source *source,
                             mirror_report *report) {
  return put_source(transaction, source, MRI_UPDATE, report);
}

int32_t mirror_source_remove(mirror_transaction *transaction, const char *source_id,
                             mirror_report *report) {
  return mri_entry_remove(transaction, MIRROR_OBJECT_SOURCE, source_id, report);
}

static int32_t show_source(const struct mri_version *version, const void *visit, void *user) {
  const struct mri_source *own = (const struct mri_source *)version;
  char mac[64], address[64];
  mri_format_mac(own->mac, mac);
  if (own->address.family) mri_format_address(&own->address, address);
  const mirror_source source = {.size = sizeof source,
                                .mtu = own->mtu,
                                .id = version->entry->id,
                                .name = version->name,
                                .interface_name = own->interface_name,
                                .mac = own->has_mac ? mac : NULL,
                                .address = own->address.family ? address : NULL,
                                .vpc_id = own->vpc_id,
                                .security_group = own->security_group};
  return (*(const mirror_source_visit_fn *)visit)(user, &source);
}

int32_t mirror_sources_visit(mirror_context *context, const char *source_id,
                             mirror_source_visit_fn visit, void *user) {
  return mri_visit(context, MIRROR_OBJECT_SOURCE, source_id, show_source, visit ? &visit : NULL,
                   user);
}

int32_t mirror_source_handle(mirror_context *context, const char *source_id, uint32_t *handle,
                             mirror_report *report) {
  if (!context || !source_id || !handle)
    return mri_fail(report, MIRROR_E_ARGUMENT, "context, source id or handle is NULL");
  const struct mri_subject subject = {MIRROR_OBJECT_SOURCE, source_id, report};
  mri_context_lock(context);
  const struct mri_entry *entry = mri_model_find(context->model, MIRROR_OBJECT_SOURCE, source_id);
  int32_t status = MIRROR_OK;
  if (entry)
    *handle = entry->handle;
  else
    status = mri_refuse_field(&subject, MIRROR_E_NOT_FOUND, "id", source_id,
                              "the id of a committed source");
  mri_context_unlock(context);
  return status;
}
