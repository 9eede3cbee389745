#!/usr/bin/env python3
"""test_vxlan.py MIRROR: a vxlan device of the system as output.

MIRROR is the program of mirror.c.
"""
import os
import sys
import time

import lab
import streams
from bulk import COLLECTOR, PACKET_VNET_HDR, SOL_PACKET, VXLAN_DEVICE, Scene, make_vxlan
from bulk import transfer, whole

MIRROR = sys.argv[1]
OUTPUT = "vxlan:vx0"


def scene_of(*device, **how):
    scene = Scene(MIRROR, OUTPUT, device=device or VXLAN_DEVICE, ipv6=False, **how)
    lab.equal(scene.mirror.ready, "ready")
    with scene.peer:
        scene.far = lab.Sender("far")
    return scene


def changed(device, **words):
    """VXLAN_DEVICE with other values."""
    return [words.get(before, word) for before, word in zip(("",) + device, device)]


def bulk_tcp_arrives_as_sent():
    counters = transfer(Scene(MIRROR, OUTPUT))
    lab.equal(counters["sent"], counters["mirrored"] + counters["segments"])


def bulk_tcp_joined_on_receipt_arrives_as_sent():
    transfer(Scene(MIRROR, OUTPUT, near_gro=True))


def tags_and_datagrams_arrive():
    """What the device has to take apart: TCP and UDP, with tags, and what is not to be."""
    scene = scene_of()
    with scene.peer:
        far = lab.packet_socket("far")
        far.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    expected = []
    for tags in ((), ((0x8100, 0x2005),), ((0x88A8, 10), (0x8100, 20))):
        for protocol in (streams.TCP, streams.UDP):
            for family in (4, 6):
                for octets, size in ((30000, 1300), (64000, 1300), (901, 1300)):
                    payload = os.urandom(octets)
                    far.send(b"".join(streams.super_frame(protocol, payload, size, tags, family)))
                    expected += [(tags, protocol, payload[at:at + size])
                                 for at in range(0, octets, size)]
    frames, _ = scene.copies()
    found = [segment[1:3] + segment[4:] for segment in whole(frames)]
    lab.equal(sorted(found) == sorted(expected), True,
              "%d segments of %d" % (len(found), len(expected)))


def what_is_cut_is_segmented_before():
    scene = scene_of(packet_length=200)
    with scene.peer:
        far = lab.packet_socket("far")
        far.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    virtio, frame = streams.super_frame(streams.TCP, b"x" * 30000, 1300)
    far.send(virtio + frame)
    scene.sink.settimeout(1)
    lengths = [len(scene.sink.recv(65536)) for _ in range(24)]
    lab.equal(lengths, [208] * 23 + [8 + 54 + 100])


def other_tunnels_are_refused():
    """VNI, address and port are the device's: what belongs elsewhere goes nowhere."""
    for device, fields in ((changed(VXLAN_DEVICE, id="43"), {}),
                           (changed(VXLAN_DEVICE, remote="10.9.0.3"), {}),
                           (changed(VXLAN_DEVICE, dstport="8472"), {})):
        scene = scene_of(*device, **fields)
        with scene.collector:
            wire = lab.packet_socket("in")
        scene.far.send(*[lab.frame()] * 5)
        counters, _, output = scene.mirror.after(5)
        lab.equal(counters, {"received": 5, "mirrored": 5, "failed_no_route": 5, "drops": 0})
        lab.equal("leads to" in output and "vx0" in output, True, output)
        wire.settimeout(0.1)
        try:
            raise AssertionError("a packet: %r" % wire.recv(65536))
        except TimeoutError:
            pass


def two_targets_and_one_device():
    scene = scene_of(targets={"other": {"address": "10.9.0.7"}, "t": {"address": COLLECTOR}})
    scene.far.send(*[lab.frame(ports=(9, 1000 * (n % 2 + 1))) for n in range(40)])
    lab.equal(scene.mirror.after(40)[1], {"other": {"mirrored": 20, "failed_no_route": 20},
                                          "t": {"mirrored": 20, "sent": 20}})


