/* The table of backends of a context. It only grows, so its entries can be used without lock. */
#include "io/registry.h"

#include <stddef.h>
#include <string.h>

enum { NAME_MAX_LENGTH = 31 };

struct entry {
  struct entry *next;
  mirror_backend backend;
  char name[NAME_MAX_LENGTH + 1];
};

struct mri_backends {
  struct entry *first;
  struct entry **last; /* where the next one goes */
};

static void release_nothing(void *state) {
  (void)state;
}

static int32_t flush_nothing(void *state, mirror_report *report) {
  (void)state, (void)report;
  return MIRROR_OK;
}

static int32_t no_descriptor(void *state, int32_t *fd) {
  (void)state, (void)fd;
  return MIRROR_E_UNSUPPORTED;
}

static int32_t no_link_type(void *state, uint32_t *link_type) {
  (void)state, (void)link_type;
  return MIRROR_E_UNSUPPORTED;
}

static int32_t no_progress(void *state, uint64_t *done, uint64_t *total) {
  (void)state, (void)done, (void)total;
  return MIRROR_E_UNSUPPORTED;
}

static int32_t no_drops(void *state, uint64_t *packets) {
  (void)state, (void)packets;
  return MIRROR_E_UNSUPPORTED;
}

static void fill_defaults(mirror_backend *backend) {
  if (!backend->release) backend->release = release_nothing;
  if (!backend->flush) backend->flush = flush_nothing;
  if (!backend->descriptor) backend->descriptor = no_descriptor;
  if (!backend->link_type) backend->link_type = no_link_type;
  if (!backend->progress) backend->progress = no_progress;
  if (!backend->drops) backend->drops = no_drops;
}

static bool name_is_valid(const char *name) {
  size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
  return length >= 1 && length <= NAME_MAX_LENGTH && name[length] == '\0';
}

/* The name of a required slot that is empty, or NULL. */
static const char *missing_slot(const mirror_backend *backend) {
  bool input = backend->capabilities & MIRROR_CAN_INPUT;
  bool output = backend->capabilities & MIRROR_CAN_OUTPUT;
  if (input && !backend->open_input) return "open_input";
  if (input && !backend->receive) return "receive";
  if (output && !backend->open_output) return "open_output";
  if (output && !backend->layer) return "layer";
  if (output && !backend->send) return "send";
  if (!backend->interrupt) return "interrupt";
  if (!backend->close) return "close";
  return NULL;
}

static int32_t check(const mirror_backend *backend, mirror_report *report) {
  const uint32_t known = MIRROR_CAN_INPUT | MIRROR_CAN_OUTPUT;
  if (backend->abi != MIRROR_BACKEND_ABI)
    return mri_fail(report, MIRROR_E_BACKEND, "backend table: abi is %u, expected %u", backend->abi,
                    MIRROR_BACKEND_ABI);
  if (!backend->name)
    return mri_fail(report, MIRROR_E_BACKEND, "backend table: name is NULL, expected a text");
  if (!name_is_valid(backend->name))
    return mri_fail(report, MIRROR_E_BACKEND,
                    "backend table: name is \"%.64s\", expected 1-31 characters of a-z, 0-9, '-'",
                    backend->name);
  if (!(backend->capabilities & known) || (backend->capabilities & ~known))
    return mri_fail(report, MIRROR_E_BACKEND,
                    "backend \"%s\": capabilities are %#x, expected MIRROR_CAN_INPUT (1), "
                    "MIRROR_CAN_OUTPUT (2) or both (3)",
                    backend->name, backend->capabilities);
  const char *missing = missing_slot(backend);
  if (missing)
    return mri_fail(report, MIRROR_E_BACKEND,
                    "backend \"%s\": slot %s is NULL, expected a function (ext/backend.h)",
                    backend->name, missing);
  return MIRROR_OK;
}

static struct entry *find(const struct mri_backends *backends, const char *name, size_t length) {
  struct entry *entry = backends->first;
  while (entry && (strncmp(entry->name, name, length) != 0 || entry->name[length] != '\0'))
    entry = entry->next;
  return entry;
}

