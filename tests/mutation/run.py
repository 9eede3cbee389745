#!/usr/bin/env python3
"""run.py [--sample N] [--seed S] [--jobs N] [ROOM...]: breaks the code on purpose; do tests notice?

A mutant is the library with one operator or number of packet, match or encap (default: all three)
changed. It is linked into tests of its room, and killed if one of them fails or does not end: first
without sanitizers, then, what is left, with ASan and UBSan. Those that compile to the same code as
the original, optimised, are not counted. At least KILLED percent must be killed.

  --sample N   N mutants of each room, drawn by the seed; default: all, which takes hours
  --jobs N     at a time; default: one for each processor

Survivors are printed as `file `line`: change`. One that stands in survivors.md with the reason why
no test can tell it from the original does not count.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import re
import shlex
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build-mutation"
KILLED = 90.0
PATIENCE = 10, 20  # seconds, and times what the original takes, until a test counts as hanging
SKIPPED = 77
# The quick ones first. @: by that instruction set, else by the machine's best that passes a check.
TESTS = {
    "packet": ["test_packet_view", "test_packet_bounds", "test_link", "test_flow_hash",
               "test_checksum", "test_segment", "test_segment_checksum", "test_segment_bounds",
               "test_hops", "test_copies", "test_inner", "test_seed", "test_super",
               "test_super_accounting", "fuzz_classify"],
    "match": [f"{test}@{isa}" for test in (
                  "test_match", "test_engine_shapes", "test_forest_parts", "test_small_batches",
                  "test_engine_lists", "test_scan", "test_forest", "test_engines")
              for isa in ("avx512", "avx2", "neon", "scalar")] +
             ["test_isa_check", "test_engine_api", "test_explain", "fuzz_match"],
    "encap": ["test_encap", "test_decap", "test_copies", "test_inner", "fuzz_encap", "fuzz_decap"],
}
ARGUMENTS = {"test_engines": ["400000"]}
SURVIVOR = re.compile(r"^- (\S+) `(.+)`: (.+) \| (.+)$")

# What is changed into what. Of an increment, an arrow or a shift no part is taken.
OPERATORS = [
    (r"(?<![<>=!-])<(?![<=])", ["<=", ">="]),
    (r"(?<![<>=-])>(?![>=])", [">=", "<="]),
    (r"<=", ["<", ">"]),
    (r"(?<!>)>=", [">", "<"]),
    (r"==", ["!="]),
    (r"!=", ["=="]),
    (r"&&", ["||"]),
    (r"\|\|", ["&&"]),
    (r"(?<= )\+(?= )", ["-"]),
    (r"(?<= )-(?= )", ["+"]),
    (r"(?<= )\*(?= )", ["+"]),
    (r"(?<= )&(?= )", ["|"]),
    (r"(?<= )\|(?= )", ["&"]),
    (r"<<", [">>"]),
    (r">>", ["<<"]),
    (r"(?<![\w!])!(?=[\w(])", [""]),
    (r"\btrue\b", ["false"]),
    (r"\bfalse\b", ["true"]),
    (r"(?<![\w.])\d+(?=[uU]?\b(?!\.))", [None]),  # one more
]
NO_CODE = re.compile(r'^\s*(#|/\*|\*|//)|__builtin_prefetch|_Pragma|^\s*enum\b.*;$')
LITERAL = re.compile(r'"(?:\\.|[^"\\])*"|/\*.*?\*/')


def mutants_of(path):
    """(line number, changed line, change) for each place of a file."""
    comment = False
    for number, line in enumerate(path.read_text().splitlines()):
        if comment or "/*" in line and "*/" not in line:
            comment = "*/" not in line
            continue
        if NO_CODE.search(line):
            continue
        hidden = LITERAL.sub(lambda match: "\0" * len(match[0]), line)
        for pattern, changes in OPERATORS:
            for match in re.finditer(pattern, hidden):
                if match[0] in "<>" and re.search(r"#|include", line):
                    continue
                for change in changes:
                    text = str(int(match[0]) + 1) if change is None else change
                    yield (number, line[: match.start()] + text + line[match.end() :],
                           f"{match[0]} to {text or 'nothing'} at {match.start()}")


def quiet(command, folder=None):
    return subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


def run(test, program, seconds):
    """The program's exit status; None if it does not end in time."""
    name, _, isa = test.partition("@")
    arguments = ARGUMENTS.get(name, [])
    if name.startswith("fuzz_"):
        arguments = [str(ROOT / "tests/fuzz/corpus" / name)]
    environment = {**os.environ, **({"MIRROR_TEST_ISA": isa} if isa else {})}
    try:
        return subprocess.run([program, *arguments], cwd=program.parent, timeout=seconds,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, env=environment, check=False).returncode
    except subprocess.TimeoutExpired:
        return None


