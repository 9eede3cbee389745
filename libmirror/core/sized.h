/* Structs with `uint32_t size` first (the rules are in base.h). */
#ifndef MRI_CORE_SIZED_H
#define MRI_CORE_SIZED_H

#include <libmirror/base.h>

#include <stddef.h>

/*
 * What every caller knows of a struct: up to `member`, the last one that has to be set or read for
 * a call to make sense. Once released it never moves; what is added comes behind.
 */
#define MRI_UP_TO(type, member) \
  ((uint32_t)(offsetof(type, member) + sizeof((const type *)0)->member))

/*
 * Reads a caller's struct into `own` (own_size octets, already holding defaults and its size). A
 * longer caller's struct must have a zero tail; fields that a shorter one lacks keep the default.
 * `least` (MRI_UP_TO) is what every caller knows of the struct: less is refused, and so is a size
 * that no release can have had, because it would end inside a member: half a pointer is none.
 * Errors: MIRROR_E_ARGUMENT (NULL), MIRROR_E_STRUCT_SIZE.
 */
#define mri_sized_read(own, own_size, caller, least, report) \
  mri_sized_read_aligned(own, own_size, (uint32_t) __alignof__(*(own)), caller, least, report)
int32_t mri_sized_read_aligned(void *own, uint32_t own_size, uint32_t alignment, const void *caller,
                               uint32_t least, mirror_report *report);

/* Writes `own` to a caller's struct: the part that both know, size unchanged, tail zeroed. */
int32_t mri_sized_write(void *caller, const void *own, uint32_t own_size, uint32_t least);

/* For init functions: zeroes `size` octets and stores the size. No effect on NULL or size < 4. */
void mri_sized_init(void *caller, uint32_t size);

/*
 * For init functions with defaults: copies the part of `own` (own_size octets) that fits into
 * `size` octets, zeroes the rest and stores `size`.
 */
void mri_sized_defaults(void *caller, uint32_t size, const void *own, uint32_t own_size);

#endif
