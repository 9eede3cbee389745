/* Prepared keys (include/libmirror/packet.h) made from what a packet's reading found. */
#ifndef MRI_MATCH_KEY_H
#define MRI_MATCH_KEY_H

#include "packet/octets.h"

#include <libmirror/packet.h>
#include <string.h>

enum {
  MRI_KEY_FIELDS = MIRROR_KEY_PROTOCOL | MIRROR_KEY_SOURCE_PORT | MIRROR_KEY_DESTINATION_PORT
};

static inline void mri_key4_of(mirror_key4 *to, const mirror_key *key) {
  to->protocol = key->protocol;
  to->absent = key->present ^ MRI_KEY_FIELDS;
  to->reserved[0] = to->reserved[1] = 0;
  memcpy(to->source, key->source, sizeof to->source);
  memcpy(to->destination, key->destination, sizeof to->destination);
  mri_put16(to->source_port, key->source_port);
  mri_put16(to->destination_port, key->destination_port);
}

static inline void mri_key6_of(mirror_key6 *to, const mirror_key *key) {
  to->protocol = key->protocol;
  to->absent = key->present ^ MRI_KEY_FIELDS;
  to->reserved[0] = to->reserved[1] = 0;
  memcpy(to->source, key->source, sizeof to->source);
  memcpy(to->destination, key->destination, sizeof to->destination);
  mri_put16(to->source_port, key->source_port);
  mri_put16(to->destination_port, key->destination_port);
}

#endif
