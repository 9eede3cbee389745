#!/usr/bin/env python3
"""test_seed.py MIRROR: the source document's scenarios (spec section 8), on live interfaces.

MIRROR is the program of mirror.c. Every host is a network namespace behind one router; the mirror
runs in the namespace of its source.
"""
import socket
import sys

import lab
from cloud import Cloud, copies, frames

MIRROR = sys.argv[1]
ECS_A, ECS_B, ECS_C = "192.168.0.10", "192.168.0.11", "192.168.0.12"
CLIENT, ELB = "203.0.113.7", "10.0.0.100"


def address_of(text):
    return bytes(int(part) for part in text.split("."))


def between(octets):
    """Source and destination address of an IPv4 frame."""
    return (".".join(map(str, octets[26:30])), ".".join(map(str, octets[30:34])))


def is_ip(protocol):
    return lambda octets: octets[12:14] == b"\x08\0" and octets[23] == protocol


def ip_counters(mirror):
    """Without ARP, which is no IP packet (M4), and nobody's request here."""
    counters = mirror.ask()[0]
    counters["received"] -= counters.pop("unparsable", 0)
    return counters


def model(sources, ingress, egress, vni=1, kind="elb", **source_fields):
    rules = [dict(rule, priority=n, ethertype="IPv4") for rules in (ingress, egress)
             for n, rule in enumerate(rules, 1)]
    return {
        "traffic_mirror_filters": [{"id": "filter", "ingress_rules": rules[:len(ingress)],
                                    "egress_rules": rules[len(ingress):]}],
        "traffic_mirror_sources": [{"id": id, "address": address, **source_fields}
                                   for id, address in sources.items()],
        "traffic_mirror_targets": [{"id": "target", "type": kind, "address": ELB}],
        "traffic_mirror_sessions": [
            {"id": "session", "priority": 1, "virtual_network_id": vni,
             "traffic_mirror_filter_id": "filter", "traffic_mirror_sources": list(sources),
             "traffic_mirror_target_id": "target", "traffic_mirror_target_type": kind}]}


def exchange(here, there, port):
    """A request from host `here`, and the reply of host `there`."""
    client, server = here.udp(50000 + port), there.udp(port)
    client.sendto(b"request", (there.address, port))
    request, sender = server.recvfrom(100)
    server.sendto(b"reply to " + request, sender)
    lab.equal(client.recv(100), b"reply to request")


def table_1_paths_of_mirrored_traffic():
    """Two sources, one session: B calls A, a public client calls C; four packets are mirrored."""
    cloud = Cloud(a=ECS_A, b=ECS_B, c=ECS_C, client=CLIENT, elb=ELB)
    inside = {"action": "accept", "protocol": "UDP"}
    config = model({"eni-B": ECS_B, "eni-C": ECS_C},
                   [dict(inside, destination_cidr_block="192.168.0.0/24")],
                   [dict(inside, source_cidr_block="192.168.0.0/24")])
    target = cloud.elb.udp(4789)
    mirrors = {"eni-B": cloud.b.mirror(MIRROR, config, "eni-B"),
               "eni-C": cloud.c.mirror(MIRROR, config, "eni-C")}
    taps = {"eni-B": cloud.b.taps(), "eni-C": cloud.c.taps()}
    exchange(cloud.b, cloud.a, 7000)
    exchange(cloud.client, cloud.c, 7001)

    found = copies(target, 4)
    expected = [("01", "eni-B", "egress", ECS_B, ECS_A), ("02", "eni-B", "ingress", ECS_A, ECS_B),
                ("03", "eni-C", "ingress", CLIENT, ECS_C), ("04", "eni-C", "egress", ECS_C, CLIENT)]
    lab.equal(len(found), len(expected), "copies")
    seen = {source: frames(tap, lambda octets: is_ip(17)(octets) and ELB not in between(octets))
            for source, tap in taps.items()}
    ports = {}
    for packet, source, direction, sender, receiver in expected:
        frame, = [octets for way, octets in seen[source]
                  if way == direction and between(octets) == (sender, receiver)]
        copy, = [copy for copy in found if copy.inner == frame]
        lab.equal(copy.vni, 1)
        lab.equal(copy.sender, {"eni-B": ECS_B, "eni-C": ECS_C}[source], "outer source")
        lab.equal(ports.setdefault(source, copy.port), copy.port, "one port both ways (V2)")
        print("  packet %s %-8s %-15s > %-15s %s: %d octets from %s port %d, VNI %d" % (
            packet, direction, sender, receiver, source, len(frame), copy.sender, copy.port,
            copy.vni))
    for mirror in mirrors.values():
        lab.equal(ip_counters(mirror), {"received": 2, "mirrored": 2, "sent": 2, "drops": 0})


def connect(client, server, port, source_port):
    """A TCP connection, a request, a reply, closed by the client."""
    listener, caller = server.tcp(port), client.tcp(source_port)
    listener.listen()
    caller.connect((server.address, port))
    accepted, _ = listener.accept()
    caller.sendall(b"GET /")
    accepted.sendall(accepted.recv(100) + b" 200")
    lab.equal(caller.recv(100), b"GET / 200")
    caller.close()
    lab.equal(accepted.recv(100), b"")
    accepted.close()
    listener.close()


TABLE_2 = ([{"protocol": "TCP", "action": "accept", "source_cidr_block": "172.16.0.0/24",
             "source_port_range": "10000-10001", "destination_cidr_block": "10.0.0.3/32",
             "destination_port_range": "80-80"}],
           [{"protocol": "ALL", "action": "reject", "source_cidr_block": "192.168.0.0/24",
             "destination_cidr_block": "10.2.0.0/24"}])


