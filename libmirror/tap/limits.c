/* F4: rate limits as token buckets, one pair a session, shared by all taps without a lock. */
#include "tap/tap.h"

/* A bucket holds one second's worth. */
static const int64_t depth_ns = 1000ll * 1000 * 1000;

static int64_t cost_ns(uint64_t units, uint64_t per_second) {
  return (int64_t)(units * 1000000000u / per_second);
}

/*
 * `until` is the time at which the bucket will be full again. A copy fits if its cost keeps that
 * within the depth, and in any case into a full bucket, so that a small limit never starves.
 */
static bool take(_Atomic int64_t *until, int64_t now_ns, int64_t cost) {
  int64_t seen = atomic_load_explicit(until, memory_order_relaxed);
  for (;;) {
    /* More than two depths ahead of now is no debt: the clock went back. */
    bool full = seen <= now_ns || seen - now_ns > 2 * depth_ns + cost;
    int64_t from = full ? now_ns : seen;
    if (!full && from + cost - now_ns > depth_ns) return false;
    if (atomic_compare_exchange_weak_explicit(until, &seen, from + cost, memory_order_relaxed,
                                              memory_order_relaxed))
      return true;
  }
}

/* Packet times come from outside; these bounds keep the sums above from overflowing. */
static int64_t sane_time(int64_t now_ns) {
  if (now_ns < 0) return 0;
  return now_ns > INT64_MAX / 2 ? INT64_MAX / 2 : now_ns;
}

bool mri_rate_allows(const struct mri_session *session, int64_t now_ns, uint32_t octets) {
  now_ns = sane_time(now_ns);
  struct mri_buckets *buckets = &session->version.entry->buckets;
  bool packets = session->rate_limit_pps != MIRROR_ABSENT_64;
  bool bits = session->rate_limit_bps != MIRROR_ABSENT_64;
  int64_t packet_cost = packets ? cost_ns(1, session->rate_limit_pps) : 0;
  if (packets && !take(&buckets->packets_until_ns, now_ns, packet_cost)) return false;
  if (!bits ||
      take(&buckets->bits_until_ns, now_ns, cost_ns(octets * 8ull, session->rate_limit_bps)))
    return true;
  if (packets) /* not mirrored after all: give the packet's token back */
    atomic_fetch_sub_explicit(&buckets->packets_until_ns, packet_cost, memory_order_relaxed);
  return false;
}
