/*
 * libmirror/configuration.h - the JSON configuration file (spec section 7).
 * In a build without JSON: MIRROR_E_UNSUPPORTED.
 *
 * Thread rule: as context.h.
 */
#ifndef LIBMIRROR_CONFIGURATION_H
#define LIBMIRROR_CONFIGURATION_H

#include <libmirror/transaction.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Replaces the whole model by what the file says, in one transaction. Objects that stay keep
 * their counters. On failure nothing is changed, `on_error` (may be NULL) is called for every
 * error in the file, each with line and column, in the order of the file, and `report` holds the
 * first of them and their number. It is called at the end, and may use the context. A file that
 * cannot be read, and a lack of memory, are in `report` alone, with line 0.
 * Errors: MIRROR_E_OS (cannot read), MIRROR_E_JSON_*, MIRROR_E_UNKNOWN_FIELD,
 * MIRROR_E_MISSING_FIELD, MIRROR_E_QUOTA_FIXED, MIRROR_E_INCONSISTENT, MIRROR_E_LIMIT (longer than
 * 256 MiB) and all those of the object model.
 */
MIRROR_API int32_t mirror_configuration_load(mirror_context *context, const char *path,
                                             mirror_error_fn on_error, void *user,
                                             mirror_report *report);

/* The same from `length` octets at `text` (borrowed); `name` stands for the file in messages. */
MIRROR_API int32_t mirror_configuration_parse(mirror_context *context, const char *text,
                                              uint64_t length, const char *name,
                                              mirror_error_fn on_error, void *user,
                                              mirror_report *report);

/*
 * Writes the committed model as JSON. *text: returns-owned, NUL-terminated, *length octets without
 * the NUL; give it to mirror_configuration_free. Loading it again gives the same model.
 */
MIRROR_API int32_t mirror_configuration_format(mirror_context *context, char **text,
                                               uint64_t *length, mirror_report *report);
MIRROR_API void mirror_configuration_free(mirror_context *context, char *text);

/*
 * Writes it to a file: complete or not at all (a new file is renamed over the old one, whose
 * permissions it takes over). Errors: MIRROR_E_OS; nothing is left beside the file then.
 */
MIRROR_API int32_t mirror_configuration_save(mirror_context *context, const char *path,
                                             mirror_report *report);

#ifdef __cplusplus
}
#endif

#endif
