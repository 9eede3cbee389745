#!/usr/bin/env python3
"""test_receiver.py RECEIVER: the example program receiver, over loopback."""
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

RECEIVER = sys.argv.pop(1)
FRAME = (b"\x02\0\0\0\0\x03" + b"\x02\0\0\0\0\x01" + b"\x08\0" +
         struct.pack(">BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0) +
         bytes((10, 0, 0, 1)) + bytes((10, 0, 0, 3)) + struct.pack(">HHHH", 5, 53, 8, 0))
LINE = "from 127.0.0.1 vni %d length 42: 10.0.0.1 > 10.0.0.3 protocol 17\n"


def datagram(vni, frame=FRAME, flags=8):
    return struct.pack(">II", flags << 24, vni << 8) + frame


class Receiver(unittest.TestCase):
    def receive(self, datagrams, *options, end=None):
        """(status, standard output, standard error without its first line)"""
        command = [RECEIVER, "--listen", "127.0.0.1", "--port", "0", "--timeout", "10", *options]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, **pipes) as program:
            port = int(re.fullmatch(r"listening at port (\d+)\n", program.stderr.readline())[1])
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for each in datagrams:
                    sender.sendto(each, ("127.0.0.1", port))
            if end:
                program.stdout.readline()
                program.send_signal(end)
            out, error = program.communicate(timeout=30)
        return program.returncode, out, error

    def test_lines(self):
        sent = [datagram(7), datagram(8)]
        found = self.receive(sent, "--from", "any", "--vni", "any", "--count", "2")
        self.assertEqual(found, (0, LINE % 7 + LINE % 8, ""))

    def test_refusals_are_counted_by_reason(self):
        sent = [datagram(6), b"short", datagram(7, flags=0), datagram(7, b"tiny"), datagram(9),
                datagram(8)]
        found = self.receive(sent, "--from", "127.0.0.0/8", "--vni", "7", "--vni", "8", "--count",
                             "1")
        self.assertEqual(found[1], LINE % 8)
        self.assertEqual(found[2].splitlines(), [
            "refused: 2, VNI not allowed", "refused: 1, MIRROR_E_OUTER_SHORT",
            "refused: 1, MIRROR_E_VXLAN_FLAGS", "refused: 1, MIRROR_E_INNER_SHORT"])

    def test_senders(self):
        for networks, allowed in (("10.0.0.0/8", False), ("127.0.0.1", True), ("::1/128", False),
                                  ("126.0.0.0/7", True), ("128.0.0.0/1", False)):
            options = ["--from", networks, "--vni", "any", "--count", "1", "--timeout", "1"]
            _, out, error = self.receive([datagram(7)], *options)
            self.assertEqual(out, LINE % 7 if allowed else "", networks)
            self.assertEqual(error, "" if allowed else "refused: 1, sender not allowed\n")

    def test_pcap(self):
        with tempfile.NamedTemporaryFile() as file:
            self.receive([datagram(7)] * 3, "--from", "any", "--vni", "any", "--write", file.name,
                         "--count", "3")
            octets = file.read()
        self.assertEqual(octets[:24], struct.pack("=IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1))
        self.assertEqual(len(octets), 24 + 3 * (16 + len(FRAME)))
        self.assertEqual(octets[24 + 16:24 + 16 + len(FRAME)], FRAME)

    def test_a_signal_ends_it(self):
        found = self.receive([b"x", datagram(7)], "--from", "any", "--vni", "any",
                             end=signal.SIGTERM)
        self.assertEqual(found, (0, "", "refused: 1, MIRROR_E_OUTER_SHORT\n"))

    def test_both_lists_are_asked_for(self):
        whole = ["--from", "any", "--vni", "1"]
        for options in ([], whole[:2], whole[2:], [*whole, "more"]):
            done = subprocess.run([RECEIVER, *options], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn("usage: receiver", done.stderr)
        for network in ("nonsense", "10.0.0.0/33", "10.0.0.0.0"):
            done = subprocess.run([RECEIVER, "--from", network, "--vni", "any"],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr, "receiver: --from: %s\n" % network)


unittest.main()
