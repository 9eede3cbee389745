/* The main job in a build without libpcap and jansson: one packet through a tap. */
#include <libmirror/libmirror.h>
#include <stdio.h>
#include <string.h>

#define CHECK(condition)                                      \
  do {                                                        \
    if (!(condition)) {                                       \
      fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
      return 1;                                               \
    }                                                         \
  } while (0)

/* 10.0.0.1:1000 -> 10.0.0.2:53 over UDP */
static const uint8_t frame[] = {2,    0, 0,  0,  0, 2, 2,    0,    0,  0,  0, 1, 8,  0,
                                0x45, 0, 0,  28, 0, 0, 0,    0,    64, 17, 0, 0, 10, 0,
                                0,    1, 10, 0,  0, 2, 0x03, 0xe8, 0,  53, 0, 8, 0,  0};

static int configure(mirror_context *context) {
  static const char *sources[] = {"eni"};
  mirror_transaction *tx;
  mirror_filter filter;
  mirror_rule rule;
  mirror_source source;
  mirror_target target;
  mirror_session session;

  mirror_filter_init(&filter, sizeof filter);
  filter.id = "dns";
  mirror_rule_init(&rule, sizeof rule);
  rule.direction = MIRROR_EGRESS;
  rule.priority = 1;
  rule.action = MIRROR_ACCEPT;
  rule.ethertype = MIRROR_ETHERTYPE_IPV4;
  rule.protocol = 17;
  rule.destination_port_first = rule.destination_port_last = 53;
  mirror_source_init(&source, sizeof source);
  source.id = "eni";
  source.address = "10.0.0.1";
  mirror_target_init(&target, sizeof target);
  target.id = "collector";
  target.address = "10.9.9.9";
  mirror_session_init(&session, sizeof session);
  session.id = "s";
  session.priority = 1;
  session.vni = 77;
  session.filter_id = "dns";
  session.target_id = "collector";
  session.sources = sources;
  session.source_count = 1;

  CHECK(mirror_transaction_begin(context, &tx, NULL) == MIRROR_OK);
  CHECK(mirror_filter_add(tx, &filter, NULL) == MIRROR_OK);
  CHECK(mirror_rule_add(tx, "dns", &rule, NULL) == MIRROR_OK);
  CHECK(mirror_source_add(tx, &source, NULL) == MIRROR_OK);
  CHECK(mirror_target_add(tx, &target, NULL) == MIRROR_OK);
  CHECK(mirror_session_add(tx, &session, NULL) == MIRROR_OK);
  CHECK(mirror_transaction_commit(tx, NULL) == MIRROR_OK);
  mirror_transaction_destroy(tx);
  return 0;
}

static int mirror_one(mirror_context *context) {
  uint8_t buffer[256];
  mirror_memory_copy place;
  mirror_memory_output memory;
  mirror_tap_options options;
  mirror_tap *tap;
  mirror_verdict verdict;
  mirror_packet packet = {.data = frame,
                          .caplen = sizeof frame,
                          .length = sizeof frame,
                          .link_type = MIRROR_LINK_ETHERNET};

  mirror_memory_output_init(&memory, sizeof memory);
  memory.buffer = buffer;
  memory.capacity = sizeof buffer;
  memory.copies = &place;
  memory.capacity_copies = 1;
  mirror_tap_options_init(&options, sizeof options);
  options.source_id = "eni";
  options.direction = MIRROR_EGRESS;
  CHECK(mirror_output_open(context, "memory:", &memory, &options.output, NULL) == MIRROR_OK);
  CHECK(mirror_tap_create(context, &options, &tap, NULL) == MIRROR_OK);
  CHECK(mirror_tap_submit(tap, &packet, 1, &verdict) == MIRROR_OK);
  CHECK(verdict.verdict == MIRROR_MIRRORED && verdict.vni == 77);
  CHECK(memory.count == 1 && place.length == 50 + sizeof frame);
  CHECK(memcmp(buffer + 50, frame, sizeof frame) == 0);
  mirror_tap_destroy(tap);
  mirror_output_close(options.output);
  return 0;
}

static int miss_the_rest(mirror_context *context) {
  mirror_input *input;

  CHECK(mirror_input_open(context, "pcap:x", NULL, &input, NULL) == MIRROR_E_UNSUPPORTED);
  CHECK(mirror_configuration_load(context, "x", NULL, NULL, NULL) == MIRROR_E_UNSUPPORTED);
  return 0;
}

int main(void) {
  mirror_context *context;

  CHECK(mirror_context_create(NULL, &context, NULL) == MIRROR_OK);
  if (configure(context) || mirror_one(context) || miss_the_rest(context)) return 1;
  mirror_context_destroy(context);
  return 0;
}
