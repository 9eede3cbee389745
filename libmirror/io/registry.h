/* Looking up a backend. */
#ifndef MRI_IO_REGISTRY_H
#define MRI_IO_REGISTRY_H

#include "io/io.h"

#include <stdbool.h>

/* Copies the table of the backend whose name is the first `length` octets of `name`; the copy's
 * name lives as long as the context. Takes the context's lock. */
bool mri_backend_find(mirror_context *context, const char *name, size_t length,
                      mirror_backend *backend);

#endif
