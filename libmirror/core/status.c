/* Status codes and versions as text (include/libmirror/base.h). */
#include <libmirror/base.h>

#include <stddef.h>

#define STATUS(code, text) \
  { code, #code, text }

static const struct status {
  int32_t code;
  const char *name;
  const char *text;
} statuses[] = {
    STATUS(MIRROR_OK, "success"),
    STATUS(MIRROR_E_NOMEM, "out of memory; nothing was changed"),
    STATUS(MIRROR_E_ARGUMENT, "an argument is NULL or otherwise impossible"),
    STATUS(MIRROR_E_STRUCT_SIZE, "a struct's size is too small or its unknown tail is not zero"),
    STATUS(MIRROR_E_NOT_FOUND, "no object has that id"),
    STATUS(MIRROR_E_EXISTS, "an object with that id exists already"),
    STATUS(MIRROR_E_STATE, "not possible in the handle's present state"),
    STATUS(MIRROR_E_UNSUPPORTED, "not supported by this build or backend"),
    STATUS(MIRROR_E_BUFFER, "the caller's buffer is too small"),
    STATUS(MIRROR_E_BUSY, "a transaction is open on this context already"),
    STATUS(MIRROR_E_LIMIT, "a fixed limit of the implementation is reached"),
    STATUS(MIRROR_E_LIST_MEMORY, "a rule list compiles to more than its memory budget"),
    STATUS(MIRROR_E_ID, "an id is empty, longer than 64 characters or has control characters"),
    STATUS(MIRROR_E_NAME,
           "a name is not 1-64 letters, digits, CJK characters, \"_\", \"-\" or \".\""),
    STATUS(MIRROR_E_DESCRIPTION,
           "a description is longer than 255 characters or has \"<\", \">\" or control characters"),
    STATUS(MIRROR_E_DIRECTION, "a direction is neither ingress nor egress"),
    STATUS(MIRROR_E_RULE_PRIORITY, "a rule priority is not 1-65535"),
    STATUS(MIRROR_E_ACTION, "an action is neither accept nor reject"),
    STATUS(MIRROR_E_ETHERTYPE, "an ethertype is neither IPv4 nor IPv6"),
    STATUS(MIRROR_E_PROTOCOL, "not an IP protocol name or number"),
    STATUS(MIRROR_E_PROTOCOL_FAMILY, "ICMP goes only with IPv4, ICMPV6 only with IPv6"),
    STATUS(MIRROR_E_CIDR, "a CIDR block is not address/length"),
    STATUS(MIRROR_E_CIDR_FAMILY, "a CIDR block is of another family than the rule's ethertype"),
    STATUS(MIRROR_E_CIDR_HOST_BITS, "a CIDR block has bits set behind its prefix"),
    STATUS(MIRROR_E_PORT_RANGE, "a port range is not 0-65535 or its end is below its start"),
    STATUS(MIRROR_E_PORTS_OF_PROTOCOL, "ports are narrowed for a protocol without ports"),
    STATUS(MIRROR_E_SESSION_PRIORITY, "a session priority is not 1-32766"),
    STATUS(MIRROR_E_VNI, "a VXLAN network identifier is not 0-16777215"),
    STATUS(MIRROR_E_PACKET_LENGTH, "a packet length is not 14-65535"),
    STATUS(MIRROR_E_MTU, "an MTU is not 68-65535"),
    STATUS(MIRROR_E_ADDRESS, "not an IPv4 or IPv6 address that a copy can carry"),
    STATUS(MIRROR_E_MAC, "not a unicast MAC address"),
    STATUS(MIRROR_E_INTERFACE, "not a name that an interface can have"),
    STATUS(MIRROR_E_TARGET_KIND, "a target type is neither eni nor elb"),
    STATUS(MIRROR_E_UDP_PORT, "a UDP port is not 1-65535"),
    STATUS(MIRROR_E_OVERSIZE, "neither truncate nor drop"),
    STATUS(MIRROR_E_TTL, "a TTL is not 1-255"),
    STATUS(MIRROR_E_UDP_CHECKSUM, "a UDP checksum mode is not auto, zero or computed"),
    STATUS(MIRROR_E_SAMPLE, "a sampling interval is below 1"),
    STATUS(MIRROR_E_RATE, "a rate limit is out of range"),
    STATUS(MIRROR_E_VPC_ID, "not a VPC id, or a VPC connected to itself"),
    STATUS(MIRROR_E_FLAG, "a flag is neither 0 nor 1"),
    STATUS(MIRROR_E_DUPLICATE_RULE, "a rule priority is taken in this filter and direction"),
    STATUS(MIRROR_E_DUPLICATE_SESSION, "a session priority is taken"),
    STATUS(MIRROR_E_IN_USE, "an object is still referred to"),
    STATUS(MIRROR_E_NO_SOURCES, "a session needs at least one source"),
    STATUS(MIRROR_E_DUPLICATE_SOURCE, "a session names a source twice"),
    STATUS(MIRROR_E_UNKNOWN_FILTER, "no filter has that id"),
    STATUS(MIRROR_E_UNKNOWN_SOURCE, "no source has that id"),
    STATUS(MIRROR_E_UNKNOWN_TARGET, "no target has that id"),
    STATUS(MIRROR_E_INTERFACE_CONFLICT, "one interface is both source and target"),
    STATUS(MIRROR_E_VPC_UNREACHABLE,
           "source and target are in VPCs that are not declared connected"),
    STATUS(MIRROR_E_MTU_TOO_SMALL, "the MTU leaves no room for an Ethernet header inside a copy"),
    STATUS(MIRROR_E_QUOTA_SOURCES_PER_SESSION, "quota exceeded: sources per session"),
    STATUS(MIRROR_E_QUOTA_SESSIONS_PER_SOURCE, "quota exceeded: sessions per source"),
    STATUS(MIRROR_E_QUOTA_TARGETS_PER_SESSION, "quota exceeded: targets per session"),
    STATUS(MIRROR_E_QUOTA_SESSIONS_PER_ENI_TARGET, "quota exceeded: sessions per eni target"),
    STATUS(MIRROR_E_QUOTA_SESSIONS_PER_ELB_TARGET, "quota exceeded: sessions per elb target"),
    STATUS(MIRROR_E_QUOTA_FILTERS_PER_SESSION, "quota exceeded: filters per session"),
    STATUS(MIRROR_E_QUOTA_SESSIONS_PER_FILTER, "quota exceeded: sessions per filter"),
    STATUS(MIRROR_E_QUOTA_INGRESS_RULES, "quota exceeded: ingress rules per filter"),
    STATUS(MIRROR_E_QUOTA_EGRESS_RULES, "quota exceeded: egress rules per filter"),
    STATUS(MIRROR_E_QUOTA_SESSIONS, "quota exceeded: sessions per context"),
    STATUS(MIRROR_E_JSON_SYNTAX, "not JSON"),
    STATUS(MIRROR_E_JSON_TYPE, "a value of another type was expected"),
    STATUS(MIRROR_E_UNKNOWN_FIELD, "an unknown field"),
    STATUS(MIRROR_E_MISSING_FIELD, "a required field is missing"),
    STATUS(MIRROR_E_QUOTA_FIXED, "a quota that is 1 by construction cannot be set"),
    STATUS(MIRROR_E_INCONSISTENT, "a field contradicts the place it stands in"),
    STATUS(MIRROR_E_END, "the input has no more packets"),
    STATUS(MIRROR_E_AGAIN, "nothing now, or the output's queue is full"),
    STATUS(MIRROR_E_INTERRUPTED, "interrupted"),
    STATUS(MIRROR_E_OS, "a system call failed"),
    STATUS(MIRROR_E_URI, "not scheme:body, or no such scheme"),
    STATUS(MIRROR_E_BACKEND, "a backend table breaks the rules of ext/backend.h"),
    STATUS(MIRROR_E_FORMAT, "not a capture file"),
    STATUS(MIRROR_E_DAMAGED, "a capture file is damaged"),
    STATUS(MIRROR_E_LINK_TYPE, "packets of this link type cannot be mirrored"),
    STATUS(MIRROR_E_NO_BUFFER, "no buffer space"),
    STATUS(MIRROR_E_LINK_DOWN, "the link is down"),
    STATUS(MIRROR_E_NO_ROUTE, "no route to the target"),
    STATUS(MIRROR_E_TOO_LONG, "a copy is longer than the medium takes"),
    STATUS(MIRROR_E_PERMISSION, "permission denied"),
    STATUS(MIRROR_E_NO_DEVICE, "no such device"),
    STATUS(MIRROR_E_OUTER_SHORT, "an outer header is cut"),
    STATUS(MIRROR_E_OUTER_FORMAT,
           "an outer header has a wrong version, header length or length field"),
    STATUS(MIRROR_E_OUTER_CHECKSUM, "an outer checksum is wrong"),
    STATUS(MIRROR_E_OUTER_FRAGMENT, "an outer fragment: reassemble first"),
    STATUS(MIRROR_E_NOT_UDP, "not UDP over IPv4 or IPv6"),
    STATUS(MIRROR_E_NOT_VXLAN_PORT, "another UDP destination port"),
    STATUS(MIRROR_E_VXLAN_FLAGS, "the I bit of the VXLAN header is 0"),
    STATUS(MIRROR_E_INNER_SHORT, "the inner frame is shorter than an Ethernet header"),
};

static const struct status *find(int32_t code) {
  static const struct status unknown = {0, "unknown", "unknown status code"};
  for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
    if (statuses[i].code == code) return &statuses[i];
  }
  return &unknown;
}

const char *mirror_strerror(int32_t status) {
  return find(status)->text;
}

const char *mirror_status_name(int32_t status) {
  return find(status)->name;
}

uint32_t mirror_version(void) {
  return MIRROR_VERSION_MAJOR << 16 | MIRROR_VERSION_MINOR << 8 | MIRROR_VERSION_PATCH;
}

#define TEXT_OF(number) #number
#define DOTTED(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *mirror_version_text(void) {
  return DOTTED(MIRROR_VERSION_MAJOR, MIRROR_VERSION_MINOR, MIRROR_VERSION_PATCH);
}
