#!/usr/bin/env python3
"""test_mirrord.py MIRRORD: the appliance on interfaces (see appliance.Scene), under its system call
filter all the time.
"""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

import appliance
import lab
from appliance import COLLECTOR, Scene, assert_confined, configuration, count_of, status_of

MIRRORD = sys.argv[1]


def received(sock):
    """[(VNI, inner frame)] until nothing comes for a while."""
    found = []
    try:
        while True:
            copy = sock.recv(65536)
            lab.equal(copy[:4], b"\x08\0\0\0", "VXLAN flags")
            found.append((struct.unpack(">I", copy[4:8])[0] >> 8, copy[8:]))
    except socket.timeout:
        return found


def workers(mirrord):
    """The threads that are named after the source."""
    return [thread for thread in status_of(mirrord.process.pid) if thread["Name"] == "source"]


class Load:
    """Numbered frames from far until stopped; each in the flow of its number % 64."""

    def __init__(self, scene, pause=0.0005):
        self.scene, self.pause, self.sent, self.going = scene, pause, 0, True
        self.thread = threading.Thread(target=self._send, daemon=True)
        self.thread.start()

    def _send(self):
        while self.going:
            frame = lab.frame(b"%08d" % self.sent, ports=(1000 + self.sent % 64, 2000))
            try:
                self.scene.far.send(frame)
                self.sent += 1
            except OSError:
                pass  # the link is down
            time.sleep(self.pause)

    def stop(self):
        self.going = False
        self.thread.join()
        return self.sent


def numbers(copies):
    return [int(frame[42:50]) for _, frame in copies]


# ---- mirroring ----

def both_directions():
    scene = Scene()
    collector = scene.listen()
    kernel = [count_of(scene.host, "near", "rx"), count_of(scene.host, "near", "tx"),
              count_of(scene.host, "out", "tx"), count_of(scene.collector, "in", "rx")]
    asks = [lab.frame(b"ask %d" % n, 1, 2) for n in range(50)]
    answers = [lab.frame(b"answer %d" % n, 2, 1) for n in range(30)]
    scene.far.send(*asks)
    scene.near.send(*answers)
    ingress, egress = scene.mirrord.after(50, 30)
    lab.equal((ingress["sent"], egress["sent"]), (50, 30), "sent")
    lab.equal(sorted(received(collector)), sorted((42, frame) for frame in asks + answers))
    kernel = [after - before for before, after in zip(kernel, [
        count_of(scene.host, "near", "rx"), count_of(scene.host, "near", "tx"),
        count_of(scene.host, "out", "tx"), count_of(scene.collector, "in", "rx")])]
    lab.equal(kernel[:2], [50, 30], "packets of the source, as the kernel counts")
    near = all(80 <= count <= 90 for count in kernel[2:])  # and ARP
    lab.equal(near, True, "copies: %r" % kernel)
    source = scene.mirrord.status()["sources"][0]
    lab.equal((source["state"], source["kernel_drops"], source["input"]),
              ("running", 0, "afpacket:near"))
    lines = scene.mirrord.stop()
    lab.equal([line for line in lines if line.startswith("source ")],
              ["source source: stopped, afpacket:near, 1 worker, 0 dropped by the system"])
    lab.equal([line.split() for line in lines if line.startswith("    sent ")][0][:2],
              ["sent", "50"])
    lab.equal(os.path.exists(scene.mirrord.socket), False, "socket is left")


def several_workers():
    cpus = sorted(os.sched_getaffinity(0))
    scene = Scene("-w", "3", "--cpus", ",".join(map(str, cpus)))
    scene.mirrord.wait(lambda line: "if the interface of 'afpacket:near' is deleted" in line)
    collector = scene.listen()
    scene.far.send(*[lab.frame(b"%d" % n, ports=(n, 2000)) for n in range(1000, 1300)])
    ingress, _ = scene.mirrord.after(300)
    lab.equal(ingress["sent"], 300)
    lab.equal(len(set(received(collector))), 300, "copies")
    threads = workers(scene.mirrord)
    lab.equal(len(threads), 3, "threads")
    pinned = {thread["Cpus_allowed_list"] for thread in threads}
    lab.equal(pinned, {str(cpu) for cpu in cpus[:3]}, "CPUs")
    scene.mirrord.stop()


