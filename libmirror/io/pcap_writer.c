#include "io/pcap_writer.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

/* 0, or an errno. */
static int write_all(int fd, const uint8_t *octets, size_t length) {
  while (length) {
    const ssize_t count = write(fd, octets, length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    octets += count;
    length -= (size_t)count;
  }
  return 0;
}

/* ---- the thread ---- */

/* Lock held, but for the time of the write. */
static void write_next(struct mri_pcap_writer *writer) {
  const uint8_t *octets = writer->buffers + writer->writing * writer->capacity;
  const size_t length = writer->lengths[writer->writing];
  if (!writer->failure) {
    pthread_mutex_unlock(&writer->lock);
    const int failure = write_all(writer->fd, octets, length);
    pthread_mutex_lock(&writer->lock);
    writer->failure = failure;
  }
  writer->writing = (writer->writing + 1) % MRI_PCAP_WRITER_BUFFERS;
  writer->waiting--;
  pthread_cond_signal(&writer->fewer);
}

static void *run(void *user) {
  struct mri_pcap_writer *writer = user;
  pthread_mutex_lock(&writer->lock);
  for (;;) {
    if (writer->waiting)
      write_next(writer);
    else if (writer->ending)
      break;
    else
      pthread_cond_wait(&writer->more, &writer->lock);
  }
  pthread_mutex_unlock(&writer->lock);
  return NULL;
}

/* Signals are the host's: they go to its own threads. */
static int start(struct mri_pcap_writer *writer) {
  sigset_t all, saved;
  pthread_mutex_init(&writer->lock, NULL);
  pthread_cond_init(&writer->more, NULL);
  pthread_cond_init(&writer->fewer, NULL);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &saved);
  const int failure = pthread_create(&writer->thread, NULL, run, writer);
  pthread_sigmask(SIG_SETMASK, &saved, NULL);
  return failure;
}

static void destroy_locks(struct mri_pcap_writer *writer) {
  pthread_cond_destroy(&writer->fewer);
  pthread_cond_destroy(&writer->more);
  pthread_mutex_destroy(&writer->lock);
}

/* It writes what it was given first. */
static void stop(struct mri_pcap_writer *writer) {
  pthread_mutex_lock(&writer->lock);
  writer->ending = true;
  pthread_cond_signal(&writer->more);
  pthread_mutex_unlock(&writer->lock);
  pthread_join(writer->thread, NULL);
  destroy_locks(writer);
}

/* Gives the thread what is in the buffer, and waits until at most `most` buffers are left to it. */
static void hand_over(struct mri_pcap_writer *writer, unsigned most) {
  pthread_mutex_lock(&writer->lock);
  if (writer->used) {
    writer->lengths[writer->filling] = writer->used;
    writer->filling = (writer->filling + 1) % MRI_PCAP_WRITER_BUFFERS;
    writer->waiting++;
    pthread_cond_signal(&writer->more);
  }
  while (writer->waiting > most)
    pthread_cond_wait(&writer->fewer, &writer->lock);
  writer->os_error = writer->failure;
  pthread_mutex_unlock(&writer->lock);
}

/* ---- either way ---- */

/* The buffer is empty afterwards. */
static void pass_on(struct mri_pcap_writer *writer, unsigned most) {
  if (writer->threaded)
    hand_over(writer, most);
  else if (!writer->os_error)
    writer->os_error = write_all(writer->fd, writer->buffers, writer->used);
  writer->used = 0;
}

int mri_pcap_writer_open(struct mri_pcap_writer *writer, const struct mri_alloc *alloc, int fd,
                         size_t capacity, bool threaded) {
  *writer = (struct mri_pcap_writer){.fd = fd, .threaded = threaded, .capacity = capacity};
  writer->buffers = mri_zalloc(alloc, threaded ? MRI_PCAP_WRITER_BUFFERS : 1, capacity);
  if (!writer->buffers) return ENOMEM;
  const int failure = threaded ? start(writer) : 0;
  if (failure) {
    destroy_locks(writer);
    mri_free(alloc, writer->buffers);
    writer->buffers = NULL;
  }
  return failure;
}

void mri_pcap_writer_next(struct mri_pcap_writer *writer) {
  pass_on(writer, MRI_PCAP_WRITER_BUFFERS - 1);
}

void mri_pcap_writer_flush(struct mri_pcap_writer *writer) {
  pass_on(writer, 0);
}

void mri_pcap_writer_close(struct mri_pcap_writer *writer, const struct mri_alloc *alloc) {
  if (!writer->buffers) return;
  mri_pcap_writer_flush(writer);
  if (writer->threaded) stop(writer);
  mri_free(alloc, writer->buffers);
}
