/*
 * What libpcap reads a capture through. A stream counts octets exactly (offsets of damage, also in
 * pipes), waits with a deadline and an interruption, and adapts what libpcap would refuse.
 *
 * Records of a plain capture can be taken from its buffer without libpcap, which reads on behind
 * them: it decides what everything else means.
 */
#ifndef MRI_IO_PCAP_STREAM_H
#define MRI_IO_PCAP_STREAM_H

#include "core/alloc.h"
#include "io/pcap_adapt.h"

#include <pcap/pcap.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

struct mri_pcap_stream {
  int fd;
  int wakeup; /* eventfd that ends a wait; only if `waits` */
  bool waits; /* not a file: reads may block */
  bool is_pcapng;
  struct mri_pcapng pcapng;
  bool is_classic; /* a capture whose records can be read again from the mark */
  struct mri_pcap_classic classic;
  FILE *file;            /* what libpcap reads from, once it is made */
  uint8_t *buffer;       /* with the buffer of `file` behind it */
  size_t at, ready, end; /* octets [at, ready) are to be read, [ready, end) not yet */
  uint64_t base;         /* offset of buffer[0] in the capture */
  uint64_t mark;         /* offset of the record that is being read */
  uint64_t length;       /* of a file; 0 if not known */
  int64_t deadline;
  int32_t stop; /* why the last read failed: MIRROR_E_AGAIN, _INTERRUPTED, _OS; or 0 */
  int os_error;
  atomic_bool interrupted;
};

/* Opens `path` ("-": standard input) and reads the beginning. 0, MIRROR_E_OS with os_error set, or
 * MIRROR_E_NOMEM; mri_pcap_stream_close in any case. */
int32_t mri_pcap_stream_open(struct mri_pcap_stream *stream, const struct mri_alloc *alloc,
                             const char *path);
/* After the FILE, if one was made. */
void mri_pcap_stream_close(struct mri_pcap_stream *stream, const struct mri_alloc *alloc);
/* Makes the FILE that reads from the stream, the caller's to close; NULL with errno. */
FILE *mri_pcap_stream_file(struct mri_pcap_stream *stream);

/* Waits from now on end after timeout_ns (negative: never). */
void mri_pcap_stream_deadline(struct mri_pcap_stream *stream, int64_t timeout_ns);
/* Of the next octet to be read. */
uint64_t mri_pcap_stream_offset(const struct mri_pcap_stream *stream);
/* A record begins here. */
void mri_pcap_stream_mark(struct mri_pcap_stream *stream);
/* Takes the plain record that begins here, if all of it is in the buffer, where it stays until the
 * next read: its octets, and *header as libpcap's. NULL if there is none. */
const uint8_t *mri_pcap_stream_record(struct mri_pcap_stream *stream, struct pcap_pkthdr *header);
/* Marks, and reads more of the plain record that begins here. False, perhaps with the reason in
 * `stop`, if nothing came, or the record cannot be. */
bool mri_pcap_stream_more(struct mri_pcap_stream *stream);
/* Back to the mark, after a read that was stopped. */
void mri_pcap_stream_rewind(struct mri_pcap_stream *stream);

/* Async-signal-safe. */
void mri_pcap_stream_interrupt(struct mri_pcap_stream *stream);
/* True once for each interruption. */
bool mri_pcap_stream_interrupted(struct mri_pcap_stream *stream);

#endif
