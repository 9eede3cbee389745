"""What TCP and UDP senders of live tests wrote, and what copies of their packets say they wrote."""
import collections
import struct

Segment = collections.namedtuple("Segment", "flow tags protocol number payload")
ETHERNET, TCP, UDP = 14, 6, 17
TAGS = (0x8100, 0x88A8, 0x9100)


def checksum(octets):
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(">%dH" % (len(octets) // 2), octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def expect(condition, frame, what):
    if not condition:
        raise AssertionError("%s: %d octets, %s" % (what, len(frame), frame[:80].hex(" ")))


def network(frame):
    """Offset of the IP header, and the tags before it."""
    at, tags = 12, []
    while struct.unpack_from(">H", frame, at)[0] in TAGS:
        tags.append(struct.unpack_from(">HH", frame, at))
        at += 4
    return at + 2, tuple(tags)


def read(frame):
    """A Segment of TCP or UDP, whose lengths and checksums hold to the last octet; else None."""
    ip, tags = network(frame)
    kind = struct.unpack_from(">H", frame, ip - 2)[0]
    if kind == 0x0800:
        header, protocol = (frame[ip] & 15) * 4, frame[ip + 9]
        expect(checksum(frame[ip:ip + header]) == 0, frame, "IPv4 checksum")
        declared, addresses = struct.unpack_from(">H", frame, ip + 2)[0], frame[ip + 12:ip + 20]
    elif kind == 0x86DD:
        header, protocol = 40, frame[ip + 6]
        declared, addresses = struct.unpack_from(">H", frame, ip + 4)[0] + 40, frame[ip + 8:ip + 40]
    else:
        return None
    if protocol not in (TCP, UDP):
        return None
    expect(declared == len(frame) - ip or len(frame) == 60, frame, "IP length %d" % declared)
    transport = frame[ip + header:ip + declared]
    pseudo = addresses + struct.pack(">IHH", len(transport), 0, protocol)
    expect(checksum(pseudo + transport) == 0, frame, "transport checksum")
    ports = struct.unpack_from(">HH", transport)
    if protocol == UDP:
        expect(struct.unpack_from(">H", transport, 4)[0] == len(transport), frame, "UDP length")
        return Segment((addresses, ports), tags, UDP, 0, transport[8:])
    number = struct.unpack_from(">I", transport, 4)[0] + (transport[13] >> 1 & 1)  # behind a SYN
    return Segment((addresses, ports), tags, TCP, number, transport[(transport[12] >> 4) * 4:])


def reassemble(segments):
    """{flow: octets} of TCP; what is missing or contradicts itself is an error."""
    flows = {}
    for segment in segments:
        if segment.protocol != TCP:
            continue
        first, pieces = flows.setdefault(segment.flow, (segment.number, {}))
        if segment.payload:
            pieces.setdefault((segment.number - first) % 2**32, []).append(segment.payload)
    streams = {}
    for flow, (_, pieces) in flows.items():
        stream = bytearray()
        for at in sorted(pieces):
            for piece in pieces[at]:
                if at > len(stream):
                    raise AssertionError("a gap of %d octets at %d" % (at - len(stream), at))
                known = bytes(stream[at:at + len(piece)])
                if known != piece[:len(known)]:
                    raise AssertionError("octets at %d differ" % at)
                stream += piece[len(known):]
        streams[flow] = bytes(stream)
    return streams


def super_frame(protocol, payload, size, tags=(), family=4, ports=(1000, 2000), number=1):
    """(virtio-net header, frame): what a host leaves to its network card."""
    addresses = (bytes((10, 1, 0, 2, 10, 1, 0, 1)) if family == 4 else
                 bytes.fromhex("20010db8" + "0" * 23 + "2" + "20010db8" + "0" * 23 + "1"))
    head = 20 if protocol == TCP else 8
    length = head + len(payload)
    pseudo = checksum(addresses + struct.pack(">IHH", length, 0, protocol)) ^ 0xFFFF
    if protocol == TCP:
        transport = struct.pack(">HHIIBBHHH", *ports, number, 1, 0x50, 0x18, 1000, pseudo, 0)
    else:
        transport = struct.pack(">HHHH", *ports, length, pseudo)
    if family == 4:
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + length, 7, 0x4000, 64, protocol, 0) + addresses
        ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    else:
        ip = struct.pack(">IHBB", 6 << 28, length, protocol, 64) + addresses
    link = b"\2\0\0\0\0\1\2\0\0\0\0\2" + b"".join(struct.pack(">HH", *tag) for tag in tags) + \
        (b"\x08\0" if family == 4 else b"\x86\xdd")
    start = len(link) + len(ip)
    kind = {(TCP, 4): 1, (TCP, 6): 4, (UDP, 4): 5, (UDP, 6): 5}[protocol, family]
    if len(payload) <= size:
        kind = size = 0
    offset = 16 if protocol == TCP else 6
    virtio = struct.pack("=BBHHHH", 1, kind, start + head, size, start, offset)
    return virtio, link + ip + transport + payload
