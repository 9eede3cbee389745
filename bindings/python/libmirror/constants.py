"""The constants of the library as enumerations.

Values that a newer library returns and this package does not know become members named
UNKNOWN_<value>, so that nothing breaks at them.
"""

from __future__ import annotations

import ctypes
from enum import IntEnum, IntFlag
from typing import Any, Callable, Dict, Iterator, Tuple, Type, TypeVar

from . import _abi
from ._library import callbacks, lib, octets, text

_enumerations: Dict[Any, str] = {}  # class: prefix of its members in C
_Class = TypeVar("_Class", bound=Type[Any])

VXLAN_PORT = 4789
OVERHEAD_IPV4 = 36  # octets of an outer IPv4 packet that are not inner frame
OVERHEAD_IPV6 = 56
HEADER_MAX = 70  # octets of the longest headers in front of an inner frame
PROTOCOL_ALL = 256
BACKEND_ABI = 1
ABSENT = 2**32 - 1
ABSENT_64 = 2**64 - 1
SOCKET_MARK = 0x30B5  # of sockets that send copies
NO_RULE = 2**32 - 1  # the index for "no rule matches"
GSO_SIZE_MIN = 64  # limits of super-frames
GSO_PAYLOAD_MAX = 524280
GSO_HEADERS_MAX = 256
COUNTERS = 21
COUNTERS_MAX = 32

_numbers = (
    "VXLAN_PORT OVERHEAD_IPV4 OVERHEAD_IPV6 HEADER_MAX PROTOCOL_ALL BACKEND_ABI ABSENT ABSENT_64 "
    "NO_RULE SOCKET_MARK GSO_SIZE_MIN GSO_PAYLOAD_MAX GSO_HEADERS_MAX COUNTERS COUNTERS_MAX"
)


def declared(prefix: str) -> Callable[[_Class], _Class]:
    """Makes a class part of the declaration table."""

    def enter(enumeration: _Class) -> _Class:
        _enumerations[enumeration] = prefix
        return enumeration

    return enter


def declared_constants() -> Iterator[Tuple[str, int]]:
    """Names in C and values of all constants of this module."""
    yield "MIRROR_VERSION_MAJOR", _abi.MAJOR
    for name in _numbers.split():
        yield "MIRROR_" + name, globals()[name]
    for enumeration, prefix in _enumerations.items():
        for name, member in enumeration.__members__.items():
            yield "MIRROR_OK" if member is Code.OK else prefix + name, int(member)


def value(name: str) -> int:
    """The constant that the library calls by this name in C, such as "MIRROR_VXLAN_PORT"."""
    number = ctypes.c_int64()
    if lib.mirror_constant(octets(name), ctypes.byref(number)):
        raise KeyError(name)
    return number.value


def values() -> Dict[str, int]:
    """All constants of the library, by their names in C."""
    found: Dict[str, int] = {}

    def visit(user: Any, name: bytes, number: int) -> int:
        found[text(name)] = number
        return 0

    lib.mirror_constants_visit(callbacks.mirror_constant_visit_fn(visit), None)
    return found


class Constant(IntEnum):
    """A number of the library with a name."""

    @classmethod
    def _missing_(cls, value: object) -> Any:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member


