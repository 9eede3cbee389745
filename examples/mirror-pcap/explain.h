/* --explain N: why one packet got its verdict. */
#ifndef MIRROR_PCAP_EXPLAIN_H
#define MIRROR_PCAP_EXPLAIN_H

#include <libmirror/libmirror.h>
#include <stdbool.h>
#include <stdio.h>

struct explain {
  mirror_context *context;
  uint64_t wanted; /* 0 = none */
  mirror_explanation *explanation;
  mirror_verdict verdict; /* of the tap; its strings are not kept */
  uint32_t caplen;
  int32_t failure; /* why there is no explanation though the packet came */
};

/* To be called with packet `explain->wanted`. */
void explain_packet(struct explain *explain, const mirror_packet *packet,
                    const mirror_verdict *verdict);
/* Prints the walk. False after a message if the packet never came. */
bool explain_print(const struct explain *explain, FILE *out);
void explain_release(struct explain *explain);

#endif
