#!/usr/bin/env python3
"""run.py [--sample N] [--seed S] [ROOM...]: breaks the code on purpose; do tests notice?

A mutant is the library with one operator or number of packet, match or encap (default: all three)
changed. It is compiled with ASan and UBSan, linked into tests of its room and killed if one of
them fails or does not end. Those that compile to the same instructions as the original are not
counted. At least KILLED percent must be killed.

  --sample N   N mutants of each room, drawn by the seed; default: all, which takes hours

Survivors are printed as `file `line`: change`. One that stands in survivors.md with the reason why
no test can tell it from the original does not count.
"""
import argparse
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

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build-mutation"
KILLED = 90.0
SECONDS = 60  # for one test
TESTS = {
    "packet": ["test_packet_view", "test_packet_bounds", "test_link", "test_flow_hash",
               "test_checksum", "test_segment", "test_segment_checksum", "test_segment_bounds",
               "test_hops", "fuzz_classify", "test_super", "test_super_accounting", "test_copies",
               "test_inner", "test_seed"],
    "match": ["test_match", "test_engine_lists", "test_scan", "fuzz_match", "test_engine_api",
              "test_forest", "test_engines", "test_explain"],
    "encap": ["test_encap", "test_decap", "fuzz_encap", "fuzz_decap", "test_copies", "test_inner"],
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


class Workshop:
    def __init__(self):
        configure = ["cmake", "-S", ROOT, "-B", BUILD, "-DCMAKE_BUILD_TYPE=Debug",
                     "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-DMIRROR_BUILD_EXAMPLES=OFF",
                     "-DMIRROR_SANITIZE=address,undefined",
                     "-DMIRROR_INSTALL=OFF"]
        subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
        wanted = sorted({test for tests in TESTS.values() for test in tests})
        subprocess.run(["cmake", "--build", BUILD, "-j", str(os.cpu_count()), "--target", *wanted],
                       check=True, stdout=subprocess.DEVNULL)
        commands = json.loads((BUILD / "compile_commands.json").read_text())
        self.commands = {}
        for entry in commands:
            if "mirror_common_objects" in entry["command"]:
                self.commands[pathlib.Path(entry["file"])] = shlex.split(entry["command"])
        self.links = {path.parent.name.removesuffix(".dir"): path
                      for path in BUILD.glob("tests/**/link.txt")}

    def compile(self, source, text_from, include, target):
        """False: the compiler refuses it. `text_from` stands for the source."""
        command = list(self.commands[source])
        command[command.index("-o") + 1] = str(target)
        command[command.index("-c") + 1] = str(text_from)
        command[1:1] = ["-w", *(["-I" + str(include)] if include else [])]
        return subprocess.run(command, cwd=BUILD, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0

    def sources_of(self, path):
        if path.suffix == ".c":
            return [path] if path in self.commands else []
        name = f"{path.parent.name}/{path.name}"
        seen, names = set(), {name}
        while True:  # files of the room that include it, by way of each other
            more = {file for file in (ROOT / "libmirror").glob("*/*.[ch]") if file not in seen
                    and any(f'"{one}"' in file.read_text() for one in names)}
            if not more:
                break
            seen |= more
            names |= {f"{file.parent.name}/{file.name}" for file in more}
        return [file for file in sorted(seen) if file in self.commands]

    def link(self, test, objects, folder):
        words = shlex.split(self.links[test].read_text())
        program = folder / test
        place = words.index("-o")
        words[place + 1] = str(program)
        words[place + 2 : place + 2] = [str(one) for one in objects]
        done = subprocess.run(words, cwd=self.links[test].parents[2], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        return program if done.returncode == 0 else None

    def fails(self, test, program):
        arguments = ARGUMENTS.get(test, [])
        if test.startswith("fuzz_"):
            arguments = [str(ROOT / "tests/fuzz/corpus" / test)]
        try:
            done = subprocess.run([program, *arguments], cwd=program.parent, timeout=SECONDS,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return True
        return done.returncode != 0

    def compile_all(self, path, text, folder):
        """The objects of a mutant, or None."""
        include = None
        changed = folder / path.name
        if path.suffix == ".h":
            include = folder / "include"
            changed = include / path.parent.name / path.name
            changed.parent.mkdir(parents=True)
        changed.write_text(text)
        objects = []
        for source in self.sources_of(path):
            objects.append(folder / f"{source.parent.name}-{source.stem}.o")
            text_from = changed if source == path else source
            if not self.compile(source, text_from, include, objects[-1]):
                return None
        return objects

    def judge(self, room, path, number, line):
        """"killed", "same", "refused" or "survived"."""
        lines = path.read_text().splitlines()
        original = "\n".join(lines) + "\n"
        lines[number] = line
        with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
            folders = [pathlib.Path(folder) / name for name in ("mutant", "original")]
            for one in folders:
                one.mkdir()
            objects = self.compile_all(path, "\n".join(lines) + "\n", folders[0])
            if not objects:
                return "refused"
            before = self.compile_all(path, original, folders[1])
            if all(code_of(a) == code_of(b) for a, b in zip(objects, before)):
                return "same"
            for test in TESTS[room]:
                program = self.link(test, objects, folders[0])
                if program is None or self.fails(test, program):
                    return "killed"
        return "survived"


def code_of(path):
    """The instructions and constants, without what names lines."""
    stripped = path.with_suffix(".stripped")
    sections = ["-j", ".text*", "-j", ".rodata*", "-j", ".data*"]
    subprocess.run(["objcopy", "-O", "binary", *sections, path, stripped], check=False,
                   stderr=subprocess.DEVNULL)
    return stripped.read_bytes() if stripped.exists() else b""


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
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
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
    parser.add_argument("rooms", nargs="*", metavar="ROOM")
    arguments = parser.parse_args()
    workshop, excused = Workshop(), read_survivors()
    good = [run_room(workshop, room, arguments, excused) for room in arguments.rooms or TESTS]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
