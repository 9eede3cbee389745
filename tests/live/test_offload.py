#!/usr/bin/env python3
"""test_offload.py MIRROR: super-frames and unfinished checksums (V6), from an interface on.

MIRROR is the program of mirror.c. Its tap is at near, which the namespace peer has the other end
of; copies leave through out to the collector.
"""
import os
import socket
import struct
import sys
import threading

import lab
import streams

MIRROR = sys.argv[1]
COLLECTOR, TARGET = "10.9.0.2", {"t": {"address": "10.9.0.2"}}
ADDRESSES = {4: ("10.1.0.1", "10.1.0.2"), 6: ("2001:db8::1", "2001:db8::2")}
MTU = 1436  # V4: 64 less than the 1500 of the link
INNER = 1500 - 36
SOL_UDP, UDP_SEGMENT, UDP_GRO = 17, 103, 104
SOL_PACKET, PACKET_VNET_HDR = 263, 15
RECEIVE_BUFFER_FORCE = 33
VXLAN = bytes.fromhex("0800000000002a00")


class Scene:
    """near === far, out === in, and a tap from near to the collector."""

    def __init__(self, tap="afpacket:near", near_gro=False, **fields):
        self.host, self.peer, self.collector = (lab.Namespace() for _ in range(3))
        lab.veth(self.host, "near", self.peer, "far")
        lab.veth(self.host, "out", self.collector, "in")
        for namespace, device, number in ((self.host, "near", 0), (self.peer, "far", 1)):
            with namespace:
                lab.ipv6_on(device)
                lab.ip("link", "set", device, "mtu", str(MTU))
                lab.offloads(device, True)
                lab.ip("address", "add", ADDRESSES[4][number] + "/24", "dev", device)
                lab.ip("address", "add", ADDRESSES[6][number] + "/64", "dev", device, "nodad")
        if near_gro:  # the sender makes packets, the receiver joins them again
            with self.peer:
                lab.offloads("far", False)
        with self.host:
            lab.ip("address", "add", "10.9.0.1/24", "dev", "out")
        with self.collector:
            lab.ip("address", "add", COLLECTOR + "/24", "dev", "in")
            self.sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.sink.bind((COLLECTOR, 4789))
        self.sink.setsockopt(socket.SOL_SOCKET, RECEIVE_BUFFER_FORCE, 1 << 27)
        for namespace, device in ((self.host, "near"), (self.host, "out")):
            lab.wait_for_carrier(namespace, device)
        with self.host:
            self.mirror = lab.Mirror(MIRROR, lab.configuration(TARGET, **fields), "source", tap,
                                     "udp:")
        lab.equal(self.mirror.ready, "ready")
        self.taken = 0

    def copies(self):
        """The inner frames of the copies since the last call, once no more come."""
        frames = []
        self.sink.settimeout(0.3)
        try:
            while True:
                datagram = self.sink.recv(65536)
                lab.equal(datagram[:8], VXLAN)
                frames.append(datagram[8:])
        except socket.timeout:
            pass
        counters = self.mirror.ask()[0]
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


def bulk(**how):
    scene = Scene(**how)
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


def bulk_tcp_arrives_as_sent():
    bulk()


def bulk_tcp_joined_on_receipt_arrives_as_sent():
    bulk(near_gro=True)


def bulk_tcp_arrives_with_low_latency():
    bulk(tap="afpacket:near?low_latency=1")


def udp_runs_arrive_as_datagrams():
    """UDP GSO by the sender; joined again by a receiver that asks for it."""
    for gro in (False, True):
        scene = Scene(near_gro=gro)
        expected = []
        for family in (4, 6):
            kind = socket.AF_INET if family == 4 else socket.AF_INET6
            for sender, receiver, number in ((scene.host, scene.peer, 1),
                                             (scene.peer, scene.host, 0)):
                with receiver:
                    sink = socket.socket(kind, socket.SOCK_DGRAM)
                    sink.bind((ADDRESSES[family][number], 6000))
                    sink.setsockopt(SOL_UDP, UDP_GRO, 1)
                with sender:
                    out = socket.socket(kind, socket.SOCK_DGRAM)
                    out.setsockopt(SOL_UDP, UDP_SEGMENT, 1200)
                    for n in range(20):
                        octets = os.urandom(1200 * 20 + n)
                        out.sendto(octets, (ADDRESSES[family][number], 6000))
                        expected += [octets[at:at + 1200] for at in range(0, len(octets), 1200)]
                sink.close()
        frames, counters = scene.copies()
        found = [segment.payload for segment in whole(frames)
                 if segment.protocol == streams.UDP and segment.flow[1][1] == 6000]
        lab.equal(sorted(found) == sorted(expected), True, "the datagrams")
        if not counters.get("segments"):
            raise AssertionError("no super-frames: %r" % counters)


def tags_stay_with_every_segment():
    """The kernel takes the outer tag out of what is received: the checksum's place moves with it."""
    scene = Scene()
    ends = {}
    for namespace, device in ((scene.host, "near"), (scene.peer, "far")):
        with namespace:
            ends[device] = lab.packet_socket(device)
            ends[device].setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    expected = []
    for tags in ((), ((0x8100, 0x2005),), ((0x88A8, 10), (0x8100, 20))):
        for protocol in (streams.TCP, streams.UDP):
            for family in (4, 6):
                for device in ends:
                    for octets, size in ((30000, 1300), (64000, 1300), (900, 1300)):
                        payload = os.urandom(octets)
                        ends[device].send(b"".join(streams.super_frame(
                            protocol, payload, size, tags, family, number=77)))
                        expected += [(tags, protocol, payload[at:at + size])
                                     for at in range(0, octets, size)]
    frames, _ = scene.copies()
    found = [segment[1:3] + segment[4:] for segment in whole(frames)
             if segment.flow[1] == (1000, 2000)]
    lab.equal(sorted(found) == sorted(expected), True,
              "%d segments of %d" % (len(found), len(expected)))


lab.main(bulk_tcp_arrives_as_sent, bulk_tcp_joined_on_receipt_arrives_as_sent,
         bulk_tcp_arrives_with_low_latency, udp_runs_arrive_as_datagrams,
         tags_stay_with_every_segment)
