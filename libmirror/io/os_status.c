#include "io/os_status.h"

#include <errno.h>
#include <libmirror/base.h>

int32_t mri_output_status(int os_error) {
  switch (os_error) {
    case EAGAIN:
    case EINTR:
      return MIRROR_E_AGAIN;
    case ENOBUFS:
    case ENOMEM:
      return MIRROR_E_NO_BUFFER;
    case ENETDOWN:
      return MIRROR_E_LINK_DOWN;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case EAFNOSUPPORT:
      return MIRROR_E_NO_ROUTE;
    case EMSGSIZE:
      return MIRROR_E_TOO_LONG;
    case EPERM:
    case EACCES:
      return MIRROR_E_PERMISSION;
    case ENODEV:
    case ENXIO:
      return MIRROR_E_NO_DEVICE;
    default:
      return MIRROR_E_OS;
  }
}
