/*
 * libmirror/base.h - status codes, error reports, versions, sized structs.
 *
 * Rules that hold for every header of this library:
 *
 *  - A function that can fail returns an int32_t status: 0 (MIRROR_OK) or one of the
 *    negative MIRROR_E_ codes below. Codes are never renumbered.
 *  - A trailing `mirror_report *report` may be NULL. If it is not, it is filled in on failure
 *    and left alone on success.
 *  - Structs that cross the ABI begin with `uint32_t size`. Call the struct's init function,
 *    then set fields. A longer struct from a newer caller is accepted when the tail that this
 *    library does not know is zero; a shorter one gets defaults for the fields it lacks.
 *    Elements of arrays (mirror_packet, mirror_verdict, mirror_copy, mirror_key, mirror_count)
 *    carry no size: their layout is frozen for the life of the SONAME.
 *  - Strings are UTF-8, NUL-terminated. Addresses are in network byte order, numbers in host
 *    byte order, times in nanoseconds since 1970-01-01 UTC, unless a field says otherwise.
 *  - Ownership words: a callee that "borrows" uses an argument only during the call, one that
 *    "copies" keeps a copy; "returns-borrowed" must not be freed, "returns-owned" must be
 *    given to the named destroy function.
 *
 * Thread rule: any thread.
 */
#ifndef LIBMIRROR_BASE_H
#define LIBMIRROR_BASE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MIRROR_API __attribute__((visibility("default")))
#else
#define MIRROR_API
#endif

#define MIRROR_VERSION_MAJOR 0
#define MIRROR_VERSION_MINOR 1
#define MIRROR_VERSION_PATCH 0

/* The value of an optional number that is not set; 0 is a value like any other (spec O9). */
#define MIRROR_ABSENT UINT32_MAX
#define MIRROR_ABSENT_64 UINT64_MAX

/* Status codes. */
#define MIRROR_OK 0

/* General. */
#define MIRROR_E_NOMEM (-1)        /* an allocation failed; nothing was changed */
#define MIRROR_E_ARGUMENT (-2)     /* a NULL or otherwise impossible argument */
#define MIRROR_E_STRUCT_SIZE (-3)  /* a struct's size is too small or its unknown tail not zero */
#define MIRROR_E_NOT_FOUND (-4)    /* no object with that id */
#define MIRROR_E_EXISTS (-5)       /* an object with that id exists already */
#define MIRROR_E_STATE (-6)        /* not possible in the handle's present state */
#define MIRROR_E_UNSUPPORTED (-7)  /* left out of this build, or not offered by the backend */
#define MIRROR_E_BUFFER (-8)       /* the caller's buffer is too small */
#define MIRROR_E_BUSY (-9)         /* a transaction is open on this context already */
#define MIRROR_E_LIMIT (-10)       /* a fixed limit of the implementation */
#define MIRROR_E_LIST_MEMORY (-11) /* a rule list compiles to more than its memory budget */

/* Fields of objects (spec section 2). */
#define MIRROR_E_ID (-20)                /* id empty, too long or with control characters */
#define MIRROR_E_NAME (-21)              /* O8 */
#define MIRROR_E_DESCRIPTION (-22)       /* O8 */
#define MIRROR_E_DIRECTION (-23)         /* neither ingress nor egress */
#define MIRROR_E_RULE_PRIORITY (-24)     /* not 1-65535 */
#define MIRROR_E_ACTION (-25)            /* neither accept nor reject */
#define MIRROR_E_ETHERTYPE (-26)         /* neither IPv4 nor IPv6 */
#define MIRROR_E_PROTOCOL (-27)          /* not a protocol number or name */
#define MIRROR_E_PROTOCOL_FAMILY (-28)   /* O3: ICMP with IPv6, or ICMPv6 with IPv4 */
#define MIRROR_E_CIDR (-29)              /* not addr/len */
#define MIRROR_E_CIDR_FAMILY (-30)       /* O4: family differs from the rule's ethertype */
#define MIRROR_E_CIDR_HOST_BITS (-31)    /* O4: bits set behind the prefix */
#define MIRROR_E_PORT_RANGE (-32)        /* O5: not 0-65535, or end below start */
#define MIRROR_E_PORTS_OF_PROTOCOL (-33) /* O3: ports narrowed for a protocol without ports */
#define MIRROR_E_SESSION_PRIORITY (-34)  /* not 1-32766 */
#define MIRROR_E_VNI (-35)               /* not 0-16777215 */
#define MIRROR_E_PACKET_LENGTH (-36)     /* not 14-65535 */
#define MIRROR_E_MTU (-37)               /* not 68-65535 */
#define MIRROR_E_ADDRESS (-38)           /* not an IPv4 or IPv6 address a copy can carry */
#define MIRROR_E_MAC (-39)               /* not a unicast MAC address */
#define MIRROR_E_INTERFACE (-40)         /* an interface name that no system would take */
#define MIRROR_E_TARGET_KIND (-41)       /* neither eni nor elb */
#define MIRROR_E_UDP_PORT (-42)          /* not 1-65535 */
#define MIRROR_E_OVERSIZE (-43)          /* neither truncate nor drop */
#define MIRROR_E_TTL (-44)               /* not 1-255 */
#define MIRROR_E_UDP_CHECKSUM (-45)      /* not auto, zero or computed */
#define MIRROR_E_SAMPLE (-46)            /* sample_one_in below 1 */
#define MIRROR_E_RATE (-47)              /* a rate limit out of range */
#define MIRROR_E_VPC_ID (-48)            /* a VPC id that is no id, or a VPC connected to itself */
#define MIRROR_E_FLAG (-49)              /* neither 0 nor 1 */

