/* Reading captures. */
#include "io/pcap.h"
#include "packet/view.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { ARENA = 1 << 20 };

/* Adds the place to a report, and hands it on. */
static int32_t located(mirror_report *report, mirror_report *full, const char *path,
                       uint64_t offset) {
  strncpy(full->file, path, sizeof full->file - 1);
  full->offset = offset;
  mri_report_copy(report, full);
  return full->code;
}

static int32_t fail_os(const struct mri_pcap_input *input, mirror_report *report) {
  mirror_report full = {.size = sizeof full};
  mri_fail_os(&full, MIRROR_E_OS, input->stream.os_error, "cannot read \"%s\"", input->path);
  return located(report, &full, input->path, input->stream.base + input->stream.at);
}

static int32_t fail_format(const struct mri_pcap_input *input, const char *reason,
                           mirror_report *report) {
  mirror_report full = {.size = sizeof full};
  mri_fail(&full, MIRROR_E_FORMAT, "\"%s\" is no capture that can be read: %s", input->path,
           reason);
  return located(report, &full, input->path, 0);
}

static int32_t open_capture(struct mri_pcap_input *input, mirror_report *report) {
  if (input->stream.end == 0)
    return fail_format(input, "it is empty, expected a pcap or pcapng file", report);
  FILE *file = mri_pcap_stream_file(&input->stream);
  if (!file) return mri_fail_os(report, MIRROR_E_OS, errno, "cannot read \"%s\"", input->path);
  char reason[PCAP_ERRBUF_SIZE] = "";
  input->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, reason);
  if (input->pcap) return MIRROR_OK; /* which has the file now */
  fclose(file);
  return input->stream.stop == MIRROR_E_OS ? fail_os(input, report)
                                           : fail_format(input, reason, report);
}

/* Raw IP has numbers that depend on the system. */
uint32_t mri_pcap_link(int number) {
  return number == DLT_RAW || number == 12 || number == 14 ? MIRROR_LINK_RAW : (uint32_t)number;
}

static int32_t fail_link_type(const struct mri_pcap_input *input, int number,
                              mirror_report *report) {
  const char *name = pcap_datalink_val_to_name(number);
  const char *description = pcap_datalink_val_to_description(number);
  mirror_report full = {.size = sizeof full};
  mri_fail(
      &full, MIRROR_E_LINK_TYPE,
      "\"%s\": packets of link type %d (%s, %s) cannot be mirrored, expected Ethernet, raw IP, "
      "BSD loopback or Linux cooked",
      input->path, number, name ? name : "unnamed", description ? description : "unknown");
  return located(report, &full, input->path, input->stream.mark);
}

static int32_t check_link_type(struct mri_pcap_input *input, mirror_report *report) {
  int number = pcap_datalink(input->pcap);
  input->link_type = mri_pcap_link(number);
  input->fcs = input->stream.classic.fcs;
  return mri_link_supported(input->link_type) ? MIRROR_OK : fail_link_type(input, number, report);
}

static int32_t open_input(struct mri_pcap_input *input, const char *path, mirror_report *report) {
  input->path = mri_text_copy(input->alloc, path);
  input->arena = mri_zalloc(input->alloc, 1, ARENA);
  if (!input->path || !input->arena)
    return mri_fail(report, MIRROR_E_NOMEM, "\"%s\": out of memory", path);
  int32_t status = mri_pcap_stream_open(&input->stream, input->alloc, path);
  if (status == MIRROR_E_OS) return fail_os(input, report);
  if (status) return mri_fail(report, status, "\"%s\": out of memory", path);
  status = open_capture(input, report);
  return status ? status : check_link_type(input, report);
}

int32_t mri_pcap_open_input(void *state, const mirror_open *open, mirror_report *report) {
  struct mri_pcap_input *input = &((struct mri_pcap *)state)->input;
  if (!*open->body)
    return mri_fail(report, MIRROR_E_URI, "\"%s\" names no file, expected pcap:FILE", open->uri);
  input->alloc = &open->context->alloc;
  input->stream.fd = input->stream.wakeup = -1;
  int32_t status = open_input(input, open->body, report);
  if (status) mri_pcap_input_close(input);
  return status;
}

void mri_pcap_input_close(struct mri_pcap_input *input) {
  if (input->pcap) pcap_close(input->pcap);
  mri_pcap_stream_close(&input->stream, input->alloc);
  mri_free(input->alloc, input->arena);
  mri_free(input->alloc, input->path);
}

/* Why libpcap has no record behind the mark. What is final is kept. */
static int32_t end_of_records(struct mri_pcap_input *input, int result) {
  struct mri_pcap_stream *stream = &input->stream;
  if (stream->stop == MIRROR_E_AGAIN || stream->stop == MIRROR_E_INTERRUPTED) {
    mri_pcap_stream_rewind(stream);
    return stream->stop;
  }
  input->fault.size = sizeof input->fault;
  if (stream->stop == MIRROR_E_OS) return fail_os(input, &input->fault);
  const char *reason = pcap_geterr(input->pcap);
  mirror_report full = {.size = sizeof full, .code = MIRROR_E_END};
  if (result != PCAP_ERROR_BREAK)
    mri_fail(&full, MIRROR_E_DAMAGED, "\"%s\" is damaged at octet %" PRIu64 ": %s", input->path,
             stream->mark, reason);
  return located(&input->fault, &full, input->path, stream->mark);
}

