#!/usr/bin/env python3
"""test_udp.py MIRROR: copies from an afpacket input to a udp output, and what may go wrong between.

MIRROR is the program of mirror.c. far === near:host:out === in:collector, the tap on near.
"""
import os
import shutil
import socket
import struct
import sys
import tempfile
import time

import lab

MIRROR = sys.argv[1]
NOBODY = 65534
VNI = 42
VXLAN = b"\x08\0\0\0" + struct.pack(">I", VNI << 8)
COLLECTOR = "10.9.0.2"


class Scene:
    def __init__(self, targets=None, output="udp:", tap="afpacket:near", offloads=False, **more):
        self.outside, self.host, self.collector = (lab.Namespace() for _ in range(3))
        lab.veth(self.host, "near", self.outside, "far")
        lab.veth(self.host, "out", self.collector, "in")
        with self.collector:
            lab.offloads("in", offloads)
            lab.ip("address", "add", COLLECTOR + "/24", "dev", "in")
        with self.outside:
            self.far = lab.Sender("far")
        with self.host:
            lab.offloads("out", offloads)
            lab.ip("address", "add", "10.9.0.1/24", "dev", "out")
            self.near = lab.Sender("near")
            self.mirror = lab.Mirror(
                MIRROR, lab.configuration(targets or {"t": {"address": COLLECTOR}}, **more),
                "source", tap, output)
        lab.equal(self.mirror.ready, "ready")

    def listen(self, address=COLLECTOR, port=4789):
        with self.collector:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 23)  # SO_RCVBUFFORCE
            sock.bind((address, port))
            sock.settimeout(1)
            return sock

    def sniff(self):
        with self.collector:
            sock = lab.packet_socket("in")
            sock.settimeout(1)
            return sock


def receive(sock, count):
    """That many, or those that come within a second."""
    found = []
    try:
        while len(found) < count:
            found.append(sock.recv(65536))
    except socket.timeout:
        pass
    return found


def copies_on_the_wire(sock, count):
    """[(outer IP header, UDP source port, UDP checksum, UDP payload)] of IPv4 packets coming in"""
    found = []
    try:
        while len(found) < count:
            frame, address = sock.recvfrom(65536)
            if address[2] == socket.PACKET_OUTGOING or frame[12:14] != b"\x08\0" or frame[23] != 17:
                continue
            port, _, length, checksum = struct.unpack(">HHHH", frame[34:42])
            found.append((frame[14:34], port, checksum, frame[42:34 + length]))
    except socket.timeout:
        pass
    return found


def copies_arrive_whole_and_once():
    scene = Scene()
    sink = scene.listen()
    frames = [lab.frame(b"%d" % n, 1, 2, (5000 + n, 80), size=18 + 7 * (n % 90))
              for n in range(100)]
    scene.far.send(*frames)
    lab.equal(sorted(receive(sink, 100)), sorted(VXLAN + frame for frame in frames))
    counters, _, _ = scene.mirror.after(100)
    lab.equal(counters, {"received": 100, "mirrored": 100, "sent": 100, "drops": 0})


def runs_of_equal_size_are_joined_and_arrive_as_they_were():
    """One flow: one socket, full runs, a shorter last one; segmented by the device or before it."""
    for output, offloads in (("udp:", True), ("udp:", False), ("udp:?gso=0", False),
                             ("udp:?pool=1", True)):
        scene = Scene(output=output, tap="afpacket:near?retire_ms=20", offloads=offloads)
        sink = scene.listen()
        frames = [lab.frame(b"%d" % n, size=400 if n % 40 else 120 + n) for n in range(200)]
        scene.far.send(*frames)
        lab.equal(receive(sink, 200), [VXLAN + frame for frame in frames], output)
        lab.equal(scene.mirror.after(200)[0]["sent"], 200)


