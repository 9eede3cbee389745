/* A configuration to a file: complete or not at all (include/libmirror/configuration.h). */
#include "core/context.h"
#include "core/report.h"

#include <errno.h>
#include <fcntl.h>
#include <libmirror/configuration.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int file, const char *text, uint64_t length) {
  while (length > 0) {
    ssize_t written = write(file, text, (size_t)length);
    if (written < 0 && errno != EINTR) return false;
    if (written < 0) continue;
    text += written;
    length -= (uint64_t)written;
  }
  return true;
}

/* The new file takes over the old one's permissions, if there is an old one. */
static bool take_over_mode(int file, const char *path) {
  struct stat old;
  if (stat(path, &old) != 0) return errno == ENOENT;
  return fchmod(file, old.st_mode & 0777) == 0;
}

static bool sync_file(int file) {
  int result;
  do {
    result = fsync(file);
  } while (result < 0 && errno == EINTR);
  return result == 0;
}

static bool fill(int file, const char *path, const char *text, uint64_t length) {
  bool done = take_over_mode(file, path) && write_all(file, text, length) && sync_file(file);
  int error = errno;
  bool closed = close(file) == 0 || errno == EINTR; /* which closes it all the same */
  if (!done) errno = error;
  return done && closed;
}

/* A new file beside `path`; -1 and errno on failure. */
static int create_beside(const char *path, char fresh[PATH_MAX]) {
  enum { ATTEMPTS = 100 }; /* others may be saving to the same path, or have died doing so */
  int file = -1;
  errno = EEXIST;
  for (int i = 0; i < ATTEMPTS && file < 0 && (errno == EEXIST || errno == EINTR); i++) {
    errno = ENAMETOOLONG;
    if (snprintf(fresh, PATH_MAX, "%s.%d.tmp", path, i) < PATH_MAX)
      file = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  }
  return file;
}

/* Writes a file beside `path`, then puts it in its place. */
static int32_t replace(const char *path, const char *text, uint64_t length, mirror_report *report) {
  char fresh[PATH_MAX];
  int file = create_beside(path, fresh);
  if (file < 0) return mri_fail_os(report, MIRROR_E_OS, errno, "%s: cannot create", path);
  if (fill(file, path, text, length) && rename(fresh, path) == 0) return MIRROR_OK;
  int error = errno;
  unlink(fresh);
  return mri_fail_os(report, MIRROR_E_OS, error, "%s: cannot write", path);
}

int32_t mirror_configuration_save(mirror_context *context, const char *path,
                                  mirror_report *report) {
  char *text = NULL;
  uint64_t length = 0;
  if (!context || !path) return mri_fail(report, MIRROR_E_ARGUMENT, "context or path is NULL");
  int32_t status = mirror_configuration_format(context, &text, &length, report);
  if (status) return status;
  status = replace(path, text, length, report);
  mirror_configuration_free(context, text);
  return status;
}