def unfit_devices_are_named():
    cases = [(("id", "42", "remote", COLLECTOR, "dstport", "4789"), "nolearning"),
             (("external", "dstport", "4789", "nolearning"), "external"),
             (("id", "42", "dstport", "4789", "nolearning"), "exactly one remote"),
             (VXLAN_DEVICE + ("gbp",), "gbp"), (VXLAN_DEVICE + ("proxy",), "proxy"),
             (VXLAN_DEVICE + ("rsc",), "rsc")]
    for device, part in cases:
        ready = Scene(MIRROR, OUTPUT, device=device).mirror.ready
        if "MIRROR_E_UNSUPPORTED" not in ready or part not in ready:
            raise AssertionError("%r: %s" % (device, ready))
    with lab.Namespace():
        config = lab.configuration({"t": {"address": COLLECTOR}})
        for uri, code, part in (("vxlan:lo", "UNSUPPORTED", "a vxlan device"),
                                ("vxlan:none", "NO_DEVICE", "none"), ("vxlan:", "URI", "names no"),
                                ("vxlan:lo?vni=3", "URI", "no option \"vni\"")):
            ready = lab.Mirror(MIRROR, config, "source", "afpacket:lo", uri).ready
            if "MIRROR_E_" + code not in ready or part not in ready:
                raise AssertionError("%s: %s" % (uri, ready))


