#!/usr/bin/env python3
"""test_raw.py MIRROR: copies as frames past the kernel's queues, by "afpacket:" and "xdp:" outputs.

MIRROR is the program of mirror.c. far === near:host:out === in:collector, the tap on near. Each
test runs once for each output.
"""
import os
import socket
import struct
import sys
import threading
import time

import lab

MIRROR = sys.argv[1]
NOBODY = 65534
VNI = 42
VXLAN = b"\x08\0\0\0" + struct.pack(">I", VNI << 8)
COLLECTOR = "10.9.0.2"
OUTPUTS = ("afpacket", "xdp")


class Scene:
    def __init__(self, output, targets=None, tap="afpacket:near", device="out", options="",
                 prepare=None, **more):
        self.outside, self.host, self.collector = (lab.Namespace() for _ in range(3))
        lab.veth(self.host, "near", self.outside, "far")
        self.connect()
        with self.outside:
            self.far = lab.Sender("far")
        if prepare:
            prepare(self)
        with self.host:
            self.mirror = lab.Mirror(
                MIRROR, lab.configuration(targets or {"t": {"address": COLLECTOR}}, **more),
                "source", tap, "%s:%s%s" % (output, device, options))
        lab.equal(self.mirror.ready, "ready")
        self.sent = 0

    def connect(self, mac="02:00:00:00:09:02"):
        lab.veth(self.host, "out", self.collector, "in")
        with self.collector:
            lab.ip("link", "set", "in", "address", mac)
            lab.ip("address", "add", COLLECTOR + "/24", "dev", "in")
        with self.host:
            lab.ip("address", "add", "10.9.0.1/24", "dev", "out")

    def listen(self, address=COLLECTOR, port=4789):
        with self.collector:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 23)  # SO_RCVBUFFORCE
            sock.bind((address, port))
            sock.settimeout(0.5)
            return sock

    def send(self, *frames):
        self.far.send(*frames)
        self.sent += len(frames)

    def settle(self):
        """The counters, once everything that was sent has come in."""
        return self.mirror.after(self.sent)

    def arrives(self, sink, seconds=1.0, ports=(9, 80)):
        """Sends until a copy comes; how long that took. Nothing is in the way of the next ones."""
        text = b"ping %d" % time.monotonic_ns()
        sink.settimeout(0.02)

        def came():
            self.send(lab.frame(text, ports=ports))
            try:
                while True:
                    if text in sink.recv(65536):
                        return True
            except socket.timeout:
                return False
        took = lab.until(came, seconds, "a copy")
        self.settle()
        receive(sink, 1000, 0.05)
        sink.settimeout(0.5)
        return took


def receive(sock, count, timeout=0.5):
    """That many, or those that come within the time."""
    found = []
    sock.settimeout(timeout)
    try:
        while len(found) < count:
            found.append(sock.recv(65536))
    except socket.timeout:
        pass
    return found


def numbered(count, ports=lambda n: (5000 + n % 7, 80), size=lambda n: 18 + 7 * (n % 90)):
    return [lab.frame(b"%d." % n, 1, 2, ports(n), size=size(n)) for n in range(count)]


def copies_arrive_whole_and_in_order(output):
    scene = Scene(output)
    sink = scene.listen()
    scene.arrives(sink)
    before = scene.settle()[0]
    frames = numbered(400)
    for at in range(0, 400, 40):
        scene.send(*frames[at:at + 40])
        time.sleep(0.005)
    lab.equal(receive(sink, 400), [VXLAN + frame for frame in frames])
    counters = scene.settle()[0]
    lab.equal(counters["sent"] - before["sent"], 400)
    lab.equal(counters.get("failed_no_route", 0), before.get("failed_no_route", 0))
    log = [line for line in scene.mirror.lines if line.startswith("log")]
    lab.equal(log, [], "AF_XDP is there on veth")


def a_vxlan_device_delivers_the_frames(output):
    scene = Scene(output)
    with scene.collector:
        lab.device("vx", "type", "vxlan", "id", str(VNI), "dstport", "4789", "local", COLLECTOR,
                   "nolearning")
        lab.ip("link", "set", "vx", "up")
        vx = lab.packet_socket("vx")
    scene.arrives(vx)
    frames = numbered(50)
    scene.send(*frames)
    lab.equal(receive(vx, 50), frames)