@declared("MIRROR_E_")
class Code(Constant):
    """A status of the library: MIRROR_OK or, without their prefix, one of the MIRROR_E_ codes."""

    OK = 0
    NOMEM = -1
    ARGUMENT = -2
    STRUCT_SIZE = -3
    NOT_FOUND = -4
    EXISTS = -5
    STATE = -6
    UNSUPPORTED = -7
    BUFFER = -8
    BUSY = -9
    LIMIT = -10
    LIST_MEMORY = -11
    ID = -20
    NAME = -21
    DESCRIPTION = -22
    DIRECTION = -23
    RULE_PRIORITY = -24
    ACTION = -25
    ETHERTYPE = -26
    PROTOCOL = -27
    PROTOCOL_FAMILY = -28
    CIDR = -29
    CIDR_FAMILY = -30
    CIDR_HOST_BITS = -31
    PORT_RANGE = -32
    PORTS_OF_PROTOCOL = -33
    SESSION_PRIORITY = -34
    VNI = -35
    PACKET_LENGTH = -36
    MTU = -37
    ADDRESS = -38
    MAC = -39
    INTERFACE = -40
    TARGET_KIND = -41
    UDP_PORT = -42
    OVERSIZE = -43
    TTL = -44
    UDP_CHECKSUM = -45
    SAMPLE = -46
    RATE = -47
    VPC_ID = -48
    FLAG = -49
    DUPLICATE_RULE = -60
    DUPLICATE_SESSION = -61
    IN_USE = -62
    NO_SOURCES = -63
    DUPLICATE_SOURCE = -64
    UNKNOWN_FILTER = -65
    UNKNOWN_SOURCE = -66
    UNKNOWN_TARGET = -67
    INTERFACE_CONFLICT = -68
    VPC_UNREACHABLE = -69
    MTU_TOO_SMALL = -70
    QUOTA_SOURCES_PER_SESSION = -80
    QUOTA_SESSIONS_PER_SOURCE = -81
    QUOTA_TARGETS_PER_SESSION = -82
    QUOTA_SESSIONS_PER_ENI_TARGET = -83
    QUOTA_SESSIONS_PER_ELB_TARGET = -84
    QUOTA_FILTERS_PER_SESSION = -85
    QUOTA_SESSIONS_PER_FILTER = -86
    QUOTA_INGRESS_RULES = -87
    QUOTA_EGRESS_RULES = -88
    QUOTA_SESSIONS = -89
    JSON_SYNTAX = -100
    JSON_TYPE = -101
    UNKNOWN_FIELD = -102
    MISSING_FIELD = -103
    QUOTA_FIXED = -104
    INCONSISTENT = -105
    END = -120
    AGAIN = -121
    INTERRUPTED = -122
    OS = -123
    URI = -124
    BACKEND = -125
    FORMAT = -126
    DAMAGED = -127
    LINK_TYPE = -128
    NO_BUFFER = -129
    LINK_DOWN = -130
    NO_ROUTE = -131
    TOO_LONG = -132
    PERMISSION = -133
    NO_DEVICE = -134
    OUTER_SHORT = -140
    OUTER_FORMAT = -141
    OUTER_CHECKSUM = -142
    OUTER_FRAGMENT = -143
    NOT_UDP = -144
    NOT_VXLAN_PORT = -145
    VXLAN_FLAGS = -146
    INNER_SHORT = -147

    @property
    def text(self) -> str:
        """The library's own word for it."""
        return text(lib.mirror_strerror(self))


@declared("MIRROR_OBJECT_")
class Object(Constant):
    """What an error is about."""

    NONE = 0
    FILTER = 1
    RULE = 2
    SOURCE = 3
    TARGET = 4
    SESSION = 5
    VPC = 6
    QUOTA = 7


@declared("MIRROR_")
class Direction(Constant):
    """From the source: what it receives, what it sends, or by its MAC address."""

    INGRESS = 1
    EGRESS = 2
    AUTO = 3


@declared("MIRROR_")
class Action(Constant):
    """What a rule does with a packet that it matches."""

    ACCEPT = 1
    REJECT = 2


@declared("MIRROR_ETHERTYPE_")
class Ethertype(Constant):
    """The packets that a rule is about."""

    IPV4 = 0x0800
    IPV6 = 0x86dd


@declared("MIRROR_TARGET_")
class TargetKind(Constant):
    """One network interface, or a load balancer."""

    ENI = 1
    ELB = 2


@declared("MIRROR_OVERSIZE_")
class Oversize(Constant):
    """What to do with a copy that does not fit the MTU."""

    TRUNCATE = 1
    DROP = 2


@declared("MIRROR_UDP_CHECKSUM_")
class UdpChecksum(Constant):
    """The outer UDP checksum."""

    AUTO = 0
    ZERO = 1
    COMPUTED = 2


@declared("MIRROR_LAYER_")
class Layer(Constant):
    """Where a copy, or a received datagram, begins."""

    LINK = 1
    IP = 2
    UDP = 3
    INNER = 4  # copies without outer headers; not for datagrams


@declared("MIRROR_LINK_")
class LinkType(Constant):
    """The link types that can be mirrored."""

    NULL = 0
    ETHERNET = 1
    RAW = 101
    LOOP = 108
    LINUX_SLL = 113
    IPV4 = 228
    IPV6 = 229
    LINUX_SLL2 = 276

    @property
    def text(self) -> str:
        """The library's own word for it."""
        return text(lib.mirror_link_type_name(self))


@declared("MIRROR_UNPARSABLE_")
class Unparsable(Constant):
    """Why a packet is unparsable."""

    LINK_SHORT = 1
    TAGS = 2
    TAG_SHORT = 3
    NOT_IP = 4
    IP_SHORT = 5
    IP_VERSION = 6
    IP_LENGTH = 7
    LINK_TYPE = 8

    @property
    def text(self) -> str:
        """The library's own word for it."""
        return text(lib.mirror_unparsable_text(self))


