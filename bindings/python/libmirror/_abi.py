"""The declaration table: what the C library offers, in C's own words.

Everything that ctypes must know is derived from this table (`_declare`), and so is the C program
with which a test compares it with the headers (`tests/make_check.py`). The constants are the
enumerations of `constants`, which that program prints too.
"""

# The releases whose headers this table was taken from: this major, this minor or a later one.
MAJOR = 0
MINOR = 1

HANDLES = (
    "mirror_context",
    "mirror_input",
    "mirror_output",
    "mirror_plan",
    "mirror_explanation",
    "mirror_tap",
    "mirror_transaction",
    "mirror_worker",
)

CALLBACKS = """
void mirror_log_fn(void *user, uint32_t severity, const char *text);
void *mirror_allocate_fn(void *user, uint64_t octets);
void *mirror_resize_fn(void *user, void *block, uint64_t octets);
void mirror_free_fn(void *user, void *block);
int32_t mirror_constant_visit_fn(void *user, const char *name, int64_t value);
int32_t mirror_backend_visit_fn(void *user, const char *name, uint32_t capabilities);
int32_t mirror_filter_visit_fn(void *user, const mirror_filter *filter);
int32_t mirror_rule_visit_fn(void *user, const mirror_rule *rule);
int32_t mirror_session_visit_fn(void *user, const mirror_session *session);
int32_t mirror_source_visit_fn(void *user, const mirror_source *source);
void mirror_packet_fn(void *user, const mirror_packet *packet, const mirror_verdict *verdict);
int32_t mirror_target_visit_fn(void *user, const mirror_target *target);
void mirror_error_fn(void *user, const mirror_report *report);
int32_t mirror_vpc_visit_fn(void *user, const char *vpc_a, const char *vpc_b);
int32_t slot_open(void *state, const mirror_open *open, mirror_report *report);
int32_t slot_receive(void *state, mirror_packet *packets, uint32_t capacity, int64_t timeout_ns,
    uint32_t *count, mirror_report *report);
void slot_action(void *state);
uint32_t slot_layer(void *state);
int32_t slot_send(void *state, const mirror_copy *copies, uint32_t count, uint32_t *accepted,
    mirror_report *report);
int32_t slot_send_each(void *state, const mirror_copy *copies, uint32_t count, int32_t *statuses,
    mirror_report *report);
int32_t slot_flush(void *state, mirror_report *report);
int32_t slot_descriptor(void *state, int32_t *fd);
int32_t slot_link_type(void *state, uint32_t *link_type);
int32_t slot_progress(void *state, uint64_t *done, uint64_t *total);
int32_t slot_drops(void *state, uint64_t *packets);
"""

