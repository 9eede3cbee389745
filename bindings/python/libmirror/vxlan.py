"""VXLAN by itself: headers for inner frames, and received datagrams taken apart."""

from __future__ import annotations

import ctypes
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union

from . import _calls
from ._buffers import Pinned
from ._library import lib, new
from .constants import HEADER_MAX, VXLAN_PORT, Layer, UdpChecksum
from .packets import IPAddress, address_from_c, source_port as flow_port

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Decapsulated(NamedTuple):
    """What a received datagram says."""

    inner: memoryview  # the inner Ethernet frame, in the datagram's memory
    vni: int
    source: Optional[IPAddress]  # of the outer packet; None for Layer.UDP
    destination: Optional[IPAddress]
    source_port: int  # outer UDP ports; 0 for Layer.UDP
    destination_port: int
    reserved_bits: bool  # whether one is set in the VXLAN header


def decapsulate(
    datagram: "ReadableBuffer", layer: Layer = Layer.UDP, port: int = VXLAN_PORT
) -> Decapsulated:
    """Takes one datagram apart, strictly. `layer` says where it begins: Layer.UDP is the payload
    of a UDP socket. `port` is the UDP port expected, 0 any. Raises DecapsulationError."""
    pinned, out = Pinned(datagram), new("mirror_decapsulated")
    status = lib.mirror_vxlan_decode(
        layer, port, pinned.address, pinned.length, ctypes.byref(out)
    )
    _calls.check(status)
    start = out.inner - pinned.address
    inner = memoryview(datagram).cast("B")[start : start + out.inner_length]
    return Decapsulated(
        inner,
        out.vni,
        address_from_c(out.source, out.family) if out.family else None,
        address_from_c(out.destination, out.family) if out.family else None,
        out.source_port,
        out.destination_port,
        bool(out.reserved_bits),
    )


@dataclass
class Outer:
    """The outer headers of one tunnel."""

    source: Union[str, IPAddress]
    destination: Union[str, IPAddress]
    vni: int
    layer: Layer = Layer.IP
    udp_port: int = VXLAN_PORT
    ttl: int = 64
    dont_fragment: bool = True
    udp_checksum: UdpChecksum = UdpChecksum.AUTO
    source_mac: str = "00:00:00:00:00:00"  # Layer.LINK only
    destination_mac: str = "00:00:00:00:00:00"

    @property
    def header_length(self) -> int:
        """Octets in front of the inner frame."""
        return int(lib.mirror_vxlan_header_length(ctypes.byref(self._to_c())))

    def header(
        self, inner: "ReadableBuffer", source_port: Optional[int] = None, ip_id: int = 0
    ) -> bytes:
        """The headers for an inner frame. `source_port` is the outer one; None: from the inner
        flow. `ip_id` is for copies that may be fragmented."""
        pinned, buffer = Pinned(inner), ctypes.create_string_buffer(HEADER_MAX)
        length = ctypes.c_uint32()
        port = flow_port(inner) if source_port is None else source_port
        status = lib.mirror_vxlan_encode(
            ctypes.byref(self._to_c()), pinned.address, pinned.length, port, ip_id, buffer,
            HEADER_MAX, ctypes.byref(length),
        )
        _calls.check(status)
        return buffer.raw[: length.value]

    def encapsulate(
        self, inner: "ReadableBuffer", source_port: Optional[int] = None, ip_id: int = 0
    ) -> bytes:
        """The whole copy: headers and inner frame."""
        return b"".join([self.header(inner, source_port, ip_id), inner])

    def _to_c(self) -> Any:
        outer = new("mirror_outer")
        ends = [ipaddress.ip_address(each) for each in (self.source, self.destination)]
        if ends[0].version != ends[1].version:
            raise ValueError(f"from {ends[0]} to {ends[1]}: expected addresses of one family")
        outer.layer, outer.family, outer.vni = self.layer, ends[0].version, self.vni
        outer.udp_port, outer.ttl, outer.udp_checksum = self.udp_port, self.ttl, self.udp_checksum
        outer.dont_fragment = self.dont_fragment
        _put(outer.source, ends[0].packed)
        _put(outer.destination, ends[1].packed)
        _put(outer.source_mac, _mac(self.source_mac))
        _put(outer.destination_mac, _mac(self.destination_mac))
        return outer


def _put(to: Any, octets: bytes) -> None:
    ctypes.memmove(to, octets, len(octets))


def _mac(value: str) -> bytes:
    octets = bytes.fromhex(value.replace(":", ""))
    if len(octets) != 6:
        raise ValueError(f"{value} is no MAC address, expected one such as 02:00:00:00:00:01")
    return octets