def outer_headers(output):
    scene = Scene(output, {"t": {"address": COLLECTOR, "ttl": 7}})
    sink = scene.listen()
    scene.arrives(sink)
    with scene.collector:
        wire = lab.packet_socket("in")
    scene.send(*numbered(64, ports=lambda n: (3000 + n, 80)))
    wires = [frame for frame in receive(wire, 100, 0.3) if frame[23:24] == b"\x11"]
    lab.equal(len(wires), 64)
    with scene.host:
        mac = lab.run("ip", "-o", "link", "show", "out").split("link/ether ")[1].split()[0]
    for frame in wires:
        lab.equal(frame[:14], bytes.fromhex("020000000902" + mac.replace(":", "") + "0800"))
        lab.equal((frame[22], frame[26:34]), (7, bytes((10, 9, 0, 1, 10, 9, 0, 2))))
    lab.equal(len({frame[34:36] for frame in wires}) > 50, True, "source ports by flow")


def ipv6(output):
    def prepare(scene):
        for namespace, device, address in ((scene.host, "out", "2001:db8:9::1"),
                                           (scene.collector, "in", "2001:db8:9::2")):
            with namespace:
                lab.ipv6_on(device)
                lab.ip("address", "add", address + "/64", "dev", device, "nodad")
    scene = Scene(output, {"t": {"address": "2001:db8:9::2"}}, source="2001:db8:9::1",
                  prepare=prepare)
    sink = scene.listen("2001:db8:9::2")
    scene.arrives(sink)
    frames = numbered(50)
    scene.send(*frames)
    lab.equal(receive(sink, 50), [VXLAN + frame for frame in frames])


def without_a_source_address(output):
    """That of the route, with right checksums."""
    for target, source in ((COLLECTOR, "2001:db8:9::1"), ("2001:db8:9::2", "10.9.0.1")):
        scene = Scene(output, {"t": {"address": target}}, source=source, prepare=with_ipv6)
        sink = scene.listen(target)
        scene.arrives(sink)
        scene.send(*numbered(20))
        found = [sink.recvfrom(2000)[1][0] for _ in range(20)]
        lab.equal(set(found), {"10.9.0.1" if "." in target else "2001:db8:9::1"})


def with_ipv6(scene):
    for namespace, device, address in ((scene.host, "out", "2001:db8:9::1"),
                                       (scene.collector, "in", "2001:db8:9::2")):
        with namespace:
            lab.ipv6_on(device)
            lab.ip("address", "add", address + "/64", "dev", device, "nodad")


def through_a_gateway(output):
    """Which comes later than the mirror, and gives way to another one."""
    scene = Scene(output, {"far": {"address": "10.77.0.1"}, "t": {"address": COLLECTOR}})
    with scene.collector:
        lab.ip("address", "add", "10.77.0.1/32", "dev", "in")
        lab.ip("address", "add", "10.9.0.3/24", "dev", "in")
    sink = scene.listen("10.77.0.1")
    scene.send(*[lab.frame(ports=(9, 1000)) for _ in range(10)])
    lab.equal(scene.settle()[1]["far"], {"mirrored": 10, "failed_no_route": 10})
    with scene.host:
        lab.ip("route", "add", "10.77.0.0/24", "via", COLLECTOR)
    scene.arrives(sink, ports=(9, 1000))
    with scene.host:
        lab.ip("route", "replace", "10.77.0.0/24", "via", "10.9.0.3")
    scene.arrives(sink, ports=(9, 1000))
    with scene.host:
        lab.equal("10.9.0.3" in lab.ip("neighbour", "show", "dev", "out"), True, "the other one")
        lab.ip("route", "del", "10.77.0.0/24")
    time.sleep(0.05)
    before = scene.settle()[1]["far"]
    scene.send(*[lab.frame(ports=(9, 1000)) for _ in range(10)])
    after = scene.settle()[1]["far"]
    lab.equal(after["failed_no_route"] - before.get("failed_no_route", 0), 10)