STRUCTS = """
struct mirror_count {
  uint64_t packets;
  uint64_t octets;
}

struct mirror_report {
  uint32_t size;
  int32_t code;
  int32_t os_error;
  uint32_t object;
  uint32_t line;
  uint32_t column;
  uint64_t offset;
  uint32_t errors;
  uint32_t reserved;
  char object_id[264];
  char field[64];
  char value[264];
  char expected[264];
  char file[264];
  char text[1024];
}

struct mirror_context_options {
  uint32_t size;
  uint32_t isa;
  void *allocator_user;
  mirror_allocate_fn allocate;
  mirror_resize_fn resize;
  mirror_free_fn release;
  void *log_user;
  mirror_log_fn log;
  uint64_t list_memory;
}

struct mirror_list_info {
  uint32_t size;
  uint32_t isa;
  uint32_t structure_ipv4;
  uint32_t structure_ipv6;
  uint32_t rules_ipv4;
  uint32_t rules_ipv6;
  uint32_t shadowed;
  uint32_t slower;
  uint64_t memory;
  int64_t build_ns;
}

struct mirror_copy {
  const uint8_t *head;
  const uint8_t *body;
  uint32_t head_length;
  uint32_t body_length;
  int64_t time_ns;
  const mirror_outer *outer;
  uint16_t source_port;
  uint16_t gso_size;
  uint16_t checksum_start;
  uint16_t checksum_offset;
  uint8_t gso_type;
  uint8_t flags;
  uint16_t header_length;
  uint32_t segments;
}

struct mirror_open {
  uint32_t size;
  uint32_t reserved;
  const char *uri;
  const char *body;
  const void *argument;
  mirror_context *context;
}

struct mirror_backend {
  uint32_t size;
  uint32_t abi;
  const char *name;
  uint32_t capabilities;
  uint32_t state_size;
  slot_open open_input;
  slot_receive receive;
  slot_action release;
  slot_open open_output;
  slot_layer layer;
  slot_send send;
  slot_flush flush;
  slot_action interrupt;
  slot_descriptor descriptor;
  slot_link_type link_type;
  slot_progress progress;
  slot_drops drops;
  slot_action close;
  slot_send_each send_each;
}

struct mirror_filter {
  uint32_t size;
  uint32_t reserved;
  const char *id;
  const char *name;
  const char *description;
}

struct mirror_rule {
  uint32_t size;
  uint32_t direction;
  uint32_t priority;
  uint32_t action;
  uint32_t ethertype;
  uint32_t protocol;
  uint32_t source_port_first;
  uint32_t source_port_last;
  uint32_t destination_port_first;
  uint32_t destination_port_last;
  const char *source_cidr;
  const char *destination_cidr;
  const char *id;
  const char *description;
}

struct mirror_memory_input {
  uint32_t size;
  uint32_t link_type;
  const mirror_packet *packets;
  uint64_t count;
}

struct mirror_memory_copy {
  uint64_t offset;
  uint32_t length;
  uint16_t source_port;
  uint16_t reserved;
  int64_t time_ns;
}

struct mirror_pcap_output {
  uint32_t size;
  uint32_t thread;
}

struct mirror_memory_output {
  uint32_t size;
  uint32_t layer;
  uint8_t *buffer;
  uint64_t capacity;
  mirror_memory_copy *copies;
  uint64_t capacity_copies;
  uint64_t used;
  uint64_t count;
}

struct mirror_callback_input {
  uint32_t size;
  uint32_t link_type;
  void *user;
  slot_receive receive;
  slot_action release;
  slot_action interrupt;
  slot_descriptor descriptor;
}

struct mirror_callback_output {
  uint32_t size;
  uint32_t layer;
  void *user;
  slot_send send;
  slot_flush flush;
}

struct mirror_verdict {
  uint32_t verdict;
  uint32_t reason;
  uint32_t rule_priority;
  uint32_t vni;
  uint32_t inner_length;
  uint32_t flags;
  uint32_t direction;
  int32_t output_status;
  uint32_t segments;
  uint32_t refused;
  const char *session_id;
  const char *rule_id;
  const char *target_id;
}

struct mirror_plan_info {
  uint32_t size;
  uint32_t sources;
  uint64_t compiled_lists;
  uint64_t compilations;
  uint64_t rules;
  uint64_t memory;
}

struct mirror_step {
  uint32_t size;
  uint32_t outcome;
  uint32_t field;
  uint32_t rule_priority;
  uint32_t action;
  uint32_t session_priority;
  const char *session_id;
  const char *filter_id;
  const char *rule_id;
}

struct mirror_packet {
  const uint8_t *data;
  uint32_t caplen;
  uint32_t length;
  int64_t time_ns;
  uint32_t source;
  uint16_t link_type;
  uint8_t direction;
  uint8_t flags;
  uint64_t cookie;
  uint16_t gso_size;
  uint16_t checksum_start;
  uint16_t checksum_offset;
  uint8_t gso_type;
  uint8_t reserved;
}

struct mirror_key {
  uint8_t source[16];
  uint8_t destination[16];
  uint16_t source_port;
  uint16_t destination_port;
  uint8_t protocol;
  uint8_t family;
  uint8_t present;
  uint8_t notes;
}

struct mirror_key4 {
  uint8_t protocol;
  uint8_t absent;
  uint8_t reserved[2];
  uint8_t source[4];
  uint8_t destination[4];
  uint8_t source_port[2];
  uint8_t destination_port[2];
}

struct mirror_key6 {
  uint8_t protocol;
  uint8_t absent;
  uint8_t reserved[2];
  uint8_t source[16];
  uint8_t destination[16];
  uint8_t source_port[2];
  uint8_t destination_port[2];
}

struct mirror_session {
  uint32_t size;
  uint32_t priority;
  uint32_t enabled;
  uint32_t vni;
  uint32_t packet_length;
  uint32_t sample_one_in;
  uint64_t rate_limit_bps;
  uint64_t rate_limit_pps;
  const char *id;
  const char *name;
  const char *description;
  const char *filter_id;
  const char *target_id;
  const char *const *sources;
  uint32_t source_count;
  uint32_t reserved;
}

struct mirror_source {
  uint32_t size;
  uint32_t mtu;
  const char *id;
  const char *name;
  const char *interface_name;
  const char *mac;
  const char *address;
  const char *vpc_id;
  const char *security_group;
}

struct mirror_stats {
  uint32_t size;
  uint32_t reserved;
  mirror_count received;
  mirror_count counters[32];
}

struct mirror_tap_options {
  uint32_t size;
  uint32_t direction;
  const char *source_id;
  mirror_input *input;
  mirror_output *output;
  mirror_packet_fn on_packet;
  void *on_packet_user;
  uint32_t fragment_entries;
  uint32_t batch;
}

struct mirror_worker_options {
  uint32_t size;
  uint32_t cpu;
  mirror_tap *tap;
  const char *name;
}

struct mirror_target {
  uint32_t size;
  uint32_t kind;
  uint32_t udp_port;
  uint32_t mtu;
  uint32_t oversize;
  uint32_t ttl;
  uint32_t dont_fragment;
  uint32_t udp_checksum;
  const char *id;
  const char *name;
  const char *address;
  const char *interface_name;
  const char *vpc_id;
}

struct mirror_quotas {
  uint32_t size;
  uint32_t sources_per_session;
  uint32_t sessions_per_source;
  uint32_t sessions_per_eni_target;
  uint32_t sessions_per_elb_target;
  uint32_t sessions_per_filter;
  uint32_t ingress_rules_per_filter;
  uint32_t egress_rules_per_filter;
  uint32_t sessions_per_context;
}

struct mirror_outer {
  uint32_t size;
  uint32_t layer;
  uint32_t family;
  uint32_t vni;
  uint32_t udp_port;
  uint32_t ttl;
  uint32_t dont_fragment;
  uint32_t udp_checksum;
  uint8_t source[16];
  uint8_t destination[16];
  uint8_t source_mac[6];
  uint8_t destination_mac[6];
  uint32_t reserved;
}

struct mirror_decapsulated {
  uint32_t size;
  uint32_t vni;
  uint32_t family;
  uint32_t inner_length;
  const uint8_t *inner;
  uint8_t source[16];
  uint8_t destination[16];
  uint16_t source_port;
  uint16_t destination_port;
  uint32_t reserved_bits;
}
"""

