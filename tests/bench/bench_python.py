#!/usr/bin/env python3
"""bench_python.py [SECONDS]: speed of the Python package, on one core.

LIBMIRROR_PATH names the library. Matching is measured with a list of 100 rules over 4096
different flows; parsing is compared with scapy, if it is installed (Debian: python3-scapy).
Every number is the best of several rounds.
"""

import ipaddress
import os
import random
import struct
import sys
import time
from array import array
from pathlib import Path
from typing import Any, Callable, List, Optional, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bindings" / "python"))

import libmirror  # noqa: E402
from libmirror import INGRESS, Keys, Packets  # noqa: E402

FLOWS, RULES, ROUNDS = 4096, 100, 5
KEYS_WANTED, SCAPY_WANTED = 5e6, 20  # keys or frames a second; times what scapy does

Flow = Tuple[int, str, str, int, int]


def rules() -> List[libmirror.Rule]:
    """Rules of different prefixes and ports."""
    chance = random.Random(1)
    made = []
    for priority in range(1, RULES + 1):
        network = ipaddress.ip_network((chance.randrange(2**24) << 8, 24))
        port = chance.randrange(1, 60000)
        made.append(
            libmirror.Rule(
                INGRESS,
                priority,
                libmirror.ACCEPT,
                protocol=6,
                source_cidr=str(network),
                destination_ports=(port, port + 1000),
            )
        )
    return made


def context() -> libmirror.Context:
    """A source with one session."""
    made = libmirror.Context()
    with made.transaction() as change:
        change.set_quotas(libmirror.Quotas(ingress_rules_per_filter=RULES))
        change.add_filter(libmirror.Filter("f"), rules())
        change.add_source(libmirror.Source("s", address="10.0.0.1"))
        change.add_target(libmirror.Target("t", "10.0.0.2"))
        change.add_session(libmirror.Session("s", 1, "f", "t", ["s"]))
    return made


def flows() -> List[Flow]:
    """Half of them from a network of a rule."""
    chance = random.Random(2)
    networks = [ipaddress.ip_network(rule.source_cidr or "") for rule in rules()]
    made: List[Flow] = []
    for number in range(FLOWS):
        source = str(ipaddress.ip_address(chance.randrange(2**32)))
        if number % 2:
            source = str(chance.choice(networks)[chance.randrange(256)])
        made.append((6, source, "10.0.0.1", chance.randrange(65536), chance.randrange(65536)))
    return made


def frame(flow: Flow) -> bytes:
    """An Ethernet frame of 74 octets."""
    protocol, source, destination, *ports = flow
    ends = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    head = struct.pack("!BBHHHBBH", 0x45, 0, 60, 1, 0, 64, protocol, 0) + ends
    return bytes(12) + b"\x08\x00" + head + struct.pack("!HH", *ports) + bytes(36)


def rate(work: Callable[[], Any], units: int, seconds: float) -> float:
    """Units a second of CPU time, in the best of the rounds."""
    best = 0.0
    for _ in range(ROUNDS):
        done, start = 0, time.process_time()
        while time.process_time() - start < seconds / ROUNDS:
            work()
            done += units
        best = max(best, done / (time.process_time() - start))
    return best


def scapy_rate(frames: List[bytes], seconds: float) -> Optional[float]:
    """Frames a second that scapy takes apart; None without scapy."""
    try:
        from scapy.layers.inet import TCP
        from scapy.layers.l2 import Ether
    except ImportError:
        return None

    def parse() -> None:
        for each in some:
            Ether(each)[TCP].dport

    some = frames[:256]
    return rate(parse, len(some), seconds)


def measure(seconds: float) -> List[Tuple[str, float]]:
    """What is measured, and units a second."""
    frames = [frame(flow) for flow in flows()]
    with context() as made, made.plan() as plan:
        source = made.source_handle("s")
        keys = Keys.pack(flows())
        packets = Packets(frames, source=source, direction=INGRESS)
        out = array("I", bytes(4 * FLOWS))
        assert plan.match_keys(source, INGRESS, keys) == plan.match_packets(
            source, INGRESS, packets
        )
        tap = made.tap(None, made.memory_output(0, 0), source="s")
        cases: List[Tuple[str, Callable[[], Any]]] = [
            ("prepared keys", lambda: plan.match_keys(source, INGRESS, keys, out)),
            ("prepared frames", lambda: plan.match_packets(source, INGRESS, packets, out)),
            (
                "frames from a list of bytes",
                lambda: plan.match_packets(source, INGRESS, frames, out),
            ),
            ("frames to Verdict objects", lambda: plan.match(packets)),
            ("tap.submit, Verdict objects", lambda: tap.submit(packets)),
            ("Key.read, one frame at a time", lambda: [libmirror.Key.read(f) for f in frames]),
        ]
        return [(name, rate(work, FLOWS, seconds)) for name, work in cases]


def main() -> int:
    """0 if the marks are reached."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
    found = measure(seconds)
    scapy = scapy_rate([frame(flow) for flow in flows()], seconds)
    print(f"libmirror {libmirror.library_version}, Python {sys.version.split()[0]}")
    for name, each in found:
        beside = f"{each / scapy:10.0f} x scapy" if scapy else ""
        print(f"{name:32}{each / 1e6:10.3f} M/s{beside}")
    if scapy:
        print(f"{'scapy: parsing alone':32}{scapy / 1e6:10.3f} M/s")
    else:
        print("scapy is not installed: not compared")
    rates = dict(found)
    good = rates["prepared keys"] >= KEYS_WANTED and rates["prepared frames"] >= KEYS_WANTED
    good = good and (not scapy or rates["frames from a list of bytes"] >= SCAPY_WANTED * scapy)
    print("marks (5 M/s prepared, 20 x scapy from a list):", "reached" if good else "missed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
