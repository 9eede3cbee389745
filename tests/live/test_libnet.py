#!/usr/bin/env python3
"""test_libnet.py MIRROR: copies from libnet's raw sockets, with any outer source address.

MIRROR is the program of mirror.c.
"""
import socket
import sys
import time

import lab
from bulk import ADDRESSES, COLLECTOR, Scene, VXLAN, transfer

MIRROR = sys.argv[1]
FOREIGN = "192.0.2.77"


def scene_of(output="libnet:", **how):
    scene = Scene(MIRROR, output, ipv6=False, **how)
    lab.equal(scene.mirror.ready, "ready")
    with scene.peer:
        scene.far = lab.Sender("far")
    scene.sink.settimeout(1)
    return scene


def rebuilt(scene):
    """out === in, as at first."""
    lab.veth(scene.host, "out", scene.collector, "in")
    with scene.host:
        lab.ip("address", "add", "10.9.0.1/24", "dev", "out")
    with scene.collector:
        lab.ip("address", "add", COLLECTOR + "/24", "dev", "in")
        lab.write("/proc/sys/net/ipv4/conf/in/rp_filter", "0")
    lab.wait_for_carrier(scene.host, "out")


def bulk_tcp_arrives_as_sent():
    transfer(Scene(MIRROR, "libnet:"))


def any_source_address():
    scene = scene_of(source=FOREIGN)
    with scene.collector:
        lab.ip("route", "add", "192.0.2.0/24", "dev", "in")
    for n in range(20):
        scene.far.send(lab.frame(b"%d" % n, 1, 2, (n, n)))
    found = [scene.sink.recvfrom(65536) for _ in range(20)]
    lab.equal({address[0] for _, address in found}, {FOREIGN})
    lab.equal([octets for octets, _ in found],
              [VXLAN + lab.frame(b"%d" % n, 1, 2, (n, n)) for n in range(20)])
    ports = {address[1] for _, address in found}
    if len(ports) < 15 or min(ports) < 49152:
        raise AssertionError("source ports: %r" % ports)
    lab.equal(scene.mirror.after(20)[0], {"received": 20, "mirrored": 20, "sent": 20, "drops": 0})


def ipv6_copies():
    scene = scene_of(targets={"t": {"address": "2001:db8:9::2"}}, source="2001:db8:77::1")
    for namespace, device, number in ((scene.host, "out", 1), (scene.collector, "in", 2)):
        with namespace:
            lab.ipv6_on(device)
            lab.ip("address", "add", "2001:db8:9::%d/64" % number, "dev", device, "nodad")
    with scene.collector:
        lab.ip("-6", "route", "add", "2001:db8:77::/64", "dev", "in")
        sink = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sink.bind(("2001:db8:9::2", 4789))
        sink.settimeout(5)  # until the link-local address is there
    scene.far.send(lab.frame(b"six"))
    octets, address = sink.recvfrom(65536)
    lab.equal((octets, address[0]), (VXLAN + lab.frame(b"six"), "2001:db8:77::1"))
    with scene.host:
        lab.ip("link", "set", "out", "mtu", "1280")
    scene.far.send(lab.frame(size=1280 - 56 - 42), lab.frame(size=1280 - 56 - 41))
    counters = scene.mirror.after(3)[0]
    lab.equal(counters, {"received": 3, "mirrored": 3, "sent": 2, "failed_too_long": 1, "drops": 0})


def without_a_source_address():
    scene = scene_of(targets={"t": {"address": "2001:db8:9::2"}}, source="10.9.0.1")
    scene.far.send(lab.frame())
    counters, _, output = scene.mirror.after(1)
    lab.equal(counters.get("failed_no_route"), 1)
    lab.equal("no IPv6 address" in output, True, output)


def copies_are_never_fragmented():
    for df in (True, False):
        scene = scene_of(targets={"t": {"address": COLLECTOR, "df": df}})
        for words in (("link", "set", "out", "mtu", "600"),
                      ("route", "replace", "10.9.0.2/32", "dev", "out", "mtu", "500")):
            with scene.host:
                lab.ip(*words)
        scene.far.send(lab.frame(size=900), lab.frame(size=300))
        counters, _, output = scene.mirror.after(2)
        lab.equal(counters, {"received": 2, "mirrored": 2, "sent": 1, "failed_too_long": 1,
                             "drops": 0}, "df %r" % df)
        lab.equal("MIRROR_E_TOO_LONG" in output, True, output)