class Flavour:
    """A build of the original, and of what differs from it."""

    def __init__(self, name, jobs, *options):
        self.folder, self.codes, self.seconds = BUILD / name, {}, {}
        subprocess.run(["cmake", "-S", ROOT, "-B", self.folder, *options, "-DMIRROR_INSTALL=OFF",
                        "-DMIRROR_BUILD_EXAMPLES=OFF", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"],
                       check=True, stdout=subprocess.DEVNULL)
        wanted = sorted({test.split("@")[0] for tests in TESTS.values() for test in tests})
        subprocess.run(["cmake", "--build", self.folder, "-j", str(jobs), "--target", *wanted],
                       check=True, stdout=subprocess.DEVNULL)
        commands = json.loads((self.folder / "compile_commands.json").read_text())
        self.commands = {pathlib.Path(entry["file"]): shlex.split(entry["command"])
                         for entry in commands if "mirror_common_objects" in entry["command"]}
        self.links = {path.parent.name.removesuffix(".dir"): path
                      for path in self.folder.glob("tests/**/link.txt")}

    def compile(self, source, text_from, include, target):
        """False: the compiler refuses it. `text_from` stands for the source."""
        command = list(self.commands[source])
        command[command.index("-o") + 1] = str(target)
        command[command.index("-c") + 1] = str(text_from)
        command[1:1] = ["-w", *(["-I" + str(include)] if include else [])]
        return quiet(command, self.folder)

    def link(self, test, objects, folder):
        words = shlex.split(self.links[test].read_text())
        program = folder / test
        place = words.index("-o")
        words[place + 1] = str(program)
        words[place + 2 : place + 2] = [str(one) for one in objects.values()]
        return program if quiet(words, self.links[test].parents[2]) else None

    def program(self, test):
        """The original."""
        words = shlex.split(self.links[test].read_text())
        return self.links[test].parents[2] / words[words.index("-o") + 1]

    def original(self, source):
        """The code of a source that is not changed."""
        if source not in self.codes:
            with tempfile.TemporaryDirectory(prefix="original-") as folder:
                target = pathlib.Path(folder) / "original.o"
                self.compile(source, source, None, target)
                self.codes[source] = code_of(target)
        return self.codes[source]


class Mutant:
    def __init__(self, path, number, line, folder):
        lines = path.read_text().splitlines()
        lines[number] = line
        self.path, self.folder, self.include = path, folder, None
        self.changed = folder / path.name
        if path.suffix == ".h":
            self.include = folder / "include"
            self.changed = self.include / path.parent.name / path.name
            self.changed.parent.mkdir(parents=True)
        self.changed.write_text("\n".join(lines) + "\n")

    def objects(self, flavour, sources):
        """Of the sources; None if the compiler refuses one."""
        made = {}
        for source in sources:
            made[source] = self.folder / f"{source.parent.name}-{source.stem}.o"
            text_from = self.changed if source == self.path else source
            if not flavour.compile(source, text_from, self.include, made[source]):
                return None
        return made


class Workshop:
    def __init__(self, jobs):
        self.jobs, self.lock = jobs, threading.Lock()
        self.plain = Flavour("plain", jobs, "-DCMAKE_BUILD_TYPE=Release")
        self.strict = Flavour("strict", jobs, "-DCMAKE_BUILD_TYPE=Debug",
                              "-DMIRROR_SANITIZE=address,undefined")
        for flavour in (self.plain, self.strict):
            self.leave_out(flavour)
        self.kills = collections.defaultdict(collections.Counter)  # of tests, by file

    def sources_of(self, path):
        known = self.plain.commands
        if path.suffix == ".c":
            return [path] if path in known else []
        name = f"{path.parent.name}/{path.name}"
        seen, names = set(), {name}
        while True:  # files that include it, by way of each other
            more = {file for file in (ROOT / "libmirror").glob("*/*.[ch]") if file not in seen
                    and any(f'"{one}"' in file.read_text() for one in names)}
            if not more:
                break
            seen |= more
            names |= {f"{file.parent.name}/{file.name}" for file in more}
        return [file for file in sorted(seen) if file in known]

    @staticmethod
    def leave_out(flavour):
        """Tests that are skipped on this machine; all others must pass."""
        for room, tests in TESTS.items():
            for test in list(tests):
                begin = time.monotonic()
                result = run(test, flavour.program(test.split("@")[0]), None)
                flavour.seconds[test] = PATIENCE[0] + PATIENCE[1] * (time.monotonic() - begin)
                if result == SKIPPED:
                    tests.remove(test)
                elif result != 0:
                    sys.exit(f"{room}: {test} fails without a change: {result}")

    def killer(self, room, path, flavour, objects, folder):
        """The test that fails, or None. What killed mutants of this file comes first."""
        with self.lock:
            kills = dict(self.kills[path])
        programs = {}
        for test in sorted(TESTS[room], key=lambda test: -kills.get(test, 0)):
            name = test.split("@")[0]
            if name not in programs:
                programs[name] = flavour.link(name, objects, folder)
            if not programs[name] or run(test, programs[name], flavour.seconds[test]) != 0:
                return test
        return None

    def judge(self, room, path, number, line):
        """"killed", "same", "refused" or "survived"."""
        with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
            folder = pathlib.Path(folder)
            mutant, sources = Mutant(path, number, line, folder), self.sources_of(path)
            objects = mutant.objects(self.plain, sources)
            if not objects:
                return "refused"
            objects = {source: one for source, one in objects.items()
                       if code_of(one) != self.plain.original(source)}
            if not objects:
                return "same"
            for flavour in (self.plain, self.strict):
                if flavour is self.strict:
                    objects = mutant.objects(flavour, objects)
                killer = self.killer(room, path, flavour, objects, folder)
                if killer:
                    with self.lock:
                        self.kills[path][killer] += 1
                    return "killed"
        return "survived"


def code_of(path):
    """Instructions and constants, with what the linker will put in, without what names lines."""
    done = subprocess.run(["objdump", "-drs", path], capture_output=True, text=True, check=True)
    return done.stdout.split("\n", 2)[-1]  # without the name of the file


def read_survivors():
    found = (SURVIVOR.match(line)
             for line in (pathlib.Path(__file__).parent / "survivors.md").read_text().splitlines())
    return {(match[1], match[2], match[3]) for match in found if match}


def run_room(workshop, room, arguments, excused):
    files = sorted((ROOT / "libmirror" / room).glob("*.[ch]"))
    mutants = [(path, *mutant) for path in files if workshop.sources_of(path)
               for mutant in mutants_of(path)]
    if arguments.sample and arguments.sample < len(mutants):
        mutants = random.Random(arguments.seed).sample(mutants, arguments.sample)
    counts = {"killed": 0, "survived": 0, "same": 0, "refused": 0, "excused": 0}
    with concurrent.futures.ThreadPoolExecutor(workshop.jobs) as pool:
        jobs = {pool.submit(workshop.judge, room, path, number, line): (path, number, change)
                for path, number, line, change in mutants}
        for job in concurrent.futures.as_completed(jobs):
            path, number, change = jobs[job]
            name = str(path.relative_to(ROOT / "libmirror"))
            code = path.read_text().splitlines()[number].strip()
            result = job.result()
            if result == "survived" and (name, code, change) in excused:
                result = "excused"
            if result == "survived":
                print(f"- {name} `{code}`: {change} | ", flush=True)
            counts[result] += 1
    judged = counts["killed"] + counts["survived"]
    percent = 100.0 * counts["killed"] / max(judged, 1)
    print(f"{room}: {len(mutants)} mutants; {counts['killed']} of {judged} killed "
          f"({percent:.1f}%), {counts['excused']} excused, {counts['same']} same code, "
          f"{counts['refused']} refused by the compiler", flush=True)
    return percent >= KILLED


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("rooms", nargs="*", metavar="ROOM")
    arguments = parser.parse_args()
    workshop, excused = Workshop(arguments.jobs), read_survivors()
    good = [run_room(workshop, room, arguments, excused) for room in arguments.rooms or TESTS]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