def no_loop():
    """The mirrored interface is the one by which copies leave."""
    scene = Scene(config=configuration(interface="out"))
    with scene.host:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.sendto(b"hello", (COLLECTOR, 9))
    lab.until(lambda: scene.mirrord.counters()[1]["mirrored"] >= 1, 3, "a copy")
    time.sleep(0.5)
    before = scene.mirrord.counters()
    time.sleep(0.5)
    lab.equal(scene.mirrord.counters(), before, "counters at rest")
    lab.equal(before[1]["mirrored"] < 10, True, "copies of copies: %r" % before)
    scene.mirrord.stop()


def faults_of_the_way():
    scene = Scene()
    collector = scene.listen()
    with scene.host:
        lab.ip("route", "del", "10.9.0.0/24")
    scene.far.send(*[lab.frame(b"lost")] * 5)
    ingress, _ = scene.mirrord.after(5)
    lab.equal((ingress["sent"], ingress.get("failed_no_route", 0)), (0, 5))
    lab.until(lambda: "unreachable" in scene.mirrord.status()["sources"][0].get("last_refusal", ""),
              1, "why")
    with scene.host:
        lab.ip("route", "add", "10.9.0.0/24", "dev", "out")
    scene.far.send(*[lab.frame(b"again")] * 5)
    ingress, _ = scene.mirrord.after(10)
    lab.equal((ingress["sent"], len(received(collector))), (5, 5))
    scene.mirrord.stop()


def interface_made_again():
    scene = Scene()
    collector = scene.listen()
    for round in range(3):
        with scene.host:
            lab.ip("link", "del", "near")
        scene.mirrord.wait(lambda line: "is gone" in line, start=len(scene.mirrord.lines) - 1)
        start = len(scene.mirrord.lines)
        scene.far.close()
        scene.near.close()
        scene.wire()
        scene.mirrord.wait(lambda line: "is back" in line, 3, start)
        scene.far.send(lab.frame(b"round %d" % round))
        lab.until(lambda: scene.mirrord.counters()[0]["received"] == round + 1, 2, "the packet")
    lab.equal(len(received(collector)), 3)
    scene.mirrord.stop()


# ---- changes ----

def reload_under_load():
    scene = Scene(config=configuration(vni=1))
    collector = scene.listen()
    load = Load(scene)
    bad = json.dumps(configuration(vni=9)).replace('"accept"', '"perhaps"')
    for vni in range(2, 22):
        good, _ = scene.mirrord.reload(configuration(vni=vni))
        lab.equal(good, True, "taken")
        good, said = scene.mirrord.reload(bad)
        lab.equal(good, False, "taken")
        lab.equal(sum("perhaps" in line for line in said), 4, "errors said")
        good, _ = scene.mirrord.reload("{")
        lab.equal(good, False, "taken")
    sent = load.stop()
    ingress, _ = scene.mirrord.after(sent)
    copies = received(collector)
    lab.equal((ingress["mirrored"], ingress["sent"], len(copies)), (sent, sent, sent))
    lab.equal(sorted(numbers(copies)), list(range(sent)), "numbers")
    by_number = [vni for vni, _ in sorted(copies, key=lambda copy: int(copy[1][42:50]))]
    lab.equal(by_number, sorted(by_number), "VNIs in the order of the packets")
    lab.equal(set(by_number) <= set(range(1, 22)), True, "VNIs")
    status = scene.mirrord.status()
    lab.equal((status["configuration"]["reloads"], status["configuration"]["reloads_refused"],
               status["sources"][0]["kernel_drops"]), (20, 40, 0))
    scene.mirrord.stop()


