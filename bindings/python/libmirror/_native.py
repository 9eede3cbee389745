"""Who owns what: handles of the library are released once, and children before their parents.

A `Native` counts its users: the Python object that it belongs to, the natives made from it, and
calls that are running. The last one to go releases it. So the garbage collector may find objects
in any order, `close` may be called while another thread is inside the library, and an output is
never closed under a tap.
"""

from __future__ import annotations

import atexit
import threading
import weakref
from typing import Any, Callable, Iterable, List, Optional, Type, TypeVar

from . import _callbacks

_lock = threading.RLock()  # of all counts; the library is never called under it
_living: "weakref.WeakSet[Native]" = weakref.WeakSet()
_Self = TypeVar("_Self", bound="Handle")


class Native:
    """A handle of the library, its release function, and what must outlive it."""

    def __init__(
        self,
        what: str,
        pointer: Any,
        release: Callable[[Any], None],
        parents: Iterable["Native"] = (),
        pins: Iterable[Any] = (),
    ) -> None:
        self.what = what
        self.pins: List[Any] = list(pins)  # callbacks and memory that the library points to
        self._pointer = pointer
        self._release = release
        self._parents: List[Native] = []
        self._users = 1
        self._owned = True
        try:
            for parent in parents:
                parent._take()
                self._parents.append(parent)
        except ValueError:  # closed meanwhile by another thread
            self.close()
            raise
        _living.add(self)

    @property
    def closed(self) -> bool:
        """Whether its owner has let go."""
        return not self._owned

    def and_then(self, action: Callable[[], None]) -> None:
        """`action` is done when it has been released."""
        release = self._release

        def both(pointer: Any) -> None:
            try:
                release(pointer)
            finally:
                action()

        self._release = both

    def close(self) -> None:
        """Its owner lets go; a second time is nothing."""
        with _lock:
            owned, self._owned = self._owned, False
        if owned:
            self._drop()

    def __enter__(self) -> Any:
        """The pointer, valid until __exit__ whatever other threads do."""
        self._take()
        return self._pointer

    def __exit__(self, *exception: object) -> None:
        self._drop()

    def _take(self) -> None:
        with _lock:
            if not self._owned:
                raise ValueError(f"the {self.what} is closed")
            self._users += 1

    def _drop(self) -> None:
        with _lock:
            self._users -= 1
            last = self._users == 0
        if last:
            _callbacks.outside(self._end)

    def _end(self) -> None:
        try:
            _callbacks.apart(lambda: self._release(self._pointer))
        finally:
            self.pins.clear()
            for parent in self._parents:
                parent._drop()


@atexit.register
def _close_all() -> None:
    """Outputs are flushed when the program ends."""
    for native in list(_living):
        native.close()


class Handle:
    """A Python object around a handle: a context manager, closed by `close` or garbage collection.

    Closing is final for this object at once; the library's part of it goes when nothing made from
    it is left.
    """

    _native: Native

    def close(self) -> None:
        """Ends the use of this object; a second call does nothing."""
        self._native.close()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._native.closed

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Any
    ) -> None:
        self.close()

    def __del__(self) -> None:
        native = getattr(self, "_native", None)
        if native is not None:
            native.close()
