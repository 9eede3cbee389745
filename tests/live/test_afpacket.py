#!/usr/bin/env python3
"""test_afpacket.py CAPTURE: what an afpacket input yields, on veth pairs in namespaces of its own.

CAPTURE is the program of capture.c.
"""
import fcntl
import os
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time

import lab

CAPTURE = sys.argv[1]
NOBODY = 65534
ETHERNET, RAW = 1, 101
MODES = []  # options of all captures of pair()
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000


def pair(options="", *modes):
    """Namespaces with near === far, a capture on near, and senders at both ends."""
    here, there = lab.Namespace(), lab.Namespace()
    lab.veth(here, "near", there, "far")
    with here:
        options = "&".join(filter(None, [options.lstrip("?")] + MODES))
        capture = lab.Capture(CAPTURE, "afpacket:near?" + options if options else "afpacket:near",
                              *modes)
        near = lab.Sender("near")
    with there:
        far = lab.Sender("far")
    lab.equal(capture.ready, "ready")
    return here, there, capture, near, far


def directions():
    _, _, capture, near, far = pair()
    asks, answers = lab.frame(b"ask", 1, 2), lab.frame(b"answer", 2, 1)
    before = time.time_ns()
    near.send(asks)
    capture.expect(1)
    far.send(answers)
    lab.equal(capture.expect(2), [("out", ETHERNET, asks), ("in", ETHERNET, answers)])
    stamps = [int(line.split(" ")[5]) for line in capture.lines if line.startswith("packet")]
    if not before <= stamps[0] <= stamps[1] <= time.time_ns():
        raise AssertionError("times %r" % stamps)
    if all(stamp % 1000 == 0 for stamp in stamps):
        raise AssertionError("times in microseconds: %r" % stamps)
    lab.equal(capture.finish()[-1], "end MIRROR_OK")


def tags_are_put_back():
    _, _, capture, near, far = pair()
    frames = [lab.frame(b"%d" % n, tags=tags) for n, tags in enumerate([
        [(0x8100, 0x2005)], [(0x8100, 0)], [(0x88A8, 0xE123)], [(0x88A8, 10), (0x8100, 20)],
        [(0x9100, 7)], [(0x8100, 1), (0x8100, 2), (0x8100, 3)], []])]
    far.send(*frames)
    lab.equal(capture.expect(len(frames)), [("in", ETHERNET, frame) for frame in frames])
    near.send(*frames)
    lab.equal(capture.expect(2 * len(frames))[len(frames):],
              [("out", ETHERNET, frame) for frame in frames])


def tags_of_vlan_devices_are_put_back():
    """Sent frames whose tag a network card would put in."""
    here, _, capture, _, _ = pair()
    with here:
        for name, protocol in (("q", "802.1Q"), ("ad", "802.1ad")):
            lab.device("link", "near", "name", name, "type", "vlan", "protocol", protocol,
                       "id", "9")
            lab.ip("link", "set", name, "up")
            lab.Sender(name).send(lab.frame(name.encode()))
    lab.equal(capture.expect(2), [
        ("out", ETHERNET, lab.frame(b"q", tags=[(0x8100, 9)])),
        ("out", ETHERNET, lab.frame(b"ad", tags=[(0x88A8, 9)]))])


def snaplen_counts_the_tag():
    _, _, capture, _, far = pair("?snaplen=60")
    frames = [lab.frame(size=200), lab.frame(size=200, tags=[(0x8100, 5)])]
    far.send(*frames)
    lab.equal(capture.expect(2), [("in", ETHERNET, frame[:60]) for frame in frames])
    lengths = [int(line.split(" ")[4]) for line in capture.lines if line.startswith("packet")]
    lab.equal(lengths, [len(frame) for frame in frames])


def loopback_has_both_directions():
    with lab.Namespace():
        capture = lab.Capture(CAPTURE, "afpacket:lo")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"hello", ("127.0.0.1", 9))
        packets = [row for row in capture.expect(3) if row[2].endswith(b"hello")]
        lab.equal([row[:2] for row in packets][:2], [("out", ETHERNET), ("in", ETHERNET)])