/* Between objects (spec section 2). */
#define MIRROR_E_DUPLICATE_RULE (-60)     /* O2: priority taken in (filter, direction) */
#define MIRROR_E_DUPLICATE_SESSION (-61)  /* O2: priority taken in the context */
#define MIRROR_E_IN_USE (-62)             /* O6: still referred to */
#define MIRROR_E_NO_SOURCES (-63)         /* a session needs at least one source */
#define MIRROR_E_DUPLICATE_SOURCE (-64)   /* a session names the same source twice */
#define MIRROR_E_UNKNOWN_FILTER (-65)     /* a session or source refers to no filter */
#define MIRROR_E_UNKNOWN_SOURCE (-66)     /* a session refers to no source */
#define MIRROR_E_UNKNOWN_TARGET (-67)     /* a session refers to no target */
#define MIRROR_E_INTERFACE_CONFLICT (-68) /* O7: one interface is source and target */
#define MIRROR_E_VPC_UNREACHABLE (-69)    /* O10: VPCs not declared connected */
#define MIRROR_E_MTU_TOO_SMALL (-70)      /* MTU leaves no room for an Ethernet header inside */

/* Quotas (spec table "Quotas"). */
#define MIRROR_E_QUOTA_SOURCES_PER_SESSION (-80)
#define MIRROR_E_QUOTA_SESSIONS_PER_SOURCE (-81)
#define MIRROR_E_QUOTA_TARGETS_PER_SESSION (-82)
#define MIRROR_E_QUOTA_SESSIONS_PER_ENI_TARGET (-83)
#define MIRROR_E_QUOTA_SESSIONS_PER_ELB_TARGET (-84)
#define MIRROR_E_QUOTA_FILTERS_PER_SESSION (-85)
#define MIRROR_E_QUOTA_SESSIONS_PER_FILTER (-86)
#define MIRROR_E_QUOTA_INGRESS_RULES (-87)
#define MIRROR_E_QUOTA_EGRESS_RULES (-88)
#define MIRROR_E_QUOTA_SESSIONS (-89)

/* Configuration files (spec section 7). */
#define MIRROR_E_JSON_SYNTAX (-100)
#define MIRROR_E_JSON_TYPE (-101) /* a value of another type was expected */
#define MIRROR_E_UNKNOWN_FIELD (-102)
#define MIRROR_E_MISSING_FIELD (-103)
#define MIRROR_E_QUOTA_FIXED (-104)  /* a quota that is 1 by construction cannot be set */
#define MIRROR_E_INCONSISTENT (-105) /* a field contradicts the place it stands in */

/* Input and output. */
#define MIRROR_E_END (-120)         /* the input has no more packets; not a fault */
#define MIRROR_E_AGAIN (-121)       /* nothing now; or the output's queue is full */
#define MIRROR_E_INTERRUPTED (-122) /* mirror_*_interrupt was called */
#define MIRROR_E_OS (-123)          /* a system call failed: see report.os_error */
#define MIRROR_E_URI (-124)         /* not scheme:body, or no such scheme */
#define MIRROR_E_BACKEND (-125)     /* a backend table that breaks the rules of ext/backend.h */
#define MIRROR_E_FORMAT (-126)      /* not a capture file */
#define MIRROR_E_DAMAGED (-127)     /* a capture file is damaged at report.offset */
#define MIRROR_E_LINK_TYPE (-128)   /* packets of this link type cannot be mirrored */
#define MIRROR_E_NO_BUFFER (-129)   /* ENOBUFS, or a caller's memory is full */
#define MIRROR_E_LINK_DOWN (-130)
#define MIRROR_E_NO_ROUTE (-131)
#define MIRROR_E_TOO_LONG (-132) /* a copy longer than the medium takes */
#define MIRROR_E_PERMISSION (-133)
#define MIRROR_E_NO_DEVICE (-134)

