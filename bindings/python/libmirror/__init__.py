"""Traffic mirroring: the C library libmirror as Python objects.

    with libmirror.Context() as context:
        context.load("mirror.json")
        ...

See docs/python-guide.md of libmirror.
"""

from ._library import LibraryError, lib as _lib, text as _text
from ._version import __version__
from .backend import Copy, PacketInput, PacketOutput
from .capture import Capture
from .constants import (
    HEADER_MAX,
    NO_RULE,
    OVERHEAD_IPV4,
    OVERHEAD_IPV6,
    VXLAN_PORT,
    Action,
    Capability,
    Code,
    Counter,
    Direction,
    DropReason,
    Ethertype,
    Field,
    GsoType,
    Isa,
    Layer,
    LinkType,
    Object,
    Oversize,
    Severity,
    StepOutcome,
    Structure,
    TargetKind,
    UdpChecksum,
    Unparsable,
    VerdictFlag,
    VerdictKind,
)
from .context import Context, force_isa, isa_available
from .endpoints import Input, MemoryCopy, MemoryInput, MemoryOutput, Output, PcapOutput
from .errors import (
    BusyError,
    CaptureError,
    ConfigurationError,
    DecapsulationError,
    EndOfInput,
    Interrupted,
    MirrorError,
    ModelError,
    NoMemoryError,
    NotFoundError,
    QuotaError,
    UnsupportedError,
)
from .model import Filter, Quotas, Rule, Session, Source, Target
from .packets import Key, Keys, Packet, Packets, UnparsableError, source_port
from .plan import ListInfo, Plan, PlanInfo
from .stats import Count, Stats
from .tap import Tap, run
from .transaction import Transaction
from .verdict import Explanation, Step, Verdict
from .vxlan import Decapsulated, Outer, decapsulate
from .worker import Worker

INGRESS, EGRESS, AUTO = Direction.INGRESS, Direction.EGRESS, Direction.AUTO
ACCEPT, REJECT = Action.ACCEPT, Action.REJECT
IPV4, IPV6 = Ethertype.IPV4, Ethertype.IPV6

library_version = _text(_lib.mirror_version_text())
"""The release of the C library that was loaded."""

__all__ = [
    "ACCEPT",
    "AUTO",
    "Action",
    "BusyError",
    "Capability",
    "Capture",
    "CaptureError",
    "Code",
    "ConfigurationError",
    "Context",
    "Copy",
    "Count",
    "Counter",
    "Decapsulated",
    "DecapsulationError",
    "Direction",
    "DropReason",
    "EGRESS",
    "EndOfInput",
    "Ethertype",
    "Explanation",
    "Field",
    "Filter",
    "GsoType",
    "HEADER_MAX",
    "INGRESS",
    "IPV4",
    "IPV6",
    "Input",
    "Interrupted",
    "Isa",
    "Key",
    "Keys",
    "Layer",
    "LibraryError",
    "LinkType",
    "ListInfo",
    "MemoryCopy",
    "MemoryInput",
    "MemoryOutput",
    "MirrorError",
    "ModelError",
    "NO_RULE",
    "NoMemoryError",
    "NotFoundError",
    "OVERHEAD_IPV4",
    "OVERHEAD_IPV6",
    "Object",
    "Outer",
    "Output",
    "Oversize",
    "Packet",
    "PacketInput",
    "PacketOutput",
    "Packets",
    "PcapOutput",
    "Plan",
    "PlanInfo",
    "QuotaError",
    "Quotas",
    "REJECT",
    "Rule",
    "Session",
    "Severity",
    "Source",
    "Stats",
    "Step",
    "StepOutcome",
    "Structure",
    "Tap",
    "Target",
    "TargetKind",
    "Transaction",
    "UdpChecksum",
    "Unparsable",
    "UnparsableError",
    "UnsupportedError",
    "VXLAN_PORT",
    "Verdict",
    "VerdictFlag",
    "VerdictKind",
    "Worker",
    "__version__",
    "decapsulate",
    "force_isa",
    "isa_available",
    "library_version",
    "run",
    "source_port",
]