def tunnels_are_raw_ip():
    with lab.Namespace():
        lab.need(os.path.exists("/dev/net/tun"), "no /dev/net/tun")
        with open("/dev/net/tun", "r+b", buffering=0) as tun:
            fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
            lab.ip("address", "add", "10.0.0.2/24", "dev", "tun0")
            lab.ip("link", "set", "tun0", "up")
            capture = lab.Capture(CAPTURE, "afpacket:tun0")
            comes = lab.frame(b"comes", 1, 2)[14:]
            tun.write(comes)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.sendto(b"goes" * 5, ("10.0.0.1", 9))
            packets = capture.expect(3)  # with the answer that nobody listens
            lab.equal(packets[0], ("in", RAW, comes))
            goes = [row for row in packets if row[2].endswith(b"goes" * 5)]
            lab.equal([(row[0], row[1], row[2][0]) for row in goes], [("out", RAW, 0x45)])


def a_device_without_packets_of_ip_is_refused():
    with lab.Namespace():
        lab.device("monitor", "type", "nlmon")
        said = lab.Capture(CAPTURE, "afpacket:monitor").ready
        if not said.startswith("failed MIRROR_E_LINK_TYPE") or "monitor" not in said:
            raise AssertionError(said)


def promiscuous_on_request():
    for options, promiscuity in (("", 0), ("?promisc=1", 1)):
        here, _, _, _, _ = pair(options)
        with here:
            words = lab.ip("-d", "link", "show", "near").split()
        lab.equal(int(words[words.index("promiscuity") + 1]), promiscuity, options)


def marked_packets_stay_out():
    here, there, capture, near, _ = pair()
    with here, socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as marked:
        marked.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, lab.MARK)
        marked.bind(("near", 0))
        for _ in range(5):
            marked.send(lab.frame(b"marked"))
        near.send(lab.frame(b"plain"))
        lab.equal(capture.expect(2, 0.3), [("out", ETHERNET, lab.frame(b"plain"))])
        other = lab.Capture(CAPTURE, "afpacket:near?mark=0")
        marked.send(lab.frame(b"marked"))
        lab.equal(other.expect(1), [("out", ETHERNET, lab.frame(b"marked"))])


def interruption_ends_a_wait():
    _, _, capture, near, _ = pair("", "wait")
    near.send(lab.frame(b"one"))
    lab.equal(len(capture.expect(1)), 1)
    lab.equal(capture.finish(signal.SIGTERM)[-1], "end MIRROR_E_INTERRUPTED")


def link_flaps_lose_nothing_afterwards():
    for flaps, mode in ((100, []), (20, ["wait"])):
        here, there, capture, _, far = pair("", *mode)
        with here:
            for _ in range(flaps):
                lab.ip("link", "set", "near", "down")
                lab.ip("link", "set", "near", "up")
        lab.wait_for_carrier(there, "far")
        far.send(lab.frame(b"after"))
        lab.equal(capture.expect(1, 1.0), [("in", ETHERNET, lab.frame(b"after"))])


def down_at_first():
    here, there = lab.Namespace(), lab.Namespace()
    lab.veth(here, "near", there, "far")
    with here:
        lab.ip("link", "set", "near", "down")
        capture = lab.Capture(CAPTURE, "afpacket:near")
        lab.equal(capture.ready, "ready")
        time.sleep(0.3)
        lab.ip("link", "set", "near", "up")
    with there:
        lab.Sender("far").send(lab.frame(b"up"))
    lab.equal(capture.expect(1, 1.0), [("in", ETHERNET, lab.frame(b"up"))])