def an_ipv6_gateway_for_ipv4(output):
    def prepare(scene):
        with_ipv6(scene)
        with scene.collector:
            lab.ip("address", "add", "10.77.0.1/32", "dev", "in")
        with scene.host:
            lab.ip("route", "add", "10.77.0.0/24", "via", "inet6", "2001:db8:9::2", "dev", "out")
    scene = Scene(output, {"far": {"address": "10.77.0.1"}}, prepare=prepare)
    scene.arrives(scene.listen("10.77.0.1"), 5)  # the gateway is asked once addresses are valid


def multicast(output):
    scene = Scene(output, {"t": {"address": "239.1.2.3"}})
    sink = scene.listen("239.1.2.3")
    with scene.collector:
        sink.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                        socket.inet_aton("239.1.2.3") + socket.inet_aton(COLLECTOR))
    frames = numbered(30)
    scene.send(*frames)
    lab.equal(receive(sink, 30), [VXLAN + frame for frame in frames])
    lab.equal(scene.settle()[0]["sent"], 30)


def a_route_by_another_interface_is_none(output):
    def prepare(scene):
        with scene.host:
            lab.ip("address", "add", "10.88.0.1/24", "dev", "near")
    scene = Scene(output, {"t": {"address": "10.88.0.2"}}, prepare=prepare)
    scene.send(*numbered(10))
    lab.equal(scene.settle()[0]["failed_no_route"], 10)


def a_neighbour_changes_its_mac(output):
    scene = Scene(output)
    sink = scene.listen()
    scene.arrives(sink)
    with scene.collector:
        lab.ip("link", "set", "in", "address", "02:00:00:00:09:77")
        lab.run("ip", "neighbour", "flush", "dev", "in")
        # as a host does that takes over an address
        announce = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 2) + \
            (bytes.fromhex("020000000977") + socket.inet_aton(COLLECTOR)) * 2
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        sock.bind(("in", 0))
        sock.send(b"\xff" * 6 + bytes.fromhex("020000000977") + b"\x08\x06" + announce)
    scene.arrives(sink)
    frames = numbered(30)
    scene.send(*frames)
    lab.equal(receive(sink, 30), [VXLAN + frame for frame in frames])


def no_neighbour_costs_others_nothing(output):
    scene = Scene(output, {"lost": {"address": "10.9.0.77"}, "t": {"address": COLLECTOR}})
    with scene.host:
        for name, value in (("mcast_solicit", "1"), ("retrans_time_ms", "50")):
            lab.write("/proc/sys/net/ipv4/neigh/out/" + name, value)
    sink = scene.listen()
    scene.arrives(sink, ports=(9, 2000))
    for n in range(40):
        scene.send(lab.frame(b"%d" % n, ports=(9, 1000)), lab.frame(b"%d" % n, ports=(9, 2000)))
        time.sleep(0.02)
    lab.equal(len(receive(sink, 40)), 40)
    lost = scene.settle()[1]["lost"]
    lab.equal((lost["mirrored"], lost["failed_no_route"] >= 30, lost["sent"] <= 8),
              (40, True, True), repr(lost))
    with scene.collector:
        lab.ip("address", "add", "10.9.0.77/24", "dev", "in")
    print("  after %.2f s" % scene.arrives(scene.listen("10.9.0.77"), ports=(9, 1000)))


def a_neighbour_in_use_stays_fresh(output):
    """Also without any traffic of the kernel's own."""
    def prepare(scene):
        with scene.host:
            for name, value in (("base_reachable_time_ms", "500"), ("delay_first_probe_time", "1"),
                                ("gc_stale_time", "1")):
                lab.write("/proc/sys/net/ipv4/neigh/out/" + name, value)
    scene = Scene(output, prepare=prepare)
    sink = scene.listen()
    scene.arrives(sink)
    frames = numbered(500)
    states = set()
    for frame in frames:
        scene.send(frame)
        time.sleep(0.01)
        if frame is frames[-1] or len(states) < 3:
            with scene.host:
                states.add(lab.ip("neighbour", "show", "dev", "out").split()[-1])
    lab.equal(receive(sink, 500), [VXLAN + frame for frame in frames])
    lab.equal("FAILED" in states, False, repr(states))
    with scene.host:
        lab.equal("REACHABLE" in states, True, repr(states))


