"""Functions that C calls: nothing that they raise is lost, and nothing is released inside them.

ctypes would print an exception and go on. Here it is kept for the thread, and raised by the call
that led to it (`raise_kept`, from `_calls.check`).
"""

from __future__ import annotations

import logging
import threading
from typing import Any, Callable, List, Tuple

from ._library import callbacks

Refuse = Callable[[BaseException, Tuple[Any, ...]], Any]

logger = logging.getLogger("libmirror")


class _Thread(threading.local):
    def __init__(self) -> None:
        self.kept: List[BaseException] = []
        self.locked = 0  # callbacks running now under the lock of a context
        self.waiting: List[Callable[[], None]] = []  # what is to be done after them


_thread = _Thread()


def raise_kept() -> None:
    """Raises what callbacks raised since the last time; a second one is logged."""
    while _thread.waiting and not _thread.locked:
        _thread.waiting.pop()()
    if not _thread.kept:
        return
    first, *others = _thread.kept
    _thread.kept = []
    for other in others:
        logger.error("one more exception in a callback", exc_info=other)
    raise first


def outside(action: Callable[[], None]) -> None:
    """Does `action` now, or after a callback that must not call the library."""
    if _thread.locked:
        _thread.waiting.append(action)
    else:
        action()


def answering(value: Any) -> Refuse:
    """What a callback that raises an exception answers: always the same."""
    return lambda error, arguments: value


def guarded(
    kind: str, function: Callable[..., Any], refuse: Refuse, always: bool = False
) -> Any:
    """A callback of the declaration table: `function`, or `refuse` when it raises.

    After an exception in the same call of the library it is not called again, unless `always`.
    """

    def call(*arguments: Any) -> Any:
        before, _thread.kept = _thread.kept, []
        try:
            return refuse(before[0], arguments) if before and not always else function(*arguments)
        except BaseException as error:
            _thread.kept.append(error)
            return refuse(error, arguments)
        finally:
            _thread.kept = before + _thread.kept

    return getattr(callbacks, kind)(call)


def locked(kind: str, function: Callable[..., Any], answer: Any = None) -> Any:
    """The same for callbacks that must not call their context: visitors, errors, log lines.
    `answer` is theirs when they raise."""

    def call(*arguments: Any) -> Any:
        _thread.locked += 1
        try:
            return function(*arguments)
        finally:
            _thread.locked -= 1

    return guarded(kind, call, answering(answer))


def apart(action: Callable[[], None]) -> None:
    """Does `action` and raises what its callbacks raise, not what was kept before."""
    before, _thread.kept = _thread.kept, []
    try:
        action()
        raise_kept()
    finally:
        _thread.kept = before + _thread.kept
