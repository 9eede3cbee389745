/* "pcap:FILE": capture files and pipes, by libpcap. */
#include "io/pcap.h"

static void interrupt_receive(void *state) {
  struct mri_pcap_input *input = &((struct mri_pcap *)state)->input;
  if (input->alloc) mri_pcap_stream_interrupt(&input->stream);
}

static void close_pcap(void *state) {
  struct mri_pcap *pcap = state;
  if (pcap->input.alloc) mri_pcap_input_close(&pcap->input);
  if (pcap->output.alloc) mri_pcap_output_close(&pcap->output);
}

const mirror_backend mri_backend_pcap = {
    .size = sizeof mri_backend_pcap,
    .abi = MIRROR_BACKEND_ABI,
    .name = "pcap",
    .capabilities = MIRROR_CAN_INPUT | MIRROR_CAN_OUTPUT,
    .state_size = sizeof(struct mri_pcap),
    .open_input = mri_pcap_open_input,
    .receive = mri_pcap_receive,
    .open_output = mri_pcap_open_output,
    .layer = mri_pcap_layer,
    .send = mri_pcap_send,
    .flush = mri_pcap_flush,
    .interrupt = interrupt_receive,
    .link_type = mri_pcap_link_type,
    .progress = mri_pcap_progress,
    .close = close_pcap,
};
