/* F3: each packet is counted once, for the tap, its source and direction, session, rule, target:
 * neighbours to which the same happened together. */
#include "packet/segment.h"
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

unsigned mri_output_counter(int32_t status) {
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

/* What few packets have: cuts, segments, notes. */
struct details {
  uint32_t flags;
  mirror_count cut_by_length;
  mirror_count cut_by_mtu;
  mirror_count segments;             /* copies beyond the first */
  const struct mri_outputs *outputs; /* of all copies of a segmented packet, else NULL */
};

/* What became of packets, as counters to add to. */
struct events {
  unsigned verdict;
  unsigned output; /* of the only copy of each */
  bool copied;
  mirror_count count;
  const struct details *details; /* of one copied packet, or NULL */
};

static void add_outputs(struct mri_cell *cells, const struct details *details) {
  mri_cell_add(&cells[MIRROR_COUNTER_SEGMENTS], details->segments);
  for (unsigned i = 0; i < MRI_OUTPUTS; i++)
    mri_cell_add(&cells[MIRROR_COUNTER_SENT + i], details->outputs->by_counter[i]);
}

static void add_details(struct mri_cell *cells, const struct events *events) {
  const struct details *details = events->details;
  if (details->outputs)
    add_outputs(cells, details);
  else
    mri_cell_add(&cells[events->output], events->count);
  mri_cell_add(&cells[MIRROR_COUNTER_CUT_BY_LENGTH], details->cut_by_length);
  mri_cell_add(&cells[MIRROR_COUNTER_CUT_BY_MTU], details->cut_by_mtu);
  if (details->flags & MIRROR_NOT_SEGMENTED)
    mri_cell_add(&cells[MIRROR_COUNTER_NOT_SEGMENTED], events->count);
  if (details->flags & MIRROR_CHECKSUM_OPEN)
    mri_cell_add(&cells[MIRROR_COUNTER_CHECKSUM_OPEN], events->count);
}

static inline void add(struct mri_cell *cells, const struct events *events) {
  mri_cell_add(&cells[events->verdict], events->count);
  if (!events->copied) return;
  if (events->details)
    add_details(cells, events);
  else
    mri_cell_add(&cells[events->output], events->count);
}

/* For the tap, the source and direction, the rule, and the session and target. */
static void add_everywhere(mirror_tap *tap, const struct mri_decision *decision,
                           const struct events *events) {
  const struct mri_counters *counters = &tap->reader.counters;
  add(tap->reader.counters.total, events);
  if (decision->source) {
    unsigned direction = mri_direction_index(decision->direction);
    add(mri_cells(counters, MRI_SLOT_SOURCE, MRI_CELLS_SOURCE,
                  decision->source->source->version.entry->slot) +
            direction * MIRROR_COUNTERS,
        events);
  }
  if (decision->rule)
    mri_cell_add(
        &mri_cells(counters, MRI_SLOT_RULE, MRI_CELLS_RULE, decision->rule->slot)[events->verdict],
        events->count);
  if (!decision->tunnel) return;
  add(mri_cells(counters, MRI_SLOT_SESSION, MRI_CELLS_SESSION,
                decision->tunnel->session->version.entry->slot),
      events);
  if (decision->verdict != MIRROR_REJECTED)
    add(mri_cells(counters, MRI_SLOT_TARGET, MRI_CELLS_TARGET,
                  decision->tunnel->target->version.entry->slot),
        events);
}

/* So many copies whose inner frames are that long before the cuts. */
static void add_cut(const struct mri_decision *decision, uint32_t copies, uint32_t whole,
                    struct details *details) {
  const struct mri_cut cut = mri_cut_of(decision->tunnel, whole);
  if (cut.by_length) details->cut_by_length.packets += copies;
  if (cut.by_mtu) details->cut_by_mtu.packets += copies;
  details->cut_by_length.octets += (uint64_t)copies * cut.by_length;
  details->cut_by_mtu.octets += (uint64_t)copies * cut.by_mtu;
}

/* The outputs hold what failed: the rest was sent. Octets of headers count with every segment. */
static void add_segments(mirror_tap *tap, uint32_t i, struct details *details) {
  const mirror_packet *packet = &tap->batch.received[i];
  mirror_count *outputs = tap->batch.outputs[i].by_counter, *sent = &outputs[0];
  struct mri_super super;
  mri_super_read(&super, &tap->batch.views[i], packet);
  const uint32_t more = super.count - 1;
  add_cut(&tap->batch.decisions[i], more, mri_super_inner(&super, packet, 0), details);
  add_cut(&tap->batch.decisions[i], 1, mri_super_inner(&super, packet, more), details);
  details->segments = (mirror_count){more, (uint64_t)more * super.payload};
  *sent = (mirror_count){super.count, packet->caplen + details->segments.octets};
  for (unsigned k = 1; k < MRI_OUTPUTS; k++) {
    sent->packets -= outputs[k].packets;
    sent->octets -= outputs[k].octets;
  }
  details->outputs = &tap->batch.outputs[i];
}

static void read_details(mirror_tap *tap, uint32_t i, struct details *details) {
  const struct mri_decision *decision = &tap->batch.decisions[i];
  *details = (struct details){.flags = decision->flags};
  if (details->flags & MIRROR_SEGMENTED)
    add_segments(tap, i, details);
  else
    add_cut(decision, 1, mri_view_inner_length(&tap->batch.views[i], &tap->batch.received[i]),
            details);
}

/* What has no details, and differs in nothing that is counted. */
static bool are_alike(const struct mri_batch *batch, uint32_t i, uint32_t k) {
  const struct mri_decision *one = &batch->decisions[i], *other = &batch->decisions[k];
  return one->tunnel == other->tunnel && one->rule == other->rule && one->source == other->source &&
         one->direction == other->direction && one->verdict == other->verdict &&
         one->reason == other->reason && !(one->flags | other->flags) &&
         batch->output_status[i] == batch->output_status[k];
}

/* `packets` from the first on are alike. */
static void account(mirror_tap *tap, uint32_t first, mirror_count packets) {
  const struct mri_batch *batch = &tap->batch;
  const struct mri_decision *decision = &batch->decisions[first];
  struct details details;
  struct events events = {
      .verdict = verdict_counter(decision),
      .output = mri_output_counter(batch->output_status[first]),
      .copied = decision->verdict == MIRROR_MIRRORED,
      .count = packets,
  };
  if (events.copied && decision->flags) {
    read_details(tap, first, &details);
    events.details = &details;
  }
  add_everywhere(tap, decision, &events);
}

void mri_account(mirror_tap *tap, uint32_t count) {
  const struct mri_batch *batch = &tap->batch;
  for (uint32_t first = 0, next; first < count; first = next) {
    mirror_count packets = {1, batch->received[first].caplen};
    for (next = first + 1; next < count && are_alike(batch, first, next); next++) {
      packets.packets++;
      packets.octets += batch->received[next].caplen;
    }
    account(tap, first, packets);
  }
}
