/* The state of an API sequence, and its steps. Objects have few ids, so that calls meet. */
#ifndef TESTS_FUZZ_API_H
#define TESTS_FUZZ_API_H

#include "fuzz/fuzz.h"

enum { API_HANDLES = 2, API_PACKETS = 5, API_ROOM = 4096, API_COPIES = 16 };

struct api_tap {
  mirror_tap *tap;
  mirror_input *input;
  mirror_output *output;
  mirror_memory_output memory;
  mirror_memory_copy copies[API_COPIES];
  uint8_t room[API_ROOM];
};

struct api {
  struct fuzz fuzz;
  struct fuzz_memory memory;
  mirror_context *context;
  mirror_transaction *tx;
  mirror_plan *plans[API_HANDLES];
  struct api_tap taps[API_HANDLES];
  mirror_explanation *explanation;
  mirror_report report;
  mirror_packet packets[API_PACKETS];
  uint64_t committed; /* generation of the last commit */
};

/* An id that exists often; NULL, empty, too long or no UTF-8 now and then. `kind` is its letter. */
const char *api_id(struct api *api, char kind);
/* An optional text, mostly absent. */
const char *api_text(struct api *api);
/* `usual` mostly, 0 to 7 more of it often, any number now and then. */
uint32_t api_number(struct api *api, uint32_t usual);
/* The size of a struct, or now and then an older caller's, or nonsense below it. */
uint32_t api_size(struct api *api, size_t size);
/* NULL, or the report. */
mirror_report *api_report(struct api *api);
/* A status is one that there is; out of memory only when an allocation was made to fail. */
void api_expect(struct api *api, int32_t status);

/* api_model.c: one call that stages something, of the transaction that is open. */
void api_stage(struct api *api);
/* Commits, and checks that it was all or nothing. */
void api_commit(struct api *api);

#endif