def the_database_is_watched():
    """An entry that would lead frames elsewhere, or to two places, stops it; until that is gone."""
    scene = scene_of()
    count = 0
    for words in (("append", "00:00:00:00:00:00", "dev", "vx0", "dst", "10.9.0.3"),
                  ("append", "02:00:00:00:00:02", "dev", "vx0", "dst", "10.9.0.3")):
        with scene.host:
            lab.run("bridge", "fdb", *words)
        time.sleep(0.02)
        scene.far.send(lab.frame())
        count += 2
        counters, _, output = scene.mirror.after(count - 1)
        lab.equal(counters.get("failed_other"), count // 2)
        lab.equal("MIRROR_E_NO_DEVICE" in output and "vx0" in output, True, output)
        with scene.host:
            lab.run("bridge", "fdb", "delete", *words[1:])
        time.sleep(0.02)
        scene.far.send(lab.frame())
        lab.equal(scene.mirror.after(count)[0].get("sent"), count // 2)


def lowered_mtus_are_counted():
    """Of the device's way: nothing is fragmented or lost in silence."""
    scene = scene_of()
    with scene.peer:
        far = lab.packet_socket("far")
        far.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    with scene.host:
        lab.ip("link", "set", "out", "mtu", "1000")
    time.sleep(0.02)
    far.send(b"".join(streams.super_frame(streams.TCP, b"x" * 13000, 1300)))
    far.send(b"".join(streams.super_frame(streams.TCP, b"x" * 9000, 900)))
    scene.far.send(lab.frame(size=1000 - 36 - 42), lab.frame(size=1000 - 36 - 41))
    counters, _, output = scene.mirror.after(4)
    lab.equal(counters, {"received": 4, "mirrored": 4, "segments": 18, "sent": 11,
                         "failed_too_long": 11, "drops": 0})
    lab.equal("MIRROR_E_TOO_LONG" in output, True, output)
    lab.equal(sorted(map(len, scene.copies()[0]))[-1], 964)
    with scene.host:
        lab.ip("link", "set", "out", "mtu", "1500")
    time.sleep(0.02)
    far.send(b"".join(streams.super_frame(streams.TCP, b"x" * 13000, 1300)))
    lab.equal(scene.mirror.after(5)[0]["sent"], 21)


def no_route_is_counted():
    scene = scene_of()
    with scene.host:
        lab.ip("link", "set", "out", "down")
    time.sleep(0.02)
    scene.far.send(lab.frame())
    lab.equal(scene.mirror.after(1)[0].get("failed_no_route"), 1)
    with scene.host:
        lab.ip("link", "set", "out", "up")
    lab.wait_for_carrier(scene.host, "out")
    time.sleep(0.02)
    scene.far.send(lab.frame(b"again"))
    lab.equal(scene.mirror.after(2)[0].get("sent"), 1)


def the_device_goes_down_and_up_a_hundred_times():
    scene = scene_of()
    for n in range(100):
        with scene.host:
            lab.ip("link", "set", "vx0", "down")
            scene.far.send(lab.frame())
            lab.until(lambda: scene.mirror.ask()[0]["received"] == 2 * n + 1, 2, "the first")
            lab.ip("link", "set", "vx0", "up")
        scene.far.send(lab.frame(b"again"))
        lab.until(lambda: scene.mirror.ask()[0]["received"] == 2 * n + 2, 2, "the second")
    lab.equal(scene.mirror.ask()[0], {"received": 200, "mirrored": 200, "sent": 100,
                                      "failed_link_down": 100, "drops": 0})
    lab.equal(len(scene.copies()[0]), 100)


def the_device_is_deleted_and_made_again():
    scene = scene_of()
    with scene.host:
        lab.ip("link", "delete", "vx0")
    scene.far.send(lab.frame())
    counters = scene.mirror.after(1)[0]
    lab.equal(counters.get("failed_other"), 1)
    with scene.host:
        make_vxlan(*changed(VXLAN_DEVICE, id="43"))
        time.sleep(0.02)
        scene.far.send(lab.frame())
        lab.equal(scene.mirror.after(2)[0].get("failed_no_route"), 1)
        lab.ip("link", "delete", "vx0")
        make_vxlan(*VXLAN_DEVICE)
    time.sleep(0.02)
    scene.far.send(lab.frame(b"again"))
    lab.equal(scene.mirror.after(3)[0].get("sent"), 1)
    lab.equal(len(scene.copies()[0]), 1)


def ipv6_copies():
    scene = scene_of("id", "42", "remote", "2001:db8:9::2", "local", "2001:db8:9::1", "dstport",
                     "4789", "nolearning", targets={"t": {"address": "2001:db8:9::2"}},
                     source="2001:db8:9::1")
    for namespace, device, address in ((scene.host, "out", "2001:db8:9::1/64"),
                                       (scene.collector, "in", "2001:db8:9::2/64")):
        with namespace:
            lab.ipv6_on(device)
            lab.ip("address", "add", address, "dev", device, "nodad")
    with scene.collector:
        wire = lab.packet_socket("in")
    time.sleep(0.02)
    scene.far.send(lab.frame(size=1500 - 56 - 42), lab.frame(size=1500 - 56 - 41))
    counters = scene.mirror.after(2)[0]
    lab.equal(counters, {"received": 2, "mirrored": 2, "cut_by_mtu": 1, "sent": 2, "drops": 0})
    wire.settimeout(1)
    copies = []
    while len(copies) < 2:
        packet = wire.recv(65536)
        if packet[20] == 17:
            copies.append(packet)
    lab.equal([len(copy) for copy in copies], [1514, 1514])


def foreign_source_addresses_are_told():
    scene = scene_of(source="10.9.0.44")
    scene.far.send(lab.frame(), lab.frame())
    lab.equal(scene.mirror.after(2)[0]["sent"], 2)
    scene.far.send(lab.frame())
    scene.mirror.after(3)
    log = [line for line in scene.mirror.lines if line.startswith("log")]
    lab.equal(["10.9.0.44" in line and "10.9.0.1" in line for line in log], [True])


lab.main(bulk_tcp_arrives_as_sent, bulk_tcp_joined_on_receipt_arrives_as_sent,
         tags_and_datagrams_arrive, what_is_cut_is_segmented_before, other_tunnels_are_refused,
         two_targets_and_one_device, unfit_devices_are_named, the_database_is_watched,
         lowered_mtus_are_counted, no_route_is_counted,
         the_device_goes_down_and_up_a_hundred_times, the_device_is_deleted_and_made_again,
         ipv6_copies, foreign_source_addresses_are_told)
