/* Giving up what only opening needs (R17). */
#ifndef MIRRORD_PRIVILEGES_H
#define MIRRORD_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

/* Whom to become. */
struct identity {
  uid_t uid;
  gid_t gid;
  bool change; /* false: stay who we are */
};

/* `user` NULL: nobody, if this is root. False after a message. */
bool privileges_find(const char *user, struct identity *identity);

/*
 * Becomes that user; empties all capability sets, of this and of later threads; sets no_new_privs.
 * Before the first thread is started. False after a message.
 */
bool privileges_drop(const struct identity *identity);

/* From now on a system call that mirrord has no use for ends the process (seccomp.c). */
bool privileges_confine(void);

#endif
