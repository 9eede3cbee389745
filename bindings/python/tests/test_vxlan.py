"""Encapsulation and decapsulation."""

import unittest

import libmirror
from libmirror import Code, Layer, Outer, decapsulate

import support


class BothWays(unittest.TestCase):
    def test_every_layer_and_family(self) -> None:
        for ends in (("10.0.0.3", "10.0.9.9"), ("2001:db8::3", "2001:db8::9")):
            for layer in (Layer.LINK, Layer.IP, Layer.UDP):
                outer = Outer(*ends, 77, layer, source_mac="02:00:00:00:00:01")
                datagram = outer.encapsulate(support.WEB)
                self.assertEqual(len(datagram), outer.header_length + len(support.WEB))
                found = decapsulate(datagram, layer)
                self.assertEqual((found.inner, found.vni), (support.WEB, 77))
                if layer != Layer.UDP:
                    self.assertEqual((str(found.source), str(found.destination)), ends)
                    self.assertEqual(found.source_port, libmirror.source_port(support.WEB))
                    self.assertEqual(found.destination_port, 4789)

    def test_inner_is_a_view(self) -> None:
        datagram = bytearray(Outer("10.0.0.3", "10.0.9.9", 1).encapsulate(support.WEB))
        inner = decapsulate(memoryview(datagram), Layer.IP).inner
        datagram[-1] ^= 0xFF
        self.assertEqual(inner[-1], datagram[-1])

    def test_given_port(self) -> None:
        outer = Outer("10.0.0.3", "10.0.9.9", 1, dont_fragment=False)
        header = outer.header(support.WEB, 50000, 0x1234)
        self.assertEqual(header[4:6], b"\x12\x34")
        self.assertEqual(int.from_bytes(header[20:22], "big"), 50000)


class Refused(unittest.TestCase):
    def code(self, datagram, *arguments) -> Code:
        with self.assertRaises(libmirror.DecapsulationError) as caught:
            decapsulate(datagram, *arguments)
        return caught.exception.code

    def test_datagrams(self) -> None:
        self.assertEqual(self.code(b""), Code.OUTER_SHORT)
        self.assertEqual(self.code(bytes(30)), Code.VXLAN_FLAGS)
        self.assertEqual(self.code(b"\x08" + bytes(7)), Code.INNER_SHORT)
        datagram = Outer("10.0.0.3", "10.0.9.9", 1, udp_port=4790).encapsulate(support.WEB)
        self.assertEqual(self.code(datagram, Layer.IP), Code.NOT_VXLAN_PORT)
        self.assertEqual(decapsulate(datagram, Layer.IP, 0).destination_port, 4790)

    def test_headers(self) -> None:
        with self.assertRaises(libmirror.ModelError) as caught:
            Outer("10.0.0.3", "10.0.9.9", 1 << 24).header(support.WEB)
        self.assertEqual(caught.exception.code, Code.VNI)
        with self.assertRaisesRegex(ValueError, "one family"):
            Outer("10.0.0.3", "::1", 1).header(support.WEB)
        with self.assertRaisesRegex(ValueError, "no MAC address"):
            Outer("::2", "::1", 1, source_mac="02:00").header(support.WEB)
