/* Declared VPC connections (O10). */
#include "model/state.h"
#include "model/validate.h"

#include <string.h>

struct wanted {
  const char *a;
  const char *b;
};

static bool is_pair(const void *item, const void *key) {
  const struct mri_vpc_pair *pair = item;
  const struct wanted *wanted = key;
  return (strcmp(pair->a, wanted->a) == 0 && strcmp(pair->b, wanted->b) == 0) ||
         (strcmp(pair->a, wanted->b) == 0 && strcmp(pair->b, wanted->a) == 0);
}

static uint64_t pair_hash(const char *a, const char *b) {
  return mri_hash_text(a) + mri_hash_text(b);
}

static struct mri_vpc_pair *find_pair(const struct mri_vpcs *vpcs, const char *a, const char *b) {
  struct wanted wanted = {a, b};
  return mri_map_find(&vpcs->pairs, pair_hash(a, b), is_pair, &wanted);
}

void mri_vpcs_init(struct mri_vpcs *vpcs, const struct mri_alloc *alloc) {
  mri_map_init(&vpcs->pairs, alloc);
}

static void pair_free(const struct mri_alloc *alloc, struct mri_vpc_pair *pair) {
  mri_free(alloc, pair->a);
  mri_free(alloc, pair->b);
  mri_free(alloc, pair);
}

void mri_vpcs_free(struct mri_vpcs *vpcs) {
  for (struct mri_vpc_pair *pair = vpcs->first, *next; pair; pair = next) {
    next = pair->next;
    pair_free(vpcs->pairs.alloc, pair);
  }
  mri_map_free(&vpcs->pairs);
}

static void touch(struct mri_vpcs *vpcs, struct mri_vpc_pair *pair, bool staged) {
  pair->staged = staged;
  if (pair->touched) return;
  pair->touched = true;
  pair->touched_next = vpcs->touched;
  vpcs->touched = pair;
}

void mri_vpcs_clear(struct mri_vpcs *vpcs) {
  for (struct mri_vpc_pair *pair = vpcs->first; pair; pair = pair->next)
    touch(vpcs, pair, false);
}

static void forget(struct mri_vpcs *vpcs, struct mri_vpc_pair *pair) {
  mri_map_remove(&vpcs->pairs, pair_hash(pair->a, pair->b), pair);
  *(pair->previous ? &pair->previous->next : &vpcs->first) = pair->next;
  *(pair->next ? &pair->next->previous : &vpcs->last) = pair->previous;
  pair_free(vpcs->pairs.alloc, pair);
}

void mri_vpcs_finish(struct mri_vpcs *vpcs, bool publish) {
  for (struct mri_vpc_pair *pair = vpcs->touched, *next; pair; pair = next) {
    next = pair->touched_next;
    pair->current = pair->staged = publish ? pair->staged : pair->current;
    pair->touched = false;
    if (!pair->current) forget(vpcs, pair);
  }
  vpcs->touched = NULL;
}

bool mri_vpcs_connected(const struct mri_vpcs *vpcs, const char *a, const char *b) {
  const struct mri_vpc_pair *pair = find_pair(vpcs, a, b);
  return pair && pair->staged;
}

static struct mri_vpc_pair *pair_new(struct mri_vpcs *vpcs, const char *a, const char *b) {
  const struct mri_alloc *alloc = vpcs->pairs.alloc;
  struct mri_vpc_pair *pair = mri_zalloc(alloc, 1, sizeof *pair);
  if (!pair) return NULL;
  if (!mri_text_set(alloc, &pair->a, a) || !mri_text_set(alloc, &pair->b, b) ||
      !mri_map_reserve(&vpcs->pairs, 1)) {
    pair_free(alloc, pair);
    return NULL;
  }
  mri_map_insert(&vpcs->pairs, pair_hash(a, b), pair);
  pair->previous = vpcs->last;
  *(vpcs->last ? &vpcs->last->next : &vpcs->first) = pair;
  vpcs->last = pair;
  return pair;
}

static int32_t check_ids(const char *a, const char *b, mirror_report *report) {
  const struct mri_subject subject = {MIRROR_OBJECT_VPC, a, report};
  int32_t status = mri_check_id(&subject, MIRROR_E_VPC_ID, "vpc_connections", a);
  if (!status) status = mri_check_id(&subject, MIRROR_E_VPC_ID, "vpc_connections", b);
  if (!status && strcmp(a, b) == 0)
    status =
        mri_refuse_field(&subject, MIRROR_E_VPC_ID, "vpc_connections", b, "two different VPC ids");
  return status;
}

static int32_t connect_pair(struct mri_vpcs *vpcs, const char *a, const char *b,
                            mirror_report *report) {
  const struct mri_subject subject = {MIRROR_OBJECT_VPC, a, report};
  struct mri_vpc_pair *pair = find_pair(vpcs, a, b);
  if (pair && pair->staged)
    return mri_refuse_field(&subject, MIRROR_E_EXISTS, "vpc_connections", b,
                            "two VPCs that are not connected yet");
  if (!pair) pair = pair_new(vpcs, a, b);
  if (!pair) return mri_fail(report, MIRROR_E_NOMEM, "out of memory for a VPC connection");
  touch(vpcs, pair, true);
  return MIRROR_OK;
}

static int32_t disconnect_pair(struct mri_vpcs *vpcs, const char *a, const char *b,
                               mirror_report *report) {
  const struct mri_subject subject = {MIRROR_OBJECT_VPC, a, report};
  struct mri_vpc_pair *pair = find_pair(vpcs, a, b);
  if (!pair || !pair->staged)
    return mri_refuse_field(&subject, MIRROR_E_NOT_FOUND, "vpc_connections", b,
                            "a VPC that is connected to this one");
  touch(vpcs, pair, false);
  return MIRROR_OK;
}

static int32_t change(mirror_transaction *transaction, const char *a, const char *b,
                      int32_t (*how)(struct mri_vpcs *, const char *, const char *,
                                     mirror_report *),
                      mirror_report *report) {
  if (!transaction) return mri_fail(report, MIRROR_E_ARGUMENT, "transaction is NULL");
  int32_t status = check_ids(a, b, report);
  if (status) return status;
  mri_context_lock(transaction->context);
  status = how(&transaction->context->model->vpcs, a, b, report);
  mri_context_unlock(transaction->context);
  return status;
}

int32_t mirror_vpc_connect(mirror_transaction *transaction, const char *vpc_a, const char *vpc_b,
                           mirror_report *report) {
  return change(transaction, vpc_a, vpc_b, connect_pair, report);
}

int32_t mirror_vpc_disconnect(mirror_transaction *transaction, const char *vpc_a, const char *vpc_b,
                              mirror_report *report) {
  return change(transaction, vpc_a, vpc_b, disconnect_pair, report);
}

int32_t mirror_vpc_connections_visit(mirror_context *context, mirror_vpc_visit_fn visit,
                                     void *user) {
  if (!context || !visit) return MIRROR_E_ARGUMENT;
  mri_context_lock(context);
  int32_t status = 0;
  const struct mri_vpc_pair *pair = context->model->vpcs.first;
  for (; pair && !status; pair = pair->next) {
    if (pair->current) status = visit(user, pair->a, pair->b);
  }
  mri_context_unlock(context);
  return status;
}
