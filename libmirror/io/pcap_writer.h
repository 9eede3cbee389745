/*
 * Writing a file in large pieces, by the caller or, if it asks for one, by a thread that does
 * nothing else: then the caller goes on while the system copies, and waits only when all buffers
 * are full.
 */
#ifndef MRI_IO_PCAP_WRITER_H
#define MRI_IO_PCAP_WRITER_H

#include "core/alloc.h"

#include <pthread.h>
#include <stdbool.h>

enum { MRI_PCAP_WRITER_BUFFERS = 4 };

struct mri_pcap_writer {
  int fd;
  bool threaded;
  size_t capacity; /* of a buffer */
  uint8_t *buffers;
  unsigned filling; /* the buffer in which the caller is */
  size_t used;      /* octets of it */
  int os_error;     /* of the first write that failed: nothing is written behind it */
  /* Of the thread, if there is one: */
  pthread_t thread;
  pthread_mutex_t lock; /* of what follows */
  pthread_cond_t more;  /* buffers to be written, or the end */
  pthread_cond_t fewer;
  size_t lengths[MRI_PCAP_WRITER_BUFFERS];
  unsigned writing; /* the buffer that is being written, or the next one that will be */
  unsigned waiting; /* so many are to be written, from that on */
  int failure;      /* to be os_error */
  bool ending;
};

/* For records of at most `capacity` octets. Borrows fd until the close. 0, or an errno. */
int mri_pcap_writer_open(struct mri_pcap_writer *writer, const struct mri_alloc *alloc, int fd,
                         size_t capacity, bool threaded);
/* Writes what is in the buffer, or leaves it to the thread, which has another one then. */
void mri_pcap_writer_next(struct mri_pcap_writer *writer);
/* Room for so many octets, to be filled and added to `used`; NULL once a write has failed. */
static inline uint8_t *mri_pcap_writer_room(struct mri_pcap_writer *writer, size_t octets) {
  if (octets > writer->capacity - writer->used) mri_pcap_writer_next(writer);
  if (writer->os_error) return NULL;
  return writer->buffers + writer->filling * writer->capacity + writer->used;
}
/* Everything is written, or os_error is set, when it returns. */
void mri_pcap_writer_flush(struct mri_pcap_writer *writer);
/* Writes what is left. A writer that is zeroed, or was not opened, has nothing. */
void mri_pcap_writer_close(struct mri_pcap_writer *writer, const struct mri_alloc *alloc);

#endif
