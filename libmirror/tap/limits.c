/* F4: rate limits as token buckets, one pair a session, shared by all taps without a lock. */
#include "packet/segment.h"
#include "tap/tap.h"

/* A bucket holds one second's worth. */
static const int64_t depth_ns = 1000LL * 1000 * 1000;

/* The most that one packet costs: a super-frame (V6) of the shortest segments. */
enum { BITS_MAX = (MIRROR_GSO_PAYLOAD_MAX + MRI_SEGMENTS_MAX * MIRROR_GSO_HEADERS_MAX) * 8 };

static int64_t cost_ns(uint64_t units, uint64_t per_second) {
  return (int64_t)(units * 1000000000u / per_second);
}

/*
 * `until` is the time at which the bucket will be full again. What is taken fits if its cost keeps
 * that within the depth, and in any case into a full bucket, so that a small limit never starves.
 * `most` is the highest cost there is.
 */
static bool take(_Atomic int64_t *until, int64_t now_ns, int64_t cost, int64_t most) {
  int64_t seen = atomic_load_explicit(until, memory_order_relaxed);
  for (;;) {
    /* More than this ahead of now is no debt: the clock went back. */
    bool full = seen <= now_ns || seen - now_ns > 2 * depth_ns + most;
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

static bool take_packets(const struct mri_session *session, int64_t now_ns, uint32_t copies) {
  const uint64_t rate = session->rate_limit_pps;
  return take(&session->version.entry->buckets.packets_until_ns, now_ns, cost_ns(copies, rate),
              cost_ns(MRI_SEGMENTS_MAX, rate));
}

static bool take_bits(const struct mri_session *session, int64_t now_ns, uint32_t octets) {
  const uint64_t rate = session->rate_limit_bps;
  return take(&session->version.entry->buckets.bits_until_ns, now_ns, cost_ns(octets * 8ull, rate),
              cost_ns(BITS_MAX, rate));
}

bool mri_rate_allows(const struct mri_session *session, int64_t now_ns, uint32_t copies,
                     uint32_t octets) {
  now_ns = sane_time(now_ns);
  bool packets = session->rate_limit_pps != MIRROR_ABSENT_64;
  bool bits = session->rate_limit_bps != MIRROR_ABSENT_64;
  if (packets && !take_packets(session, now_ns, copies)) return false;
  if (!bits || take_bits(session, now_ns, octets)) return true;
  if (packets) /* not mirrored after all: give the packets' tokens back */
    atomic_fetch_sub_explicit(&session->version.entry->buckets.packets_until_ns,
                              cost_ns(copies, session->rate_limit_pps), memory_order_relaxed);
  return false;
}
