"""Exceptions: everything that the library's error report says."""

from __future__ import annotations

import ctypes
from typing import Any, Dict, Optional, Sequence, Tuple, Type

from ._library import lib, new, text
from .constants import Code, Object


class MirrorError(Exception):
    """The library refused something; str() is its sentence about it."""

    code: Code
    object: Object  # what it is about
    object_id: str  # of a rule: filter/direction/priority
    field: str  # the configuration file's name of the field
    value: str  # what was found
    expected: str  # what would have been accepted
    file: str
    line: int  # configuration files: from 1; 0 = no position
    column: int
    offset: int  # capture files: octets from the start to the damage
    os_error: int  # errno, 0 if none
    text: str
    errors: Tuple["MirrorError", ...]  # all errors of a configuration file or transaction

    def __init__(self, code: int, sentence: str = "", **fields: Any) -> None:
        self.code = Code(code)
        self.text = sentence or self.code.text
        super().__init__(self.text)
        self.object = Object(fields.get("object", 0))
        for name in ("object_id", "field", "value", "expected", "file"):
            setattr(self, name, fields.get(name, ""))
        for name in ("line", "column", "offset", "os_error"):
            setattr(self, name, fields.get(name, 0))
        self.errors = tuple(fields.get("errors", ()))

    @property
    def name(self) -> str:
        """The constant's name in C, such as "MIRROR_E_VNI"."""
        return text(lib.mirror_status_name(self.code))

    def __reduce__(self) -> Any:
        fields = {name: value for name, value in vars(self).items() if name not in ("code", "text")}
        return _restore, (int(self.code), self.text, fields)


def _restore(code: int, sentence: str, fields: Dict[str, Any]) -> MirrorError:
    return class_of(code)(code, sentence, **fields)


class ModelError(MirrorError):
    """A field, a reference or a combination of objects that is not allowed."""


class QuotaError(ModelError):
    """More objects than a quota allows."""


class NotFoundError(MirrorError, LookupError):
    """There is no object with that id."""


class BusyError(MirrorError):
    """A transaction is open on this context already."""


class NoMemoryError(MirrorError, MemoryError):
    """An allocation failed; nothing was changed."""


class UnsupportedError(MirrorError):
    """Left out of this build of the library, or not offered by the machine or the backend."""


class ConfigurationError(MirrorError):
    """A configuration file that cannot be understood."""


class CaptureError(MirrorError):
    """An input or output failed."""


class EndOfInput(CaptureError):
    """The input has no more packets, ever."""


class Interrupted(CaptureError):
    """`interrupt` was called."""


class DecapsulationError(MirrorError):
    """A received datagram was refused."""


_single: Dict[int, Type[MirrorError]] = {
    Code.NOMEM: NoMemoryError,
    Code.UNSUPPORTED: UnsupportedError,
    Code.NOT_FOUND: NotFoundError,
    Code.BUSY: BusyError,
    Code.END: EndOfInput,
    Code.INTERRUPTED: Interrupted,
}

# Codes stand in groups (base.h): from this one down to the next.
_groups: Sequence[Tuple[int, Type[MirrorError]]] = (
    (Code.OUTER_SHORT, DecapsulationError),
    (Code.END, CaptureError),
    (Code.JSON_SYNTAX, ConfigurationError),
    (Code.QUOTA_SOURCES_PER_SESSION, QuotaError),
    (Code.ID, ModelError),
)


def class_of(code: int) -> Type[MirrorError]:
    """The exception for a status code."""
    if code in _single:
        return _single[code]
    return next((found for first, found in _groups if code <= first), MirrorError)


def from_status(code: int, sentence: str = "") -> MirrorError:
    """The exception for a status without a report."""
    return class_of(code)(code, sentence)


def from_report(report: Any, code: Optional[int] = None) -> MirrorError:
    """The exception that says what a mirror_report says."""
    fields: Dict[str, Any] = {
        name: text(getattr(report, name))
        for name in ("object_id", "field", "value", "expected", "file")
    }
    for name in ("object", "line", "column", "offset", "os_error"):
        fields[name] = getattr(report, name)
    status = report.code if code is None else code
    return class_of(status)(status, text(report.text), **fields)


def new_report() -> Any:
    """An empty mirror_report for one call."""
    return new("mirror_report")


def write_report(report: Any, error: BaseException) -> int:
    """Says in a mirror_report of the library's what went wrong in Python; returns the code."""
    code = int(error.code) if isinstance(error, MirrorError) else int(Code.BACKEND)
    if report:
        said = str(error) if isinstance(error, MirrorError) else f"{type(error).__name__}: {error}"
        room = ctypes.sizeof(report.contents) - type(report.contents).text.offset - 1
        report.contents.code = code
        report.contents.text = said.encode("utf-8", "replace")[:room]
    return code
