"""Filters, rules, sources, targets, sessions and quotas as dataclasses.

The fields have the names of the C structs; None is absent.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, fields
from typing import Any, Callable, ClassVar, Dict, Optional, Sequence, Tuple, Type, TypeVar

from ._library import new, octets, optional_text, types
from .constants import ABSENT, ABSENT_64, PROTOCOL_ALL
from .constants import Action, Direction, Ethertype, Oversize, TargetKind, UdpChecksum

_Self = TypeVar("_Self", bound="Model")
Ports = Tuple[int, int]  # first and last
ALL_PORTS: Ports = (0, 65535)


class Model:
    """An object of the model, converted field by field."""

    _struct: ClassVar[str]
    _meaning: ClassVar[Dict[str, Callable[[int], Any]]] = {}  # numbers that are more than that
    _apart: ClassVar[Tuple[str, ...]] = ()  # fields that the class converts itself

    def to_c(self) -> Any:
        """A struct for the library; it keeps what it points to alive."""
        struct = new(self._struct)
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and field.name not in self._apart:
                setattr(struct, field.name, _number_or_octets(value, struct, field.name))
        return struct

    @classmethod
    def from_c(cls: Type[_Self], struct: Any) -> _Self:
        """What a struct of the library says."""
        found = {}
        for field in fields(cls):
            if field.name not in cls._apart:
                found[field.name] = cls._value(field.name, getattr(struct, field.name))
        return cls(**found, **cls._from_c_apart(struct))

    @classmethod
    def _value(cls, name: str, value: Any) -> Any:
        if not isinstance(value, int):
            return optional_text(value)
        bits = getattr(getattr(types, cls._struct), name).size * 8
        if value == (ABSENT if bits == 32 else ABSENT_64):
            return None
        return cls._meaning[name](value) if name in cls._meaning else value

    @classmethod
    def _from_c_apart(cls, struct: Any) -> Dict[str, Any]:
        return {}


def _number_or_octets(value: Any, struct: Any, name: str) -> Any:
    """A number that fits, or the octets of a text (str, or an address of ipaddress)."""
    if not isinstance(value, int):
        return octets(str(value))
    bits = getattr(type(struct), name).size * 8
    if not 0 <= value < 1 << bits:
        raise ValueError(f"{name} is {value}, expected 0-{(1 << bits) - 1}")
    return int(value)


@dataclass
class Filter(Model):
    """Two lists of rules, one for each direction."""

    id: str
    name: Optional[str] = None
    description: Optional[str] = None

    _struct: ClassVar[str] = "mirror_filter"


def _protocol(value: int) -> Optional[int]:
    return None if value == PROTOCOL_ALL else value


@dataclass
class Rule(Model):
    """One rule of a filter. CIDRs are "addr/len" or networks of ipaddress, None is any."""

    direction: Direction
    priority: int
    action: Action
    ethertype: Ethertype = Ethertype.IPV4
    protocol: Optional[int] = None  # None: all
    source_ports: Ports = ALL_PORTS  # first and last
    destination_ports: Ports = ALL_PORTS
    source_cidr: Optional[str] = None
    destination_cidr: Optional[str] = None
    id: Optional[str] = None
    description: Optional[str] = None

    _struct: ClassVar[str] = "mirror_rule"
    _meaning: ClassVar[Dict[str, Callable[[int], Any]]] = {
        "direction": Direction,
        "action": Action,
        "ethertype": Ethertype,
        "protocol": _protocol,
    }
    _apart: ClassVar[Tuple[str, ...]] = ("source_ports", "destination_ports")

    def to_c(self) -> Any:
        struct = super().to_c()
        for end in ("source", "destination"):
            for which, port in zip(("first", "last"), getattr(self, f"{end}_ports")):
                name = f"{end}_port_{which}"
                setattr(struct, name, _number_or_octets(port, struct, name))
        return struct

    @classmethod
    def _from_c_apart(cls, struct: Any) -> Dict[str, Any]:
        return {
            f"{end}_ports": tuple(getattr(struct, f"{end}_port_{w}") for w in ("first", "last"))
            for end in ("source", "destination")
        }


@dataclass
class Source(Model):
    """An interface whose packets are mirrored."""

    id: str
    name: Optional[str] = None
    mtu: int = 1500
    interface_name: Optional[str] = None
    mac: Optional[str] = None  # needed for Direction.AUTO
    address: Optional[str] = None  # outer source address of copies
    vpc_id: Optional[str] = None
    security_group: Optional[str] = None  # id of a filter that is evaluated first

    _struct: ClassVar[str] = "mirror_source"


@dataclass
class Target(Model):
    """Where copies go."""

    id: str
    address: str
    name: Optional[str] = None
    kind: TargetKind = TargetKind.ENI
    udp_port: int = 4789
    mtu: Optional[int] = None  # None: the source's counts
    oversize: Oversize = Oversize.TRUNCATE
    ttl: int = 64
    dont_fragment: bool = True
    udp_checksum: UdpChecksum = UdpChecksum.AUTO
    interface_name: Optional[str] = None
    vpc_id: Optional[str] = None

    _struct: ClassVar[str] = "mirror_target"
    _meaning: ClassVar[Dict[str, Callable[[int], Any]]] = {
        "kind": TargetKind,
        "oversize": Oversize,
        "dont_fragment": bool,
        "udp_checksum": UdpChecksum,
    }


@dataclass
class Session(Model):
    """One filter, one or more sources and one target."""

    id: str
    priority: int
    filter_id: str
    target_id: str
    sources: Sequence[str]
    name: Optional[str] = None
    description: Optional[str] = None
    enabled: bool = True
    vni: int = 1
    packet_length: Optional[int] = None  # inner octets kept; None: whole frame
    sample_one_in: Optional[int] = None
    rate_limit_bps: Optional[int] = None
    rate_limit_pps: Optional[int] = None

    _struct: ClassVar[str] = "mirror_session"
    _meaning: ClassVar[Dict[str, Callable[[int], Any]]] = {"enabled": bool}
    _apart: ClassVar[Tuple[str, ...]] = ("sources",)

    def to_c(self) -> Any:
        struct = super().to_c()
        ids = [octets(each) for each in self.sources]
        struct.source_count = len(ids)
        struct.sources = (ctypes.c_char_p * len(ids))(*ids)
        return struct

    @classmethod
    def _from_c_apart(cls, struct: Any) -> Dict[str, Any]:
        return {"sources": [optional_text(struct.sources[i]) for i in range(struct.source_count)]}


@dataclass
class Quotas(Model):
    """Limits of a context."""

    sources_per_session: int = 10
    sessions_per_source: int = 3
    sessions_per_eni_target: int = 10
    sessions_per_elb_target: int = 200
    sessions_per_filter: int = 1000
    ingress_rules_per_filter: int = 10
    egress_rules_per_filter: int = 10
    sessions_per_context: int = 20000

    _struct: ClassVar[str] = "mirror_quotas"
