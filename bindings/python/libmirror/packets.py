"""Packets, prepared for the library once, and what rules can see of them."""

from __future__ import annotations

import ctypes
import functools
import ipaddress
import itertools
import operator
import struct
import sys
from array import array
from typing import TYPE_CHECKING, Any, Iterable, Iterator, List, NamedTuple, Optional, Sequence
from typing import Tuple, Union

from ._buffers import Pinned
from ._calls import check
from ._library import lib, types
from .constants import Direction, GsoType, KeyField, KeyNote, LinkType, PacketFlag, Unparsable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

IPAddress = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


class Packet(NamedTuple):
    """One captured packet. Direction None and source 0 leave them to the batch or the tap."""

    data: "ReadableBuffer"  # from the link-layer header on
    time_ns: int = 0
    length: Optional[int] = None  # octets on the wire; None: as many as in data
    link_type: int = LinkType.ETHERNET
    source: int = 0  # Context.source_handle
    direction: Optional[Direction] = None
    blocked: bool = False  # dropped by the source's security group
    cookie: int = 0
    gso_type: GsoType = GsoType.NONE  # a super-frame; as in a virtio-net header
    gso_size: int = 0
    checksum: Optional[Tuple[int, int]] = None  # start and offset of an unfinished one


Frame = Union[Packet, "ReadableBuffer"]

_Struct = types.mirror_packet
_SIZE = ctypes.sizeof(_Struct)
_WORD = 8
_words = _SIZE // _WORD if ctypes.sizeof(ctypes.c_void_p) == _WORD else 0  # 0: do it one by one


def _at(field: str) -> int:
    """Which word of a mirror_packet a field stands in."""
    offset: int = getattr(_Struct, field).offset
    return offset // _WORD


_DATA, _LENGTHS, _COMMON = _at("data"), _at("caplen"), _at("source")


def _two(low: int) -> int:
    """A word of two equal uint32_t."""
    return low | low << 32


@functools.lru_cache(maxsize=256)
def _common_word(source: int, direction: int, link_type: int) -> int:
    packed = struct.pack("=IHBB", source, link_type, direction, 0)
    return int.from_bytes(packed, sys.byteorder)


def _check_places(offsets: Sequence[int], lengths: Sequence[int], room: int) -> None:
    if len(offsets) != len(lengths):
        raise ValueError(f"{len(offsets)} offsets and {len(lengths)} lengths")
    if not offsets:
        return
    end = max(map(operator.add, offsets, lengths))
    if min(offsets) < 0 or min(lengths) < 0 or end > room:
        raise ValueError(f"a packet lies outside the {room} octets of the buffer")


