/* What follows the backend's name in a URI: "NAME?key=number&key=number". */
#ifndef MRI_IO_OPTIONS_H
#define MRI_IO_OPTIONS_H

#include "io/io.h"

struct mri_option {
  const char *key;
  uint32_t *value; /* holds the default before */
  uint32_t least;
  uint32_t most;
};

/*
 * Copies the name, which may be empty, into name[size] and reads the options, decimal or 0x
 * numbers. MIRROR_E_URI says which option is wrong, and what was expected.
 */
int32_t mri_options_read(const mirror_open *open, const struct mri_option *options, size_t count,
                         char *name, size_t size, mirror_report *report);

#endif
