#!/usr/bin/env python3
"""test_containers.py MIRROR_PCAP: one list of packets in nine capture formats gives one answer.

pcap and pcapng of either byte order and precision, simple packet blocks, several interfaces.
"""
import os
import sys
import tempfile

import program

CONTAINERS = 9


def answer(binary, data, config, capture, folder):
    """Verdict rows and inner octets of one container."""
    path = os.path.join(data, "oracle", "configs", config)
    result = program.run(binary, path, "eni-a", "ingress", capture, folder)
    if result.status != program.DONE:
        raise AssertionError("exit status %d: %s" % (result.status, result.errors))
    rows = [tuple(getattr(row, column) for column in program.COLUMNS) for row in result.rows]
    return rows, program.payloads(result, program.tunnels(path))


def differing(binary, data, config, captures):
    """Containers whose answer is not that of the first, and how many packets there are."""
    with tempfile.TemporaryDirectory(prefix="mirror-containers-") as folder:
        answers = [answer(binary, data, config, capture, folder) for capture in captures]
    first = answers[0]
    different = [capture for capture, other in zip(captures, answers) if other != first]
    return different, len(first[0])


def main(binary):
    data = program.shared()
    folder = os.path.join(data, "captures", "derived", "same-packets")
    captures = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    wrong = 0 if len(captures) == CONTAINERS else 1
    for config in sorted(os.listdir(os.path.join(data, "oracle", "configs"))):
        different, packets = differing(binary, data, config, captures)
        for capture in different:
            print("%s: %s differs from %s" % (config, capture, captures[0]))
        print("%s: %d containers of %d packets, %d different" % (config, len(captures), packets,
                                                                 len(different)))
        wrong += len(different) + (packets == 0)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
