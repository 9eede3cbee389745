"""Finding the C library, and refusing one that does not fit."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import support

IMPORT = "import libmirror; print(libmirror.library_version)"
FAKE = "unsigned mirror_version(void) { return %s; }"


def run_import(path: str, package: Path = support.PACKAGE) -> str:
    environment = {**os.environ, "PYTHONPATH": str(package), "LIBMIRROR_PATH": path}
    done = support.python("-c", IMPORT, env=environment, cwd=package)
    return done.stdout + done.stderr


class Search(unittest.TestCase):
    def test_file_and_folder(self) -> None:
        folder = Path(os.environ["LIBMIRROR_PATH"])
        self.assertEqual(run_import(str(folder)), "0.1.0\n")
        self.assertEqual(run_import(str(folder / "libmirror.so")), "0.1.0\n")

    def test_folder_of_the_package(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            package = Path(folder, "libmirror")
            shutil.copytree(support.PACKAGE / "libmirror", package)
            library = Path(os.environ["LIBMIRROR_PATH"], "libmirror.so").resolve()
            shutil.copy(library, package / "libmirror.so.0")
            self.assertEqual(run_import("", Path(folder)), "0.1.0\n")

    def test_where_the_system_looks(self) -> None:
        folder = os.environ["LIBMIRROR_PATH"]
        with mock.patch.dict(os.environ, LD_LIBRARY_PATH=folder):
            self.assertEqual(run_import(""), "0.1.0\n")

    def test_missing(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            said = run_import(folder)
            self.assertIn("LibraryError: LIBMIRROR_PATH names the folder", said)
            self.assertIn("there is no libmirror.so.0", said)
        said = run_import("no-such-file.so")
        self.assertIn("install it, or name its file or folder", said)
        self.assertIn("no-such-file.so", said)


@unittest.skipUnless(shutil.which("cc"), "no C compiler")
class Handshake(unittest.TestCase):
    def import_with(self, source: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            code, library = Path(folder, "fake.c"), Path(folder, "libmirror.so.0")
            code.write_text(source)
            command = ["cc", "-shared", "-fPIC", str(code), "-o", str(library)]
            subprocess.run(command, check=True, env=support.plain_environment())
            return run_import(folder)

    def test_too_new(self) -> None:
        said = self.import_with(FAKE % "1 << 16 | 2 << 8")
        self.assertIn("is libmirror 1.2.0, too new for this Python package", said)
        self.assertIn("expected 0.1 or a later 0.x", said)

    def test_too_old(self) -> None:
        self.assertIn("is libmirror 0.0.9, too old for", self.import_with(FAKE % "9"))

    def test_function_missing(self) -> None:
        said = self.import_with(FAKE % "1 << 8")
        self.assertIn("has no mirror_", said)
        self.assertIn("it is too old for this Python package", said)

    def test_another_library(self) -> None:
        self.assertIn("is not libmirror: no mirror_version", self.import_with("int other;"))
