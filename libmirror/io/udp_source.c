/* Outer source addresses: a UDP socket sends from addresses of this host alone. */
#include "io/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define HOLDS_NS INT64_C(500000000)
#define QUIET_NS INT64_C(1000000000)

static uint32_t place_of(const mirror_outer *outer) {
  uint32_t sum = outer->family;
  for (unsigned i = 0; i < sizeof outer->source; i++)
    sum = sum * 31 + outer->source[i];
  return sum % MRI_UDP_FOREIGN;
}

static bool same(const struct mri_udp_foreign *entry, const mirror_outer *outer) {
  return entry->family == outer->family &&
         memcmp(entry->address, outer->source, sizeof entry->address) == 0;
}

bool mri_udp_source_is_foreign(const struct mri_udp *udp, const mirror_outer *outer) {
  static const uint8_t none[sizeof outer->source];
  if (memcmp(outer->source, none, sizeof none) == 0) return true;
  const struct mri_udp_foreign *entry = &udp->foreign[place_of(outer)];
  return same(entry, outer) && udp->now_ns < entry->until_ns;
}

/* Such copies are not known by their addresses when they come back in (F1). */
static void warn(struct mri_udp *udp, const mirror_outer *outer) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(outer->family == 4 ? AF_INET : AF_INET6, outer->source, text, sizeof text);
  mri_log(
      udp->context, MIRROR_LOG_WARNING,
      "udp output: %s is no address of this host, copies of that source leave from another one%s",
      text,
      udp->marked ? "" : ", and without a mark: an input that sees them would mirror them again");
}

/* What releases of the system say of a foreign address; some of it about missing routes too. */
static bool may_be_foreign(int os_error) {
  return os_error == EINVAL || os_error == ENETUNREACH || os_error == EADDRNOTAVAIL;
}

bool mri_udp_source_suspect(struct mri_udp *udp, const mirror_outer *outer, int os_error) {
  struct mri_udp_foreign *entry = &udp->foreign[place_of(outer)];
  if (!may_be_foreign(os_error) || mri_udp_source_is_foreign(udp, outer)) return false;
  if (same(entry, outer) && udp->now_ns < entry->trusted_until_ns) return false;
  if (!same(entry, outer)) entry->told = false;
  entry->family = outer->family;
  memcpy(entry->address, outer->source, sizeof entry->address);
  entry->until_ns = udp->now_ns + HOLDS_NS;
  return true;
}

void mri_udp_source_judge(struct mri_udp *udp, const mirror_outer *outer, bool right) {
  struct mri_udp_foreign *entry = &udp->foreign[place_of(outer)];
  if (!right) {
    entry->until_ns = 0;
    entry->trusted_until_ns = udp->now_ns + HOLDS_NS;
  } else if (!entry->told && udp->now_ns >= udp->quiet_until_ns) {
    warn(udp, outer);
    entry->told = true;
    udp->quiet_until_ns = udp->now_ns + QUIET_NS;
  }
}
