/* A configuration drawn from an input: JSON by the grammar of the file, with a mistake now and then
 * that the input asks for. */
#ifndef TESTS_FUZZ_DOCUMENT_H
#define TESTS_FUZZ_DOCUMENT_H

#include "fuzz/fuzz.h"

enum { DOCUMENT_MAX = 1 << 15 };

struct document {
  char text[DOCUMENT_MAX];
  size_t length;
};

void document_draw(struct document *document, struct fuzz *fuzz);

#endif
