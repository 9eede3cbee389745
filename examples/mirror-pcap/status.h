/* Exit statuses of mirror-pcap, as its manual page documents them. */
#ifndef MIRROR_PCAP_STATUS_H
#define MIRROR_PCAP_STATUS_H

#include <stdint.h>

enum status {
  STATUS_DONE = 0,
  STATUS_DAMAGED = 1,       /* the input is damaged or cut; everything before that is done */
  STATUS_USAGE = 2,         /* bad arguments */
  STATUS_CONFIGURATION = 3, /* a bad configuration */
  STATUS_IO = 4,            /* an input or output cannot be opened, read or written */
  STATUS_SIGNAL = 128       /* plus the number of the signal that ended the run */
};

/* Prints "mirror-pcap: ..." on standard error; returns `status`. */
int complain(enum status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
