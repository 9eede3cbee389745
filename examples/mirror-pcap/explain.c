#include "explain.h"

#include "status.h"

#include <inttypes.h>
#include <string.h>

void explain_packet(struct explain *explain, const mirror_packet *packet,
                    const mirror_verdict *verdict) {
  mirror_packet judged = *packet;
  mirror_plan *plan;

  judged.direction = (uint8_t)verdict->direction;
  explain->verdict = *verdict;
  explain->caplen = packet->caplen;
  explain->failure = mirror_plan_acquire(explain->context, &plan);
  if (explain->failure) return;
  explain->failure = mirror_plan_explain(plan, &judged, &explain->explanation, NULL);
  mirror_plan_release(plan);
}

static const char *reason_text(const mirror_verdict *verdict) {
  switch (verdict->verdict) {
    case MIRROR_UNPARSABLE:
      return mirror_unparsable_text(verdict->reason);
    case MIRROR_DROPPED:
      return mirror_drop_reason_name(verdict->reason);
    default:
      return NULL;
  }
}

static void print_heading(const struct explain *explain, FILE *out) {
  const char *reason = reason_text(&explain->verdict);

  fprintf(out, "Packet %" PRIu64 ", %s, %" PRIu32 " octets: %s", explain->wanted,
          explain->verdict.direction == MIRROR_EGRESS ? "egress" : "ingress", explain->caplen,
          mirror_verdict_name(explain->verdict.verdict));
  if (reason) fprintf(out, " (%s)", reason);
  if (explain->verdict.flags & MIRROR_BY_FRAGMENT)
    fputs(" (as the first fragment of its datagram; by itself:)", out);
  fputc('\n', out);
}

bool explain_print(const struct explain *explain, FILE *out) {
  if (explain->explanation) {
    print_heading(explain, out);
    const char *text = mirror_explanation_text(explain->explanation);
    size_t length = strlen(text);
    fputs(text, out);
    fputs(length && text[length - 1] == '\n' ? "\n" : "\n\n", out);
    return true;
  }
  if (explain->failure)
    complain(STATUS_IO, "packet %" PRIu64 " cannot be explained: %s", explain->wanted,
             mirror_strerror(explain->failure));
  else
    complain(STATUS_USAGE, "--explain: the input has no packet %" PRIu64, explain->wanted);
  return false;
}

void explain_release(struct explain *explain) {
  mirror_explanation_destroy(explain->explanation);
}
