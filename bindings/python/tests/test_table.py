"""The declaration table is the headers', the library's, and what the package uses."""

import ctypes
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import libmirror
from libmirror import _abi, _declare
from libmirror._library import lib, types
from libmirror.constants import COUNTERS, Counter, declared_constants
from libmirror.stats import Stats
from dataclasses import fields

import make_check
import support

HEADERS = sorted((support.ROOT / "include" / "libmirror").rglob("*.h"))


def header_text() -> str:
    text = "\n".join(header.read_text() for header in HEADERS)
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


class Headers(unittest.TestCase):
    def test_every_function_is_in_the_table(self) -> None:
        function = re.compile(r"^MIRROR_API [^(;]*?(mirror_\w+)\(", re.MULTILINE)
        declared = set(function.findall(header_text()))
        self.assertEqual(declared, set(vars(lib)))

    def test_every_constant_is_in_the_table(self) -> None:
        defined = set(re.findall(r"^#define (MIRROR_\w+) ", header_text(), re.MULTILINE))
        ours = {"MIRROR_API", "MIRROR_VERSION_MINOR", "MIRROR_VERSION_PATCH"}
        self.assertEqual(defined - ours, {name for name, _ in declared_constants()})

    def test_every_struct_is_in_the_table(self) -> None:
        defined = re.findall(r"^typedef struct (mirror_\w+)", header_text(), re.MULTILINE)
        self.assertEqual(set(defined), set(vars(types)))


class Constants(unittest.TestCase):
    def test_the_library_knows_all_of_them(self) -> None:
        found = libmirror.constants.values()
        minor, patch = found.pop("MIRROR_VERSION_MINOR"), found.pop("MIRROR_VERSION_PATCH")
        self.assertEqual(f"{_abi.MAJOR}.{minor}.{patch}", libmirror.library_version)
        ours = {name: value % 2**64 for name, value in declared_constants()}
        self.assertEqual({name: value % 2**64 for name, value in found.items()}, ours)

    def test_one(self) -> None:
        self.assertEqual(libmirror.constants.value("MIRROR_VXLAN_PORT"), 4789)
        self.assertRaises(KeyError, libmirror.constants.value, "MIRROR_NONE_SUCH")


class Exports(unittest.TestCase):
    @unittest.skipUnless(shutil.which("nm"), "no nm")
    def test_every_exported_function_is_in_the_table(self) -> None:
        path = Path(os.environ["LIBMIRROR_PATH"])
        path = path / "libmirror.so" if path.is_dir() else path
        command = ["nm", "-D", "--defined-only", str(path)]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        exported = set(re.findall(r" T (mirror_\w+)", listed))
        self.assertEqual(exported, set(vars(lib)))


class CheckProgram(unittest.TestCase):
    """tests/make_check.py's program, compiled and run."""

    @classmethod
    def setUpClass(cls) -> None:
        compiler = os.environ.get("CC") or shutil.which("cc")
        if not compiler:
            raise unittest.SkipTest("no C compiler")
        with tempfile.TemporaryDirectory() as folder:
            source, program = Path(folder, "check.c"), Path(folder, "check")
            source.write_text(make_check.program())
            include = f"-I{support.ROOT / 'include'}"
            command = [compiler, "-std=gnu11", include, str(source), "-o", str(program)]
            options = {"env": support.plain_environment(), "check": True}
            subprocess.run(command, **options)
            printed = subprocess.run([program], capture_output=True, text=True, **options).stdout
        lines = (line.split() for line in printed.splitlines())
        cls.found = {name: tuple(map(int, numbers)) for name, *numbers in lines}

    def test_sizes_and_offsets(self) -> None:
        for struct in _declare.structs():
            ours = getattr(types, struct.name)
            self.assertEqual(self.found[struct.name], (ctypes.sizeof(ours),), struct.name)
            for field in struct.fields:
                place = getattr(ours, field.name)
                name = f"{struct.name}.{field.name}"
                self.assertEqual(self.found[name], (place.offset, place.size), name)

    @unittest.skipUnless(ctypes.sizeof(ctypes.c_void_p) == 8, "of 64-bit machines")
    def test_no_hidden_padding(self) -> None:
        for struct in _declare.structs():
            end = 0
            for field in struct.fields:
                offset, size = self.found[f"{struct.name}.{field.name}"]
                self.assertEqual(offset, end, f"padding in front of {struct.name}.{field.name}")
                end = offset + size
            self.assertEqual(self.found[struct.name], (end,), f"{struct.name} has a padded end")

    def test_constants(self) -> None:
        for name, value in declared_constants():
            self.assertEqual(self.found[name][0] % 2**64, value % 2**64, name)


class Names(unittest.TestCase):
    def test_of_statuses(self) -> None:
        for code in libmirror.Code:
            prefix = "MIRROR_" if code == libmirror.Code.OK else "MIRROR_E_"
            name = lib.mirror_status_name(code).decode()
            self.assertEqual(name, prefix + code.name)

    def test_of_the_release(self) -> None:
        version = lib.mirror_version()
        self.assertEqual((version >> 16, version >> 8 & 255), (_abi.MAJOR, _abi.MINOR))
        self.assertEqual(libmirror.library_version, lib.mirror_version_text().decode())

    def test_of_counters(self) -> None:
        names = [counter.text for counter in Counter]
        self.assertEqual(len(names), COUNTERS)
        self.assertEqual(names, [field.name for field in fields(Stats)][1:])

    def test_words(self) -> None:
        self.assertEqual(libmirror.VerdictKind.MIRRORED.text, "mirrored")
        self.assertEqual(libmirror.Isa.SCALAR.text, "scalar")
        self.assertEqual(libmirror.Structure.NONE.text, "none")
        self.assertTrue(libmirror.DropReason.RATE.text)
        self.assertTrue(libmirror.Unparsable.NOT_IP.text)
        self.assertTrue(libmirror.LinkType.ETHERNET.text)
        self.assertEqual(libmirror.Code.VNI.text, lib.mirror_strerror(-35).decode())

    def test_of_unknown_values(self) -> None:
        newer = libmirror.VerdictKind(99)
        self.assertEqual((newer, newer.name), (99, "UNKNOWN_99"))
        self.assertEqual(libmirror.MirrorError(-9999).code, -9999)