def sources_come_and_go():
    scene = Scene()
    scene.far.send(lab.frame())
    scene.mirrord.after(1)
    good, _ = scene.mirrord.reload(configuration(interface="elsewhere"))
    lab.equal(good, True)
    problem = scene.mirrord.starts("mirrord: source 'source': capturing")
    lab.equal("Privileges were given up after the start: restart mirrord" in problem, True, problem)
    lab.equal(scene.mirrord.status()["sources"][0]["state"], "failed")
    none = configuration()
    del none["traffic_mirror_sources"][0]["interface"]
    good, _ = scene.mirrord.reload(none)
    lab.equal((good, scene.mirrord.status()["sources"][0]["state"]), (True, "idle"))
    lab.equal(workers(scene.mirrord), [], "threads")
    scene.mirrord.stop()


def file_that_only_root_reads():
    scene = Scene(start=False)
    os.chmod(scene.folder + "/config.json", 0o600)
    scene.start()
    scene.mirrord.wait(lambda line: "cannot be read again on SIGHUP" in line)
    scene.mirrord.process.send_signal(signal.SIGHUP)
    scene.mirrord.wait(lambda line: "is not taken" in line)
    scene.mirrord.stop()


# ---- privileges ----

def no_privileges_are_left():
    scene = Scene("-w", "2")
    assert_confined(scene.mirrord)
    scene.mirrord.stop()


def ambient_capability():
    """As the systemd unit gives it; the bounding set is not empty then, but gives nothing."""
    lab.need(shutil.which("setpriv"), "no setpriv")
    scene = Scene(start=False)
    for path in (MIRRORD, os.path.dirname(MIRRORD) + "/../../libmirror.so.0"):
        shutil.copy(path, scene.folder)
    os.environ["LD_LIBRARY_PATH"] = scene.folder
    words = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+net_raw",
             "--ambient-caps=+net_raw")
    try:
        scene.start(words=words, binary=scene.folder + "/mirrord")
        with scene.host:
            refused = lab.Program(*words[:4], scene.folder + "/mirrord", "-c",
                                  scene.folder + "/config.json", "-s", "")
    finally:
        del os.environ["LD_LIBRARY_PATH"]
    for thread in status_of(scene.mirrord.process.pid):
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            lab.equal(int(thread[name], 16), 0, name)
    scene.far.send(lab.frame())
    scene.mirrord.after(1)
    scene.mirrord.stop()
    line = refused.starts("mirrord: source 'source': ")
    for part in ("needs the capability CAP_NET_RAW", "AmbientCapabilities=CAP_NET_RAW", "setcap"):
        lab.equal(part in line, True, line)
    refused.process.wait(5)
    lab.equal(refused.process.returncode, 3, "exit status without the capability")


def next_vni(collector, wanted):
    """Waits for a copy with it."""
    def came():
        try:
            while True:
                if int.from_bytes(collector.recv(65536)[4:7], "big") == wanted:
                    return True
        except BlockingIOError:
            return False
    collector.setblocking(False)
    lab.until(came, 10, "a copy with VNI %d" % wanted)


def af_xdp():
    """Frames by AF_XDP, and by what takes its place when the interface is made anew: the filter
    lets the output call all that it needs then."""
    scene = Scene("-o", "xdp:out")
    instead = [line for line in scene.mirrord.lines if "sends by a transmit ring" in line]
    lab.need(not instead, "".join(instead))
    collector = scene.listen()
    load = Load(scene)
    for vni in range(2, 6):
        with scene.host:
            lab.ip("link", "set", "out", "down")
            lab.ip("link", "set", "out", "up")
        lab.wait_for_carrier(scene.host, "out")
        lab.equal(scene.mirrord.reload(configuration(vni=vni))[0], True, "taken")
        next_vni(collector, vni)
    assert_confined(scene.mirrord)
    with scene.host:
        lab.ip("link", "del", "out")
    scene.mirrord.wait(lambda line: '"xdp:out" sends by a transmit ring from now on' in line)
    scene.connect()
    lab.equal(scene.mirrord.reload(configuration(vni=6))[0], True, "taken")
    next_vni(collector, 6)
    sent = load.stop()
    ingress, _ = scene.mirrord.after(sent)
    lab.equal(ingress["mirrored"], sent, "mirrored")
    scene.mirrord.stop()


