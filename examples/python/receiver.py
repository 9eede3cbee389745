"""Receives mirrored packets: UDP port 4789, VXLAN taken off, written as pcap or as lines.

    receiver.py --from 10.0.0.0/24 --vni 7 --write copies.pcap

Anybody can send to a UDP port, so it has to be said from whom and which VNIs are expected. Packets
are never sent on; what is refused is counted by its reason.
"""

import argparse
import ipaddress
import socket
import struct
import sys
import time
from collections import Counter
from typing import BinaryIO, List, Optional, Union

import libmirror

FILE_HEADER = struct.pack("=IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, libmirror.LinkType.ETHERNET)


def write(file: BinaryIO, frame: memoryview) -> None:
    """One packet of a nanosecond pcap file."""
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    file.write(struct.pack("=IIII", seconds, nanoseconds, len(frame), len(frame)))
    file.write(frame)


def show(sender: str, copy: libmirror.Decapsulated) -> None:
    """One packet as a line."""
    try:
        key = libmirror.Key.read(copy.inner)
        what = f"{key.source} > {key.destination} protocol {key.protocol}"
    except libmirror.UnparsableError as error:
        what = str(error)
    print(f"from {sender} vni {copy.vni} length {len(copy.inner)}: {what}", flush=True)


def network(text: str) -> str:
    """Checks an argument of --from."""
    return text if text == "any" else str(ipaddress.ip_network(text))


def allowed(sender: str, networks: List[str]) -> bool:
    """Whether an address is in one of the networks, or any address is welcome."""
    address = ipaddress.ip_address(sender.split("%")[0])
    return any(each == "any" or address in ipaddress.ip_network(each) for each in networks)


def open_datagram(
    datagram: memoryview, sender: str, arguments: argparse.Namespace
) -> Union[libmirror.Decapsulated, str]:
    """What is in a datagram, or why it is refused."""
    if not allowed(sender, arguments.senders):
        return "sender not allowed"
    try:
        copy = libmirror.decapsulate(datagram)
    except libmirror.DecapsulationError as error:
        return error.name
    welcome = "any" in arguments.vni or str(copy.vni) in arguments.vni
    return copy if welcome else "VNI not allowed"


def receive(
    arguments: argparse.Namespace, port: socket.socket, file: Optional[BinaryIO]
) -> "Counter[str]":
    """Receives until enough came or nothing comes; returns why how many were refused."""
    buffer, refused, taken = bytearray(65535), Counter[str](), 0
    while arguments.count is None or taken < arguments.count:
        try:
            length, sender = port.recvfrom_into(buffer)
        except socket.timeout:
            break
        copy = open_datagram(memoryview(buffer)[:length], sender[0], arguments)
        if isinstance(copy, str):
            refused[copy] += 1
            continue
        taken += 1
        if file is None:
            show(sender[0], copy)
        else:
            write(file, copy.inner)
    return refused


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--from", dest="senders", type=network, action="append", required=True,
        help="a network, or any (repeatable)",
    )
    parser.add_argument(
        "--vni", action="append", required=True, help="a number, or any (repeatable)"
    )
    parser.add_argument("--listen", default="0.0.0.0", help="address to receive at")
    parser.add_argument("--port", type=int, default=libmirror.VXLAN_PORT)
    parser.add_argument("--write", metavar="FILE", help="a pcap file; without it, lines")
    parser.add_argument("--count", type=int, help="end after so many packets")
    parser.add_argument("--timeout", type=float, help="end after so many seconds without any")
    arguments = parser.parse_args()
    family = socket.AF_INET6 if ":" in arguments.listen else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as port:
        port.settimeout(arguments.timeout)
        port.bind((arguments.listen, arguments.port))
        print("listening at port", port.getsockname()[1], file=sys.stderr, flush=True)
        if arguments.write is None:
            refused = receive(arguments, port, None)
        else:
            with open(arguments.write, "wb") as file:
                file.write(FILE_HEADER)
                refused = receive(arguments, port, file)
    for why, count in refused.items():
        print(f"refused: {count}, {why}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
