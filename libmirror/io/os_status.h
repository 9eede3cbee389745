/* What a failed system call means for a copy that was to be sent. */
#ifndef MRI_IO_OS_STATUS_H
#define MRI_IO_OS_STATUS_H

#include <stdint.h>

/* One of the statuses of send (ext/backend.h); MIRROR_E_OS if the errno is none of the known. */
int32_t mri_output_status(int os_error);

#endif