/* Interfaces of a pcapng capture may differ. */
static int32_t see_interface(struct mri_pcap_input *input) {
  if (!input->stream.is_pcapng) return MIRROR_OK;
  const struct mri_pcap_frames frames = mri_pcapng_next(&input->stream.pcapng);
  input->link_type = mri_pcap_link(frames.link);
  input->fcs = frames.fcs;
  if (mri_link_supported(input->link_type)) return MIRROR_OK;
  input->fault.size = sizeof input->fault;
  return fail_link_type(input, frames.link, &input->fault);
}

/* Makes `data` the next packet, by libpcap, if it is not there already. The stream is marked. */
static int32_t read_packet(struct mri_pcap_input *input) {
  struct pcap_pkthdr none = {0}, *header = &none;
  if (input->data) return MIRROR_OK;
  int result = input->stream.stop ? PCAP_ERROR : pcap_next_ex(input->pcap, &header, &input->data);
  int32_t status = result == 1 ? see_interface(input) : end_of_records(input, result);
  if (status)
    input->data = NULL;
  else
    input->header = *header;
  return status;
}

/* In nanoseconds, as asked for. In a classic capture both numbers are unsigned and have 32 bits;
 * libpcap reads signed ones. */
static int64_t time_of(const struct mri_pcap_input *input) {
  const struct timeval *ts = &input->header.ts;
  const bool classic = input->stream.is_classic;
  int64_t seconds = ts->tv_sec, fraction = ts->tv_usec, time;
  if (classic) seconds = (uint32_t)ts->tv_sec;
  if (classic && fraction < 0) fraction += ((int64_t)input->stream.classic.unit_ns << 32);
  if (__builtin_mul_overflow(seconds, INT64_C(1000000000), &time) ||
      __builtin_add_overflow(time, fraction, &time))
    return INT64_MAX;
  return time;
}

/* V3: what the capture says is the frame check sequence is no part of a frame. */
static void drop_fcs(mirror_packet *packet, uint32_t fcs) {
  if (fcs == 0 || packet->length < fcs) return;
  packet->length -= fcs;
  if (packet->caplen > packet->length) packet->caplen = packet->length;
}

/* Takes the packet that was read, at `data`. */
static void take(struct mri_pcap_input *input, const uint8_t *data, mirror_packet *packet) {
  *packet = (mirror_packet){
      .data = data,
      .caplen = input->header.caplen,
      .length = input->header.len,
      .time_ns = time_of(input),
      .link_type = (uint16_t)input->link_type,
  };
  drop_fcs(packet, input->fcs);
  input->data = NULL;
}

static bool take_in_place(struct mri_pcap_input *input, mirror_packet *packet) {
  const uint8_t *data = mri_pcap_stream_record(&input->stream, &input->header);
  if (data) take(input, data, packet);
  return data != NULL;
}

/* A copy in the arena. A record longer than that goes alone, from libpcap's memory. MIRROR_E_AGAIN
 * if there can be no more in this batch. */
static int32_t take_copied(struct mri_pcap_input *input, size_t *used, mirror_packet *packets,
                           uint32_t *count) {
  int32_t status = read_packet(input);
  if (status) return status;
  const uint32_t length = input->header.caplen;
  const bool fits = length <= ARENA - *used;
  if (!fits && *count) return MIRROR_E_AGAIN;
  if (fits) memcpy(input->arena + *used, input->data, length);
  take(input, fits ? input->arena + *used : input->data, &packets[(*count)++]);
  if (!fits) return MIRROR_E_AGAIN;
  *used += length;
  mri_pcap_stream_deadline(&input->stream, 0);
  return MIRROR_OK;
}

/* Packets until the batch, the arena or what was read is full. Reading on would move the packets
 * that are in place, so it begins a batch. */
static int32_t gather(struct mri_pcap_input *input, mirror_packet *packets, uint32_t capacity,
                      uint32_t *count) {
  size_t used = 0;
  int32_t status = input->fault.code;
  while (!status && *count < capacity) {
    if (take_in_place(input, &packets[*count]))
      ++*count;
    else if (*count && input->stream.classic.plain)
      status = MIRROR_E_AGAIN;
    else if (!mri_pcap_stream_more(&input->stream))
      status = take_copied(input, &used, packets, count);
  }
  return status;
}

int32_t mri_pcap_receive(void *state, mirror_packet *packets, uint32_t capacity, int64_t timeout_ns,
                         uint32_t *count, mirror_report *report) {
  struct mri_pcap_input *input = &((struct mri_pcap *)state)->input;
  *count = 0;
  if (mri_pcap_stream_interrupted(&input->stream)) return MIRROR_E_INTERRUPTED;
  mri_pcap_stream_deadline(&input->stream, timeout_ns);
  int32_t status = gather(input, packets, capacity, count);
  if (*count) {
    /* An interruption that came behind them is for the next call. */
    if (status == MIRROR_E_INTERRUPTED) mri_pcap_stream_interrupt(&input->stream);
    return MIRROR_OK;
  }
  if (input->fault.code && status != MIRROR_E_END) mri_report_copy(report, &input->fault);
  return status;
}

int32_t mri_pcap_link_type(void *state, uint32_t *link_type) {
  *link_type = ((struct mri_pcap *)state)->input.link_type;
  return MIRROR_OK;
}

int32_t mri_pcap_progress(void *state, uint64_t *done, uint64_t *total) {
  const struct mri_pcap_stream *stream = &((struct mri_pcap *)state)->input.stream;
  if (stream->length == 0) return MIRROR_E_UNSUPPORTED;
  *done = mri_pcap_stream_offset(stream);
  *total = stream->length;
  return MIRROR_OK;
}
