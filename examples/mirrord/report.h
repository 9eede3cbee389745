/* The status as text, from its JSON. */
#ifndef MIRRORD_REPORT_H
#define MIRRORD_REPORT_H

#include <jansson.h>
#include <stdio.h>

/* Every counter that is not 0. `before`: an earlier status, for rates since then; NULL: none. */
void report_print(FILE *out, const json_t *now, const json_t *before);

#endif
