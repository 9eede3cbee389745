#!/usr/bin/env python3
"""test_pcap_live.py CAPTURE MIRROR: what a pcap-live input yields, as test_afpacket.py."""
import os
import shutil
import signal
import socket
import sys
import tempfile
import time

import lab

CAPTURE, MIRROR = sys.argv[1:]
NOBODY = 65534
ETHERNET = 1


def pair(options="", *modes):
    here, there = lab.Namespace(), lab.Namespace()
    lab.veth(here, "near", there, "far")
    with here:
        capture = lab.Capture(CAPTURE, "pcap-live:near" + options, *modes)
        near = lab.Sender("near")
    with there:
        far = lab.Sender("far")
    lab.equal(capture.ready, "ready")
    return here, there, capture, near, far


def packets_come_whole():
    for mode in ([], ["wait"]):
        _, _, capture, near, far = pair("?buffer=1048576&snaplen=200", *mode)
        frames = [lab.frame(b"ask", 1, 2), lab.frame(b"tag", tags=[(0x8100, 5)]),
                  lab.frame(b"tags", tags=[(0x88A8, 5), (0x8100, 6)]), lab.frame(b"long", size=500)]
        far.send(*frames)
        near.send(frames[0])
        lab.equal(capture.expect(5),
                  [("-", ETHERNET, frame[:200]) for frame in frames + frames[:1]])
        rows = [line.split(" ") for line in capture.lines if line.startswith("packet")]
        lab.equal([int(row[4]) for row in rows][:4], [len(frame) for frame in frames])
        if all(int(row[5]) % 1000 == 0 for row in rows):
            raise AssertionError("times in microseconds")
        if mode:
            lab.equal(capture.finish(signal.SIGTERM)[-1], "end MIRROR_E_INTERRUPTED")


def many_packets_come_once():
    _, _, capture, _, far = pair()
    frames = [lab.frame(b"%d" % n, size=1400) for n in range(1500)]
    far.send(*frames)
    lab.equal(capture.expect(1500), [("-", ETHERNET, frame) for frame in frames])


def dropped_packets_are_counted():
    _, _, capture, _, far = pair("?buffer=65536", "hold")
    far.send(*[lab.frame(b"%d" % n, size=1200) for n in range(2000)])
    dropped = capture.dropped()
    capture.say("go")
    lab.equal(len(capture.expect(2000 - dropped)) + dropped, 2000)
    lab.equal(capture.dropped() == dropped > 0, True)


def links_flap():
    here, there, capture, _, far = pair()
    with here:
        for _ in range(5):
            lab.ip("link", "set", "near", "down")
            lab.ip("link", "set", "near", "up")
    lab.wait_for_carrier(there, "far")
    far.send(lab.frame(b"after"))
    lab.equal(capture.expect(1, 1.0), [("-", ETHERNET, lab.frame(b"after"))])


def deleted_and_made_again():
    times = []
    for mode, pause in (([], 0.3), (["wait"], 0.3), ([], 0)):
        here, there, capture, near, _ = pair("", *mode)
        near.send(lab.frame(b"before"))
        lab.equal(len(capture.expect(1)), 1)
        with here:
            lab.ip("link", "delete", "near")
            time.sleep(pause)
        lab.veth(here, "near", there, "far")
        with there:
            far = lab.Sender("far")

        def arrives():
            far.send(lab.frame(b"after"))
            return len(capture.packets()) > 1
        times.append(lab.until(arrives, 1.0, "a packet of the new interface"))
        lab.equal([line.split(":")[0] for line in capture.lines if line.startswith("log")],
                  ["log interface \"near\" is lost, waiting for it",
                   "log interface \"near\" is back"])
    print("  packets again after %s s" % ", ".join("%.2f" % took for took in times))


def directions_by_mac():
    """A tap tells them by the source's MAC."""
    host, outside = lab.Namespace(), lab.Namespace()
    lab.veth(host, "near", outside, "far")
    config = lab.configuration({"t": {"address": "127.0.0.1"}})
    config["traffic_mirror_sources"][0]["mac"] = "02:00:00:00:00:01"
    config["traffic_mirror_filters"][0]["ingress_rules"] = []
    with host:
        sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sink.bind(("127.0.0.1", 4789))
        sink.settimeout(1)
        mirror = lab.Mirror(MIRROR, config, "source", "pcap-live:near", "udp:", "auto")
        lab.equal(mirror.ready, "ready")
        near = lab.Sender("near")
    with outside:
        far = lab.Sender("far")
    near.send(lab.frame(b"sent", 1, 2))
    far.send(lab.frame(b"received", 2, 1))
    lab.equal(sink.recv(65536)[8:], lab.frame(b"sent", 1, 2))
    counters = mirror.after(2)[0]
    lab.equal(counters, {"received": 2, "mirrored": 1, "sent": 1, "unmatched": 1, "drops": 0})


def what_cannot_be_opened_is_named():
    with lab.Namespace(), tempfile.TemporaryDirectory(prefix="mirror-live-") as folder:
        os.chmod(folder, 0o755)
        program = shutil.copy(CAPTURE, folder)
        lab.device("idle", "type", "veth", "peer", "name", "idler")
        for uri, status, part, user in (
                ("pcap-live:nowhere0", "MIRROR_E_NO_DEVICE", "nowhere0", None),
                ("pcap-live:lo", "MIRROR_E_PERMISSION", "CAP_NET_RAW", NOBODY),
                ("pcap-live:idle", "MIRROR_E_LINK_DOWN", "idle", None),
                ("pcap-live:", "MIRROR_E_URI", "names no interface", None),
                ("pcap-live:lo?retire_ms=1", "MIRROR_E_URI", "retire_ms", None)):
            said = lab.Capture(program, uri, user=user).ready
            if not said.startswith("failed " + status) or part not in said:
                raise AssertionError("%s: %s" % (uri, said))


lab.main(packets_come_whole, many_packets_come_once, dropped_packets_are_counted, links_flap,
         deleted_and_made_again, directions_by_mac, what_cannot_be_opened_is_named)
