"""A host with an interface that is mirrored, its peer, a collector; bulk traffic between them."""
import os
import socket
import struct
import threading

import lab
import streams

COLLECTOR, TARGET = "10.9.0.2", {"t": {"address": "10.9.0.2"}}
ADDRESSES = {4: ("10.1.0.1", "10.1.0.2"), 6: ("2001:db8::1", "2001:db8::2")}
MTU = 1436  # V4: 64 less than the 1500 of the link
INNER = 1500 - 36
SOL_UDP, UDP_SEGMENT, UDP_GRO = 17, 103, 104
SOL_PACKET, PACKET_VNET_HDR = 263, 15
RECEIVE_BUFFER_FORCE = 33
VXLAN = bytes.fromhex("0800000000002a00")
VXLAN_DEVICE = ("id", "42", "local", "10.9.0.1", "remote", COLLECTOR, "dstport", "4789",
                "srcport", "49152", "65535", "nolearning")


def make_vxlan(*words):
    lab.device("vx0", "type", "vxlan", *words)
    lab.ip("link", "set", "vx0", "up")


class Scene:
    """near === far, out === in, and a tap from near to the collector."""

    def __init__(self, binary, output="udp:", tap="afpacket:near", near_gro=False, ipv6=True,
                 device=VXLAN_DEVICE, targets=None, **fields):
        self.host, self.peer, self.collector = (lab.Namespace() for _ in range(3))
        self.ipv6 = ipv6  # which sends unasked
        self.join()
        lab.veth(self.host, "out", self.collector, "in")
        if near_gro:  # the sender makes packets, the receiver joins them again
            with self.peer:
                lab.offloads("far", False)
        with self.host:
            lab.ip("address", "add", "10.9.0.1/24", "dev", "out")
        with self.collector:
            lab.ip("address", "add", COLLECTOR + "/24", "dev", "in")
            self.mac = lab.ip("-o", "link", "show", "in").split("link/ether ")[1].split(" ")[0]
            self.sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.sink.bind((COLLECTOR, 4789))
        self.sink.setsockopt(socket.SOL_SOCKET, RECEIVE_BUFFER_FORCE, 1 << 27)
        lab.wait_for_carrier(self.host, "out")
        with self.host:
            lab.ip("neighbor", "replace", COLLECTOR, "lladdr", self.mac, "dev", "out")
            if output.startswith("vxlan:vx0"):
                make_vxlan(*device)
                lab.offloads("out", False)  # the kernel segments what leaves
            self.mirror = lab.Mirror(binary, lab.configuration(targets or TARGET, **fields),
                                     "source", tap, output)
        self.taken = 0

    def join(self):
        """near === far"""
        lab.veth(self.host, "near", self.peer, "far")
        for namespace, end, number in ((self.host, "near", 0), (self.peer, "far", 1)):
            with namespace:
                lab.offloads(end, True)
                lab.ip("address", "add", ADDRESSES[4][number] + "/24", "dev", end)
        self.set_up(MTU)

    def set_up(self, mtu):
        """What goes when the interface is down, too."""
        for namespace, end, number in ((self.host, "near", 0), (self.peer, "far", 1)):
            with namespace:
                lab.ip("link", "set", end, "mtu", str(mtu))
                if self.ipv6:
                    lab.ipv6_on(end)
                    lab.ip("address", "replace", ADDRESSES[6][number] + "/64", "dev", end, "nodad")
        lab.wait_for_carrier(self.host, "near")

    def arrived(self):
        """Inner frames, until no more come."""
        self.sink.settimeout(0.3)
        try:
            while True:
                datagram = self.sink.recv(65536)
                lab.equal(datagram[:8], VXLAN)
                yield datagram[8:]
        except socket.timeout:
            pass

    def copies(self):
        """The inner frames of the copies since the last call, once no more come."""
        frames = []
        for _ in range(3):  # IPv6 may send something just before the question
            frames += self.arrived()
            counters = self.mirror.ask()[0]
            if counters["sent"] - self.taken == len(frames):
                break
        lab.equal(counters["drops"], 0)
        lab.equal(counters["sent"] - self.taken, len(frames))
        self.taken = counters["sent"]
        lab.equal({name for name in counters if name.startswith("cut")}, set())
        return frames, counters


def whole(frames):
    """Each decodes, with checksums that hold, and is no longer than the MTU allows."""
    longest = max(map(len, frames))
    if longest > INNER:
        raise AssertionError("a copy of %d octets, expected at most %d" % (longest, INNER))
    return [segment for segment in map(streams.read, frames) if segment]


def push(scene, family, sender, octets):
    """Bulk TCP from one side to the other."""
    other = scene.peer if sender is scene.host else scene.host
    number = 1 if sender is scene.host else 0
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    with other:
        listener = socket.socket(kind, socket.SOCK_STREAM)
        listener.bind((ADDRESSES[family][number], 5001))
        listener.listen()
    with sender:
        out = socket.socket(kind, socket.SOCK_STREAM)
    received = bytearray()

    def drain():
        connection, _ = listener.accept()
        while True:
            piece = connection.recv(1 << 20)
            if not piece:
                return
            received.extend(piece)
    thread = threading.Thread(target=drain)
    thread.start()
    out.connect((ADDRESSES[family][number], 5001))
    out.sendall(octets)
    out.close()
    thread.join(20)
    lab.equal(bytes(received) == octets, True, "what arrived")


def transfer(scene):
    """Bulk TCP, both directions, over IPv4 and IPv6: what the copies carry is what was sent."""
    lab.equal(scene.mirror.ready, "ready")
    for family in (4, 6):
        sent = [os.urandom(4 << 20), os.urandom(4 << 20)]
        push(scene, family, scene.host, sent[0])
        push(scene, family, scene.peer, sent[1])
        frames, counters = scene.copies()
        found = [stream for stream in streams.reassemble(whole(frames)).values() if stream]
        lab.equal(sorted(found) == sorted(sent), True, "the streams")
        for name in ("checksum_open", "not_segmented"):
            lab.equal(counters.get(name, 0), 0, name)
        if counters["segments"] < 2 * counters["mirrored"]:
            raise AssertionError("no super-frames: %r" % counters)
    print("  %d packets, %d copies" % (counters["mirrored"], counters["sent"]))
    return counters
