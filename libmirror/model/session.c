/* Sessions (include/libmirror/session.h). */
#include "core/sized.h"
#include "model/state.h"

#include <string.h>

static const mirror_session session_defaults = {.size = sizeof(mirror_session),
                                                .enabled = 1,
                                                .vni = 1,
                                                .packet_length = MIRROR_ABSENT,
                                                .sample_one_in = MIRROR_ABSENT,
                                                .rate_limit_bps = MIRROR_ABSENT_64,
                                                .rate_limit_pps = MIRROR_ABSENT_64};

void mirror_session_init(mirror_session *session, uint32_t size) {
  mri_sized_defaults(session, size, &session_defaults, sizeof session_defaults);
}

static int32_t check_rate(const struct mri_subject *subject, const char *field, uint64_t rate) {
  if (rate == MIRROR_ABSENT_64 || (rate >= 1 && rate <= INT64_MAX)) return MIRROR_OK;
  return mri_refuse_number(subject, MIRROR_E_RATE, field, rate, "1-9223372036854775807");
}

static int32_t check_numbers(const struct mri_subject *subject, const mirror_session *session) {
  int32_t status =
      mri_check_range(subject, MIRROR_E_SESSION_PRIORITY, "priority", session->priority, 1, 32766);
  if (!status) status = mri_check_flag(subject, "enabled", session->enabled);
  if (!status)
    status =
        mri_check_range(subject, MIRROR_E_VNI, "virtual_network_id", session->vni, 0, 16777215);
  if (!status && session->packet_length != MIRROR_ABSENT)
    status = mri_check_range(subject, MIRROR_E_PACKET_LENGTH, "packet_length",
                             session->packet_length, 14, 65535);
  if (!status && session->sample_one_in == 0)
    status = mri_refuse_number(subject, MIRROR_E_SAMPLE, "sample_one_in", 0, "1 or more");
  if (!status) status = check_rate(subject, "rate_limit_bps", session->rate_limit_bps);
  if (!status) status = check_rate(subject, "rate_limit_pps", session->rate_limit_pps);
  return status;
}

static int32_t check_references(const struct mri_subject *subject, const mirror_session *session) {
  int32_t status =
      mri_check_id(subject, MIRROR_E_ID, "traffic_mirror_filter_id", session->filter_id);
  if (!status)
    status = mri_check_id(subject, MIRROR_E_ID, "traffic_mirror_target_id", session->target_id);
  if (!status && session->source_count == 0)
    status = mri_refuse_field(subject, MIRROR_E_NO_SOURCES, "traffic_mirror_sources", NULL,
                              "the id of at least one source");
  if (!status && !session->sources)
    status = mri_refuse_field(subject, MIRROR_E_ARGUMENT, "traffic_mirror_sources", NULL,
                              "a pointer to source_count ids");
  for (uint32_t i = 0; !status && session->sources && i < session->source_count; i++)
    status = mri_check_id(subject, MIRROR_E_ID, "traffic_mirror_sources", session->sources[i]);
  return status;
}

static int32_t check_session(const struct mri_subject *subject, const mirror_session *session) {
  int32_t status = mri_check_common(subject, session->name, session->description);
  if (!status) status = check_numbers(subject, session);
  if (!status) status = check_references(subject, session);
  return status;
}

static bool is_text(const void *item, const void *key) {
  return strcmp(item, key) == 0;
}

/* Finds a source that is named twice in time proportional to the number of sources. */
static int32_t check_distinct(const struct mri_alloc *alloc, const struct mri_subject *subject,
                              const struct mri_session *session) {
  struct mri_map seen;
  mri_map_init(&seen, alloc);
  if (!mri_map_reserve(&seen, session->source_count)) return MIRROR_E_NOMEM;
  int32_t status = MIRROR_OK;
  for (uint32_t i = 0; i < session->source_count && !status; i++) {
    char *id = session->source[i].id;
    uint64_t hash = mri_hash_text(id);
    if (mri_map_find(&seen, hash, is_text, id))
      status = mri_refuse_field(subject, MIRROR_E_DUPLICATE_SOURCE, "traffic_mirror_sources", id,
                                "each source once");
    else
      mri_map_insert(&seen, hash, id);
  }
  mri_map_free(&seen);
  return status;
}

static bool copy_texts(const struct mri_alloc *alloc, const mirror_session *session,
                       struct mri_session *fresh) {
  for (uint32_t i = 0; i < session->source_count; i++) {
    fresh->source[i].id = mri_text_copy(alloc, session->sources[i]);
    if (!fresh->source[i].id) return false;
    fresh->source_count++;
  }
  return mri_text_set(alloc, &fresh->version.name, session->name) &&
         mri_text_set(alloc, &fresh->version.description, session->description) &&
         mri_text_set(alloc, &fresh->filter_id, session->filter_id) &&
         mri_text_set(alloc, &fresh->target_id, session->target_id);
}

