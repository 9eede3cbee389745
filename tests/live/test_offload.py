#!/usr/bin/env python3
"""test_offload.py MIRROR: super-frames and unfinished checksums (V6), from an interface on.

MIRROR is the program of mirror.c.
"""
import os
import socket
import sys

import lab
import streams
from bulk import (ADDRESSES, MTU, PACKET_VNET_HDR, SOL_PACKET, SOL_UDP, UDP_GRO, UDP_SEGMENT, Scene,
                  transfer, whole)

MIRROR = sys.argv[1]


def bulk_tcp_arrives_as_sent():
    transfer(Scene(MIRROR))


def bulk_tcp_joined_on_receipt_arrives_as_sent():
    transfer(Scene(MIRROR, near_gro=True))


def bulk_tcp_arrives_with_low_latency():
    transfer(Scene(MIRROR, tap="afpacket:near?low_latency=1"))


def udp_runs_arrive_as_datagrams():
    """UDP GSO by the sender; joined again by a receiver that asks for it."""
    for gro in (False, True):
        scene = Scene(MIRROR, near_gro=gro)
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
    """The kernel takes the outer tag out of what is received: the checksum moves with it."""
    scene = Scene(MIRROR)
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


def whatever_happens_to_the_interface():
    """Down and up a hundred times, with another MTU, deleted and made again."""
    for options in ("", "?low_latency=1"):
        scene = Scene(MIRROR, tap="afpacket:near" + options)
        with scene.host:
            for _ in range(100):
                lab.ip("link", "set", "near", "down")
                lab.ip("link", "set", "near", "up")
        scene.set_up(MTU)
        transfer(scene)
        scene.set_up(1300)
        transfer(scene)
        with scene.host:
            lab.ip("link", "delete", "near")
        scene.mirror.starts("log interface \"near\" is gone")
        scene.join()
        scene.mirror.starts("log interface \"near\" is back")
        transfer(scene)


lab.main(bulk_tcp_arrives_as_sent, bulk_tcp_joined_on_receipt_arrives_as_sent,
         bulk_tcp_arrives_with_low_latency, udp_runs_arrive_as_datagrams,
         tags_stay_with_every_segment, whatever_happens_to_the_interface)
