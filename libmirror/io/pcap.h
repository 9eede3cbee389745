/* The two halves of the pcap backend. Each half is zeroed where it is not the one in use. */
#ifndef MRI_IO_PCAP_H
#define MRI_IO_PCAP_H

#include "io/io.h"
#include "io/pcap_stream.h"
#include "io/pcap_writer.h"

#include <pcap/pcap.h>

/* MIRROR_LINK_ of a link type of libpcap's; may be one that cannot be mirrored. */
uint32_t mri_pcap_link(int number);

struct mri_pcap_input {
  const struct mri_alloc *alloc; /* NULL: not in use */
  struct mri_pcap_stream stream;
  pcap_t *pcap;
  char *path;
  uint8_t *arena; /* the packets of a batch, but for those that stay in the stream's buffer */
  struct pcap_pkthdr header;
  const uint8_t *data; /* a packet that libpcap read and that is not yet delivered, or NULL */
  uint32_t link_type;
  uint32_t fcs;        /* octets at the end of a whole frame that are no part of it (V3) */
  mirror_report fault; /* code 0, or why there are no more packets */
};

int32_t mri_pcap_open_input(void *state, const mirror_open *open, mirror_report *report);
int32_t mri_pcap_receive(void *state, mirror_packet *packets, uint32_t capacity, int64_t timeout_ns,
                         uint32_t *count, mirror_report *report);
int32_t mri_pcap_link_type(void *state, uint32_t *link_type);
int32_t mri_pcap_progress(void *state, uint64_t *done, uint64_t *total);
void mri_pcap_input_close(struct mri_pcap_input *input);

struct mri_pcap_output {
  const struct mri_alloc *alloc; /* NULL: not in use */
  int fd;
  char *path;
  struct mri_pcap_writer writer;
};

int32_t mri_pcap_open_output(void *state, const mirror_open *open, mirror_report *report);
uint32_t mri_pcap_layer(void *state);
int32_t mri_pcap_send(void *state, const mirror_copy *copies, uint32_t count, uint32_t *accepted,
                      mirror_report *report);
int32_t mri_pcap_flush(void *state, mirror_report *report);
void mri_pcap_output_close(struct mri_pcap_output *output);

/* The private state of an instance. */
struct mri_pcap {
  struct mri_pcap_input input;
  struct mri_pcap_output output;
};

#endif