/* With a table that was checked. */
static int32_t add(const struct mri_alloc *alloc, struct mri_backends *backends,
                   const mirror_backend *backend) {
  struct entry *entry = mri_zalloc(alloc, 1, sizeof *entry);
  if (!entry) return MIRROR_E_NOMEM;
  entry->backend = *backend;
  fill_defaults(&entry->backend);
  memcpy(entry->name, backend->name, strlen(backend->name));
  entry->backend.name = entry->name;
  *backends->last = entry;
  backends->last = &entry->next;
  return MIRROR_OK;
}

int32_t mri_backends_create(const struct mri_alloc *alloc, struct mri_backends **backends) {
  static const mirror_backend *const built_in[] = {
#ifdef MIRROR_WITH_PCAP
      &mri_backend_pcap,     &mri_backend_pcap_live,
#endif
#ifdef MIRROR_WITH_LIBNET
      &mri_backend_libnet,
#endif
#ifdef MIRROR_WITH_NETLINK
      &mri_backend_vxlan,    &mri_backend_xdp,
#endif
#ifdef __linux__
      &mri_backend_afpacket, &mri_backend_udp,
#endif
      &mri_backend_memory,   &mri_backend_callback,
  };
  struct mri_backends *fresh = mri_zalloc(alloc, 1, sizeof *fresh);
  if (!fresh) return MIRROR_E_NOMEM;
  fresh->last = &fresh->first;
  int32_t status = MIRROR_OK;
  for (size_t i = 0; i < sizeof built_in / sizeof *built_in && !status; i++)
    status = add(alloc, fresh, built_in[i]);
  if (status)
    mri_backends_destroy(alloc, fresh);
  else
    *backends = fresh;
  return status;
}

void mri_backends_destroy(const struct mri_alloc *alloc, struct mri_backends *backends) {
  if (!backends) return;
  for (struct entry *entry = backends->first, *next; entry; entry = next) {
    next = entry->next;
    mri_free(alloc, entry);
  }
  mri_free(alloc, backends);
}

static int32_t add_new(mirror_context *context, const mirror_backend *backend,
                       mirror_report *report) {
  if (find(context->backends, backend->name, strlen(backend->name)))
    return mri_fail(report, MIRROR_E_EXISTS,
                    "a backend \"%s\" is registered already: expected another name", backend->name);
  int32_t status = add(&context->alloc, context->backends, backend);
  if (status) mri_fail(report, status, "out of memory for backend \"%s\"", backend->name);
  return status;
}

int32_t mirror_backend_register(mirror_context *context, const mirror_backend *backend,
                                mirror_report *report) {
  if (!context)
    return mri_fail(report, MIRROR_E_ARGUMENT, "mirror_backend_register: context is NULL");
  mirror_backend own = {.size = sizeof own};
  int32_t status =
      mri_sized_read(&own, sizeof own, backend, MRI_UP_TO(mirror_backend, close), report);
  if (!status) status = check(&own, report);
  if (status) return status;
  mri_context_lock(context);
  status = add_new(context, &own, report);
  mri_context_unlock(context);
  return status;
}

/* The entry at *link, which another thread may be writing. */
static struct entry *follow(mirror_context *context, struct entry *const *link) {
  mri_context_lock(context);
  struct entry *entry = *link;
  mri_context_unlock(context);
  return entry;
}

int32_t mirror_backends_visit(mirror_context *context, mirror_backend_visit_fn visit, void *user) {
  if (!context || !visit) return MIRROR_E_ARGUMENT;
  int32_t status = MIRROR_OK;
  struct entry *entry = follow(context, &context->backends->first);
  while (entry && !status) {
    status = visit(user, entry->name, entry->backend.capabilities);
    entry = follow(context, &entry->next);
  }
  return status;
}

bool mri_backend_find(mirror_context *context, const char *name, size_t length,
                      mirror_backend *backend) {
  mri_context_lock(context);
  const struct entry *entry =
      length <= NAME_MAX_LENGTH ? find(context->backends, name, length) : NULL;
  if (entry) *backend = entry->backend;
  mri_context_unlock(context);
  return entry != NULL;
}
