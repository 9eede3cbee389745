"""What a user of the package gets: it installs without network, and it is typed."""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import libmirror

import support


def has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


class Installation(unittest.TestCase):
    @unittest.skipUnless(
        all(map(has, ("pip", "setuptools", "wheel"))), "no pip, setuptools or wheel"
    )
    def test_pip_without_network(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            copy, where = Path(folder, "package"), Path(folder, "installed")
            shutil.copytree(support.PACKAGE, copy, ignore=shutil.ignore_patterns("build", "*.egg*"))
            done = support.python(
                "-m", "pip", "install", "--no-build-isolation", "--no-index", "--no-deps",
                "--disable-pip-version-check", "--target", where, copy,
                env=support.plain_environment(),
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue((where / "libmirror" / "py.typed").exists())
            said = support.python("-c", "import libmirror; print(libmirror.__file__)", cwd=where)
            self.assertEqual(Path(said.stdout.strip()).parent, where / "libmirror")


class Types(unittest.TestCase):
    @unittest.skipUnless(shutil.which("mypy"), "no mypy")
    def test_strictly(self) -> None:
        checked = [support.PACKAGE / "libmirror", *(support.ROOT / "examples/python").glob("*.py")]
        with tempfile.TemporaryDirectory() as cache:
            command = ["mypy", "--strict", "--cache-dir", cache, *map(str, checked)]
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
