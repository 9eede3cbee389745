#!/usr/bin/env python3
"""test_captures.py MIRROR_PCAP: every capture there is, of any link type, damaged or not.

mirror-pcap never crashes, ends with a documented status, judges each packet of a link type that
can be mirrored (V7), and says in one message what is wrong with the others.
"""
import collections
import concurrent.futures
import csv
import os
import re
import sys
import tempfile

import program

WORKERS = 2
CONFIG = "all.json"
# NULL, Ethernet, RAW (also by its BSD and OpenBSD numbers), LOOP, SLL, IPV4, IPV6, SLL2
MIRRORABLE = {0, 1, 12, 14, 101, 108, 113, 228, 229, 276}


def link_types(text):
    """Link type numbers of a manifest's cell, such as "0/NULL+1/EN10MB"."""
    return {int(number) for number in re.findall(r"(?:^|\+)(\d+)/", text)}


def one_message(errors):
    lines = errors.splitlines()
    return len(lines) == 1 and lines[0].startswith("mirror-pcap: ") and len(lines[0]) > 30


def judge(result, entry):
    """None, or what is wrong with what mirror-pcap did."""
    if result.status not in (program.DONE, program.DAMAGED, program.IO):
        return "exit status %d" % result.status
    if result.status == program.DONE and result.errors:
        return "status 0 and a message: " + result.errors
    if result.status != program.DONE and not one_message(result.errors):
        return "status %d without one clear message: %r" % (result.status, result.errors)
    types, packets = link_types(entry["linktype"]), int(entry["packets"] or 0)
    if types and types <= MIRRORABLE and result.status == program.IO:
        return "refused: " + result.errors
    if types and not types & MIRRORABLE and packets and result.status == program.DONE:
        return "a link type that cannot be mirrored was taken"
    if result.status == program.DONE and packets and len(result.rows) != packets:
        return "%d verdicts for %d packets" % (len(result.rows), packets)
    return None


def job(binary, data, entry):
    config = os.path.join(data, "oracle", "configs", CONFIG)
    capture = os.path.join(data, "captures", entry["file"])
    with tempfile.TemporaryDirectory(prefix="mirror-captures-") as folder:
        try:
            result = program.run(binary, config, "eni-a", "ingress", capture, folder)
            program.payloads(result, program.tunnels(config))
            return result.status, judge(result, entry)
        except AssertionError as error:
            return None, str(error)


def read_manifest(data):
    with open(os.path.join(data, "captures", "MANIFEST.tsv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def main(binary):
    data = program.shared()
    manifest = read_manifest(data)
    wrong, statuses = 0, collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        results = pool.map(lambda entry: job(binary, data, entry), manifest)
        for entry, (status, fault) in zip(manifest, results):
            statuses[status] += 1
            if fault:
                wrong += 1
                print("%s (%s): %s" % (entry["file"], entry["linktype"], fault))
    print("captures: %d, wrong: %d; exit status 0: %d, 1 (damaged): %d, 4 (refused): %d" %
          (len(manifest), wrong, statuses[program.DONE], statuses[program.DAMAGED],
           statuses[program.IO]))
    return 1 if wrong or not manifest else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