def a_static_neighbour(output):
    def prepare(scene):
        with scene.host:
            lab.ip("neighbour", "replace", COLLECTOR, "lladdr", "02:00:00:00:09:02", "dev", "out",
                   "nud", "permanent")
    scene = Scene(output, prepare=prepare)
    sink = scene.listen()
    frames = numbered(100)
    scene.send(*frames)
    lab.equal(receive(sink, 100), [VXLAN + frame for frame in frames])
    lab.equal(scene.settle()[0]["sent"], 100)


def without_address_resolution(output):
    """IFF_NOARP: the device's own MAC, or a static neighbour."""
    def prepare(scene):
        with scene.host:
            lab.ip("link", "set", "out", "address", "02:00:00:00:09:02", "arp", "off")
    scene = Scene(output, prepare=prepare)
    sink = scene.listen()
    frames = numbered(50)
    scene.send(*frames)
    lab.equal(receive(sink, 50), [VXLAN + frame for frame in frames])
    with scene.collector:
        lab.ip("link", "set", "in", "address", "02:00:00:00:09:55")
    with scene.host:
        lab.ip("neighbour", "replace", COLLECTOR, "lladdr", "02:00:00:00:09:55", "dev", "out",
               "nud", "permanent")
    time.sleep(0.05)
    scene.send(lab.frame())
    scene.arrives(sink)
    scene.send(*frames)
    lab.equal(receive(sink, 50), [VXLAN + frame for frame in frames])


def link_flaps(output):
    scene = Scene(output)
    sink = scene.listen()
    scene.arrives(sink)
    for namespace, device in ((scene.host, "out"), (scene.collector, "in")):
        with namespace:
            lab.ip("link", "set", device, "down")
        time.sleep(0.05)
        before = scene.settle()[0]
        scene.send(*numbered(10))
        after = scene.settle()[0]
        lab.equal(after["failed_link_down"] - before.get("failed_link_down", 0), 10, device)
        with namespace:
            lab.ip("link", "set", device, "up")
        print("  %s after %.2f s" % (device, scene.arrives(sink)))
        frames = numbered(20)
        scene.send(*frames)
        lab.equal(receive(sink, 20), [VXLAN + frame for frame in frames])


def the_interface_is_made_again(output):
    scene = Scene(output)
    sink = scene.listen()
    scene.arrives(sink)
    for n in range(3):
        with scene.host:
            lab.ip("link", "del", "out")
        time.sleep(0.05)
        before = scene.settle()[0]
        scene.send(*numbered(10))
        after, _, status = scene.settle()
        lab.equal(after["failed_other"] - before.get("failed_other", 0), 10)
        lab.equal("MIRROR_E_NO_DEVICE" in status, True, status)
        scene.connect("02:00:00:00:09:%02x" % (16 + n))
        print("  after %.2f s" % scene.arrives(sink))
        frames = numbered(20)
        scene.send(*frames)
        lab.equal(receive(sink, 20), [VXLAN + frame for frame in frames])
    log = [line for line in scene.mirror.lines if line.startswith("log")]
    lab.equal(sum("is gone: waiting" in line for line in log), 3, repr(log))
    lab.equal(sum("is back" in line for line in log), 3, repr(log))
    lab.equal(sum("transmit ring" in line for line in log), int(output == "xdp"), repr(log))


def the_interface_is_renamed(output):
    scene = Scene(output)
    sink = scene.listen()
    scene.arrives(sink)
    with scene.host:
        lab.ip("link", "set", "out", "name", "elsewhere")
    scene.arrives(sink)


def a_lowered_mtu_is_counted(output):
    scene = Scene(output)
    sink = scene.listen()
    scene.arrives(sink)
    with scene.host:
        lab.ip("link", "set", "out", "mtu", "600")
    time.sleep(0.05)
    before = scene.settle()[0]
    frames = numbered(100, size=lambda n: 900 if n % 20 < 10 else 300)
    scene.send(*frames)
    lab.equal(receive(sink, 50), [VXLAN + frame for frame in frames if len(frame) < 600])
    after, _, status = scene.settle()
    lab.equal((after["sent"] - before["sent"], after["failed_too_long"]), (50, 50))
    lab.equal("MIRROR_E_TOO_LONG" in status, True, status)
    with scene.host:
        lab.ip("link", "set", "out", "mtu", "1500")
        lab.ip("route", "replace", "10.9.0.0/24", "dev", "out", "mtu", "700")
    time.sleep(0.05)
    before = scene.settle()[0]
    scene.send(*frames)
    lab.equal(len(receive(sink, 100)), 50)
    lab.equal(scene.settle()[0]["failed_too_long"] - before["failed_too_long"], 50)


