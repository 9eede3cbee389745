#!/usr/bin/env python3
"""test_tshark.py MIRROR_PCAP SAMPLES: another program reads our copies.

tshark decodes every copy as VXLAN with the session's VNI, and finds each outer length and
checksum right (V1).
"""
import os
import shutil
import subprocess
import sys
import tempfile

import program

# Files of the shared captures: the mix, odd packets, VXLAN inside VXLAN, tags, IPv6, link types.
CAPTURES = """derived/mix-many-flows.pcap derived/edge-cases.pcap derived/cut-ladder.pcap
  derived/header-mutations.pcap derived/same-packets/three-interfaces.pcapng""".split()
FOLDERS = "vxlan vlan-2-tags v6-fragments v4-fragments jumbo-over-9k link-sll link-raw-ip".split()
CONFIGS = "all.json three-sessions.json truncate.json".split()  # targets over IPv4 and IPv6

FIELDS = """frame.protocols vxlan.vni vxlan.flags ip.checksum.status udp.checksum.status
  udp.length ip.len ipv6.plen frame.len""".split()
CHECKS = ["ip.check_checksum:TRUE", "udp.check_checksum:TRUE", "ip.defragment:FALSE",
          "ipv6.defragment:FALSE"]
GOOD, NOT_PRESENT = "1", "3"  # of tshark's checksum status: good; illegal or not present


def decode(copies):
    """What tshark says of each copy; of each field only the first, which is the outermost."""
    command = ["tshark", "-n", "-r", copies, "-T", "fields", "-E", "occurrence=f"]
    command += [word for check in CHECKS for word in ("-o", check)]
    command += [word for field in FIELDS for word in ("-e", field)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    return [dict(zip(FIELDS, line.split("\t"))) for line in done.stdout.splitlines()]


def judge(seen, tunnel):
    """None, or what tshark finds wrong with one copy."""
    v4 = tunnel.family == 4
    outer = "eth:ethertype:%s:udp:vxlan" % ("ip" if v4 else "ipv6")
    wire = int(seen["frame.len"]) - 14
    expected = {"vxlan.vni": str(tunnel.vni), "vxlan.flags": "0x0800",
                "udp.length": str(wire - (20 if v4 else 40)),
                "ip.len" if v4 else "ipv6.plen": str(wire if v4 else wire - 40)}
    if v4:
        expected["ip.checksum.status"] = GOOD
    else:
        expected["udp.checksum.status"] = GOOD
    if not (seen["frame.protocols"] + ":").startswith(outer + ":"):
        return "protocols " + seen["frame.protocols"]
    for field, value in expected.items():
        if seen[field] != value:
            return "%s is %r, expected %r" % (field, seen[field], value)
    return None


def check(binary, config, source, capture):
    """How many copies tshark read, and how many of them it finds wrong."""
    known = program.tunnels(config)
    with tempfile.TemporaryDirectory(prefix="mirror-tshark-") as folder:
        result = program.run(binary, config, source, "ingress", capture, folder)
        if not result.copies:
            return 0, 0
        seen = decode(os.path.join(folder, "copies.pcap"))
    mirrored = [row for row in result.rows if row.verdict == "mirrored"]
    if len(seen) != len(mirrored):
        print("%s: tshark saw %d copies of %d" % (capture, len(seen), len(mirrored)))
        return len(mirrored), 1
    faults = 0
    for row, copy in zip(mirrored, seen):
        fault = judge(copy, known[row.session][1])
        if fault:
            faults += 1
            print("%s, packet %s: %s" % (capture, row.n, fault))
    return len(seen), faults


def runs(samples):
    """(configuration, source, capture) of everything to look at."""
    yield (os.path.join(samples, "table2.json"), "eni-03", os.path.join(samples, "table2.pcap"))
    data = program.find_shared()
    if not data:
        return
    captures = [os.path.join(data, "captures", name) for name in CAPTURES]
    for folder in FOLDERS:
        path = os.path.join(data, "captures", folder)
        captures += [os.path.join(path, name) for name in sorted(os.listdir(path))[:3]]
    for config in CONFIGS:
        for capture in captures:
            yield os.path.join(data, "oracle", "configs", config), "eni-a", capture


def main(binary, samples):
    if not shutil.which("tshark"):
        program.skip("tshark is not installed")
    copies = faults = 0
    for config, source, capture in runs(samples):
        count, wrong = check(binary, config, source, capture)
        copies, faults = copies + count, faults + wrong
    print("tshark: %d copies decoded, %d wrong" % (copies, faults))
    return 1 if faults or copies == 0 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