# ---- status ----

def hostile_clients():
    """They connect and do not read a status that is too long for the socket's buffer, or send."""
    scene = Scene(config=configuration(sessions=3000))
    collector = scene.listen()
    load = Load(scene)
    stalled = []
    for n in range(100):
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        try:
            sock.connect(scene.mirrord.socket)
            sock.send(b"GET / HTTP/1.0\r\n\r\n" * 100)
        except (BlockingIOError, ConnectionError):
            pass
        stalled.append(sock)
        if n == 50:
            begin = time.monotonic()
            lab.equal(scene.mirrord.reload(configuration(vni=7, sessions=3000))[0], True)
            lab.equal(time.monotonic() - begin < 1, True, "time of a reload")
    status = scene.mirrord.status()
    lab.equal(len(status["sessions"]), 3000)
    lab.equal(len(json.dumps(status)) > 1 << 18, True, "length of the status")
    sent = load.stop()
    scene.mirrord.after(sent)
    lab.equal(sorted(numbers(received(collector))), list(range(sent)), "copies")
    fds = "/proc/%d/fd" % scene.mirrord.process.pid
    lab.until(lambda: sum("socket" in os.readlink(fds + "/" + fd) for fd in os.listdir(fds)) < 45,
              8, "clients are closed")
    scene.mirrord.stop()


def metrics():
    scene = Scene("-m", "19478", config=configuration(sessions=3))
    scene.far.send(*[lab.frame()] * 7)
    scene.mirrord.after(7)
    with scene.host:
        check_exposition(metrics_with(
            'mirrord_source_received_packets_total{source="source",direction="ingress"} 7\n',
            'mirrord_target_sent_packets_total{target="t"} 7\n',
            'mirrord_source_up{source="source"} 1\n',
            'mirrord_rule_mirrored_packets_total{filter="t",direction="ingress",priority="1",'
            'rule=""} 7\n'))
        lab.equal(http("/other", 404), "see /metrics\n")
        stalled = [socket.create_connection(("127.0.0.1", 19478)) for _ in range(40)]
    scene.far.send(*[lab.frame()] * 3)
    scene.mirrord.after(10)
    with scene.host:
        metrics_with('direction="ingress"} 10\n')
    for sock in stalled:  # those who say nothing are closed
        sock.settimeout(6)
        lab.equal(sock.recv(1), b"")
    scene.mirrord.stop()


def metrics_with(*lines):
    """The text, once it has the lines: the counters of one packet are not written at one time."""
    found = [""]

    def there():
        found[0] = http("/metrics")
        return all(line in found[0] for line in lines)
    try:
        lab.until(there, 3.0, lines)
    except AssertionError as error:
        raise AssertionError("%s: %s" % (error, found[0])) from error
    return found[0]


def http(path, code=200):
    with socket.create_connection(("127.0.0.1", 19478), 5) as sock:
        sock.sendall(b"GET %s HTTP/1.0\r\nHost: x\r\n\r\n" % path.encode())
        answer = b"".join(iter(lambda: sock.recv(65536), b"")).decode()
    head, body = answer.split("\r\n\r\n", 1)
    lab.equal(int(head.split()[1]), code, head)
    return body


def check_exposition(text):
    """Each sample behind the HELP and TYPE of its family, no sample twice; and promtool."""
    family, families, seen = None, set(), set()
    sample = re.compile(r'(\w+)(\{(?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*\})? (-?\d+)')
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ")[2]
            lab.equal(family in families, False, "family twice")
            families.add(family)
        elif line.startswith("# TYPE "):
            lab.equal(line.split(" ")[2], family, "TYPE")
            lab.equal(line.split(" ")[3], "counter" if family.endswith("_total") else "gauge")
        else:
            match = sample.fullmatch(line)
            lab.equal(bool(match), True, line)
            lab.equal(match.group(1), family, line)
            lab.equal(line.rsplit(" ", 1)[0] in seen, False, line)
            seen.add(line.rsplit(" ", 1)[0])
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                              capture_output=True, check=False)
        lab.equal((done.returncode, done.stdout + done.stderr), (0, ""), "promtool")


