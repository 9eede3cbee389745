/* Writing captures: nanosecond pcap of outer Ethernet frames. */
#include "io/pcap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio_ext.h>
#include <string.h>
#include <unistd.h>

enum {
  BUFFER = 1 << 20,
  SNAPLEN = 262144,
};
#define NANOSECONDS INT64_C(1000000000)

static int32_t fail_os(struct mri_pcap_output *output, int os_error, mirror_report *report) {
  mirror_report full = {.size = sizeof full};
  mri_fail_os(&full, MIRROR_E_OS, os_error, "cannot write \"%s\"", output->path);
  strncpy(full.file, output->path, sizeof full.file - 1);
  mri_report_copy(report, &full);
  return MIRROR_E_OS;
}

static FILE *open_file(const char *path) {
  if (strcmp(path, "-") != 0) return fopen(path, "wbe");
  int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return NULL;
  FILE *file = fdopen(fd, "wb");
  if (!file) close(fd);
  return file;
}

static int32_t open_dumper(struct mri_pcap_output *output, mirror_report *report) {
  FILE *file = open_file(output->path);
  if (!file) return fail_os(output, errno, report);
  setvbuf(file, output->buffer, _IOFBF, BUFFER);
  __fsetlocking(file, FSETLOCKING_BYCALLER); /* only the thread of the tap uses it */
  output->dumper = pcap_dump_fopen(output->pcap, file);
  if (output->dumper) return MIRROR_OK; /* which has the file now */
  int os_error = errno;
  fclose(file);
  return fail_os(output, os_error, report);
}

static int32_t open_output(struct mri_pcap_output *output, const char *path,
                           mirror_report *report) {
  output->path = mri_text_copy(output->alloc, path);
  output->buffer = mri_zalloc(output->alloc, 1, BUFFER);
  output->scratch = mri_zalloc(output->alloc, 1, SNAPLEN);
  output->pcap =
      pcap_open_dead_with_tstamp_precision(DLT_EN10MB, SNAPLEN, PCAP_TSTAMP_PRECISION_NANO);
  if (!output->path || !output->buffer || !output->scratch || !output->pcap)
    return mri_fail(report, MIRROR_E_NOMEM, "\"%s\": out of memory", path);
  return open_dumper(output, report);
}

int32_t mri_pcap_open_output(void *state, const mirror_open *open, mirror_report *report) {
  struct mri_pcap_output *output = &((struct mri_pcap *)state)->output;
  if (!*open->body)
    return mri_fail(report, MIRROR_E_URI, "\"%s\" names no file, expected pcap:FILE", open->uri);
  output->alloc = &open->context->alloc;
  int32_t status = open_output(output, open->body, report);
  if (status) mri_pcap_output_close(output);
  return status;
}

void mri_pcap_output_close(struct mri_pcap_output *output) {
  if (output->dumper) pcap_dump_close(output->dumper);
  if (output->pcap) pcap_close(output->pcap);
  mri_free(output->alloc, output->scratch);
  mri_free(output->alloc, output->buffer);
  mri_free(output->alloc, output->path);
}

uint32_t mri_pcap_layer(void *state) {
  (void)state;
  return MIRROR_LAYER_LINK;
}

static struct pcap_pkthdr header_of(const mirror_copy *copy, uint32_t length) {
  int64_t seconds = copy->time_ns / NANOSECONDS, rest = copy->time_ns % NANOSECONDS;
  if (rest < 0) { /* before 1970 */
    rest += NANOSECONDS;
    seconds--;
  }
  return (struct pcap_pkthdr){.ts = {seconds, rest}, .caplen = length, .len = length};
}

static int32_t write_copy(struct mri_pcap_output *output, const mirror_copy *copy,
                          mirror_report *report) {
  uint64_t length = (uint64_t)copy->head_length + copy->body_length;
  if (length > SNAPLEN)
    return mri_fail(report, MIRROR_E_TOO_LONG,
                    "\"%s\": a copy has %llu octets, expected at most %d", output->path,
                    (unsigned long long)length, SNAPLEN);
  memcpy(output->scratch, copy->head, copy->head_length);
  if (copy->body_length) memcpy(output->scratch + copy->head_length, copy->body, copy->body_length);
  const struct pcap_pkthdr header = header_of(copy, (uint32_t)length);
  errno = 0;
  pcap_dump((u_char *)output->dumper, &header, output->scratch);
  if (!ferror(pcap_dump_file(output->dumper))) return MIRROR_OK;
  output->os_error = errno ? errno : EIO;
  return fail_os(output, output->os_error, report);
}

int32_t mri_pcap_send(void *state, const mirror_copy *copies, uint32_t count, uint32_t *accepted,
                      mirror_report *report) {
  struct mri_pcap_output *output = &((struct mri_pcap *)state)->output;
  for (*accepted = 0; *accepted < count; ++*accepted) {
    if (output->os_error) return fail_os(output, output->os_error, report);
    int32_t status = write_copy(output, &copies[*accepted], report);
    if (status) return status;
  }
  return MIRROR_OK;
}

int32_t mri_pcap_flush(void *state, mirror_report *report) {
  struct mri_pcap_output *output = &((struct mri_pcap *)state)->output;
  if (!output->os_error && fflush(pcap_dump_file(output->dumper)) != 0) output->os_error = errno;
  return output->os_error ? fail_os(output, output->os_error, report) : MIRROR_OK;
}