def outer_headers_are_the_tunnels():
    scene = Scene({"a": {"address": COLLECTOR, "ttl": 7, "df": False, "port": 5000},
                   "b": {"address": COLLECTOR}})
    wire = scene.sniff()
    frames = [lab.frame(b"%d" % n, 1, 2, (9, 1000 * (n % 2 + 1))) for n in range(20)]
    scene.far.send(*frames)
    copies = copies_on_the_wire(wire, 20)
    by_ttl = {}
    for header, port, checksum, payload in copies:
        by_ttl.setdefault(header[8], []).append(payload[8:])
        lab.equal(header[12:20], bytes((10, 9, 0, 1, 10, 9, 0, 2)))
        lab.equal(49152 <= port, True)
        lab.equal(bool(struct.unpack(">H", header[6:8])[0] & 0x4000), header[8] == 64, "DF")
        total = sum(struct.unpack(">%dH" % (len(payload) // 2), payload)) + 17 + \
            2 * (8 + len(payload)) + sum(struct.unpack(">4H", header[12:20])) + port + \
            (5000 if header[8] == 7 else 4789) + checksum
        lab.equal(total % 0xFFFF, 0, "checksum")
    lab.equal(by_ttl, {7: frames[0::2], 64: frames[1::2]})


def both_directions_have_one_source_port():
    scene = Scene()
    wire = scene.sniff()
    flows = 64
    for n in range(flows):
        scene.far.send(lab.frame(b"%d" % n, 1, 2, (3000 + n, 80)))
        scene.near.send(lab.frame(b"%d" % n, 2, 1, (80, 3000 + n)))
    ports = {}
    for _, port, _, payload in copies_on_the_wire(wire, 2 * flows):
        ports.setdefault(payload[8 + 42:].rstrip(b"."), []).append(port)
    lab.equal(sorted(len(both) for both in ports.values()), [2] * flows)
    lab.equal(all(len(set(both)) == 1 for both in ports.values()), True)
    used = {both[0] for both in ports.values()}
    if len(used) < 7 or len(used) > 8 or min(used) < 49152:
        raise AssertionError("ports %r" % sorted(used))


def ports_in_use_are_left_out():
    """By another output, and by others: 8 ports all the same."""
    host = lab.Namespace()
    with host, tempfile.TemporaryDirectory(prefix="mirror-live-") as folder:
        taken = []
        for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            taken.append(socket.socket(family, socket.SOCK_DGRAM))
            if family == socket.AF_INET6:
                taken[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            taken[-1].bind((address, 49152))
        config = lab.configuration({"t": {"address": COLLECTOR}})
        mirrors = [lab.Mirror(MIRROR, config, "source", "afpacket:lo", "udp:") for _ in range(2)]
        lab.equal([mirror.ready for mirror in mirrors], ["ready"] * 2, folder)
        for path in ("/proc/net/udp", "/proc/net/udp6"):
            with open("/proc/thread-self" + path[5:], encoding="ascii") as file:
                rows = [line.split()[1] for line in file if "sl" not in line]
            ports = sorted(int(row.split(":")[1], 16) for row in rows)
            lab.equal(len(ports), 17)
            lab.equal((len(set(ports)), ports[0] >= 49152), (17, True))


def ipv6_copies():
    scene = Scene({"t": {"address": "2001:db8:9::2"}}, source="2001:db8:9::1")
    for namespace, device, address in ((scene.host, "out", "2001:db8:9::1"),
                                       (scene.collector, "in", "2001:db8:9::2")):
        with namespace:
            lab.ipv6_on(device)
            lab.ip("address", "add", address + "/64", "dev", device, "nodad")
    sink = scene.listen("2001:db8:9::2")
    frames = [lab.frame(b"%d" % n, 1, 2, (5000 + n % 3, 80), size=300) for n in range(50)]
    scene.far.send(*frames)
    found = []
    for _ in range(50):
        payload, sender = sink.recvfrom(65536)
        found.append(payload)
        lab.equal(sender[0], "2001:db8:9::1")
    lab.equal(sorted(found), sorted(VXLAN + frame for frame in frames))


def foreign_ipv6_source_addresses():
    scene = Scene({"t": {"address": "2001:db8:9::2"}}, source="2001:db8:9::44")
    for namespace, device, address in ((scene.host, "out", "2001:db8:9::1"),
                                       (scene.collector, "in", "2001:db8:9::2")):
        with namespace:
            lab.ipv6_on(device)
            lab.ip("address", "add", address + "/64", "dev", device, "nodad")
    sink = scene.listen("2001:db8:9::2")
    sink.settimeout(3)  # addresses are new: a neighbour solicitation that is lost comes again
    scene.far.send(*[lab.frame(b"%d" % n, 1, 2, (5000 + n % 3, 80)) for n in range(20)])
    lab.equal({sink.recvfrom(65536)[1][0] for _ in range(20)}, {"2001:db8:9::1"})
    lab.equal(scene.mirror.after(20)[0]["sent"], 20)
    log = [line for line in scene.mirror.lines if line.startswith("log")]
    lab.equal(["2001:db8:9::44" in line for line in log], [True])


def a_vxlan_device_delivers_the_frames():
    """End to end, both directions, with tags."""
    for offloads in (False, True):
        through_a_vxlan_device(offloads)


def through_a_vxlan_device(offloads):
    scene = Scene(offloads=offloads)
    with scene.collector:
        lab.device("vx", "type", "vxlan", "id", str(VNI), "dstport", "4789", "local", COLLECTOR,
                   "nolearning")
        lab.ip("link", "set", "vx", "up")
        lab.offloads("vx", False)
        sink = lab.packet_socket("vx")
        sink.setsockopt(263, 8, 1)  # PACKET_AUXDATA
        sink.settimeout(1)
    frames = []
    for n in range(60):
        tags = [[], [(0x8100, n)], [(0x88A8, n), (0x8100, 9)]][n % 3]
        frames.append(lab.frame(b"%d" % n, 1, 2, (5000 + n % 7, 80), tags, size=100))
        frames.append(lab.frame(b"back %d" % n, 2, 1, (80, 5000 + n % 7), size=100))
        scene.far.send(frames[-2])
        scene.near.send(frames[-1])
    found = []
    try:
        while len(found) < len(frames):
            frame, ancillary, _, _ = sink.recvmsg(65536, 256)
            status, _, _, _, _, control, kind = struct.unpack("IIIHHHH", ancillary[0][2][:20])
            found.append(frame[:12] + struct.pack(">HH", kind, control) + frame[12:]
                         if status & 0x10 else frame)
    except socket.timeout:
        pass
    lab.equal(sorted(found), sorted(frames))


def no_route_is_counted_and_ends():
    scene = Scene({"lost": {"address": "10.77.0.1"}, "t": {"address": COLLECTOR}})
    sink = scene.listen()
    scene.far.send(*[lab.frame(ports=(9, 1000 * (n % 2 + 1))) for n in range(40)])
    lab.equal(len(receive(sink, 20)), 20)
    _, targets, output = scene.mirror.after(40)
    lab.equal(targets, {"lost": {"mirrored": 20, "failed_no_route": 20},
                        "t": {"mirrored": 20, "sent": 20}})
    lab.equal("10.77.0.1" in output and "MIRROR_E_NO_ROUTE" in output, True, output)
    with scene.host:
        lab.ip("route", "add", "10.77.0.0/24", "via", COLLECTOR)
    scene.far.send(lab.frame(ports=(9, 1000)))
    lab.equal(scene.mirror.after(41)[1]["lost"], {"mirrored": 21, "failed_no_route": 20, "sent": 1})


def refusals_of_the_routing_table():
    for kind, counter in (("prohibit", "failed_other"), ("unreachable", "failed_no_route"),
                          ("blackhole", "failed_other")):
        scene = Scene({"lost": {"address": "10.77.0.1"}, "t": {"address": COLLECTOR}})
        with scene.host:
            lab.ip("route", "add", kind, "10.77.0.1")
        wire = scene.sniff()
        scene.far.send(*[lab.frame(ports=(9, 1000 * (n % 2 + 1))) for n in range(20)])
        sources = [copy[0][12:16] for copy in copies_on_the_wire(wire, 10)]
        lab.equal(sources, [bytes((10, 9, 0, 1))] * 10)
        lab.equal(scene.mirror.after(20)[1], {"lost": {"mirrored": 10, counter: 10},
                                              "t": {"mirrored": 10, "sent": 10}}, kind)
        lab.equal([line for line in scene.mirror.lines if line.startswith("log")], [])


def no_neighbour_costs_others_nothing():
    """What the kernel tells later about the lost ones is not charged to the others."""
    scene = Scene({"lost": {"address": "10.9.0.77"}, "t": {"address": COLLECTOR}})
    with scene.host:
        for name, value in (("mcast_solicit", "1"), ("retrans_time_ms", "50")):
            lab.write("/proc/sys/net/ipv4/neigh/out/" + name, value)
    sink = scene.listen()
    for n in range(50):
        scene.far.send(lab.frame(b"%d" % n, ports=(9, 1000)), lab.frame(b"%d" % n, ports=(9, 2000)))
        time.sleep(0.02)
    lab.equal(len(receive(sink, 50)), 50)
    _, targets, _ = scene.mirror.after(100)
    lab.equal(targets["t"], {"mirrored": 50, "sent": 50})
    with scene.collector:
        lab.ip("address", "add", "10.9.0.77/24", "dev", "in")
    back = scene.listen("10.9.0.77")

    def arrives():
        scene.far.send(lab.frame(b"back", ports=(9, 1000)))
        try:
            return b"back" in back.recv(65536)
        except socket.timeout:
            return False
    back.settimeout(0.1)
    lab.until(arrives, 1.0, "a copy for the new neighbour")
    print("  of the lost ones: %r" % targets["lost"])


def a_closed_port_costs_nothing():
    scene = Scene(output="udp:?pool=1")
    for n in range(100):
        scene.far.send(lab.frame(b"%d" % n))
        time.sleep(0.002)
    counters = scene.mirror.after(100)[0]
    lab.equal(counters, {"received": 100, "mirrored": 100, "sent": 100, "drops": 0})
    with scene.host, open("/proc/thread-self/net/snmp", encoding="ascii") as file:
        rows = [line.split() for line in file if line.startswith("Icmp:")]
    refused = int(dict(zip(*rows))["InDestUnreachs"])
    if not refused:
        raise AssertionError("no ICMP came")
    sink = scene.listen()
    scene.far.send(lab.frame(b"open now"))
    lab.equal(receive(sink, 1), [VXLAN + lab.frame(b"open now")])
    print("  ICMP port unreachable: %d" % refused)


def a_lowered_mtu_is_counted():
    """Joined runs as well as single ones: those that are too long fail, the others do not."""
    scene = Scene(tap="afpacket:near?retire_ms=20")
    sink = scene.listen()
    with scene.host:
        lab.ip("link", "set", "out", "mtu", "600")
    frames = [lab.frame(b"%d" % n, size=900 if n % 20 < 10 else 300) for n in range(100)]
    scene.far.send(*frames)
    lab.equal(receive(sink, 50), [VXLAN + frame for frame in frames if len(frame) < 600])
    counters, _, output = scene.mirror.after(100)
    lab.equal(counters, {"received": 100, "mirrored": 100, "sent": 50, "failed_too_long": 50,
                         "drops": 0})
    lab.equal("MIRROR_E_TOO_LONG" in output, True, output)
    with scene.host:
        lab.ip("link", "set", "out", "mtu", "1500")
    scene.far.send(*frames)
    lab.equal(len(receive(sink, 100)), 100)


def copies_are_never_fragmented():
    scene = Scene({"t": {"address": COLLECTOR, "df": False}})
    with scene.host:
        lab.ip("link", "set", "out", "mtu", "600")
    scene.far.send(lab.frame(size=900), lab.frame(size=300))
    lab.equal(scene.mirror.after(2)[0], {"received": 2, "mirrored": 2, "sent": 1,
                                         "failed_too_long": 1, "drops": 0})


def a_full_queue_is_counted():
    """Of the interface: sent copies are those that arrive, to the last one.

    (Of joined runs that tbf takes apart the kernel does not tell when a part was dropped.)
    """
    scene = Scene(output="udp:?gso=0")
    sink = scene.listen()
    with scene.host:
        try:
            lab.run("tc", "qdisc", "add", "dev", "out", "root", "tbf", "rate", "4mbit", "burst",
                    "5000", "limit", "20000")
        except AssertionError as error:
            raise lab.Skip(str(error)) from error
    begin = time.monotonic()
    scene.far.send(*[lab.frame(b"%d" % n, 1, 2, (n, 80), size=1000) for n in range(300)])
    counters, _, output = scene.mirror.after(300)
    if time.monotonic() - begin > 1:
        raise AssertionError("blocked")
    lab.equal(len(receive(sink, 300)), counters["sent"])
    lab.equal(counters["failed_no_buffer"], 300 - counters["sent"])
    lab.equal("MIRROR_E_NO_BUFFER" in output, True, output)
    print("  sent and arrived %d, refused %d" % (counters["sent"], counters["failed_no_buffer"]))


def a_full_socket_is_counted():
    """Of the socket: its copies wait for a neighbour."""
    scene = Scene({"t": {"address": "10.9.0.77"}}, output="udp:?sndbuf=8192&pool=1")
    scene.far.send(*[lab.frame(b"%d" % n, 1, 2, (n, 80), size=1000) for n in range(300)])
    counters, _, output = scene.mirror.after(300)
    lab.equal(set(counters), {"received", "mirrored", "sent", "failed_again", "drops"})
    lab.equal("MIRROR_E_AGAIN" in output, True, output)


def links_go_down_and_come_back():
    scene = Scene()
    sink = scene.listen()
    scene.far.send(lab.frame())
    lab.equal(len(receive(sink, 1)), 1)
    for _ in range(5):
        with scene.host:
            lab.ip("link", "set", "out", "down")
        scene.far.send(*[lab.frame()] * 10)
        lab.until(lambda: scene.mirror.ask()[0]["received"] % 11 == 0, 1, "all")
        with scene.host:
            lab.ip("link", "set", "out", "up")
        lab.wait_for_carrier(scene.host, "out")
        scene.far.send(lab.frame(b"again"))
        lab.equal(len(receive(sink, 1)), 1)
    counters = scene.mirror.after(56)[0]
    lab.equal(counters["sent"], 6)
    lab.equal(sum(counters.get(name, 0) for name in ("failed_no_route", "failed_link_down")), 50)


def the_output_interface_is_deleted_and_made_again():
    scene = Scene()
    with scene.host:
        lab.ip("link", "delete", "out")
    scene.far.send(lab.frame())
    lab.equal(scene.mirror.after(1)[0].get("failed_no_route"), 1)
    lab.veth(scene.host, "out", scene.collector, "in")
    with scene.host:
        lab.ip("address", "add", "10.9.0.1/24", "dev", "out")
    with scene.collector:
        lab.ip("address", "add", COLLECTOR + "/24", "dev", "in")
    sink = scene.listen()
    scene.far.send(lab.frame())
    lab.equal(len(receive(sink, 1)), 1)


def foreign_source_addresses():
    """The kernel's choice, told once; the address is used as soon as it is there."""
    scene = Scene(source="10.9.0.44")
    wire = scene.sniff()
    scene.far.send(*[lab.frame(b"%d" % n, 1, 2, (n, n)) for n in range(20)])
    lab.equal({copy[0][12:16] for copy in copies_on_the_wire(wire, 20)}, {bytes((10, 9, 0, 1))})
    lab.equal(scene.mirror.after(20)[0]["sent"], 20)
    log = [line for line in scene.mirror.lines if line.startswith("log")]
    lab.equal(["10.9.0.44" in line for line in log], [True])
    with scene.host:
        lab.ip("address", "add", "10.9.0.44/24", "dev", "out")

    def used():
        scene.far.send(lab.frame())
        return copies_on_the_wire(wire, 1)[0][0][12:16] == bytes((10, 9, 0, 44))
    lab.until(used, 1.5, "the address is used")


def loop(output, tap, source):
    """Input and output on one interface, everything accepted in both directions."""
    host, other = lab.Namespace(), lab.Namespace()
    lab.veth(host, "near", other, "far")
    with host:
        lab.ip("address", "add", "10.9.0.1/24", "dev", "near")
    with other:
        lab.ip("address", "add", COLLECTOR + "/24", "dev", "far")
        far = lab.Sender("far")
        sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sink.bind((COLLECTOR, 4789))
        sink.settimeout(0.2)
        packets = lab.packet_socket("far")
    with host:
        mirror = lab.Mirror(MIRROR, lab.configuration({"t": {"address": COLLECTOR}}, source=source),
                            "source", tap, output)
        lab.equal(mirror.ready, "ready")
    far.send(*[lab.frame(b"%d" % n, 1, 2, (n, n)) for n in range(50)])
    lab.equal(len(receive(sink, 51)), 50)
    with other:  # other traffic with the collector is mirrored
        sink.sendto(b"from the collector", ("10.9.0.1", 4789))
    lab.equal(len(receive(sink, 3)), 2)  # with the answer that nobody listens
    counters = mirror.ask()[0]
    packets.setblocking(False)
    try:
        while packets.recv(65536):
            pass
    except BlockingIOError:
        pass
    time.sleep(0.3)
    try:
        packets.recv(65536)
        raise AssertionError("packets without input")
    except BlockingIOError:
        pass
    lab.equal(mirror.ask()[0], counters)
    return counters


def no_loop_on_one_interface():
    marked = loop("udp:", "afpacket:near", "10.9.0.1")
    lab.equal(marked.get("own", 0), 0)  # they stay out in the kernel
    lab.equal(loop("udp:", "afpacket:near", "10.9.0.44")["mirrored"], marked["mirrored"])
    for gso, seen in ((0, range(52, 53)), (1, range(1, 52))):  # joined runs pass the tap as one
        unmarked = loop("udp:?mark=0&gso=%d" % gso, "afpacket:near?mark=0", "10.9.0.1")
        lab.equal(unmarked["mirrored"], marked["mirrored"])
        lab.equal(unmarked["own"] in seen, True, "own: %d" % unmarked["own"])
    lab.equal(loop("udp:?mark=77", "afpacket:near?mark=77", "10.9.0.1")["mirrored"],
              marked["mirrored"])


def unprivileged():
    """A capture file as input: nobody may run it, without a mark."""
    scene = Scene()
    sink = scene.listen()
    frames = [lab.frame(b"%d" % n, 1, 2, (n, n)) for n in range(30)]
    with tempfile.TemporaryDirectory(prefix="mirror-live-") as folder:
        os.chmod(folder, 0o755)
        program = shutil.copy(MIRROR, folder)
        path = os.path.join(folder, "in.pcap")
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for frame in frames:
                file.write(struct.pack("<IIII", 1, 0, len(frame), len(frame)) + frame)
        with scene.host:
            mirror = lab.Mirror(program, lab.configuration({"t": {"address": COLLECTOR}}), "source",
                                "pcap:" + path, "udp:", user=NOBODY)
        lab.equal(mirror.ready, "ready")
        lab.equal(sorted(receive(sink, 30)), sorted(VXLAN + frame for frame in frames))
        mirror.starts("end MIRROR_OK")


def wrong_options_are_named():
    with lab.Namespace():
        config = lab.configuration({"t": {"address": COLLECTOR}})
        for uri, part in (("udp:10.0.0.9", "expected"), ("udp:?pool=3", "a power of two"),
                          ("udp:?pool=512", "1-256"), ("udp:?ttl=3", "no option \"ttl\""),
                          ("udp:?sndbuf=1", "sndbuf")):
            said = lab.Mirror(MIRROR, config, "source", "afpacket:lo", uri).ready
            if not said.startswith("failed MIRROR_E_URI") or part not in said:
                raise AssertionError("%s: %s" % (uri, said))


lab.main(copies_arrive_whole_and_once, runs_of_equal_size_are_joined_and_arrive_as_they_were,
         outer_headers_are_the_tunnels, both_directions_have_one_source_port,
         ports_in_use_are_left_out, ipv6_copies, foreign_ipv6_source_addresses,
         a_vxlan_device_delivers_the_frames,
         no_route_is_counted_and_ends, refusals_of_the_routing_table,
         no_neighbour_costs_others_nothing, a_closed_port_costs_nothing, a_lowered_mtu_is_counted,
         copies_are_never_fragmented, a_full_queue_is_counted, a_full_socket_is_counted,
         links_go_down_and_come_back, the_output_interface_is_deleted_and_made_again,
         foreign_source_addresses, no_loop_on_one_interface,
         unprivileged, wrong_options_are_named)
