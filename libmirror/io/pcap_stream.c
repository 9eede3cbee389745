#include "io/pcap_stream.h"

#include "io/duration.h"
#include "io/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
  CAPACITY = 1 << 20,       /* more than the longest record */
  FILE_BUFFER = 1 << 18,    /* libpcap's */
  READ = 1 << 18,           /* at a time: it is still in the processor's cache when it is used */
  RECORD_HEADER = 16,       /* of a plain record */
  LONGEST_RECORD = 1 << 18, /* octets of a packet; libpcap refuses more */
};
_Static_assert((CAPACITY + FILE_BUFFER) / MRI_PCAPNG_LEAST_BLOCK < 1 << MRI_PCAPNG_AHEAD_LOG2,
               "packets seen and not yet read do not fit");
#define NANOSECONDS INT64_C(1000000000)

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * NANOSECONDS + time.tv_nsec;
}

void mri_pcap_stream_deadline(struct mri_pcap_stream *stream, int64_t timeout_ns) {
  if (timeout_ns <= 0 || !stream->waits)
    stream->deadline = timeout_ns < 0 ? INT64_MAX : 0;
  else if (__builtin_add_overflow(now(), timeout_ns, &stream->deadline))
    stream->deadline = INT64_MAX;
}

void mri_pcap_stream_interrupt(struct mri_pcap_stream *stream) {
  int saved = errno;
  const uint64_t one = 1;
  atomic_store(&stream->interrupted, true);
  if (stream->waits && write(stream->wakeup, &one, sizeof one) < 0) errno = 0; /* woken already */
  errno = saved;
}

bool mri_pcap_stream_interrupted(struct mri_pcap_stream *stream) {
  return atomic_exchange(&stream->interrupted, false);
}

/* Polls both descriptors: above 0 as poll, or 0 when the time is over. */
static int poll_until(struct mri_pcap_stream *stream, struct pollfd polled[2]) {
  polled[0] = (struct pollfd){.fd = stream->fd, .events = POLLIN};
  polled[1] = (struct pollfd){.fd = stream->wakeup, .events = POLLIN};
  if (stream->deadline == INT64_MAX) return ppoll(polled, 2, NULL, NULL);
  int64_t left = stream->deadline ? stream->deadline - now() : 0;
  const struct timespec time = mri_timespec(left);
  return ppoll(polled, 2, &time, NULL);
}

/* A poll that fails for want of memory is tried again in a while (R6). False, with the reason in
 * `stop`, if the time is over or somebody interrupts. */
static bool poll_again(struct mri_pcap_stream *stream) {
  if (errno == EINTR) return true;
  const bool left = mri_wait_nap(stream->deadline);
  stream->stop = mri_pcap_stream_interrupted(stream) ? MIRROR_E_INTERRUPTED
                 : left                              ? MIRROR_OK
                                                     : MIRROR_E_AGAIN;
  return !stream->stop;
}

/* False, with the reason in `stop`, if there is nothing to read. */
static bool wait_readable(struct mri_pcap_stream *stream) {
  for (;;) {
    struct pollfd polled[2];
    int ready = poll_until(stream, polled);
    if (ready < 0 && !poll_again(stream)) return false;
    uint64_t wakeups;
    if (ready > 0 && polled[1].revents &&
        read(stream->wakeup, &wakeups, sizeof wakeups) == (ssize_t)sizeof wakeups &&
        mri_pcap_stream_interrupted(stream)) {
      stream->stop = MIRROR_E_INTERRUPTED;
      return false;
    }
    if (ready > 0 && polled[0].revents) return true;
    if (ready == 0) {
      stream->stop = MIRROR_E_AGAIN;
      return false;
    }
  }
}

/* Moves what has to be kept to the beginning of the buffer. */
static void make_room(struct mri_pcap_stream *stream) {
  size_t keep = stream->is_classic ? (size_t)(stream->mark - stream->base) : stream->at;
  memmove(stream->buffer, stream->buffer + keep, stream->end - keep);
  stream->base += keep;
  stream->at -= keep;
  stream->ready -= keep;
  stream->end -= keep;
}

