#include "core/sized.h"

#include "core/report.h"

#include <stddef.h>
#include <string.h>

static uint32_t size_of(const void *caller) {
  uint32_t size;
  memcpy(&size, caller, sizeof size);
  return size;
}

static uint32_t smaller(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

/* Everything behind the size member that both structs have. */
static void copy_common(void *to, const void *from, uint32_t octets) {
  const uint32_t head = sizeof(uint32_t);
  if (octets > head) memcpy((char *)to + head, (const char *)from + head, octets - head);
}

int32_t mri_sized_read_aligned(void *own, uint32_t own_size, uint32_t alignment, const void *caller,
                               uint32_t least, mirror_report *report) {
  if (!caller) return mri_fail(report, MIRROR_E_ARGUMENT, "a struct is NULL, expected a pointer");
  uint32_t size = size_of(caller);
  if (size < least)
    return mri_fail(report, MIRROR_E_STRUCT_SIZE,
                    "a struct's size member is %u, expected at least %u: call its init function",
                    size, least);
  if (size > least && size < own_size && size % alignment)
    return mri_fail(report, MIRROR_E_STRUCT_SIZE,
                    "a struct's size member is %u, which is inside a member, expected a multiple "
                    "of %u: call its init function",
                    size, alignment);
  for (uint32_t i = own_size; i < size; i++) {
    if (((const char *)caller)[i])
      return mri_fail(report, MIRROR_E_STRUCT_SIZE,
                      "a struct of %u octets has something set at octet %u, but this library knows "
                      "only the first %u: expected zeros there",
                      size, i, own_size);
  }
  copy_common(own, caller, smaller(size, own_size));
  return MIRROR_OK;
}

int32_t mri_sized_write(void *caller, const void *own, uint32_t own_size, uint32_t least) {
  if (!caller) return MIRROR_E_ARGUMENT;
  uint32_t size = size_of(caller);
  if (size < least) return MIRROR_E_STRUCT_SIZE;
  copy_common(caller, own, smaller(size, own_size));
  if (size > own_size) memset((char *)caller + own_size, 0, size - own_size);
  return MIRROR_OK;
}

void mri_sized_defaults(void *caller, uint32_t size, const void *own, uint32_t own_size) {
  if (!caller || size < sizeof size) return;
  memset(caller, 0, size);
  memcpy(caller, &size, sizeof size);
  copy_common(caller, own, smaller(size, own_size));
}

void mri_sized_init(void *caller, uint32_t size) {
  mri_sized_defaults(caller, size, NULL, 0);
}
