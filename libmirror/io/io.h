/* The inside of inputs and outputs: a backend's table and its private state. */
#ifndef MRI_IO_IO_H
#define MRI_IO_IO_H

#include "core/context.h"
#include "core/report.h"
#include "core/sized.h"

#include <libmirror/io.h>

#include <stdbool.h>

/* Optional slots are filled with defaults, so callers test nothing. */
struct mirror_input {
  mirror_context *context;
  mirror_backend backend;
  void *state;
  bool outstanding; /* packets were received and not released */
};

struct mirror_output {
  mirror_context *context;
  mirror_backend backend;
  void *state;
  uint32_t layer;
};

/* The table of backends of a context, with the built-in ones. */
int32_t mri_backends_create(const struct mri_alloc *alloc, struct mri_backends **backends);
void mri_backends_destroy(const struct mri_alloc *alloc, struct mri_backends *backends);

extern const mirror_backend mri_backend_memory;
extern const mirror_backend mri_backend_callback;
#ifdef MIRROR_WITH_PCAP
extern const mirror_backend mri_backend_pcap;
extern const mirror_backend mri_backend_pcap_live;
#endif
#ifdef MIRROR_WITH_NETLINK
extern const mirror_backend mri_backend_vxlan;
extern const mirror_backend mri_backend_xdp;
#endif
#ifdef MIRROR_WITH_LIBNET
extern const mirror_backend mri_backend_libnet;
#endif
#ifdef __linux__
extern const mirror_backend mri_backend_afpacket;
extern const mirror_backend mri_backend_udp;
#endif

#endif
