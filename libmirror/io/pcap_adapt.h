/*
 * Changes captures on their way to libpcap, which reads less than there is:
 *
 *  - It would cut or refuse records longer than the snapshot length, and refuse pcapng files whose
 *    interfaces differ in it: it sees 0, the greatest.
 *  - It refuses pcapng files whose interfaces differ in the link type: it sees the first one
 *    everywhere, and each packet's own is kept here.
 *  - It does not tell how many octets of frame check sequence frames end with.
 */
#ifndef MRI_IO_PCAP_ADAPT_H
#define MRI_IO_PCAP_ADAPT_H

#include "core/alloc.h"

#include <stdbool.h>

enum {
  MRI_PCAP_FILE_HEADER = 24,   /* and a pcapng file is longer */
  MRI_PCAPNG_AHEAD_LOG2 = 17,  /* most packets that may be seen and not yet read ... */
  MRI_PCAPNG_LEAST_BLOCK = 12, /* ... as many as such blocks fit into all buffers */
};

/* What the frames of an interface are. */
struct mri_pcap_frames {
  uint16_t link; /* type */
  uint16_t fcs;  /* octets of frame check sequence at the end of a whole frame */
};

/* The blocks of a pcapng capture that have been seen. */
struct mri_pcapng {
  const struct mri_alloc *alloc;
  uint64_t next;    /* offset of the next block */
  uint32_t snaplen; /* of the section's first interface */
  bool has_link;    /* first_link is set */
  bool swapped;
  bool lost;                         /* a block length that cannot be: libpcap will say so */
  bool out_of_memory;                /* nothing more is seen */
  uint16_t first_link;               /* of the capture's first interface */
  struct mri_pcap_frames *interface; /* of the section */
  uint32_t interfaces;
  uint32_t capacity;
  struct mri_pcap_frames *packet; /* of packets seen and not yet read: a ring */
  uint32_t seen;
  uint32_t read;
};

/* How the records of a classic capture are to be read. */
struct mri_pcap_classic {
  bool plain;       /* each has 16 octets of header, with its lengths in the usual order */
  bool swapped;     /* byte order */
  uint16_t fcs;     /* as in struct mri_pcap_frames */
  uint32_t unit_ns; /* of the fractions of a second */
};

/* True, and done, if these MRI_PCAP_FILE_HEADER octets are a classic file header. */
bool mri_pcap_adapt(uint8_t *header, struct mri_pcap_classic *classic);

bool mri_is_pcapng(const uint8_t *header);
/* False when out of memory. */
bool mri_pcapng_start(struct mri_pcapng *pcapng, const struct mri_alloc *alloc);
void mri_pcapng_stop(struct mri_pcapng *pcapng);
/* Works on octets [0, end) of which the first is at `base` in the capture; returns how many of them
 * are done: what remains is the beginning of a block, to be completed. */
size_t mri_pcapng_adapt(struct mri_pcapng *pcapng, uint8_t *octets, uint64_t base, size_t end);
/* What the next packet is, in the order of the capture. */
struct mri_pcap_frames mri_pcapng_next(struct mri_pcapng *pcapng);

#endif
