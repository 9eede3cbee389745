/* A progress bar on standard error, if that is a terminal and the run takes long. */
#ifndef MIRROR_PCAP_PROGRESS_H
#define MIRROR_PCAP_PROGRESS_H

#include <libmirror/io.h>
#include <stdbool.h>

struct progress {
  mirror_input *input;
  bool enabled;
  bool drawn;
  uint64_t packets;
  int64_t started_ns;
  int64_t next_ns;
};

void progress_start(struct progress *progress, mirror_input *input);
/* Call it after every batch. */
void progress_advance(struct progress *progress, uint32_t packets);
/* Wipes the bar. */
void progress_end(struct progress *progress);

#endif
