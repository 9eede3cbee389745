#!/usr/bin/env python3
"""test_oracle.py MIRROR_PCAP: verdicts and copies of every row of the oracle's expected.tsv.

A row is a capture, a configuration, a source and a direction; its digest is over
verdict|session|rule priority|sha256(UDP payload) of each packet. Outer headers and time stamps of
the copies are checked as well.
"""
import collections
import concurrent.futures
import hashlib
import importlib.util
import os
import sys
import tempfile

import capture_file
import program

WORKERS = 2
STATUS = {"clean": program.DONE, "cut": program.DAMAGED, "refused-record": program.DAMAGED}
SHOWN = 40


def lines_of(result, config):
    """One line for each packet, as the oracle writes it."""
    found = []
    for row, payload in zip(result.rows, program.payloads(result, program.tunnels(config))):
        verdict = "unclassifiable" if row.verdict == "unparsable" else row.verdict
        digest = hashlib.sha256(payload).hexdigest() if payload is not None else ""
        found.append("%s|%s|%s|%s\n" % (verdict, row.session, row.rule, digest))
    return found


def check_packets(result, records):
    """Captured lengths, and the time stamps of copies to the nanosecond."""
    mirrored = iter(result.copies)
    for row, record in zip(result.rows, records):
        if row.caplen != str(len(record.data)):
            return "packet %s: caplen %s, expected %d" % (row.n, row.caplen, len(record.data))
        if row.verdict != "mirrored":
            continue
        copy = next(mirrored)
        found = copy.seconds * 10**9 + copy.nanoseconds
        expected = (record.seconds * 10**9 + record.nanoseconds) % (10**9 << 32)
        if found != expected:
            return "packet %s: time stamp %d ns, expected %d ns" % (row.n, found, expected)
    return None


def oracle_lines(data, config, row, records):
    """The oracle's own lines, to find the packet that makes a digest differ."""
    spec = importlib.util.spec_from_file_location("oracle",
                                                  os.path.join(data, "oracle", "oracle.py"))
    oracle = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(oracle)
    model = oracle.Config(oracle.load(config))
    found = []
    for record in records:
        verdict, session, rule = model.decide(row["source"], row["direction"],
                                              oracle.classify(record.data))
        digest = ""
        if verdict == "mirrored":
            inner = record.data[:model.inner_limit(row["source"], session)]
            digest = hashlib.sha256(oracle.vxlan_header(session["vni"]) + inner).hexdigest()
        found.append("%s|%s|%s|%s\n" % (verdict, session["id"] if session else "",
                                        rule.priority if rule else "", digest))
    return found


def first_difference(data, config, row, records, lines):
    expected = oracle_lines(data, config, row, records[:int(row["packets"])])
    for n, (ours, theirs) in enumerate(zip(lines, expected), 1):
        if ours != theirs:
            return "packet %d: %s, oracle %s, octets %s" % (n, ours.strip(), theirs.strip(),
                                                            records[n - 1].data[:96].hex())
    return "%d packets, oracle %d" % (len(lines), len(expected))


def judge(binary, data, folder, row):
    """None, or what differs in one row."""
    capture = os.path.join(data, "captures", row["file"])
    config = os.path.join(data, "oracle", "configs", row["config"] + ".json")
    result = program.run(binary, config, row["source"], row["direction"], capture, folder)
    records = capture_file.read(capture)[1]
    lines = lines_of(result, config)
    if hashlib.sha256("".join(lines).encode()).hexdigest() != row["digest"]:
        return (first_difference(data, config, row, records, lines) + "; " +
                result.errors.strip())
    if result.status != STATUS[row["end"]]:
        return "exit status %d, expected %d (%s): %s" % (result.status, STATUS[row["end"]],
                                                         row["end"], result.errors.strip())
    return check_packets(result, records)


def job(binary, data, rows):
    """Judges the rows of one capture and configuration; the differences found."""
    differences = []
    with tempfile.TemporaryDirectory(prefix="mirror-oracle-") as folder:
        for row in rows:
            try:
                fault = judge(binary, data, folder, row)
            except AssertionError as error:
                fault = str(error)
            if fault:
                differences.append("%(file)s %(config)s %(source)s %(direction)s: " % row + fault)
    return len(rows), differences


def read_rows(data):
    with open(os.path.join(data, "oracle", "expected.tsv"), encoding="utf-8") as file:
        names, *rows = [line.rstrip("\n").split("\t") for line in file]
    return [dict(zip(names, row)) for row in rows]


def jobs(rows):
    """Rows by capture and configuration, the longest first."""
    groups = collections.defaultdict(list)
    for row in rows:
        groups[row["file"], row["config"]].append(row)
    return sorted(groups.values(), key=lambda group: -sum(int(row["packets"]) for row in group))


def main(binary):
    program.check_isa(binary)
    data = program.shared()
    rows = read_rows(data)
    differences, judged = [], 0
    with concurrent.futures.ProcessPoolExecutor(WORKERS) as pool:
        pending = [pool.submit(job, binary, data, group) for group in jobs(rows)]
        for done in concurrent.futures.as_completed(pending):
            count, found = done.result()
            judged += count
            differences += found
    for line in sorted(differences)[:SHOWN]:
        print(line)
    if len(differences) > SHOWN:
        print("... and %d more" % (len(differences) - SHOWN))
    print("oracle rows: %d equal, %d different" % (judged - len(differences), len(differences)))
    return 1 if differences or judged == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
