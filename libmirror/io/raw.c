/* Opening and closing outputs of frames, and their interface's coming and going. */
#include "io/raw.h"

#include "io/afpacket.h"
#include "io/options.h"

#include <errno.h>
#include <string.h>

/* ---- open ---- */

static int32_t read_options(struct mri_raw *raw, const mirror_open *open, mirror_report *report) {
  char *name = raw->hops.port.name;
  raw->frames = 512;
  raw->mark = MIRROR_SOCKET_MARK;
  const struct mri_option known[] = {
      {"ring", &raw->frames, 64, MRI_RAW_FRAMES_MOST},
      {"mark", &raw->mark, 0, UINT32_MAX},
  };
  int32_t status = mri_options_read(open, known, sizeof known / sizeof *known, name,
                                    sizeof raw->hops.port.name, report);
  if (!status && !*name)
    status = mri_fail(report, MIRROR_E_URI, "\"%s\" names no interface, expected %s:IFNAME",
                      open->uri, raw->what);
  if (!status && (raw->frames & (raw->frames - 1)))
    status = mri_fail(report, MIRROR_E_URI, "\"%s\": ring is %u, expected a power of two",
                      open->uri, raw->frames);
  return status;
}

static int32_t check_type(const struct mri_port *port, mirror_report *report) {
  if (mri_link_of_device(port->type) != UINT16_MAX) return MIRROR_OK;
  return mri_fail(report, MIRROR_E_LINK_TYPE,
                  "copies cannot be sent on interface \"%s\", of type %u (ARPHRD_), expected "
                  "Ethernet, loopback or raw IP",
                  port->name, port->type);
}

static int32_t bind_ring(struct mri_raw *raw, mirror_report *report) {
  const struct mri_port *port = &raw->hops.port;
  if (mri_tx_ring_bind(&raw->ring, port->index)) {
    raw->bound_index = port->index;
    return MIRROR_OK;
  }
  return mri_fail_os(report, errno == ENODEV ? MIRROR_E_NO_DEVICE : MIRROR_E_OS, errno,
                     "interface \"%s\": cannot bind to it", port->name);
}

/* The ring is there in any case, for when AF_XDP is not, or no longer. */
static void open_xsk(struct mri_raw *raw) {
  mirror_report report = {.size = sizeof report};
  if (mri_xsk_open(&raw->context->alloc, &raw->hops.port, raw->frames, raw->mark, &raw->xsk,
                   &report) != MIRROR_OK)
    mri_log(raw->context, MIRROR_LOG_INFO, "\"xdp:%s\" sends by a transmit ring: %s",
            raw->hops.port.name, report.text);
}

static int32_t open_all(struct mri_raw *raw, bool xdp, mirror_report *report) {
  struct mri_hops *hops = &raw->hops;
  hops->mark = raw->mark;
  int32_t status = mri_hops_open(hops, report);
  if (!status) status = check_type(&hops->port, report);
  if (!status)
    status = mri_tx_ring_open(&raw->ring, hops->port.name, raw->frames,
                              hops->port.mtu + MRI_RAW_LINK, raw->mark, report);
  if (!status) status = bind_ring(raw, report);
  if (!status) status = mri_kernel_way_open(&raw->kernel, raw->mark, report);
  if (!status && xdp) open_xsk(raw);
  return status;
}

int32_t mri_raw_open(const mirror_open *open, bool xdp, struct mri_raw **raw,
                     mirror_report *report) {
  struct mri_raw *fresh = mri_zalloc(&open->context->alloc, 1, sizeof *fresh);
  if (!fresh) return mri_fail(report, MIRROR_E_NOMEM, "\"%s\": out of memory", open->uri);
  fresh->context = open->context;
  fresh->what = xdp ? "xdp" : "afpacket";
  fresh->ring.fd = fresh->kernel.ipv4 = fresh->kernel.ipv6 = -1;
  mri_hops_init(&fresh->hops);
  int32_t status = read_options(fresh, open, report);
  if (!status) status = open_all(fresh, xdp, report);
  if (status)
    mri_raw_close(fresh);
  else
    *raw = fresh;
  return status;
}

void mri_raw_close(struct mri_raw *raw) {
  const struct mri_alloc *alloc = &raw->context->alloc;
  mri_xsk_close(alloc, raw->xsk);
  mri_tx_ring_close(&raw->ring);
  mri_kernel_way_close(&raw->kernel);
  mri_hops_close(&raw->hops);
  mri_free(alloc, raw);
}

/* ---- the interface comes and goes ---- */

/* Another AF_XDP socket would need the privilege that the program may have given up. */
void mri_raw_lose_xsk(struct mri_raw *raw, const char *why) {
  if (!raw->xsk) return;
  mri_log(raw->context, MIRROR_LOG_WARNING, "\"xdp:%s\" sends by a transmit ring from now on: %s",
          raw->hops.port.name, why);
  mri_xsk_close(&raw->context->alloc, raw->xsk);
  raw->xsk = NULL;
}

static void lose_interface(struct mri_raw *raw) {
  const char *name = raw->hops.port.name;
  mri_raw_lose_xsk(raw, "its interface is gone, and AF_XDP with it");
  if (!raw->lost)
    mri_log(raw->context, MIRROR_LOG_WARNING, "interface \"%s\" is gone: waiting for it", name);
  raw->lost = true;
  raw->bound_index = 0;
}

static void find_interface(struct mri_raw *raw) {
  if (bind_ring(raw, NULL) != MIRROR_OK) return;
  mri_log(raw->context, MIRROR_LOG_INFO, "interface \"%s\" is back", raw->hops.port.name);
  raw->lost = false;
}

void mri_raw_follow_interface(struct mri_raw *raw) {
  if (raw->hops.port.index == raw->bound_index) return;
  lose_interface(raw);
  if (raw->hops.port.index) find_interface(raw);
}
