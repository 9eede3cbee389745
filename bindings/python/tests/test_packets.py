"""Packets and keys: memory is taken as it is, and no copy is made."""

import ipaddress
import mmap
import random
import tempfile
import unittest
from array import array

import libmirror
from libmirror import AUTO, INGRESS, Key, Keys, Packet, Packets
from libmirror._buffers import Pinned

import support


class Memory(support.ContextCase):
    def kinds(self, frames: "list[bytes]") -> list:
        """The same frame as different objects with memory."""
        return [frames[0], bytearray(frames[1]), memoryview(frames[2]), array("B", frames[3])]

    def test_any_object_with_memory(self) -> None:
        frames = self.kinds([support.WEB, support.OTHER, support.REFUSED, support.WEB])
        with self.context.plan() as plan:
            found = [verdict.kind.name for verdict in plan.match(frames, "web", INGRESS)]
        self.assertEqual(found, ["MIRRORED", "UNMATCHED", "REJECTED", "MIRRORED"])

    def test_not_copied(self) -> None:
        octets = bytearray(support.WEB)
        packets = Packets([octets], source=self.context.source_handle("web"), direction=INGRESS)
        with self.context.plan() as plan:
            self.assertTrue(plan.match(packets)[0].mirrored)
            octets[26:30] = ipaddress.ip_address("172.16.0.66").packed
            self.assertFalse(plan.match(packets)[0].mirrored)

    def test_pinned_while_used(self) -> None:
        octets = bytearray(support.WEB)
        packets = Packets([octets])
        self.assertRaises(BufferError, octets.extend, b"more")
        del packets
        octets.extend(b"more")

    def test_mapped_file(self) -> None:
        with tempfile.TemporaryFile() as file:
            file.write(support.WEB + support.OTHER)
            file.flush()
            size = len(support.WEB)
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            packets = Packets.from_buffer(mapped, [0, size], [size, len(support.OTHER)])
            self.assertEqual([each.data for each in packets], [support.WEB, support.OTHER])
            del packets
            mapped.close()

    def test_places_are_checked(self) -> None:
        for offsets, lengths in (([8], [3]), ([-1], [3]), ([0], [-1])):
            with self.assertRaisesRegex(ValueError, "outside the 10 octets"):
                Packets.from_buffer(bytes(10), offsets, lengths)
        self.assertRaises(ValueError, Packets.from_buffer, bytes(10), [1, 2], [1])
        self.assertEqual(len(Packets.from_buffer(b"", [], [])), 0)

    def test_not_contiguous(self) -> None:
        self.assertRaises(BufferError, Packets, [memoryview(bytes(100))[::2]])

    def test_empty(self) -> None:
        with self.context.plan() as plan:
            self.assertEqual(plan.match([]), [])
            self.assertEqual(plan.match_packets("web", INGRESS, []), array("I"))
            self.assertEqual(plan.match_keys("web", INGRESS, Keys(b"")), array("I"))
        pinned = Pinned(b"")
        self.assertEqual(pinned.length, 0)


