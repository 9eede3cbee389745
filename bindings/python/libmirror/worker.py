"""Workers: threads of the library that run a tap."""

from __future__ import annotations

import ctypes
import threading
from typing import Any, Callable, Optional

from . import _calls
from ._library import lib, new, octets, types
from ._native import Handle, Native
from .constants import Code
from .errors import MirrorError, from_report, new_report


class Worker(Handle):
    """A thread that runs a tap; made by `Tap.start`. Any thread. Closing it stops it."""

    def __init__(
        self, tap: Native, give_back: Callable[[], None], cpu: Optional[int], name: Optional[str]
    ) -> None:
        self._stopped = threading.Event()
        self._give_back = give_back
        self._status = Code.OK
        self._report = new_report()
        pointer = ctypes.POINTER(types.mirror_worker)()
        options = new("mirror_worker_options")
        if cpu is not None:
            options.cpu = cpu
        if name is not None:
            options.name = octets(name)
        with tap as options.tap:
            _calls.call(
                lib.mirror_worker_start, ctypes.byref(options), ctypes.byref(pointer)
            )
            self._native = Native("worker", pointer, self._stop, [tap])

    def _stop(self, pointer: Any) -> None:
        try:
            self._status = lib.mirror_worker_stop(
                ctypes.byref(pointer), ctypes.byref(self._report)
            )
        finally:
            self._give_back()
            self._stopped.set()

    def stop(self) -> bool:
        """Ends the run. True: its input had ended; False: this ended it, or `Tap.interrupt`. Raises
        what the input failed with. A second call gives the same answer."""
        self.close()
        self._stopped.wait()
        if self._status not in (Code.OK, Code.INTERRUPTED):
            raise from_report(self._report, self._status)
        return bool(self._status == Code.OK)

    def fileno(self) -> int:
        """A descriptor that polls readable when the run has ended."""
        descriptor = ctypes.c_int32()
        with self._native as pointer:
            _calls.check(lib.mirror_worker_descriptor(pointer, ctypes.byref(descriptor)))
        return descriptor.value

    @property
    def drops(self) -> Optional[int]:
        """As `Input.drops`, while the worker has the input."""
        packets = ctypes.c_uint64()
        with self._native as pointer:
            status = lib.mirror_worker_drops(pointer, ctypes.byref(packets))
        if status == Code.UNSUPPORTED:
            return None
        _calls.check(status)
        return packets.value

    @property
    def output_error(self) -> Optional[MirrorError]:
        """As `Tap.output_error`, while the worker has the tap."""
        report = new_report()
        with self._native as pointer:
            status = lib.mirror_worker_output_status(pointer, ctypes.byref(report))
        return from_report(report, status) if status else None
