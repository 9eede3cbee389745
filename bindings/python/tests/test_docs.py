"""The snippets of the documentation and the programs in examples/python do what they say."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, List

import libmirror
from libmirror import Layer, Outer

import support

EXAMPLES = support.ROOT / "examples" / "python"


def snippets(page: str) -> List[str]:
    text = (support.ROOT / page).read_text()
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def run(*arguments: Any, **options: Any) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(support.PACKAGE)}
    return support.python(*arguments, env=environment, **options)


class Pages(unittest.TestCase):
    def run_page(self, page: str) -> str:
        """Runs all snippets of a page as one program, where examples/ is at hand."""
        with tempfile.TemporaryDirectory() as folder:
            os.symlink(support.ROOT / "examples", Path(folder, "examples"))
            done = run("-W", "error", "-c", "\n".join(snippets(page)), cwd=folder)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            with libmirror.Capture(str(Path(folder, "copies.pcap"))) as capture:
                self.assertEqual(len(list(capture)), 48)
        return done.stdout

    def test_readme(self) -> None:
        self.assertEqual(self.run_page("README.md"), "48 copies\n")

    def test_guide(self) -> None:
        said = self.run_page("docs/python-guide.md")
        self.assertTrue(said.startswith("56 packets, 48 copies\n"))
        self.assertIn("mirrored by session table-2 rule 1", said)


class Programs(unittest.TestCase):
    def example(self, name: str, *arguments: Any) -> "subprocess.CompletedProcess[str]":
        of_sample = ["--config", support.CONFIGURATION, "--source", "eni-03", support.CAPTURE]
        return run(EXAMPLES / name, *of_sample, *arguments)

    def test_sniff(self) -> None:
        lines = self.example("sniff.py").stdout.splitlines()
        self.assertEqual(len(lines), 48)
        self.assertEqual(
            lines[0],
            "00:00:00.002000 ingress 172.16.0.5 10000 > 10.0.0.3 80 protocol 6 length 54 "
            "session table-2",
        )

    def test_sniff_until_interrupted(self) -> None:
        command = [sys.executable, "-B", EXAMPLES / "sniff.py", "--config", support.CONFIGURATION]
        command += ["--source", "eni-03", "-"]
        environment = {**os.environ, "PYTHONPATH": str(support.PACKAGE)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen([*map(str, command)], env=environment, **pipes) as sniff:
            sniff.stdin.write(support.CAPTURE.read_bytes())
            sniff.stdin.flush()
            for _ in range(48):
                self.assertIn(b"session", sniff.stdout.readline())
            sniff.send_signal(signal.SIGINT)
            self.assertEqual((sniff.wait(timeout=30), sniff.stderr.read()), (0, b""))

    def test_what_matches(self) -> None:
        done = self.example("what_matches.py", 4)
        self.assertEqual(done.returncode, 0)
        self.assertIn("rule 1 reject: no, another source address", done.stdout)
        self.assertEqual(self.example("what_matches.py", 1).returncode, 1)
        self.assertIn("has no packet 57", self.example("what_matches.py", 57).stderr)

    def test_refusals(self) -> None:
        files = ["--config", "none.json", "--source", "eni-03", "none.pcap"]
        for name in ("sniff.py", "what_matches.py"):
            done = run(EXAMPLES / name, *files, *["1"][: name == "what_matches.py"])
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, f"^{name}: .*none.*\n$")


class Receiver(unittest.TestCase):
    """receiver.py over loopback."""

    def receive(self, datagrams: List[bytes], *arguments: Any) -> Any:
        command = [sys.executable, "-B", EXAMPLES / "receiver.py", "--listen", "127.0.0.1"]
        command += ["--port", "0", "--timeout", "10", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(support.PACKAGE)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen([*map(str, command)], env=environment, **pipes) as receiver:
            port = int(receiver.stderr.readline().split()[-1])
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for datagram in datagrams:
                    sender.sendto(datagram, ("127.0.0.1", port))
            out, error = receiver.communicate(timeout=30)
        self.assertEqual(receiver.returncode, 0, error)
        return out, error

    def datagram(self, vni: int) -> bytes:
        return Outer("127.0.0.1", "127.0.0.1", vni, Layer.UDP).encapsulate(support.WEB)

    def test_lines_and_allowed_vnis(self) -> None:
        sent = [self.datagram(6), b"nonsense", self.datagram(7), self.datagram(8)]
        out, error = self.receive(sent, "--from", "any", "--vni", 7, "--vni", 8, "--count", 2)
        line = "from 127.0.0.1 vni {} length 54: 172.16.0.9 > 10.0.0.3 protocol 6\n"
        self.assertEqual(out, line.format(7) + line.format(8))
        self.assertEqual(
            error, "refused: 1, VNI not allowed\nrefused: 1, MIRROR_E_INNER_SHORT\n"
        )

    def test_pcap(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "received.pcap")
            arguments = ["--from", "127.0.0.0/8", "--vni", "any", "--write", path, "--count", 3]
            self.receive([self.datagram(7)] * 3, *arguments)
            with libmirror.Capture(path) as capture:
                self.assertEqual([packet.data for packet in capture], [support.WEB] * 3)

    def test_other_senders(self) -> None:
        allowed = ["--from", "10.0.0.0/8", "--vni", "any", "--timeout", 0.5]
        out, error = self.receive([self.datagram(7)], *allowed)
        self.assertEqual((out, error), ("", "refused: 1, sender not allowed\n"))

    def test_both_lists_are_asked_for(self) -> None:
        for arguments in (["--from", "any"], ["--vni", "any"]):
            done = run(EXAMPLES / "receiver.py", *arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn("required", done.stderr)
