/* The verdict table: tab-separated, a header line and one row for each packet. */
#ifndef MIRROR_PCAP_VERDICTS_H
#define MIRROR_PCAP_VERDICTS_H

#include <libmirror/libmirror.h>
#include <stdbool.h>

struct verdicts;

/* `path` "-" is standard output. False after a message. */
bool verdicts_open(struct verdicts **verdicts, const char *path);
/* Adds the row of packet n. A failure shows in verdicts_good. */
void verdicts_add(struct verdicts *verdicts, uint64_t n, const mirror_packet *packet,
                  const mirror_verdict *verdict);
/* False if a row could not be written. NULL is good. */
bool verdicts_good(const struct verdicts *verdicts);
/* Writes what is left. False after a message if the table is not whole; NULL is allowed. */
bool verdicts_close(struct verdicts *verdicts);

#endif