def frames_longer_than_the_ring_has(output):
    """The MTU grows after the output was opened."""
    scene = Scene(output)
    for namespace, device in ((scene.host, "out"), (scene.collector, "in"), (scene.host, "near"),
                              (scene.outside, "far")):
        with namespace:
            lab.ip("link", "set", device, "mtu", "9000")
    scene.mirror.finish()
    with scene.host:
        config = lab.configuration({"t": {"address": COLLECTOR, "mtu": 9000}})
        config["traffic_mirror_sources"][0]["mtu"] = 9000
        lab.ip("link", "set", "out", "mtu", "1500")
        scene.mirror = lab.Mirror(MIRROR, config, "source", "afpacket:near", output + ":out")
        lab.ip("link", "set", "out", "mtu", "9000")
    scene.sent = 0
    sink = scene.listen()
    scene.arrives(sink)
    frames = numbered(60, size=lambda n: (300, 2500, 6000)[n % 3])
    for at in range(0, 60, 10):
        scene.send(*frames[at:at + 10])
        time.sleep(0.01)
    lab.equal(receive(sink, 60), [VXLAN + frame for frame in frames])


def a_vlan_device(output):
    def prepare(scene):
        for namespace, device, address in ((scene.host, "out", "10.5.0.1"),
                                           (scene.collector, "in", "10.5.0.2")):
            with namespace:
                lab.device("link", device, "name", "v7", "type", "vlan", "id", "7")
                lab.ip("link", "set", "v7", "up")
                lab.ip("address", "add", address + "/24", "dev", "v7")
    scene = Scene(output, {"t": {"address": "10.5.0.2"}}, source="10.5.0.1", device="v7",
                  prepare=prepare)
    sink = scene.listen("10.5.0.2")
    scene.arrives(sink)
    frames = numbered(50)
    scene.send(*frames)
    lab.equal(receive(sink, 50), [VXLAN + frame for frame in frames])


def a_device_without_link_header(output):
    """A tun device; no AF_XDP there."""
    import fcntl
    host_tun = []

    def prepare(scene):
        with scene.host:
            lab.need(os.path.exists("/dev/net/tun"), "no tun devices")
            host_tun.append(os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK))
            fcntl.ioctl(host_tun[0], 0x400454CA, struct.pack("16sH", b"tun0", 0x1001))
            lab.ip("link", "set", "tun0", "up")
            lab.ip("address", "add", "10.6.0.1/24", "dev", "tun0")
    scene = Scene(output, {"t": {"address": "10.6.0.2"}}, source="10.6.0.1", device="tun0",
                  prepare=prepare)
    frames = numbered(50)
    scene.send(*frames)
    lab.equal(scene.settle()[0]["sent"], 50)
    found = [os.read(host_tun[0], 65536) for _ in range(50)]
    lab.equal([packet[28:] for packet in found], [VXLAN + frame for frame in frames])
    lab.equal({packet[12:20] for packet in found}, {bytes((10, 6, 0, 1, 10, 6, 0, 2))})
    os.close(host_tun[0])


def no_loop(output):
    """The tap is on the interface that copies leave by."""
    scene = Scene(output, tap="afpacket:out")
    sink = scene.listen()
    with scene.collector:
        back = lab.Sender("in")
    for n in range(60):
        back.send(lab.frame(b"%d" % n))
        time.sleep(0.05)
    receive(sink, 100)
    counters = scene.mirror.ask()[0]
    lab.equal(counters["received"] < 200, True, repr(counters))


def a_slow_device_drops_and_counts(output):
    """A peer whose queue is full: what the kernel says is dropped is counted, the rest arrives."""
    scene = Scene(output, tap="afpacket:near?retire_ms=20", options="?ring=64")
    sink = scene.listen()
    scene.arrives(sink)
    before = scene.settle()[0]
    frames = numbered(2000)
    scene.send(*frames)
    found = receive(sink, 2000, 1)
    after = scene.settle()[0]
    lab.equal(after["sent"] - before["sent"], len(found))