def notifications():
    scene = Scene(start=False)
    with tempfile.TemporaryDirectory() as folder, socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(folder + "/notify")
        manager.settimeout(3)
        os.environ["NOTIFY_SOCKET"] = folder + "/notify"
        try:
            scene.start()
        finally:
            del os.environ["NOTIFY_SOCKET"]
        lab.equal(manager.recv(4096).decode(), "READY=1\nSTATUS=Mirroring 1 source")
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        scene.mirrord.reload(configuration(vni=5))
        reloading, at = manager.recv(4096).decode().split("\nMONOTONIC_USEC=")
        lab.equal((reloading, before <= int(at)), ("RELOADING=1", True))
        lab.equal(manager.recv(4096).decode().split("\n")[0], "READY=1")
        scene.mirrord.stop()
        lab.equal(manager.recv(4096).decode(), "STOPPING=1")


class Terminal:
    """mirrord --top on a terminal of this size."""

    def __init__(self, scene, rows, columns):
        self.master, slave = pty.openpty()
        self.slave = slave
        self.resize(rows, columns)
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen([MIRRORD, "--top", "-s", scene.mirrord.socket],
                                        stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True)
        self.text = b""

    def resize(self, rows, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        end = time.monotonic() + seconds
        text = b""
        while select.select([self.master], [], [], max(0, end - time.monotonic()))[0]:
            text += os.read(self.master, 65536)
        self.text += text
        return text.decode()

    def end(self, how):
        how()
        status = self.process.wait(5)
        self.read(0.2)
        return status


def pages(text):
    """What the screen shows, page after page: lists of lines."""
    return [page.split("\033[J")[0].replace("\033[K", "").split("\r\n")
            for page in text.split("\033[H")[1:]]


def screen():
    scene = Scene()
    terminal = Terminal(scene, 10, 60)
    load = Load(scene)
    shown = pages(terminal.read(2.5))
    lab.equal(len(shown) >= 2, True, "pages")
    for page in shown:
        lab.equal(len(page) <= 10 and all(len(line) <= 60 for line in page), True, page)
    lab.equal("packets/s" in shown[-1][1], True, shown[-1])
    rates = [line.split() for line in shown[-1] if line.strip().startswith("received")]
    lab.equal(float(rates[0][1]) > 100, True, rates)
    terminal.resize(40, 100)
    os.kill(terminal.process.pid, signal.SIGWINCH)
    lab.equal(len(pages(terminal.read(0.5))[0]) > 10, True, "lines of a larger page")
    lab.equal(terminal.end(lambda: os.write(terminal.master, b"q")), 0)
    lab.equal(terminal.text.startswith(b"\033[?1049h"), True)
    lab.equal(terminal.text.endswith(b"\033[?25h\033[?1049l"), True)
    lab.equal(termios.tcgetattr(terminal.slave), terminal.before, "terminal")
    terminal = Terminal(scene, 3, 20)
    terminal.read(0.5)
    lab.equal(terminal.end(lambda: terminal.process.send_signal(signal.SIGTERM)), 0)
    lab.equal(termios.tcgetattr(terminal.slave), terminal.before, "terminal")
    load.stop()
    scene.mirrord.stop()


try:
    lab.main(both_directions, several_workers, no_loop, faults_of_the_way, interface_made_again,
             reload_under_load, sources_come_and_go, file_that_only_root_reads,
             no_privileges_are_left, ambient_capability, af_xdp, hostile_clients, metrics,
             notifications, screen)
finally:
    appliance.clean_up()
