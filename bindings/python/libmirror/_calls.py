"""Calling the library: a status that is not MIRROR_OK becomes an exception."""

from __future__ import annotations

import ctypes
from typing import Any

from . import _callbacks
from .errors import from_report, from_status, new_report


def check(status: int, what: str = "") -> None:
    """For functions without a report. `what` begins the sentence."""
    _callbacks.raise_kept()
    if status:
        error = from_status(status)
        raise from_status(status, f"{what}: {error.text}") if what else error


def call(function: Any, *arguments: Any) -> None:
    """Calls a function whose last parameter is a report."""
    status, report = attempt(function, *arguments)
    if status:
        raise from_report(report, status)


def attempt(function: Any, *arguments: Any) -> Any:
    """The same, but returns (status, report)."""
    report = new_report()
    status = function(*arguments, ctypes.byref(report))
    _callbacks.raise_kept()
    return status, report