def privileges_are_given_up(output):
    """Nothing that happens later needs one: a new neighbour, a stale one, another interface."""
    scene = Scene(output, {"lost": {"address": "10.9.0.77"}, "t": {"address": COLLECTOR}})
    with scene.host:
        for name, value in (("base_reachable_time_ms", "500"), ("delay_first_probe_time", "1")):
            lab.write("/proc/sys/net/ipv4/neigh/out/" + name, value)
    scene.mirror.say("drop")
    sink = scene.listen()
    scene.arrives(sink, ports=(9, 2000))
    with open("/proc/%d/status" % scene.mirror.process.pid, encoding="ascii") as file:
        lab.equal([line.split()[1] for line in file if line.startswith("CapEff")], ["0" * 16])
    time.sleep(1)
    scene.arrives(sink, ports=(9, 2000))
    with scene.collector:
        lab.ip("address", "add", "10.9.0.77/24", "dev", "in")
    scene.arrives(scene.listen("10.9.0.77"), ports=(9, 1000))
    with scene.host:
        lab.ip("link", "del", "out")
    time.sleep(0.05)
    scene.connect("02:00:00:00:09:44")
    scene.arrives(sink, ports=(9, 2000))
    frames = numbered(50, ports=lambda n: (9, 2000))
    scene.send(*frames)
    lab.equal(receive(sink, 50), [VXLAN + frame for frame in frames])


def other_traffic_is_not_harmed(output):
    """What arrives at the output's interface stays the host's."""
    scene = Scene(output)
    sink = scene.listen()
    scene.arrives(sink)
    with scene.host:
        echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        echo.bind(("10.9.0.1", 7))
        echo.settimeout(1)
    with scene.collector:
        asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        asker.settimeout(1)
    stop = threading.Event()

    def feed():
        while not stop.is_set():
            scene.send(*numbered(20))
            time.sleep(0.001)
    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        for n in range(200):
            asker.sendto(b"%d" % n, ("10.9.0.1", 7))
            text, sender = echo.recvfrom(100)
            echo.sendto(text, sender)
            lab.equal(asker.recv(100), b"%d" % n)
    finally:
        stop.set()
        feeder.join()


def opening_says_why_not(output):
    host = lab.Namespace()
    config = lab.configuration({"t": {"address": COLLECTOR}})
    for uri, user, words in ((":nosuch", None, ("MIRROR_E_NO_DEVICE", "nosuch")),
                             (":", None, ("MIRROR_E_URI", "names no interface")),
                             (":lo?ring=100", None, ("MIRROR_E_URI", "power of two")),
                             (":lo?what=1", None, ("MIRROR_E_URI", "ring, mark")),
                             (":lo", NOBODY, ("MIRROR_E_PERMISSION", "CAP_NET_RAW"))):
        with host:
            mirror = lab.Mirror(MIRROR, config, "source", "memory:", output + uri, user=user)
        for word in words:
            lab.equal(word in mirror.ready, True, mirror.ready)


def for_each_output(test):
    def both(output):
        def one():
            test(output)
        one.__name__ = "%s: %s" % (output, test.__name__)
        return one
    return [both(output) for output in OUTPUTS]


if __name__ == "__main__":
    TESTS = [copies_arrive_whole_and_in_order, a_vxlan_device_delivers_the_frames, outer_headers,
             ipv6, without_a_source_address, through_a_gateway, an_ipv6_gateway_for_ipv4,
             multicast, a_route_by_another_interface_is_none, a_neighbour_changes_its_mac,
             no_neighbour_costs_others_nothing, a_neighbour_in_use_stays_fresh,
             a_static_neighbour, without_address_resolution, link_flaps,
             the_interface_is_made_again, the_interface_is_renamed, a_lowered_mtu_is_counted,
             frames_longer_than_the_ring_has, a_vlan_device, a_device_without_link_header, no_loop,
             a_slow_device_drops_and_counts, privileges_are_given_up, other_traffic_is_not_harmed,
             opening_says_why_not]
    lab.main(*[test for each in TESTS for test in for_each_output(each)])
