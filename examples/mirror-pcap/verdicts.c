#include "verdicts.h"

#include "status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER (256u * 1024u)
#define ID_MAX 256u /* octets of an id */
#define ROW_MAX (2u * ID_MAX + 160u)

struct verdicts {
  FILE *file;
  const char *path;
  int os_error; /* of the first write that failed */
  char row[ROW_MAX];
};

bool verdicts_open(struct verdicts **verdicts, const char *path) {
  struct verdicts *table = calloc(1, sizeof *table);

  *verdicts = table;
  if (!table) {
    complain(STATUS_IO, "out of memory");
    return false;
  }
  table->path = path;
  table->file = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
  if (!table->file) {
    complain(STATUS_IO, "cannot write the verdict table '%s': %s", path, strerror(errno));
    free(table);
    *verdicts = NULL;
    return false;
  }
  setvbuf(table->file, NULL, _IOFBF, BUFFER);
  fputs("n\tverdict\tsession\trule\ttarget\tvni\tcaplen\tinner_len\n", table->file);
  return true;
}

static char *put_text(char *at, const char *text) {
  size_t length = text ? strnlen(text, ID_MAX) : 0;

  if (length) memcpy(at, text, length);
  return at + length;
}

static char *put_number(char *at, uint64_t number) {
  char digits[20];
  unsigned count = 0;

  do
    digits[count++] = (char)('0' + number % 10);
  while (number /= 10);
  while (count)
    *at++ = digits[--count];
  return at;
}

/* A tab and, if it applies, a number. */
static char *put_column(char *at, bool applies, uint64_t number) {
  *at++ = '\t';
  return applies ? put_number(at, number) : at;
}

void verdicts_add(struct verdicts *verdicts, uint64_t n, const mirror_packet *packet,
                  const mirror_verdict *verdict) {
  char *at = put_number(verdicts->row, n);

  *at++ = '\t';
  at = put_text(at, mirror_verdict_name(verdict->verdict));
  *at++ = '\t';
  at = put_text(at, verdict->session_id);
  at = put_column(at, verdict->rule_priority != 0, verdict->rule_priority);
  *at++ = '\t';
  at = put_text(at, verdict->target_id);
  at = put_column(at, verdict->target_id != NULL, verdict->vni);
  at = put_column(at, true, packet->caplen);
  at = put_column(at, verdict->verdict == MIRROR_MIRRORED, verdict->inner_length);
  *at++ = '\n';

  size_t length = (size_t)(at - verdicts->row);
  if (fwrite_unlocked(verdicts->row, 1, length, verdicts->file) != length && !verdicts->os_error)
    verdicts->os_error = errno;
}

bool verdicts_good(const struct verdicts *verdicts) {
  return !verdicts || !verdicts->os_error;
}

bool verdicts_close(struct verdicts *verdicts) {
  if (!verdicts) return true;
  int failed = verdicts->file == stdout ? fflush(stdout) : fclose(verdicts->file);
  if (failed && !verdicts->os_error) verdicts->os_error = errno;
  bool good = verdicts_good(verdicts);
  if (!good)
    complain(STATUS_IO, "cannot write the verdict table '%s': %s", verdicts->path,
             strerror(verdicts->os_error));
  free(verdicts);
  return good;
}
