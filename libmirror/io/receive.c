/* Receiving from an input, for taps and for callers without one. */
#include "io/io.h"

static int32_t check_call(const mirror_input *input, const mirror_packet *packets,
                          uint32_t capacity, const uint32_t *count, mirror_report *report) {
  const char *wrong = !input      ? "input is NULL"
                      : !packets  ? "packets is NULL"
                      : !capacity ? "capacity is 0"
                      : !count    ? "count is NULL"
                                  : NULL;
  if (wrong) return mri_fail(report, MIRROR_E_ARGUMENT, "mirror_input_receive: %s", wrong);
  if (input->outstanding)
    return mri_fail(report, MIRROR_E_STATE,
                    "mirror_input_receive: the packets of the last call are still in use, expected "
                    "mirror_input_release before the next one");
  return MIRROR_OK;
}

int32_t mirror_input_receive(mirror_input *input, mirror_packet *packets, uint32_t capacity,
                             int64_t timeout_ns, uint32_t *count, mirror_report *report) {
  int32_t status = check_call(input, packets, capacity, count, report);
  if (status) return status;
  *count = 0;
  status = input->backend.receive(input->state, packets, capacity, timeout_ns, count, report);
  if (status) return status;
  if (*count > capacity)
    return mri_fail(report, MIRROR_E_BACKEND, "input \"%s\" returned %u packets, room was for %u",
                    input->backend.name, *count, capacity);
  input->outstanding = true;
  return MIRROR_OK;
}

void mirror_input_release(mirror_input *input) {
  if (!input || !input->outstanding) return;
  input->outstanding = false;
  input->backend.release(input->state);
}