FUNCTIONS = """
void mirror_report_init(mirror_report *report, uint32_t size);
const char *mirror_strerror(int32_t status);
const char *mirror_status_name(int32_t status);
int32_t mirror_constant(const char *name, int64_t *value);
int32_t mirror_constants_visit(mirror_constant_visit_fn visit, void *user);
uint32_t mirror_version(void);
const char *mirror_version_text(void);
int32_t mirror_configuration_load(mirror_context *context, const char *path, mirror_error_fn
    on_error, void *user, mirror_report *report);
int32_t mirror_configuration_parse(mirror_context *context, const char *text, uint64_t length,
    const char *name, mirror_error_fn on_error, void *user, mirror_report *report);
int32_t mirror_configuration_format(mirror_context *context, char **text, uint64_t *length,
    mirror_report *report);
void mirror_configuration_free(mirror_context *context, char *text);
int32_t mirror_configuration_save(mirror_context *context, const char *path, mirror_report
    *report);
void mirror_context_options_init(mirror_context_options *options, uint32_t size);
int32_t mirror_context_create(const mirror_context_options *options, mirror_context **context,
    mirror_report *report);
void mirror_context_destroy(mirror_context *context);
const char *mirror_isa_name(uint32_t isa);
int32_t mirror_isa_check(uint32_t isa);
int32_t mirror_isa_force(uint32_t isa);
int32_t mirror_context_isa(const mirror_context *context, uint32_t *isa);
const char *mirror_structure_name(uint32_t structure);
void mirror_list_info_init(mirror_list_info *info, uint32_t size);
int32_t mirror_plan_list_info(const mirror_plan *plan, uint32_t source, uint32_t direction,
    mirror_list_info *info);
int32_t mirror_plan_match_keys4(const mirror_plan *plan, uint32_t source, uint32_t direction,
    const mirror_key4 *const *keys, uint32_t count, uint32_t *first);
int32_t mirror_plan_match_keys6(const mirror_plan *plan, uint32_t source, uint32_t direction,
    const mirror_key6 *const *keys, uint32_t count, uint32_t *first);
int32_t mirror_plan_match_packets(const mirror_plan *plan, uint32_t source, uint32_t direction,
    const mirror_packet *packets, uint32_t count, uint32_t *first);
int32_t mirror_plan_rule_verdict(const mirror_plan *plan, uint32_t source, uint32_t direction,
    uint32_t index, mirror_verdict *verdict);
int32_t mirror_backend_register(mirror_context *context, const mirror_backend *backend,
    mirror_report *report);
int32_t mirror_backends_visit(mirror_context *context, mirror_backend_visit_fn visit, void *user);
void mirror_filter_init(mirror_filter *filter, uint32_t size);
void mirror_rule_init(mirror_rule *rule, uint32_t size);
int32_t mirror_filter_add(mirror_transaction *transaction, const mirror_filter *filter,
    mirror_report *report);
int32_t mirror_filter_update(mirror_transaction *transaction, const mirror_filter *filter,
    mirror_report *report);
int32_t mirror_filter_remove(mirror_transaction *transaction, const char *filter_id, mirror_report
    *report);
int32_t mirror_rule_add(mirror_transaction *transaction, const char *filter_id, const mirror_rule
    *rule, mirror_report *report);
int32_t mirror_rule_update(mirror_transaction *transaction, const char *filter_id, uint32_t
    priority, const mirror_rule *rule, mirror_report *report);
int32_t mirror_rule_remove(mirror_transaction *transaction, const char *filter_id, uint32_t
    direction, uint32_t priority, mirror_report *report);
int32_t mirror_filters_visit(mirror_context *context, const char *filter_id,
    mirror_filter_visit_fn visit, void *user);
int32_t mirror_rules_visit(mirror_context *context, const char *filter_id, mirror_rule_visit_fn
    visit, void *user);
int32_t mirror_input_open(mirror_context *context, const char *uri, const void *argument,
    mirror_input **input, mirror_report *report);
int32_t mirror_output_open(mirror_context *context, const char *uri, const void *argument,
    mirror_output **output, mirror_report *report);
void mirror_input_close(mirror_input *input);
void mirror_output_close(mirror_output *output);
void mirror_input_interrupt(mirror_input *input);
int32_t mirror_input_descriptor(mirror_input *input, int32_t *fd);
int32_t mirror_input_link_type(mirror_input *input, uint32_t *link_type);
int32_t mirror_input_progress(mirror_input *input, uint64_t *done, uint64_t *total);
int32_t mirror_input_drops(mirror_input *input, uint64_t *packets);
int32_t mirror_input_receive(mirror_input *input, mirror_packet *packets, uint32_t capacity,
    int64_t timeout_ns, uint32_t *count, mirror_report *report);
void mirror_input_release(mirror_input *input);
int32_t mirror_output_flush(mirror_output *output, mirror_report *report);
void mirror_pcap_output_init(mirror_pcap_output *output, uint32_t size);
void mirror_memory_input_init(mirror_memory_input *input, uint32_t size);
void mirror_memory_output_init(mirror_memory_output *output, uint32_t size);
void mirror_callback_input_init(mirror_callback_input *input, uint32_t size);
void mirror_callback_output_init(mirror_callback_output *output, uint32_t size);
const char *mirror_verdict_name(uint32_t verdict);
const char *mirror_drop_reason_name(uint32_t reason);
int32_t mirror_plan_acquire(mirror_context *context, mirror_plan **plan);
void mirror_plan_release(mirror_plan *plan);
uint64_t mirror_plan_generation(const mirror_plan *plan);
void mirror_plan_info_init(mirror_plan_info *info, uint32_t size);
int32_t mirror_plan_info_get(const mirror_plan *plan, mirror_plan_info *info);
int32_t mirror_plan_match(const mirror_plan *plan, const mirror_packet *packets, uint32_t count,
    mirror_verdict *verdicts);
int32_t mirror_plan_explain(const mirror_plan *plan, const mirror_packet *packet,
    mirror_explanation **explanation, mirror_report *report);
void mirror_explanation_destroy(mirror_explanation *explanation);
int32_t mirror_explanation_verdict(const mirror_explanation *explanation, mirror_verdict
    *verdict);
uint32_t mirror_explanation_steps(const mirror_explanation *explanation);
void mirror_step_init(mirror_step *step, uint32_t size);
int32_t mirror_explanation_step(const mirror_explanation *explanation, uint32_t index, mirror_step
    *step);
const char *mirror_explanation_text(const mirror_explanation *explanation);
int32_t mirror_packet_key(const mirror_packet *packet, mirror_key *key, uint32_t *why);
int32_t mirror_packet_source_port(const mirror_packet *packet, uint16_t *port);
const char *mirror_unparsable_text(uint32_t why);
const char *mirror_link_type_name(uint32_t link_type);
void mirror_session_init(mirror_session *session, uint32_t size);
int32_t mirror_session_add(mirror_transaction *transaction, const mirror_session *session,
    mirror_report *report);
int32_t mirror_session_update(mirror_transaction *transaction, const mirror_session *session,
    mirror_report *report);
int32_t mirror_session_remove(mirror_transaction *transaction, const char *session_id,
    mirror_report *report);
int32_t mirror_sessions_visit(mirror_context *context, const char *session_id,
    mirror_session_visit_fn visit, void *user);
void mirror_source_init(mirror_source *source, uint32_t size);
int32_t mirror_source_add(mirror_transaction *transaction, const mirror_source *source,
    mirror_report *report);
int32_t mirror_source_update(mirror_transaction *transaction, const mirror_source *source,
    mirror_report *report);
int32_t mirror_source_remove(mirror_transaction *transaction, const char *source_id, mirror_report
    *report);
int32_t mirror_sources_visit(mirror_context *context, const char *source_id,
    mirror_source_visit_fn visit, void *user);
int32_t mirror_source_handle(mirror_context *context, const char *source_id, uint32_t *handle,
    mirror_report *report);
void mirror_stats_init(mirror_stats *stats, uint32_t size);
const char *mirror_counter_name(uint32_t counter);
int32_t mirror_source_stats(mirror_context *context, const char *source_id, uint32_t direction,
    mirror_stats *stats);
int32_t mirror_session_stats(mirror_context *context, const char *session_id, mirror_stats
    *stats);
int32_t mirror_target_stats(mirror_context *context, const char *target_id, mirror_stats *stats);
int32_t mirror_rule_stats(mirror_context *context, const char *filter_id, uint32_t direction,
    uint32_t priority, mirror_stats *stats);
void mirror_tap_options_init(mirror_tap_options *options, uint32_t size);
int32_t mirror_tap_create(mirror_context *context, const mirror_tap_options *options, mirror_tap
    **tap, mirror_report *report);
void mirror_tap_destroy(mirror_tap *tap);
int32_t mirror_tap_step(mirror_tap *tap, int64_t timeout_ns, uint32_t *packets, mirror_report
    *report);
int32_t mirror_tap_run(mirror_tap *tap, mirror_report *report);
void mirror_tap_interrupt(mirror_tap *tap);
int32_t mirror_tap_submit(mirror_tap *tap, const mirror_packet *packets, uint32_t count,
    mirror_verdict *verdicts);
int32_t mirror_tap_output_status(const mirror_tap *tap, mirror_report *report);
int32_t mirror_tap_stats(const mirror_tap *tap, mirror_stats *stats);
int32_t mirror_run(const char *configuration, const char *source_id, uint32_t direction,
    const char *input_uri, const char *output_uri, mirror_stats *stats, mirror_report *report);
void mirror_worker_options_init(mirror_worker_options *options, uint32_t size);
int32_t mirror_worker_start(const mirror_worker_options *options, mirror_worker **worker,
    mirror_report *report);
int32_t mirror_worker_stop(mirror_worker **worker, mirror_report *report);
int32_t mirror_worker_descriptor(const mirror_worker *worker, int32_t *fd);
int32_t mirror_worker_drops(const mirror_worker *worker, uint64_t *packets);
int32_t mirror_worker_output_status(mirror_worker *worker, mirror_report *report);
void mirror_target_init(mirror_target *target, uint32_t size);
int32_t mirror_target_add(mirror_transaction *transaction, const mirror_target *target,
    mirror_report *report);
int32_t mirror_target_update(mirror_transaction *transaction, const mirror_target *target,
    mirror_report *report);
int32_t mirror_target_remove(mirror_transaction *transaction, const char *target_id, mirror_report
    *report);
int32_t mirror_targets_visit(mirror_context *context, const char *target_id,
    mirror_target_visit_fn visit, void *user);
int32_t mirror_transaction_begin(mirror_context *context, mirror_transaction **transaction,
    mirror_report *report);
int32_t mirror_transaction_check(mirror_transaction *transaction, mirror_error_fn on_error, void
    *user, mirror_report *report);
int32_t mirror_transaction_commit(mirror_transaction *transaction, mirror_report *report);
int32_t mirror_transaction_clear(mirror_transaction *transaction, mirror_report *report);
void mirror_transaction_destroy(mirror_transaction *transaction);
int32_t mirror_vpc_connect(mirror_transaction *transaction, const char *vpc_a, const char *vpc_b,
    mirror_report *report);
int32_t mirror_vpc_disconnect(mirror_transaction *transaction, const char *vpc_a, const char
    *vpc_b, mirror_report *report);
void mirror_quotas_init(mirror_quotas *quotas, uint32_t size);
int32_t mirror_quotas_set(mirror_transaction *transaction, const mirror_quotas *quotas,
    mirror_report *report);
int32_t mirror_quotas_get(mirror_context *context, mirror_quotas *quotas, mirror_report *report);
int32_t mirror_vpc_connections_visit(mirror_context *context, mirror_vpc_visit_fn visit, void
    *user);
void mirror_outer_init(mirror_outer *outer, uint32_t size);
uint32_t mirror_vxlan_header_length(const mirror_outer *outer);
int32_t mirror_vxlan_encode(const mirror_outer *outer, const uint8_t *inner, uint32_t
    inner_length, uint16_t source_port, uint16_t ip_id, uint8_t *header, uint32_t capacity,
    uint32_t *header_length);
void mirror_decapsulated_init(mirror_decapsulated *out, uint32_t size);
int32_t mirror_vxlan_decode(uint32_t layer, uint32_t udp_port, const uint8_t *bytes, uint32_t
    length, mirror_decapsulated *out);
"""
