#!/usr/bin/env python3
"""test_collectors.py MIRROR: what collectors make of copies, and how a router shares them out.

MIRROR is the program of mirror.c.
"""
import collections
import shutil
import subprocess
import sys
import tempfile

import lab
from cloud import Cloud, copies

MIRROR = sys.argv[1]
SOURCE, ELB = "192.168.0.11", "10.0.0.100"
FLOWS = 300


def model(vni=7):
    config = lab.configuration({"target": {"address": ELB}}, source=SOURCE, vni=vni)
    return config


def a_flow(n, way):
    """A packet of flow n, in one direction or the other."""
    inside, outside = (1, 20000 + n), (2 + n % 7, 443)
    near, far = (inside, outside) if way == "egress" else (outside, inside)
    return lab.frame(b"flow %d" % n, near[0], far[0], (near[1], far[1]))


def an_ecmp_router_sends_both_directions_of_a_flow_to_one_collector():
    """Three next hops for the target's address, L4 hash; copies of 300 flows, both directions."""
    cloud = Cloud(b=SOURCE, one="10.1.0.1", two="10.1.0.2", three="10.1.0.3", peer="192.168.0.99")
    collectors = (cloud.one, cloud.two, cloud.three)
    sockets = []
    for host in collectors:
        with host.namespace:
            lab.ip("address", "add", ELB + "/32", "dev", "lo")
        host.address = ELB
        sockets.append(host.udp(4789))
    with cloud.router:
        lab.write("/proc/sys/net/ipv4/fib_multipath_hash_policy", "1")
        hops = [word for n, host in enumerate(collectors, 1)
                for word in ("nexthop", "via", "10.1.0.%d" % n, "dev", host.port)]
        lab.ip("route", "add", ELB + "/32", *hops)
    # A second interface is the source: what is on it is ours alone.
    lab.veth(cloud.b.namespace, "near", cloud.peer.namespace, "far")
    with cloud.b.namespace:
        lab.offloads("near", False)
        near = lab.Sender("near")
        mirror = lab.Mirror(MIRROR, model(), "source", "afpacket:near", "udp:?pool=64")
    lab.equal(mirror.ready, "ready")
    with cloud.peer.namespace:
        far = lab.Sender("far")
    for n in range(FLOWS):
        near.send(a_flow(n, "egress"))
        far.send(a_flow(n, "ingress"))
        if n % 50 == 49:
            mirror.after(2 * n + 2)
    lab.equal(mirror.after(2 * FLOWS)[0]["sent"], 2 * FLOWS)

    where = collections.defaultdict(list)
    counts = []
    for place, sock in enumerate(sockets):
        found = copies(sock, 0)
        counts.append(len(found))
        for copy in found:
            where[copy.inner].append(place)
    lab.equal(sum(counts), 2 * FLOWS, "copies")
    for n in range(FLOWS):
        there, back = where[a_flow(n, "egress")], where[a_flow(n, "ingress")]
        lab.equal(len(there), 1, "flow %d" % n)
        lab.equal(there, back, "flow %d" % n)
    if not all(counts):
        raise AssertionError("a collector got nothing: %r" % counts)
    print("  copies at the three collectors: %s" % counts)


class Tcpdump:
    """Captures `count` packets of a device into a file."""

    def __init__(self, namespace, device, count, path):
        with namespace:
            self.process = subprocess.Popen(
                ["tcpdump", "-Z", "root", "-n", "-i", device, "-c", str(count), "-w", path],
                stderr=subprocess.PIPE, text=True, preexec_fn=lab.end_with_parent)
        for line in self.process.stderr:
            if "listening on" in line:
                return
        raise AssertionError("tcpdump ended: %d" % self.process.wait())

    def wait(self):
        try:
            self.process.wait(5)
        finally:
            self.process.kill()


def tshark(path, *fields):
    words = [word for field in fields for word in ("-e", field)]
    out = lab.run("tshark", "-n", "-r", path, "-T", "fields", *words)
    return [line.split("\t") for line in out.splitlines()]


def a_vxlan_device_with_tcpdump_and_tshark():
    """The kernel takes the copies apart, tshark finds nothing wrong with what comes out."""
    for program in ("tcpdump", "tshark"):
        lab.need(shutil.which(program), program + " is not installed")
    cloud = Cloud(b=SOURCE, elb=ELB, peer="192.168.0.99")
    with cloud.elb.namespace:
        lab.device("vx0", "type", "vxlan", "id", "7", "dstport", "4789", "local", ELB)
        lab.ip("link", "set", "vx0", "up")
    lab.veth(cloud.b.namespace, "near", cloud.peer.namespace, "far")
    with cloud.b.namespace:
        mirror = lab.Mirror(MIRROR, model(), "source", "afpacket:near", "udp:")
    lab.equal(mirror.ready, "ready")
    with cloud.peer.namespace:
        far = lab.Sender("far")
    sizes = [18, 100, 1000, 1400]
    sent = [lab.frame(b"%d" % n, 1, 2, (n, 80), size=size) for n, size in enumerate(sizes * 5)]
    with tempfile.TemporaryDirectory(prefix="mirror-live-") as folder:
        path = folder + "/vx0.pcap"
        watching = Tcpdump(cloud.elb.namespace, "vx0", len(sent), path)
        with cloud.elb.namespace:
            tap = lab.packet_socket("vx0")
            tap.settimeout(2)
        far.send(*sent)
        watching.wait()
        rows = tshark(path, "frame.len", "ip.src", "_ws.malformed", "_ws.expert.message")
    lab.equal(sorted(int(row[0]) for row in rows), sorted(map(len, sent)), "lengths")
    lab.equal({row[1] for row in rows}, {"10.0.0.1"})
    lab.equal([row[2:] for row in rows if any(row[2:])], [], "what tshark complains of")
    lab.equal(sorted(tap.recv(65536) for _ in sent), sorted(sent), "frames of the vxlan device")
    with cloud.elb.namespace:
        statistics = lab.ip("-s", "link", "show", "vx0")
    print("  " + " | ".join(line.strip() for line in statistics.splitlines()[2:4]))


lab.main(an_ecmp_router_sends_both_directions_of_a_flow_to_one_collector,
         a_vxlan_device_with_tcpdump_and_tshark)
