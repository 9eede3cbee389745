/* A committed model as text: every field of every object. */
#ifndef TESTS_SUPPORT_MODEL_TEXT_H
#define TESTS_SUPPORT_MODEL_TEXT_H

#include <libmirror/libmirror.h>

/* One line for each object; absent fields are "-". To be freed. */
char *model_text(mirror_context *context);

#endif
