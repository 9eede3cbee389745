#!/usr/bin/env python3
"""test_recovery.py mirror|mirrord PROGRAM OUTPUT,...: R9: whatever happens to the network, a mirror
lives and counts exactly, and goes on by itself within a second of the repair. mirrord has no
capability meanwhile, and a filter of system calls that ends it (R17).

PROGRAM is that of mirror.c, or mirrord. far === near:host:out === in:collector, the tap on near.
Each fault happens to a mirror of each output, while packets come; the last line has the longest
time.
"""
import shutil
import socket
import sys
import time

import appliance
import lab
from appliance import COLLECTOR, HOST

PROGRAM = sys.argv[2]
OUTPUTS = sys.argv[3].split(",")
SECOND, FLAPS = 1.0, 100
PAST_QUEUES = ("afpacket:out", "xdp:out")  # firewall and queueing see nothing of these
times = []


class Mirror(lab.Mirror):
    """tests/live/mirror.c"""
    AGE = 0.05  # seconds between questions that may have different answers

    def __init__(self, output):
        super().__init__(PROGRAM, lab.configuration({"t": {"address": COLLECTOR}}), "source",
                         "afpacket:near", output)
        lab.equal(self.ready, "ready")


class Mirrord(appliance.Mirrord):
    """Answers as Mirror does."""
    AGE = 0.3

    def __init__(self, output):
        folder = appliance.make_folder()
        self.config = folder + "/config.json"
        self.write(appliance.configuration())
        super().__init__(PROGRAM, folder, "-o", output)
        self.running()
        appliance.assert_confined(self)

    def ask(self):
        counters = {"drops": self.status()["sources"][0]["kernel_drops"]}
        for direction in self.counters():
            for name, packets in direction.items():
                counters[name] = counters.get(name, 0) + packets
        lab.adds_up(counters)
        return counters, {}, ""


class Scene:
    def __init__(self, output):
        self.outside, self.host, self.collector = (lab.Namespace() for _ in range(3))
        self.join_source()
        self.join_collector()
        self.output, self.sink, self.arrived, self.sent = output, self.listen(), 0, 0
        with self.host:
            self.mirror = START(output)
        self.recover()

    def join_source(self):
        lab.veth(self.host, "near", self.outside, "far")
        lab.wait_for_carrier(self.host, "near")
        with self.outside:
            self.far = lab.Sender("far")

    def join_collector(self):
        lab.veth(self.host, "out", self.collector, "in")
        with self.collector:
            lab.ip("address", "add", COLLECTOR + "/24", "dev", "in")
        with self.host:
            lab.ip("address", "add", HOST + "/24", "dev", "out")
            for name, value in (("mcast_solicit", "1"), ("retrans_time_ms", "50")):
                lab.write("/proc/sys/net/ipv4/neigh/out/" + name, value)
        lab.wait_for_carrier(self.host, "out")

    def listen(self):
        with self.collector:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 23)  # SO_RCVBUFFORCE
            sock.bind((COLLECTOR, 4789))
            return sock

    def send(self, text=b"", size=0):
        try:
            self.far.send(lab.frame(text, size=size))
            self.sent += 1
        except OSError:
            pass  # there is no link

    def came(self, text, seconds=0.02):
        """Whether a copy with the text arrives; all that arrive are counted."""
        self.sink.settimeout(seconds)
        found = False
        try:
            while not found:
                found = text in self.sink.recv(65536)
                self.arrived += 1
        except socket.timeout:
            pass
        return found

    def recover(self):
        """Seconds until a packet that is sent from now on arrives; fails after one."""
        text = b"again %d" % time.monotonic_ns()

        def again():
            self.send(text)
            return self.came(text)
        return lab.until(again, SECOND, "a copy")

    def settle(self):
        """The counters, which add up, once they change no more."""
        before = None
        while True:
            now = self.mirror.ask()[0]
            if now == before:
                return now
            before = now
            time.sleep(START.AGE)


def ip(namespace, *words):
    with namespace:
        lab.ip(*words)


def no_route(scene):
    ip(scene.host, "route", "del", "10.9.0.0/24", "dev", "out")
    yield "failed_no_route"
    ip(scene.host, "route", "add", "10.9.0.0/24", "dev", "out", "src", HOST)


def no_neighbour(scene):
    ip(scene.collector, "address", "del", COLLECTOR + "/24", "dev", "in")
    ip(scene.host, "neighbor", "flush", "dev", "out")
    yield None  # some wait in the kernel, and are lost
    ip(scene.collector, "address", "add", COLLECTOR + "/24", "dev", "in")