def recreated(options, mode, down_first):
    """Deletes and makes the interface again; seconds from then to the first packet."""
    here, there, capture, near, far = pair(options, *mode)
    near.send(lab.frame(b"before"))
    lab.equal(len(capture.expect(1)), 1)
    with here:
        if down_first:
            lab.ip("link", "set", "near", "down")
            time.sleep(0.15)
        lab.ip("link", "delete", "near")
        time.sleep(0.3)
    lab.veth(here, "near", there, "far")
    with there:
        far = lab.Sender("far")

    def arrives():
        far.send(lab.frame(b"after", tags=[(0x8100, 3)]))
        return len(capture.packets()) > 1
    took = lab.until(arrives, 1.0, "a packet of the new interface")
    lab.equal(capture.packets()[1], ("in", ETHERNET, lab.frame(b"after", tags=[(0x8100, 3)])))
    log = [line for line in capture.lines if line.startswith("log")]
    lab.equal(log, ["log interface \"near\" is gone: waiting for it",
                    "log interface \"near\" is back"])
    if "promisc" in options:
        with here:
            lab.equal("promiscuity 1" in lab.ip("-d", "link", "show", "near"), True, options)
    return took


def deleted_and_made_again():
    times = [recreated(options, mode, down) for options, mode, down in (
        ("", [], False), ("", ["wait"], False), ("", [], True), ("?fanout=7", [], False),
        ("?promisc=1", ["wait"], True))]
    print("  packets again after %s s" % ", ".join("%.2f" % took for took in times))


def a_group_survives_the_interface():
    here, there, first, _, _ = pair("?fanout=12")
    with here:
        workers = [first] + [lab.Capture(CAPTURE, "afpacket:near?fanout=12") for _ in range(2)]
        lab.ip("link", "delete", "near")
    lab.veth(here, "near", there, "far")
    for worker in workers:
        worker.starts("log interface \"near\" is back", 1.0)
    with there:
        far = lab.Sender("far")
    for n in range(64):
        far.send(lab.frame(b"%d" % n, 1, 2, (n, n)))
    lab.until(lambda: sum(len(worker.packets()) for worker in workers) >= 64, 1, "64 packets")
    lab.equal(sorted(row[2] for worker in workers for row in worker.packets()),
              sorted(lab.frame(b"%d" % n, 1, 2, (n, n)) for n in range(64)))


def another_kind_of_device_takes_its_place():
    """The frames of the old one, and the packets of the new one, each with its link type."""
    lab.need(os.path.exists("/dev/net/tun"), "no /dev/net/tun")
    here, there, capture, near, _ = pair()
    near.send(lab.frame(b"ethernet"))
    with here:
        lab.ip("link", "delete", "near")
        time.sleep(0.3)
        with open("/dev/net/tun", "r+b", buffering=0) as tun:
            fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"near", IFF_TUN | IFF_NO_PI))
            lab.ip("link", "set", "near", "up")
            capture.starts("log interface \"near\" is back", 1.0)
            tun.write(lab.frame(b"raw")[14:])
            lab.equal(capture.expect(2), [("out", ETHERNET, lab.frame(b"ethernet")),
                                          ("in", RAW, lab.frame(b"raw")[14:])])


def dropped_packets_are_counted():
    """More than the ring holds: received + dropped = sent, however often the kernel is asked."""
    _, _, capture, _, far = pair("?blocks=2&block_size=131072", "hold")
    sent = 600
    for n in range(sent):
        far.send(lab.frame(b"%d" % n, size=1200))
        if n == sent // 2:
            first = capture.dropped()
    second = capture.dropped()
    if not 0 < first < second:
        raise AssertionError("drops %d, then %d" % (first, second))
    capture.say("go")
    received = len(capture.expect(sent - second))
    lab.equal(capture.dropped(), second)
    lab.equal(received + second, sent)
    far.send(lab.frame(b"room again"))
    lab.equal(capture.expect(received + 1)[-1], ("in", ETHERNET, lab.frame(b"room again")))
    print("  sent %d, received %d, dropped %d" % (sent, received, second))