class Packets(Sequence[Packet]):
    """Packets as an array of the library's, made once and used any number of times.

    `frames` are `Packet`s or anything that has memory: bytes, bytearray, memoryview, array, mmap.
    Their octets are not copied and must not change while they are used. `source`, `direction` and
    `link_type` are those of frames that say nothing about it.
    """

    def __init__(
        self,
        frames: Iterable[Frame],
        *,
        source: int = 0,
        direction: Optional[Direction] = None,
        link_type: int = LinkType.ETHERNET,
    ) -> None:
        listed = frames if isinstance(frames, list) else list(frames)
        self._begin(len(listed), source, direction, link_type)
        self._pins: Any = listed
        if _words and all(type(frame) is bytes for frame in listed):
            pointers = (ctypes.c_char_p * len(listed))(*listed)
            self._fill_columns(array("Q", bytes(pointers)), map(len, listed))
        else:
            self._pins = [self._fill(self.array[i], frame) for i, frame in enumerate(listed)]

    @classmethod
    def from_buffer(
        cls,
        buffer: "ReadableBuffer",
        offsets: Sequence[int],
        lengths: Sequence[int],
        *,
        source: int = 0,
        direction: Optional[Direction] = None,
        link_type: int = LinkType.ETHERNET,
    ) -> "Packets":
        """Packets that stand in one buffer, such as a capture in memory."""
        pinned = Pinned(buffer)
        _check_places(offsets, lengths, pinned.length)
        if not _words:
            view = memoryview(buffer).cast("B")
            frames = [view[at : at + length] for at, length in zip(offsets, lengths)]
            return cls(frames, source=source, direction=direction, link_type=link_type)
        self = cls.__new__(cls)
        self._begin(len(offsets), source, direction, link_type)
        self._pins = pinned, buffer
        self._fill_columns(array("Q", map(pinned.address.__add__, offsets)), lengths)
        return self

    def _begin(
        self, count: int, source: int, direction: Optional[Direction], link_type: int
    ) -> None:
        self._common = (source, int(direction or 0), int(link_type))
        self._count = count
        self._memory: Any = array("Q" if _words else "B", bytes(_SIZE * count))
        self.array: Any = (_Struct * count).from_buffer(self._memory) if count else None

    def _fill_columns(self, addresses: Any, lengths: Iterable[int]) -> None:
        """All packets at once: each field of the struct is a column of words."""
        word = _common_word(self._common[0], self._common[1], self._common[2])
        self._memory[_DATA :: _words] = addresses
        self._memory[_LENGTHS :: _words] = array("Q", map(_two, lengths))
        self._memory[_COMMON :: _words] = array("Q", [word]) * self._count

    def _fill(self, to: Any, frame: Frame) -> Any:
        """One packet; returns what keeps its memory in place."""
        packet = frame if isinstance(frame, Packet) else Packet(frame, link_type=self._common[2])
        pinned = Pinned(packet.data)
        to.data, to.caplen = pinned.address, pinned.length
        to.length = pinned.length if packet.length is None else packet.length
        to.time_ns, to.cookie, to.link_type = packet.time_ns, packet.cookie, packet.link_type
        to.source = packet.source or self._common[0]
        to.direction = packet.direction or self._common[1]
        to.flags = PacketFlag.BLOCKED if packet.blocked else 0
        to.gso_type, to.gso_size = packet.gso_type, packet.gso_size
        if packet.checksum is not None:
            to.flags |= PacketFlag.NEEDS_CHECKSUM
            to.checksum_start, to.checksum_offset = packet.checksum
        return pinned, packet.data

    @classmethod
    def of(cls, frames: Union["Packets", Iterable[Frame], Frame], **common: Any) -> "Packets":
        """`frames` itself if it is prepared already; a single frame (a Packet, bytes, bytearray or
        memoryview) becomes a batch of one."""
        if isinstance(frames, Packets):
            return frames
        if isinstance(frames, (Packet, bytes, bytearray, memoryview)):
            return cls([frames], **common)
        return cls(frames, **common)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(index)
        return packet_from_c(self.array[index])

    def __iter__(self) -> Iterator[Packet]:
        return (self[i] for i in range(self._count))


def packet_from_c(packet: Any) -> Packet:
    """A mirror_packet with its octets copied."""
    return Packet(
        ctypes.string_at(packet.data, packet.caplen),
        packet.time_ns,
        packet.length,
        LinkType(packet.link_type),
        packet.source,
        Direction(packet.direction) if packet.direction else None,
        bool(packet.flags & PacketFlag.BLOCKED),
        packet.cookie,
        GsoType(packet.gso_type),
        packet.gso_size,
        (packet.checksum_start, packet.checksum_offset)
        if packet.flags & PacketFlag.NEEDS_CHECKSUM
        else None,
    )


class UnparsableError(ValueError):
    """Rules cannot see anything of the packet; `reason` says why."""

    def __init__(self, reason: Unparsable) -> None:
        super().__init__(reason.text)
        self.reason = reason


class Key(NamedTuple):
    """What rules see of a packet: its 5-tuple, None for what it has not."""

    family: int  # 4 or 6
    source: IPAddress
    destination: IPAddress
    protocol: Optional[int]
    source_port: Optional[int]
    destination_port: Optional[int]
    first_fragment: bool
    later_fragment: bool

    @classmethod
    def read(cls, packet: Frame) -> "Key":
        """Reads the key of a packet, or raises UnparsableError."""
        packets, key, why = Packets([packet]), types.mirror_key(), ctypes.c_uint32()
        check(lib.mirror_packet_key(packets.array, ctypes.byref(key), ctypes.byref(why)))
        if not key.family:
            raise UnparsableError(Unparsable(why.value))
        return _key_from_c(key)