@declared("MIRROR_PACKET_")
class PacketFlag(IntFlag):
    """What is known of a packet."""

    BLOCKED = 1
    NEEDS_CHECKSUM = 2


@declared("MIRROR_GSO_")
class GsoType(IntFlag):
    """What a super-frame is made of; ECN may be added to the TCP types."""

    NONE = 0
    TCPV4 = 1
    TCPV6 = 4
    UDP_L4 = 5
    ECN = 0x80


@declared("MIRROR_KEY_")
class KeyField(IntFlag):
    """Fields of a 5-tuple that may be absent."""

    PROTOCOL = 1
    SOURCE_PORT = 2
    DESTINATION_PORT = 4


@declared("MIRROR_KEY_")
class KeyNote(IntFlag):
    """What else a packet is."""

    FIRST_FRAGMENT = 1
    LATER_FRAGMENT = 2


@declared("MIRROR_")
class VerdictKind(Constant):
    """What becomes of a packet."""

    MIRRORED = 1
    REJECTED = 2
    UNMATCHED = 3
    UNPARSABLE = 4
    OWN = 5
    BLOCKED = 6
    DROPPED = 7

    @property
    def text(self) -> str:
        """The library's own word for it."""
        return text(lib.mirror_verdict_name(self))


@declared("MIRROR_DROP_")
class DropReason(Constant):
    """Why a packet that a rule accepts is not copied."""

    OVERSIZE = 1
    SAMPLED = 2
    RATE = 3

    @property
    def text(self) -> str:
        """The library's own word for it."""
        return text(lib.mirror_drop_reason_name(self))


@declared("MIRROR_")
class VerdictFlag(IntFlag):
    """More about a verdict."""

    CUT_BY_LENGTH = 1
    CUT_BY_MTU = 2
    BY_FRAGMENT = 4
    NO_SOURCE = 8
    SEGMENTED = 16
    NOT_SEGMENTED = 32
    CHECKSUM_OPEN = 64


@declared("MIRROR_STEP_")
class StepOutcome(Constant):
    """How a step of an explanation ended."""

    MATCHED = 1
    MISMATCH = 2
    NOT_PRESENT = 3
    DISABLED = 4
    EMPTY = 5
    NO_MATCH = 6


@declared("MIRROR_FIELD_")
class Field(Constant):
    """A field of a rule, in the order in which they are compared."""

    NONE = 0
    ETHERTYPE = 1
    SOURCE_CIDR = 2
    DESTINATION_CIDR = 3
    PROTOCOL = 4
    SOURCE_PORT = 5
    DESTINATION_PORT = 6


@declared("MIRROR_ISA_")
class Isa(Constant):
    """Instruction sets that rule lists are compiled for."""

    AUTO = 0
    SCALAR = 1
    NEON = 2
    AVX2 = 3
    AVX512 = 4

    @property
    def text(self) -> str:
        """The library's own word for it."""
        return text(lib.mirror_isa_name(self))


@declared("MIRROR_STRUCTURE_")
class Structure(Constant):
    """What a rule list was compiled into."""

    NONE = 0
    SCAN = 1
    NIBBLES = 2
    FOREST = 3

    @property
    def text(self) -> str:
        """The library's own word for it."""
        return text(lib.mirror_structure_name(self))


@declared("MIRROR_LOG_")
class Severity(Constant):
    """How bad a log line is."""

    ERROR = 1
    WARNING = 2
    INFO = 3


@declared("MIRROR_CAN_")
class Capability(IntFlag):
    """What a backend can do."""

    INPUT = 1
    OUTPUT = 2


@declared("MIRROR_COUNTER_")
class Counter(Constant):
    """The counters of `Stats`."""

    MIRRORED = 0
    REJECTED = 1
    UNMATCHED = 2
    UNPARSABLE = 3
    OWN = 4
    BLOCKED = 5
    DROPPED_OVERSIZE = 6
    DROPPED_SAMPLED = 7
    DROPPED_RATE = 8
    CUT_BY_LENGTH = 9
    CUT_BY_MTU = 10
    SENT = 11
    FAILED_AGAIN = 12
    FAILED_NO_BUFFER = 13
    FAILED_LINK_DOWN = 14
    FAILED_NO_ROUTE = 15
    FAILED_TOO_LONG = 16
    FAILED_OTHER = 17
    SEGMENTS = 18
    NOT_SEGMENTED = 19
    CHECKSUM_OPEN = 20

    @property
    def text(self) -> str:
        """The library's own word for it."""
        return text(lib.mirror_counter_name(self))
