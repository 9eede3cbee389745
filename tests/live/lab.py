"""Network namespaces, veth pairs and programs for live tests.

Namespaces have no names: they end with this process, however it ends, and everything in them with
them. Programs that are started end with it as well.
"""
import array
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

SKIPPED = 77
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
SIOCETHTOOL = 0x8946
OFFLOADS = {"rx": 0x15, "tx": 0x17, "sg": 0x19, "tso": 0x1F, "gso": 0x24, "gro": 0x2C}
ETH_P_ALL = 3
MARK = 0x30B5  # MIRROR_SOCKET_MARK
LIBC = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    pass


def need(condition, reason):
    if not condition:
        raise Skip(reason)


def run(*words, check=True):
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    if check and done.returncode:
        raise AssertionError("%s: %s" % (" ".join(words), done.stderr.strip()))
    return done.stdout


def ip(*words):
    return run("ip", *words)


def device(*words):
    """A new one; not every kernel has every kind."""
    try:
        ip("link", "add", *words)
    except AssertionError as error:
        raise Skip(str(error)) from error


class Namespace:
    """`with namespace:` what is done and started is in it. Not for threads."""

    def __init__(self):
        self.before = []
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        if LIBC.unshare(CLONE_NEWNET):
            raise Skip("no network namespace: " + os.strerror(ctypes.get_errno()))
        self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1")  # nothing sends unasked
        write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1")
        ip("link", "set", "lo", "up")
        LIBC.setns(here, CLONE_NEWNET)
        os.close(here)

    def __enter__(self):
        self.before.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))
        if LIBC.setns(self.fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        return self

    def __exit__(self, *_):
        before = self.before.pop()
        LIBC.setns(before, CLONE_NEWNET)
        os.close(before)

    @property
    def path(self):
        return "/proc/%d/fd/%d" % (os.getpid(), self.fd)


def write(path, text):
    if os.path.exists(path):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)


def ipv6_on(device):
    write("/proc/sys/net/ipv6/conf/%s/disable_ipv6" % device, "0")


def veth(here, name, there, peer):
    """A pair, up, with one end in each namespace."""
    with here:
        ip("link", "add", name, "type", "veth", "peer", "name", peer, "netns", there.path)
        ip("link", "set", name, "up")
    with there:
        ip("link", "set", peer, "up")


def wait_for_carrier(namespace, device):
    """The kernel looks at links once a second; until then it drops what is sent."""
    with namespace:
        until(lambda: "state UP" in ip("link", "show", device), 3, "carrier of " + device)


