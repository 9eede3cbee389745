/* AF_XDP in a build without libxdp. */
#include "io/raw.h"

int32_t mri_xsk_open(const struct mri_alloc *alloc, const struct mri_port *port, uint32_t frames,
                     uint32_t mark, struct mri_xsk **xsk, mirror_report *report) {
  (void)alloc, (void)port, (void)frames, (void)mark;
  *xsk = NULL;
  return mri_fail(report, MIRROR_E_UNSUPPORTED, "this build has no AF_XDP (libxdp)");
}

/* No socket exists that the others could be called for. */
void mri_xsk_close(const struct mri_alloc *alloc, struct mri_xsk *xsk) {
  (void)alloc, (void)xsk;
}

uint32_t mri_xsk_room(const struct mri_xsk *xsk) {
  (void)xsk;
  return 0;
}

uint8_t *mri_xsk_next(struct mri_xsk *xsk) {
  (void)xsk;
  return NULL;
}

void mri_xsk_put(struct mri_xsk *xsk, uint32_t length) {
  (void)xsk, (void)length;
}

bool mri_xsk_send(struct mri_xsk *xsk, int *errors) {
  (void)xsk, (void)errors;
  return false;
}
