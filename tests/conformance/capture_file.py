"""Classic pcap files, read strictly and without any library."""
import struct

ORDERS = {b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\xa1\xb2\xc3\xd4": (">", 1000),
          b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1)}
NANOSECOND = (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d")
ETHERNET = 1


class Record:
    __slots__ = ("seconds", "nanoseconds", "length", "data")

    def __init__(self, seconds, nanoseconds, length, data):
        self.seconds, self.nanoseconds, self.length, self.data = seconds, nanoseconds, length, data


def parse(octets):
    """(link type, records); what follows the last whole record is left out."""
    order, unit = ORDERS[octets[:4]]
    link_type = struct.unpack_from(order + "I", octets, 20)[0]
    header = struct.Struct(order + "IIII")
    records, at = [], 24
    while at + 16 <= len(octets):
        seconds, fraction, captured, length = header.unpack_from(octets, at)
        at += 16
        if at + captured > len(octets):
            break
        records.append(Record(seconds, fraction * unit, length, octets[at:at + captured]))
        at += captured
    return link_type, records


def read(path):
    with open(path, "rb") as file:
        return parse(file.read())


def read_copies(path):
    """The records of a file of copies, which must be whole, nanosecond and Ethernet."""
    with open(path, "rb") as file:
        octets = file.read()
    if octets[:4] not in NANOSECOND:
        raise AssertionError("copies: not a nanosecond pcap file: %s" % octets[:4].hex())
    link_type, records = parse(octets)
    if link_type != ETHERNET:
        raise AssertionError("copies: link type %d, expected 1" % link_type)
    used = 24 + sum(16 + len(record.data) for record in records)
    if used != len(octets):
        raise AssertionError("copies: %d octets behind the last record" % (len(octets) - used))
    return records


def write(path, frames):
    """A microsecond pcap file of Ethernet frames, one a second."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, ETHERNET))
        for second, frame in enumerate(frames):
            file.write(struct.pack("<IIII", second, 0, len(frame), len(frame)) + frame)
