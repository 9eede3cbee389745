/* Rules of filters (include/libmirror/filter.h). */
#include "core/sized.h"
#include "model/filter.h"
#include "model/validate.h"

#include <stdio.h>
#include <string.h>

/* filter/direction/priority */
enum { RULE_ID = 320 };

static const mirror_rule rule_defaults = {.size = sizeof(mirror_rule),
                                          .protocol = MIRROR_PROTOCOL_ALL,
                                          .source_port_last = UINT16_MAX,
                                          .destination_port_last = UINT16_MAX};

void mirror_rule_init(mirror_rule *rule, uint32_t size) {
  mri_sized_defaults(rule, size, &rule_defaults, sizeof rule_defaults);
}

static const char *direction_name(uint32_t direction) {
  if (direction == MIRROR_INGRESS) return "ingress";
  return direction == MIRROR_EGRESS ? "egress" : "unknown";
}

static void format_rule_id(char text[RULE_ID], const char *filter_id, uint32_t direction,
                           uint32_t priority) {
  snprintf(text, RULE_ID, "%s/%s/%u", filter_id, direction_name(direction), priority);
}

static int32_t check_direction(const struct mri_subject *subject, uint32_t direction) {
  if (direction == MIRROR_INGRESS || direction == MIRROR_EGRESS) return MIRROR_OK;
  return mri_refuse_number(subject, MIRROR_E_DIRECTION, "direction", direction,
                           "1 (ingress) or 2 (egress)");
}

static int32_t check_enumerations(const struct mri_subject *subject, const mirror_rule *rule) {
  int32_t status = check_direction(subject, rule->direction);
  if (!status)
    status = mri_check_range(subject, MIRROR_E_RULE_PRIORITY, "priority", rule->priority, 1, 65535);
  if (status) return status;
  if (rule->action != MIRROR_ACCEPT && rule->action != MIRROR_REJECT)
    return mri_refuse_number(subject, MIRROR_E_ACTION, "action", rule->action,
                             "1 (accept) or 2 (reject)");
  if (rule->ethertype != MIRROR_ETHERTYPE_IPV4 && rule->ethertype != MIRROR_ETHERTYPE_IPV6)
    return mri_refuse_number(subject, MIRROR_E_ETHERTYPE, "ethertype", rule->ethertype,
                             "2048 (IPv4) or 34525 (IPv6)");
  return MIRROR_OK;
}

static int32_t check_protocol(const struct mri_subject *subject, const mirror_rule *rule) {
  const uint32_t icmp = 1, icmpv6 = 58;
  bool ipv4 = rule->ethertype == MIRROR_ETHERTYPE_IPV4;
  if (rule->protocol > MIRROR_PROTOCOL_ALL)
    return mri_refuse_number(subject, MIRROR_E_PROTOCOL, "protocol", rule->protocol,
                             "0-255, or 256 for ALL");
  if (rule->protocol == icmp && !ipv4)
    return mri_refuse_field(subject, MIRROR_E_PROTOCOL_FAMILY, "protocol", "ICMP",
                            "ICMPV6, as the rule's ethertype is IPv6");
  if (rule->protocol == icmpv6 && ipv4)
    return mri_refuse_field(subject, MIRROR_E_PROTOCOL_FAMILY, "protocol", "ICMPV6",
                            "ICMP, as the rule's ethertype is IPv4");
  return MIRROR_OK;
}

static int32_t read_cidr(const struct mri_subject *subject, const char *field, const char *text,
                         unsigned family, uint8_t address[16], uint8_t *length) {
  char masked[64], expected[96];
  if (!text) return MIRROR_OK;
  int32_t status = mri_parse_cidr(text, family, address, length, masked);
  if (!status) return MIRROR_OK;
  if (status == MIRROR_E_CIDR_HOST_BITS)
    snprintf(expected, sizeof expected, "no bits behind the prefix: %s", masked);
  else
    snprintf(expected, sizeof expected, "an IPv%u block such as %s%s", family,
             family == 4 ? "10.0.0.0/8" : "2001:db8::/32",
             status == MIRROR_E_CIDR_FAMILY ? ", as the rule's ethertype says" : "");
  return mri_refuse_field(subject, status, field, text, expected);
}

static bool has_ports(uint32_t protocol) {
  static const uint8_t with_ports[] = {6, 17, 33, 132, 136}; /* TCP UDP DCCP SCTP UDP-Lite */
  return protocol < MIRROR_PROTOCOL_ALL &&
         memchr(with_ports, (int)protocol, sizeof with_ports) != NULL;
}

