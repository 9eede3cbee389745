#!/usr/bin/env python3
"""test_loops.py MIRROR OUTPUT,...: R11: everything is mirrored on interfaces that copies pass, too.

MIRROR is the program of mirror.c.
"""
import sys
import time

import lab

MIRROR = sys.argv[1]
FRAMES = 20
OUTPUTS = sys.argv[2].split(",")
ROUNDS = [(output, mark, vnis) for output in OUTPUTS for mark in ("", "mark=0")
          for vnis in ((1, 2, 3), (7, 7, 7))]


class Host:
    """With one interface, to the router; 10.9.NUMBER.2 behind 10.9.NUMBER.1."""

    def __init__(self, router, number):
        self.number, self.namespace = number, lab.Namespace()
        lab.veth(self.namespace, "eth", router, "to%d" % number)
        with self.namespace:
            lab.ip("address", "add", self.address + "/24", "dev", "eth")
            lab.ip("route", "add", "default", "via", "10.9.%d.1" % number)
            self.sender = lab.Sender("eth")
        with router:
            lab.ip("address", "add", "10.9.%d.1/24" % number, "dev", "to%d" % number)
        lab.wait_for_carrier(self.namespace, "eth")

    @property
    def address(self):
        return "10.9.%d.2" % self.number

    def mirror_to(self, target, output, mark, vni):
        """All that passes the interface."""
        with self.namespace:
            if output == "vxlan:vx0":
                lab.device("vx0", "type", "vxlan", "id", str(vni), "local", self.address, "remote",
                           target, "dstport", "4789", "nolearning")
                lab.ip("link", "set", "vx0", "up")
            config = lab.configuration({"t": {"address": target}}, source=self.address, vni=vni)
            self.mirror = lab.Mirror(MIRROR, config, "source", with_option("afpacket:eth", mark),
                                     with_option(output, mark))
        lab.equal(self.mirror.ready, "ready")


def with_option(uri, option):
    if uri.startswith("pcap:"):
        return uri
    return uri + ("?" + option if option else "")


def hosts(count):
    router = lab.Namespace()
    with router:
        lab.write("/proc/sys/net/ipv4/ip_forward", "1")
    return [Host(router, number) for number in range(1, count + 1)]


def at_rest(mirrors):
    """Counters once nothing has come for a while; fails if that never happens."""
    before, end = None, time.monotonic() + 5
    while time.monotonic() < end:
        now = [mirror.ask()[0] for mirror in mirrors]
        if now == before:
            return now
        before = now
        time.sleep(0.2)
    raise AssertionError("packets without input: %r" % now)


def calm(all_hosts, what):
    """Sends frames, and looks that copies come to an end and are no more than what came in."""
    for n in range(FRAMES):
        for host in all_hosts:
            host.sender.send(lab.frame(b"%d" % n, 1, 2, (n + 1, 9)))
    counters = at_rest([host.mirror for host in all_hosts])
    for host, found in zip(all_hosts, counters):
        sent = found.get("sent", 0)
        came = found["received"] - found.get("own", 0) + found.get("segments", 0)
        if sent < FRAMES or sent > came:
            raise AssertionError("%s: host %d: %r" % (what, host.number, found))
        # at most its own frame, and one copy of each copy that another made of something new
        if sent > FRAMES * (len(all_hosts) + 1) ** 2:
            raise AssertionError("%s: host %d: %r" % (what, host.number, found))
    return counters


def one_interface():
    """Frames and copies pass the same interface."""
    for output, mark, vnis in [*ROUNDS[::2], ("pcap:/dev/null", "mark=0", (1,))]:
        host, collector = hosts(2)
        host.mirror_to(collector.address, output, mark, vnis[0])
        counters = calm([host], output + mark)[0]
        lab.equal(counters["sent"] >= FRAMES, True)
        if mark == "" and counters.get("own", 0) > FRAMES:
            raise AssertionError("marked copies came in: %r" % counters)


def two_mirrors_facing_each_other():
    for output, mark, vnis in ROUNDS:
        pair = hosts(2)
        for host, other, vni in zip(pair, pair[::-1], vnis):
            host.mirror_to(other.address, output, mark, vni)
        print("  %s %s %r: %r" % (output, mark, vnis[:2], [
            (found["received"], found["sent"]) for found in calm(pair, output + mark)]))


def a_ring_of_mirrors():
    for output, mark, vnis in ROUNDS[2::4]:  # without marks
        ring = hosts(3)
        for n, (host, vni) in enumerate(zip(ring, vnis)):
            host.mirror_to(ring[(n + 1) % 3].address, output, mark, vni)
        print("  %s %s %r: %r" % (output, mark, vnis, [
            (found["received"], found["sent"]) for found in calm(ring, output + mark)]))


def two_mirrors_and_a_third_host():
    for output, mark, vnis in ROUNDS[2:3]:
        first, second, collector = hosts(3)
        for host, vni in zip((first, second), vnis):
            host.mirror_to(collector.address, output, mark, vni)
        calm([first, second], output + mark)


lab.main(one_interface, two_mirrors_facing_each_other, a_ring_of_mirrors,
         two_mirrors_and_a_third_host)
