/* Writing captures: nanosecond pcap of outer Ethernet frames. libpcap makes the file header. */
#include "io/pcap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
  SNAPLEN = 262144,
  RECORD_HEADER = 16,
  BUFFER = SNAPLEN + RECORD_HEADER, /* has room for any copy */
};
#define NANOSECONDS INT64_C(1000000000)

static int32_t fail_os(struct mri_pcap_output *output, int os_error, mirror_report *report) {
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

/* The file header is the first thing in the buffer. */
static bool begin(struct mri_pcap_output *output) {
  pcap_t *pcap =
      pcap_open_dead_with_tstamp_precision(DLT_EN10MB, SNAPLEN, PCAP_TSTAMP_PRECISION_NANO);
  FILE *memory = fmemopen(output->buffer, BUFFER, "wb");
  pcap_dumper_t *dumper = pcap && memory ? pcap_dump_fopen(pcap, memory) : NULL;
  if (dumper) {
    pcap_dump_flush(dumper);
    output->used = (size_t)pcap_dump_ftell64(dumper);
    pcap_dump_close(dumper); /* and the memory */
  } else if (memory) {
    fclose(memory);
  }
  if (pcap) pcap_close(pcap);
  return dumper != NULL;
}

static int32_t open_output(struct mri_pcap_output *output, const char *path,
                           mirror_report *report) {
  output->path = mri_text_copy(output->alloc, path);
  output->buffer = mri_zalloc(output->alloc, 1, BUFFER);
  if (!output->path || !output->buffer || !begin(output))
    return mri_fail(report, MIRROR_E_NOMEM, "\"%s\": out of memory", path);
  output->fd = open_file(path);
  return output->fd < 0 ? fail_os(output, errno, report) : MIRROR_OK;
}

int32_t mri_pcap_open_output(void *state, const mirror_open *open, mirror_report *report) {
  struct mri_pcap_output *output = &((struct mri_pcap *)state)->output;
  if (!*open->body)
    return mri_fail(report, MIRROR_E_URI, "\"%s\" names no file, expected pcap:FILE", open->uri);
  output->alloc = &open->context->alloc;
  output->fd = -1;
  int32_t status = open_output(output, open->body, report);
  if (status) mri_pcap_output_close(output);
  return status;
}

/* Writes all of the buffer, or sets os_error: the output ends with that. */
static void write_out(struct mri_pcap_output *output) {
  size_t done = 0;
  while (done < output->used && !output->os_error) {
    const ssize_t count = write(output->fd, output->buffer + done, output->used - done);
    if (count >= 0)
      done += (size_t)count;
    else if (errno != EINTR)
      output->os_error = errno;
  }
  output->used = 0;
}

void mri_pcap_output_close(struct mri_pcap_output *output) {
  if (output->fd >= 0) {
    write_out(output);
    close(output->fd);
  }
  mri_free(output->alloc, output->buffer);
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

static void put_record(struct mri_pcap_output *output, const mirror_copy *copy, uint32_t length) {
  int64_t seconds = copy->time_ns / NANOSECONDS, rest = copy->time_ns % NANOSECONDS;
  if (rest < 0) { /* before 1970 */
    rest += NANOSECONDS;
    seconds--;
  }
  const uint32_t header[] = {(uint32_t)seconds, (uint32_t)rest, length, length};
  uint8_t *at = put(output->buffer + output->used, header, sizeof header);
  at = put(at, copy->head, copy->head_length);
  if (copy->body_length) at = put(at, copy->body, copy->body_length);
  output->used = (size_t)(at - output->buffer);
}

static int32_t write_copy(struct mri_pcap_output *output, const mirror_copy *copy,
                          mirror_report *report) {
  uint64_t length = (uint64_t)copy->head_length + copy->body_length;
  if (length > SNAPLEN)
    return mri_fail(report, MIRROR_E_TOO_LONG,
                    "\"%s\": a copy has %llu octets, expected at most %d", output->path,
                    (unsigned long long)length, SNAPLEN);
  if (RECORD_HEADER + length > BUFFER - output->used) write_out(output);
  if (output->os_error) return fail_os(output, output->os_error, report);
  put_record(output, copy, (uint32_t)length);
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
  write_out(output);
  return output->os_error ? fail_os(output, output->os_error, report) : MIRROR_OK;
}
