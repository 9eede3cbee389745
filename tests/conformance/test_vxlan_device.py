#!/usr/bin/env python3
"""test_vxlan_device.py MIRROR_PCAP SAMPLES: a Linux vxlan device receives our copies.

In a network namespace of its own, copies are sent into one end of a veth pair; the other end has
the target's address and a vxlan device, which must deliver the inner frames: all of them,
unchanged, in order. Nothing is left behind: the namespace ends with the process.
"""
import array
import ctypes
import fcntl
import ipaddress
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

import capture_file
import outer_header
import program

VNI = 0xABCDE1
TUNNELS = {"10.77.0.9": ("10.77.0.3", 24), "2001:db8:77::9": ("2001:db8:77::3", 64)}
WINDOW = 16  # copies under way at a time
FRAMES = 3000
CLONE_NEWNET = 0x40000000
SOL_PACKET, PACKET_AUXDATA, PACKET_OUTGOING, ETH_P_ALL = 263, 8, 4, 3
VLAN_VALID, VLAN_TPID_VALID = 0x10, 0x40
SIOCETHTOOL, ETHTOOL_SGRO = 0x8946, 0x2C
LIBC = ctypes.CDLL(None, use_errno=True)


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=30)
    if done.returncode:
        raise OSError("ip %s: %s" % (" ".join(words), done.stderr.strip()))


def generic_receive_offload_off(device):
    """Else the kernel would deliver several TCP segments as one."""
    value = array.array("B", struct.pack("II", ETHTOOL_SGRO, 0))
    request = struct.pack("16sP", device.encode(), value.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCETHTOOL, request.ljust(40, b"\0"))


def no_ipv6(device):
    """Else the kernel would send neighbour discovery of its own."""
    path = "/proc/sys/net/ipv6/conf/%s/disable_ipv6" % device
    if os.path.exists(path):
        with open(path, "w", encoding="ascii") as file:
            file.write("1")


def build_wire(target, bits):
    """sender === receiver (target's address and MAC) with a vxlan device on it."""
    mac = (b"\x02\x00" + ipaddress.ip_address(target).packed[-4:]).hex(":")
    ip("link", "add", "sender", "type", "veth", "peer", "name", "receiver")
    no_ipv6("sender")
    ip("link", "set", "receiver", "address", mac)
    ip("address", "add", "%s/%d" % (target, bits), "dev", "receiver",
       *(["nodad"] if ":" in target else []))
    ip("link", "add", "collector", "type", "vxlan", "id", str(VNI), "dstport", "4789", "local",
       target, "nolearning")
    no_ipv6("collector")
    generic_receive_offload_off("collector")
    for device in ("lo", "sender", "receiver", "collector"):
        ip("link", "set", device, "up")


def packet_socket(device):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sock.bind((device, ETH_P_ALL))
    return sock


def with_tag(frame, ancillary):
    """The kernel hands over the outermost VLAN tag apart from the frame."""
    for level, kind, data in ancillary:
        if (level, kind) != (SOL_PACKET, PACKET_AUXDATA):
            continue
        status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", data[:20])
        if status & VLAN_VALID:
            tpid = tpid if status & VLAN_TPID_VALID else 0x8100
            return frame[:12] + struct.pack(">HH", tpid, tci) + frame[12:]
    return frame


def receive(sock):
    """The next frame that came in, or None after a second without one."""
    while True:
        try:
            frame, ancillary, _, address = sock.recvmsg(65536, 256)
        except socket.timeout:
            return None
        if address[2] != PACKET_OUTGOING:
            return with_tag(frame, ancillary)


def deliver(copies):
    """Sends the copies; the inner frames that the vxlan device gives back."""
    frames = []
    with packet_socket("sender") as sender, packet_socket("collector") as collector:
        collector.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        collector.settimeout(1)
        for first in range(0, len(copies), WINDOW):
            window = copies[first:first + WINDOW]
            for copy in window:
                sender.send(copy)
            for _ in window:
                frame = receive(collector)
                if frame is None:
                    return frames
                frames.append(frame)
        collector.settimeout(0.2)
        extra = receive(collector)
    return frames + ([extra] if extra is not None else [])


def configuration(target, source):
    rules = [{"priority": n, "action": "accept", "ethertype": family, "protocol": "ALL"}
             for n, family in ((1, "IPv4"), (2, "IPv6"))]
    return {"traffic_mirror_filters": [{"id": "all", "ingress_rules": rules, "egress_rules": []}],
            "traffic_mirror_sources": [{"id": "source", "address": source}],
            "traffic_mirror_targets": [{"id": "target", "type": "eni", "address": target}],
            "traffic_mirror_sessions": [{
                "id": "session", "priority": 1, "virtual_network_id": VNI,
                "traffic_mirror_filter_id": "all", "traffic_mirror_sources": ["source"],
                "traffic_mirror_target_id": "target", "traffic_mirror_target_type": "eni"}]}


def make_copies(binary, target, source, capture):
    """Copies as complete frames, and the inner frames that they must carry."""
    with tempfile.TemporaryDirectory(prefix="mirror-vxlan-") as folder:
        config = os.path.join(folder, "config.json")
        with open(config, "w", encoding="utf-8") as file:
            json.dump(configuration(target, source), file)
        result = program.run(binary, config, "source", "ingress", capture, folder)
        if result.status != program.DONE:
            raise AssertionError("mirror-pcap: status %d: %s" % (result.status, result.errors))
        program.payloads(result, {"session": ("target", outer_header.Tunnel(VNI, target, source))})
    records = capture_file.read(capture)[1]
    inner = [record.data[:int(row.inner_len)] for row, record in zip(result.rows, records)
             if row.verdict == "mirrored"]
    return [copy.data for copy in result.copies][:FRAMES], inner[:FRAMES]


def first_difference(found, expected):
    for n, (ours, theirs) in enumerate(zip(found, expected), 1):
        if ours != theirs:
            return "frame %d: %s, expected %s" % (n, ours[:64].hex(), theirs[:64].hex())
    return "%d frames, expected %d" % (len(found), len(expected))


def captures(samples):
    yield os.path.join(samples, "table2.pcap")
    data = program.find_shared()
    if data:
        derived = os.path.join(data, "captures", "derived")
        yield os.path.join(derived, "mix-many-flows.pcap")
        yield os.path.join(derived, "edge-cases.pcap")


def enter_namespace():
    if os.geteuid() != 0:
        program.skip("making a network namespace needs root")
    if not shutil.which("ip"):
        program.skip("ip (iproute2) is not installed")
    if LIBC.unshare(CLONE_NEWNET):
        program.skip("no network namespace: " + os.strerror(ctypes.get_errno()))


def main(binary, samples):
    wrong = 0
    for target, (source, bits) in TUNNELS.items():
        enter_namespace()
        try:
            build_wire(target, bits)
        except OSError as error:
            program.skip("no vxlan device here: %s" % error)
        for capture in captures(samples):
            copies, expected = make_copies(binary, target, source, capture)
            found = deliver(copies)
            if found != expected or not expected:
                wrong += 1
                print("%s to %s: %s" % (capture, target, first_difference(found, expected)))
            print("vxlan device at %s: %d of %d inner frames of %s unchanged" %
                  (target, sum(map(bytes.__eq__, found, expected)), len(expected),
                   os.path.basename(capture)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
