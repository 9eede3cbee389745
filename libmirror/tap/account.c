/* F3: each packet is counted once, for the tap, its source and direction, session, rule, target. */
#include "tap/tap.h"

static unsigned verdict_counter(const struct mri_decision *decision) {
  static const uint8_t by_verdict[] = {
      [MIRROR_MIRRORED] = MIRROR_COUNTER_MIRRORED,
      [MIRROR_REJECTED] = MIRROR_COUNTER_REJECTED,
      [MIRROR_UNMATCHED] = MIRROR_COUNTER_UNMATCHED,
      [MIRROR_UNPARSABLE] = MIRROR_COUNTER_UNPARSABLE,
      [MIRROR_OWN] = MIRROR_COUNTER_OWN,
      [MIRROR_BLOCKED] = MIRROR_COUNTER_BLOCKED,
      [MIRROR_DROPPED] = MIRROR_COUNTER_DROPPED_OVERSIZE, /* the first of the drop reasons */
  };
  unsigned counter = by_verdict[decision->verdict];
  return decision->verdict == MIRROR_DROPPED ? counter + decision->reason - 1 : counter;
}

static unsigned output_counter(int32_t status) {
  switch (status) {
    case MIRROR_OK:
      return MIRROR_COUNTER_SENT;
    case MIRROR_E_AGAIN:
      return MIRROR_COUNTER_FAILED_AGAIN;
    case MIRROR_E_NO_BUFFER:
      return MIRROR_COUNTER_FAILED_NO_BUFFER;
    case MIRROR_E_LINK_DOWN:
      return MIRROR_COUNTER_FAILED_LINK_DOWN;
    case MIRROR_E_NO_ROUTE:
      return MIRROR_COUNTER_FAILED_NO_ROUTE;
    case MIRROR_E_TOO_LONG:
      return MIRROR_COUNTER_FAILED_TOO_LONG;
    default:
      return MIRROR_COUNTER_FAILED_OTHER;
  }
}

/* What became of the packet, as counters to add to. */
struct events {
  unsigned verdict;
  bool copied;
  unsigned output;
  uint32_t flags;
  uint64_t octets;
  uint64_t cut_by_length;
  uint64_t cut_by_mtu;
};

static void add(struct mri_cell *cells, const struct events *events) {
  mri_cell_add(&cells[events->verdict], events->octets);
  if (!events->copied) return;
  mri_cell_add(&cells[events->output], events->octets);
  if (events->flags & MIRROR_CUT_BY_LENGTH)
    mri_cell_add(&cells[MIRROR_COUNTER_CUT_BY_LENGTH], events->cut_by_length);
  if (events->flags & MIRROR_CUT_BY_MTU)
    mri_cell_add(&cells[MIRROR_COUNTER_CUT_BY_MTU], events->cut_by_mtu);
}

/* How many octets each of the two cuts took away. */
static void split_cut(const struct mri_decision *decision, uint32_t whole, struct events *events) {
  uint32_t kept = whole;
  if (decision->flags & MIRROR_CUT_BY_LENGTH) kept = decision->tunnel->session->packet_length;
  events->cut_by_length = whole - kept;
  events->cut_by_mtu = kept - decision->inner_length;
}

void mri_account(mirror_tap *tap, const struct mri_decision *decision, uint64_t octets,
                 uint32_t inner_whole, int32_t output_status) {
  const struct mri_counters *counters = &tap->reader.counters;
  struct events events = {
      .verdict = verdict_counter(decision),
      .copied = decision->verdict == MIRROR_MIRRORED,
      .output = output_counter(output_status),
      .flags = decision->flags,
      .octets = octets,
  };
  if (events.copied) split_cut(decision, inner_whole, &events);
  add(tap->reader.counters.total, &events);
  if (decision->source) {
    unsigned direction = mri_direction_index(decision->direction);
    add(mri_cells(counters, MRI_SLOT_SOURCE, MRI_CELLS_SOURCE,
                  decision->source->source->version.entry->slot) +
            direction * MIRROR_COUNTERS,
        &events);
  }
  if (decision->rule)
    mri_cell_add(
        &mri_cells(counters, MRI_SLOT_RULE, MRI_CELLS_RULE, decision->rule->slot)[events.verdict],
        octets);
  if (!decision->tunnel) return;
  add(mri_cells(counters, MRI_SLOT_SESSION, MRI_CELLS_SESSION,
                decision->tunnel->session->version.entry->slot),
      &events);
  if (decision->verdict != MIRROR_REJECTED)
    add(mri_cells(counters, MRI_SLOT_TARGET, MRI_CELLS_TARGET,
                  decision->tunnel->target->version.entry->slot),
        &events);
}