class Fields(unittest.TestCase):
    def test_come_back(self) -> None:
        packet = Packet(support.WEB, 123456789, 2000, libmirror.LinkType.RAW, 7, AUTO, True, 2**63)
        self.assertEqual(Packets([packet])[0], packet)

    def test_fast_and_slow_way_agree(self) -> None:
        common = {"source": 77, "direction": INGRESS, "link_type": libmirror.LinkType.RAW}
        frames = [bytes(i) for i in range(1, 50)]
        fast = Packets(frames, **common)
        slow = Packets([bytearray(each) for each in frames], **common)
        self.assertEqual(list(fast), list(slow))
        joined = b"".join(frames)
        offsets = [i * (i + 1) // 2 for i in range(49)]
        placed = Packets.from_buffer(joined, offsets, list(range(1, 50)), **common)
        self.assertEqual(list(fast), list(placed))

    def test_sequence(self) -> None:
        packets = Packets([b"a", b"bb", b"ccc"])
        self.assertEqual([each.data for each in packets[1:]], [b"bb", b"ccc"])
        self.assertEqual(packets[-1].data, b"ccc")
        self.assertRaises(IndexError, lambda: packets[3])
        self.assertIs(Packets.of(packets), packets)


class KeyOfPacket(unittest.TestCase):
    def test_complete(self) -> None:
        key = Key.read(support.frame("2001:db8::1", "2001:db8::2", support.UDP, (53, 9)))
        self.assertEqual((key.family, key.protocol), (6, support.UDP))
        self.assertEqual(key.source, ipaddress.ip_address("2001:db8::1"))
        self.assertEqual((key.source_port, key.destination_port), (53, 9))
        self.assertFalse(key.first_fragment or key.later_fragment)

    def test_absent_fields(self) -> None:
        key = Key.read(support.WEB[:34])
        self.assertEqual(key.protocol, support.TCP)
        self.assertEqual((key.source_port, key.destination_port), (None, None))

    def test_unparsable(self) -> None:
        with self.assertRaises(libmirror.UnparsableError) as caught:
            Key.read(bytes(60))
        self.assertEqual(caught.exception.reason, libmirror.Unparsable.NOT_IP)

    def test_source_port(self) -> None:
        there = support.frame(ports=(10000, 80))
        back = support.frame("10.0.0.3", "172.16.0.9", ports=(80, 10000))
        self.assertEqual(libmirror.source_port(there), libmirror.source_port(back))
        self.assertGreaterEqual(libmirror.source_port(there), 49152)


class PreparedKeys(support.ContextCase):
    def test_match_as_the_packets_do(self) -> None:
        chance = random.Random(5)
        tuples = [
            (
                chance.choice((6, 17)), f"172.16.0.{chance.randrange(60, 70)}", "10.0.0.3",
                chance.randrange(9998, 10004), chance.choice((80, 81)),
            )
            for _ in range(2000)
        ]
        frames = [support.frame(s, d, p, (sp, dp)) for p, s, d, sp, dp in tuples]
        with self.context.plan() as plan:
            by_key = plan.match_keys("web", INGRESS, Keys.pack(tuples))
            by_packet = plan.match_packets("web", INGRESS, frames)
            self.assertEqual(by_key, by_packet)
            self.assertEqual(set(by_key), {0, 1, libmirror.NO_RULE})

    def test_ipv6_and_absent_fields(self) -> None:
        keys = [(17, "2001:db8::1", "::1", 1, 2), (17, "::", "::1", None, None)]
        keys.append((None, "::", "::1", None, None))
        with self.context.plan() as plan:
            found = plan.match_keys("web", INGRESS, Keys.pack(keys, 6))
        self.assertEqual(list(found), [found[0], found[0], libmirror.NO_RULE])

    def test_into_memory_of_the_caller(self) -> None:
        keys = Keys.pack([(6, "172.16.0.1", "10.0.0.3", 10000, 80)] * 3)
        out = array("I", [9] * 4)
        with self.context.plan() as plan:
            self.assertIs(plan.match_keys("web", INGRESS, keys, out), out)
            self.assertEqual(list(out), [1, 1, 1, 9])
            with self.assertRaisesRegex(ValueError, "expected 12"):
                plan.match_keys("web", INGRESS, keys, array("I", [0]))
            self.assertRaises(BufferError, plan.match_keys, "web", INGRESS, keys, bytes(12))

    def test_wrong_buffers(self) -> None:
        self.assertRaisesRegex(ValueError, "multiple of 16", Keys, bytes(17))
        self.assertRaisesRegex(ValueError, "4 or 6", Keys, bytes(16), 5)
        self.assertRaisesRegex(ValueError, "family 4", Keys.pack, [(6, "::1", "::2", 1, 2)])