static int32_t read_ports(const struct mri_subject *subject, const char *field, uint32_t protocol,
                          uint32_t first, uint32_t last, uint16_t range[2]) {
  char value[32];
  snprintf(value, sizeof value, "%u-%u", first, last);
  if (last > UINT16_MAX || first > last)
    return mri_refuse_field(subject, MIRROR_E_PORT_RANGE, field, value,
                            "start-end within 0-65535, end not below start");
  bool all = first <= 1 && last == UINT16_MAX;
  if (!all && !has_ports(protocol))
    return mri_refuse_field(subject, MIRROR_E_PORTS_OF_PROTOCOL, field, value,
                            "all ports, as only TCP, UDP, SCTP, DCCP and UDP-Lite have ports");
  range[0] = all ? 0 : (uint16_t)first;
  range[1] = (uint16_t)last;
  return MIRROR_OK;
}

static int32_t read_match(const struct mri_subject *subject, const mirror_rule *rule,
                          struct mri_match_rule *match) {
  uint16_t source[2] = {0}, destination[2] = {0};
  match->family = rule->ethertype == MIRROR_ETHERTYPE_IPV4 ? 4 : 6;
  match->protocol = (uint16_t)rule->protocol;
  match->accept = rule->action == MIRROR_ACCEPT;
  int32_t status = read_cidr(subject, "source_cidr_block", rule->source_cidr, match->family,
                             match->source, &match->source_length);
  if (!status)
    status = read_cidr(subject, "destination_cidr_block", rule->destination_cidr, match->family,
                       match->destination, &match->destination_length);
  if (!status)
    status = read_ports(subject, "source_port_range", rule->protocol, rule->source_port_first,
                        rule->source_port_last, source);
  if (!status)
    status = read_ports(subject, "destination_port_range", rule->protocol,
                        rule->destination_port_first, rule->destination_port_last, destination);
  if (status) return status;
  match->source_first = source[0];
  match->source_last = source[1];
  match->destination_first = destination[0];
  match->destination_last = destination[1];
  return MIRROR_OK;
}

static int32_t read_rule(const char *filter_id, const mirror_rule *rule,
                         struct mri_match_rule *match, mirror_report *report) {
  char id[RULE_ID];
  format_rule_id(id, filter_id, rule->direction, rule->priority);
  const struct mri_subject subject = {MIRROR_OBJECT_RULE, id, report};
  int32_t status = check_enumerations(&subject, rule);
  if (!status) status = check_protocol(&subject, rule);
  if (!status) status = read_match(&subject, rule, match);
  if (!status) status = mri_check_optional_id(&subject, MIRROR_E_ID, "id", rule->id);
  if (!status) status = mri_check_description(&subject, rule->description);
  return status;
}

static struct mri_rule *rule_new(mirror_context *context, const mirror_rule *rule,
                                 const struct mri_match_rule *match) {
  struct mri_rule *fresh = mri_zalloc(&context->alloc, 1, sizeof *fresh);
  if (!fresh) return NULL;
  fresh->refs = 1;
  fresh->slot = MRI_SLOT_NONE;
  fresh->priority = rule->priority;
  fresh->direction = rule->direction;
  fresh->match = *match;
  if (mri_text_set(&context->alloc, &fresh->id, rule->id) &&
      mri_text_set(&context->alloc, &fresh->description, rule->description))
    return fresh;
  mri_rule_unref(context, fresh);
  return NULL;
}

/* A new rule, or the committed one if it is equal: it keeps its counters. NULL: out of memory. */
static struct mri_rule *rule_make(mirror_context *context, const struct mri_entry *entry,
                                  const mirror_rule *rule, const struct mri_match_rule *match) {
  const struct mri_filter *current = (const struct mri_filter *)entry->current;
  struct mri_rule *fresh = rule_new(context, rule, match);
  if (!fresh) return NULL;
  struct mri_rule *old =
      current ? mri_rules_find(current->rules[mri_direction_index(rule->direction)], rule->priority)
              : NULL;
  if (old && mri_rule_same(old, fresh)) {
    mri_rule_unref(context, fresh);
    old->refs++;
    return old;
  }
  if (mri_slots_take(&context->slots[MRI_SLOT_RULE], &fresh->slot)) return fresh;
  mri_rule_unref(context, fresh);
  return NULL;
}

