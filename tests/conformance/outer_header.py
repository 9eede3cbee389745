"""V1, V2: what the outer headers of a copy must be, octet by octet."""
import ipaddress
import struct

IPV4 = struct.Struct(">6s6sHBBHHHBBH4s4sHHHHII")
IPV6 = struct.Struct(">6s6sHIHBB16s16sHHHHII")
VXLAN_FLAGS = 0x08000000


class Malformed(AssertionError):
    pass


class Tunnel:
    """The outer headers that one session's copies must have."""

    def __init__(self, vni, destination, source=None, port=4789):
        address = ipaddress.ip_address(destination)
        self.vni, self.port, self.family = vni, port, address.version
        self.destination = address.packed
        unspecified = "0.0.0.0" if self.family == 4 else "::"
        self.source = ipaddress.ip_address(source or unspecified).packed
        self.mac = b"\x02\x00" + self.destination[-4:]


def ones_complement(octets):
    """0 when a checksum in `octets` holds: the sum of 16-bit words is 0 modulo 65535."""
    return int.from_bytes(octets + b"\x00" * (len(octets) % 2), "big") % 65535


def expect(what, found, expected):
    if found != expected:
        raise Malformed("%s: %s, expected %s" % (what, found, expected))


def check_udp_vxlan(tunnel, ip_payload, source_port, port, length, flags, vni):
    if source_port < 49152:
        raise Malformed("UDP source port %d is not in 49152-65535" % source_port)
    expect("UDP destination port", port, tunnel.port)
    expect("UDP length", length, ip_payload)
    expect("VXLAN flags and reserved bits", flags, VXLAN_FLAGS)
    expect("VNI and reserved octet", vni, tunnel.vni << 8)


def check_ipv4(tunnel, frame):
    (mac, _, ethertype, version, tos, total, _, fragment, ttl, protocol, _, source, destination,
     source_port, port, length, checksum, flags, vni) = IPV4.unpack_from(frame)
    expect("ethertype", ethertype, 0x0800)
    expect("version and IHL, TOS", (version, tos), (0x45, 0))
    expect("IPv4 total length", total, len(frame) - 14)
    expect("IPv4 flags and fragment offset (DF alone)", fragment, 0x4000)
    expect("TTL, protocol", (ttl, protocol), (64, 17))
    expect("IPv4 header checksum", ones_complement(frame[14:34]), 0)
    expect("addresses", (source, destination), (tunnel.source, tunnel.destination))
    expect("UDP checksum over IPv4", checksum, 0)
    check_udp_vxlan(tunnel, total - 20, source_port, port, length, flags, vni)
    return mac, 50


def check_ipv6(tunnel, frame):
    (mac, _, ethertype, first, payload, protocol, ttl, source, destination, source_port, port,
     length, checksum, flags, vni) = IPV6.unpack_from(frame)
    expect("ethertype", ethertype, 0x86DD)
    expect("version, traffic class, flow label", first, 0x60000000)
    expect("IPv6 payload length", payload, len(frame) - 54)
    expect("next header, hop limit", (protocol, ttl), (17, 64))
    expect("addresses", (source, destination), (tunnel.source, tunnel.destination))
    if checksum == 0:
        raise Malformed("UDP checksum over IPv6 is 0")
    pseudo = frame[22:54] + struct.pack(">II", payload, 17)
    expect("UDP checksum", ones_complement(pseudo + frame[54:]), 0)
    check_udp_vxlan(tunnel, payload, source_port, port, length, flags, vni)
    return mac, 70


def udp_payload(tunnel, frame):
    """The UDP payload (VXLAN header and inner frame) of a copy whose outer headers hold."""
    if len(frame) < (50 if tunnel.family == 4 else 70) + 14:
        raise Malformed("a copy of %d octets" % len(frame))
    mac, inner = (check_ipv4 if tunnel.family == 4 else check_ipv6)(tunnel, frame)
    expect("outer destination MAC", mac.hex(), tunnel.mac.hex())
    if frame[6] & 1:
        raise Malformed("outer source MAC is a group address: %s" % frame[6:12].hex())
    return frame[inner - 8:]