def a_group_shares_the_flows():
    """Each packet once, both directions of a flow to the same one."""
    here, there = lab.Namespace(), lab.Namespace()
    lab.veth(here, "near", there, "far")
    with here:
        workers = [lab.Capture(CAPTURE, "afpacket:near?fanout=4711") for _ in range(2)]
        near = lab.Sender("near")
    with there:
        far = lab.Sender("far")
    flows = range(64)
    for n in flows:
        far.send(lab.frame(b"request", 1, 2, (5000 + n, 80)))
        near.send(lab.frame(b"reply", 2, 1, (80, 5000 + n)))
    lab.until(lambda: sum(len(worker.packets()) for worker in workers) >= 2 * len(flows), 2, "all")
    time.sleep(0.1)
    shares = [[row[2] for row in worker.packets()] for worker in workers]
    lab.equal(sum(map(len, shares)), 2 * len(flows))
    for n in flows:
        both = {lab.frame(b"request", 1, 2, (5000 + n, 80)),
                lab.frame(b"reply", 2, 1, (80, 5000 + n))}
        lab.equal(sorted(len(both.intersection(share)) for share in shares), [0, 2], "flow %d" % n)
    if min(map(len, shares)) < 16:
        raise AssertionError("shares %r" % [len(share) for share in shares])
    with here:
        said = lab.Capture(CAPTURE, "afpacket:lo?fanout=4711").ready
        if not said.startswith("failed MIRROR_E_OS") or "\"lo\"" not in said:
            raise AssertionError(said)


def missing_interfaces_and_privileges_are_named():
    with lab.Namespace(), tempfile.TemporaryDirectory(prefix="mirror-live-") as folder:
        said = lab.Capture(CAPTURE, "afpacket:nowhere0").ready
        if not said.startswith("failed MIRROR_E_NO_DEVICE") or "nowhere0" not in said:
            raise AssertionError(said)
        program = shutil.copy(CAPTURE, folder)
        os.chmod(folder, 0o755)
        said = lab.Capture(program, "afpacket:lo", user=NOBODY).ready
        if not said.startswith("failed MIRROR_E_PERMISSION") or "CAP_NET_RAW" not in said:
            raise AssertionError(said)


def wrong_options_are_named():
    with lab.Namespace():
        for body, part in (("", "names no interface"), ("?blocks=4", "names no interface"),
                           ("lo?block=4", "\"block\""), ("lo?blocks=1", "blocks is \"1\""),
                           ("lo?blocks", "blocks is \"\""), ("lo?blocks=-4", "\"-4\""),
                           ("lo?blocks=4&block_size=131073", "a multiple of"),
                           ("lo?fanout=65536", "0-65535"), ("lo?promisc=2", "0-1"),
                           ("lo?blocks=32768&block_size=4194304", "2 GiB"),
                           ("abcdefghijklmnopq", "too long")):
            said = lab.Capture(CAPTURE, "afpacket:" + body).ready
            if not said.startswith("failed MIRROR_E_URI") or part not in said:
                raise AssertionError("%s: %s" % (body, said))
        lab.equal(lab.Capture(CAPTURE, "afpacket:lo?blocks=0x4&mark=0").ready, "ready")


def with_low_latency(test):
    """The same from the socket's queue."""
    def quickly():
        MODES.append("low_latency=1")
        try:
            test()
        finally:
            MODES.clear()
    quickly.__name__ = test.__name__ + "_quickly"
    return quickly


BOTH = (directions, tags_are_put_back, tags_of_vlan_devices_are_put_back, snaplen_counts_the_tag,
        promiscuous_on_request, marked_packets_stay_out, interruption_ends_a_wait,
        link_flaps_lose_nothing_afterwards, down_at_first, deleted_and_made_again,
        dropped_packets_are_counted)
lab.main(*BOTH, *map(with_low_latency, BOTH), loopback_has_both_directions, tunnels_are_raw_ip,
         a_device_without_packets_of_ip_is_refused, a_group_survives_the_interface,
         another_kind_of_device_takes_its_place, a_group_shares_the_flows,
         missing_interfaces_and_privileges_are_named, wrong_options_are_named)
