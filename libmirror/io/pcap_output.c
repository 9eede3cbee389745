/* Writing captures: nanosecond pcap of outer Ethernet frames. libpcap makes the file header. */
#include "io/pcap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
  SNAPLEN = 262144,
  RECORD_HEADER = 16,
  BUFFER = 1 << 19, /* has room for any copy; larger ones were slower to write */
};
#define NANOSECONDS INT64_C(1000000000)

static int32_t fail_os(const struct mri_pcap_output *output, int os_error, mirror_report *report) {
  mirror_report full = {.size = sizeof full};
  mri_fail_os(&full, MIRROR_E_OS, os_error, "cannot write \"%s\"", output->path);
  strncpy(full.file, output->path, sizeof full.file - 1);
  mri_report_copy(report, &full);
  return MIRROR_E_OS;
}

/* As fopen does it. */
static int open_file(const char *path) {
  if (strcmp(path, "-") == 0) return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
  return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
}

/* False when out of memory. */
static bool put_file_header(struct mri_pcap_writer *writer) {
  pcap_t *pcap =
      pcap_open_dead_with_tstamp_precision(DLT_EN10MB, SNAPLEN, PCAP_TSTAMP_PRECISION_NANO);
  FILE *memory = fmemopen(mri_pcap_writer_room(writer, BUFFER), BUFFER, "wb");
  pcap_dumper_t *dumper = pcap && memory ? pcap_dump_fopen(pcap, memory) : NULL;
  if (dumper) {
    pcap_dump_flush(dumper);
    writer->used = (size_t)pcap_dump_ftell64(dumper);
    pcap_dump_close(dumper); /* and the memory */
  } else if (memory) {
    fclose(memory);
  }
  if (pcap) pcap_close(pcap);
  return dumper != NULL;
}

static int32_t open_output(struct mri_pcap_output *output, const mirror_open *open, bool threaded,
                           mirror_report *report) {
  output->path = mri_text_copy(output->alloc, open->body);
  if (!output->path) return mri_fail(report, MIRROR_E_NOMEM, "\"%s\": out of memory", open->uri);
  output->fd = open_file(output->path);
  if (output->fd < 0) return fail_os(output, errno, report);
  int failure = mri_pcap_writer_open(&output->writer, output->alloc, output->fd, BUFFER, threaded);
  if (!failure && put_file_header(&output->writer)) return MIRROR_OK;
  if (!failure || failure == ENOMEM)
    return mri_fail(report, MIRROR_E_NOMEM, "\"%s\": out of memory", open->uri);
  return mri_fail_os(report, MIRROR_E_OS, failure, "\"%s\": cannot start a thread that writes",
                     open->uri);
}

int32_t mri_pcap_open_output(void *state, const mirror_open *open, mirror_report *report) {
  struct mri_pcap_output *output = &((struct mri_pcap *)state)->output;
  if (!*open->body)
    return mri_fail(report, MIRROR_E_URI, "\"%s\" names no file, expected pcap:FILE", open->uri);
  mirror_pcap_output argument;
  mirror_pcap_output_init(&argument, sizeof argument);
  int32_t status = MIRROR_OK;
  if (open->argument)
    status = mri_sized_read(&argument, sizeof argument, open->argument, sizeof argument, report);
  if (status) return status;
  output->alloc = &open->context->alloc;
  output->fd = -1;
  status = open_output(output, open, argument.thread != 0, report);
  if (status) mri_pcap_output_close(output);
  return status;
}

void mri_pcap_output_close(struct mri_pcap_output *output) {
  mri_pcap_writer_close(&output->writer, output->alloc);
  if (output->fd >= 0) close(output->fd);
  mri_free(output->alloc, output->path);
}

uint32_t mri_pcap_layer(void *state) {
  (void)state;
  return MIRROR_LAYER_LINK;
}

static uint8_t *put(uint8_t *at, const void *octets, size_t count) {
  memcpy(at, octets, count);
  return at + count;
}

static void put_record(uint8_t *at, const mirror_copy *copy, uint32_t length) {
  int64_t seconds = copy->time_ns / NANOSECONDS, rest = copy->time_ns % NANOSECONDS;
  if (rest < 0) { /* before 1970 */
    rest += NANOSECONDS;
    seconds--;
  }
  const uint32_t header[] = {(uint32_t)seconds, (uint32_t)rest, length, length};
  at = put(at, header, sizeof header);
  at = put(at, copy->head, copy->head_length);
  if (copy->body_length) put(at, copy->body, copy->body_length);
}

static int32_t write_copy(struct mri_pcap_output *output, const mirror_copy *copy,
                          mirror_report *report) {
  uint64_t length = (uint64_t)copy->head_length + copy->body_length;
  if (length > SNAPLEN)
    return mri_fail(report, MIRROR_E_TOO_LONG,
                    "\"%s\": a copy has %llu octets, expected at most %d", output->path,
                    (unsigned long long)length, SNAPLEN);
  uint8_t *room = mri_pcap_writer_room(&output->writer, RECORD_HEADER + (size_t)length);
  if (!room) return fail_os(output, output->writer.os_error, report);
  put_record(room, copy, (uint32_t)length);
  output->writer.used += RECORD_HEADER + (size_t)length;
  return MIRROR_OK;
}

int32_t mri_pcap_send(void *state, const mirror_copy *copies, uint32_t count, uint32_t *accepted,
                      mirror_report *report) {
  struct mri_pcap_output *output = &((struct mri_pcap *)state)->output;
  int32_t status = MIRROR_OK;
  for (*accepted = 0; !status && *accepted < count; *accepted += !status)
    status = write_copy(output, &copies[*accepted], report);
  return status;
}

int32_t mri_pcap_flush(void *state, mirror_report *report) {
  struct mri_pcap_output *output = &((struct mri_pcap *)state)->output;
  mri_pcap_writer_flush(&output->writer);
  const int os_error = output->writer.os_error;
  return os_error ? fail_os(output, os_error, report) : MIRROR_OK;
}