static void describe_holder(char text[160], const char *id, const char *description) {
  if (id)
    snprintf(text, 160, "with id \"%s\"", id);
  else if (description)
    snprintf(text, 160, "described as \"%.120s\"", description);
  else
    snprintf(text, 160, "without id");
}

static int32_t refuse_duplicate(const char *filter_id, const mirror_rule *rule,
                                const struct mri_rule *holder, mirror_report *report) {
  char id[RULE_ID], value[16], mine[160], theirs[160], text[1024];
  format_rule_id(id, filter_id, rule->direction, rule->priority);
  snprintf(value, sizeof value, "%u", rule->priority);
  describe_holder(mine, rule->id, rule->description);
  describe_holder(theirs, holder->id, holder->description);
  snprintf(text, sizeof text,
           "filter \"%s\": priority %u of the %s rule %s is taken by the rule %s, expected a "
           "priority that no other %s rule of this filter has",
           filter_id, rule->priority, direction_name(rule->direction), mine, theirs,
           direction_name(rule->direction));
  const struct mri_fault fault = {.code = MIRROR_E_DUPLICATE_RULE,
                                  .object = MIRROR_OBJECT_RULE,
                                  .id = id,
                                  .field = "priority",
                                  .value = value,
                                  .expected = "a priority that no other rule of the list has",
                                  .text = text};
  return mri_refuse(report, &fault);
}

static int32_t find_filter(struct mri_model *model, const char *filter_id, struct mri_entry **entry,
                           mirror_report *report) {
  const struct mri_subject subject = {MIRROR_OBJECT_FILTER, filter_id, report};
  *entry = mri_entry_visible(model, MIRROR_OBJECT_FILTER, filter_id);
  if (*entry) return MIRROR_OK;
  return mri_refuse_field(&subject, MIRROR_E_NOT_FOUND, "id", filter_id,
                          "the id of an existing filter");
}

static struct mri_rules *rules_of(const struct mri_entry *entry, uint32_t direction) {
  return ((struct mri_filter *)mri_entry_version(entry))->rules[mri_direction_index(direction)];
}

/* The list of one direction, to be changed in place; NULL when out of memory. */
static struct mri_rules *edit_rules(struct mri_model *model, struct mri_entry *entry,
                                    uint32_t direction) {
  struct mri_filter *filter = mri_filter_edit(model, entry);
  struct mri_rules **rules = filter ? &filter->rules[mri_direction_index(direction)] : NULL;
  return rules && mri_rules_edit(model->context, rules) ? *rules : NULL;
}

static int32_t find_rule(const struct mri_entry *entry, uint32_t direction, uint32_t priority,
                         mirror_report *report) {
  if (mri_rules_find(rules_of(entry, direction), priority)) return MIRROR_OK;
  char id[RULE_ID];
  format_rule_id(id, entry->id, direction, priority);
  const struct mri_subject subject = {MIRROR_OBJECT_RULE, id, report};
  return mri_refuse_number(&subject, MIRROR_E_NOT_FOUND, "priority", priority,
                           "the priority of an existing rule");
}

/* Puts a rule in; `replaced` is the priority of the rule that it replaces, 0 for none. */
static int32_t put_locked(struct mri_model *model, const char *filter_id, uint32_t replaced,
                          const mirror_rule *rule, const struct mri_match_rule *match,
                          mirror_report *report) {
  struct mri_entry *entry;
  int32_t status = find_filter(model, filter_id, &entry, report);
  if (!status && replaced) status = find_rule(entry, rule->direction, replaced, report);
  if (status) return status;
  const struct mri_rule *holder = mri_rules_find(rules_of(entry, rule->direction), rule->priority);
  if (holder && rule->priority != replaced)
    return refuse_duplicate(filter_id, rule, holder, report);
  struct mri_rule *fresh = rule_make(model->context, entry, rule, match);
  struct mri_rules *rules = fresh ? edit_rules(model, entry, rule->direction) : NULL;
  if (!rules) {
    if (fresh) mri_rule_unref(model->context, fresh);
    return mri_fail(report, MIRROR_E_NOMEM, "out of memory for a rule of filter \"%s\"", filter_id);
  }
  if (replaced) mri_rules_remove(model->context, rules, replaced);
  mri_rules_insert(rules, fresh);
  return MIRROR_OK;
}