def table_2_ingress_rule():
    """Of what the server gets, connections from ports 10000 and 10001 alone; nothing it sends."""
    cloud = Cloud(server="10.0.0.3", client="172.16.0.5", elb=ELB)
    target = cloud.elb.udp(4789)
    mirror = cloud.server.mirror(MIRROR, model({"eni": "10.0.0.3"}, *TABLE_2), "eni")
    tap = cloud.server.taps()
    for port in (9999, 10000, 10001, 10002):
        connect(cloud.client, cloud.server, 80, port)
    connect(cloud.client, cloud.server, 8080, 10000)

    seen = frames(tap, is_ip(6))
    wanted = [octets for way, octets in seen
              if way == "ingress" and octets[34:36] in (b"\x27\x10", b"\x27\x11")
              and octets[36:38] == b"\0\x50"]
    found = copies(target, len(wanted))
    lab.equal(sorted(copy.inner for copy in found), sorted(wanted), "copies")
    counters = ip_counters(mirror)
    lab.equal(counters["mirrored"], len(wanted))
    lab.equal(counters["unmatched"], counters["received"] - len(wanted))
    print("  5 connections, %d packets: %d mirrored, %d matched no rule" % (
        len(seen), len(wanted), counters["unmatched"]))


def table_2_egress_rule():
    """What 192.168.0.11 sends to 10.2.0.0/24 is not mirrored though a later rule accepts it."""
    cloud = Cloud(b=ECS_B, near="10.2.0.9", far="10.3.0.9", elb=ELB)
    target = cloud.elb.udp(4789)
    egress = TABLE_2[1] + [{"protocol": "ALL", "action": "accept"}]
    mirror = cloud.b.mirror(MIRROR, model({"eni": ECS_B}, TABLE_2[0], egress), "eni")
    exchange(cloud.b, cloud.near, 7000)
    exchange(cloud.b, cloud.far, 7001)
    found = copies(target, 1)
    lab.equal([between(copy.inner) for copy in found], [(ECS_B, "10.3.0.9")])
    lab.equal(ip_counters(mirror), {"received": 4, "mirrored": 1, "sent": 1, "rejected": 1,
                                "unmatched": 2, "drops": 0})


FIREWALL = """
table ip security_group {
  chain in { type filter hook input priority 0; tcp dport 23 drop; }
  chain out { type filter hook output priority 0; ip daddr 10.2.0.0/24 drop; }
}
"""


def packets_that_the_security_group_drops_are_not_mirrored():
    """F6: nftables on the source drops them; the source's security-group filter says the same.

    A tap sees what comes before the firewall drops it, and never what it keeps from leaving.
    """
    lab.need(lab.shutil.which("nft"), "nft (nftables) is not installed")
    cloud = Cloud(b=ECS_B, client=CLIENT, near="10.2.0.9", elb=ELB)
    config = model({"eni": ECS_B}, [{"protocol": "ALL", "action": "accept"}],
                   [{"protocol": "ALL", "action": "accept"}], security_group="group")
    any_packet = {"ethertype": "IPv4", "protocol": "ALL", "action": "accept"}
    config["traffic_mirror_filters"].append({
        "id": "group",
        "ingress_rules": [{"priority": 1, "ethertype": "IPv4", "protocol": "TCP",
                           "action": "reject", "destination_port_range": "23"},
                          {"priority": 2, **any_packet}],
        "egress_rules": [{"priority": 1, "ethertype": "IPv4", "protocol": "ALL",
                          "action": "reject", "destination_cidr_block": "10.2.0.0/24"},
                         # V5: what is said of copies does not hold them up
                         {"priority": 2, "ethertype": "IPv4", "protocol": "UDP",
                          "action": "reject", "destination_port_range": "4789"},
                         {"priority": 3, **any_packet}]})
    target = cloud.elb.udp(4789)
    with cloud.b.namespace:
        rules = lab.tempfile.NamedTemporaryFile("w", suffix=".nft")
        rules.write(FIREWALL)
        rules.flush()
        lab.run("nft", "-f", rules.name)
    mirror = cloud.b.mirror(MIRROR, config, "eni")
    listener = cloud.b.tcp(23)
    listener.listen()
    caller = cloud.client.tcp(40000)
    caller.settimeout(0.3)
    try:
        caller.connect((ECS_B, 23))
        raise AssertionError("the firewall let the connection in")
    except socket.timeout:
        caller.close()
    blocked_out = cloud.b.udp(7002)
    try:
        blocked_out.sendto(b"never leaves", ("10.2.0.9", 7000))
    except PermissionError:
        pass
    exchange(cloud.client, cloud.b, 7001)

    lab.equal([between(copy.inner) for copy in copies(target, 2)],
              [(CLIENT, ECS_B), (ECS_B, CLIENT)])
    counters = ip_counters(mirror)
    if not counters.get("blocked"):
        raise AssertionError("nothing was blocked: %r" % counters)
    lab.equal(counters["received"], 2 + counters["blocked"])
    lab.equal(counters["mirrored"], 2)
    print("  blocked %d connection attempts, mirrored 2 packets" % counters["blocked"])


lab.main(table_1_paths_of_mirrored_traffic, table_2_ingress_rule, table_2_egress_rule,
         packets_that_the_security_group_drops_are_not_mirrored)
