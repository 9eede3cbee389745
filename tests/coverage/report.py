#!/usr/bin/env python3
"""report.py COVERAGE.json UNCOVERED.md: what gcovr measured, room by room; is it enough?

The library as a whole must reach LINES and BRANCHES percent. In the rooms of STRICT every branch is
either taken or stands in UNCOVERED.md with the reason why it is not:

    - file `line of code`: reason

An entry that is no longer needed is an error as well.
"""
import json
import pathlib
import re
import sys

LINES, BRANCHES = 95.0, 90.0
STRICT = ("packet", "match", "encap")
ENTRY = re.compile(r"^- (\S+) `(.+)`: (.+)$")


class Figures:
    def __init__(self):
        self.lines = self.lines_taken = self.branches = self.branches_taken = 0

    def add(self, line):
        self.lines += 1
        self.lines_taken += line["count"] > 0
        self.branches += len(line["branches"])
        self.branches_taken += sum(branch["count"] > 0 for branch in line["branches"])

    def percent(self):
        return (
            100.0 * self.lines_taken / max(self.lines, 1),
            100.0 * self.branches_taken / self.branches if self.branches else 100.0,
        )


def is_missing(line):
    return line["count"] == 0 or any(branch["count"] == 0 for branch in line["branches"])


def read_entries(path):
    """What is excused: {(file, code): reason}."""
    found = (ENTRY.match(line) for line in path.read_text().splitlines())
    return {(match[1], match[2]): match[3] for match in found if match}


def main(report, excuses):
    root = pathlib.Path(__file__).resolve().parents[2]
    entries = read_entries(pathlib.Path(excuses))
    rooms, everything, missing = {}, Figures(), set()
    for file in json.loads(pathlib.Path(report).read_text())["files"]:
        name = file["file"][file["file"].index("libmirror/") :]
        code = (root / name).read_text().splitlines()
        name = name.removeprefix("libmirror/")
        room = name.split("/")[0]
        for line in file["lines"]:
            if line.get("gcovr/noncode"):
                continue
            rooms.setdefault(room, Figures()).add(line)
            everything.add(line)
            if room in STRICT and is_missing(line):
                missing.add((name, code[line["line_number"] - 1].strip()))
    print(f"{'room':10} {'lines':>8} {'branches':>9}")
    for room, figures in sorted(rooms.items()) + [("library", everything)]:
        print("{:10} {:7.2f}% {:8.2f}%".format(room, *figures.percent()))
    failures = [f"{name}: not covered, and not excused: {code}"
                for name, code in missing - entries.keys()]
    failures += [f"{name}: excused, but covered or gone: {code}"
                 for name, code in entries.keys() - missing]
    lines, branches = everything.percent()
    if lines < LINES or branches < BRANCHES:
        failures.append(f"the library has {lines:.2f}% of lines and {branches:.2f}% of branches, "
                        f"expected {LINES} and {BRANCHES}")
    print(f"{len(missing)} lines of {', '.join(STRICT)} with branches that are not taken, "
          f"{len(entries)} excused")
    print("\n".join(sorted(failures)), file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