# Plain numbers: operations on flags are slow.
_PROTOCOL, _SOURCE_PORT, _DESTINATION_PORT = (int(each) for each in KeyField)
_FIRST_FRAGMENT, _LATER_FRAGMENT = (int(each) for each in KeyNote)


def _key_from_c(key: Any) -> Key:
    family, present, notes = key.family, key.present, key.notes
    return Key(
        family,
        address_from_c(key.source, family),
        address_from_c(key.destination, family),
        key.protocol if present & _PROTOCOL else None,
        key.source_port if present & _SOURCE_PORT else None,
        key.destination_port if present & _DESTINATION_PORT else None,
        bool(notes & _FIRST_FRAGMENT),
        bool(notes & _LATER_FRAGMENT),
    )


def address_from_c(octets: Any, family: int) -> IPAddress:
    """An address of the library's, of family 4 or 6."""
    packed = bytes(octets)
    return ipaddress.IPv4Address(packed[:4]) if family == 4 else ipaddress.IPv6Address(packed)


def source_port(packet: Frame) -> int:
    """The outer UDP source port of a copy of this packet."""
    port = ctypes.c_uint16()
    check(lib.mirror_packet_source_port(Packets([packet]).array, ctypes.byref(port)))
    return port.value


KeyTuple = Tuple[Optional[int], Any, Any, Optional[int], Optional[int]]


class Keys:
    """Prepared keys for `Plan.match_keys`: 5-tuples of packets that are parsed already.

    `buffer` holds one mirror_key4 (16 octets) or mirror_key6 (40) after the other, for example
    from a structured NumPy array; it is not copied.
    """

    def __init__(self, buffer: "ReadableBuffer", family: int = 4) -> None:
        if family not in (4, 6):
            raise ValueError(f"family is {family}, expected 4 or 6")
        size = ctypes.sizeof(types.mirror_key4 if family == 4 else types.mirror_key6)
        self._pinned = Pinned(buffer)
        length, start = self._pinned.length, self._pinned.address
        if length % size:
            raise ValueError(f"{length} octets, expected a multiple of {size}")
        self.family = family
        kind = "Q" if ctypes.sizeof(ctypes.c_void_p) == _WORD else "L"
        self._pointers = array(kind, range(start, start + length, size))
        self.address, _ = self._pointers.buffer_info()  # of the addresses of the keys

    def __len__(self) -> int:
        return len(self._pointers)

    @classmethod
    def pack(cls, keys: Iterable[KeyTuple], family: int = 4) -> "Keys":
        """From (protocol, source, destination, source port, destination port); None is absent."""
        return cls(b"".join(_packed(key, family) for key in keys), family)


def _packed(key: KeyTuple, family: int) -> bytes:
    protocol, source, destination, first, second = key
    absent = KeyField(0)
    fields = (KeyField.PROTOCOL, KeyField.SOURCE_PORT, KeyField.DESTINATION_PORT)
    for value, field in zip((protocol, first, second), fields):
        absent |= field if value is None else KeyField(0)
    addresses = [ipaddress.ip_address(each) for each in (source, destination)]
    if any(address.version != family for address in addresses):
        raise ValueError(f"{source} and {destination}: expected addresses of family {family}")
    octets: List[bytes] = [address.packed for address in addresses]
    return struct.pack(
        f"!BBxx{len(octets[0])}s{len(octets[1])}sHH",
        protocol or 0, int(absent), octets[0], octets[1], first or 0, second or 0,
    )


def batches(frames: Iterable[Any], size: int) -> Iterator[List[Any]]:
    """Lists of at most `size` of them."""
    left = iter(frames)
    return iter(lambda: list(itertools.islice(left, size)), [])
