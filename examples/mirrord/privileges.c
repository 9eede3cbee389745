#include "privileges.h"

#include "log.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

bool privileges_find(const char *user, struct identity *identity) {
  bool root = geteuid() == 0;
  const char *name = user ? user : "nobody";

  *identity = (struct identity){.uid = geteuid(), .gid = getegid()};
  if (!root && !user) return true;
  const struct passwd *entry = getpwnam(name);
  if (!entry) {
    complain(STATUS_USAGE, "--user: there is no user '%s'", name);
    return false;
  }
  *identity = (struct identity){.uid = entry->pw_uid, .gid = entry->pw_gid};
  identity->change = entry->pw_uid != geteuid();
  if (!identity->change || root) return true;
  complain(STATUS_USAGE, "--user: only root can become '%s'", name);
  return false;
}

static bool fail(const char *what, int result) {
  complain(STATUS_FAILED, "%s (%d): %s", what, result, strerror(errno));
  return false;
}

/* The bounding set can be emptied only by who may; without exec (seccomp.c) it gives nothing. */
static bool empty_sets(void) {
  capng_get_caps_process();
  bool all = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
  capng_clear(CAPNG_SELECT_ALL);
  int result = all ? capng_apply(CAPNG_SELECT_BOUNDS) : 0;
  if (result < 0) return fail("the bounding set of capabilities cannot be emptied", result);
  result = capng_apply(CAPNG_SELECT_CAPS);
  if (result >= 0) result = capng_apply(CAPNG_SELECT_AMBIENT);
  return result >= 0 || fail("capabilities cannot be given up", result);
}

static bool become(const struct identity *identity) {
  capng_clear(CAPNG_SELECT_ALL);
  int result = capng_change_id((int)identity->uid, (int)identity->gid,
                               CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING | CAPNG_CLEAR_AMBIENT);
  return result >= 0 || fail("cannot become another user", result);
}

/* What the libraries claim is looked up. */
static bool none_left(void) {
  capng_get_caps_process();
  if (capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE) return true;
  complain(STATUS_FAILED, "capabilities are left after they were given up");
  return false;
}

bool privileges_drop(const struct identity *identity) {
  if (!(identity->change ? become(identity) : empty_sets())) return false;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return fail("no_new_privs cannot be set", 0);
  return none_left();
}