/* Decapsulation (V8): why a received datagram was refused. */
#define MIRROR_E_OUTER_SHORT (-140)    /* a header is cut */
#define MIRROR_E_OUTER_FORMAT (-141)   /* version, header length or a length field is wrong */
#define MIRROR_E_OUTER_CHECKSUM (-142) /* IPv4 header or UDP checksum */
#define MIRROR_E_OUTER_FRAGMENT (-143) /* reassemble first */
#define MIRROR_E_NOT_UDP (-144)        /* neither IPv4 nor IPv6, or another protocol */
#define MIRROR_E_NOT_VXLAN_PORT (-145) /* another destination port */
#define MIRROR_E_VXLAN_FLAGS (-146)    /* the I bit is 0 (RFC 7348 section 5) */
#define MIRROR_E_INNER_SHORT (-147)    /* inner frame below 14 octets */

/* What a report or an explanation speaks about. */
#define MIRROR_OBJECT_NONE 0u
#define MIRROR_OBJECT_FILTER 1u
#define MIRROR_OBJECT_RULE 2u
#define MIRROR_OBJECT_SOURCE 3u
#define MIRROR_OBJECT_TARGET 4u
#define MIRROR_OBJECT_SESSION 5u
#define MIRROR_OBJECT_VPC 6u
#define MIRROR_OBJECT_QUOTA 7u

/*
 * An error report in the caller's memory: what was refused, where, what was found and what was
 * expected. Strings are NUL-terminated, cut if too long. `text` is one complete sentence for a
 * person; the other fields say the same for programs, empty or 0 where nothing applies.
 */
typedef struct mirror_report {
  uint32_t size;
  int32_t code;     /* MIRROR_E_ */
  int32_t os_error; /* errno of the failed call, 0 if none */
  uint32_t object;  /* MIRROR_OBJECT_ */
  uint32_t line;    /* configuration files: from 1; 0 = no position */
  uint32_t column;  /* in characters, from 1 */
  uint64_t offset;  /* capture files: octets from the start of the file to the damage */
  uint32_t errors;  /* how many errors the call found; this is the first of them */
  uint32_t reserved;
  char object_id[264]; /* id of the object; of a rule: filter/direction/priority */
  char field[64];      /* the configuration file's name of the field */
  char value[264];     /* what was found */
  char expected[264];  /* what would have been accepted */
  char file[264];      /* the file, if there is one */
  char text[1024];
} mirror_report;

/* Prepares `report` (size octets) for use. Thread rule: any thread. */
MIRROR_API void mirror_report_init(mirror_report *report, uint32_t size);

/* Returns-borrowed: a short static English text for a status code, never NULL. Any thread. */
MIRROR_API const char *mirror_strerror(int32_t status);

/* Returns-borrowed: the constant's name, such as "MIRROR_E_VNI", never NULL. Any thread. */
MIRROR_API const char *mirror_status_name(int32_t status);

/* The library's version: major << 16 | minor << 8 | patch; and as text, returns-borrowed. Any
 * thread. */
MIRROR_API uint32_t mirror_version(void);
MIRROR_API const char *mirror_version_text(void);

/*
 * The constants of all headers, for bindings that cannot read them: the value of the one that is
 * called `name`, such as "MIRROR_VXLAN_PORT"; that of MIRROR_ABSENT_64 is -1. Any thread.
 * Errors: MIRROR_E_ARGUMENT, MIRROR_E_NOT_FOUND.
 */
MIRROR_API int32_t mirror_constant(const char *name, int64_t *value);

/* Calls `visit` for each constant; stops and returns its first non-zero value. Any thread. */
typedef int32_t (*mirror_constant_visit_fn)(void *user, const char *name, int64_t value);
MIRROR_API int32_t mirror_constants_visit(mirror_constant_visit_fn visit, void *user);

#ifdef __cplusplus
}
#endif

#endif
