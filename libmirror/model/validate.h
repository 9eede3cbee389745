/* Checks of single fields. Each returns MIRROR_OK, or refuses with object, field and value. */
#ifndef MRI_MODEL_VALIDATE_H
#define MRI_MODEL_VALIDATE_H

#include "core/report.h"
#include "model/parse.h"

#include <stdbool.h>

/* What is being checked, and who wants to know. */
struct mri_subject {
  uint32_t object;
  const char *id;
  mirror_report *report;
};

int32_t mri_refuse_field(const struct mri_subject *subject, int32_t code, const char *field,
                         const char *value, const char *expected);
int32_t mri_refuse_number(const struct mri_subject *subject, int32_t code, const char *field,
                          uint64_t value, const char *expected);

int32_t mri_check_range(const struct mri_subject *subject, int32_t code, const char *field,
                        uint32_t value, uint32_t least, uint32_t most);
/* 1-64 characters, no control characters; NULL is refused. */
int32_t mri_check_id(const struct mri_subject *subject, int32_t code, const char *field,
                     const char *id);
/* NULL passes these. */
int32_t mri_check_optional_id(const struct mri_subject *subject, int32_t code, const char *field,
                              const char *id);
int32_t mri_check_name(const struct mri_subject *subject, const char *name);
int32_t mri_check_description(const struct mri_subject *subject, const char *description);
int32_t mri_check_interface(const struct mri_subject *subject, const char *name);

/* What an address may be; broadcast and unspecified addresses never pass. */
enum mri_address_use { MRI_ADDRESS_UNICAST, MRI_ADDRESS_MULTICAST_TOO };
int32_t mri_check_address(const struct mri_subject *subject, const char *text,
                          enum mri_address_use use, struct mri_address *address);
/* 0 or 1. */
int32_t mri_check_flag(const struct mri_subject *subject, const char *field, uint32_t value);

/* The fields that every object has: id, name and description. */
int32_t mri_check_common(const struct mri_subject *subject, const char *name,
                         const char *description);

#endif
