/*
 * Takes the snapshot lengths out of captures on their way to libpcap, which would cut or refuse
 * records that are longer, and refuse pcapng files whose interfaces differ in them. To libpcap a
 * snapshot length of 0 is the greatest.
 */
#ifndef MRI_IO_PCAP_SNAPLEN_H
#define MRI_IO_PCAP_SNAPLEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MRI_PCAP_FILE_HEADER = 24 }; /* and a pcapng file is longer */

/* The blocks of a pcapng capture that have been seen. */
struct mri_pcapng {
  uint64_t next;    /* offset of the next block */
  uint32_t snaplen; /* of the section's first interface */
  bool has_interface;
  bool swapped;
  bool lost; /* a block length that cannot be: libpcap will say so */
};

/* True, and done, if these MRI_PCAP_FILE_HEADER octets are a classic file header. */
bool mri_pcap_remove_snaplen(uint8_t *header);

bool mri_is_pcapng(const uint8_t *header);
/* Works on octets [0, end) of which the first is at `base` in the capture; returns how many of them
 * are done: what remains is the beginning of a block, to be completed. */
size_t mri_pcapng_remove_snaplen(struct mri_pcapng *pcapng, uint8_t *octets, uint64_t base,
                                 size_t end);

#endif