static int32_t put_rule(mirror_transaction *transaction, const char *filter_id, uint32_t replaced,
                        const mirror_rule *caller, mirror_report *report) {
  if (!transaction || !filter_id)
    return mri_fail(report, MIRROR_E_ARGUMENT, "transaction or filter id is NULL");
  mirror_rule rule = rule_defaults;
  struct mri_match_rule match = {.family = 0};
  int32_t status =
      mri_sized_read(&rule, sizeof rule, caller, MRI_UP_TO(mirror_rule, protocol), report);
  if (!status) status = read_rule(filter_id, &rule, &match, report);
  if (status) return status;
  mri_context_lock(transaction->context);
  status = put_locked(transaction->context->model, filter_id, replaced, &rule, &match, report);
  mri_context_unlock(transaction->context);
  return status;
}

int32_t mirror_rule_add(mirror_transaction *transaction, const char *filter_id,
                        const mirror_rule *rule, mirror_report *report) {
  return put_rule(transaction, filter_id, 0, rule, report);
}

/* Which rule of which filter a call speaks about. */
static int32_t check_place(const mirror_transaction *transaction, const char *filter_id,
                           uint32_t direction, uint32_t priority, mirror_report *report) {
  if (!transaction || !filter_id)
    return mri_fail(report, MIRROR_E_ARGUMENT, "transaction or filter id is NULL");
  char id[RULE_ID];
  format_rule_id(id, filter_id, direction, priority);
  const struct mri_subject subject = {MIRROR_OBJECT_RULE, id, report};
  int32_t status = check_direction(&subject, direction);
  if (!status)
    status = mri_check_range(&subject, MIRROR_E_RULE_PRIORITY, "priority", priority, 1, 65535);
  return status;
}

int32_t mirror_rule_update(mirror_transaction *transaction, const char *filter_id,
                           uint32_t priority, const mirror_rule *rule, mirror_report *report) {
  int32_t status = check_place(transaction, filter_id, MIRROR_INGRESS, priority, report);
  return status ? status : put_rule(transaction, filter_id, priority, rule, report);
}

int32_t mirror_rule_remove(mirror_transaction *transaction, const char *filter_id,
                           uint32_t direction, uint32_t priority, mirror_report *report) {
  int32_t status = check_place(transaction, filter_id, direction, priority, report);
  if (status) return status;
  mri_context_lock(transaction->context);
  struct mri_model *model = transaction->context->model;
  struct mri_entry *entry;
  status = find_filter(model, filter_id, &entry, report);
  if (!status) status = find_rule(entry, direction, priority, report);
  struct mri_rules *rules = status ? NULL : edit_rules(model, entry, direction);
  if (rules)
    mri_rules_remove(model->context, rules, priority);
  else if (!status)
    status = mri_fail(report, MIRROR_E_NOMEM, "out of memory for filter \"%s\"", filter_id);
  mri_context_unlock(transaction->context);
  return status;
}

static int32_t show_rule(const struct mri_rule *own, mirror_rule_visit_fn visit, void *user) {
  const struct mri_match_rule *match = &own->match;
  char source[64], destination[64];
  mri_format_cidr(match->source, match->family, match->source_length, source);
  mri_format_cidr(match->destination, match->family, match->destination_length, destination);
  const mirror_rule rule = {
      .size = sizeof rule,
      .direction = own->direction,
      .priority = own->priority,
      .action = match->accept ? MIRROR_ACCEPT : MIRROR_REJECT,
      .ethertype = match->family == 4 ? MIRROR_ETHERTYPE_IPV4 : MIRROR_ETHERTYPE_IPV6,
      .protocol = match->protocol,
      .source_port_first = match->source_first,
      .source_port_last = match->source_last,
      .destination_port_first = match->destination_first,
      .destination_port_last = match->destination_last,
      .source_cidr = match->source_length ? source : NULL,
      .destination_cidr = match->destination_length ? destination : NULL,
      .id = own->id,
      .description = own->description};
  return visit(user, &rule);
}

static int32_t show_rules(const struct mri_version *version, const void *visit, void *user) {
  const struct mri_filter *filter = (const struct mri_filter *)version;
  int32_t status = 0;
  for (unsigned d = 0; d < 2; d++) {
    for (uint32_t i = 0; i < filter->rules[d]->count && !status; i++)
      status = show_rule(filter->rules[d]->rule[i], *(const mirror_rule_visit_fn *)visit, user);
  }
  return status;
}

int32_t mirror_rules_visit(mirror_context *context, const char *filter_id,
                           mirror_rule_visit_fn visit, void *user) {
  return mri_visit(context, MIRROR_OBJECT_FILTER, filter_id, show_rules, visit ? &visit : NULL,
                   user);
}
