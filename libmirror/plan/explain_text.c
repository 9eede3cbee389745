#include "plan/explain.h"

#include "model/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- a growing text ---- */

__attribute__((format(printf, 2, 3))) static void say(mirror_explanation *e, const char *format,
                                                      ...) {
  char piece[1024]; /* longer than a line with two ids of 64 characters of 4 octets */
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(piece, sizeof piece, format, arguments);
  va_end(arguments);
  if (length < 0 || e->failed) return;
  size_t added = (size_t)length < sizeof piece ? (size_t)length : sizeof piece - 1;
  char *grown = mri_resize(&e->plan->context->alloc, e->text, e->text_length + added + 1, 1);
  if (!grown) {
    e->failed = true;
    return;
  }
  memcpy(grown + e->text_length, piece, added + 1);
  e->text = grown;
  e->text_length += added;
}

/* ---- the packet ---- */

static void say_endpoint(mirror_explanation *e, const mirror_key *key, const uint8_t octets[16],
                         uint16_t port, uint8_t present) {
  struct mri_address address = {.family = key->family};
  char text[64];
  memcpy(address.octets, octets, sizeof address.octets);
  mri_format_address(&address, text);
  bool brackets = key->family == 6 && key->present & present;
  say(e, brackets ? "[%s]" : "%s", text);
  if (key->present & present) say(e, ":%u", port);
}

static void say_protocol(mirror_explanation *e, const mirror_key *key) {
  const char *name = mri_protocol_name(key->protocol);
  if (!(key->present & MIRROR_KEY_PROTOCOL))
    say(e, "protocol not present");
  else if (name)
    say(e, "%s", name);
  else
    say(e, "protocol %u", key->protocol);
}

static void say_packet(mirror_explanation *e, const struct mri_decision *decision,
                       const mirror_key *key) {
  const char *source =
      decision->source ? decision->source->source->version.entry->id : "(no such source)";
  say(e, "packet: %s of source %s, ", decision->direction == MIRROR_EGRESS ? "egress" : "ingress",
      source);
  if (!key->family) {
    say(e, "%u octets\n", e->packet.caplen);
    return;
  }
  say(e, "IPv%u ", key->family);
  say_protocol(e, key);
  say(e, " ");
  say_endpoint(e, key, key->source, key->source_port, MIRROR_KEY_SOURCE_PORT);
  say(e, " -> ");
  say_endpoint(e, key, key->destination, key->destination_port, MIRROR_KEY_DESTINATION_PORT);
  if (key->notes & MIRROR_KEY_FIRST_FRAGMENT) say(e, ", first fragment");
  if (key->notes & MIRROR_KEY_LATER_FRAGMENT) say(e, ", later fragment");
  say(e, "\n");
}

/* ---- the walk ---- */

static const char *const field_names[] = {
    [MIRROR_FIELD_ETHERTYPE] = "ethertype",
    [MIRROR_FIELD_SOURCE_CIDR] = "source address",
    [MIRROR_FIELD_DESTINATION_CIDR] = "destination address",
    [MIRROR_FIELD_PROTOCOL] = "protocol",
    [MIRROR_FIELD_SOURCE_PORT] = "source port",
    [MIRROR_FIELD_DESTINATION_PORT] = "destination port",
};

static void say_rule(mirror_explanation *e, const mirror_step *step) {
  say(e, "  rule %u", step->rule_priority);
  if (step->rule_id) say(e, " \"%s\"", step->rule_id);
  say(e, " %s: ", step->action == MIRROR_ACCEPT ? "accept" : "reject");
  if (step->outcome == MIRROR_STEP_MATCHED)
    say(e, "matches\n");
  else if (step->outcome == MIRROR_STEP_MISMATCH)
    say(e, "no, another %s\n", field_names[step->field]);
  else
    say(e, "no, the packet has no readable %s\n", field_names[step->field]);
}

static void say_whole_list(mirror_explanation *e, const mirror_step *step) {
  static const char *const texts[] = {
      [MIRROR_STEP_DISABLED] = "skipped: the session is disabled",
      [MIRROR_STEP_EMPTY] = "no rules for this direction",
      [MIRROR_STEP_NO_MATCH] = "no rule matches",
  };
  say(e, "  %s\n", texts[step->outcome]);
}

/* A heading where the walk enters a session or the security group. */
static void say_heading(mirror_explanation *e, const mirror_step *step) {
  if (step->session_id)
    say(e, "session %s (priority %u, filter %s):\n", step->session_id, step->session_priority,
        step->filter_id);
  else
    say(e, "security group %s:\n", step->filter_id);
}

static void say_steps(mirror_explanation *e) {
  for (uint32_t i = 0; i < e->step_count; i++) {
    const mirror_step *step = &e->steps[i];
    if (i == 0 || step->session_id != e->steps[i - 1].session_id) say_heading(e, step);
    if (step->rule_priority)
      say_rule(e, step);
    else
      say_whole_list(e, step);
  }
}

/* ---- the verdict ---- */

static void say_why_blocked(mirror_explanation *e) {
  if (e->packet.flags & MIRROR_PACKET_BLOCKED)
    say(e, ": marked as dropped by the security group");
  else if (e->verdict.rule_priority)
    say(e, ": the security group rejects it");
  else
    say(e, ": no rule of the security group accepts it");
}

static void say_copy(mirror_explanation *e, const struct mri_decision *decision) {
  const struct mri_tunnel *tunnel = decision->tunnel;
  char address[64];
  mri_format_address(&tunnel->target->address, address);
  say(e, ": to target %s (%s port %u), VNI %u, %u of %u octets", e->verdict.target_id, address,
      tunnel->outer.udp_port, e->verdict.vni, e->verdict.inner_length, e->inner_whole);
  if (e->verdict.flags & MIRROR_SEGMENTED) say(e, " in %u segments", e->verdict.segments);
  if (e->verdict.flags & MIRROR_NOT_SEGMENTED)
    say(e, ", as one packet: its headers do not fit a super-frame");
  if (e->verdict.flags & MIRROR_CHECKSUM_OPEN) say(e, ", with an unfinished checksum");
  if (e->verdict.flags & MIRROR_CUT_BY_LENGTH) say(e, ", cut to the session's packet_length");
  if (e->verdict.flags & MIRROR_CUT_BY_MTU) say(e, ", cut to fit the MTU");
}

static void say_verdict(mirror_explanation *e, const struct mri_decision *decision) {
  const mirror_verdict *verdict = &e->verdict;
  say(e, "verdict: %s", mirror_verdict_name(verdict->verdict));
  if (verdict->session_id)
    say(e, " by session %s rule %u", verdict->session_id, verdict->rule_priority);
  switch (verdict->verdict) {
    case MIRROR_MIRRORED:
      say_copy(e, decision);
      break;
    case MIRROR_DROPPED:
      say(e, ": %s", mirror_drop_reason_name(verdict->reason));
      break;
    case MIRROR_UNPARSABLE:
      say(e, ": %s", mirror_unparsable_text(verdict->reason));
      break;
    case MIRROR_OWN:
      say(e, ": one of our own copies");
      break;
    case MIRROR_BLOCKED:
      say_why_blocked(e);
      break;
    default:
      break;
  }
  say(e, "\n");
}

void mri_explain_text(mirror_explanation *e, const struct mri_decision *decision,
                      const mirror_key *key) {
  say_packet(e, decision, key);
  say_steps(e);
  say_verdict(e, decision);
}
