/* A context with an open transaction, and short ways to stage objects in it. */
#ifndef TESTS_SUPPORT_MODEL_H
#define TESTS_SUPPORT_MODEL_H

#include "model/model.h"

#include <libmirror/libmirror.h>

/* Memory functions that can be told to fail, and that count the blocks in use. */
struct model_memory {
  long failing; /* the allocation, counted from 1, that fails; 0 = none */
  long onwards; /* 1: and all that follow */
  long calls;
  long blocks;
};

struct model {
  struct model_memory memory;
  mirror_context *context;
  mirror_transaction *tx;
  mirror_report report;
};

/* cmocka fixtures: *state is a struct model. The teardown fails if a block is still in use. */
int model_setup(void **state);
int model_teardown(void **state);

/* Without fixtures: MIRROR_E_NOMEM when the memory functions are told to fail. */
int32_t model_open(struct model *model);
void model_close(struct model *model);

/* Each stages one object with defaults and returns the status; the report is in the model. */
int32_t model_filter(struct model *model, const char *id);
int32_t model_rule(struct model *model, const char *filter, uint32_t direction, uint32_t priority);
int32_t model_source(struct model *model, const char *id);
int32_t model_target(struct model *model, const char *id, const char *address);
/* Of filter f1 and target t1. */
int32_t model_session(struct model *model, const char *id, uint32_t priority, const char *source);
int32_t model_commit(struct model *model);

/* The structs behind these, to be changed before they are staged. */
mirror_rule model_rule_of(uint32_t direction, uint32_t priority);
mirror_source model_source_of(const char *id);
mirror_target model_target_of(const char *id, const char *address);
/* *source: borrowed by the struct. */
mirror_session model_session_of(const char *id, uint32_t priority, const char *const *source);

/* Commits filter f1 with ingress rule 1, sources x1 and x2, target t1, session s1 of x1 (10). */
void model_base(struct model *model);

/* Fails the test unless the last report says exactly this, and its sentence names the object. */
void model_assert_report(const struct model *model, int32_t code, uint32_t object, const char *id,
                         const char *field, const char *value);
/* Fails the test unless the last report's sentence contains `part`. */
void model_assert_text(const struct model *model, const char *part);

struct mri_entry *model_entry(struct model *model, uint32_t kind, const char *id);

#endif
