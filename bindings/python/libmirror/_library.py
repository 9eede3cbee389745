"""Finds and loads the C library, and makes sure that it is one this package can work with.

It is looked for in this order: what LIBMIRROR_PATH names (a file, or the folder it is in), the
folder of this package, and where the system looks for libraries.
"""

from __future__ import annotations

import ctypes
import os
import sys
from types import SimpleNamespace
from typing import Any, List

from . import _abi
from ._declare import Declarations, declarations

VARIABLE = "LIBMIRROR_PATH"


class LibraryError(ImportError):
    """The C library was not found, or is of a release that this package cannot work with."""


def _file_names() -> List[str]:
    if sys.platform == "darwin":
        return [f"libmirror.{_abi.MAJOR}.dylib", "libmirror.dylib"]
    return [f"libmirror.so.{_abi.MAJOR}", "libmirror.so"]


def _in_folder(folder: str) -> List[str]:
    paths = [os.path.join(folder, name) for name in _file_names()]
    return [path for path in paths if os.path.exists(path)]


def _candidates() -> List[str]:
    named = os.environ.get(VARIABLE)
    if not named:
        return _in_folder(os.path.dirname(os.path.abspath(__file__))) + _file_names()
    found = _in_folder(named) if os.path.isdir(named) else [named]
    if not found:
        names = " or ".join(_file_names())
        raise LibraryError(f"{VARIABLE} names the folder {named}: there is no {names} in it")
    return found


def _load() -> Any:
    failures = []
    for candidate in _candidates():
        try:
            return ctypes.CDLL(candidate)
        except OSError as error:
            failures.append(str(error))
    raise LibraryError(
        "the C library libmirror cannot be loaded: install it, or name its file or folder in "
        f"the environment variable {VARIABLE} (" + "; ".join(failures) + ")"
    )


def _wanted() -> str:
    return f"expected {_abi.MAJOR}.{_abi.MINOR} or a later {_abi.MAJOR}.x"


def _shake_hands(library: Any) -> None:
    """Refuses a library that is too old or too new."""
    try:
        version = ctypes.CFUNCTYPE(ctypes.c_uint32)(("mirror_version", library))()
    except AttributeError:
        raise LibraryError(f"{library._name} is not libmirror: no mirror_version in it") from None
    major, minor, patch = version >> 16, version >> 8 & 255, version & 255
    if (major, minor) >= (_abi.MAJOR, _abi.MINOR) and major == _abi.MAJOR:
        return
    age = "new" if major > _abi.MAJOR else "old"
    raise LibraryError(
        f"{library._name} is libmirror {major}.{minor}.{patch}, too {age} for this Python "
        f"package: {_wanted()}"
    )


def _bind(library: Any, declared: Declarations) -> SimpleNamespace:
    """The functions of the table with their prototypes."""
    functions = SimpleNamespace()
    for name, (result, arguments) in declared.functions.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise LibraryError(
                f"{library._name} has no {name}: it is too old for this Python package "
                f"({_wanted()})"
            ) from None
        function.restype, function.argtypes = result, arguments
        setattr(functions, name, function)
    return functions


def _open() -> Any:
    library = _load()
    _shake_hands(library)
    return library


_declared = declarations()
_loaded = _open()
lib: Any = _bind(_loaded, _declared)  # lib.mirror_version()
types: Any = SimpleNamespace(**_declared.types)  # types.mirror_packet
callbacks: Any = SimpleNamespace(**_declared.callbacks)  # callbacks.mirror_packet_fn


def new(name: str) -> Any:
    """A struct with the library's defaults: new("mirror_rule")."""
    struct = getattr(types, name)()
    getattr(lib, name + "_init")(ctypes.byref(struct), ctypes.sizeof(struct))
    return struct


def text(octets: Any) -> str:
    """A C string of the library that is never NULL."""
    return "" if octets is None else bytes(octets).decode("utf-8", "replace")


def optional_text(octets: Any) -> Any:
    """A C string, None for NULL."""
    return None if octets is None else text(octets)


def octets(value: str) -> bytes:
    """A str as the C library takes it."""
    if "\0" in value:
        raise ValueError(f"a NUL character in {value!r}")
    return value.encode("utf-8")
