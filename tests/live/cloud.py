"""A cloud of one router and its hosts, each a network namespace, for live tests."""
import socket

import lab

VXLAN_FLAGS = b"\x08\0\0\0"


class Host:
    """One interface, eth0, with one address; everything else is behind the router."""

    def __init__(self, cloud, name, address):
        self.namespace = lab.Namespace()
        self.address = address
        self.port = "to-" + name  # of the router
        lab.veth(cloud.router, self.port, self.namespace, "eth0")
        with self.namespace:
            lab.offloads("eth0", False)
            lab.ip("address", "add", address + "/32", "dev", "eth0")
            lab.ip("route", "add", "default", "dev", "eth0")
        with cloud.router:
            lab.offloads(self.port, False)
            lab.write("/proc/sys/net/ipv4/conf/%s/proxy_arp" % self.port, "1")
            lab.write("/proc/sys/net/ipv4/neigh/%s/proxy_delay" % self.port, "0")
            lab.ip("route", "add", address + "/32", "dev", self.port)

    def udp(self, port):
        with self.namespace:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 23)  # SO_RCVBUFFORCE
            sock.bind((self.address, port))
            sock.settimeout(2)
            return sock

    def tcp(self, port):
        with self.namespace:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((self.address, port))
            sock.settimeout(2)
            return sock

    def taps(self):
        """What its interface receives and sends, from now on."""
        with self.namespace:
            return lab.packet_socket("eth0")

    def mirror(self, binary, config, source, output="udp:"):
        with self.namespace:
            mirror = lab.Mirror(binary, config, source, "afpacket:eth0", output)
        lab.equal(mirror.ready, "ready")
        return mirror


class Cloud:
    def __init__(self, **hosts):
        """NAME=ADDRESS; `cloud.NAME` is the host."""
        self.router = lab.Namespace()
        with self.router:
            lab.write("/proc/sys/net/ipv4/ip_forward", "1")
        self.hosts = [Host(self, name, address) for name, address in hosts.items()]
        for name, host in zip(hosts, self.hosts):
            setattr(self, name, host)


class Copy:
    """A datagram that a collector received."""

    def __init__(self, octets, sender):
        lab.equal(octets[:4], VXLAN_FLAGS, "VXLAN flags")
        lab.equal(octets[7], 0, "reserved octet")
        self.sender, self.port = sender
        self.vni = int.from_bytes(octets[4:7], "big")
        self.inner = octets[8:]


def copies(sock, count, extra=0.2):
    """`count` copies, and those that are there `extra` seconds later."""
    found = []
    try:
        while True:
            sock.settimeout(2 if len(found) < count else extra)
            found.append(Copy(*sock.recvfrom(65536)))
    except socket.timeout:
        return found


def frames(tap, accept):
    """[(direction, frame)] that a packet socket holds, those that `accept` takes."""
    found = []
    tap.setblocking(False)
    try:
        while True:
            octets, address = tap.recvfrom(65536)
            if accept(octets):
                found.append(("egress" if address[2] == socket.PACKET_OUTGOING else "ingress",
                              octets))
    except BlockingIOError:
        return found
