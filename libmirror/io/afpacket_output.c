/* The output side of "afpacket:", and "xdp:": both are what raw.h is about. */
#include "io/afpacket.h"
#include "io/raw.h"

static struct mri_raw *output_of(void *state) {
  return ((struct mri_afpacket *)state)->output;
}

int32_t mri_afpacket_open_output(void *state, const mirror_open *open, mirror_report *report) {
  return mri_raw_open(open, false, &((struct mri_afpacket *)state)->output, report);
}

uint32_t mri_afpacket_layer(void *state) {
  (void)state;
  return MIRROR_LAYER_IP;
}

int32_t mri_afpacket_send(void *state, const mirror_copy *copies, uint32_t count,
                          uint32_t *accepted, mirror_report *report) {
  return mri_raw_send(output_of(state), copies, count, accepted, report);
}

int32_t mri_afpacket_send_each(void *state, const mirror_copy *copies, uint32_t count,
                               int32_t *statuses, mirror_report *report) {
  return mri_raw_send_each(output_of(state), copies, count, statuses, report);
}

void mri_afpacket_close_output(void *state) {
  mri_raw_close(output_of(state));
}

static int32_t open_xdp(void *state, const mirror_open *open, mirror_report *report) {
  return mri_raw_open(open, true, &((struct mri_afpacket *)state)->output, report);
}

static void nothing_to_interrupt(void *state) {
  (void)state;
}

const mirror_backend mri_backend_xdp = {
    .size = sizeof mri_backend_xdp,
    .abi = MIRROR_BACKEND_ABI,
    .name = "xdp",
    .capabilities = MIRROR_CAN_OUTPUT,
    .state_size = sizeof(struct mri_afpacket),
    .open_output = open_xdp,
    .layer = mri_afpacket_layer,
    .send = mri_afpacket_send,
    .interrupt = nothing_to_interrupt,
    .close = mri_afpacket_close_output,
    .send_each = mri_afpacket_send_each,
};