def offloads(device, on):
    """All or none of what would change frames on their way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for command in OFFLOADS.values():
            value = array.array("B", struct.pack("II", command, int(on)))
            request = struct.pack("16sP", device.encode(), value.buffer_info()[0])
            try:
                fcntl.ioctl(control, SIOCETHTOOL, request.ljust(40, b"\0"))
            except OSError:
                pass


def packet_socket(device):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sock.bind((device, ETH_P_ALL))
    return sock


class Sender:
    """Sends frames out of a device; what it receives is dropped by the kernel."""

    def __init__(self, device):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sock.bind((device, 0))

    def send(self, *frames):
        for frame in frames:
            self.sock.send(frame)

    def close(self):
        self.sock.close()


def frame(text=b"", source=1, destination=2, ports=(1000, 2000), tags=(), size=0):
    """Ethernet, IPv4 10.0.0.SOURCE to 10.0.0.DESTINATION, UDP."""
    payload = text.ljust(max(size, 18), b".")
    udp = struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0x4000, 64, 17, 0,
                       bytes((10, 0, 0, source)), bytes((10, 0, 0, destination)))
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + struct.pack(">H", total ^ 0xFFFF) + head[12:]
    tags = b"".join(struct.pack(">HH", *tag) for tag in tags)
    return b"\x02\0\0\0\0" + bytes((destination,)) + b"\x02\0\0\0\0" + bytes((source,)) + tags + \
        b"\x08\0" + head + udp


def end_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    """A program that is talked to line by line."""

    started = []

    def __init__(self, *words, user=None):
        self.lines = []
        self.grown = threading.Condition()
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, bufsize=1, user=user, preexec_fn=end_with_parent)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        Program.started.append(self)

    def _read(self):
        for line in self.process.stdout:
            with self.grown:
                self.lines.append(line.rstrip("\n"))
                self.grown.notify_all()
        with self.grown:
            self.lines.append(None)
            self.grown.notify_all()

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def wait(self, accept, seconds=3.0, start=0):
        """The first line from number `start` on that `accept` takes."""
        end = time.monotonic() + seconds
        at = start
        with self.grown:
            while True:
                while at < len(self.lines):
                    line = self.lines[at]
                    if line is None:
                        raise AssertionError("ended without the line: %r" % self.lines[-8:])
                    if accept(line):
                        return line
                    at += 1
                left = end - time.monotonic()
                if left <= 0 or not self.grown.wait(left):
                    raise AssertionError("no such line within %g s: %r" % (seconds,
                                                                          self.lines[-8:]))

    def starts(self, text, seconds=3.0, start=0):
        return self.wait(lambda line: line.startswith(text), seconds, start)

    def finish(self, number=None, seconds=5.0):
        """Ends its input, or sends it a signal; all its lines."""
        if number is None:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
        else:
            self.process.send_signal(number)
        try:
            self.process.wait(seconds)
        finally:
            self.process.kill()
        self.reader.join(seconds)
        return self.lines[:-1]


class Capture(Program):
    """tests/live/capture.c"""

    def __init__(self, binary, uri, *options, user=None):
        super().__init__(binary, uri, *options, user=user)
        self.ready = self.wait(lambda line: line == "ready" or line.startswith("failed"))

    def packets(self):
        """[(direction, link type, octets)]"""
        with self.grown:
            lines = [line for line in self.lines if line and line.startswith("packet")]
        rows = [line.split(" ") for line in lines]
        return [(row[1], int(row[2]), bytes.fromhex(row[6])) for row in rows]

    def expect(self, count, seconds=2.0):
        """Waits for that many packets."""
        end = time.monotonic() + seconds
        with self.grown:
            while sum(1 for line in self.lines if line and line.startswith("packet")) < count:
                left = end - time.monotonic()
                if left <= 0 or not self.grown.wait(left):
                    break
        return self.packets()

    def dropped(self):
        start = len(self.lines)
        self.say("drops")
        return int(self.starts("drops", start=start).split(" ")[1])


class Mirror(Program):
    """tests/live/mirror.c"""

    def __init__(self, binary, config, source, input_uri, output_uri, direction="ingress",
                 user=None):
        self.file = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump(config, self.file)
        self.file.flush()
        os.chmod(self.file.name, 0o644)
        super().__init__(binary, self.file.name, source, direction, input_uri, output_uri,
                         user=user)
        self.ready = self.wait(lambda line: line == "ready" or line.startswith("failed"))

    def ask(self):
        """{counter: packets}, {target: {counter: packets}}, and what the output said last."""
        with self.grown:
            start = len(self.lines)
        self.say("?")
        self.wait(lambda line: line == "done", start=start)
        counters, targets, output = {}, {}, ""
        for line in self.lines[start:]:
            words = line.split(" ")
            if words[0] == "count":
                counters[words[1]] = int(words[2])
            elif words[0] == "target":
                targets.setdefault(words[1], {})[words[2]] = int(words[3])
            elif words[0] == "drops":
                counters["drops"] = int(words[1])
            elif words[0] == "output":
                output = line
        adds_up(counters)
        return counters, targets, output

    def after(self, received, seconds=2.0):
        """The same, once so many packets were received."""
        until(lambda: self.ask()[0]["received"] >= received, seconds, "%d packets" % received)
        return self.ask()


def adds_up(counters):
    """R7"""
    def some(*names):
        return sum(packets for name, packets in counters.items() if name.startswith(names))
    equal(some("received"), some("mirrored", "rejected", "unmatched", "unparsable", "own",
                                 "blocked", "dropped"), "received")
    equal(some("mirrored", "segments"), some("sent", "failed"), "mirrored")


def configuration(targets, source="10.9.0.1", vni=42, **session):
    """A session to each of {id: fields}; all packets to the first of them that accepts.

    The session of target n accepts UDP destination ports of n * 1000, the last one all packets.
    """
    filters, sessions = [], []
    for n, name in enumerate(targets, 1):
        rules = []
        for family in ("IPv4", "IPv6"):
            rule = {"priority": len(rules) + 1, "action": "accept", "ethertype": family,
                    "protocol": "ALL"}
            if n < len(targets):
                rule.update(protocol="UDP", destination_port_range="%d-%d" % (n * 1000,
                                                                              n * 1000 + 999))
            rules.append(rule)
        filters.append({"id": name, "ingress_rules": rules, "egress_rules": rules})
        sessions.append({"id": name, "priority": n, "virtual_network_id": vni,
                         "traffic_mirror_filter_id": name, "traffic_mirror_sources": ["source"],
                         "traffic_mirror_target_id": name, "traffic_mirror_target_type": "eni",
                         **session})
    return {"traffic_mirror_filters": filters,
            "traffic_mirror_sources": [{"id": "source", "address": source, "mtu": 1500}],
            "traffic_mirror_targets": [{"id": name, "type": "eni", **fields}
                                       for name, fields in targets.items()],
            "traffic_mirror_sessions": sessions}


def equal(found, expected, what=""):
    if found == expected:
        return
    if isinstance(found, list) and isinstance(expected, list):
        for n, (ours, theirs) in enumerate(zip(found, expected)):
            if ours != theirs:
                what += " number %d of %d and %d" % (n, len(found), len(expected))
                found, expected = ours, theirs
                break
        else:
            what += " %d and %d" % (len(found), len(expected))
    raise AssertionError("%s: found %.300r, expected %.300r" % (what, found, expected))


def until(condition, seconds, what):
    """Polls; how long it took."""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > seconds:
            raise AssertionError("not within %g s: %s" % (seconds, what))
        time.sleep(0.01)
    return time.monotonic() - begin


def main(*tests):
    """Runs them, each in whatever namespaces it makes."""
    if os.geteuid() != 0:
        print("skipped: making network namespaces needs root")
        sys.exit(SKIPPED)
    if not shutil.which("ip"):
        print("skipped: ip (iproute2) is not installed")
        sys.exit(SKIPPED)
    failed = skipped = 0
    for test in tests:
        begin = time.monotonic()
        try:
            test()
            outcome = "ok"
        except Skip as reason:
            skipped += 1
            outcome = "skipped: %s" % reason
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            outcome = "FAILED: %s: %s" % (type(error).__name__, error)
        finally:
            for program in Program.started:
                program.process.kill()
                program.process.wait()
            Program.started.clear()
        print("%-50s %5.2f s  %s" % (test.__name__, time.monotonic() - begin, outcome), flush=True)
    sys.exit(1 if failed else SKIPPED if skipped == len(tests) else 0)