def a_closed_port(scene):
    scene.came(b"none", 0.2)
    scene.sink.close()
    yield None
    scene.sink = scene.listen()


def an_output_drop_rule(scene):
    lab.need(scene.output not in PAST_QUEUES, "it passes the firewall")
    lab.need(shutil.which("nft"), "nft (nftables) is not installed")
    with scene.host:
        lab.run("nft", "add table ip t; add chain ip t out { type filter hook output priority 0; };"
                " add rule ip t out udp dport 4789 drop")
    yield "failed_other"
    with scene.host:
        lab.run("nft", "delete table ip t")


def a_lowered_mtu(scene):
    ip(scene.host, "link", "set", "out", "mtu", "400")
    yield "failed_too_long"
    ip(scene.host, "link", "set", "out", "mtu", "1500")


def a_full_queue(scene):
    lab.need(scene.output not in PAST_QUEUES, "it passes the queue")
    with scene.host:
        lab.run("tc", "qdisc", "add", "dev", "out", "root", "tbf", "rate", "8kbit", "burst", "2000",
                "limit", "2000")
    yield None if scene.output == "udp:" else "failed_no_buffer"  # of a part of a run nobody tells
    with scene.host:
        lab.run("tc", "qdisc", "del", "dev", "out", "root")


def flaps_of_the_output(scene):
    for n in range(FLAPS):
        ip(scene.host, "link", "set", "out", "down")
        scene.send(b"%d" % n)
        ip(scene.host, "link", "set", "out", "up")
    ip(scene.host, "link", "set", "out", "down")
    yield "failed_"
    ip(scene.host, "link", "set", "out", "up")


def flaps_of_the_source(scene):
    for n in range(FLAPS):
        ip(scene.host, "link", "set", "near", "down")
        ip(scene.host, "link", "set", "near", "up")
        scene.send(b"%d" % n)
    yield None
    lab.wait_for_carrier(scene.host, "near")


def flaps_of_the_collector(scene):
    for n in range(FLAPS):
        ip(scene.collector, "link", "set", "in", "down")
        scene.send(b"%d" % n)
        ip(scene.collector, "link", "set", "in", "up")
    yield None
    lab.wait_for_carrier(scene.host, "out")


def the_output_is_made_again(scene):
    ip(scene.host, "link", "delete", "out")
    yield "failed_"
    scene.join_collector()


def the_source_is_made_again(scene):
    ip(scene.host, "link", "delete", "near")
    yield None
    scene.far.close()
    scene.join_source()


FAULTS = (no_route, no_neighbour, a_closed_port, an_output_drop_rule, a_lowered_mtu, a_full_queue,
          flaps_of_the_output, flaps_of_the_source, flaps_of_the_collector,
          the_output_is_made_again, the_source_is_made_again)
LOSSY = (no_neighbour, a_closed_port, a_full_queue, flaps_of_the_output,
         flaps_of_the_collector)  # what the kernel took, which waits for a neighbour or in a queue


def failed(counters, name):
    return sum(count for counter, count in counters.items() if counter.startswith(name))


def survive(fault, output):
    """Broken, used, repaired, twice: the second time finds what the first one left."""
    scene = Scene(output)
    for _ in range(2):
        before = scene.settle()
        steps = fault(scene)
        name = next(steps)
        for n in range(50):
            scene.send(b"%d" % n, size=900)
        during = scene.settle()
        if name and failed(during, name) == failed(before, name):
            raise AssertionError("nothing %s: %r, before %r" % (name, during, before))
        next(steps, None)
        times.append(scene.recover())
    after = scene.settle()
    scene.came(b"none", 0.3)
    lab.equal(after["received"] <= scene.sent, True, "received, of %d" % scene.sent)
    if fault not in (flaps_of_the_source, the_source_is_made_again):
        lab.equal(after["received"], scene.sent, "received")
    if fault not in LOSSY:
        lab.equal(scene.arrived, after["sent"], "copies at the collector")
    lab.equal(scene.arrived <= after["sent"], True, "copies at the collector")
    print("  mirrored again after %.2f and %.2f s: %r" % (*times[-2:], after))


def of(fault, output):
    def test():
        survive(fault, output)
    test.__name__ = "%s, %s" % (fault.__name__, output)
    return test


START = {"mirror": Mirror, "mirrord": Mirrord}[sys.argv[1]]
try:
    lab.main(*[of(fault, output) for output in OUTPUTS for fault in FAULTS])
finally:
    appliance.clean_up()
    print("%d repairs, mirrored again after %.2f s at most" % (len(times), max(times, default=0)))