/* As read; -1 with the reason in `stop`. */
static ssize_t read_octets(struct mri_pcap_stream *stream, uint8_t *to, size_t size) {
  ssize_t count;
  do {
    count = read(stream->fd, to, size);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    stream->os_error = errno;
    stream->stop = MIRROR_E_OS;
  }
  return count;
}

/* False, with the reason in `stop`, when out of memory. */
static bool make_ready(struct mri_pcap_stream *stream) {
  stream->ready = stream->end;
  if (!stream->is_pcapng) return true;
  stream->ready = mri_pcapng_adapt(&stream->pcapng, stream->buffer, stream->base, stream->end);
  if (!stream->pcapng.out_of_memory) return true;
  stream->os_error = ENOMEM;
  stream->stop = MIRROR_E_OS;
  return false;
}

/* Reads more into the buffer: octets, 0 at the end, -1 with the reason in `stop`. */
static ssize_t fill(struct mri_pcap_stream *stream) {
  /* A pcapng block that is half read cannot be read again: libpcap may have seen others before. */
  bool may_stop = stream->is_classic || stream->base + stream->at == stream->mark;
  make_room(stream);
  if (stream->waits && may_stop && !wait_readable(stream)) return -1;
  const size_t room = CAPACITY - stream->end;
  ssize_t count = read_octets(stream, stream->buffer + stream->end, room < READ ? room : READ);
  if (count > 0) {
    stream->end += (size_t)count;
    if (!make_ready(stream)) return -1;
  } else if (count == 0) {
    stream->ready = stream->end; /* cut as it is */
  }
  return count;
}

static ssize_t take(struct mri_pcap_stream *stream, void *to, size_t size) {
  size_t left = stream->ready - stream->at;
  size_t count = size < left ? size : left;
  memcpy(to, stream->buffer + stream->at, count);
  stream->at += count;
  return (ssize_t)count;
}

static ssize_t read_stream(void *cookie, char *to, size_t size) {
  struct mri_pcap_stream *stream = cookie;
  ssize_t count = 1;
  while (stream->at == stream->ready && count > 0)
    count = fill(stream);
  return count < 0 ? -1 : take(stream, to, size);
}

static int32_t read_beginning(struct mri_pcap_stream *stream, const struct mri_alloc *alloc) {
  while (stream->end < MRI_PCAP_FILE_HEADER) {
    ssize_t count = fill(stream);
    if (count < 0) return stream->stop;
    if (count == 0) return MIRROR_OK;
  }
  stream->is_classic = mri_pcap_adapt(stream->buffer, &stream->classic);
  stream->is_pcapng = mri_is_pcapng(stream->buffer);
  if (stream->is_pcapng && !mri_pcapng_start(&stream->pcapng, alloc)) return MIRROR_E_NOMEM;
  return make_ready(stream) ? MIRROR_OK : stream->stop;
}

static int32_t os_error(struct mri_pcap_stream *stream) {
  stream->os_error = errno;
  return MIRROR_E_OS;
}

static int32_t open_descriptors(struct mri_pcap_stream *stream, const char *path) {
  stream->fd = -1;
  stream->wakeup = -1;
  stream->deadline = INT64_MAX;
  stream->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC)
                                 : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
  struct stat file;
  if (stream->fd < 0 || fstat(stream->fd, &file) < 0) return os_error(stream);
  stream->waits = !S_ISREG(file.st_mode) && !S_ISDIR(file.st_mode);
  if (S_ISREG(file.st_mode)) stream->length = (uint64_t)file.st_size;
  if (!stream->waits) return MIRROR_OK;
  stream->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return stream->wakeup < 0 ? os_error(stream) : MIRROR_OK;
}