def no_route_is_counted():
    scene = scene_of(targets={"lost": {"address": "10.77.0.1"}, "t": {"address": COLLECTOR}})
    scene.far.send(*[lab.frame(ports=(9, 1000 * (n % 2 + 1))) for n in range(40)])
    lab.equal(scene.mirror.after(40)[1], {"lost": {"mirrored": 20, "failed_no_route": 20},
                                          "t": {"mirrored": 20, "sent": 20}})


def a_full_queue_is_counted():
    scene = scene_of()
    with scene.host:
        try:
            lab.run("tc", "qdisc", "add", "dev", "out", "root", "tbf", "rate", "4mbit", "burst",
                    "5000", "limit", "20000")
        except AssertionError as error:
            raise lab.Skip(str(error)) from error
    scene.far.send(*[lab.frame(b"%d" % n, 1, 2, (n, 80), size=1000) for n in range(300)])
    counters = scene.mirror.after(300)[0]
    lab.equal(counters["failed_no_buffer"], 300 - counters["sent"])
    received = 0
    try:
        while scene.sink.recv(65536):
            received += 1
    except socket.timeout:
        pass
    lab.equal(received, counters["sent"])


def links_flap_a_hundred_times():
    for output in ("libnet:", "libnet:out"):
        scene = scene_of(output)
        for n in range(100):
            with scene.host:
                lab.ip("link", "set", "out", "down")
                scene.far.send(lab.frame())
                lab.until(lambda: scene.mirror.ask()[0]["received"] == 2 * n + 1, 2, "the first")
                lab.ip("link", "set", "out", "up")
            scene.far.send(lab.frame(b"again"))
            lab.until(lambda: scene.mirror.ask()[0]["received"] == 2 * n + 2, 2, "the second")
        counters = scene.mirror.ask()[0]
        lab.equal(counters["sent"], 100, output)
        lab.equal(counters.get("failed_no_route", 0) + counters.get("failed_link_down", 0), 100)


def the_interface_is_deleted_and_made_again():
    for output in ("libnet:", "libnet:out"):
        scene = scene_of(output)
        with scene.host:
            lab.ip("link", "delete", "out")
        scene.far.send(lab.frame())
        counters = scene.mirror.after(1)[0]
        lab.equal(counters.get("sent", 0), 0)
        rebuilt(scene)
        time.sleep(0.15)
        scene.far.send(lab.frame(b"again"))
        lab.equal(scene.mirror.after(2)[0].get("sent"), 1, output)
        lab.equal(scene.sink.recv(65536), VXLAN + lab.frame(b"again"))


def the_interface_is_chosen():
    """The route leads elsewhere."""
    scene = scene_of("libnet:out")
    with scene.host:
        lab.ip("route", "add", COLLECTOR + "/32", "via", ADDRESSES[4][1])
    scene.far.send(lab.frame(b"chosen"))
    lab.equal(scene.sink.recv(65536), VXLAN + lab.frame(b"chosen"))


def wrong_options_are_named():
    with lab.Namespace():
        config = lab.configuration({"t": {"address": COLLECTOR}})
        for uri, code, part in (("libnet:none", "NO_DEVICE", "none"),
                                ("libnet:?pool=2", "URI", "no option \"pool\"")):
            ready = lab.Mirror(MIRROR, config, "source", "afpacket:lo", uri).ready
            if "MIRROR_E_" + code not in ready or part not in ready:
                raise AssertionError("%s: %s" % (uri, ready))


lab.main(bulk_tcp_arrives_as_sent, any_source_address, ipv6_copies, without_a_source_address,
         copies_are_never_fragmented, no_route_is_counted, a_full_queue_is_counted,
         links_flap_a_hundred_times, the_interface_is_deleted_and_made_again,
         the_interface_is_chosen, wrong_options_are_named)
