"""What a user of the package gets: it installs without network, and it is typed."""

import ast
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

import libmirror

import support

OLDEST = (3, 9)
SOURCES = sorted(
    path
    for folder in ("bindings/python", "examples/python", "tests/bench")
    for path in (support.ROOT / folder).rglob("*.py")
)

# What a user does with the installed package: a model, and a match that uses it.
FIRST_STEPS = """
import libmirror
with libmirror.Context() as context:
    context.load({configuration!r})
    with libmirror.Capture({capture!r}) as capture, context.plan() as plan:
        verdicts = [verdict for _, verdict in plan.judge(capture, "eni-03", libmirror.AUTO)]
    print(sum(verdict.mirrored for verdict in verdicts), "of", len(verdicts), libmirror.__file__)
"""


def installing_python() -> str:
    """An interpreter that makes virtual environments and packages without network."""
    for program in (sys.executable, "/usr/bin/python3"):
        wanted = "import ensurepip, setuptools, wheel, sys; sys.exit(sys.version_info < (3, 9))"
        try:
            subprocess.run([program, "-c", wanted], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return program
    raise unittest.SkipTest(
        "no python3 with venv, setuptools and wheel "
        "(Debian: python3-venv python3-setuptools python3-wheel)"
    )


class Installation(unittest.TestCase):
    """`pip install ./bindings/python` in a virtual environment, without network."""

    def test_pip_without_network(self) -> None:
        python = installing_python()
        with tempfile.TemporaryDirectory() as folder:
            copy, where = Path(folder, "package"), Path(folder, "environment")
            shutil.copytree(support.PACKAGE, copy, ignore=shutil.ignore_patterns("build", "*.egg*"))
            environment = support.plain_environment()
            environment.pop("PYTHONPATH", None)

            def run(program: Any, *arguments: Any) -> str:
                done = subprocess.run(
                    [program, "-B", *arguments], cwd=folder, env=environment,
                    capture_output=True, text=True, timeout=120,
                )
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                return done.stdout

            # setuptools and wheel are those of the system.
            run(python, "-m", "venv", "--system-site-packages", where)
            inside = where / "bin" / "python"
            run(
                inside, "-m", "pip", "install", "--no-build-isolation", "--no-index",
                "--disable-pip-version-check", copy,
            )
            files = {"configuration": support.CONFIGURATION, "capture": support.CAPTURE}
            steps = FIRST_STEPS.format(**{name: str(path) for name, path in files.items()})
            if "LD_PRELOAD" not in os.environ:  # else python and the library are of two kinds
                said, _, module = run(inside, "-c", steps).strip().rpartition(" ")
                self.assertEqual(said, "48 of 56")
                self.assertTrue(Path(module).is_relative_to(where), module)
                self.assertTrue(Path(module).with_name("py.typed").exists())


class OldestPython(unittest.TestCase):
    def test_syntax(self) -> None:
        self.assertGreater(len(SOURCES), 40)
        for path in SOURCES:
            ast.parse(path.read_text(), str(path), feature_version=OLDEST)

    def test_it_is_what_the_project_says(self) -> None:
        wanted = f'requires-python = ">={OLDEST[0]}.{OLDEST[1]}"'
        self.assertIn(wanted, (support.PACKAGE / "pyproject.toml").read_text().splitlines())


class Types(unittest.TestCase):
    @unittest.skipUnless(shutil.which("mypy"), "no mypy")
    def test_strictly(self) -> None:
        checked = [support.PACKAGE / "libmirror", *(support.ROOT / "examples/python").glob("*.py")]
        with tempfile.TemporaryDirectory() as cache:
            command = ["mypy", "--strict", "--cache-dir", cache, "--python-version", "3.9"]
            command += map(str, checked)
            environment = {**support.plain_environment(), "MYPYPATH": str(support.PACKAGE)}
            environment.pop("PYTHONPATH", None)
            done = subprocess.run(command, capture_output=True, text=True, env=environment)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_names(self) -> None:
        for name in libmirror.__all__:
            self.assertTrue(hasattr(libmirror, name), name)
        for name, value in vars(libmirror).items():
            if getattr(value, "__module__", "").startswith("libmirror.") and name[0] != "_":
                self.assertIn(name, libmirror.__all__)

    def test_everything_public_says_what_it_is(self) -> None:
        for name in libmirror.__all__:
            value = getattr(libmirror, name)
            if isinstance(value, type):
                self.assertTrue(value.__doc__, name)


class Lines(unittest.TestCase):
    def test_length(self) -> None:
        for folder in (support.PACKAGE, support.ROOT / "examples" / "python"):
            for path in folder.rglob("*.py"):
                for number, line in enumerate(path.read_text().splitlines(), 1):
                    self.assertLessEqual(len(line), 100, f"{path.name}:{number}")


if __name__ == "__main__":
    sys.exit(unittest.main())