static int32_t fill_session(const struct mri_alloc *alloc, const struct mri_subject *subject,
                            const void *input, struct mri_version *version) {
  const mirror_session *session = input;
  struct mri_session *fresh = (struct mri_session *)version;
  fresh->priority = session->priority;
  fresh->enabled = session->enabled != 0;
  fresh->vni = session->vni;
  fresh->packet_length = session->packet_length;
  fresh->sample_one_in = session->sample_one_in;
  fresh->rate_limit_bps = session->rate_limit_bps;
  fresh->rate_limit_pps = session->rate_limit_pps;
  if (!copy_texts(alloc, session, fresh)) return MIRROR_E_NOMEM;
  return check_distinct(alloc, subject, fresh);
}

static bool same_sources(const struct mri_session *a, const struct mri_session *b) {
  bool same = a->source_count == b->source_count;
  for (uint32_t i = 0; i < a->source_count && same; i++)
    same = strcmp(a->source[i].id, b->source[i].id) == 0;
  return same;
}

static bool same_session(const struct mri_version *a, const struct mri_version *b) {
  const struct mri_session *x = (const struct mri_session *)a;
  const struct mri_session *y = (const struct mri_session *)b;
  return mri_text_same(a->name, b->name) && mri_text_same(a->description, b->description) &&
         x->priority == y->priority && x->enabled == y->enabled && x->vni == y->vni &&
         x->packet_length == y->packet_length && x->sample_one_in == y->sample_one_in &&
         x->rate_limit_bps == y->rate_limit_bps && x->rate_limit_pps == y->rate_limit_pps &&
         mri_text_same(x->filter_id, y->filter_id) && mri_text_same(x->target_id, y->target_id) &&
         same_sources(x, y);
}

static int32_t put_session(mirror_transaction *transaction, const mirror_session *caller,
                           enum mri_put put, mirror_report *report) {
  mirror_session session = session_defaults;
  if (!transaction) return mri_fail(report, MIRROR_E_ARGUMENT, "transaction is NULL");
  int32_t status = mri_sized_read(&session, sizeof session, caller,
                                  MRI_UP_TO(mirror_session, source_count), report);
  if (status) return status;
  const struct mri_subject subject = {MIRROR_OBJECT_SESSION, session.id, report};
  status = check_session(&subject, &session);
  if (status) return status;
  size_t size =
      sizeof(struct mri_session) + session.source_count * sizeof(struct mri_session_source);
  const struct mri_draft draft = {&subject, put, size, &session, fill_session, same_session};
  return mri_draft_put(transaction, &draft);
}

int32_t mirror_session_add(mirror_transaction *transaction, const mirror_session *session,
                           mirror_report *report) {
  return put_session(transaction, session, MRI_ADD, report);
}

int32_t mirror_session_update(mirror_transaction *transaction, const mirror_session *session,
                              mirror_report *report) {
  return put_session(transaction, session, MRI_UPDATE, report);
}

int32_t mirror_session_remove(mirror_transaction *transaction, const char *session_id,
                              mirror_report *report) {
  return mri_entry_remove(transaction, MIRROR_OBJECT_SESSION, session_id, report);
}

/* The visitor's callback, and where the ids of the sources are put together for it. */
struct visitor {
  mirror_session_visit_fn visit;
  const struct mri_alloc *alloc;
};

static int32_t show_session(const struct mri_version *version, const void *context, void *user) {
  const struct visitor *visitor = context;
  const struct mri_session *own = (const struct mri_session *)version;
  const char **sources = mri_zalloc(visitor->alloc, own->source_count, sizeof *sources);
  if (!sources) return MIRROR_E_NOMEM;
  for (uint32_t i = 0; i < own->source_count; i++)
    sources[i] = own->source[i].id;
  const mirror_session session = {.size = sizeof session,
                                  .priority = own->priority,
                                  .enabled = own->enabled,
                                  .vni = own->vni,
                                  .packet_length = own->packet_length,
                                  .sample_one_in = own->sample_one_in,
                                  .rate_limit_bps = own->rate_limit_bps,
                                  .rate_limit_pps = own->rate_limit_pps,
                                  .id = version->entry->id,
                                  .name = version->name,
                                  .description = version->description,
                                  .filter_id = own->filter_id,
                                  .target_id = own->target_id,
                                  .sources = sources,
                                  .source_count = own->source_count};
  int32_t status = visitor->visit(user, &session);
  mri_free(visitor->alloc, sources);
  return status;
}

int32_t mirror_sessions_visit(mirror_context *context, const char *session_id,
                              mirror_session_visit_fn visit, void *user) {
  if (!context || !visit) return MIRROR_E_ARGUMENT;
  const struct visitor visitor = {visit, &context->alloc};
  return mri_visit(context, MIRROR_OBJECT_SESSION, session_id, show_session, &visitor, user);
}
