/* What every backend must do (include/libmirror/ext/backend.h), whatever its medium: one run per
 * backend. */
#ifndef TESTS_SUPPORT_BACKEND_CONTRACT_H
#define TESTS_SUPPORT_BACKEND_CONTRACT_H

#include <libmirror/io.h>

/* An input with `packets` packets behind `uri`, read in batches of every size up to 4: receive,
 * release, interrupt, end, close. */
void backend_contract_input(mirror_context *context, const char *uri, const void *argument,
                            uint32_t packets);

/* An output behind `uri`: layer, sending none, one and several copies, flush, close. */
void backend_contract_output(mirror_context *context, const char *uri, const void *argument);

#endif
