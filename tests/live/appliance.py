"""mirrord as live tests start it, and look at it: confined by its filter of system calls.

The program is the first word of the command line.
"""
import json
import os
import shutil
import signal
import socket
import sys
import tempfile

import lab

NOBODY = 65534
COLLECTOR, HOST = "10.9.0.2", "10.9.0.1"
os.environ["ASAN_OPTIONS"] = "detect_leaks=0:quarantine_size_mb=1"  # leaks: calls that are filtered
folders = []


def make_folder():
    """For a configuration and a socket, of whom mirrord becomes, as with RuntimeDirectory=."""
    path = tempfile.mkdtemp(prefix="mirrord-")
    folders.append(path)
    os.chmod(path, 0o755)
    os.chown(path, NOBODY, NOBODY)
    return path


def clean_up():
    for each in folders:
        shutil.rmtree(each, ignore_errors=True)


def configuration(vni=42, interface="near", sessions=1, **source):
    config = lab.configuration({"t": {"address": COLLECTOR}}, vni=vni)
    config["traffic_mirror_sources"][0].update(interface=interface, **source)
    first = config["traffic_mirror_sessions"][0]
    for n in range(1, sessions):  # disabled ones, which take room in the status
        config["traffic_mirror_sessions"].append(
            {**first, "id": "more-%d" % n, "priority": n + 1, "enabled": False})
    return config


class Mirrord(lab.Program):
    def __init__(self, binary, folder, *options, words=()):
        self.config, self.socket = folder + "/config.json", folder + "/mirrord.sock"
        super().__init__(*words, binary, "-c", self.config, "-s", self.socket, *options)

    def running(self):
        self.starts("mirrord: mirroring ")
        return self

    def write(self, config):
        with open(self.config, "w", encoding="ascii") as file:
            file.write(config if isinstance(config, str) else json.dumps(config))
        os.chmod(self.config, 0o644)

    def reload(self, config):
        """Whether it was taken, and what was said."""
        start = len(self.lines)
        self.write(config)
        self.process.send_signal(signal.SIGHUP)
        end = self.wait(lambda line: line.endswith((" is in force", "before goes on")), 5, start)
        return end.endswith(" is in force"), self.lines[start:]

    def status(self):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(self.socket)
            sock.settimeout(3)
            text = b"".join(iter(lambda: sock.recv(1 << 20), b""))
        return json.loads(text)

    def counters(self):
        """Of ingress and egress, in packets."""
        source = self.status()["sources"][0]
        return [{name: count["packets"] for name, count in source[direction].items()}
                for direction in ("ingress", "egress")]

    def after(self, ingress, egress=0, seconds=3.0):
        """The same, once so many packets were received and no copy is in hand."""
        found = []

        def there():
            found[:] = self.counters()
            return all(each["received"] == count and each["mirrored"] == each["sent"] + sum(
                packets for name, packets in each.items() if name.startswith("failed"))
                       for each, count in zip(found, (ingress, egress)))
        try:
            lab.until(there, seconds, "%d and %d packets" % (ingress, egress))
        except AssertionError as error:
            raise AssertionError("%s: %r" % (error, found)) from error
        for each in found:
            lab.adds_up(each)
        return found

    def stop(self, number=signal.SIGTERM):
        lines = self.finish(number)
        lab.equal(self.process.returncode, 0, "exit status")
        return lines


class Scene:
    """far === near:host:out === in:collector; mirrord runs on host, its source is near."""

    def __init__(self, *options, config=None, start=True, **more):
        self.outside, self.host, self.collector = (lab.Namespace() for _ in range(3))
        self.wire()
        self.connect()
        self.folder = make_folder()
        with open(self.folder + "/config.json", "w", encoding="ascii") as file:
            json.dump(config or configuration(), file)
        os.chmod(self.folder + "/config.json", 0o644)
        if start:
            self.start(*options, **more)

    def start(self, *options, binary=None, **more):
        with self.host:
            self.mirrord = Mirrord(binary or sys.argv[1], self.folder, *options, **more)
        self.mirrord.running()

    def connect(self):
        lab.veth(self.host, "out", self.collector, "in")
        with self.collector:
            lab.ip("address", "add", COLLECTOR + "/24", "dev", "in")
        with self.host:
            lab.ip("address", "add", HOST + "/24", "dev", "out")
        for namespace, device in ((self.host, "out"), (self.collector, "in")):
            with namespace:
                lab.offloads(device, False)
            lab.wait_for_carrier(namespace, device)

    def wire(self):
        lab.veth(self.host, "near", self.outside, "far")
        for namespace, device in ((self.host, "near"), (self.outside, "far")):
            with namespace:
                lab.offloads(device, False)
            lab.wait_for_carrier(namespace, device)
        with self.outside:
            self.far = lab.Sender("far")
        with self.host:
            self.near = lab.Sender("near")

    def listen(self):
        with self.collector:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 26)  # SO_RCVBUFFORCE
            sock.bind((COLLECTOR, 4789))
            sock.settimeout(0.5)
            return sock


def count_of(namespace, device, way, what="packets"):
    """That the kernel counted."""
    with namespace:
        links = json.loads(lab.ip("-json", "-statistics", "link", "show", device))
    return links[0]["stats64"][way][what]


def status_of(pid):
    """The fields of /proc/PID/task/TID/status of each thread."""
    threads = []
    for thread in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, thread), encoding="ascii") as file:
            threads.append(dict(line.rstrip("\n").split(":\t", 1) for line in file))
    return threads


def assert_confined(mirrord):
    for thread in status_of(mirrord.process.pid):
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            lab.equal(int(thread[name], 16), 0, name)
        lab.equal((thread["NoNewPrivs"], thread["Seccomp"]), ("1", "2"))
        lab.equal(thread["Uid"].split(), [str(NOBODY)] * 4)
        lab.equal(thread["Groups"].split(), [], "groups")
