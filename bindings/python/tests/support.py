"""What the tests share: where things are, frames, and a model with one session."""

import ipaddress
import os
import struct
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any, Dict, List

import libmirror

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "bindings" / "python"
SAMPLES = ROOT / "examples" / "samples"
CAPTURE = SAMPLES / "table2.pcap"
CONFIGURATION = SAMPLES / "table2.json"
TCP, UDP = 6, 17
SOURCE_MAC = bytes.fromhex("020000000003")
OTHER_MAC = bytes.fromhex("020000000001")


def frame(
    source: str = "172.16.0.9",
    destination: str = "10.0.0.3",
    protocol: int = TCP,
    ports: Any = (10000, 80),
    payload: bytes = b"",
) -> bytes:
    """An Ethernet frame with the first octets of TCP or UDP."""
    ends = [ipaddress.ip_address(each) for each in (source, destination)]
    body = struct.pack("!HH", *ports) + bytes(16) + payload
    if ends[0].version == 4:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, protocol, 0)
        ethertype = 0x0800
    else:
        head = struct.pack("!IHBB", 6 << 28, len(body), protocol, 64)
        ethertype = 0x86DD
    link = SOURCE_MAC + OTHER_MAC + struct.pack("!H", ethertype)
    return link + head + b"".join(end.packed for end in ends) + body


WEB = frame()  # mirrored by `web`
OTHER = frame(ports=(10002, 80))  # matched by no rule
REFUSED = frame("172.16.0.66")  # rejected


def rules() -> List[libmirror.Rule]:
    """What `add_web` makes of a filter."""
    return [
        libmirror.Rule(
            libmirror.INGRESS, 1, libmirror.REJECT, protocol=TCP, source_cidr="172.16.0.66/32"
        ),
        libmirror.Rule(
            libmirror.INGRESS,
            2,
            libmirror.ACCEPT,
            protocol=TCP,
            source_cidr="172.16.0.0/24",
            source_ports=(10000, 10001),
            destination_ports=(80, 80),
            id="clients",
        ),
        libmirror.Rule(libmirror.INGRESS, 3, libmirror.ACCEPT, libmirror.IPV6, protocol=UDP),
    ]


def add_web(context: libmirror.Context, **session: Any) -> None:
    """Filter, source, target and session, all named `web`."""
    with context.transaction() as change:
        change.add_filter(libmirror.Filter("web"), rules())
        change.add_source(libmirror.Source("web", mac="02:00:00:00:00:03", address="10.0.0.3"))
        change.add_target(libmirror.Target("web", "10.0.9.9"))
        change.add_session(libmirror.Session("web", 1, "web", "web", ["web"], **session))


class ContextCase(unittest.TestCase):
    """Tests with a context that has the session `web`."""

    def setUp(self) -> None:
        self.context = libmirror.Context()
        self.addCleanup(self.context.close)
        add_web(self.context, vni=7)


def plain_environment() -> Dict[str, str]:
    """For programs that are not to run under a sanitizer."""
    return {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}


def python(*arguments: Any, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Runs this interpreter and returns what it did."""
    command = [sys.executable, "-B", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