int32_t mri_pcap_stream_open(struct mri_pcap_stream *stream, const struct mri_alloc *alloc,
                             const char *path) {
  int32_t status = open_descriptors(stream, path);
  if (status) return status;
  stream->buffer = mri_zalloc(alloc, 1, CAPACITY + FILE_BUFFER);
  return stream->buffer ? read_beginning(stream, alloc) : MIRROR_E_NOMEM;
}

void mri_pcap_stream_close(struct mri_pcap_stream *stream, const struct mri_alloc *alloc) {
  if (stream->fd >= 0) close(stream->fd);
  if (stream->wakeup >= 0) close(stream->wakeup);
  mri_pcapng_stop(&stream->pcapng);
  mri_free(alloc, stream->buffer);
}

/* Only tells where it is: so ftello does, without what is left in the FILE. */
static int seek_stream(void *cookie, off64_t *offset, int whence) {
  const struct mri_pcap_stream *stream = cookie;
  if (whence != SEEK_CUR || *offset != 0) return -1;
  *offset = (off64_t)(stream->base + stream->at);
  return 0;
}

/* Where records are taken from the stream, libpcap must not be ahead of it; elsewhere a buffer
 * makes it fast. */
static void set_buffer(struct mri_pcap_stream *stream) {
  if (stream->classic.plain)
    setvbuf(stream->file, NULL, _IONBF, 0);
  else
    setvbuf(stream->file, (char *)stream->buffer + CAPACITY, _IOFBF, FILE_BUFFER);
}

FILE *mri_pcap_stream_file(struct mri_pcap_stream *stream) {
  const cookie_io_functions_t functions = {.read = read_stream, .seek = seek_stream};
  stream->file = fopencookie(stream, "rb", functions);
  if (!stream->file) return NULL;
  set_buffer(stream);
  __fsetlocking(stream->file, FSETLOCKING_BYCALLER); /* only the thread of the tap uses it */
  return stream->file;
}

uint64_t mri_pcap_stream_offset(const struct mri_pcap_stream *stream) {
  return (uint64_t)ftello(stream->file);
}

void mri_pcap_stream_mark(struct mri_pcap_stream *stream) {
  stream->mark = mri_pcap_stream_offset(stream);
  stream->stop = MIRROR_OK;
}

void mri_pcap_stream_rewind(struct mri_pcap_stream *stream) {
  __fpurge(stream->file);
  clearerr(stream->file);
  stream->at = (size_t)(stream->mark - stream->base);
}

/* ---- plain records ---- */

static uint32_t get(const struct mri_pcap_stream *stream, const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return stream->classic.swapped ? __builtin_bswap32(value) : value;
}

/* False if the header is not there. */
static bool read_header(const struct mri_pcap_stream *stream, struct pcap_pkthdr *header) {
  const uint8_t *at = stream->buffer + stream->at;
  if (stream->ready - stream->at < RECORD_HEADER) return false;
  header->ts.tv_sec = (time_t)get(stream, at); /* unsigned again in pcap_input.c */
  header->ts.tv_usec = (suseconds_t)((int64_t)get(stream, at + 4) * stream->classic.unit_ns);
  header->caplen = get(stream, at + 8);
  header->len = get(stream, at + 12);
  return true;
}

const uint8_t *mri_pcap_stream_record(struct mri_pcap_stream *stream, struct pcap_pkthdr *header) {
  if (!stream->classic.plain || !read_header(stream, header)) return NULL;
  const size_t there = stream->ready - stream->at - RECORD_HEADER;
  if (header->caplen > LONGEST_RECORD || header->caplen > there) return NULL;
  const uint8_t *octets = stream->buffer + stream->at + RECORD_HEADER;
  stream->at += RECORD_HEADER + header->caplen;
  return octets;
}

bool mri_pcap_stream_more(struct mri_pcap_stream *stream) {
  struct pcap_pkthdr header;
  mri_pcap_stream_mark(stream);
  if (!stream->classic.plain) return false;
  if (read_header(stream, &header) && header.caplen > LONGEST_RECORD) return false;
  return fill(stream) > 0;
}
