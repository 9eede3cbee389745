/* The tables at the end of a run: packets and octets by verdict, session and rule. */
#ifndef MIRROR_PCAP_SUMMARY_H
#define MIRROR_PCAP_SUMMARY_H

#include <libmirror/libmirror.h>
#include <stdio.h>

/* Prints what the tap counted and what the sessions of `source_id` and their rules did. */
void summary_print(mirror_context *context, const mirror_tap *tap, const char *source_id,
                   FILE *out);

#endif
