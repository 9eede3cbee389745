"""Runs mirror-pcap and reads what it says; finds the shared captures."""
import json
import os
import subprocess
import sys

import capture_file
import outer_header

SKIP = 77
DONE, DAMAGED, USAGE, CONFIGURATION, IO = range(5)  # exit statuses that the manual page documents
COLUMNS = "n verdict session rule target vni caplen inner_len".split()
VERDICTS = set("mirrored rejected unmatched unparsable own blocked dropped".split())


def skip(reason):
    print("skipped: " + reason)
    sys.exit(SKIP)


def find_shared():
    """The data of MIRROR_SHARED, or of a folder "shared" beside the project; None without it."""
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared")
    data = os.path.join(os.environ.get("MIRROR_SHARED") or os.path.normpath(beside), "data")
    return data if os.path.isdir(os.path.join(data, "captures")) else None


def shared():
    return find_shared() or skip("no captures: MIRROR_SHARED names no folder with data/captures")


def check_isa(binary):
    """Skips if the program cannot run with the instruction set that MIRROR_TEST_ISA names."""
    if "MIRROR_TEST_ISA" in os.environ:
        done = subprocess.run([binary, "--help"], stdin=subprocess.DEVNULL, timeout=120,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if done.returncode == SKIP:
            skip("this machine has no " + os.environ["MIRROR_TEST_ISA"])


class Row:
    """One line of a verdict table."""
    __slots__ = COLUMNS

    def __init__(self, fields):
        (self.n, self.verdict, self.session, self.rule, self.target, self.vni, self.caplen,
         self.inner_len) = fields


def read_verdicts(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    if lines[0].split("\t") != COLUMNS:
        raise AssertionError("header of the verdict table: %r" % lines[0])
    if lines.pop() != "":
        raise AssertionError("the last line of the verdict table has no end")
    rows = [Row(line.split("\t")) for line in lines[1:]]
    for n, row in enumerate(rows, 1):
        if row.n != str(n) or row.verdict not in VERDICTS:
            raise AssertionError("row %d of the verdict table: %r" % (n, lines[n]))
    return rows


class Result:
    """What one run of mirror-pcap did."""

    def __init__(self, status, errors, rows, copies):
        self.status, self.errors, self.rows, self.copies = status, errors, rows, copies


def run(program, config, source, direction, capture, folder):
    """Runs mirror-pcap; verdicts and copies are read if it got as far as writing them."""
    verdicts, out = os.path.join(folder, "verdicts.tsv"), os.path.join(folder, "copies.pcap")
    for path in (verdicts, out):
        if os.path.exists(path):
            os.remove(path)
    command = [program, "--config", config, "--source", source, "--direction", direction,
               "--verdicts", verdicts, capture, out]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, timeout=120)
    wrote = done.returncode in (DONE, DAMAGED, IO)
    rows = read_verdicts(verdicts) if wrote and os.path.exists(verdicts) else []
    copies = capture_file.read_copies(out) if rows else []
    return Result(done.returncode, done.stderr.decode(errors="replace"), rows, copies)


def tunnels(config):
    """Session id -> (target id, outer headers), as a configuration file says."""
    with open(config, encoding="utf-8") as file:
        model = json.load(file)
    sources = {source["id"]: source for source in model["traffic_mirror_sources"]}
    targets = {target["id"]: target for target in model["traffic_mirror_targets"]}
    found = {}
    for session in model["traffic_mirror_sessions"]:
        target = targets[session["traffic_mirror_target_id"]]
        source = sources[session["traffic_mirror_sources"][0]]
        found[session["id"]] = (target["id"], outer_header.Tunnel(
            int(session.get("virtual_network_id", 1)), target["address"], source.get("address"),
            target.get("port", 4789)))
    return found


def payloads(result, known):
    """The checked UDP payload of each row's copy; None where there is none."""
    copies = iter(result.copies)
    found = []
    for row in result.rows:
        if row.verdict != "mirrored":
            found.append(None)
            continue
        copy = next(copies, None)
        if copy is None:
            raise AssertionError("packet %s: mirrored, but there is no copy" % row.n)
        target, tunnel = known[row.session]
        try:
            payload = outer_header.udp_payload(tunnel, copy.data)
            outer_header.expect("length on the wire", copy.length, len(copy.data))
            outer_header.expect("target, vni, inner_len", (row.target, row.vni, row.inner_len),
                                (target, str(tunnel.vni), str(len(payload) - 8)))
        except outer_header.Malformed as fault:
            raise AssertionError("packet %s: %s" % (row.n, fault)) from None
        found.append(payload)
    if next(copies, None) is not None:
        raise AssertionError("more copies than mirrored packets")
    return found
