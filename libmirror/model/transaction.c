/* Opening, checking and closing transactions (include/libmirror/transaction.h). */
#include "model/state.h"

int32_t mirror_transaction_begin(mirror_context *context, mirror_transaction **transaction,
                                 mirror_report *report) {
  if (!context || !transaction)
    return mri_fail(report, MIRROR_E_ARGUMENT, "context or transaction is NULL");
  mri_context_lock(context);
  mirror_transaction *fresh = NULL;
  int32_t status = MIRROR_OK;
  if (context->model->open)
    status = mri_fail(report, MIRROR_E_BUSY,
                      "a transaction is open on this context, expected it to be destroyed first");
  else if (!(fresh = mri_zalloc(&context->alloc, 1, sizeof *fresh)))
    status = mri_fail(report, MIRROR_E_NOMEM, "out of memory for a transaction");
  if (fresh) {
    fresh->context = context;
    context->refs++;
    context->model->open = true;
    *transaction = fresh;
  }
  mri_context_unlock(context);
  return status;
}

int32_t mirror_transaction_check(mirror_transaction *transaction, mirror_error_fn on_error,
                                 void *user, mirror_report *report) {
  if (!transaction) return mri_fail(report, MIRROR_E_ARGUMENT, "transaction is NULL");
  mri_context_lock(transaction->context);
  struct mri_model *model = transaction->context->model;
  int32_t status = mri_model_prepare(model, on_error, user, report);
  if (!status) mri_model_finish(model, false);
  mri_context_unlock(transaction->context);
  return status;
}

void mirror_transaction_destroy(mirror_transaction *transaction) {
  if (!transaction) return;
  mirror_context *context = transaction->context;
  mri_context_lock(context);
  mri_model_rollback(context->model);
  context->model->open = false;
  mri_free(&context->alloc, transaction);
  mri_context_unlock_unref(context);
}
